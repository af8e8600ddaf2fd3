/* SPDX-License-Identifier: Apache-2.0 */
/** @file json_output.h JSON that came from elsewhere, written so that it changes no terminal. */
#ifndef SBS_CLI_JSON_OUTPUT_H
#define SBS_CLI_JSON_OUTPUT_H

#include "sbs/text.h"

/** Writes valid JSON as it is, with "\u009b" in the place of each character that cli_sanitise() would not show: it
 * means the same to whoever reads the JSON. Bytes that are no UTF-8 become '?'. */
void cli_put_json_visibly(sbs_writer *out, sbs_text json);

#endif
