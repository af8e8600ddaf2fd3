/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "commands.h"
#include "io.h"
#include "message.h"
#include "observe_check.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "units.h"

enum { GROUP_VALUE = 1 };

static struct {
    cli_list codes, categories, components, performers;
    const char *value, *unit, *string, *coded, *absent, *status, *subject, *device, *effective, *identifier;
} options;

static const cli_option option_table[] = {
    {"code", "SYSTEM|CODE[|DISPLAY]", "what was observed", &options.codes, .type = CLI_LIST, .required = true},
    {"value", "DECIMAL", "measured quantity; its precision is kept", &options.value, .type = CLI_TEXT,
     .group = GROUP_VALUE},
    {"unit", "UCUM", "unit of --value", &options.unit, .type = CLI_TEXT},
    {"string", "TEXT", "a text as the value", &options.string, .type = CLI_TEXT, .group = GROUP_VALUE},
    {"coded", "SYSTEM|CODE[|DISPLAY]", "a code as the value", &options.coded, .type = CLI_TEXT, .group = GROUP_VALUE},
    {"absent", "REASON", "why there is no value: code of data-absent-reason", &options.absent, .type = CLI_TEXT,
     .group = GROUP_VALUE},
    {"status", "CODE", "observation status, default final", &options.status, .type = CLI_TEXT},
    {"category", "CODE", "of observation-category, such as vital-signs; or SYSTEM|CODE", &options.categories,
     .type = CLI_LIST},
    {"subject", "REF", "such as Patient/123", &options.subject, .type = CLI_TEXT},
    {"device", "REF", "such as Device/scale-7", &options.device, .type = CLI_TEXT},
    {"performer", "REF", "who observed", &options.performers, .type = CLI_LIST},
    {"effective", "DATETIME", "when: YYYY-MM-DDThh:mm:ss and a zone, a date, or now", &options.effective,
     .type = CLI_TEXT},
    {"identifier", "SYSTEM|VALUE", "the measurement's own identifier", &options.identifier, .type = CLI_TEXT},
    {"component", "'SYSTEM|CODE=DECIMAL UCUM'", "a component's code, value and unit", &options.components,
     .type = CLI_LIST},
};

static const cli_table own_table = CLI_TABLE(option_table);

static int observe_wrong_form(const char *option, const char *text, const char *form) {
    return cli_fail(CLI_USAGE, "observe: --%s: '%s' is not in the right form, give %s", option, text, form);
}

/* ---- splitting what was given --------------------------------------------------------------------------------- */

/* Takes the text before the first @p c off @p rest, and @p c too. False, with all of it taken, if there is none. */
static bool text_split_at(sbs_text *rest, char c, sbs_text *out_before) {
    const char *at = NULL;
    if (rest->len > 0) {
        at = memchr(rest->ptr, c, rest->len);
    }

    if (at == NULL) {
        *out_before = *rest;
        *rest = (sbs_text){0};
        return false;
    }

    *out_before = (sbs_text){rest->ptr, (size_t)(at - rest->ptr)};
    *rest = (sbs_text){at + 1, rest->len - out_before->len - 1};
    return true;
}

/* SYSTEM|CODE[|DISPLAY] */
static bool coding_split(sbs_text text, sbs_coding *out) {
    *out = (sbs_coding){0};
    if (!text_split_at(&text, '|', &out->system) || out->system.len == 0) {
        return false;
    }

    /* What is behind the second bar may hold more bars. */
    bool has_display = text_split_at(&text, '|', &out->code);
    if (has_display && text.len > 0) {
        out->display = text;
    }

    return out->code.len > 0;
}

/* SYSTEM|CODE=DECIMAL UCUM. A system may hold '=' as well, so the first one behind the bar counts. */
static bool component_split(sbs_text text, sbs_coding *coding, sbs_value *value) {
    const char *start = text.ptr;
    sbs_text system, code, decimal;
    if (!text_split_at(&text, '|', &system) || !text_split_at(&text, '=', &code) ||
        !text_split_at(&text, ' ', &decimal)) {
        return false;
    }

    /* System and code, with the bar between them, are a coding like any other. */
    size_t coding_len = system.len + 1 + code.len;
    if (!coding_split((sbs_text){start, coding_len}, coding)) {
        return false;
    }

    /* The decimal stays a text: its precision is part of the measurement. */
    *value = (sbs_value){.kind = SBS_VALUE_DECIMAL_TEXT, .text = decimal, .ucum = text};
    return text.len > 0;
}

/* ---- options to an Observation -------------------------------------------------------------------------------- */

