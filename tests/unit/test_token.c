/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/token.h"
#include "test.h"

/* ---- helpers -------------------------------------------------------------------------------------------------- */

static char memory[65536];

static sbs_status parse(const char *text, sbs_token *token, const char **member) {
    const size_t len = strlen(text);
    assert_true(len < sizeof memory);
    memcpy(memory, text, len);
    return sbs_token_parse(memory, len, token, member);
}

static void assert_text(sbs_text text, const char *expected) {
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.ptr, expected, text.len);
}

static void assert_refused(const char *text, sbs_status status, const char *expected_member) {
    sbs_token token;
    const char *member = "none";
    assert_int_equal(parse(text, &token, &member), status);
    if (expected_member == NULL) {
        assert_null(member);
    } else {
        assert_non_null(member);
        assert_string_equal(member, expected_member);
    }
    assert_null(token.access_token.ptr);
}

/* ---- request -------------------------------------------------------------------------------------------------- */

static void writes_the_form_of_the_seed(void **state) {
    static const char expected[] = "grant_type=client_credentials&scope=system%2FPatient.rs&client_assertion_type="
                                   "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=";
    char out[sizeof expected];
    sbs_writer writer;
    (void)state;
    for (size_t size = 0; size < sizeof expected; size++) {
        sbs_writer_init(&writer, out, size);
        sbs_token_put_request(&writer, sbs_text_of("system/Patient.rs"), (sbs_text){NULL, 0});
        assert_int_equal(writer.error, size < sizeof expected - 1 ? SBS_ERR_BUFFER : SBS_OK);
        assert_int_equal(writer.len, sizeof expected - 1);
    }
    assert_memory_equal(out, expected, sizeof expected - 1);
}

static void the_form_does_not_depend_on_what_stands_before_it(void **state) {
    char out[512];
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, out, sizeof out);
    sbs_put_string(&writer, "\r\n\r\n");
    sbs_token_put_request(&writer, sbs_text_of("a b|c*"), (sbs_text){NULL, 0});
    assert_int_equal(writer.error, SBS_OK);
    assert_memory_equal(out, "\r\n\r\ngrant_type=client_credentials&scope=a+b%7Cc%2A&client", 56);
}

static void refuses_to_ask_without_a_scope(void **state) {
    static const char *const bad[] = {"", " ", "a  b", "a\"", "\xc3\xa9"};
    sbs_writer writer;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        sbs_writer_init_sizing(&writer);
        sbs_token_put_request(&writer, sbs_text_of(bad[i]), sbs_text_of("id"));
        assert_int_equal(writer.error, SBS_ERR_ARGUMENT);
        assert_int_equal(writer.len, 0);
    }
}

static void names_the_client_where_it_is_told_to(void **state) {
    static const char expected[] = "grant_type=client_credentials&scope=a&client_id=a+b%2F%25%3D%26.-_~&"
                                   "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3A"
                                   "jwt-bearer&client_assertion=";
    char out[sizeof expected];
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, out, sizeof out);
    sbs_token_put_request(&writer, sbs_text_of("a"), sbs_text_of("a b/%=&.-_~"));
    assert_int_equal(writer.error, SBS_OK);
    assert_int_equal(writer.len, sizeof expected - 1);
    assert_memory_equal(out, expected, sizeof expected - 1);
}

/* ---- good answers --------------------------------------------------------------------------------------------- */

static void reads_a_whole_answer(void **state) {
    sbs_token token;
    const char *member = "none";
    (void)state;
    assert_int_equal(parse("{\"access_token\":\"aB9-._~+/==\",\"token_type\":\"Bearer\",\"expires_in\":300,"
                           "\"scope\":\"system/Observation.c system/Patient.rs\",\"refresh_token\":[{}]}",
                           &token, &member),
                     SBS_OK);
    assert_null(member);
    assert_text(token.access_token, "aB9-._~+/==");
    assert_text(token.scope, "system/Observation.c system/Patient.rs");
    assert_true(token.has_expires_in);
    assert_int_equal(token.expires_in, 300);
}

