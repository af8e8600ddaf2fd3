/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/observation.h"

#include "text/ascii.h"

enum { DATE_LEN = 10, DATETIME_SIZE = 32 };

/* A text in a static object, whose initialisers are constants. */
#define LITERAL(text)                                                                                                  \
    { (text), sizeof(text) - 1 }

/* The profile that R4 applies by this category (vitalsigns.html). */
static const sbs_coding vital_signs = {
    .system = LITERAL(SBS_SYSTEM_CATEGORY),
    .code = LITERAL("vital-signs"),
};

/* True if @p wanted is among the codings, whatever their displays. */
static bool codings_have(const sbs_coding *codings, size_t count, const sbs_coding *wanted) {
    for (; count > 0; count--, codings++) {
        if (sbs_text_equal(codings->code, wanted->code) && sbs_text_equal(codings->system, wanted->system)) {
            return true;
        }
    }
    return false;
}

/* The codes of R4's vital-signs table, and the one beside 2708-6 that the same profile demands. */
bool sbs_observation_is_vital_sign(const sbs_coding *codes, size_t count) {
    static const char signs[] = "85353-1\0009279-1\0008867-4\0002708-6\00059408-5\0008310-5\0008302-2\0009843-4\000"
                                "29463-7\00039156-5\00085354-9\0008480-6\0008462-4\0008478-0\0";
    for (; count > 0; count--, codes++) {
        if (sbs_ascii_is(codes->system, SBS_SYSTEM_LOINC) && sbs_ascii_place(codes->code, signs, false) != 0) {
            return true;
        }
    }

    return false;
}

static bool observation_is_vital(const sbs_observation *observation) {
    return codings_have(observation->categories, observation->category_count, &vital_signs);
}

static void observation_require(sbs_json_writer *json, bool holds) {
    if (!holds) {
        sbs_writer_fail(json->out, SBS_ERR_ARGUMENT);
    }
}

static void observation_require_form(sbs_json_writer *json, bool holds) {
    if (!holds) {
        sbs_writer_fail(json->out, SBS_ERR_FORMAT);
    }
}

/* ---- elements, in the order of the resource's definition -------------------- */

static void observation_put_status(sbs_json_writer *json, const sbs_observation *observation) {
    static const char codes[] = "registered\0preliminary\0final\0amended\0corrected\0cancelled\0entered-in-error\0"
                                "unknown\0";
    sbs_text status = observation->status;
    if (status.ptr == NULL) {
        status = SBS_TEXT("final");
    }

    sbs_fhir_put_code_of(json, "status", status, codes);
}

/* A clock that reads the epoch was never set; and R4 has no time of day without zone. */
static bool observation_has_time(const sbs_observation *observation) {
    return observation->effective_utc_s != SBS_UTC_UNKNOWN && observation->effective_utc_s != 0 &&
           observation->zone_minutes != SBS_ZONE_UNKNOWN;
}

/* vs-1: a time at least to the day. */
static bool observation_has_day(const sbs_observation *observation) {
    if (observation->effective.ptr == NULL) {
        return observation_has_time(observation);
    }
    return observation->effective.len >= DATE_LEN;
}

/* R4 demands the category of whatever has a vital sign's code. Without subject or time the profile cannot hold, and the
 * measurement goes as it is rather than not at all. */
static bool observation_lacks_category(const sbs_observation *observation) {
    return !observation_is_vital(observation) && observation->subject.ptr != NULL && observation_has_day(observation) &&
           sbs_observation_is_vital_sign(observation->codes, observation->code_count);
}

static void observation_put_categories(sbs_json_writer *json, const sbs_observation *observation) {
    bool lacking = observation_lacks_category(observation);
    if (observation->category_count == 0 && !lacking) {
        return;
    }

    sbs_fhir_begin_list(json, "category");

    /* What is demanded stands first. */
    if (lacking) {
        sbs_fhir_put_concept(json, NULL, &vital_signs, 1);
    }

    const sbs_coding *category = observation->categories;
    for (size_t left = observation->category_count; left > 0; left--, category++) {
        observation_require(json, category->system.ptr != NULL);
        sbs_fhir_put_concept(json, NULL, category, 1);
    }

    sbs_json_end_array(json);
}

static void observation_put_subject(sbs_json_writer *json, const sbs_observation *observation) {
    observation_require(json, observation->subject.ptr != NULL || !observation_is_vital(observation));
    sbs_fhir_put_reference_member(json, "subject", observation->subject);
}

