/* SPDX-License-Identifier: Apache-2.0 */
/* The status and dead letters as JSON, for the operator's commands. */
#ifndef SBS_GATEWAY_CONTROL_JSON_H
#define SBS_GATEWAY_CONTROL_JSON_H

#include "sbs/forward_buffer.h"
#include "sbs/gateway_status.h"

sbs_status gateway_control_put_status(const sbs_gateway_status *status, sbs_forward_buffer *out);
/** @p content: what it says, in the letter's member "content"; NULL: left out. */
void gateway_control_put_letter(sbs_json_writer *json, const sbs_gateway_letter *letter, const sbs_text *content);

#endif