static int observe_take_codes(sbs_coding *codings) {
    for (size_t i = 0; i < options.codes.count; i++) {
        const char *text = options.codes.items[i];
        if (!coding_split(sbs_text_of(text), &codings[i])) {
            return observe_wrong_form("code", text, "SYSTEM|CODE or SYSTEM|CODE|DISPLAY");
        }
    }
    return CLI_DONE;
}

/* A code without a system is one of R4's own categories. */
static int observe_take_categories(sbs_coding *codings) {
    for (size_t i = 0; i < options.categories.count; i++) {
        const char *text = options.categories.items[i];
        if (strchr(text, '|') == NULL) {
            codings[i] = (sbs_coding){.system = sbs_text_of(SBS_SYSTEM_CATEGORY), .code = sbs_text_of(text)};
        } else if (!coding_split(sbs_text_of(text), &codings[i])) {
            return observe_wrong_form("category", text, "CODE or SYSTEM|CODE");
        }
    }

    return CLI_DONE;
}

static int observe_take_components(sbs_coding *codings, sbs_component *components) {
    for (size_t i = 0; i < options.components.count; i++) {
        const char *text = options.components.items[i];
        if (!component_split(sbs_text_of(text), &codings[i], &components[i].value)) {
            return observe_wrong_form("component", text, "'SYSTEM|CODE=DECIMAL UCUM'");
        }

        int code = cli_unit_check("component", components[i].value.ucum);
        if (code != CLI_DONE) {
            return code;
        }

        components[i].codes = &codings[i];
        components[i].code_count = 1;
    }

    return CLI_DONE;
}

/* The parser lets one of these options through; components may stand without any of them. */
static int observe_take_value(sbs_value *value) {
    /* A number without its unit says nothing. */
    if ((options.value == NULL) != (options.unit == NULL)) {
        return cli_fail(CLI_USAGE, "observe: --value and --unit belong together, give both");
    }

    if (options.value != NULL) {
        *value = (sbs_value){
            .kind = SBS_VALUE_DECIMAL_TEXT, .text = sbs_text_of(options.value), .ucum = sbs_text_of(options.unit)};
        return cli_unit_check("unit", value->ucum);
    }

    if (options.string != NULL) {
        *value = (sbs_value){.kind = SBS_VALUE_STRING, .text = sbs_text_of(options.string)};
        return CLI_DONE;
    }

    if (options.absent != NULL) {
        *value = (sbs_value){.kind = SBS_VALUE_ABSENT, .text = sbs_text_of(options.absent)};
        return CLI_DONE;
    }

    if (options.coded != NULL) {
        *value = (sbs_value){.kind = SBS_VALUE_CODED};
        if (!coding_split(sbs_text_of(options.coded), &value->coded)) {
            return observe_wrong_form("coded", options.coded, "SYSTEM|CODE or SYSTEM|CODE|DISPLAY");
        }

        return CLI_DONE;
    }

    if (options.components.count == 0) {
        return cli_fail(CLI_USAGE,
                        "observe: no value, give --value with --unit, --string, --coded, --absent or --component");
    }

    return CLI_DONE;
}

/* `now` is this machine's time in its own zone. */
static int observe_take_effective(sbs_observation *observation) {
    if (options.effective == NULL || strcmp(options.effective, "now") != 0) {
        observation->effective = sbs_text_of(options.effective);
        return CLI_DONE;
    }

    /* A clock that was never set would date the measurement wrongly. */
    int64_t utc_s = sbs_linux_now().utc_s;
    time_t seconds = (time_t)utc_s;
    struct tm local;
    if (utc_s == SBS_UTC_UNKNOWN || localtime_r(&seconds, &local) == NULL) {
        return cli_fail(CLI_INPUT, "observe: --effective: this machine's clock is set to a time before this program "
                                   "was built, set it or give the time");
    }

    observation->effective_utc_s = utc_s;
    observation->zone_minutes = (int16_t)(local.tm_gmtoff / 60);
    return CLI_DONE;
}

