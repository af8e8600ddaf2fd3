/* SPDX-License-Identifier: Apache-2.0 */
#include "ascii.h"
#include "lookup.h"
#include "sbs/outcome.h"

sbs_status sbs_bundle_first(const sbs_json *doc, sbs_json_node *out_node) {
    sbs_json_node entries = sbs_lookup(doc, 0, "entry");
    *out_node = SBS_JSON_NONE;
    if (!sbs_lookup_is(doc, 0, "resourceType", "Bundle") ||
        (!sbs_lookup_is(doc, 0, "type", "batch-response") && !sbs_lookup_is(doc, 0, "type", "transaction-response"))) {
        return SBS_ERR_RESPONSE;
    }
    if (entries == SBS_JSON_NONE) {
        return SBS_OK;
    }
    if (sbs_json_kind_of(doc, entries) != SBS_JSON_ARRAY) {
        return SBS_ERR_RESPONSE;
    }
    *out_node = sbs_json_first(doc, entries);
    return SBS_OK;
}

/* The status code that begins "201 Created"; 0 if there is none. */
static unsigned status_code(sbs_text text) {
    unsigned code = 0;
    if (text.len < 3 || (text.len > 3 && text.ptr[3] != ' ')) {
        return 0;
    }
    for (size_t i = 0; i < 3; i++) {
        if (!sbs_ascii_is_digit(text.ptr[i])) {
            return 0;
        }
        code = code * 10 + (unsigned)(text.ptr[i] - '0');
    }
    return code;
}

static sbs_text string_of(const sbs_json *doc, sbs_json_node node) {
    if (node == SBS_JSON_NONE || sbs_json_kind_of(doc, node) != SBS_JSON_STRING) {
        return (sbs_text){NULL, 0};
    }
    return sbs_json_raw(doc, node);
}

sbs_status sbs_bundle_entry_read(const sbs_json *doc, sbs_json_node node, sbs_bundle_entry *out) {
    sbs_json_node response = sbs_lookup(doc, node, "response");
    if (response == SBS_JSON_NONE || sbs_json_kind_of(doc, response) != SBS_JSON_OBJECT) {
        return SBS_ERR_RESPONSE;
    }
    out->status = status_code(string_of(doc, sbs_lookup(doc, response, "status")));
    out->location = string_of(doc, sbs_lookup(doc, response, "location"));
    out->outcome = sbs_lookup(doc, response, "outcome");
    return SBS_OK;
}
