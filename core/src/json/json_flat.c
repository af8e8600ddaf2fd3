/* SPDX-License-Identifier: Apache-2.0 */
/* A value is found by reading once more what stands before it: the grammar that checked the document passes over it. */
#include "sbs/flat.h"

#include "json/flat_lookup.h"
#include "json/json_grammar.h"
#include "json/json_string.h"

sbs_status sbs_flat_parse(sbs_flat *doc, const char *text, size_t len) {
    size_t start;
    size_t where;
    sbs_status status = sbs_json_check(text, len, &start, &where);

    *doc = (sbs_flat){text + start, len - start};
    return status;
}

sbs_json_node sbs_flat_of(sbs_flat *doc, const sbs_json *tree, sbs_json_node node) {
    *doc = (sbs_flat){tree->text, tree->len};
    if (node >= tree->count) {
        return SBS_JSON_NONE;
    }

    size_t at = (size_t)(sbs_json_raw(tree, node).ptr - tree->text);
    if (sbs_json_kind_of(tree, node) == SBS_JSON_STRING) {
        at--; /* its quote */
    }

    return at;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

/* The end of the text is taken for the bracket that ends what is read. */
static char flat_peek(const sbs_flat *doc, size_t at) {
    if (at >= doc->len) {
        return ']';
    }
    return doc->text[at];
}

/* Where the blanks at @p at end. */
static size_t flat_pass_space(const sbs_flat *doc, size_t at) {
    return at + sbs_json_space(doc->text + at, doc->len - at);
}

/* Where the value at @p node ends. What is none, as in a text that was changed, ends all. */
static size_t flat_end(const sbs_flat *doc, sbs_json_node node) {
    size_t len;
    if (node >= doc->len || sbs_json_scan(doc->text + node, doc->len - node, &len) != SBS_OK) {
        return doc->len;
    }
    return node + len;
}

/* What comes at @p at, behind a bracket or a value: an element, or the value of a member whose name it tells. */
static sbs_json_node flat_item(const sbs_flat *doc, size_t at, sbs_json_node *out_name) {
    at = flat_pass_space(doc, at);
    if (flat_peek(doc, at) == ',') {
        at = flat_pass_space(doc, at + 1);
    }

    *out_name = SBS_JSON_NONE;
    char first = flat_peek(doc, at);
    if (first == ']' || first == '}') {
        return SBS_JSON_NONE;
    }

    /* Only a name has a colon behind it. */
    if (first == '"') {
        size_t end = flat_pass_space(doc, flat_end(doc, at));
        if (flat_peek(doc, end) == ':') {
            *out_name = at;
            at = flat_pass_space(doc, end + 1);
        }
    }

    return at;
}

sbs_json_node sbs_flat_first(const sbs_flat *doc, sbs_json_node container) {
    sbs_json_kind kind = sbs_flat_kind(doc, container);
    sbs_json_node name;
    if (kind != SBS_JSON_OBJECT && kind != SBS_JSON_ARRAY) {
        return SBS_JSON_NONE;
    }
    return flat_item(doc, container + 1, &name);
}

sbs_json_node sbs_flat_next(const sbs_flat *doc, sbs_json_node node) {
    sbs_json_node name;
    return flat_item(doc, flat_end(doc, node), &name);
}

sbs_status sbs_flat_member(const sbs_flat *doc, sbs_json_node object, const char *name, sbs_json_node *out_node) {
    sbs_json_node found = SBS_JSON_NONE;
    sbs_json_node own_name;
    sbs_text wanted = sbs_text_of(name);
    *out_node = SBS_JSON_NONE;
    if (sbs_flat_kind(doc, object) != SBS_JSON_OBJECT) {
        return SBS_ERR_JSON_TYPE;
    }

    sbs_json_node at = flat_item(doc, object + 1, &own_name);
    for (; at != SBS_JSON_NONE; at = flat_item(doc, flat_end(doc, at), &own_name)) {
        if (!sbs_flat_is(doc, own_name, wanted)) {
            continue;
        }

        /* Which of two would count differs between readers: neither does here. */
        if (found != SBS_JSON_NONE) {
            return SBS_ERR_DUPLICATE;
        }
        found = at;
    }

    *out_node = found;
    if (found == SBS_JSON_NONE) {
        return SBS_ERR_NOT_FOUND;
    }

    return SBS_OK;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

sbs_json_kind sbs_flat_kind(const sbs_flat *doc, sbs_json_node node) {
    if (node >= doc->len) {
        return SBS_JSON_NULL;
    }

    switch (doc->text[node]) {
    case '{':
        return SBS_JSON_OBJECT;
    case '[':
        return SBS_JSON_ARRAY;
    case '"':
        return SBS_JSON_STRING;
    case 't':
        return SBS_JSON_TRUE;
    case 'f':
        return SBS_JSON_FALSE;
    case 'n':
        return SBS_JSON_NULL;
    default:
        return SBS_JSON_NUMBER;
    }
}

sbs_text sbs_flat_raw(const sbs_flat *doc, sbs_json_node node) {
    size_t end = flat_end(doc, node);
    if (node >= end) {
        return (sbs_text){NULL, 0};
    }

    if (sbs_flat_kind(doc, node) == SBS_JSON_STRING) {
        node++;
        end--;
    }

    return (sbs_text){doc->text + node, end - node};
}

bool sbs_flat_is(const sbs_flat *doc, sbs_json_node node, sbs_text text) {
    return sbs_flat_kind(doc, node) == SBS_JSON_STRING && sbs_json_unescaped_is(sbs_flat_raw(doc, node), text);
}

sbs_status sbs_flat_text(const sbs_flat *doc, sbs_json_node node, char *out, size_t size, size_t *out_len) {
    *out_len = 0;
    if (sbs_flat_kind(doc, node) != SBS_JSON_STRING) {
        return SBS_ERR_JSON_TYPE;
    }
    return sbs_json_unescape(sbs_flat_raw(doc, node), out, size, out_len);
}

/* ---- lookups ----------------------------------------------------------------------------------------------------- */

sbs_json_node sbs_flat_lookup(const sbs_flat *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;
    if (sbs_flat_member(doc, object, name, &node) != SBS_OK) {
        return SBS_JSON_NONE;
    }
    return node;
}

sbs_status sbs_flat_lookup_value(const sbs_flat *doc, const char *name, sbs_json_node *out_node) {
    sbs_status status = sbs_flat_member(doc, 0, name, out_node);
    if (status == SBS_OK && sbs_flat_kind(doc, *out_node) == SBS_JSON_NULL) {
        return SBS_ERR_NOT_FOUND;
    }
    return status;
}

bool sbs_flat_lookup_is(const sbs_flat *doc, sbs_json_node object, const char *name, const char *value) {
    return sbs_flat_is(doc, sbs_flat_lookup(doc, object, name), sbs_text_of(value));
}

unsigned sbs_flat_lookup_place(const sbs_flat *doc, sbs_json_node node, const char *words) {
    for (unsigned place = 1; *words != '\0'; place++) {
        sbs_text word = sbs_text_of(words);
        if (sbs_flat_is(doc, node, word)) {
            return place;
        }
        words += word.len + 1;
    }

    return 0;
}

sbs_json_node sbs_flat_lookup_first(const sbs_flat *doc, sbs_json_node object, const char *name) {
    sbs_json_node node = sbs_flat_lookup(doc, object, name);
    if (sbs_flat_kind(doc, node) != SBS_JSON_ARRAY) {
        return SBS_JSON_NONE;
    }
    return sbs_flat_first(doc, node);
}
