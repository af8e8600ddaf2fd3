/* SPDX-License-Identifier: Apache-2.0 */
#include "units.h"

#include <string.h>

#include "message.h"
#include "sbs/count.h"

/* What people and devices write, and the UCUM code for it. */
typedef struct unit_row {
    const char *written;
    const char *ucum;
    bool exact; /* case counts: in another case it is the UCUM code of this or of another unit */
} unit_row;

static const unit_row rows[] = {
    /* temperature */
    {"\xc2\xb0"
     "C",
     "Cel", false},
    {"\xe2\x84\x83", "Cel", false}, /* the one character for degree Celsius */
    {"degC", "Cel", false},
    {"deg C", "Cel", false},
    {"Celsius", "Cel", false},
    {"cel", "Cel", false},
    {"\xc2\xb0"
     "F",
     "[degF]", false},
    {"\xe2\x84\x89", "[degF]", false},
    {"degF", "[degF]", false},
    {"[degF]", "[degF]", false},
    {"deg F", "[degF]", false},
    {"Fahrenheit", "[degF]", false},
    /* pressure */
    {"mmHg", "mm[Hg]", false},
    {"mm Hg", "mm[Hg]", false},
    {"mm[Hg]", "mm[Hg]", false},
    {"cmH2O", "cm[H2O]", false},
    {"cm H2O", "cm[H2O]", false},
    /* rates */
    {"bpm", "/min", false},
    {"rpm", "/min", false},
    {"beats/min", "/min", false},
    {"beats/minute", "/min", false},
    {"breaths/min", "/min", false},
    {"breaths/minute", "/min", false},
    {"per minute", "/min", false},
    {"/minute", "/min", false},
    {"L/minute", "L/min", false},
    {"lpm", "L/min", false},
    /* mass */
    {"kgs", "kg", false},
    {"Kg", "kg", true},
    {"KG", "kg", true},
    {"kilograms", "kg", false},
    {"gm", "g", true},
    {"gms", "g", false},
    {"grams", "g", false},
    {"lb", "[lb_av]", false},
    {"lbs", "[lb_av]", false},
    {"pounds", "[lb_av]", false},
    {"oz", "[oz_av]", false},
    {"mcg", "ug", false},
    {"\xc2\xb5g", "ug", false},
    {"\xce\xbcg", "ug", false},
    {"kg/m\xc2\xb2", "kg/m2", false},
    {"kg/m^2", "kg/m2", false},
    /* length */
    {"CM", "cm", true},
    {"inch", "[in_i]", false},
    {"inches", "[in_i]", false},
    {"in", "[in_i]", true},
    {"feet", "[ft_i]", false},
    {"ft", "[ft_i]", true},
    {"miles", "[mi_i]", false},
    /* volume */
    {"ML", "mL", true},
    {"cc", "mL", false},
    {"\xc2\xb5L", "uL", false},
    {"\xce\xbcL", "uL", false},
    /* concentration */
    {"MG/DL", "mg/dL", true},
    {"mcg/L", "ug/L", false},
    {"mcg/mL", "ug/mL", false},
    {"mcg/dL", "ug/dL", false},
    {"\xc2\xb5g/L", "ug/L", false},
    {"\xce\xbcg/L", "ug/L", false},
    {"\xc2\xb5g/dL", "ug/dL", false},
    {"\xc2\xb5g/mL", "ug/mL", false},
    {"\xc2\xb5mol/L", "umol/L", false},
    {"\xce\xbcmol/L", "umol/L", false},
    {"mMol/L", "mmol/L", true},
    {"mEq/L", "meq/L", true},
    {"IU/L", "[iU]/L", true},
    {"IU/mL", "[iU]/mL", true},
    {"mIU/L", "m[iU]/L", true},
    {"mIU/mL", "m[iU]/mL", true},
    {"IU", "[iU]", true},
    {"ppm", "[ppm]", false},
    {"ppb", "[ppb]", false},
    /* counts */
    {"x10^9/L", "10*9/L", false},
    {"x10*9/L", "10*9/L", false},
    {"10e9/L", "10*9/L", false},
    {"x10e9/L", "10*9/L", false},
    {"10\xe2\x81\xb9/L", "10*9/L", false},
    {"10\xe2\x81\xb9 /L", "10*9/L", false},
    {"x10^12/L", "10*12/L", false},
    {"x10*12/L", "10*12/L", false},
    {"10e12/L", "10*12/L", false},
    {"x10e12/L", "10*12/L", false},
    {"x10^3/uL", "10*3/uL", false},
    {"10e3/uL", "10*3/uL", false},
    {"x10e3/uL", "10*3/uL", false},
    {"x10^6/uL", "10*6/uL", false},
    {"10e6/uL", "10*6/uL", false},
    {"x10e6/uL", "10*6/uL", false},
    {"cells/uL", "{cells}/uL", false},
    {"copies/mL", "{copies}/mL", false},
    {"percent", "%", false},
    {"pct", "%", false},
    {"% SpO2", "%", false},
    {"%SpO2", "%", false},
    {"score", "{score}", false},
    {"steps", "{steps}", false},
    {"ratio", "{ratio}", false},
    {"INR", "{INR}", true},
    /* time */
    {"sec", "s", false},
    {"secs", "s", false},
    {"seconds", "s", false},
    {"msec", "ms", false},
    {"mins", "min", false},
    {"minutes", "min", false},
    {"hr", "h", false},
    {"hrs", "h", false},
    {"hours", "h", false},
    {"day", "d", false},
    {"days", "d", false},
    {"weeks", "wk", false},
    {"months", "mo", false},
    {"yr", "a", false},
    {"yrs", "a", false},
    {"year", "a", false},
    {"years", "a", false},
};

