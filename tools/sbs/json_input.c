/* SPDX-License-Identifier: Apache-2.0 */
#include "json_input.h"

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
