/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/token.h"
#include "test.h"

static sbs_status parse(const char *text, sbs_oauth_error *error, char *out, size_t size) {
    return sbs_oauth_error_parse(text, strlen(text), error, out, size);
}

static void reads_what_servers_send(void **state) {
    static const struct {
        const char *body;
        sbs_oauth_error error;
        const char *text;
    } cases[] = {
        {"{\"error\":\"invalid_client\",\"error_description\":\"no such client\"}", SBS_OAUTH_INVALID_CLIENT,
         "invalid_client: no such client"},
        {"{\"error\":\"invalid_client\",\"error_description\":null}", SBS_OAUTH_INVALID_CLIENT, "invalid_client"},
        {"{\"error\":\"invalid_scope\"}", SBS_OAUTH_INVALID_SCOPE, "invalid_scope"},
        {"{\"error\":\"invalid_grant\",\"error_uri\":\"https://h/e\"}", SBS_OAUTH_INVALID_GRANT,
         "invalid_grant: https://h/e"},
        {"{\"error\":\"invalid_request\",\"error_description\":\"d\",\"error_uri\":\"u\"}", SBS_OAUTH_INVALID_REQUEST,
         "invalid_request: d"},
        {"{\"error_uri\":\"https://h/e?code=1\"}", SBS_OAUTH_OTHER, "https://h/e?code=1"},
        {"{\"error\":\"consent_required\"}", SBS_OAUTH_OTHER, "consent_required"},
        {"{\"error\":\"\"}", SBS_OAUTH_OTHER, ""},
        {"{\"error\":\"INVALID_CLIENT\"}", SBS_OAUTH_OTHER, "INVALID_CLIENT"},
        {"{\"err\\u006fr\":\"invalid\\u005fclient\"}", SBS_OAUTH_INVALID_CLIENT, "invalid_client"},
        {"{\"error\":\"invalid_client\",\"error_description\":\"a\\n\\tb \\u001b[31m\\\"c\\\" caf\\u00e9\"}",
         SBS_OAUTH_INVALID_CLIENT, "invalid_client: a b ?[31m\"c\" caf?"},
        {"{\"error\":\"invalid_client\",\"error_description\":\"x\\u0000y\"}", SBS_OAUTH_INVALID_CLIENT,
         "invalid_client: x\\u0000y"},
        {"{\"error\":\"invalid_client\",\"error_description\":7}", SBS_OAUTH_INVALID_CLIENT, "invalid_client"},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_oauth_error error = SBS_OAUTH_NONE;
        char text[128];
        assert_int_equal(parse(cases[i].body, &error, text, sizeof text), SBS_OK);
        assert_int_equal(error, cases[i].error);
        assert_string_equal(text, cases[i].text);
    }
}

static void finds_nothing_where_there_is_none(void **state) {
    static const char *const bodies[] = {
        "",
        "Not Found",
        "<html></html>",
        "[]",
        "\"error\"",
        "{}",
        "{\"error\":null}",
        "{\"error\":{\"code\":1}}",
        "{\"error\":\"a\",\"error\":\"b\"}",
        "{\"error_description\":\"x\"}",
        "{\"error\":\"invalid_client\"",
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        sbs_oauth_error error = SBS_OAUTH_OTHER;
        char text[8] = "full";
        assert_int_equal(parse(bodies[i], &error, text, sizeof text), SBS_ERR_NOT_FOUND);
        assert_int_equal(error, SBS_OAUTH_NONE);
        assert_string_equal(text, "");
    }
}

static void shortens_to_the_callers_memory(void **state) {
    static const char body[] = "{\"error\":\"invalid_client\",\"error_description\":\"d\\u00e9cription\"}";
    static const char whole[] = "invalid_client: d?cription";
    (void)state;
    for (size_t size = 0; size < 40; size++) {
        sbs_oauth_error error;
        char *text = malloc(size > 0 ? size : 1);
        assert_non_null(text);
        text[0] = '~';
        assert_int_equal(parse(body, &error, text, size), SBS_OK);
        assert_int_equal(error, SBS_OAUTH_INVALID_CLIENT);
        if (size == 0) {
            assert_int_equal(text[0], '~');
        } else {
            assert_true(strlen(text) < size);
            assert_true(strlen(text) <= strlen(whole) || strchr(text, '\\') != NULL);
        }
        if (size > sizeof whole) {
            assert_string_equal(text, whole);
        }
        free(text);
    }
}

static void names_are_those_of_the_registry(void **state) {
    (void)state;
    assert_string_equal(sbs_oauth_error_name(SBS_OAUTH_NONE), "");
    assert_string_equal(sbs_oauth_error_name(SBS_OAUTH_OTHER), "other");
    assert_string_equal(sbs_oauth_error_name((sbs_oauth_error)99), "other");
    for (int i = SBS_OAUTH_INVALID_REQUEST; i < SBS_OAUTH_OTHER; i++) {
        char body[80] = "{\"error\":\"";
        char text[64];
        sbs_oauth_error error;
        strcat(body, sbs_oauth_error_name((sbs_oauth_error)i));
        strcat(body, "\"}");
        assert_int_equal(parse(body, &error, text, sizeof text), SBS_OK);
        assert_int_equal(error, i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_servers_send),
        cmocka_unit_test(finds_nothing_where_there_is_none),
        cmocka_unit_test(shortens_to_the_callers_memory),
        cmocka_unit_test(names_are_those_of_the_registry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