static void reads_the_least_answer(void **state) {
    sbs_token token;
    (void)state;
    assert_int_equal(parse(" { \"token_type\" : \"bEARER\" , \"access_token\" : \"x\" } ", &token, NULL), SBS_OK);
    assert_text(token.access_token, "x");
    assert_null(token.scope.ptr);
    assert_false(token.has_expires_in);
    assert_int_equal(token.expires_in, SBS_TOKEN_EXPIRES_DEFAULT);
}

static void takes_a_scope_with_more_blanks(void **state) {
    (void)state;
    sbs_token token;
    assert_int_equal(parse("{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\" a  b \"}", &token, NULL),
                     SBS_OK);
    assert_text(token.scope, " a  b ");
}

static void tells_an_empty_scope_from_an_absent_one(void **state) {
    sbs_token token;
    (void)state;
    assert_int_equal(parse("{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\"\"}", &token, NULL), SBS_OK);
    assert_non_null(token.scope.ptr);
    assert_int_equal(token.scope.len, 0);
}

static void unescapes_names_and_values(void **state) {
    sbs_token token;
    (void)state;
    assert_int_equal(parse("{\"\\u0061ccess_token\":\"a\\u0062c\\/d\",\"token\\u005ftype\":\"be\\u0061rer\","
                           "\"sc\\u006Fpe\":\"system\\/Observation.c\",\"expires_in\":\"\\u0036\\u0030\"}",
                           &token, NULL),
                     SBS_OK);
    assert_text(token.access_token, "abc/d");
    assert_text(token.scope, "system/Observation.c");
    assert_int_equal(token.expires_in, 60);
}

static void takes_tokens_of_kilobytes(void **state) {
    static char text[60000];
    sbs_token token;
    const size_t token_len = 48000;
    (void)state;
    size_t at = (size_t)snprintf(text, sizeof text, "{\"token_type\":\"bearer\",\"access_token\":\"");
    memset(text + at, 'k', token_len);
    snprintf(text + at + token_len, sizeof text - at - token_len, "\"}");
    assert_int_equal(parse(text, &token, NULL), SBS_OK);
    assert_int_equal(token.access_token.len, token_len);
}

/* ---- expires_in ----------------------------------------------------------------------------------------------- */

static void reads_lifetimes(void **state) {
    static const struct {
        const char *value;
        uint32_t seconds;
    } cases[] = {
        {"1", 1},
        {"3600", 3600},
        {"300.0", 300},
        {"300.999999999999999999999999999999", 300},
        {"3e2", 300},
        {"3E+2", 300},
        {"3.6E3", 3600},
        {"3.1536E7", 31536000},
        {"30000e-2", 300},
        {"1.5", 1},
        {"86399.99999999", 86399},
        {"4294967294.99", UINT32_MAX - 1},
        {"1.234567890123e9", 1234567890},
        {"4294967294", UINT32_MAX - 1},
        {"4294967295", UINT32_MAX},
        {"4294967296", UINT32_MAX},
        {"18446744073709551615", UINT32_MAX},
        {"18446744073709551616", UINT32_MAX},
        {"99999999999999999999999999999999999999999999", UINT32_MAX},
        {"1e21", UINT32_MAX},
        {"1e99999999999999999999", UINT32_MAX},
        {"\"3599\"", 3599},
        {"\"300.0\"", 300},
        {"\"00060\"", 60},
        {"\"99999999999999999999999999999999999999999999\"", UINT32_MAX},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char text[256];
        sbs_token token;
        snprintf(text, sizeof text, "{\"access_token\":\"x\",\"token_type\":\"bearer\",\"expires_in\":%s}",
                 cases[i].value);
        assert_int_equal(parse(text, &token, NULL), SBS_OK);
        assert_true(token.has_expires_in);
        assert_true(token.expires_in == cases[i].seconds);
    }
}

