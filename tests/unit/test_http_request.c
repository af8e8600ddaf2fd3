/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/http.h"
#include "test.h"

static char buffer[1024];
static const sbs_text absent;

static sbs_writer begin(void) {
    sbs_writer out;
    sbs_writer_init(&out, buffer, sizeof buffer);
    return out;
}

static sbs_url parsed(const char *text) {
    sbs_url url;
    assert_int_equal(sbs_url_parse(sbs_text_of(text), &url), SBS_OK);
    return url;
}

static void assert_written(const sbs_writer *out, const char *expected) {
    size_t len = 0;
    assert_int_equal(sbs_writer_finish(out, &len), SBS_OK);
    if (len != strlen(expected) || memcmp(buffer, expected, len) != 0) {
        fail_msg("written: %.*s", (int)len, buffer);
    }
}

static void assert_line(const char *url_text, sbs_text suffix, const char *expected) {
    sbs_writer out = begin();
    const sbs_url url = parsed(url_text);
    sbs_http_put_request_line(&out, "GET", &url, suffix);
    assert_written(&out, expected);
}

static void test_targets(void **state) {
    (void)state;
    assert_line("https://h", absent, "GET / HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h?q=1", absent, "GET /?q=1 HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h:8443/a/b?q=1", absent, "GET /a/b?q=1 HTTP/1.1\r\nHost: h:8443\r\n");
    assert_line("https://h/fhir?q=1", sbs_text_of("/metadata"), "GET /fhir/metadata HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h", sbs_text_of("/metadata"), "GET /metadata HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h/fhir", sbs_text_of("metadata"), "GET /fhir/metadata HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h/fhir/", sbs_text_of("metadata"), "GET /fhir/metadata HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h", sbs_text_of("metadata"), "GET /metadata HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h", sbs_text_of("?_format=json"), "GET /?_format=json HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://h/fhir", sbs_text_of(""), "GET /fhir/ HTTP/1.1\r\nHost: h\r\n");
    assert_line("https://[::1]:8443/fhir", absent, "GET /fhir HTTP/1.1\r\nHost: [::1]:8443\r\n");
}

/* A query that the caller encoded goes out byte for byte. */
static void test_encoded_query_is_kept(void **state) {
    (void)state;
    assert_line("https://h/fhir", sbs_text_of("/Observation?code=4548-4&_sort%3Adesc=date&_count=10"),
                "GET /fhir/Observation?code=4548-4&_sort%3Adesc=date&_count=10 HTTP/1.1\r\nHost: h\r\n");
}

static void put_request(sbs_writer *out) {
    const sbs_url url = parsed("https://fhir.example/r4");
    sbs_http_put_request_line(out, "POST", &url, sbs_text_of("/Observation"));
    sbs_http_put_field(out, "Accept", sbs_text_of("application/fhir+json"));
    sbs_http_put_field(out, "If-None-Exist", absent);
    sbs_http_put_field(out, "X-Empty", sbs_text_of(""));
    sbs_http_put_field_uint(out, "Content-Length", 18446744073709551615U);
    sbs_http_put_end(out);
}

static const char *const request = "POST /r4/Observation HTTP/1.1\r\nHost: fhir.example\r\n"
                                   "Accept: application/fhir+json\r\nX-Empty: \r\n"
                                   "Content-Length: 18446744073709551615\r\n\r\n";

static void test_request(void **state) {
    (void)state;
    sbs_writer out = begin();
    put_request(&out);
    assert_written(&out, request);
}

static void test_exact_fit_and_one_short(void **state) {
    (void)state;
    const size_t need = strlen(request);
    sbs_writer out;
    size_t len = 0;
    sbs_writer_init(&out, buffer, need);
    put_request(&out);
    assert_written(&out, request);
    memset(buffer, '#', sizeof buffer);
    sbs_writer_init(&out, buffer, need - 1);
    put_request(&out);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, need);
    assert_int_equal(buffer[need - 1], '#');
}

static size_t count_of(const char *needle, size_t len) {
    size_t count = 0;
    const size_t size = strlen(needle);
    for (size_t i = 0; i + size <= len; i++) {
        count += memcmp(buffer + i, needle, size) == 0 ? 1 : 0;
    }
    return count;
}

