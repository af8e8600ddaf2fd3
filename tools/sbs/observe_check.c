/* SPDX-License-Identifier: Apache-2.0 */
#include "observe_check.h"

#include <string.h>

#include "message.h"
#include "sbs/count.h"
#include "sbs/outcome.h"

enum { DATE_LEN = 10 };

/* ---- vital signs ---------------------------------------------------------------------------------------------- */

/* The vital sign that R4's profile holds for: a code of its list, or the first code where the category says so. */
static const sbs_coding *vital_sign(const sbs_observation *observation) {
    for (size_t i = 0; i < observation->code_count; i++) {
        if (sbs_observation_is_vital_sign(&observation->codes[i], 1)) {
            return &observation->codes[i];
        }
    }
    for (size_t i = 0; i < observation->category_count; i++) {
        const sbs_coding *category = &observation->categories[i];
        if (observation->code_count > 0 && sbs_text_equal(category->system, sbs_text_of(SBS_SYSTEM_CATEGORY)) &&
            sbs_text_equal(category->code, sbs_text_of("vital-signs"))) {
            return &observation->codes[0];
        }
    }
    return NULL;
}

static int demand(const sbs_coding *sign, const char *element, const char *why, const char *advice) {
    return cli_fail(CLI_INPUT, "observe: %s: %s, and R4's vital-signs profile demands it of %.*s, give %s", element,
                    why, (int)sign->code.len, sign->code.ptr, advice);
}

int cli_observe_check(const sbs_observation *observation) {
    const sbs_coding *sign = vital_sign(observation);
    sbs_value_kind kind = observation->value.kind;
    bool dated = observation->effective.ptr != NULL || observation->effective_utc_s != SBS_UTC_UNKNOWN;
    if (sign == NULL) {
        return CLI_DONE;
    }

    if (observation->subject.ptr == NULL) {
        return demand(sign, "subject", "missing", "--subject such as Patient/123");
    }
    if (!dated) {
        return demand(sign, "effective", "missing", "--effective with the time, or now");
    }
    if (observation->effective.ptr != NULL && observation->effective.len < DATE_LEN &&
        sbs_date_is_fhir_datetime(observation->effective)) {
        return demand(sign, "effective", "not to the day", "--effective with the day at least, or now");
    }
    if (kind == SBS_VALUE_STRING || kind == SBS_VALUE_CODED) {
        return demand(sign, "value", "no quantity with a unit", "--value and --unit, --component or --absent");
    }
    return CLI_DONE;
}

/* The units that R4's profiles fix for each vital sign. */
static const struct {
    const char *code;
    const char *units; /* between blanks */
} sign_units[] = {
    {"9279-1", " /min "},       {"8867-4", " /min "},      {"2708-6", " % "},         {"59408-5", " % "},
    {"8310-5", " Cel [degF] "}, {"8302-2", " cm [in_i] "}, {"9843-4", " cm [in_i] "}, {"29463-7", " g kg [lb_av] "},
    {"39156-5", " kg/m2 "},     {"8480-6", " mm[Hg] "},    {"8462-4", " mm[Hg] "},    {"8478-0", " mm[Hg] "},
};

static bool has_word(const char *words, sbs_text word) {
    for (const char *at = words + 1; *at != '\0'; at += strcspn(at, " ") + 1) {
        if (sbs_text_equal((sbs_text){at, strcspn(at, " ")}, word)) {
            return true;
        }
    }
    return false;
}

static void warn_unit(const sbs_coding *codes, size_t count, const sbs_value *value) {
    for (size_t i = 0; value->ucum.ptr != NULL && i < count; i++) {
        if (!sbs_observation_is_vital_sign(&codes[i], 1)) {
            continue;
        }
        for (size_t j = 0; j < SBS_COUNT_OF(sign_units); j++) {
            if (sbs_text_equal(codes[i].code, sbs_text_of(sign_units[j].code)) &&
                !has_word(sign_units[j].units, value->ucum)) {
                cli_warn("observe: the unit %.*s is none that R4's profile has for %s: it has%.*s",
                         (int)value->ucum.len, value->ucum.ptr, sign_units[j].code,
                         (int)strlen(sign_units[j].units) - 1, sign_units[j].units);
            }
        }
    }
}

static void warn_units(const sbs_observation *observation) {
    warn_unit(observation->codes, observation->code_count, &observation->value);
    for (size_t i = 0; i < observation->component_count; i++) {
        const sbs_component *component = &observation->components[i];
        warn_unit(component->codes, component->code_count, &component->value);
    }
}

/* ---- references ----------------------------------------------------------------------------------------------- */

static size_t index_of(sbs_text text, char c) {
    const char *at = text.len == 0 ? NULL : memchr(text.ptr, c, text.len);
    return at == NULL ? text.len : (size_t)(at - text.ptr);
}

/* Type/id, with or without _history; Type?search; or anything with a scheme. */
static bool is_reference(sbs_text reference) {
    size_t colon = index_of(reference, ':');
    size_t slash = index_of(reference, '/');
    size_t query = index_of(reference, '?');
    if (colon < reference.len && colon < slash && colon < query) {
        return colon > 0 && colon + 1 < reference.len;
    }
    if (query < reference.len && query < slash) {
        return sbs_fhir_type_is_valid((sbs_text){reference.ptr, query});
    }
    if (slash == reference.len || !sbs_fhir_type_is_valid((sbs_text){reference.ptr, slash})) {
        return false;
    }
    sbs_text id = {reference.ptr + slash + 1, reference.len - slash - 1};
    id.len = index_of(id, '/');
    return sbs_fhir_id_is_valid(id);
}

static void warn_reference(const char *option, sbs_text reference, const char *example) {
    if (reference.ptr != NULL && !is_reference(reference)) {
        cli_warn("observe: --%s: '%.*s' names no resource type, a reference is written as %s", option,
                 (int)reference.len, reference.ptr, example);
    }
}

/* ---- categories ----------------------------------------------------------------------------------------------- */

static void warn_categories(const sbs_observation *observation) {
    static const char known[] =
        " social-history vital-signs imaging laboratory procedure survey exam therapy activity ";
    for (size_t i = 0; i < observation->category_count; i++) {
        const sbs_coding *category = &observation->categories[i];
        if (sbs_text_equal(category->system, sbs_text_of(SBS_SYSTEM_CATEGORY)) && !has_word(known, category->code)) {
            cli_warn("observe: --category: R4's observation-category has no '%.*s', it has%.*s",
                     (int)category->code.len, category->code.ptr, (int)sizeof known - 2, known);
        }
    }
}

/* A blood group holds for ever; a quantity was measured at some time. */
static bool is_measured(const sbs_observation *observation) {
    return observation->value.kind == SBS_VALUE_DECIMAL_TEXT || observation->component_count > 0;
}

void cli_observe_warn(const sbs_observation *observation) {
    if (is_measured(observation) && observation->effective.ptr == NULL &&
        observation->effective_utc_s == SBS_UTC_UNKNOWN) {
        cli_warn("observe: the measurement has no time, give --effective with when it was made, or now");
    }
    warn_reference("subject", observation->subject, "Patient/123");
    warn_reference("device", observation->device, "Device/scale-7");
    for (size_t i = 0; i < observation->performer_count; i++) {
        warn_reference("performer", observation->performers[i], "Practitioner/123");
    }
    warn_categories(observation);
    warn_units(observation);
}
