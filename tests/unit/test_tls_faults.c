/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS stream when things go wrong: the raw stream, the memory, the peer, the caller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_stream.h"
#include "sbs/linux_clock.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "tls_fixture.h"

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

static void check_split(const char *version, size_t chunk, bool stall) {
    fixture f = {.faulty = {.chunk = chunk, .stall = stall}};
    f.config.sessions = f.sessions;
    f.config.session_count = SESSIONS;
    serve(&f, "rsa", version, NULL, NULL);
    prepare(&f);
    for (int i = 0; i < 2; i++) {
        exchange(&f, "localhost");
        assert_int_equal(sbs_tls_stream_resumed(&f.tls), i == 1);
        f.stream.ops->close(f.stream.ctx);
    }
    release(&f);
}

static void works_over_a_stream_that_splits_and_stalls(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        check_split(versions[i], 1, true);
        check_split(versions[i], 1, false);
        check_split(versions[i], 0, true);
        check_split(versions[i], 5, true);
        check_split(versions[i], 64, true);
    }
}

#define GET "GET /small.txt HTTP/1.0\r\n\r\n"

/* A server whose every connection has the same number of bytes. */
static void serve_evenly(fixture *f, const char *version) {
    const char *const arguments[] = {"-cert",     "rsa.crt", "-key",  "rsa.key", "-cert_chain",
                                     "rsa.chain", "-WWW",    version, NULL};
    serve_with(f, arguments);
}

/* Bytes received until the stream is open, and in all. */
static void measure(fixture *f, size_t *out_handshake, size_t *out_all) {
    prepare(f);
    assert_int_equal(open_as(f, "localhost"), SBS_OK);
    *out_handshake = f->faulty.received;
    assert_int_equal(send_all(f, GET), SBS_OK);
    assert_int_equal(receive_all(f), SBS_END);
    *out_all = f->faulty.received;
    f->stream.ops->close(f->stream.ctx);
}

static void check_cut(fixture *f, size_t at, sbs_status raw_end, size_t handshake) {
    f->faulty.has_receive_limit = true;
    f->faulty.receive_limit = at;
    f->faulty.receive_end = raw_end;
    sbs_status status = open_as(f, "localhost");
    if (at < handshake) {
        assert_int_equal(status, SBS_ERR_NETWORK);
    } else {
        assert_int_equal(status, SBS_OK);
        assert_int_equal(send_all(f, GET), SBS_OK);
        assert_int_equal(receive_all(f), SBS_ERR_TRUNCATED);
        size_t len;
        uint8_t byte;
        assert_int_equal(f->stream.ops->receive(f->stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    }
    f->stream.ops->close(f->stream.ctx);
}

static void an_end_without_close_notify_is_a_truncation(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        size_t handshake, all;
        serve_evenly(&f, versions[i]);
        measure(&f, &handshake, &all);
        /* The last record is the close_notify: without its last byte the answer is not known to be complete. */
        for (size_t at = 0; at < all; at += is_long_run() ? 1 : 197) {
            check_cut(&f, at, SBS_END, handshake);
        }
        check_cut(&f, all - 1, SBS_END, handshake);
        check_cut(&f, all - 1, SBS_ERR_TRUNCATED, handshake);
        check_cut(&f, handshake, SBS_ERR_TRUNCATED, handshake);
        check_cut(&f, 3, SBS_ERR_TRUNCATED, handshake);
        release(&f);
    }
}

static void errors_of_the_raw_stream_pass_through(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        size_t handshake, all;
        serve_evenly(&f, versions[i]);
        measure(&f, &handshake, &all);
        f.faulty.has_receive_limit = true;
        f.faulty.receive_end = SBS_ERR_TIMEOUT;
        f.faulty.receive_limit = handshake / 2;
        assert_int_equal(open_as(&f, "localhost"), SBS_ERR_TIMEOUT);
        f.stream.ops->close(f.stream.ctx);
        f.faulty.receive_limit = all - 10;
        assert_int_equal(open_as(&f, "localhost"), SBS_OK);
        assert_int_equal(send_all(&f, GET), SBS_OK);
        assert_int_equal(receive_all(&f), SBS_ERR_TIMEOUT);
        f.stream.ops->close(f.stream.ctx);
        f.faulty.has_receive_limit = false;
        f.faulty.has_send_limit = true;
        for (f.faulty.send_limit = 0; f.faulty.send_limit < 200; f.faulty.send_limit += 39) {
            assert_int_equal(open_as(&f, "localhost"), SBS_ERR_NETWORK);
            f.stream.ops->close(f.stream.ctx);
        }
        release(&f);
    }
}

