/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memrchr */
#include "items.h"

#include <stdio.h>
#include <string.h>

#include "json_input.h"
#include "message.h"
#include "signals.h"

#define FILE_MAX (256u << 20) /* of one that is no NDJSON, and of a line */
#define PIECE (1u << 20)
#define PIECES_MANY 3u /* lines that are no resource: what follows will be none either */

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
static bool items_next_line(sbs_text *rest, sbs_text *out_item, size_t *line) {
    while (rest->len > 0) {
        /* The number counts blank lines, too: it is the one that an editor shows. */
        const char *end = memchr(rest->ptr, '\n', rest->len);
        size_t len = rest->len;
        if (end != NULL) {
            len = (size_t)(end - rest->ptr) + 1;
        }

        *out_item = trim((sbs_text){rest->ptr, len});
        (*line)++;
        *rest = (sbs_text){rest->ptr + len, rest->len - len};
        if (out_item->len > 0) {
            return true;
        }
    }

    return false;
}

/* True if a line looks like an object with both its ends. */
static bool is_object_line(sbs_text line) {
    return line.len > 0 && line.ptr[0] == '{' && line.ptr[line.len - 1] == '}';
}

/* What the lines of a text look like. */
typedef struct line_counts {
    size_t starts; /* those at the margin that begin as an object does */
    size_t wholes; /* of these: with both ends */
    size_t inner;  /* all others */
} line_counts;

static line_counts count_lines(sbs_text text) {
    sbs_text rest = text;
    sbs_text line;
    size_t number = 1;
    line_counts counts = {0};

    while (items_next_line(&rest, &line, &number)) {
        /* Members of an indented resource may begin with a brace, but not at the margin. */
        bool at_column_0 = line.ptr == text.ptr || line.ptr[-1] == '\n';
        bool starts = at_column_0 && line.ptr[0] == '{';
        counts.starts += starts;
        counts.wholes += starts && is_object_line(line);
        counts.inner += !starts;
    }

    return counts;
}

/* Resources over several lines each, one behind another: no line of them could be an item. */
static bool is_indented_row(sbs_text text) {
    line_counts counts = count_lines(text);
    return counts.starts > 1 && counts.wholes == 0 && counts.inner >= PIECES_MANY;
}

/* A text that is not valid as a whole counts as NDJSON if several of its lines begin as an object does: one damaged
 * line then costs one item only. */
static bool is_damaged_ndjson(sbs_text text) {
    return count_lines(text).starts > 1 && !is_indented_row(text) && !cli_is_utf16(text);
}

/* Says that the memory of all items that were given is needed. */
static int items_release(cli_items *items) {
    return items->take(items->ctx, (sbs_text){NULL, 0}, items->path, 0);
}

/* How much of the data is made of whole lines. */
static size_t len_of_lines(const cli_buffer *data, bool at_end) {
    if (at_end || data->len == 0) {
        return data->len;
    }

    const char *last = memrchr(data->data, '\n', data->len);
    if (last == NULL) {
        return 0;
    }
    return (size_t)(last - data->data) + 1;
}

int cli_items_take_lines(cli_items *items, cli_buffer *data, bool at_end) {
    size_t whole = len_of_lines(data, at_end);
    sbs_text rest = {data->data, whole};
    sbs_text item;
    int code = CLI_DONE;

    while (code == CLI_DONE && items_next_line(&rest, &item, &items->line)) {
        items->count++;
        code = items->take(items->ctx, item, items->path, items->line - 1);
    }

    if (code == CLI_DONE) {
        code = items_release(items);
    }

    /* What is left is the beginning of the next line. */
    data->len -= whole;
    if (whole > 0 && data->len > 0) {
        memmove(data->data, data->data + whole, data->len);
    }

    return code;
}

static int take_whole(cli_items *items, cli_buffer *file) {
    sbs_text text = trim(cli_buffer_text(file));
    if (text.len == 0 || (!cli_is_json(text) && is_damaged_ndjson(cli_buffer_text(file)))) {
        return cli_items_take_lines(items, file, true);
    }

    items->count++;
    int code = items->take(items->ctx, text, items->path, 1);
    if (code != CLI_DONE) {
        return code;
    }

    return items_release(items);
}

typedef enum form { UNKNOWN, LINES, WHOLE } form;

/* Where the first line is a whole value the file is NDJSON: a value of several lines does not begin with one. Then the
 * file need not be held in memory. UNKNOWN: that line is not there yet. */