static bool is_written_so(const unit_row *row, sbs_text unit) {
    sbs_text written = sbs_text_of(row->written);

    if (row->exact) {
        return sbs_text_equal(unit, written);
    }
    return sbs_text_equal_nocase(unit, written);
}

/* The code that was meant. NULL if the unit is in no row, or is the code already. */
static const char *unit_meant(sbs_text unit) {
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        /* Case may be all that differs: "cel" is in a row, and "Cel" is the code. */
        bool is_code = sbs_text_equal(unit, sbs_text_of(rows[i].ucum));
        if (is_written_so(&rows[i], unit) && !is_code) {
            return rows[i].ucum;
        }
    }
    return NULL;
}

/* Opens a bracket; false inside of another one. @p open: the one that is open, '\0' for none. */
static bool bracket_open(char *open, char c) {
    bool fits = *open == '\0';
    *open = c;
    return fits;
}

/* Closes the bracket that @p c is the end of; false if another one, or none, is open. */
static bool bracket_close(char *open, char c) {
    bool fits = (c == '}' && *open == '{') || (c == ']' && *open == '[');
    *open = '\0';
    return fits;
}

/* Any other character changes nothing. */
static bool bracket_take(char *open, char c) {
    if (c == '{' || c == '[') {
        return bracket_open(open, c);
    }
    if (c == '}' || c == ']') {
        return bracket_close(open, c);
    }
    return true;
}

/* Why it cannot be a UCUM code (ucum.org: ASCII 33 to 126; braces hold an annotation, brackets are part of an atom).
 * NULL if its characters allow that it is one. */
static const char *unit_fault(sbs_text unit) {
    char open = '\0';
    for (size_t i = 0; i < unit.len; i++) {
        char c = unit.ptr[i];
        if (c == ' ') {
            return "UCUM has no blanks";
        }

        if (c < 0x21 || c > 0x7E) {
            return "UCUM is ASCII, with u for micro and Cel for degrees Celsius";
        }

        /* An annotation may hold any character, up to its brace. */
        bool in_annotation = open == '{' && c != '{' && c != '}';
        if (in_annotation) {
            continue;
        }

        if (strchr("!\"#$&,:;<=>?@\\`|~", c) != NULL) {
            return "UCUM has no such character";
        }

        if (!bracket_take(&open, c)) {
            return "its brackets do not match";
        }
    }

    if (open != '\0') {
        return "its brackets do not match";
    }

    return NULL;
}

int cli_unit_check(const char *option, sbs_text unit) {
    const char *meant = unit_meant(unit);
    if (meant != NULL) {
        return cli_fail(CLI_INPUT, "observe: --%s: '%.*s' is not a UCUM code, give %s", option, (int)unit.len, unit.ptr,
                        meant);
    }

    const char *fault = unit_fault(unit);
    if (fault != NULL) {
        return cli_fail(CLI_INPUT, "observe: --%s: '%.*s' is not a UCUM code: %s, give one such as Cel, mm[Hg] or /min",
                        option, (int)unit.len, unit.ptr, fault);
    }

    return CLI_DONE;
}