static void refuses_lifetimes(void **state) {
    static const struct {
        const char *value;
        sbs_status status;
    } cases[] = {
        {"0", SBS_ERR_RESPONSE},           {"0.0", SBS_ERR_RESPONSE},
        {"0.9", SBS_ERR_RESPONSE},         {"-1", SBS_ERR_RESPONSE},
        {"-0", SBS_ERR_RESPONSE},          {"1e-1", SBS_ERR_RESPONSE},
        {"5e-99999999", SBS_ERR_RESPONSE}, {"0e99", SBS_ERR_RESPONSE},
        {"\"\"", SBS_ERR_RESPONSE},        {"\"-1\"", SBS_ERR_RESPONSE},
        {"\"+1\"", SBS_ERR_RESPONSE},      {"\" 1\"", SBS_ERR_RESPONSE},
        {"\"1 \"", SBS_ERR_RESPONSE},      {"\"300s\"", SBS_ERR_RESPONSE},
        {"\"1.\"", SBS_ERR_RESPONSE},      {"\".5\"", SBS_ERR_RESPONSE},
        {"\"1e\"", SBS_ERR_RESPONSE},      {"\"1e+\"", SBS_ERR_RESPONSE},
        {"\"0x10\"", SBS_ERR_RESPONSE},    {"\"NaN\"", SBS_ERR_RESPONSE},
        {"\"never\"", SBS_ERR_RESPONSE},   {"\"1\\u00002\"", SBS_ERR_RESPONSE},
        {"true", SBS_ERR_JSON_TYPE},       {"[300]", SBS_ERR_JSON_TYPE},
        {"{}", SBS_ERR_JSON_TYPE},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"access_token\":\"x\",\"token_type\":\"bearer\",\"expires_in\":%s}",
                 cases[i].value);
        assert_refused(text, cases[i].status, "expires_in");
    }
}

/* Frameworks that write every member of a class. */
static void a_member_that_is_null_is_missing(void **state) {
    sbs_token token;
    const char *member = "none";
    (void)state;
    assert_int_equal(parse("{\"access_token\":\"x\",\"token_type\":\"bearer\",\"expires_in\":null,\"scope\":null,"
                           "\"error\":null,\"error_description\":null,\"refresh_token\":null}",
                           &token, &member),
                     SBS_OK);
    assert_null(member);
    assert_null(token.scope.ptr);
    assert_false(token.has_expires_in);
    assert_int_equal(token.expires_in, SBS_TOKEN_EXPIRES_DEFAULT);
}

/* ---- refused answers ------------------------------------------------------------------------------------------ */

static void names_the_member_at_fault(void **state) {
    static const struct {
        const char *text;
        sbs_status status;
        const char *member;
    } cases[] = {
        {"{}", SBS_ERR_RESPONSE, "access_token"},
        {"{\"access_token\":\"x\"}", SBS_ERR_RESPONSE, "token_type"},
        {"{\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token"},
        {"{\"access_token\":\"\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token"},
        {"{\"access_token\":null,\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token"},
        {"{\"access_token\":\"x\",\"token_type\":null}", SBS_ERR_RESPONSE, "token_type"},
        {"{\"access_token\":\"x\",\"access_token\":null,\"token_type\":\"bearer\"}", SBS_ERR_DUPLICATE, "access_token"},
        {"{\"access_token\":1,\"token_type\":\"bearer\"}", SBS_ERR_JSON_TYPE, "access_token"},
        {"{\"access_token\":\"x\",\"token_type\":\"DPoP\"}", SBS_ERR_RESPONSE, "token_type"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer \"}", SBS_ERR_RESPONSE, "token_type"},
        {"{\"access_token\":\"x\",\"token_type\":\"\"}", SBS_ERR_RESPONSE, "token_type"},
        {"{\"access_token\":\"x\",\"token_type\":[]}", SBS_ERR_JSON_TYPE, "token_type"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":[\"a\"]}", SBS_ERR_JSON_TYPE, "scope"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\"a  b\\\\c\"}", SBS_ERR_RESPONSE, "scope"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\"a\\nb\"}", SBS_ERR_RESPONSE, "scope"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\"\\ud800\"}", SBS_ERR_RESPONSE, "scope"},
        {"{\"access_token\":\"x\",\"access_token\":\"x\",\"token_type\":\"bearer\"}", SBS_ERR_DUPLICATE,
         "access_token"},
        {"{\"access_token\":\"x\",\"\\u0061ccess_token\":\"y\",\"token_type\":\"bearer\"}", SBS_ERR_DUPLICATE,
         "access_token"},
        {"{\"token_type\":\"x\",\"access_token\":\"x\",\"token_type\":\"bearer\"}", SBS_ERR_DUPLICATE, "token_type"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"expires_in\":1,\"expires_in\":2}", SBS_ERR_DUPLICATE,
         "expires_in"},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",\"scope\":\"\",\"scope\":\"\"}", SBS_ERR_DUPLICATE,
         "scope"},
        {"[]", SBS_ERR_JSON_TYPE, NULL},
        {"\"token\"", SBS_ERR_JSON_TYPE, NULL},
        {"", SBS_ERR_JSON, NULL},
        {"<html>", SBS_ERR_JSON, NULL},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\",}", SBS_ERR_JSON, NULL},
        {"{\"access_token\":\"x\",\"token_type\":\"bearer\"}x", SBS_ERR_JSON, NULL},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_refused(cases[i].text, cases[i].status, cases[i].member);
    }
}

