/* SPDX-License-Identifier: Apache-2.0 */
#include "items.h"

#include <stdio.h>
#include <string.h>

#include "io.h"
#include "json_input.h"
#include "message.h"

#define FILE_MAX (256u << 20)

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

static int read_file(const char *command, const char *path, cli_items_take take, void *ctx, int *out_code) {
    cli_buffer file = {0};
    cli_items items;
    sbs_text item;
    size_t line;
    size_t count = 0;
    int code = cli_read_file(path, command, FILE_MAX, &file);
    if (code != CLI_DONE) {
        *out_code = *out_code == CLI_DONE ? code : *out_code;
        return cli_signal() == 0 ? CLI_DONE : code;
    }
    cli_items_init(&items, cli_buffer_text(&file));
    for (; code == CLI_DONE && cli_items_next(&items, &item, &line); count++) {
        code = take(ctx, item, path, line);
    }
    if (code == CLI_DONE) {
        code = take(ctx, (sbs_text){NULL, 0}, path, 0);
    }
    if (code == CLI_DONE && count == 0) {
        int empty = cli_fail(CLI_INPUT, "%s: %s: no resource in it, give JSON or NDJSON", command, path);
        *out_code = *out_code == CLI_DONE ? empty : *out_code;
    }
    cli_buffer_free(&file);
    return code;
}

int cli_items_read(const char *command, const cli_operands *files, cli_items_take take, void *ctx, int *out_code) {
    int code = CLI_DONE;
    for (size_t i = 0; i < files->count && code == CLI_DONE; i++) {
        code = read_file(command, files->items[i], take, ctx, out_code);
    }
    return code;
}

void cli_items_reason(const char *fault, sbs_text item, size_t line, size_t fault_at, char *out, size_t size) {
    size_t column = 1;
    if (strcmp(fault, sbs_status_text(SBS_ERR_JSON)) != 0) {
        (void)snprintf(out, size, "%s", fault);
        return;
    }
    for (size_t i = 0; i < fault_at && i < item.len; i++) {
        bool next = item.ptr[i] == '\n';
        line += next;
        column = next ? 1 : column + 1;
    }
    (void)snprintf(out, size, "%s (line %zu, byte %zu)", fault, line, column);
}
