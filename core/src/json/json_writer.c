/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/json.h"

#include "text/utf8.h"

/* Levels are bits of a uint32_t; level 0 is the root. */
#define DEPTH_MAX 31

static uint32_t json_level_bit(const sbs_json_writer *json) {
    return UINT32_C(1) << json->depth;
}

static bool json_in_array(const sbs_json_writer *json) {
    return (json->is_array & json_level_bit(json)) != 0;
}

static bool json_has_item(const sbs_json_writer *json) {
    return (json->has_item & json_level_bit(json)) != 0;
}

static void json_misuse(sbs_json_writer *json) {
    sbs_writer_fail(json->out, SBS_ERR_STATE);
}

/* The next item, or the bracket behind the last, begins a line. The root does not. */
static void json_put_line(const sbs_json_writer *json) {
    unsigned levels = json->indent;
    if (levels == 0) {
        return;
    }

    sbs_put_char(json->out, '\n');
    for (levels += json->depth; levels > 1; levels--) {
        sbs_put(json->out, "  ", 2);
    }
}

static void json_begin_item(sbs_json_writer *json) {
    if (json_has_item(json)) {
        sbs_put_char(json->out, ',');
    }
    json->has_item |= json_level_bit(json);
    if (json->depth > 0) {
        json_put_line(json);
    }
}

/* A value stands at the root once, after a key, or in an array. */
static void json_begin_value(sbs_json_writer *json) {
    if (json->after_key) {
        json->after_key = false;
    } else if (json_in_array(json) || (json->depth == 0 && !json_has_item(json))) {
        json_begin_item(json);
    } else {
        json_misuse(json);
    }
}

static void json_begin_container(sbs_json_writer *json, bool array) {
    json_begin_value(json);
    if (json->depth == DEPTH_MAX) {
        json_misuse(json);
        return;
    }

    sbs_put_char(json->out, array ? '[' : '{');
    json->depth++;
    /* The new level is empty. */
    json->has_item &= ~json_level_bit(json);
    json->is_array &= ~json_level_bit(json);
    if (array) {
        json->is_array |= json_level_bit(json);
    }
}

static void json_end_container(sbs_json_writer *json, bool array) {
    if (json->depth == 0 || json->after_key || json_in_array(json) != array) {
        json_misuse(json);
        return;
    }

    bool empty = !json_has_item(json);
    json->depth--;
    if (!empty) {
        json_put_line(json);
    }
    sbs_put_char(json->out, array ? ']' : '}');
}

static void json_put_escaped(sbs_writer *out, unsigned char c) {
    static const char short_forms[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    sbs_put_char(out, '\\');
    for (size_t i = 0; short_forms[i] != '\0'; i += 2) {
        if ((unsigned char)short_forms[i] == c) {
            sbs_put_char(out, short_forms[i + 1]);
            return;
        }
    }

    /* A control character without a short form. */
    sbs_put_string(out, c < 0x10 ? "u000" : "u001");
    sbs_put_char(out, sbs_hex_digit(c));
}

static void json_put_quoted(sbs_writer *out, sbs_text text) {
    size_t plain = 0;
    size_t pos = 0;
    sbs_put_char(out, '"');
    while (pos < text.len) {
        unsigned char c = (unsigned char)text.ptr[pos];
        size_t length = sbs_utf8_sequence(text.ptr + pos, text.len - pos);
        if (c == '\0' || length == 0) {
            sbs_writer_fail(out, SBS_ERR_FORMAT);
            return;
        }

        /* What needs no escape is written in one piece with its neighbours. */
        if (c < 0x20 || c == '"' || c == '\\') {
            sbs_put(out, text.ptr + plain, pos - plain);
            json_put_escaped(out, c);
            plain = pos + 1;
        }

        pos += length;
    }

    sbs_put(out, text.ptr + plain, pos - plain);
    sbs_put_char(out, '"');
}

void sbs_json_writer_init(sbs_json_writer *json, sbs_writer *out) {
    json->out = out;
    json->has_item = 0;
    json->is_array = 0;
    json->depth = 0;
    json->indent = 0;
    json->after_key = false;
}

void sbs_json_writer_indent(sbs_json_writer *json, unsigned depth) {
    json->indent = (uint8_t)(depth + 1);
}

void sbs_json_begin_object(sbs_json_writer *json) {
    json_begin_container(json, false);
}

void sbs_json_end_object(sbs_json_writer *json) {
    json_end_container(json, false);
}

void sbs_json_begin_array(sbs_json_writer *json) {
    json_begin_container(json, true);
}

void sbs_json_end_array(sbs_json_writer *json) {
    json_end_container(json, true);
}

void sbs_json_key(sbs_json_writer *json, const char *name) {
    if (json->depth == 0 || json_in_array(json) || json->after_key) {
        json_misuse(json);
        return;
    }

    json_begin_item(json);
    json_put_quoted(json->out, sbs_text_of(name));
    sbs_put_char(json->out, ':');
    if (json->indent > 0) {
        sbs_put_char(json->out, ' ');
    }
    json->after_key = true;
}

void sbs_json_put_text(sbs_json_writer *json, sbs_text text) {
    json_begin_value(json);
    json_put_quoted(json->out, text);
}

void sbs_json_put_string(sbs_json_writer *json, const char *string) {
    sbs_json_put_text(json, sbs_text_of(string));
}

void sbs_json_put_uint(sbs_json_writer *json, uint64_t value) {
    json_begin_value(json);
    sbs_put_uint(json->out, value);
}

void sbs_json_put_int(sbs_json_writer *json, int64_t value) {
    json_begin_value(json);
    sbs_put_int(json->out, value);
}

void sbs_json_put_raw(sbs_json_writer *json, sbs_text text) {
    json_begin_value(json);
    sbs_put_text(json->out, text);
}

void sbs_json_member_text(sbs_json_writer *json, const char *name, sbs_text text) {
    if (text.ptr) {
        sbs_json_key(json, name);
        sbs_json_put_text(json, text);
    }
}

sbs_status sbs_json_writer_finish(sbs_json_writer *json, size_t *out_len) {
    if (json->depth != 0 || !json_has_item(json)) {
        json_misuse(json);
    }
    return sbs_writer_finish(json->out, out_len);
}
