/* SPDX-License-Identifier: Apache-2.0 */
#include "items.h"

#include <string.h>

#include "json_input.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static sbs_text trim(sbs_text text) {
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return text;
}

/* Takes the next line that is not blank. */
static bool next_line(cli_items *items, sbs_text *out_item, size_t *out_line) {
    while (items->rest.len > 0) {
        const char *end = memchr(items->rest.ptr, '\n', items->rest.len);
        size_t len = end == NULL ? items->rest.len : (size_t)(end - items->rest.ptr) + 1;
        *out_item = trim((sbs_text){items->rest.ptr, len});
        *out_line = items->line++;
        items->rest = (sbs_text){items->rest.ptr + len, items->rest.len - len};
        if (out_item->len > 0) {
            return true;
        }
    }
    return false;
}

/* A whole value in the first line cannot be the start of a longer one. A text that is not valid as a whole counts as
 * NDJSON if several of its lines begin as an object does: one damaged line then costs one item only. */
static bool is_ndjson(sbs_text text) {
    cli_items lines = {.rest = text, .line = 1};
    sbs_text line;
    size_t number;
    size_t starts = 0;
    if (!next_line(&lines, &line, &number) || cli_is_json(line)) {
        return true;
    }
    if (cli_is_json(text)) {
        return false;
    }
    lines = (cli_items){.rest = text, .line = 1};
    while (next_line(&lines, &line, &number)) {
        bool at_column_0 = line.ptr == text.ptr || line.ptr[-1] == '\n';
        starts += at_column_0 && line.ptr[0] == '{';
    }
    return starts > 1;
}

void cli_items_init(cli_items *items, sbs_text text) {
    *items = (cli_items){.rest = text, .line = 1, .lines = is_ndjson(text)};
}

bool cli_items_next(cli_items *items, sbs_text *out_item, size_t *out_line) {
    if (items->lines) {
        return next_line(items, out_item, out_line);
    }
    *out_item = trim(items->rest);
    *out_line = 1;
    items->rest.len = 0;
    return out_item->len > 0;
}
