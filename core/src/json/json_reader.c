/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/json.h"

#include <limits.h>
#include <string.h>

#include "sbs/config.h"
#include "json/json_grammar.h"
#include "json/json_string.h"

/* Everything that jsmn's strict mode would refuse, and more, is refused before jsmn sees it. Its default mode is
 * smaller and takes a number at the very end of the text. Parent links make it linear. */
#define JSMN_STATIC
#define JSMN_PARENT_LINKS
#include SBS_JSMN_HEADER

_Static_assert(sizeof(sbs_json_token) == sizeof(jsmntok_t), "sbs_json_token must hold a token of jsmn");
_Static_assert(_Alignof(sbs_json_token) == _Alignof(jsmntok_t), "sbs_json_token must be aligned for a token of jsmn");

static const jsmntok_t *json_token_at(const sbs_json *doc, sbs_json_node node) {
    return (const jsmntok_t *)doc->tokens + node;
}

sbs_status sbs_json_parse(sbs_json *doc, const char *text, size_t len, sbs_json_token *tokens, size_t capacity,
                          size_t *out_where) {
    jsmn_parser parser;
    size_t start;
    size_t where;
    doc->count = 0;
    if (len > INT32_MAX) {
        return SBS_ERR_TOO_LARGE;
    }

    sbs_status status = sbs_json_check(text, len, &start, &where);
    if (out_where) {
        *out_where = where;
    }

    if (status != SBS_OK) {
        return status;
    }

    /* From here on the text is known to be good, and only the number of tokens can be too small. */
    jsmn_init(&parser);
    parser.pos = (unsigned)start;
    unsigned limit = capacity < INT_MAX ? (unsigned)capacity : INT_MAX;

    /* With no memory at all jsmn would only count. */
    if (limit == 0 || jsmn_parse(&parser, text, len, (jsmntok_t *)tokens, limit) < 0) {
        return SBS_ERR_TOKENS;
    }

    doc->text = text;
    doc->len = len;
    doc->tokens = tokens;
    doc->count = parser.toknext;

    return SBS_OK;
}

sbs_status sbs_json_parse_with(sbs_json *doc, const char *text, size_t len, char *memory, size_t size) {
    size_t start = (0u - (uintptr_t)memory) % _Alignof(sbs_json_token);
    size_t capacity = 0;
    if (start <= size) {
        capacity = (size - start) / sizeof(sbs_json_token);
    }
    return sbs_json_parse(doc, text, len, (sbs_json_token *)(void *)(memory + start), capacity, NULL);
}

sbs_status sbs_json_parse_in(sbs_json *doc, char *buffer, size_t len, size_t size) {
    return sbs_json_parse_with(doc, buffer, len, buffer + len, size - len);
}

static sbs_json_kind json_primitive_kind(char first) {
    switch (first) {
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

sbs_json_kind sbs_json_kind_of(const sbs_json *doc, sbs_json_node node) {
    if (node >= doc->count) {
        return SBS_JSON_NULL;
    }

    switch (json_token_at(doc, node)->type) {
    case JSMN_OBJECT:
        return SBS_JSON_OBJECT;
    case JSMN_ARRAY:
        return SBS_JSON_ARRAY;
    case JSMN_STRING:
        return SBS_JSON_STRING;
    default:
        return json_primitive_kind(doc->text[json_token_at(doc, node)->start]);
    }
}

sbs_text sbs_json_raw(const sbs_json *doc, sbs_json_node node) {
    sbs_text raw = {NULL, 0};
    if (node < doc->count) {
        const jsmntok_t *token = json_token_at(doc, node);
        raw.ptr = doc->text + token->start;
        raw.len = (size_t)(token->end - token->start);
    }

    return raw;
}

/* The token of the name, if the token is a member's value. */
static sbs_json_node json_name_of(const sbs_json *doc, sbs_json_node node) {
    int parent = json_token_at(doc, node)->parent;
    if (parent < 0 || json_token_at(doc, (size_t)parent)->type != JSMN_STRING) {
        return SBS_JSON_NONE;
    }
    return (size_t)parent;
}

sbs_json_node sbs_json_first(const sbs_json *doc, sbs_json_node container) {
    sbs_json_kind kind = sbs_json_kind_of(doc, container);
    if ((kind != SBS_JSON_OBJECT && kind != SBS_JSON_ARRAY) || json_token_at(doc, container)->size == 0) {
        return SBS_JSON_NONE;
    }

    /* In an object the name's token comes first. */
    if (kind == SBS_JSON_OBJECT) {
        container++;
    }

    return container + 1;
}

sbs_json_node sbs_json_next(const sbs_json *doc, sbs_json_node node) {
    if (node >= doc->count) {
        return SBS_JSON_NONE;
    }

    /* A member's value is a child of its name, and the name of the object. */
    sbs_json_node name = json_name_of(doc, node);
    int end = json_token_at(doc, node)->end;
    sbs_json_node own = node;

    if (name != SBS_JSON_NONE) {
        own = name;
    }

    int container = json_token_at(doc, own)->parent;

    /* What stands within the value comes first. */
    do {
        node++;
    } while (node < doc->count && json_token_at(doc, node)->start < end);

    if (node >= doc->count || json_token_at(doc, node)->parent != container) {
        return SBS_JSON_NONE;
    }
    if (name != SBS_JSON_NONE) {
        node++;
    }

    return node;
}

bool sbs_json_is(const sbs_json *doc, sbs_json_node node, sbs_text text) {
    return sbs_json_kind_of(doc, node) == SBS_JSON_STRING && sbs_json_unescaped_is(sbs_json_raw(doc, node), text);
}

bool sbs_json_equals(const sbs_json *doc, sbs_json_node node, const char *string) {
    return sbs_json_is(doc, node, sbs_text_of(string));
}

sbs_text sbs_json_name(const sbs_json *doc, sbs_json_node node) {
    if (node >= doc->count) {
        return (sbs_text){NULL, 0};
    }
    return sbs_json_raw(doc, json_name_of(doc, node));
}

bool sbs_json_name_is(const sbs_json *doc, sbs_json_node node, const char *name) {
    return node < doc->count && sbs_json_equals(doc, json_name_of(doc, node), name);
}

sbs_status sbs_json_member(const sbs_json *doc, sbs_json_node object, const char *name, sbs_json_node *out_node) {
    sbs_json_node found = SBS_JSON_NONE;
    *out_node = SBS_JSON_NONE;
    if (sbs_json_kind_of(doc, object) != SBS_JSON_OBJECT) {
        return SBS_ERR_JSON_TYPE;
    }

    for (sbs_json_node at = sbs_json_first(doc, object); at != SBS_JSON_NONE; at = sbs_json_next(doc, at)) {
        if (!sbs_json_name_is(doc, at, name)) {
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

sbs_status sbs_json_text(const sbs_json *doc, sbs_json_node node, char *out, size_t size, size_t *out_len) {
    *out_len = 0;
    if (sbs_json_kind_of(doc, node) != SBS_JSON_STRING) {
        return SBS_ERR_JSON_TYPE;
    }
    return sbs_json_unescape(sbs_json_raw(doc, node), out, size, out_len);
}

sbs_status sbs_json_text_in_place(const sbs_json *doc, sbs_json_node node, char *text, sbs_text *out) {
    sbs_text raw = sbs_json_raw(doc, node);
    *out = (sbs_text){NULL, 0};
    if (sbs_json_kind_of(doc, node) != SBS_JSON_STRING) {
        return SBS_ERR_JSON_TYPE;
    }
    return sbs_json_unescape_in_place(raw, text + (raw.ptr - doc->text), out);
}
