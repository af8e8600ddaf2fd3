/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile text in each member of an Observation. */
#include <string.h>

#include "sbs/count.h"
#include "sbs/observation.h"
#include "test.h"

#define T(literal) ((sbs_text){literal, sizeof literal - 1})

static char buffer[4096];
static const sbs_coding temperature = {.system = T(SBS_SYSTEM_LOINC), .code = T("8310-5")};

static sbs_observation plain(void) {
    return (sbs_observation){
        .codes = &temperature,
        .code_count = 1,
        .effective_utc_s = SBS_UTC_UNKNOWN,
        .value = {.kind = SBS_VALUE_STRING, .text = T("warm")},
    };
}

typedef enum {
    ID,
    ID_SYSTEM,
    ID_VALUE,
    STATUS,
    CATEGORY,
    SYSTEM,
    CODE,
    DISPLAY,
    SUBJECT,
    EFFECTIVE,
    PERFORMER,
    STRING,
    REASON,
    UNIT,
    UCUM,
    NUMBER,
    DEVICE,
    COMPONENT,
    MEMBERS
} member;

static const char *const element_of[MEMBERS] = {
    "id",        "identifier", "identifier", "status", "category", "code",  "code",  "code",   "subject",
    "effective", "performer",  "value",      "value",  "value",    "value", "value", "device", "component"};

/* An observation with @p text as one member, whatever it is. */
static sbs_status put_member(member which, sbs_text text, const char **out_fault) {
    const sbs_coding category = {.system = T("urn:x"), .code = text};
    const sbs_coding code = {.system = which == SYSTEM ? text : T(SBS_SYSTEM_LOINC),
                             .code = which == CODE ? text : T("1-2"),
                             .display = which == DISPLAY ? text : T("x")};
    const sbs_component component = {
        .codes = &code, .code_count = 1, .value = {.kind = SBS_VALUE_STRING, .text = text}};
    sbs_observation observation = plain();
    sbs_writer out;
    observation.codes = &code;
    observation.identifier_value = T("x");
    observation.id = which == ID ? text : observation.id;
    observation.identifier_system = which == ID_SYSTEM ? text : observation.identifier_system;
    observation.identifier_value = which == ID_VALUE ? text : observation.identifier_value;
    observation.status = which == STATUS ? text : observation.status;
    observation.categories = &category;
    observation.category_count = which == CATEGORY ? 1 : 0;
    observation.subject = which == SUBJECT ? text : observation.subject;
    observation.effective = which == EFFECTIVE ? text : observation.effective;
    observation.performers = &text;
    observation.performer_count = which == PERFORMER ? 1 : 0;
    observation.device = which == DEVICE ? text : observation.device;
    observation.components = &component;
    observation.component_count = which == COMPONENT ? 1 : 0;
    if (which == COMPONENT) {
        observation.value = (sbs_value){.kind = SBS_VALUE_NONE};
    } else if (which == STRING || which == REASON) {
        observation.value = (sbs_value){.kind = which == STRING ? SBS_VALUE_STRING : SBS_VALUE_ABSENT, .text = text};
    } else if (which >= UNIT && which <= NUMBER) {
        observation.value = (sbs_value){.kind = SBS_VALUE_DECIMAL_TEXT,
                                        .text = which == NUMBER ? text : T("1"),
                                        .unit = which == UNIT ? text : T("u"),
                                        .ucum = which == UCUM ? text : T("u")};
    }
    sbs_writer_init(&out, buffer, sizeof buffer);
    const sbs_status status = sbs_observation_put(&out, &observation, out_fault);
    buffer[out.len] = '\0';
    return status;
}

/* Quotes that are not escaped, outside and inside strings: the count of members that the JSON really has. */
static size_t count_strings(void) {
    size_t count = 0;
    for (const char *p = buffer; *p != '\0'; p++) {
        assert_true((unsigned char)*p >= 0x20);
        if (*p == '\\') {
            p++;
        } else if (*p == '"') {
            count++;
        }
    }
    return count;
}

/* Every byte in every member: refused with its name, or one string of the same JSON. */
static void nothing_can_be_injected(void **state) {
    (void)state;
    for (int which = ID; which < MEMBERS; which++) {
        const char *fault = NULL;
        if (which == STATUS || which == EFFECTIVE || which == NUMBER) {
            continue; /* closed sets: tested above, and below with every byte refused */
        }
        assert_int_equal(put_member((member)which, T("ab"), &fault), SBS_OK);
        const size_t strings = count_strings();
        for (int byte = 0; byte < 256; byte++) {
            const char text[3] = {'a', (char)byte, 'b'};
            const sbs_status status = put_member((member)which, (sbs_text){text, 3}, &fault);
            if (status == SBS_OK) {
                assert_int_equal(count_strings(), strings);
                continue;
            }
            assert_int_equal(status, SBS_ERR_FORMAT);
            assert_string_equal(fault, element_of[which]);
        }
    }
}

static void hostile_members_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *refused_in; /* letters: s string, u uri and reference, c code, i id */
    } rows[] = {
        {"", "suci"},
        {" ", "suci"},
        {"\n", "suci"},
        {" a", "uci"},
        {"a ", "uci"},
        {"a  b", "uci"},
        {"a b", "ui"},
        {"a\tb", "uci"},
        {"a\x01"
         "b",
         "suci"},
        {"a\x7f"
         "b",
         "uci"},
        {"\xff", "suci"},
        {"\xc0\x80", "suci"},
        {"\xed\xa0\x80", "suci"},
        {"a_b", "i"},
        {"a/b", "i"},
        {"\xc3\xa9", "i"},
        {"a\"b", "i"},
        {"-.", ""},
        {"1234567890123456789012345678901234567890123456789012345678901234", ""},
        {"12345678901234567890123456789012345678901234567890123456789012345", "i"},
    };
    static const char kind_of[MEMBERS] = {'i', 'u', 's', 0,   'c', 'u', 'c', 's', 'u',
                                          0,   'u', 's', 'c', 's', 'u', 0,   'u', 's'};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        for (int which = ID; which < MEMBERS; which++) {
            const char *fault = NULL;
            if (kind_of[which] == 0) {
                assert_int_equal(put_member((member)which, sbs_text_of(rows[i].text), &fault), SBS_ERR_FORMAT);
                continue;
            }
            const bool refused = strchr(rows[i].refused_in, kind_of[which]) != NULL;
            const sbs_status status = put_member((member)which, sbs_text_of(rows[i].text), &fault);
            if (status != (refused ? SBS_ERR_FORMAT : SBS_OK)) {
                fail_msg("'%s' as %s (%c): %d", rows[i].text, element_of[which], kind_of[which], (int)status);
            }
            if (refused) {
                assert_string_equal(fault, element_of[which]);
            }
        }
    }
    const char *fault = NULL;
    assert_int_equal(put_member(SUBJECT, T("#contained"), &fault), SBS_ERR_FORMAT);
    assert_int_equal(put_member(STRING, T("a\0b"), &fault), SBS_ERR_FORMAT);
}

static void a_string_ends_at_its_limit(void **state) {
    (void)state;
    static char text[1024 * 1024 + 1];
    memset(text, 'x', sizeof text);
    sbs_observation observation = plain();
    sbs_writer out;
    observation.value.text = (sbs_text){text, sizeof text - 1};
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_OK);
    observation.value.text.len = sizeof text;
    sbs_writer_init_sizing(&out);
    assert_int_equal(sbs_observation_put(&out, &observation, NULL), SBS_ERR_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_can_be_injected),
        cmocka_unit_test(hostile_members_are_refused),
        cmocka_unit_test(a_string_ends_at_its_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