/* The value may hold '|' as well. */
static int observe_take_identifier(sbs_observation *observation) {
    if (options.identifier == NULL) {
        return CLI_DONE;
    }

    sbs_text system;
    sbs_text value = sbs_text_of(options.identifier);
    if (!text_split_at(&value, '|', &system) || system.len == 0 || value.len == 0) {
        return observe_wrong_form("identifier", options.identifier, "SYSTEM|VALUE");
    }

    observation->identifier_system = system;
    observation->identifier_value = value;
    return CLI_DONE;
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

/* What an element must look like. */
static const char *element_form(const char *element) {
    static const struct {
        const char *element, *form;
    } forms[] = {
        {"identifier", "SYSTEM|VALUE, a URI and a text"},
        {"status", "registered, preliminary, final, amended, corrected, cancelled, entered-in-error or unknown"},
        {"category", "a code such as vital-signs, without blanks at its ends"},
        {"code", "SYSTEM|CODE, a URI and a code without blanks at its ends"},
        {"subject", "a reference such as Patient/123"},
        {"effective", "YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+hh:mm (or Z), a day that exists, or now"},
        {"performer", "a reference such as Practitioner/123"},
        {"value", "a decimal of at most 18 digits such as 36.50 with a UCUM unit such as Cel, or a text that is not "
                  "empty, or a code"},
        {"device", "a reference such as Device/scale-7"},
        {"component", "'SYSTEM|CODE=DECIMAL UCUM', each code once, such as 'http://loinc.org|8480-6=107 mm[Hg]'"},
    };

    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        if (strcmp(forms[i].element, element) == 0) {
            return forms[i].form;
        }
    }
    return "what FHIR R4 allows there";
}

/* @p element: the one at fault, NULL if it is none alone. */
static int observation_refuse(sbs_status status, const char *element) {
    const char *why = sbs_status_text(status);
    if (status == SBS_ERR_FORMAT) {
        why = "not in the right form";
    } else if (status == SBS_ERR_ARGUMENT) {
        why = "missing, or not allowed here";
    }

    if (element == NULL) {
        return cli_fail(CLI_INPUT, "observe: Observation: %s, give %s", why, element_form(""));
    }

    return cli_fail(CLI_INPUT, "observe: %s: %s, give %s", element, why, element_form(element));
}

static int observation_print(const sbs_observation *observation) {
    sbs_writer out;
    const char *fault = NULL;

    cli_output(&out);
    sbs_status status = sbs_observation_put(&out, observation, &fault);
    if (status != SBS_OK) {
        return observation_refuse(status, fault);
    }

    sbs_put_char(&out, '\n');
    return CLI_DONE;
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

/* What the texts of the options are split into; the Observation points there. */
static struct {
    sbs_coding codes[CLI_LIST_MAX], categories[CLI_LIST_MAX], component_codes[CLI_LIST_MAX];
    sbs_component components[CLI_LIST_MAX];
    sbs_text performers[CLI_LIST_MAX];
} parts;

static int observe_take_options(sbs_observation *observation) {
    for (size_t i = 0; i < options.performers.count; i++) {
        parts.performers[i] = sbs_text_of(options.performers.items[i]);
    }

    int code = observe_take_value(&observation->value);
    if (code == CLI_DONE) {
        code = observe_take_codes(parts.codes);
    }

    if (code == CLI_DONE) {
        code = observe_take_categories(parts.categories);
    }

    if (code == CLI_DONE) {
        code = observe_take_components(parts.component_codes, parts.components);
    }

    if (code == CLI_DONE) {
        code = observe_take_identifier(observation);
    }

    if (code == CLI_DONE) {
        code = observe_take_effective(observation);
    }

    return code;
}

static int observe_run(const cli_operands *operands) {
    (void)operands;

    sbs_observation observation = {
        .status = sbs_text_of(options.status),
        .categories = parts.categories,
        .category_count = options.categories.count,
        .codes = parts.codes,
        .code_count = options.codes.count,
        .subject = sbs_text_of(options.subject),
        .device = sbs_text_of(options.device),
        .performers = parts.performers,
        .performer_count = options.performers.count,
        .effective_utc_s = SBS_UTC_UNKNOWN,
        .effective_ms = -1,
        .zone_minutes = SBS_ZONE_UNKNOWN,
        .components = parts.components,
        .component_count = options.components.count,
    };

    int code = observe_take_options(&observation);
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_observe_check(&observation);
    if (code != CLI_DONE) {
        return code;
    }

    code = observation_print(&observation);
    if (code == CLI_DONE) {
        /* Only warnings of what was printed: a refusal tells one thing. */
        cli_observe_warn(&observation);
    }

    return code;
}

const cli_command cli_observe = {
    .name = "observe",
    .summary = "Prints a FHIR R4 Observation as JSON",
    .about = "A vital sign (LOINC, as R4 lists them) gets the category vital-signs, and needs a\n"
             "subject, a time, and a value with its unit.\n",
    .tables = {&own_table},
    .example = "sbs observe --code 'http://loinc.org|8867-4|Heart rate' --value 62 \\\n"
               "      --unit /min --subject Patient/123 --effective now \\\n"
               "      --identifier 'urn:example:scale-7|41'",
    .run = observe_run,
};
