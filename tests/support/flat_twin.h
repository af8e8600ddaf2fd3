/* SPDX-License-Identifier: Apache-2.0 */
/* JSON read twice: by the tree that jsmn makes, and where it stands. Both must say the same of everything. */
#ifndef FLAT_TWIN_H
#define FLAT_TWIN_H

#include <stdlib.h>
#include <string.h>

#include "sbs/flat.h"

/* What a string means: status, length and bytes. */
static inline bool flat_twin_text(const sbs_json *tree, sbs_json_node node, const sbs_flat *flat, sbs_json_node place) {
    size_t len = sbs_json_raw(tree, node).len;
    char *a = malloc(len + 1);
    char *b = malloc(len + 1);
    size_t a_len;
    size_t b_len;
    sbs_status status = sbs_json_text(tree, node, a, len, &a_len);
    bool same = sbs_flat_text(flat, place, b, len, &b_len) == status && a_len == b_len && memcmp(a, b, a_len) == 0;
    if (same && status == SBS_OK) {
        same = sbs_flat_is(flat, place, (sbs_text){a, a_len}) && !sbs_flat_is(flat, place, (sbs_text){a, a_len + 1});
        same = same && (a_len == 0 || sbs_flat_text(flat, place, b, a_len - 1, &b_len) == SBS_ERR_BUFFER);
    }
    free(a);
    free(b);
    return same;
}

/* Looks for the member that has the name of @p at, which may stand there twice. */
static inline bool flat_twin_member(const sbs_json *tree, sbs_json_node object, sbs_json_node at, const sbs_flat *flat,
                                    sbs_json_node place) {
    sbs_json_node found;
    sbs_json_node there;
    sbs_flat doc;
    size_t len;
    size_t size = sbs_json_name(tree, at).len + 1;
    char *name = malloc(size);
    bool same = true;
    /* The token of a name is the one before its value. */
    if (sbs_json_text(tree, at - 1, name, size - 1, &len) == SBS_OK) {
        name[len] = '\0';
        sbs_status status = sbs_json_member(tree, object, name, &found);
        same = sbs_flat_member(flat, place, name, &there) == status;
        found = sbs_flat_of(&doc, tree, found);
        same = same && (found == SBS_JSON_NONE ? there == SBS_JSON_NONE : doc.text + found == flat->text + there);
    }
    free(name);
    return same;
}

static inline bool flat_twin_value(const sbs_json *tree, sbs_json_node node, const sbs_flat *flat,
                                   sbs_json_node place) {
    sbs_json_node found;
    sbs_json_kind kind = sbs_json_kind_of(tree, node);
    sbs_text a = sbs_json_raw(tree, node);
    sbs_text b = sbs_flat_raw(flat, place);
    if (sbs_flat_kind(flat, place) != kind || a.ptr != b.ptr || a.len != b.len ||
        !flat_twin_text(tree, node, flat, place) ||
        sbs_flat_member(flat, place, "a", &found) != sbs_json_member(tree, node, "a", &found)) {
        return false;
    }
    sbs_json_node at = sbs_json_first(tree, node);
    sbs_json_node there = sbs_flat_first(flat, place);
    for (; at != SBS_JSON_NONE && there != SBS_JSON_NONE; at = sbs_json_next(tree, at)) {
        if (!flat_twin_value(tree, at, flat, there) ||
            (kind == SBS_JSON_OBJECT && !flat_twin_member(tree, node, at, flat, place))) {
            return false;
        }
        there = sbs_flat_next(flat, there);
    }
    return at == SBS_JSON_NONE && there == SBS_JSON_NONE;
}

/* True if @p text is refused for the same reason, or read alike. @p tokens: enough for it. */
static inline bool flat_is_twin(const char *text, size_t len, sbs_json_token *tokens, size_t capacity) {
    sbs_json tree;
    sbs_flat own;
    sbs_flat whole;
    sbs_status status = sbs_json_parse(&tree, text, len, tokens, capacity, NULL);
    if (sbs_flat_parse(&own, text, len) != status) {
        return false;
    }
    if (status != SBS_OK) {
        return true;
    }
    sbs_json_node root = sbs_flat_of(&whole, &tree, 0);
    return whole.text + root == own.text && sbs_flat_of(&whole, &tree, SBS_JSON_NONE) == SBS_JSON_NONE &&
           flat_twin_value(&tree, 0, &own, 0) && flat_twin_value(&tree, 0, &whole, root);
}

#endif
