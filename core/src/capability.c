/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"
#include "sbs/outcome.h"

/* The first object of the array member @p list of @p object whose member @p name is the string @p value. */
static sbs_json_node find(const sbs_json *doc, sbs_json_node object, const char *list, const char *name,
                          const char *value) {
    sbs_json_node node = sbs_lookup_first(doc, object, list);
    while (node != SBS_JSON_NONE && !sbs_lookup_is(doc, node, name, value)) {
        node = sbs_json_next(doc, node);
    }
    return node;
}

static bool has_interaction(const sbs_json *doc, sbs_json_node object, const char *code) {
    return find(doc, object, "interaction", "code", code) != SBS_JSON_NONE;
}

sbs_status sbs_capability_read(const sbs_json *doc, const char *type, sbs_capability *out) {
    sbs_json_node rest = find(doc, 0, "rest", "mode", "server");
    sbs_json_node resource = find(doc, rest, "resource", "type", type);
    if (!sbs_lookup_is(doc, 0, "resourceType", "CapabilityStatement") || rest == SBS_JSON_NONE) {
        return SBS_ERR_RESPONSE;
    }
    out->batch = has_interaction(doc, rest, "batch");
    out->transaction = has_interaction(doc, rest, "transaction");
    out->create = has_interaction(doc, resource, "create");
    out->update = has_interaction(doc, resource, "update");
    out->update_create = sbs_lookup_true(doc, resource, "updateCreate");
    out->conditional_create = sbs_lookup_true(doc, resource, "conditionalCreate");
    return SBS_OK;
}
