/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/scope.h"
#include "test.h"

#define C SBS_SCOPE_CREATE
#define R SBS_SCOPE_READ
#define U SBS_SCOPE_UPDATE
#define D SBS_SCOPE_DELETE
#define S SBS_SCOPE_SEARCH

static void assert_text(sbs_text text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

static void accepts_scope_lists(void **state) {
    static const char *const good[] = {
        "", "a", "system/Observation.c", "a b c", "!", "#[]~", "system/Observation.rs?code=http://loinc.org|4548-4 a",
    };
    (void)state;
    assert_true(sbs_scope_list_is_valid((sbs_text){NULL, 0}));
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        assert_true(sbs_scope_list_is_valid(sbs_text_of(good[i])));
    }
}

static void refuses_what_is_no_scope_list(void **state) {
    static const char *const bad[] = {" ",    " a",   "a ",   "a  b",     "a\tb", "a\"b",
                                      "a\\b", "a\nb", "\x7f", "\xc3\xa9", "a\x1f"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_false(sbs_scope_list_is_valid(sbs_text_of(bad[i])));
    }
    assert_false(sbs_scope_list_is_valid((sbs_text){"a\0b", 3}));
}

static void takes_tokens_off_a_list(void **state) {
    sbs_text list = sbs_text_of("  a bc   d ");
    sbs_text token;
    (void)state;
    assert_true(sbs_scope_next(&list, &token));
    assert_text(token, "a");
    assert_true(sbs_scope_next(&list, &token));
    assert_text(token, "bc");
    assert_true(sbs_scope_next(&list, &token));
    assert_text(token, "d");
    assert_false(sbs_scope_next(&list, &token));
    assert_false(sbs_scope_next(&list, &token));
    list = (sbs_text){NULL, 0};
    assert_false(sbs_scope_next(&list, &token));
}

/* ---- clinical scopes ------------------------------------------------------------------------------------------ */

static void parses_both_grammars(void **state) {
    static const struct {
        const char *token;
        uint8_t permissions;
    } cases[] = {
        {"system/Observation.c", C},
        {"system/Observation.r", R},
        {"system/Observation.u", U},
        {"system/Observation.d", D},
        {"system/Observation.s", S},
        {"system/Observation.cruds", C | R | U | D | S},
        {"system/Observation.rs", R | S},
        {"system/Observation.cu", C | U},
        {"system/Observation.cds", C | D | S},
        {"system/Observation.read", R | S},
        {"system/Observation.write", C | U | D},
        {"system/Observation.*", C | R | U | D | S},
    };
    sbs_scope scope;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(sbs_scope_parse(sbs_text_of(cases[i].token), &scope), SBS_OK);
        assert_int_equal(scope.permissions, cases[i].permissions);
        assert_text(scope.context, "system");
        assert_text(scope.type, "Observation");
        assert_null(scope.query.ptr);
    }
}

static void parses_contexts_wildcards_and_queries(void **state) {
    sbs_scope scope;
    (void)state;
    assert_int_equal(sbs_scope_parse(sbs_text_of("patient/*.rs"), &scope), SBS_OK);
    assert_text(scope.context, "patient");
    assert_text(scope.type, "*");
    assert_int_equal(sbs_scope_parse(sbs_text_of("user/Patient.r"), &scope), SBS_OK);
    assert_text(scope.context, "user");
    assert_int_equal(
        sbs_scope_parse(sbs_text_of("system/Observation.rs?category=http://t.org/c|laboratory&a=b?.c/d"), &scope),
        SBS_OK);
    assert_text(scope.query, "category=http://t.org/c|laboratory&a=b?.c/d");
    assert_int_equal(scope.permissions, R | S);
}

static void refuses_what_is_no_clinical_scope(void **state) {
    static const char *const bad[] = {
        "",
        "openid",
        "launch/patient",
        "system",
        "system/",
        "system/Observation",
        "system/Observation.",
        "system/.c",
        "/Observation.c",
        "System/Observation.c",
        "systems/Observation.c",
        "system/observation.c",
        "system/Obs3.c",
        "system/**.c",
        "system/Observation.dus",
        "system/Observation.cc",
        "system/Observation.sr",
        "system/Observation.x",
        "system/Observation.C",
        "system/Observation.crudsx",
        "system/Observation.readwrite",
        "system/Observation.c?",
        "system/Observation.c?=x",
        "system/Observation.c?x",
        "system/Observation.?a=b",
        "system/Observation.read?a=b",
        "system/Observation.*?a=b",
        "system/Observation.c x",
        "system/Observation.c?a=\"",
        "system/Obs\"ervation.c",
        "fhirUser",
    };
    sbs_scope scope;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(sbs_scope_parse(sbs_text_of(bad[i]), &scope), SBS_ERR_FORMAT);
    }
}

/* ---- coverage ------------------------------------------------------------------------------------------------- */

static void judges_what_a_grant_covers(void **state) {
    static const struct {
        const char *granted;
        uint8_t permissions;
        bool covered;
    } cases[] = {
        {"system/Observation.c", C, true},
        {"system/Observation.c", C | R, false},
        {"system/Observation.c system/Observation.rs", C | R | S, true},
        {"system/Observation.c system/Patient.rs", C | R, false},
        {"system/*.cruds", C | R | U | D | S, true},
        {"system/Observation.write", C, true},
        {"system/Observation.write", R, false},
        {"system/Observation.read", R | S, true},
        {"system/*.*", C | D, true},
        {"user/Observation.c patient/Observation.c", C, false},
        {"system/Observation.c?code=x", C, true},
        {"system/Observation.c?code=x system/Observation.c", C, true},
        {"openid system/Observation.dus system/Observation.c", C, true},
        {"system/Observation.dus", U, false},
        {"system/ObservationX.c system/Observatio.c", C, false},
        {"", C, false},
        {"", 0, true},
        {"  system/Observation.c  ", C, true},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(sbs_scope_covers(sbs_text_of(cases[i].granted), "Observation", cases[i].permissions),
                         cases[i].covered);
    }
    assert_false(sbs_scope_covers((sbs_text){NULL, 0}, "Observation", C));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_scope_lists),
        cmocka_unit_test(refuses_what_is_no_scope_list),
        cmocka_unit_test(takes_tokens_off_a_list),
        cmocka_unit_test(parses_both_grammars),
        cmocka_unit_test(parses_contexts_wildcards_and_queries),
        cmocka_unit_test(refuses_what_is_no_clinical_scope),
        cmocka_unit_test(judges_what_a_grant_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
