/* SPDX-License-Identifier: Apache-2.0 */
#include "json_input.h"

#include <string.h>

#define CHARACTER_MAX 4u /* bytes of one in UTF-8 */

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
    sbs_json json;

    /* The grammar is looked at first; that there are no tokens for the tree is said of a good text only. */
    return sbs_json_parse(&json, text.ptr, text.len, NULL, 0, NULL) == SBS_ERR_TOKENS;
}

bool cli_is_utf16(sbs_text text) {
    if (text.len < 2) {
        return false;
    }
    if (memcmp(text.ptr, "\xFF\xFE", 2) == 0 || memcmp(text.ptr, "\xFE\xFF", 2) == 0) {
        return true;
    }

    /* Zeros alone are what a file system leaves after a power cut. */
    return (text.ptr[0] == '\0') != (text.ptr[1] == '\0');
}

/* True if a character of UTF-8 stands at a place: then it is the content of a valid JSON string. */
static bool is_character_at(sbs_text text, size_t at) {
    char string[CHARACTER_MAX + 2] = "\"";

    for (size_t len = 1; len <= CHARACTER_MAX && at + len <= text.len; len++) {
        string[len] = text.ptr[at + len - 1];
        string[len + 1] = '"';
        if (cli_is_json((sbs_text){string, len + 2})) {
            return true;
        }
    }

    return false;
}

const char *cli_json_encoding_fault(sbs_text text, size_t fault_at) {
    if (cli_is_utf16(text)) {
        return "UTF-16: save it as UTF-8";
    }

    bool beyond_ascii = fault_at < text.len && ((unsigned char)text.ptr[fault_at] & 0x80) != 0;
    if (beyond_ascii && !is_character_at(text, fault_at)) {
        return "not UTF-8: save it as UTF-8";
    }

    return NULL;
}