static form form_of(const cli_buffer *data, bool at_end) {
    sbs_text rest = cli_buffer_text(data);
    sbs_text line;
    size_t number = 1;

    if (!items_next_line(&rest, &line, &number)) {
        return UNKNOWN;
    }

    /* A line may still go on where the data ends. */
    bool ended = at_end || rest.len > 0 || data->data[data->len - 1] == '\n';
    if (!ended) {
        return UNKNOWN;
    }

    if (cli_is_json(line)) {
        return LINES;
    }

    return WHOLE;
}

/* Reads on. Returns an exit status; on a failure a message was printed. */
static int fill(const cli_input *input, cli_buffer *data, bool *out_end) {
    int fault = cli_input_fill(input, data, out_end);
    if (fault == CLI_DONE && data->len > FILE_MAX) {
        return cli_fail(CLI_INPUT, "%s %s: too large, %u bytes are the limit", input->what, input->path, FILE_MAX);
    }
    return fault;
}

/* Returns what `take` did. A fault of reading is told and goes to @p out_fault. */
static int take_file(cli_items *items, const cli_input *input, cli_buffer *data, int *out_fault) {
    form found = UNKNOWN;
    bool end = false;
    int code = CLI_DONE;

    while (code == CLI_DONE && !end) {
        *out_fault = fill(input, data, &end);
        if (*out_fault != CLI_DONE) {
            break;
        }

        /* Decided once, as soon as the first line is there. */
        if (found == UNKNOWN) {
            found = form_of(data, end);
        }
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
    if (*out_code == CLI_DONE) {
        *out_code = fault;
    }

    /* A fault of one file keeps no other from being read, but a signal does. */
    if (code == CLI_DONE && cli_signal() != 0) {
        return fault;
    }

    return code;
}

int cli_items_read(const char *command, const cli_operands *files, cli_items_take take, void *ctx, int *out_code) {
    int code = CLI_DONE;

    for (size_t i = 0; i < files->count && code == CLI_DONE; i++) {
        cli_items items = {.take = take, .ctx = ctx, .path = files->items[i], .line = 1};
        code = read_file(command, &items, out_code);
    }
    return code;
}

/* True of a line of an indented resource. A file of several such resources, or of a broken one, is read line by line.
 */
static bool is_piece(sbs_text item) {
    if (item.len == 0 || memchr(item.ptr, '\n', item.len) != NULL) {
        return false;
    }

    char last = item.ptr[item.len - 1];
    return last == '{' || last == '[' || last == ',';
}

static bool hinted; /* told once: the next lines of that resource are refused as well */
static bool jq_hinted;
static size_t pieces; /* lines that were refused and are no object */

/* What a person can do who gave resources over several lines; "" if nothing says that he did. */
static const char *layout_hint(sbs_text item) {
    if (is_indented_row(item)) {
        return ", several resources, and none on one line: 'jq -c .' puts each on one";
    }
    if (memchr(item.ptr, '\n', item.len) != NULL) {
        return "";
    }

    /* At the third piece it is clear that this is no damage of a line. */
    pieces += !is_object_line(item);
    if (pieces == PIECES_MANY && !jq_hinted) {
        jq_hinted = true;
        return ", 'jq -c .' puts each resource on one line";
    }
    if (is_piece(item) && !hinted) {
        hinted = true;
        return ", each line must hold one resource, or the whole file one";
    }

    return "";
}

void cli_items_reason(const char *fault, sbs_text item, size_t line, size_t fault_at, char *out, size_t size) {
    if (fault == SBS_FORWARD_NO_OBJECT && trim(item).len > 0 && trim(item).ptr[0] == '[') {
        (void)snprintf(out, size, "an array: one resource a line (jq -c '.[]')");
        return;
    }
    if (strcmp(fault, sbs_status_text(SBS_ERR_JSON)) != 0) {
        (void)snprintf(out, size, "%s", fault);
        return;
    }

    const char *comma = ", ";
    const char *hint = cli_json_encoding_fault(item, fault_at);
    if (hint == NULL) {
        comma = "";
        hint = layout_hint(item);
    }

    size_t below;
    size_t column;
    cli_json_where(item, fault_at, &below, &column);
    (void)snprintf(out, size, "%s (line %zu, column %zu)%s%s", fault, line + below - 1, column, comma, hint);
}

void cli_items_note(const char *command, const sbs_forward_resource *resource) {
    static bool warned;

    /* A person can act on one such sentence, not on one for each item. */
    if (strcmp(resource->type, "Bundle") == 0 && !warned) {
        warned = true;
        cli_warn("%s: a Bundle is pushed as one resource: push what is in it", command);
    }
}
