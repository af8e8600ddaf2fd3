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

static int usage(const char *option, const char *text, const char *form) {
    return cli_fail(CLI_USAGE, "observe: --%s: '%s' does not have its form, give %s", option, text, form);
}

/* SYSTEM|CODE[|DISPLAY] */
static bool split_coding(sbs_text text, sbs_coding *out) {
    const char *bar = memchr(text.ptr, '|', text.len);
    if (bar == NULL || bar == text.ptr) {
        return false;
    }
    *out = (sbs_coding){.system = {text.ptr, (size_t)(bar - text.ptr)}};
    sbs_text rest = {bar + 1, text.len - out->system.len - 1};
    bar = memchr(rest.ptr, '|', rest.len);
    out->code = (sbs_text){rest.ptr, bar == NULL ? rest.len : (size_t)(bar - rest.ptr)};
    if (bar != NULL && rest.len > out->code.len + 1) {
        out->display = (sbs_text){bar + 1, rest.len - out->code.len - 1};
    }
    return out->code.len > 0;
}

/* SYSTEM|CODE=DECIMAL UCUM; a system may hold '=' as well. */
static bool split_component(sbs_text text, sbs_coding *coding, sbs_value *value) {
    const char *bar = memchr(text.ptr, '|', text.len);
    const char *end = text.ptr + text.len;
    const char *equals = bar == NULL ? NULL : memchr(bar, '=', (size_t)(end - bar));
    const char *space = equals == NULL ? NULL : memchr(equals, ' ', (size_t)(end - equals));
    if (space == NULL || !split_coding((sbs_text){text.ptr, (size_t)(equals - text.ptr)}, coding)) {
        return false;
    }
    *value = (sbs_value){.kind = SBS_VALUE_DECIMAL_TEXT,
                         .text = {equals + 1, (size_t)(space - equals - 1)},
                         .ucum = {space + 1, (size_t)(end - space - 1)}};
    return value->ucum.len > 0;
}

static int take_codings(const char *name, const cli_list *list, sbs_coding *codings) {
    for (size_t i = 0; i < list->count; i++) {
        if (!split_coding(sbs_text_of(list->items[i]), &codings[i])) {
            return usage(name, list->items[i], "SYSTEM|CODE or SYSTEM|CODE|DISPLAY");
        }
    }
    return CLI_DONE;
}

/* A bare code is one of R4's own categories. */
static int take_categories(sbs_coding *codings) {
    for (size_t i = 0; i < options.categories.count; i++) {
        const char *text = options.categories.items[i];
        if (strchr(text, '|') == NULL) {
            codings[i] = (sbs_coding){.system = sbs_text_of(SBS_SYSTEM_CATEGORY), .code = sbs_text_of(text)};
        } else if (!split_coding(sbs_text_of(text), &codings[i])) {
            return usage("category", text, "CODE or SYSTEM|CODE");
        }
    }
    return CLI_DONE;
}

static int take_components(sbs_coding *codings, sbs_component *components) {
    for (size_t i = 0; i < options.components.count; i++) {
        const char *text = options.components.items[i];
        if (!split_component(sbs_text_of(text), &codings[i], &components[i].value)) {
            return usage("component", text, "'SYSTEM|CODE=DECIMAL UCUM'");
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

static int take_value(sbs_value *value) {
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
    } else if (options.absent != NULL) {
        *value = (sbs_value){.kind = SBS_VALUE_ABSENT, .text = sbs_text_of(options.absent)};
    } else if (options.coded != NULL) {
        *value = (sbs_value){.kind = SBS_VALUE_CODED};
        if (!split_coding(sbs_text_of(options.coded), &value->coded)) {
            return usage("coded", options.coded, "SYSTEM|CODE or SYSTEM|CODE|DISPLAY");
        }
    } else if (options.components.count == 0) {
        return cli_fail(CLI_USAGE, "observe: no value, give --value with --unit, --string, --coded, --absent or "
                                   "--component");
    }
    return CLI_DONE;
}

/* `now` is this machine's time in its own zone. */
static int take_effective(sbs_observation *observation) {
    if (options.effective == NULL || strcmp(options.effective, "now") != 0) {
        observation->effective = sbs_text_of(options.effective);
        return CLI_DONE;
    }
    int64_t utc_s = sbs_linux_now().utc_s;
    time_t seconds = (time_t)utc_s;
    struct tm local;
    if (utc_s == SBS_UTC_UNKNOWN || localtime_r(&seconds, &local) == NULL) {
        return cli_fail(CLI_INPUT, "observe: --effective: this machine's clock stands before this program was built, "
                                   "set it or give the time");
    }
    observation->effective_utc_s = utc_s;
    observation->zone_minutes = (int16_t)(local.tm_gmtoff / 60);
    return CLI_DONE;
}

static int take_identifier(sbs_observation *observation) {
    if (options.identifier == NULL) {
        return CLI_DONE;
    }
    const char *bar = strchr(options.identifier, '|');
    if (bar == NULL || bar == options.identifier || bar[1] == '\0') {
        return usage("identifier", options.identifier, "SYSTEM|VALUE");
    }
    observation->identifier_system = (sbs_text){options.identifier, (size_t)(bar - options.identifier)};
    observation->identifier_value = sbs_text_of(bar + 1);
    return CLI_DONE;
}

/* What an element must look like. */
static const char *form_of(const char *element) {
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

static int print(const sbs_observation *observation) {
    sbs_writer out;
    const char *fault = NULL;
    cli_output(&out);
    sbs_status status = sbs_observation_put(&out, observation, &fault);
    if (status != SBS_OK) {
        const char *why = status == SBS_ERR_FORMAT     ? "does not have its form"
                          : status == SBS_ERR_ARGUMENT ? "missing, or not allowed here"
                                                       : sbs_status_text(status);
        return cli_fail(CLI_INPUT, "observe: %s: %s, give %s", fault == NULL ? "Observation" : fault, why,
                        form_of(fault == NULL ? "" : fault));
    }
    sbs_put_char(&out, '\n');
    return CLI_DONE;
}

static int run(const cli_operands *operands) {
    static sbs_coding codes[CLI_LIST_MAX], categories[CLI_LIST_MAX], component_codes[CLI_LIST_MAX];
    static sbs_component components[CLI_LIST_MAX];
    static sbs_text performers[CLI_LIST_MAX];
    (void)operands;
    sbs_observation observation = {
        .status = sbs_text_of(options.status),
        .categories = categories,
        .category_count = options.categories.count,
        .codes = codes,
        .code_count = options.codes.count,
        .subject = sbs_text_of(options.subject),
        .device = sbs_text_of(options.device),
        .performers = performers,
        .performer_count = options.performers.count,
        .effective_utc_s = SBS_UTC_UNKNOWN,
        .effective_ms = -1,
        .zone_minutes = SBS_ZONE_UNKNOWN,
        .components = components,
        .component_count = options.components.count,
    };
    for (size_t i = 0; i < options.performers.count; i++) {
        performers[i] = sbs_text_of(options.performers.items[i]);
    }
    int code = take_value(&observation.value);
    code = code != CLI_DONE ? code : take_codings("code", &options.codes, codes);
    code = code != CLI_DONE ? code : take_categories(categories);
    code = code != CLI_DONE ? code : take_components(component_codes, components);
    code = code != CLI_DONE ? code : take_identifier(&observation);
    code = code != CLI_DONE ? code : take_effective(&observation);
    code = code != CLI_DONE ? code : cli_observe_check(&observation);
    if (code != CLI_DONE) {
        return code;
    }
    code = print(&observation);
    if (code == CLI_DONE) {
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
    .run = run,
};
