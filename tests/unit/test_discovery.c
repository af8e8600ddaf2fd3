/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/discovery.h"
#include "test.h"

#define BASE "https://fhir.example.org/r4"

static sbs_status parse_at(const char *base, const char *text, bool allow_http, char *url, size_t size,
                           sbs_discovery *out) {
    return sbs_discovery_parse(text, strlen(text), sbs_text_of(base), allow_http, url, size, out);
}

static sbs_status parse(const char *text, char *url, size_t size, sbs_discovery *out) {
    return parse_at(BASE, text, false, url, size, out);
}

/* ---- token endpoint ------------------------------------------------------------------------------------------- */

static void requires_nothing_but_the_token_endpoint(void **state) {
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(parse("{\"token_endpoint\":\"https://auth.example.org/token?x=1\"}", url, sizeof url, &found),
                     SBS_OK);
    assert_string_equal(url, "https://auth.example.org/token?x=1");
    assert_int_equal(found.token_endpoint_len, strlen(url));
    assert_int_equal(found.private_key_jwt, SBS_UNSTATED);
    assert_int_equal(found.rs384, SBS_UNSTATED);
    assert_int_equal(found.es384, SBS_UNSTATED);
    assert_int_equal(found.client_credentials, SBS_UNSTATED);
    assert_int_equal(found.confidential_asymmetric, SBS_UNSTATED);
}

static void resolves_a_relative_endpoint_below_the_base(void **state) {
    static const struct {
        const char *base;
        const char *reference;
        const char *url;
    } cases[] = {
        {"https://h/fhir", "token", "https://h/fhir/token"},
        {"https://h/fhir/", "token", "https://h/fhir/token"},
        {"https://h/fhir", "/auth/token", "https://h/auth/token"},
        {"https://h/fhir/r4", "../auth/token", "https://h/fhir/auth/token"},
        {"https://h:8443/fhir", "//auth.example/token", "https://auth.example/token"},
        {"https://h", "oauth/token?a=b", "https://h/oauth/token?a=b"},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char text[128];
        char url[64];
        sbs_discovery found;
        snprintf(text, sizeof text, "{\"token_endpoint\":\"%s\"}", cases[i].reference);
        assert_int_equal(parse_at(cases[i].base, text, false, url, sizeof url, &found), SBS_OK);
        assert_string_equal(url, cases[i].url);
        assert_int_equal(found.token_endpoint_len, strlen(url));
    }
}

static void unescapes_the_endpoint(void **state) {
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(parse("{\"token\\u005fendpoint\":\"https:\\/\\/h\\/to\\u006ben\"}", url, sizeof url, &found),
                     SBS_OK);
    assert_string_equal(url, "https://h/token");
}

static void an_absolute_endpoint_fits_exactly(void **state) {
    static const char text[] = "{\"token_endpoint\":\"https:\\/\\/h.example\\/token\"}";
    const size_t exact = sizeof "https://h.example/token";
    (void)state;
    for (size_t size = 0; size <= exact; size++) {
        char *url = malloc(size > 0 ? size : 1);
        sbs_discovery found;
        assert_non_null(url);
        assert_int_equal(parse(text, url, size, &found), size < exact ? SBS_ERR_BUFFER : SBS_OK);
        free(url);
    }
}

static void a_relative_endpoint_never_overruns(void **state) {
    static const char text[] = "{\"token_endpoint\":\"../a/./b/../token\"}";
    bool fitted = false;
    (void)state;
    for (size_t size = 0; size < 100; size++) {
        char *url = malloc(size > 0 ? size : 1);
        sbs_discovery found;
        assert_non_null(url);
        const sbs_status status = parse_at("https://h.example/x/y", text, false, url, size, &found);
        assert_true(status == SBS_ERR_BUFFER || status == SBS_OK);
        assert_true(!fitted || status == SBS_OK);
        fitted = status == SBS_OK;
        if (fitted) {
            assert_string_equal(url, "https://h.example/x/a/token");
        }
        free(url);
    }
    assert_true(fitted);
}

