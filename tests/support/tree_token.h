/* SPDX-License-Identifier: Apache-2.0 */
/* Token answers read over a tree of jsmn's tokens, as the client once did: the reader that needs no tree is compared
 * with it. What is judged of a value, and not how it is found, is the client's own. */
#ifndef TREE_TOKEN_H
#define TREE_TOKEN_H

#include "../../core/src/smart/token.c"

/* One that is null is missing. */
static inline sbs_status tree_token_find(const sbs_json *doc, const char *name, sbs_json_node *out_node) {
    sbs_status status = sbs_json_member(doc, 0, name, out_node);
    if (status == SBS_OK && sbs_json_kind_of(doc, *out_node) == SBS_JSON_NULL) {
        return SBS_ERR_NOT_FOUND;
    }
    return status;
}

static inline sbs_status tree_token_string(const sbs_json *doc, char *text, const char *name, sbs_text *out) {
    sbs_json_node node;
    sbs_status status = tree_token_find(doc, name, &node);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_json_text_in_place(doc, node, text, out);
}

static inline sbs_status tree_token_lifetime(const sbs_json *doc, char *text, sbs_token *token) {
    sbs_json_node node;
    sbs_status status = tree_token_find(doc, "expires_in", &node);
    token->expires_in = SBS_TOKEN_EXPIRES_DEFAULT;
    if (status != SBS_OK) {
        return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
    }
    sbs_text value = sbs_json_raw(doc, node);
    if (sbs_json_kind_of(doc, node) != SBS_JSON_NUMBER) {
        status = sbs_json_text_in_place(doc, node, text, &value);
        if (status != SBS_OK) {
            return status;
        }
    }
    token->has_expires_in = true;
    return token_parse_seconds(value, &token->expires_in) && token->expires_in != 0 ? SBS_OK : SBS_ERR_FORMAT;
}

static inline sbs_status tree_token_members(const sbs_json *doc, char *text, sbs_token *token, const char **member) {
    sbs_text type;
    *member = "access_token";
    sbs_status status = tree_token_string(doc, text, *member, &token->access_token);
    if (status == SBS_OK && !token_is_b64token(token->access_token)) {
        status = SBS_ERR_FORMAT;
    }
    if (status == SBS_OK) {
        *member = "token_type";
        status = tree_token_string(doc, text, *member, &type);
        if (status == SBS_OK && !sbs_ascii_is_nocase(type, "bearer")) {
            status = SBS_ERR_FORMAT;
        }
    }
    if (status == SBS_OK) {
        *member = "expires_in";
        status = tree_token_lifetime(doc, text, token);
    }
    if (status != SBS_OK) {
        return status;
    }
    *member = "scope";
    status = tree_token_string(doc, text, *member, &token->scope);
    if (status == SBS_OK && !sbs_scope_list_is_legible(token->scope)) {
        return SBS_ERR_FORMAT;
    }
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* As sbs_token_parse. */
static inline sbs_status tree_token_parse(char *text, size_t len, sbs_json_token *tokens, size_t capacity,
                                          sbs_token *out_token, const char **out_member) {
    sbs_json doc;
    sbs_json_node error;
    sbs_token token = {0};
    *out_token = token;
    *out_member = NULL;
    sbs_status status = sbs_json_parse(&doc, text, len, tokens, capacity, NULL);
    if (status != SBS_OK) {
        return status;
    }
    status = tree_token_find(&doc, "error", &error);
    if (status != SBS_ERR_NOT_FOUND) {
        return status == SBS_OK ? SBS_ERR_OAUTH : status;
    }
    status = tree_token_members(&doc, text, &token, out_member);
    if (status == SBS_OK) {
        *out_member = NULL;
        *out_token = token;
    }
    return status == SBS_ERR_NOT_FOUND || status == SBS_ERR_FORMAT ? SBS_ERR_RESPONSE : status;
}

/* True if both readers say the same of @p text. @p tokens: enough for it. */
static inline bool tree_token_is_twin(const char *text, size_t len, sbs_json_token *tokens, size_t capacity) {
    char *a = malloc(len + 1);
    char *b = malloc(len + 1);
    memcpy(a, text, len);
    memcpy(b, text, len);
    sbs_token by_tree;
    sbs_token found;
    const char *a_member;
    const char *b_member;
    sbs_status status = tree_token_parse(a, len, tokens, capacity, &by_tree, &a_member);
    bool same = sbs_token_parse(b, len, &found, &b_member) == status && (a_member == NULL) == (b_member == NULL) &&
                (a_member == NULL || strcmp(a_member, b_member) == 0) &&
                sbs_text_equal(by_tree.access_token, found.access_token) &&
                sbs_text_equal(by_tree.scope, found.scope) &&
                (by_tree.scope.ptr == NULL) == (found.scope.ptr == NULL) && by_tree.expires_in == found.expires_in &&
                by_tree.has_expires_in == found.has_expires_in;
    /* Nothing was unescaped that the other one left as it was. */
    same = same && memcmp(a, b, len) == 0;
    free(a);
    free(b);
    return same;
}

#endif
