/* SPDX-License-Identifier: Apache-2.0 */
/* What a search found: the matches of a Bundle, page by page. */
#include "sbs/bundle.h"
#include "json/lookup.h"

/* From @p node on, the first entry that holds a match: not what was included beside it, nor an OperationOutcome. */
static sbs_json_node searchset_match_from(const sbs_json *doc, sbs_json_node node, sbs_json_node *out_resource) {
    for (; node != SBS_JSON_NONE; node = sbs_json_next(doc, node)) {
        sbs_json_node search = sbs_lookup(doc, node, "search");
        *out_resource = sbs_lookup(doc, node, "resource");

        /* Servers may leave the mode out; then it is a match unless it is their word about the search. */
        bool match = sbs_lookup(doc, search, "mode") == SBS_JSON_NONE || sbs_lookup_is(doc, search, "mode", "match");
        if (match && sbs_json_kind_of(doc, *out_resource) == SBS_JSON_OBJECT &&
            !sbs_lookup_is(doc, *out_resource, "resourceType", "OperationOutcome")) {
            return node;
        }
    }

    *out_resource = SBS_JSON_NONE;
    return SBS_JSON_NONE;
}

sbs_status sbs_bundle_first_match(const sbs_json *doc, sbs_json_node *out_entry, sbs_json_node *out_resource) {
    sbs_json_node entries = sbs_lookup(doc, 0, "entry");
    *out_entry = *out_resource = SBS_JSON_NONE;
    if (!sbs_lookup_is(doc, 0, "resourceType", "Bundle") || !sbs_lookup_is(doc, 0, "type", "searchset")) {
        return SBS_ERR_RESPONSE;
    }

    if (entries == SBS_JSON_NONE) {
        return SBS_OK;
    }
    if (sbs_json_kind_of(doc, entries) != SBS_JSON_ARRAY) {
        return SBS_ERR_RESPONSE;
    }

    *out_entry = searchset_match_from(doc, sbs_json_first(doc, entries), out_resource);
    return SBS_OK;
}

sbs_json_node sbs_bundle_next_match(const sbs_json *doc, sbs_json_node entry, sbs_json_node *out_resource) {
    return searchset_match_from(doc, sbs_json_next(doc, entry), out_resource);
}

sbs_json_node sbs_bundle_next_page(const sbs_json *doc) {
    sbs_json_node link = sbs_lookup_first(doc, 0, "link");
    for (; link != SBS_JSON_NONE; link = sbs_json_next(doc, link)) {
        if (sbs_lookup_is(doc, link, "relation", "next")) {
            return sbs_lookup(doc, link, "url");
        }
    }

    return SBS_JSON_NONE;
}