/* Whatever else stands there, and nothing of it is unescaped: the error is read next. */
static void an_error_among_the_members_is_a_refusal(void **state) {
    static const char *const errors[] = {"\"invalid\\u005fclient\"", "\"\"", "{\"code\":7}", "false", "[]"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(errors); i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"access_token\":\"a\\u002db\",\"token_type\":\"bearer\",\"error\":%s}",
                 errors[i]);
        assert_refused(text, SBS_ERR_OAUTH, NULL);
        assert_memory_equal(memory, text, strlen(text));
    }
    assert_refused("{\"error\":\"a\",\"error\":\"a\"}", SBS_ERR_DUPLICATE, NULL);
}

static void duplicates_of_other_members_are_ignored(void **state) {
    sbs_token token;
    (void)state;
    assert_int_equal(parse("{\"x\":1,\"x\":2,\"access_token\":\"t\",\"token_type\":\"bearer\"}", &token, NULL), SBS_OK);
}

static void every_byte_outside_b64token_is_refused(void **state) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
    (void)state;
    for (unsigned c = 1; c < 0x80; c++) {
        char text[128];
        sbs_token token;
        snprintf(text, sizeof text, "{\"access_token\":\"x\\u%04x\",\"token_type\":\"bearer\"}", c);
        assert_int_equal(parse(text, &token, NULL), strchr(allowed, (int)c) != NULL ? SBS_OK : SBS_ERR_RESPONSE);
    }
    assert_refused("{\"access_token\":\"a=b\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token");
    assert_refused("{\"access_token\":\"=\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token");
    assert_refused("{\"access_token\":\"\xc3\xa9\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token");
    assert_refused("{\"access_token\":\"a\\u0000b\",\"token_type\":\"bearer\"}", SBS_ERR_RESPONSE, "access_token");
}

static void every_truncation_is_refused(void **state) {
    static const char text[] = "{\"access_token\":\"abc\",\"token_type\":\"bearer\",\"expires_in\":300}";
    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *exact = malloc(len > 0 ? len : 1);
        sbs_token token;
        assert_non_null(exact);
        memcpy(exact, text, len);
        assert_int_equal(sbs_token_parse(exact, len, &token, NULL), SBS_ERR_JSON);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_form_of_the_seed),
        cmocka_unit_test(the_form_does_not_depend_on_what_stands_before_it),
        cmocka_unit_test(refuses_to_ask_without_a_scope),
        cmocka_unit_test(names_the_client_where_it_is_told_to),
        cmocka_unit_test(reads_a_whole_answer),
        cmocka_unit_test(reads_the_least_answer),
        cmocka_unit_test(tells_an_empty_scope_from_an_absent_one),
        cmocka_unit_test(takes_a_scope_with_more_blanks),
        cmocka_unit_test(unescapes_names_and_values),
        cmocka_unit_test(takes_tokens_of_kilobytes),
        cmocka_unit_test(reads_lifetimes),
        cmocka_unit_test(refuses_lifetimes),
        cmocka_unit_test(a_member_that_is_null_is_missing),
        cmocka_unit_test(names_the_member_at_fault),
        cmocka_unit_test(an_error_among_the_members_is_a_refusal),
        cmocka_unit_test(duplicates_of_other_members_are_ignored),
        cmocka_unit_test(every_byte_outside_b64token_is_refused),
        cmocka_unit_test(every_truncation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
