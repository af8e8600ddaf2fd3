/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a parsed document again without white space, and takes the white space out of its text: two ways to the same
 * bytes if, and only if, the reader's tree is right. */
#ifndef JSON_ECHO_H
#define JSON_ECHO_H

#include <string.h>

#include "sbs/json.h"

static inline void json_echo_put(const sbs_json *doc, sbs_json_node node, sbs_writer *out) {
    sbs_json_kind kind = sbs_json_kind_of(doc, node);
    if (kind == SBS_JSON_STRING) {
        sbs_put_char(out, '"');
    }
    if (kind != SBS_JSON_OBJECT && kind != SBS_JSON_ARRAY) {
        sbs_put_text(out, sbs_json_raw(doc, node));
    }
    if (kind == SBS_JSON_STRING) {
        sbs_put_char(out, '"');
    }
}

/* Recursive, as deep as the reader lets a document be. A member's name is the token before its value. */
static inline void json_echo(const sbs_json *doc, sbs_json_node node, sbs_writer *out) {
    sbs_json_kind kind = sbs_json_kind_of(doc, node);
    json_echo_put(doc, node, out);
    if (kind != SBS_JSON_OBJECT && kind != SBS_JSON_ARRAY) {
        return;
    }
    sbs_put_char(out, kind == SBS_JSON_OBJECT ? '{' : '[');
    sbs_json_node first = sbs_json_first(doc, node);
    for (sbs_json_node at = first; at != SBS_JSON_NONE; at = sbs_json_next(doc, at)) {
        if (at != first) {
            sbs_put_char(out, ',');
        }
        if (kind == SBS_JSON_OBJECT) {
            json_echo_put(doc, at - 1, out);
            sbs_put_char(out, ':');
        }
        json_echo(doc, at, out);
    }
    sbs_put_char(out, kind == SBS_JSON_OBJECT ? '}' : ']');
}

static inline void json_minify(const char *text, size_t len, sbs_writer *out) {
    bool quoted = false;
    size_t mark = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* before the document, not of it */
    for (size_t i = mark; i < len; i++) {
        char c = text[i];
        if (!quoted && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            continue;
        }
        quoted = c == '"' ? !quoted : quoted;
        sbs_put_char(out, c);
        if (quoted && c == '\\' && i + 1 < len) {
            sbs_put_char(out, text[++i]);
        }
    }
}

/* True if the tree of the document says what its text says; @p a and @p b have room for the text each. */
static inline bool json_tree_is_right(const sbs_json *doc, char *a, char *b) {
    sbs_writer echoed;
    sbs_writer minified;
    sbs_writer_init(&echoed, a, doc->len);
    sbs_writer_init(&minified, b, doc->len);
    json_echo(doc, 0, &echoed);
    json_minify(doc->text, doc->len, &minified);
    return echoed.error == SBS_OK && minified.error == SBS_OK && echoed.len == minified.len &&
           memcmp(a, b, echoed.len) == 0;
}

#endif
