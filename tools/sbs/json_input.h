/* SPDX-License-Identifier: Apache-2.0 */
/** @file json_input.h JSON texts of any size: the reader's memory is allocated to measure. */
#ifndef SBS_CLI_JSON_INPUT_H
#define SBS_CLI_JSON_INPUT_H

#include "sbs/forward_buffer.h"

typedef sbs_forward_json cli_json;

/** Allocates enough tokens for @p text, whatever is in it. False if there is no memory. */
static inline bool cli_json_reserve(cli_json *json, sbs_text text) {
    return sbs_forward_json_reserve(json, text);
}

/** Reserves and parses. @p out_where as sbs_json_parse. Errors of sbs_json_parse, SBS_ERR_MEMORY. */
static inline sbs_status cli_json_parse(cli_json *json, sbs_text text, size_t *out_where) {
    return sbs_forward_json_parse(json, text, out_where);
}

/** Where the byte @p at of @p text stands, both from 1 on; columns count bytes. */
void cli_json_where(sbs_text text, size_t at, size_t *out_line, size_t *out_column);

/** True if @p text is one JSON value. */
bool cli_is_json(sbs_text text);

/** Why @p text, which is not valid JSON from the byte @p fault_at on, is not UTF-8, and what to do; NULL if it is. */
const char *cli_json_encoding_fault(sbs_text text, size_t fault_at);

/** True if @p text begins as UTF-16 does: with its mark, or with a character of ASCII. */
bool cli_is_utf16(sbs_text text);

/** Frees the tokens. Legal after zero-initialisation, and twice. */
static inline void cli_json_free(cli_json *json) {
    sbs_forward_json_free(json);
}

#endif
