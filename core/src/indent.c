/* SPDX-License-Identifier: Apache-2.0 */
#include "indent.h"

static void indent_put_line(const sbs_indent *indent) {
    sbs_put_char(indent->target, '\n');
    for (unsigned i = 0; i < indent->depth; i++) {
        sbs_put(indent->target, "  ", 2);
    }
}

/* A '"' that no backslash escapes ends the string. */
static void indent_put_in_string(sbs_indent *indent, char c) {
    sbs_put_char(indent->target, c);
    indent->in_string = indent->escaped || c != '"';
    indent->escaped = !indent->escaped && c == '\\';
}

static void indent_put_char(sbs_indent *indent, char c) {
    bool opens = c == '{' || c == '[';
    bool closes = c == '}' || c == ']';
    indent->depth -= closes;

    /* A container that holds something begins and ends with a line; an empty one is written as it is. */
    if (indent->after_open != closes) {
        indent_put_line(indent);
    }

    sbs_put_char(indent->target, c);

    indent->depth += opens;
    indent->after_open = opens;
    indent->in_string = c == '"';
    if (c == ',') {
        indent_put_line(indent);
    } else if (c == ':') {
        sbs_put_char(indent->target, ' ');
    }
}

static sbs_status indent_sink(void *ctx, const char *data, size_t len) {
    sbs_indent *indent = ctx;
    for (size_t i = 0; i < len; i++) {
        if (indent->in_string) {
            indent_put_in_string(indent, data[i]);
        } else {
            indent_put_char(indent, data[i]);
        }
    }

    return SBS_OK;
}

void sbs_indent_init(sbs_indent *indent, sbs_writer *target, unsigned depth, sbs_writer *writer) {
    *indent = (sbs_indent){.target = target, .depth = depth};
    sbs_writer_init_sink(writer, indent_sink, indent);
}