static void a_wrong_bit_never_gets_through(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        size_t handshake, all, failures = 0, step = is_long_run() ? 1 : 83;
        serve(&f, "rsa", versions[i], NULL, NULL);
        measure(&f, &handshake, &all);
        f.faulty.corrupts = true;
        f.patience_ms = 300; /* a wrong length makes both sides wait */
        for (size_t at = 0; at < all - 1; at += step) {
            f.faulty.corrupt_at = at;
            sbs_status status = open_as(&f, "localhost");
            if (status == SBS_OK) {
                assert_int_equal(send_all(&f, "GET / HTTP/1.0\r\n\r\n"), SBS_OK);
                status = receive_all(&f);
            }
            /* A bit that means nothing (a record's version, say) may pass; then everything has arrived. */
            failures += status != SBS_END;
            assert_true(status < 0 || strstr(f.page, "</pre>") != NULL);
            f.stream.ops->close(f.stream.ctx);
        }
        assert_true(failures * 100 / (all / step) > 90);
        release(&f);
    }
}

/* Allocations of a handshake fail: the first ones each, then a sample (in a long run all); without memory for a kept
 * session only resumption is lost. */
static void running_out_of_memory_is_told_as_such(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        unsigned failures = 0;
        sbs_status status = SBS_ERR_MEMORY;
        serve(&f, i == 0 ? "rsa" : "ec", versions[i], NULL, NULL);
        f.config.sessions = f.sessions;
        f.config.session_count = SESSIONS;
        prepare(&f);
        for (long count = 0; status != SBS_OK; count += is_long_run() ? 1 : 1 + count / 40) {
            allocations_left = count;
            status = open_as(&f, "localhost");
            allocations_left = -1;
            if (status != SBS_OK) {
                assert_int_equal(status, SBS_ERR_MEMORY);
                ++failures;
            }
            f.stream.ops->close(f.stream.ctx);
        }
        assert_true(failures > 50);
        exchange(&f, "localhost");
        release(&f);
    }
}

static void check_garbage(const void *bytes, size_t len, sbs_status end, sbs_status expected) {
    uint8_t sent[4096];
    memory_stream memory = {.input = bytes, .input_len = len, .end = end, .output = sent, .output_size = sizeof sent};
    const sbs_tls_config config = {.trust = &both};
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    sbs_status status;
    memory_stream_init(&memory, false, &raw);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);
    for (int i = 0; i < 100; i++) {
        status = stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now());
        if (status != SBS_PENDING) {
            break;
        }
    }
    assert_int_equal(status, expected);
    assert_true(memory.output_len > 100);
    assert_int_equal(sent[0], 22);
    sbs_tls_stream_deinit(&tls);
    assert_true(memory.closed > 0);
    sbs_tls_stream_deinit(&tls);
}

static void a_peer_without_tls_is_refused(void **state) {
    static const char http[] = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nClient sent an HTTP request";
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 40};
    static const uint8_t zeros[2048] = {0};
    static const uint8_t huge[] = {22, 3, 3, 0xff, 0xff, 2, 0, 0, 0};
    (void)state;
    check_garbage(http, sizeof http - 1, SBS_END, SBS_ERR_TLS);
    check_garbage(alert, sizeof alert, SBS_END, SBS_ERR_TLS);
    check_garbage(zeros, sizeof zeros, SBS_END, SBS_ERR_TLS);
    check_garbage(huge, sizeof huge, SBS_END, SBS_ERR_TLS);
    check_garbage("", 0, SBS_END, SBS_ERR_NETWORK);
    check_garbage("", 0, SBS_ERR_TRUNCATED, SBS_ERR_NETWORK);
    check_garbage("", 0, SBS_ERR_TIMEOUT, SBS_ERR_TIMEOUT);
    check_garbage("", 0, SBS_PENDING, SBS_PENDING);
}

static void without_the_time_nothing_is_sent(void **state) {
    uint8_t sent[16];
    memory_stream memory = {.end = SBS_END, .output = sent, .output_size = sizeof sent};
    const sbs_tls_config config = {.trust = &both};
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    (void)state;
    memory_stream_init(&memory, false, &raw);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);
    sbs_now now = {.mono_ms = 5, .utc_s = SBS_UTC_UNKNOWN};
    assert_int_equal(stream.ops->open(stream.ctx, "localhost", 443, now), SBS_ERR_NO_TIME);
    assert_int_equal(memory.opened, 0);
    memory.open_status = SBS_ERR_REFUSED;
    assert_int_equal(stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now()), SBS_ERR_REFUSED);
    assert_int_equal(stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now()), SBS_ERR_STATE);
    assert_int_equal(memory.output_len, 0);
    sbs_tls_stream_deinit(&tls);
}