static void observation_put_effective(sbs_json_writer *json, const sbs_observation *observation) {
    char buffer[DATETIME_SIZE];
    sbs_text effective = observation->effective;
    if (effective.ptr != NULL) {
        observation_require_form(json, sbs_date_is_fhir_datetime(effective));
    } else if (observation_has_time(observation)) {
        sbs_writer writer;
        sbs_writer_init(&writer, buffer, sizeof buffer);
        sbs_date_put(&writer, observation->effective_utc_s, observation->effective_ms, observation->zone_minutes);
        effective.ptr = buffer;
        sbs_writer_fail(json->out, sbs_writer_finish(&writer, &effective.len));
    }

    observation_require(json, effective.len >= DATE_LEN || !observation_is_vital(observation)); /* vs-1 */
    sbs_json_member_text(json, "effectiveDateTime", effective);
}

static void observation_put_performers(sbs_json_writer *json, const sbs_observation *observation) {
    if (observation->performer_count == 0) {
        return;
    }

    sbs_fhir_begin_list(json, "performer");
    const sbs_text *performer = observation->performers;
    for (size_t left = observation->performer_count; left > 0; left--, performer++) {
        sbs_fhir_put_reference(json, *performer);
    }

    sbs_json_end_array(json);
}

static bool component_shares_code(const sbs_observation *observation, const sbs_component *component) {
    const sbs_coding *code = component->codes;
    for (size_t left = component->code_count; left > 0; left--, code++) {
        if (codings_have(observation->codes, observation->code_count, code)) {
            return true;
        }
    }

    return false;
}

/* obs-6 holds by the shape of sbs_value; obs-7: no value beside a component with the same code. */
static void observation_put_value(sbs_json_writer *json, const sbs_observation *observation) {
    sbs_value_kind kind = observation->value.kind;

    /* obs-6 */
    observation_require(json, kind != SBS_VALUE_NONE || observation->component_count > 0);

    /* obs-7 */
    if (kind != SBS_VALUE_NONE && kind != SBS_VALUE_ABSENT) {
        const sbs_component *component = observation->components;
        for (size_t left = observation->component_count; left > 0; left--, component++) {
            observation_require(json, !component_shares_code(observation, component));
        }
    }

    sbs_fhir_put_value(json, &observation->value);
}

static void observation_put_components(sbs_json_writer *json, const sbs_observation *observation) {
    if (observation->component_count == 0) {
        return;
    }

    sbs_fhir_begin_list(json, "component");
    const sbs_component *component = observation->components;
    for (size_t left = observation->component_count; left > 0; left--, component++) {
        observation_require(json, component->value.kind != SBS_VALUE_NONE);
        sbs_json_begin_object(json);
        sbs_fhir_put_concept(json, "code", component->codes, component->code_count);
        sbs_fhir_put_value(json, &component->value);
        sbs_json_end_object(json);
    }

    sbs_json_end_array(json);
}

/* ---- the resource -------------------- */

/* Keeps the name of the first element after which there is an error. */
static void observation_check(const sbs_writer *out, const char *element, const char **fault) {
    if (*fault == NULL && out->error != SBS_OK && out->error != SBS_ERR_BUFFER) {
        *fault = element;
    }
}

/* Calls instead of a table of functions, so that the depth of the stack can be computed. */
static const char *observation_put_elements(sbs_json_writer *json, const sbs_observation *observation) {
    const char *fault = NULL;
    sbs_fhir_begin_resource(json, "Observation", observation->id);
    observation_check(json->out, "id", &fault);
    if (observation->demo) {
        sbs_fhir_put_demo_mark(json);
    }

    sbs_fhir_put_identifier(json, observation->identifier_system, observation->identifier_value);
    observation_check(json->out, "identifier", &fault);

    observation_put_status(json, observation);
    observation_check(json->out, "status", &fault);
    observation_put_categories(json, observation);
    observation_check(json->out, "category", &fault);
    sbs_fhir_put_concept(json, "code", observation->codes, observation->code_count);
    observation_check(json->out, "code", &fault);

    observation_put_subject(json, observation);
    observation_check(json->out, "subject", &fault);
    observation_put_effective(json, observation);
    observation_check(json->out, "effective", &fault);
    observation_put_performers(json, observation);
    observation_check(json->out, "performer", &fault);

    observation_put_value(json, observation);
    observation_check(json->out, "value", &fault);
    sbs_fhir_put_reference_member(json, "device", observation->device);
    observation_check(json->out, "device", &fault);
    observation_put_components(json, observation);
    observation_check(json->out, "component", &fault);

    return fault;
}

sbs_status sbs_observation_put(sbs_writer *out, const sbs_observation *observation, const char **out_fault) {
    bool good = out->error == SBS_OK;
    sbs_json_writer json;
    sbs_json_writer_init(&json, out);
    const char *fault = observation_put_elements(&json, observation);

    sbs_json_end_object(&json);

    /* What was wrong before is no fault of an element. */
    if (out_fault != NULL) {
        *out_fault = good ? fault : NULL;
    }

    return sbs_json_writer_finish(&json, NULL);
}