/* What was written is one request line, Host and one more field, and nothing else that a receiver could read in. */
static void assert_not_split(const sbs_writer *out, sbs_status refused) {
    size_t len = 0;
    const sbs_status status = sbs_writer_finish(out, &len);
    if (status != SBS_OK) {
        assert_int_equal(status, refused);
        return;
    }
    assert_int_equal(count_of("\r", len), 4);
    assert_int_equal(count_of("\n", len), 4);
    assert_int_equal(count_of("\r\n", len), 4);
    assert_null(memchr(buffer, '\0', len));
    const char *line_end = memchr(buffer, '\r', len);
    size_t spaces = 0;
    for (const char *p = buffer; p < line_end; p++) {
        spaces += *p == ' ' ? 1 : 0;
    }
    assert_int_equal(spaces, 2);
}

typedef enum { METHOD, HOST, PATH, QUERY, SUFFIX, NAME, VALUE, PLACES } place;

static void put_with(sbs_writer *out, place where, sbs_text text) {
    char name[8] = "X";
    sbs_url url = parsed("https://h/p?q");
    if (where == METHOD || where == NAME) {
        memcpy(name, text.ptr, text.len);
        name[text.len] = '\0';
    }
    url.host = where == HOST ? text : url.host;
    url.path = where == PATH ? text : url.path;
    url.query = where == QUERY ? text : url.query;
    sbs_http_put_request_line(out, where == METHOD ? name : "GET", &url, where == SUFFIX ? text : absent);
    sbs_http_put_field(out, where == NAME ? name : "X", where == VALUE ? text : sbs_text_of("v"));
    sbs_http_put_end(out);
}

/* Every byte and every pair of bytes, in every argument. */
static void test_nothing_can_be_injected(void **state) {
    (void)state;
    for (int where = METHOD; where < PLACES; where++) {
        const sbs_status refused = where == METHOD || where == NAME || where == VALUE ? SBS_ERR_ARGUMENT : SBS_ERR_URL;
        for (unsigned pair = 0; pair < 65536; pair++) {
            const char text[4] = {'a', (char)(pair >> 8), (char)(pair & 0xFF), 'b'};
            sbs_writer out = begin();
            put_with(&out, (place)where, (sbs_text){text, sizeof text});
            assert_not_split(&out, refused);
        }
    }
}

static void a_control_character_is_refused_wherever_it_stands(void **state) {
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        const bool refused = c < 0x20 || c == 0x7F;
        for (size_t at = 0; at < 3; at++) {
            char text[3] = {'a', 'b', 'c'};
            text[at] = (char)c;
            sbs_writer out = begin();
            sbs_http_put_field(&out, "X", (sbs_text){text, sizeof text});
            assert_int_equal(out.error, refused ? SBS_ERR_ARGUMENT : SBS_OK);
        }
    }
}

static sbs_status status_of(place where, const char *text) {
    sbs_writer out = begin();
    put_with(&out, where, sbs_text_of(text));
    return sbs_writer_finish(&out, NULL);
}

static void test_refused(void **state) {
    (void)state;
    assert_int_equal(status_of(METHOD, ""), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(METHOD, "G T"), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(NAME, ""), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(NAME, "X:"), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(VALUE, "a\nb"), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(VALUE, "a\x7f"), SBS_ERR_ARGUMENT);
    assert_int_equal(status_of(VALUE, "W/\"\xc3\xa9\""), SBS_OK);
    assert_int_equal(status_of(HOST, ""), SBS_ERR_URL);
    assert_int_equal(status_of(SUFFIX, "/a b"), SBS_ERR_URL);
    assert_int_equal(status_of(SUFFIX, "/a#b"), SBS_ERR_URL);
    assert_int_equal(status_of(QUERY, "?%4"), SBS_ERR_URL);

    sbs_writer out = begin();
    sbs_http_put_field_uint(&out, "Content Length", 1);
    assert_int_equal(sbs_writer_finish(&out, NULL), SBS_ERR_ARGUMENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_encoded_query_is_kept),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_exact_fit_and_one_short),
        cmocka_unit_test(test_nothing_can_be_injected),
        cmocka_unit_test(a_control_character_is_refused_wherever_it_stands),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