static void refuses_endpoints(void **state) {
    static const struct {
        const char *text;
        sbs_status status;
    } cases[] = {
        {"{}", SBS_ERR_RESPONSE},
        {"{\"Token_endpoint\":\"https://h/\"}", SBS_ERR_RESPONSE},
        {"{\"token_endpoint\":null}", SBS_ERR_RESPONSE},
        {"{\"token_endpoint\":[\"https://h/\"]}", SBS_ERR_JSON_TYPE},
        {"{\"token_endpoint\":\"http://h/token\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"ftp://h/token\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://user@h/token\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/token#f\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/to ken\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/to\\nken\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/to\\u0000ken\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/\\ud800\"}", SBS_ERR_URL},
        {"{\"token_endpoint\":\"https://h/a\",\"token_endpoint\":\"https://h/a\"}", SBS_ERR_DUPLICATE},
        {"{\"token_endpoint\":\"https://h/a\",\"token\\u005fendpoint\":\"https://h/b\"}", SBS_ERR_DUPLICATE},
        {"[]", SBS_ERR_JSON_TYPE},
        {"", SBS_ERR_JSON},
        {"{\"token_endpoint\":\"https://h/a\",}", SBS_ERR_JSON},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char url[64];
        sbs_discovery found;
        assert_int_equal(parse(cases[i].text, url, sizeof url, &found), cases[i].status);
    }
}

static void http_needs_the_callers_word(void **state) {
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(parse_at("http://localhost:1", "{\"token_endpoint\":\"token\"}", true, url, sizeof url, &found),
                     SBS_OK);
    assert_string_equal(url, "http://localhost:1/token");
    assert_int_equal(parse_at("http://localhost:1", "{\"token_endpoint\":\"token\"}", false, url, sizeof url, &found),
                     SBS_ERR_URL);
}

/* ---- lists ---------------------------------------------------------------------------------------------------- */

static void reads_the_lists(void **state) {
    static const char text[] =
        "{\"token_endpoint\":\"https://h/t\",\"grant_types_supported\":[\"authorization_code\",\"client_credentials\"],"
        "\"token_endpoint_auth_methods_supported\":[\"private_key_jwt\"],"
        "\"token_endpoint_auth_signing_alg_values_supported\":[7,\"ES384\"],"
        "\"capabilities\":[]}";
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(parse(text, url, sizeof url, &found), SBS_OK);
    assert_int_equal(found.client_credentials, SBS_YES);
    assert_int_equal(found.private_key_jwt, SBS_YES);
    assert_int_equal(found.rs384, SBS_NO);
    assert_int_equal(found.es384, SBS_YES);
    assert_int_equal(found.confidential_asymmetric, SBS_NO);
}

static void lists_of_the_wrong_type_say_nothing(void **state) {
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(parse("{\"token_endpoint\":\"https://h/t\",\"capabilities\":null,"
                           "\"grant_types_supported\":\"client_credentials\"}",
                           url, sizeof url, &found),
                     SBS_OK);
    assert_int_equal(found.confidential_asymmetric, SBS_UNSTATED);
    assert_int_equal(found.client_credentials, SBS_UNSTATED);
}

static void refuses_a_list_that_stands_twice(void **state) {
    char url[64];
    sbs_discovery found;
    (void)state;
    assert_int_equal(
        parse("{\"token_endpoint\":\"https://h/t\",\"capabilities\":[],\"capabilities\":[]}", url, sizeof url, &found),
        SBS_ERR_DUPLICATE);
    assert_int_equal(parse("{\"x\":1,\"x\":2,\"token_endpoint\":\"https://h/t\"}", url, sizeof url, &found), SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requires_nothing_but_the_token_endpoint),
        cmocka_unit_test(resolves_a_relative_endpoint_below_the_base),
        cmocka_unit_test(unescapes_the_endpoint),
        cmocka_unit_test(an_absolute_endpoint_fits_exactly),
        cmocka_unit_test(a_relative_endpoint_never_overruns),
        cmocka_unit_test(refuses_endpoints),
        cmocka_unit_test(http_needs_the_callers_word),
        cmocka_unit_test(reads_the_lists),
        cmocka_unit_test(lists_of_the_wrong_type_say_nothing),
        cmocka_unit_test(refuses_a_list_that_stands_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
