/* SPDX-License-Identifier: Apache-2.0 */
#include "http/message.h"
#include "sbs/token.h"
#include "json/flat_lookup.h"

/* In the order of sbs_oauth_error. RFC 6749 section 5.2; temporarily_unavailable (section 4.1.2.1) is seen from token
 * endpoints too. */
static const char names[] = "invalid_request\0invalid_client\0invalid_grant\0unauthorized_client\0"
                            "unsupported_grant_type\0invalid_scope\0temporarily_unavailable\0";

const char *sbs_oauth_error_name(sbs_oauth_error error) {
    const char *name = names;

    if (error == SBS_OAUTH_NONE) {
        return "";
    }

    for (unsigned place = SBS_OAUTH_INVALID_REQUEST; place != (unsigned)error && *name != '\0'; place++) {
        name += strlen(name) + 1;
    }
    if (*name == '\0') {
        return "other";
    }

    return name;
}

static sbs_oauth_error oauth_identify(const sbs_flat *doc, sbs_json_node error) {
    unsigned place = sbs_flat_lookup_place(doc, error, names);

    if (place == 0) {
        return SBS_OAUTH_OTHER;
    }
    return (sbs_oauth_error)place;
}

static sbs_json_node oauth_string_member(const sbs_flat *doc, const char *name) {
    sbs_json_node node = sbs_flat_lookup(doc, 0, name);

    if (sbs_flat_kind(doc, node) != SBS_JSON_STRING) {
        return SBS_JSON_NONE;
    }
    return node;
}

sbs_status sbs_oauth_error_read(const sbs_flat *doc, sbs_oauth_error *out_error, char *out_text, size_t size) {
    sbs_message message;
    sbs_json_node error = oauth_string_member(doc, "error");
    sbs_json_node uri = oauth_string_member(doc, "error_uri");
    sbs_json_node description = oauth_string_member(doc, "error_description");

    sbs_message_init(&message, out_text, size);
    *out_error = SBS_OAUTH_NONE;
    if (error == SBS_JSON_NONE && uri == SBS_JSON_NONE) {
        return SBS_ERR_NOT_FOUND;
    }

    /* Some servers only give an address where it is explained. */
    if (description == SBS_JSON_NONE) {
        description = uri;
    }

    *out_error = oauth_identify(doc, error);
    sbs_message_put(&message, "", doc, error);
    sbs_message_put(&message, ": ", doc, description);
    return SBS_OK;
}

sbs_status sbs_oauth_error_parse(const char *text, size_t len, sbs_oauth_error *out_error, char *out_text,
                                 size_t size) {
    sbs_flat doc;
    sbs_message message;

    sbs_message_init(&message, out_text, size);
    *out_error = SBS_OAUTH_NONE;
    if (sbs_flat_parse(&doc, text, len) != SBS_OK) {
        return SBS_ERR_NOT_FOUND;
    }
    return sbs_oauth_error_read(&doc, out_error, out_text, size);
}
