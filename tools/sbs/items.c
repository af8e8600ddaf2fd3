/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr */
#include "items.h"

#include <stdio.h>
#include <string.h>

#include "json_input.h"
#include "message.h"

#define FILE_MAX (256u << 20) /* of one that is no NDJSON, and of a line */
#define PIECE (1u << 20)

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

/* Takes the next line that is not blank off the text. */
static bool next_line(sbs_text *rest, sbs_text *out_item, size_t *line) {
    while (rest->len > 0) {
        const char *end = memchr(rest->ptr, '\n', rest->len);
        size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr) + 1;
        *out_item = trim((sbs_text){rest->ptr, len});
        (*line)++;
        *rest = (sbs_text){rest->ptr + len, rest->len - len};
        if (out_item->len > 0) {
            return true;
        }
    }
    return false;
}

/* A text that is not valid as a whole counts as NDJSON if several of its lines begin as an object does: one damaged
 * line then costs one item only. */
static bool has_objects(sbs_text text) {
    sbs_text rest = text;
    sbs_text line;
    size_t number = 1;
    size_t starts = 0;
    while (next_line(&rest, &line, &number)) {
        bool at_column_0 = line.ptr == text.ptr || line.ptr[-1] == '\n';
        starts += at_column_0 && line.ptr[0] == '{';
    }
    return starts > 1;
}

int cli_items_take_lines(cli_items *items, cli_buffer *data, bool at_end) {
    const char *last = data->len == 0 ? NULL : memrchr(data->data, '\n', data->len);
    size_t whole = at_end ? data->len : last == NULL ? 0 : (size_t)(last - data->data) + 1;
    sbs_text rest = {data->data, whole};
    sbs_text item;
    int code = CLI_DONE;
    while (code == CLI_DONE && next_line(&rest, &item, &items->line)) {
        items->count++;
        code = items->take(items->ctx, item, items->path, items->line - 1);
    }
    code = code == CLI_DONE ? items->take(items->ctx, (sbs_text){NULL, 0}, items->path, 0) : code;
    data->len -= whole;
    if (whole > 0 && data->len > 0) {
        memmove(data->data, data->data + whole, data->len);
    }
    return code;
}

static int take_whole(cli_items *items, cli_buffer *file) {
    sbs_text text = trim(cli_buffer_text(file));
    if (text.len == 0 || (!cli_is_json(text) && has_objects(cli_buffer_text(file)))) {
        return cli_items_take_lines(items, file, true);
    }
    items->count++;
    int code = items->take(items->ctx, text, items->path, 1);
    return code == CLI_DONE ? items->take(items->ctx, (sbs_text){NULL, 0}, items->path, 0) : code;
}

typedef enum form { UNKNOWN, LINES, WHOLE } form;

/* A whole value in the first line cannot be the start of a longer one: then every line is one, and the file need not be
 * held in memory. UNKNOWN: that line is not there yet. */
static form form_of(const cli_buffer *data, bool at_end) {
    sbs_text rest = cli_buffer_text(data);
    sbs_text line;
    size_t number = 1;
    if (!next_line(&rest, &line, &number) || (rest.len == 0 && !at_end && data->data[data->len - 1] != '\n')) {
        return UNKNOWN;
    }
    return cli_is_json(line) ? LINES : WHOLE;
}

/* Returns what `take` did. A fault of reading is told and goes to @p out_fault. */
static int take_file(cli_items *items, const cli_input *input, cli_buffer *data, int *out_fault) {
    form found = UNKNOWN;
    bool end = false;
    int code = CLI_DONE;
    while (code == CLI_DONE && !end) {
        *out_fault = cli_input_fill(input, data, &end);
        if (*out_fault == CLI_DONE && data->len > FILE_MAX) {
            *out_fault =
                cli_fail(CLI_INPUT, "%s %s: too large, %u bytes are the limit", input->what, input->path, FILE_MAX);
        }
        if (*out_fault != CLI_DONE) {
            break;
        }
        found = found == UNKNOWN ? form_of(data, end) : found;
        if (found == LINES) {
            code = cli_items_take_lines(items, data, end);
        } else if (end) {
            code = take_whole(items, data);
        }
    }
    return code;
}

static int read_file(const char *command, cli_items *items, int *out_code) {
    cli_input input;
    cli_buffer data = {0};
    int code = CLI_DONE;
    int fault = cli_input_open(&input, items->path, command);
    if (fault == CLI_DONE) {
        if (cli_buffer_reserve(&data, PIECE)) {
            code = take_file(items, &input, &data, &fault);
        } else {
            fault = cli_fail(CLI_LOCAL, "%s: out of memory, close other programs", command);
        }
        cli_input_close(&input);
        cli_buffer_free(&data);
    }
    if (code == CLI_DONE && fault == CLI_DONE && items->count == 0) {
        fault = cli_fail(CLI_INPUT, "%s: %s: no resource in it, give JSON or NDJSON", command, items->path);
    }
    *out_code = *out_code == CLI_DONE ? fault : *out_code;
    return cli_signal() == 0 || code != CLI_DONE ? code : fault;
}

int cli_items_read(const char *command, const cli_operands *files, cli_items_take take, void *ctx, int *out_code) {
    int code = CLI_DONE;
    for (size_t i = 0; i < files->count && code == CLI_DONE; i++) {
        cli_items items = {.take = take, .ctx = ctx, .path = files->items[i], .line = 1};
        code = read_file(command, &items, out_code);
    }
    return code;
}

/* A line of an indented resource, of which there are several in a file or none that is whole: told once. */
static bool is_piece(sbs_text item) {
    return item.len > 0 && memchr(item.ptr, '\n', item.len) == NULL && strchr("{[,", item.ptr[item.len - 1]) != NULL &&
           item.ptr[item.len - 1] != '\0';
}

static bool hinted;

void cli_items_reason(const char *fault, sbs_text item, size_t line, size_t fault_at, char *out, size_t size) {
    if (strcmp(fault, sbs_status_text(SBS_ERR_JSON)) != 0) {
        (void)snprintf(out, size, "%s", fault);
        return;
    }

    size_t below;
    size_t column;
    cli_json_where(item, fault_at, &below, &column);
    const char *hint = is_piece(item) && !hinted ? ", each line must be one resource, or the file one" : "";
    hinted = hinted || hint[0] != '\0';
    (void)snprintf(out, size, "%s (line %zu, column %zu)%s", fault, line + below - 1, column, hint);
}
