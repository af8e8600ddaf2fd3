/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/scope.h"

#include "sbs/outcome.h"
#include "text/ascii.h"

/* ---- scope tokens (RFC 6749 appendix A.4) -------------------- */

/* NQCHAR: printable ASCII without space, '"' and '\'. */
static bool scope_is_char(char c) {
    return c > 0x20 && c <= 0x7E && c != '"' && c != '\\';
}

static size_t scope_token_length(sbs_text text) {
    size_t len = 0;
    while (len < text.len && scope_is_char(text.ptr[len])) {
        len++;
    }
    return len;
}

static void scope_skip(sbs_text *text, size_t len) {
    if (len > 0) { /* an absent text has no pointer to move */
        text->ptr += len;
        text->len -= len;
    }
}

bool sbs_scope_list_is_valid(sbs_text text) {
    size_t len = scope_token_length(text);
    if (text.len == 0) {
        return true;
    }

    while (len > 0 && len < text.len && text.ptr[len] == ' ') {
        scope_skip(&text, len + 1);
        len = scope_token_length(text);
    }

    return len > 0 && len == text.len;
}

bool sbs_scope_list_is_legible(sbs_text text) {
    while (text.len > 0 && (*text.ptr == ' ' || scope_is_char(*text.ptr))) {
        scope_skip(&text, 1);
    }
    return text.len == 0;
}

bool sbs_scope_next(sbs_text *list, sbs_text *out_token) {
    while (list->len > 0 && *list->ptr == ' ') {
        scope_skip(list, 1);
    }
    *out_token = (sbs_text){list->ptr, sbs_ascii_find(*list, ' ')};
    scope_skip(list, out_token->len);
    return out_token->len > 0;
}

/* ---- SMART scopes -------------------- */

/* Takes the text before the first @p end off @p text; everything if there is none. True if @p end was found. */
static bool scope_take_until(sbs_text *text, char end, sbs_text *out) {
    size_t len = sbs_ascii_find(*text, end);
    bool found = len < text->len;
    *out = (sbs_text){text->ptr, len};
    scope_skip(text, len + found);
    return found;
}

/* SMART v2: letters of "cruds" in this order, at least one; 0 if it is something else. */
static uint8_t scope_letters(sbs_text text) {
    static const char order[] = "cruds";
    uint8_t permissions = 0;
    size_t at = 0;

    for (size_t i = 0; i < 5 && at < text.len; i++) {
        if (text.ptr[at] == order[i]) {
            permissions |= (uint8_t)(1u << i);
            at++;
        }
    }

    /* Another letter, or one out of order. */
    if (at != text.len) {
        return 0;
    }

    return permissions;
}

/* SMART v1 names or v2 letters; v1 has no query. */
static uint8_t scope_permissions_of(sbs_text text, bool has_query) {
    static const uint8_t of_name[] = {
        0,
        SBS_SCOPE_READ | SBS_SCOPE_SEARCH,
        SBS_SCOPE_CREATE | SBS_SCOPE_UPDATE | SBS_SCOPE_DELETE,
        SBS_SCOPE_CREATE | SBS_SCOPE_READ | SBS_SCOPE_UPDATE | SBS_SCOPE_DELETE | SBS_SCOPE_SEARCH,
    };

    unsigned name = sbs_ascii_place(text, "read\0write\0*\0", false);
    if (name == 0 || has_query) {
        return scope_letters(text);
    }

    return of_name[name];
}

/* param=value: the search syntax itself is the server's business. */
static bool scope_is_query(sbs_text query) {
    sbs_text name;
    return scope_take_until(&query, '=', &name) && name.len > 0;
}

static bool scope_is_context(sbs_text text) {
    return sbs_ascii_place(text, "system\0user\0patient\0", false) != 0;
}

static bool scope_is_type(sbs_text text) {
    return sbs_ascii_is(text, "*") || sbs_fhir_type_is_valid(text);
}

sbs_status sbs_scope_parse(sbs_text token, sbs_scope *out_scope) {
    sbs_scope scope = {0};
    sbs_text rest = token;
    sbs_text access;
    bool has_query;

    if (scope_token_length(token) != token.len || !scope_take_until(&rest, '/', &scope.context) ||
        !scope_take_until(&rest, '.', &scope.type)) {
        return SBS_ERR_FORMAT;
    }

    /* What a query restricts is no right to the whole type. */
    has_query = scope_take_until(&rest, '?', &access);
    scope.permissions = scope_permissions_of(access, has_query);
    if (scope.permissions == 0 || !scope_is_context(scope.context) || !scope_is_type(scope.type)) {
        return SBS_ERR_FORMAT;
    }
    if (has_query) {
        if (!scope_is_query(rest)) {
            return SBS_ERR_FORMAT;
        }
        scope.query = rest;
    }

    *out_scope = scope;
    return SBS_OK;
}

bool sbs_scope_covers(sbs_text granted, const char *type, uint8_t permissions) {
    uint8_t held = 0;
    sbs_text token;
    sbs_scope scope;

    while (sbs_scope_next(&granted, &token)) {
        if (sbs_scope_parse(token, &scope) == SBS_OK && sbs_ascii_is(scope.context, "system") &&
            (sbs_ascii_is(scope.type, "*") || sbs_ascii_is(scope.type, type))) {
            held |= scope.permissions;
        }
    }

    return (held & permissions) == permissions;
}
