/* SPDX-License-Identifier: Apache-2.0 */
/* A build whose buffers take records of 4 KB, as the small firmware's do: servers are asked for short ones, and what
 * one that sends long ones all the same is answered. */
#include <stdlib.h>
#include <string.h>

#include "memory_stream.h"
#include "sbs/linux_clock.h"
#include "sbs/tls_explain.h"
#include "test.h"
#include "tls_fixture.h"

static sbs_tls_explain explain;

/* Asks for a file of 300 KB. OpenSSL heeds max_fragment_length, which this client sends with TLS 1.2 only. */
static sbs_status fetch_large(fixture *f, const char *version, sbs_tls_version min_version) {
    const char *const arguments[] = {"-cert",     "rsa.crt", "-key",  "rsa.key", "-cert_chain",
                                     "rsa.chain", "-WWW",    version, NULL};
    f->config = (sbs_tls_config){.min_version = min_version, .explain = sbs_tls_explain_init(&explain)};
    serve_with(f, arguments);
    prepare(f);
    assert_int_equal(open_as(f, "localhost"), SBS_OK);
    assert_int_equal(send_all(f, "GET /large.bin HTTP/1.0\r\n\r\n"), SBS_OK);
    return receive_all(f);
}

static void a_server_that_heeds_it_sends_records_that_fit(void **state) {
    (void)state;
    size_t len;
    char *expected = load_certificate("large.bin", &len);
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    assert_int_equal(MBEDTLS_SSL_IN_CONTENT_LEN, 4096);

    assert_int_equal(fetch_large(f, "-tls1_2", SBS_TLS_VERSION_DEFAULT), SBS_END);
    assert_true(f->page_len > len);
    assert_memory_equal(f->page + f->page_len - len, expected, len);

    release(f);
    free(f);
    free(expected);
}

static void one_that_does_not_is_told_of_in_a_sentence(void **state) {
    (void)state;
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);

    assert_int_equal(fetch_large(f, "-tls1_3", SBS_TLS_1_3), SBS_ERR_TLS);
    assert_int_equal(f->stream.ops->last_code(f->stream.ctx), SBS_TLS_CODE_RECORD_TOO_LONG);
    assert_int_equal(sbs_tls_stream_problem(&f->tls), SBS_TLS_RECORD_TOO_LONG);
    assert_string_equal(sbs_tls_stream_words(&f->tls),
                        "the server sends records of up to 16384 bytes, this build takes 4096 at most");

    release(f);
    free(f);
}

/* A ServerHello in a record of @p len bytes, as its header says. */
static int32_t code_for_first_record(unsigned len, sbs_tls_problem *out_problem) {
    static uint8_t sent[4096];
    const uint8_t header[] = {22, 3, 3, (uint8_t)(len >> 8), (uint8_t)len, 2, 0, 0, 0, 0, 0};
    memory_stream memory = {
        .input = header, .input_len = sizeof header, .end = SBS_END, .output = sent, .output_size = sizeof sent};
    const sbs_tls_config config = {.trust = &both, .explain = sbs_tls_explain_init(&explain)};
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    memory_stream_init(&memory, false, &raw);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);

    sbs_status status = SBS_PENDING;
    for (int i = 0; i < 100 && status == SBS_PENDING; i++) {
        status = stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now());
    }
    int32_t code = stream.ops->last_code(stream.ctx);
    *out_problem = sbs_tls_stream_problem(&tls);
    sbs_tls_stream_deinit(&tls);
    return code;
}

static void a_handshake_in_long_records_is_told_of_too(void **state) {
    (void)state;
    sbs_tls_problem problem;
    assert_int_equal(code_for_first_record(16384, &problem), SBS_TLS_CODE_RECORD_TOO_LONG);
    assert_int_equal(problem, SBS_TLS_RECORD_TOO_LONG);

    assert_int_not_equal(code_for_first_record(6, &problem), SBS_TLS_CODE_RECORD_TOO_LONG);
    assert_int_equal(problem, SBS_TLS_BROKEN_RULES);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_heeds_it_sends_records_that_fit),
        cmocka_unit_test(one_that_does_not_is_told_of_in_a_sentence),
        cmocka_unit_test(a_handshake_in_long_records_is_told_of_too),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