static void calls_in_the_wrong_state_are_refused(void **state) {
    fixture f = {0};
    char long_host[300];
    uint8_t buffer[4] = {0};
    size_t len = 9;
    (void)state;
    serve(&f, "rsa", NULL, NULL, NULL);
    prepare(&f);
    assert_int_equal(f.stream.ops->send(f.stream.ctx, buffer, sizeof buffer, &len), SBS_ERR_STATE);
    assert_int_equal(len, 0);
    assert_int_equal(f.stream.ops->receive(f.stream.ctx, buffer, sizeof buffer, &len), SBS_ERR_STATE);
    assert_string_equal(sbs_tls_stream_version(&f.tls), "");
    memset(long_host, 'a', sizeof long_host - 1);
    long_host[sizeof long_host - 1] = '\0';
    assert_int_equal(open_as(&f, long_host), SBS_ERR_ARGUMENT);
    assert_int_equal(open_as(&f, ""), SBS_ERR_ARGUMENT);
    f.stream.ops->close(f.stream.ctx);
    f.stream.ops->close(f.stream.ctx);
    assert_int_equal(f.stream.ops->open(f.stream.ctx, "localhost", 443, f.now), SBS_PENDING);
    f.stream.ops->close(f.stream.ctx);
    exchange(&f, "localhost");
    assert_int_equal(open_as(&f, "localhost"), SBS_ERR_STATE);
    assert_int_equal(receive_all(&f), SBS_END);
    f.stream.ops->close(f.stream.ctx);
    release(&f);
}

static size_t sent_in_all;

static sbs_status counting_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx;
    (void)data;
    sent_in_all += len;
    *out_sent = len;
    return SBS_OK;
}

static void close_sends_close_notify(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        serve(&f, "rsa", versions[i], NULL, NULL);
        prepare(&f);
        assert_int_equal(open_as(&f, "localhost"), SBS_OK);
        sbs_stream_ops counting = *f.tls.priv.raw.ops;
        counting.send = counting_send;
        f.tls.priv.raw.ops = &counting;
        sent_in_all = 0;
        f.stream.ops->close(f.stream.ctx);
        assert_in_range(sent_in_all, 5 + 2, 5 + 2 + 40);
        release(&f);
    }
}

static sbs_status init_with(sbs_tls_config config) {
    memory_stream memory = {.end = SBS_END};
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    memory_stream_init(&memory, false, &raw);
    sbs_status status = sbs_tls_stream_init(&tls, &config, &raw, &stream);
    sbs_tls_stream_deinit(&tls);
    return status;
}

static void a_configuration_that_makes_no_sense_is_refused(void **state) {
    sbs_tls_session session;
    (void)state;
    assert_int_equal(init_with((sbs_tls_config){.trust = &both}), SBS_OK);
    assert_int_equal(init_with((sbs_tls_config){.trust = NULL}), SBS_ERR_ARGUMENT);
    assert_int_equal(init_with((sbs_tls_config){.trust = &both, .session_count = 1}), SBS_ERR_ARGUMENT);
    assert_int_equal(init_with((sbs_tls_config){.trust = &both, .session_count = 1, .sessions = &session}), SBS_OK);
    assert_int_equal(
        init_with((sbs_tls_config){.trust = &both, .min_version = SBS_TLS_1_3, .max_version = SBS_TLS_1_2}),
        SBS_ERR_ARGUMENT);
    for (uint16_t len = 512; len <= 4096; len = (uint16_t)(len * 2)) {
        assert_int_equal(init_with((sbs_tls_config){.trust = &both, .max_fragment_len = len}), SBS_OK);
        assert_int_equal(init_with((sbs_tls_config){.trust = &both, .max_fragment_len = (uint16_t)(len + 1)}),
                         SBS_ERR_ARGUMENT);
    }
}

static void check_large(const char *version, uint16_t max_fragment_len, size_t chunk) {
    fixture *f = calloc(1, sizeof *f);
    const char *const arguments[] = {"-cert",     "rsa.crt", "-key",  "rsa.key", "-cert_chain",
                                     "rsa.chain", "-WWW",    version, NULL};
    size_t len;
    assert_non_null(f);
    char *expected = load_certificate("large.bin", &len);
    f->config.max_fragment_len = max_fragment_len;
    f->faulty.chunk = chunk;
    serve_with(f, arguments);
    prepare(f);
    assert_int_equal(open_as(f, "localhost"), SBS_OK);
    assert_int_equal(send_all(f, "GET /large.bin HTTP/1.0\r\n\r\n"), SBS_OK);
    assert_int_equal(receive_all(f), SBS_END);
    assert_true(f->page_len > len);
    assert_memory_equal(f->page + f->page_len - len, expected, len);
    free(expected);
    release(f);
    free(f);
}

static void large_answers_arrive_whole(void **state) {
    (void)state;
    check_large("-tls1_2", 0, 0);
    check_large("-tls1_3", 0, 1009);
    check_large("-tls1_2", 512, 0);
    check_large("-tls1_2", 4096, 1009);
}

