/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"
#include "message.h"
#include "sbs/token.h"

/* RFC 6749 section 5.2; temporarily_unavailable (section 4.1.2.1) is seen from token endpoints too. */
static const char *const names[] = {
    [SBS_OAUTH_NONE] = "",
    [SBS_OAUTH_INVALID_REQUEST] = "invalid_request",
    [SBS_OAUTH_INVALID_CLIENT] = "invalid_client",
    [SBS_OAUTH_INVALID_GRANT] = "invalid_grant",
    [SBS_OAUTH_UNAUTHORIZED_CLIENT] = "unauthorized_client",
    [SBS_OAUTH_UNSUPPORTED_GRANT_TYPE] = "unsupported_grant_type",
    [SBS_OAUTH_INVALID_SCOPE] = "invalid_scope",
    [SBS_OAUTH_TEMPORARILY_UNAVAILABLE] = "temporarily_unavailable",
    [SBS_OAUTH_OTHER] = "other",
};

const char *sbs_oauth_error_name(sbs_oauth_error error) {
    size_t index = (size_t)error;
    return names[index < sizeof names / sizeof names[0] ? index : (size_t)SBS_OAUTH_OTHER];
}

static sbs_oauth_error identify(const sbs_json *doc, sbs_json_node error) {
    for (size_t i = SBS_OAUTH_INVALID_REQUEST; i < SBS_OAUTH_OTHER; i++) {
        if (sbs_json_equals(doc, error, names[i])) {
            return (sbs_oauth_error)i;
        }
    }
    return SBS_OAUTH_OTHER;
}

static sbs_json_node string_member(const sbs_json *doc, const char *name) {
    sbs_json_node node = sbs_lookup(doc, 0, name);
    if (node != SBS_JSON_NONE && sbs_json_kind_of(doc, node) != SBS_JSON_STRING) {
        return SBS_JSON_NONE;
    }
    return node;
}

sbs_status sbs_oauth_error_read(const sbs_json *doc, sbs_oauth_error *out_error, char *out_text, size_t size) {
    sbs_message message;
    sbs_json_node error = string_member(doc, "error");
    sbs_json_node uri = string_member(doc, "error_uri");
    sbs_json_node description = string_member(doc, "error_description");
    sbs_message_init(&message, out_text, size);
    *out_error = SBS_OAUTH_NONE;
    if (error == SBS_JSON_NONE && uri == SBS_JSON_NONE) {
        return SBS_ERR_NOT_FOUND;
    }
    *out_error = identify(doc, error);
    sbs_message_put(&message, "", doc, error);
    sbs_message_put(&message, ": ", doc, description != SBS_JSON_NONE ? description : uri);
    return SBS_OK;
}

sbs_status sbs_oauth_error_parse(const char *text, size_t len, sbs_json_token *tokens, size_t capacity,
                                 sbs_oauth_error *out_error, char *out_text, size_t size) {
    sbs_json doc;
    sbs_message message;
    sbs_message_init(&message, out_text, size);
    *out_error = SBS_OAUTH_NONE;
    if (sbs_json_parse(&doc, text, len, tokens, capacity, NULL) != SBS_OK) {
        return SBS_ERR_NOT_FOUND;
    }
    return sbs_oauth_error_read(&doc, out_error, out_text, size);
}
