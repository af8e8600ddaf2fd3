/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sbs/url.h"
#include "test.h"

static char buffer[2048];

static sbs_writer begin(void) {
    sbs_writer out;
    sbs_writer_init(&out, buffer, sizeof buffer);
    return out;
}

static void assert_written(const sbs_writer *out, const char *expected) {
    size_t len = 0;
    assert_int_equal(sbs_writer_finish(out, &len), SBS_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buffer, expected, len);
}

/* Made with Python 3: urllib.parse.quote_plus(''.join(map(chr, range(32, 127)))). */
static const char *const printable_quote_plus =
    "+%21%22%23%24%25%26%27%28%29%2A%2B%2C-.%2F0123456789%3A%3B%3C%3D%3E%3F%40ABCDEFGHIJKLMNOPQRSTUVWXYZ%5B%5C%5D%5E_"
    "%60abcdefghijklmnopqrstuvwxyz%7B%7C%7D~";

static void test_printable(void **state) {
    (void)state;
    char text[95];
    for (int i = 0; i < 95; i++) {
        text[i] = (char)(32 + i);
    }
    sbs_writer out = begin();
    sbs_form_put_encoded(&out, (sbs_text){text, sizeof text});
    assert_written(&out, printable_quote_plus);

    out = begin();
    sbs_url_put_encoded(&out, (sbs_text){text, sizeof text});
    char expected[300] = "%20";
    strcat(expected, printable_quote_plus + 1);
    assert_written(&out, expected);
}

static void test_other_bytes(void **state) {
    (void)state;
    sbs_writer out = begin();
    sbs_form_put_encoded(&out, (sbs_text){"\0\t\r\n\x7f\xc3\xa9\xff", 8});
    assert_written(&out, "%00%09%0D%0A%7F%C3%A9%FF");
    out = begin();
    sbs_form_put_encoded(&out, (sbs_text){NULL, 0});
    assert_written(&out, "");
}

/* Whatever the bytes are, only unreserved characters, '+' and escapes come out. */
static void test_every_byte_pair_is_contained(void **state) {
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            const char text[2] = {(char)a, (char)b};
            sbs_writer out = begin();
            sbs_form_put_encoded(&out, (sbs_text){text, 2});
            for (size_t i = 0; i < out.len; i++) {
                assert_non_null(
                    strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~+%", buffer[i]));
                assert_int_not_equal(buffer[i], '\0');
            }
        }
    }
}

/* `name=value`, with '&' before it unless it is the first thing. */
static void put_form_field(sbs_writer *out, const char *name, const char *value) {
    if (out->len > 0) {
        sbs_put_char(out, '&');
    }
    sbs_form_put_encoded(out, sbs_text_of(name));
    sbs_put_char(out, '=');
    sbs_form_put_encoded(out, sbs_text_of(value));
}

static void test_fields(void **state) {
    (void)state;
    sbs_writer out = begin();
    put_form_field(&out, "a b", "x&y=z");
    put_form_field(&out, "empty", "");
    put_form_field(&out, "c", "*");
    assert_written(&out, "a+b=x%26y%3Dz&empty=&c=%2A");
}

/* The body that Python's requests makes of the dictionary with which a backend service asks for a token. */
static void put_token_request(sbs_writer *out) {
    put_form_field(out, "grant_type", "client_credentials");
    put_form_field(out, "scope", "system/Patient.rs system/Observation.c");
    put_form_field(out, "client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    put_form_field(out, "client_assertion", "eyJhbGciOiJSUzM4NCJ9.eyJpc3MiOiJhIn0.r-sE_7");
}

static const char *const token_request =
    "grant_type=client_credentials&scope=system%2FPatient.rs+system%2FObservation.c"
    "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
    "&client_assertion=eyJhbGciOiJSUzM4NCJ9.eyJpc3MiOiJhIn0.r-sE_7";

static void test_token_request(void **state) {
    (void)state;
    sbs_writer out = begin();
    put_token_request(&out);
    assert_written(&out, token_request);
}

static void test_exact_fit_and_one_short(void **state) {
    (void)state;
    const size_t need = strlen(token_request);
    sbs_writer out;
    size_t len = 0;
    sbs_writer_init(&out, buffer, need);
    put_token_request(&out);
    assert_written(&out, token_request);

    memset(buffer, '#', sizeof buffer);
    sbs_writer_init(&out, buffer, need - 1);
    put_token_request(&out);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, need);
    assert_int_equal(buffer[need - 1], '#');

    sbs_writer_init_sizing(&out);
    put_token_request(&out);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    assert_int_equal(len, need);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printable),
        cmocka_unit_test(test_other_bytes),
        cmocka_unit_test(test_every_byte_pair_is_contained),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_token_request),
        cmocka_unit_test(test_exact_fit_and_one_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