static void each_call_does_one_step(void **state) {
    fixture f = {0};
    unsigned at_once = 0, waiting = 0;
    sbs_status status;
    (void)state;
    serve(&f, "ec", NULL, NULL, NULL);
    prepare(&f);
    while ((status = f.stream.ops->open(f.stream.ctx, "localhost", 443, f.now)) == SBS_PENDING) {
        sbs_wait wait = f.stream.ops->waits_for(f.stream.ctx);
        if (wait.timeout_ms == 0) {
            ++at_once;
        } else {
            ++waiting;
            assert_true(wait.descriptor >= 0);
            assert_int_not_equal(wait.events, 0);
        }
    }
    assert_int_equal(status, SBS_OK);
    assert_true(at_once >= 7);
    assert_true(waiting >= 1);
    release(&f);
}

static void a_bundle_is_read_as_far_as_it_can_be_used(void **state) {
    sbs_tls_trust trust;
    size_t len, der_len, skipped = 0;
    char *text = load_certificate("both.pem", &len);
    char *der = load_certificate("root-rsa.der", &der_len);
    (void)state;
    sbs_tls_trust_init(&trust);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, "", 0, &skipped), SBS_ERR_FORMAT);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, "abc", 2, &skipped), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, "a\0c", 3, &skipped), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_tls_trust_add_der(&trust, (const uint8_t *)"0\x82", 2), SBS_ERR_FORMAT);
    assert_int_equal(sbs_tls_trust_add_der(&trust, (const uint8_t *)der, der_len), SBS_OK);
    assert_int_equal(trust.priv.count, 1);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, text, len, NULL), SBS_OK);
    assert_int_equal(trust.priv.count, 3);
    /* The second certificate is cut off. */
    text[len - 100] = '\0';
    assert_int_equal(sbs_tls_trust_add_pem(&trust, text, len - 100, &skipped), SBS_OK);
    assert_int_equal(skipped, 1);
    assert_int_equal(trust.priv.count, 4);
    sbs_tls_trust_deinit(&trust);
    sbs_tls_trust_deinit(&trust);
    assert_int_equal(trust.priv.count, 0);
    free(text);
    free(der);
}

/* A line without its end costs its own certificate alone. */
static void a_certificate_right_behind_a_broken_line_is_found(void **state) {
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    sbs_tls_trust trust;
    size_t len, skipped = 0;
    char *text = load_certificate("both.pem", &len);
    char *glued = malloc(sizeof begin + len);
    (void)state;
    memcpy(glued, begin, sizeof begin - 1);
    memcpy(glued + sizeof begin - 1, strstr(text, begin), strlen(strstr(text, begin)) + 1);
    sbs_tls_trust_init(&trust);
    assert_int_equal(sbs_tls_trust_add_pem(&trust, glued, strlen(glued), &skipped), SBS_OK);
    assert_int_equal(skipped, 1);
    assert_int_equal(trust.priv.count, 2);
    sbs_tls_trust_deinit(&trust);
    free(glued);
    free(text);
}

static void a_bundle_that_does_not_fit_into_memory_is_an_error(void **state) {
    size_t len;
    char *text = load_certificate("both.pem", &len);
    sbs_status status = SBS_ERR_MEMORY;
    (void)state;
    for (long count = 0; status != SBS_OK; count++) {
        sbs_tls_trust trust;
        sbs_tls_trust_init(&trust);
        allocations_left = count;
        status = sbs_tls_trust_add_pem(&trust, text, len, NULL);
        assert_int_equal(status, allocations_left == 0 && trust.priv.count < 2 ? SBS_ERR_MEMORY : SBS_OK);
        allocations_left = -1;
        assert_true(status != SBS_OK || count > 5);
        sbs_tls_trust_deinit(&trust);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_over_a_stream_that_splits_and_stalls),
        cmocka_unit_test(an_end_without_close_notify_is_a_truncation),
        cmocka_unit_test(errors_of_the_raw_stream_pass_through),
        cmocka_unit_test(a_wrong_bit_never_gets_through),
        cmocka_unit_test(running_out_of_memory_is_told_as_such),
        cmocka_unit_test(a_peer_without_tls_is_refused),
        cmocka_unit_test(without_the_time_nothing_is_sent),
        cmocka_unit_test(calls_in_the_wrong_state_are_refused),
        cmocka_unit_test(close_sends_close_notify),
        cmocka_unit_test(a_configuration_that_makes_no_sense_is_refused),
        cmocka_unit_test(large_answers_arrive_whole),
        cmocka_unit_test(each_call_does_one_step),
        cmocka_unit_test(a_bundle_is_read_as_far_as_it_can_be_used),
        cmocka_unit_test(a_certificate_right_behind_a_broken_line_is_found),
        cmocka_unit_test(a_bundle_that_does_not_fit_into_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
