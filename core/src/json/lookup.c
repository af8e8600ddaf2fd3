/* SPDX-License-Identifier: Apache-2.0 */
#include "json/lookup.h"

sbs_json_node sbs_lookup(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node;

    if (object == SBS_JSON_NONE || sbs_json_member(doc, object, name, &node) != SBS_OK) {
        return SBS_JSON_NONE;
    }
    return node;
}

bool sbs_lookup_is(const sbs_json *doc, sbs_json_node object, const char *name, const char *value) {
    sbs_json_node node = sbs_lookup(doc, object, name);

    return node != SBS_JSON_NONE && sbs_json_equals(doc, node, value);
}

bool sbs_lookup_true(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node = sbs_lookup(doc, object, name);

    return node != SBS_JSON_NONE && sbs_json_kind_of(doc, node) == SBS_JSON_TRUE;
}

sbs_json_node sbs_lookup_first(const sbs_json *doc, sbs_json_node object, const char *name) {
    sbs_json_node node = sbs_lookup(doc, object, name);

    if (node == SBS_JSON_NONE || sbs_json_kind_of(doc, node) != SBS_JSON_ARRAY) {
        return SBS_JSON_NONE;
    }
    return sbs_json_first(doc, node);
}
