/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/confirm.h"

#include "text/ascii.h"
#include "json/flat_lookup.h"

sbs_location_fit sbs_location_judge(sbs_text location, const sbs_written *written, sbs_text *out_id) {
    sbs_text type;
    sbs_text id;

    *out_id = (sbs_text){NULL, 0};
    if (location.len == 0) {
        return SBS_LOCATION_NONE;
    }

    if (sbs_location_parse(location, &type, &id) != SBS_OK) {
        return SBS_LOCATION_OTHER;
    }
    if ((written->type.ptr != NULL && !sbs_text_equal(type, written->type)) ||
        (written->id.ptr != NULL && !sbs_text_equal(id, written->id))) {
        return SBS_LOCATION_OTHER;
    }

    *out_id = id;
    return SBS_LOCATION_FITS;
}

static bool confirm_member_is(const sbs_flat *doc, sbs_json_node object, const char *name, sbs_text value) {
    return sbs_flat_is(doc, sbs_flat_lookup(doc, object, name), value);
}

static bool confirm_is_identifier(const sbs_flat *doc, sbs_json_node identifier, const sbs_written *written) {
    return confirm_member_is(doc, identifier, "value", written->value) &&
           (written->system.len == 0 || confirm_member_is(doc, identifier, "system", written->system));
}

/* The identifier of @p resource, which some types have one of, or one among its list: system and value as asked for. */
static bool confirm_has_identifier(const sbs_flat *doc, sbs_json_node resource, const sbs_written *written) {
    bool has = confirm_is_identifier(doc, sbs_flat_lookup(doc, resource, "identifier"), written);
    /* Some types have one identifier, most have a list. */
    sbs_json_node identifier = sbs_flat_lookup_first(doc, resource, "identifier");

    for (; identifier != SBS_JSON_NONE && !has; identifier = sbs_flat_next(doc, identifier)) {
        has = confirm_is_identifier(doc, identifier, written);
    }
    return has;
}

static sbs_status confirm_judge_resource(const sbs_written *written, const sbs_flat *doc, sbs_json_node resource,
                                         const char **out_why) {
    bool other_id = written->id.ptr != NULL && sbs_flat_lookup(doc, resource, "id") != SBS_JSON_NONE &&
                    !confirm_member_is(doc, resource, "id", written->id);

    if (other_id || !confirm_member_is(doc, resource, "resourceType", written->type)) {
        *out_why = SBS_CONFIRM_BODY;
        return SBS_ERR_RESPONSE;
    }

    if (written->value.ptr != NULL && !confirm_has_identifier(doc, resource, written)) {
        *out_why = "it has another identifier";
        return SBS_ERR_AMBIGUOUS;
    }
    return SBS_OK;
}

static sbs_status confirm_judge_json(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    const sbs_flat *doc = answered->doc;
    sbs_json_node resource = answered->resource;
    sbs_json_node outcome = answered->outcome;

    if (sbs_flat_lookup_is(doc, resource, "resourceType", "OperationOutcome")) {
        outcome = resource;
        resource = SBS_JSON_NONE;
    }

    if (sbs_outcome_error(doc, outcome) != SBS_JSON_NONE) {
        return SBS_ERR_RESPONSE;
    }
    if (resource == SBS_JSON_NONE) {
        return SBS_OK;
    }

    return confirm_judge_resource(written, doc, resource, out_why);
}

static sbs_status confirm_judge(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    /* A 201 is believed with any body: servers answer it with bodies of their own. */
    if (answered->status == 201) {
        return SBS_OK;
    }

    if (answered->status != 200 && answered->status != 204) {
        *out_why = SBS_CONFIRM_STATUS;
        return SBS_ERR_RESPONSE;
    }
    if (answered->location == SBS_LOCATION_OTHER) {
        *out_why = "its Location is another one";
        return SBS_ERR_RESPONSE;
    }

    if (answered->body == SBS_BODY_JSON) {
        return confirm_judge_json(written, answered, out_why);
    }
    /* A body that could not be read leaves it to the Location. */
    if (answered->body == SBS_BODY_NONE ||
        (answered->body == SBS_BODY_UNREAD && answered->location == SBS_LOCATION_FITS)) {
        return SBS_OK;
    }

    *out_why = SBS_CONFIRM_BODY;
    return SBS_ERR_RESPONSE;
}

sbs_status sbs_confirm(const sbs_written *written, const sbs_answered *answered, const char **out_why) {
    const char *why = "";
    sbs_status status = confirm_judge(written, answered, &why);

    if (out_why != NULL) {
        *out_why = why;
    }
    return status;
}
