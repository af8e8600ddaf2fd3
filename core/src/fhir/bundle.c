/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/bundle.h"

#include "text/ascii.h"
#include "json/lookup.h"

sbs_status sbs_bundle_first_answer(const sbs_json *doc, sbs_json_node *out_node) {
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

/* R4 says that the status begins with the three digits of HTTP; servers also write the number, or the phrase alone. */
static unsigned bundle_read_status(sbs_text text) {
    unsigned code = 0;
    size_t digits = 0;
    text = sbs_ascii_trim(text);

    /* Four digits are no status of HTTP. */
    while (digits < text.len && digits < 4 && sbs_ascii_is_digit(text.ptr[digits])) {
        code = code * 10 + (unsigned)(text.ptr[digits++] - '0');
    }

    if (digits == 3 && (text.len == 3 || !sbs_ascii_is_alnum_or(text.ptr[3], ".,_-"))) {
        return code;
    }

    /* The phrase alone. */
    static const uint8_t codes[] = {0, 201, 200, 204};
    return codes[sbs_ascii_place(text, "Created\0OK\0No Content\0", true)];
}

static sbs_text bundle_scalar_of(const sbs_json *doc, sbs_json_node node, bool number) {
    sbs_json_kind kind = sbs_json_kind_of(doc, node);
    if (kind == SBS_JSON_STRING || (number && kind == SBS_JSON_NUMBER)) {
        return sbs_json_raw(doc, node);
    }
    return (sbs_text){NULL, 0};
}

sbs_status sbs_bundle_answer_read(const sbs_json *doc, sbs_json_node node, sbs_bundle_answer *out) {
    sbs_json_node response = sbs_lookup(doc, node, "response");
    if (sbs_json_kind_of(doc, response) != SBS_JSON_OBJECT) {
        return SBS_ERR_RESPONSE;
    }

    out->status = bundle_read_status(bundle_scalar_of(doc, sbs_lookup(doc, response, "status"), true));
    out->place = sbs_lookup(doc, response, "location");
    out->location = bundle_scalar_of(doc, out->place, false);
    out->etag = sbs_lookup(doc, response, "etag");
    out->outcome = sbs_lookup(doc, response, "outcome");
    out->resource = sbs_lookup(doc, node, "resource");

    return SBS_OK;
}
