/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/count.h"
#include "sbs/http.h"
#include "test.h"

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static uint32_t retry_after(const char *value, uint32_t max_s) {
    uint32_t seconds = 4711;
    if (sbs_http_retry_after(sbs_text_of(value), NOW, max_s, &seconds) != SBS_OK) {
        fail_msg("refused: %s", value);
    }
    return seconds;
}

static void test_retry_after_seconds(void **state) {
    (void)state;
    assert_int_equal(retry_after("0", 3600), 0);
    assert_int_equal(retry_after("120", 3600), 120);
    assert_int_equal(retry_after("0000000120", 3600), 120);
    assert_int_equal(retry_after("3600", 3600), 3600);
    assert_int_equal(retry_after("3601", 3600), 3600);
    assert_int_equal(retry_after("1763900000", 3600), 3600);
    assert_int_equal(retry_after("1763900000123", 3600), 3600);
    assert_int_equal(retry_after("18446744073709551616", 3600), 3600);
    assert_int_equal(retry_after("99999999999999999999999999999999", UINT32_MAX), UINT32_MAX);
    assert_int_equal(retry_after("4294967296", UINT32_MAX), UINT32_MAX);
}

static void test_retry_after_date(void **state) {
    (void)state;
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", 3600), 60);
    assert_int_equal(retry_after("Sunday, 06-Nov-94 08:50:37 GMT", 3600), 60);
    assert_int_equal(retry_after("Sun Nov  6 08:50:37 1994", 3600), 60);
    assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 3600), 0);
    assert_int_equal(retry_after("Sat, 05 Nov 1994 08:49:37 GMT", 3600), 0);
    assert_int_equal(retry_after("Fri, 31 Dec 9999 23:59:59 GMT", 3600), 3600);
}

static void test_retry_after_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-1", "+1", "1.5", "1 ", "1s", "soon", "0x10", "Sun, 06 Nov 1994"};
    uint32_t seconds = 4711;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(sbs_http_retry_after(sbs_text_of(bad[i]), NOW, 60, &seconds), SBS_ERR_FORMAT);
    }
    const sbs_text date = sbs_text_of("Sun, 06 Nov 1994 08:50:37 GMT");
    assert_int_equal(sbs_http_retry_after(date, SBS_UTC_UNKNOWN, 60, &seconds), SBS_ERR_NO_TIME);
    assert_int_equal(sbs_http_retry_after(sbs_text_of("x"), SBS_UTC_UNKNOWN, 60, &seconds), SBS_ERR_FORMAT);
    assert_int_equal(seconds, 4711);
    assert_int_equal(sbs_http_retry_after(sbs_text_of("5"), SBS_UTC_UNKNOWN, 60, &seconds), SBS_OK);
    assert_int_equal(seconds, 5);
}

static void test_is_json(void **state) {
    (void)state;
    static const struct {
        const char *type;
        bool json;
    } rows[] = {
        {"application/json", true},
        {"application/fhir+json", true},
        {"Application/FHIR+JSON;fhirVersion=4.0", true},
        {"application/json; charset=UTF-8", true},
        {"application/json\t; charset=UTF-8", true},
        {" application/problem+json ", true},
        {"application/a.b-c+json", true},
        {"", false},
        {"application/", false},
        {"application/jso", false},
        {"application/xjson", false},
        {"application/+json", false},
        {"application/jsonp", false},
        {"application/json-seq", false},
        {"application/fhir+xml", false},
        {"application/a/b+json", false},
        {"application/a b+json", false},
        {"application/json, text/html", false},
        {"text/html", false},
        {"text/json", false},
        {"json", false},
        {"xapplication/json", false},
        {"text/html; x=application/json", false},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        if (sbs_http_is_json(sbs_text_of(rows[i].type)) != rows[i].json) {
            fail_msg("%s", rows[i].type);
        }
    }
    assert_false(sbs_http_is_json((sbs_text){NULL, 0}));
}

static void assert_sanitised(const char *text, size_t len, size_t size, const char *expected) {
    char out[64];
    memset(out, '#', sizeof out);
    sbs_http_sanitise((sbs_text){text, len}, out, size);
    assert_string_equal(out, expected);
    assert_int_equal(out[size], '#');
}

static void test_sanitise(void **state) {
    (void)state;
    assert_sanitised("plain", 5, 63, "plain");
    assert_sanitised("", 0, 63, "");
    assert_sanitised(" \t a \r\n\v\f b  ", 13, 63, "a b");
    assert_sanitised("a\0b\x1b[31m\x7f", 9, 63, "a?b?[31m?");
    assert_sanitised("caf\xc3\xa9 \xe2\x82\xac \xff\xff", 12, 63, "caf? ? ??");
    assert_sanitised("\x80x\xc3\xa9\xc3\xa9", 6, 63, "?x??");
    assert_sanitised("~ !", 3, 63, "~ !");
    /* Where it stands. */
    char text[] = "caf\xc3\xa9 \n \xe2\x82\xac";
    sbs_http_sanitise((sbs_text){text, sizeof text - 1}, text, sizeof text);
    assert_string_equal(text, "caf? ?");
}

static void test_sanitise_shortens(void **state) {
    (void)state;
    assert_sanitised("plain", 5, 6, "plain");
    assert_sanitised("plain", 5, 5, "plai");
    assert_sanitised("pl ain", 6, 4, "pl");
    assert_sanitised("plain", 5, 1, "");
    char out[1] = {'#'};
    sbs_http_sanitise(sbs_text_of("plain"), out, 0);
    assert_int_equal(out[0], '#');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after_seconds),
        cmocka_unit_test(test_retry_after_date),
        cmocka_unit_test(test_retry_after_refused),
        cmocka_unit_test(test_is_json),
        cmocka_unit_test(test_sanitise),
        cmocka_unit_test(test_sanitise_shortens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
