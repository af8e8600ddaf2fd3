/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/confirm.h"

#include "ascii.h"
#include "lookup.h"

sbs_location_fit sbs_location_judge(sbs_text location, const sbs_written *written, sbs_text *out_id) {
    sbs_text type;
    sbs_text id;
    *out_id = (sbs_text){NULL, 0};
    if (location.len == 0) {
        return SBS_LOCATION_NONE;
    }

    if (sbs_location_parse(location, &type, &id) != SBS_OK || !sbs_text_equal(type, written->type)) {
        return SBS_LOCATION_OTHER;
    }
    if (written->id.ptr != NULL && !sbs_text_equal(id, written->id)) {
        return SBS_LOCATION_OTHER;
    }
    *out_id = id;
    return SBS_LOCATION_FITS;
}

static bool has_error(const sbs_json *doc, sbs_json_node outcome) {
    sbs_json_node issue = sbs_lookup_first(doc, outcome, "issue");
    while (issue != SBS_JSON_NONE && !sbs_outcome_is_error(doc, issue)) {
        issue = sbs_json_next(doc, issue);
    }
    return issue != SBS_JSON_NONE;
}

/* An identifier among those of @p resource: system and value as asked for, in one of them. */
static bool has_identifier(const sbs_json *doc, sbs_json_node resource, const sbs_written *written) {
    sbs_json_node identifier = sbs_lookup_first(doc, resource, "identifier");
    for (; identifier != SBS_JSON_NONE; identifier = sbs_json_next(doc, identifier)) {
        bool same = sbs_json_is(doc, sbs_lookup(doc, identifier, "value"), written->value);
        if (same &&
            (written->system.ptr == NULL || sbs_json_is(doc, sbs_lookup(doc, identifier, "system"), written->system))) {
            return true;
        }
    }
    return false;
}

static sbs_status judge_resource(const sbs_written *written, const sbs_json *doc, sbs_json_node resource,
                                 const char **out_why) {
    if (!sbs_json_is(doc, sbs_lookup(doc, resource, "resourceType"), written->type)) {
        *out_why = "the body is not what was written";
        return SBS_ERR_RESPONSE;
    }

    sbs_json_node id = sbs_lookup(doc, resource, "id");
    if (written->id.ptr != NULL && id != SBS_JSON_NONE && !sbs_json_is(doc, id, written->id)) {
        *out_why = "the body is another resource";
        return SBS_ERR_RESPONSE;
    }

    if (written->value.ptr != NULL && !has_identifier(doc, resource, written)) {
        *out_why = "the server found a resource with another identifier";
        return SBS_ERR_AMBIGUOUS;
    }
    return SBS_OK;
}

static sbs_status judge_json(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    const sbs_json *doc = answered->doc;
    bool is_outcome = sbs_lookup_is(doc, answered->resource, "resourceType", "OperationOutcome");
    if (has_error(doc, answered->outcome) || (is_outcome && has_error(doc, answered->resource))) {
        return SBS_ERR_RESPONSE;
    }
    if (answered->resource == SBS_JSON_NONE || is_outcome) {
        return SBS_OK;
    }
    return judge_resource(written, doc, answered->resource, out_why);
}

static sbs_status judge(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    if (answered->status == 201) {
        return SBS_OK;
    }
    if (answered->status != 200 && answered->status != 204) {
        *out_why = "this status does not say that it is stored";
        return SBS_ERR_RESPONSE;
    }
    if (answered->location == SBS_LOCATION_OTHER) {
        *out_why = "the Location names another resource";
        return SBS_ERR_RESPONSE;
    }

    switch (answered->body) {
    case SBS_BODY_NONE:
        return SBS_OK;
    case SBS_BODY_JSON:
        return judge_json(written, answered, out_why);
    case SBS_BODY_UNREAD:
        if (answered->location == SBS_LOCATION_FITS) {
            return SBS_OK;
        }
        *out_why = "the body cannot be read, and no Location confirms it";
        return SBS_ERR_RESPONSE;
    default:
        *out_why = "the body is no FHIR resource";
        return SBS_ERR_RESPONSE;
    }
}

sbs_status sbs_confirm(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    const char *why = "";
    sbs_status status = judge(written, answered, &why);
    if (out_why != NULL) {
        *out_why = why;
    }
    return status;
}
