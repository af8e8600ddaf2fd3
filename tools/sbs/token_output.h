/* SPDX-License-Identifier: Apache-2.0 */
/** @file token_output.h How a token is printed. */
#ifndef SBS_CLI_TOKEN_OUTPUT_H
#define SBS_CLI_TOKEN_OUTPUT_H

#include "sbs/text.h"

/** Prints the JSON object of a token; without `scope` if it is absent. Returns an exit status. */
int cli_put_token(sbs_text access_token, uint64_t expires_in, sbs_text scope);

#endif
