/* SPDX-License-Identifier: Apache-2.0 */
#include "observe_check.h"

#include <string.h>

#include "message.h"
#include "sbs/count.h"
#include "sbs/outcome.h"

enum { DATE_LEN = 10 };

/* ---- vital signs ---------------------------------------------------------------------------------------------- */

static bool is_vital_signs(const sbs_coding *category) {
    return sbs_text_equal(category->system, sbs_text_of(SBS_SYSTEM_CATEGORY)) &&
           sbs_text_equal(category->code, sbs_text_of("vital-signs"));
}

/* The code that puts the Observation under R4's vital-signs profile: one of its list, or the first code where the
 * category says vital-signs. NULL: it is not under the profile. */
static const sbs_coding *vital_sign(const sbs_observation *observation) {
    for (size_t i = 0; i < observation->code_count; i++) {
        if (sbs_observation_is_vital_sign(&observation->codes[i], 1)) {
            return &observation->codes[i];
        }
    }

    for (size_t i = 0; i < observation->category_count; i++) {
        if (observation->code_count > 0 && is_vital_signs(&observation->categories[i])) {
            return &observation->codes[0];
        }
    }

    return NULL;
}

static int vital_sign_require(const sbs_coding *sign, const char *element, const char *why, const char *advice) {
    return cli_fail(CLI_INPUT, "observe: %s: %s, but R4's vital-signs profile requires it for %.*s, give %s", element,
                    why, (int)sign->code.len, sign->code.ptr, advice);
}

static bool is_dated(const sbs_observation *observation) {
    return observation->effective.ptr != NULL || observation->effective_utc_s != SBS_UTC_UNKNOWN;
}

int cli_observe_check(const sbs_observation *observation) {
    const sbs_coding *sign = vital_sign(observation);
    if (sign == NULL) {
        return CLI_DONE;
    }

    if (observation->subject.ptr == NULL) {
        return vital_sign_require(sign, "subject", "missing", "--subject such as Patient/123");
    }

    if (!is_dated(observation)) {
        return vital_sign_require(sign, "effective", "missing", "--effective with the time, or now");
    }

    /* "2026-03" is a legal time for FHIR, but not for a vital sign. */
    if (observation->effective.ptr != NULL && observation->effective.len < DATE_LEN &&
        sbs_date_is_fhir_datetime(observation->effective)) {
        return vital_sign_require(sign, "effective", "has no day", "--effective with the day at least, or now");
    }

    sbs_value_kind kind = observation->value.kind;

    /* Components have their own values, and a missing one has its reason. */
    if (kind == SBS_VALUE_STRING || kind == SBS_VALUE_CODED) {
        return vital_sign_require(sign, "value", "no quantity with a unit",
                                  "--value and --unit, --component or --absent");
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

/* The units for a vital sign, NULL if the profiles fix none or it is not one. */
static const char *vital_sign_units(const sbs_coding *code) {
    if (!sbs_observation_is_vital_sign(code, 1)) {
        return NULL;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(sign_units); i++) {
        if (sbs_text_equal(code->code, sbs_text_of(sign_units[i].code))) {
            return sign_units[i].units;
        }
    }
    return NULL;
}

static void warn_unit(const sbs_coding *codes, size_t count, const sbs_value *value) {
    if (value->ucum.ptr == NULL) {
        return;
    }

    for (size_t i = 0; i < count; i++) {
        const char *units = vital_sign_units(&codes[i]);
        if (units != NULL && !has_word(units, value->ucum)) {
            cli_warn("observe: R4's profile for %.*s does not have the unit %.*s: it has%.*s", (int)codes[i].code.len,
                     codes[i].code.ptr, (int)value->ucum.len, value->ucum.ptr, (int)strlen(units) - 1, units);
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
    size_t index = 0;
    while (index < text.len && text.ptr[index] != c) {
        index++;
    }
    return index;
}

/* Type/id, with or without _history; Type?search; or anything with a scheme. */
static bool is_reference(sbs_text reference) {
    /* Each of them is the length of the text where the character is missing. */
    size_t colon = index_of(reference, ':');
    size_t slash = index_of(reference, '/');
    size_t query = index_of(reference, '?');

    bool has_scheme = colon < reference.len && colon < slash && colon < query;
    if (has_scheme) {
        return colon > 0 && colon + 1 < reference.len;
    }

    bool is_search = query < reference.len && query < slash;
    if (is_search) {
        return sbs_fhir_type_is_valid((sbs_text){reference.ptr, query});
    }

    if (slash == reference.len || !sbs_fhir_type_is_valid((sbs_text){reference.ptr, slash})) {
        return false;
    }

    sbs_text id = {reference.ptr + slash + 1, reference.len - slash - 1};

    /* Without "/_history/2". */
    id.len = index_of(id, '/');
    return sbs_fhir_id_is_valid(id);
}

static void warn_reference(const char *option, sbs_text reference, const char *example) {
    if (reference.ptr != NULL && !is_reference(reference)) {
        cli_warn("observe: --%s: '%.*s' has no resource type, write a reference such as %s", option, (int)reference.len,
                 reference.ptr, example);
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
    if (is_measured(observation) && !is_dated(observation)) {
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
