/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/outcome.h"
#include "text/ascii.h"
#include "json/lookup.h"

/* The first object of the array member @p list of @p object whose member @p name is the string @p value. */
static sbs_json_node capability_find(const sbs_json *doc, sbs_json_node object, const char *list, const char *name,
                                     const char *value) {
    sbs_json_node node = sbs_lookup_first(doc, object, list);

    while (node != SBS_JSON_NONE && !sbs_lookup_is(doc, node, name, value)) {
        node = sbs_json_next(doc, node);
    }
    return node;
}

static bool capability_has_interaction(const sbs_json *doc, sbs_json_node object, const char *code) {
    return capability_find(doc, object, "interaction", "code", code) != SBS_JSON_NONE;
}

sbs_status sbs_capability_version(const sbs_json *doc, sbs_text *out_text, unsigned *out_major) {
    *out_text = (sbs_text){NULL, 0};
    *out_major = 0;
    if (!sbs_lookup_is(doc, 0, "resourceType", "CapabilityStatement") &&
        !sbs_lookup_is(doc, 0, "resourceType", "Conformance")) {
        return SBS_ERR_RESPONSE;
    }

    sbs_json_node version = sbs_lookup(doc, 0, "fhirVersion");
    if (version == SBS_JSON_NONE || sbs_json_kind_of(doc, version) != SBS_JSON_STRING) {
        return SBS_OK;
    }

    /* What begins with no number is still told as it stands. */
    uint64_t major = 0;
    *out_text = sbs_json_raw(doc, version);
    if (sbs_text_to_uint((sbs_text){out_text->ptr, sbs_ascii_find(*out_text, '.')}, &major) == SBS_OK) {
        *out_major = (unsigned)major;
    }

    return SBS_OK;
}

sbs_json_node sbs_capability_token_url(const sbs_json *doc) {
    static const char oauth[] = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";
    sbs_json_node security = sbs_lookup(doc, capability_find(doc, 0, "rest", "mode", "server"), "security");
    sbs_json_node uris = capability_find(doc, security, "extension", "url", oauth);
    sbs_json_node url = sbs_lookup(doc, capability_find(doc, uris, "extension", "url", "token"), "valueUri");

    if (url != SBS_JSON_NONE && sbs_json_kind_of(doc, url) != SBS_JSON_STRING) {
        return SBS_JSON_NONE;
    }

    return url;
}

sbs_json_node sbs_capability_first_type(const sbs_json *doc) {
    return sbs_lookup_first(doc, capability_find(doc, 0, "rest", "mode", "server"), "resource");
}

static void capability_read_type(const sbs_json *doc, sbs_json_node type, sbs_capability *out) {
    out->create = capability_has_interaction(doc, type, "create");
    out->update = capability_has_interaction(doc, type, "update");
    out->update_create = sbs_lookup_true(doc, type, "updateCreate");
    out->conditional_create = sbs_lookup_true(doc, type, "conditionalCreate");
}

void sbs_capability_read_type(const sbs_json *doc, sbs_json_node type, sbs_text *out_name, sbs_capability *out) {
    sbs_json_node name = sbs_lookup(doc, type, "type");
    *out_name = (sbs_text){NULL, 0};
    if (name != SBS_JSON_NONE && sbs_json_kind_of(doc, name) == SBS_JSON_STRING) {
        *out_name = sbs_json_raw(doc, name);
    }

    capability_read_type(doc, type, out);
}

sbs_status sbs_capability_read(const sbs_json *doc, const char *type, sbs_capability *out) {
    sbs_json_node rest = capability_find(doc, 0, "rest", "mode", "server");
    sbs_json_node resource = capability_find(doc, rest, "resource", "type", type);

    if (!sbs_lookup_is(doc, 0, "resourceType", "CapabilityStatement") || rest == SBS_JSON_NONE) {
        return SBS_ERR_RESPONSE;
    }

    out->batch = capability_has_interaction(doc, rest, "batch");
    out->transaction = capability_has_interaction(doc, rest, "transaction");
    capability_read_type(doc, resource, out);
    return SBS_OK;
}
