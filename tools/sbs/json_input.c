/* SPDX-License-Identifier: Apache-2.0 */
#include "json_input.h"

#include <stdlib.h>

/* Before each value and each member name stands one of these, except before the root. */
static size_t token_bound(sbs_text text) {
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        count += c == '{' || c == '[' || c == ',' || c == ':';
    }
    return count;
}

bool cli_json_reserve(cli_json *json, sbs_text text) {
    cli_json_free(json);
    json->capacity = token_bound(text);
    json->tokens = calloc(json->capacity, sizeof *json->tokens);
    return json->tokens != NULL;
}

sbs_status cli_json_parse(cli_json *json, sbs_text text, size_t *out_where) {
    if (!cli_json_reserve(json, text)) {
        return SBS_ERR_MEMORY;
    }
    return sbs_json_parse(&json->doc, text.ptr, text.len, json->tokens, json->capacity, out_where);
}

void cli_json_where(sbs_text text, size_t at, size_t *out_line, size_t *out_column) {
    *out_line = 1;
    *out_column = 1;
    for (size_t i = 0; i < at && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            (*out_line)++;
            *out_column = 0;
        }
        (*out_column)++;
    }
}

bool cli_is_json(sbs_text text) {
    cli_json json = {0};
    bool valid = cli_json_parse(&json, text, NULL) == SBS_OK;
    cli_json_free(&json);
    return valid;
}

void cli_json_free(cli_json *json) {
    free(json->tokens);
    *json = (cli_json){0};
}
