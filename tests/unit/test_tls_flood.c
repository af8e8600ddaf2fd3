/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that sends for ever what Mbed TLS passes over, and needs no key for it: no call may last as long as it likes.
 */
#include <stdio.h>
#include <string.h>

#include "sbs/client.h"
#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"
#include "sbs/psa_key.h"
#include "test.h"
#include "tls_fixture.h"

#define CALL_MAX 20480u /* as tls_stream.h says: about 20 KB */
#define STEP_MS 100u
#define LIMIT_MS 5000u

/* A raw stream whose peer says the same for ever; it is never without bytes. */
typedef struct flood {
    const uint8_t *record;
    size_t len, at;
    size_t taken; /* in the current call */
} flood;

static sbs_status flood_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    (void)ctx;
    (void)host;
    (void)port;
    (void)now;
    return SBS_OK;
}

static sbs_status flood_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx;
    (void)data;
    *out_sent = len;
    return SBS_OK;
}

static sbs_status flood_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    flood *self = ctx;
    for (size_t i = 0; i < size; i++) {
        buffer[i] = self->record[self->at];
        self->at = (self->at + 1) % self->len;
    }

    self->taken += size;
    assert_true(self->taken <= 100 * CALL_MAX); /* else this call has no end */
    *out_len = size;
    return SBS_OK;
}

static void flood_close(void *ctx) {
    flood *self = ctx;
    self->at = 0;
}

static sbs_wait flood_waits_for(void *ctx) {
    (void)ctx;
    return (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = SBS_WAIT_READ, .descriptor = 0};
}

static int32_t flood_last_code(void *ctx) {
    (void)ctx;
    return 0;
}

static const sbs_stream_ops flood_ops = {
    .open = flood_open,
    .send = flood_send,
    .receive = flood_receive,
    .close = flood_close,
    .waits_for = flood_waits_for,
    .last_code = flood_last_code,
};

static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 90};            /* user_canceled */
static const uint8_t unrecognized_name[] = {21, 3, 3, 0, 2, 1, 112}; /* a warning, as RFC 6066 allows it */
static const uint8_t change_cipher_spec[] = {20, 3, 3, 0, 1, 1};     /* of TLS 1.3's compatibility mode */
static const uint8_t hello_request[] = {22, 3, 3, 0, 4, 0, 0, 0, 0}; /* RFC 5246 section 7.4.1.1 */

static const struct {
    const uint8_t *record;
    size_t len;
    bool endless; /* Mbed TLS passes over it; other floods may end in an error */
} floods[] = {
    {warning, sizeof warning, true},
    {unrecognized_name, sizeof unrecognized_name, true},
    {change_cipher_spec, sizeof change_cipher_spec, false},
    {hello_request, sizeof hello_request, false},
};

static void no_call_takes_more_than_its_share(void **state) {
    const sbs_tls_config config = {.trust = &both};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(floods); i++) {
        flood peer = {.record = floods[i].record, .len = floods[i].len};
        const sbs_stream raw = {&flood_ops, &peer};
        sbs_tls_stream tls;
        sbs_stream stream;
        assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &stream), SBS_OK);

        sbs_status status = SBS_PENDING;
        size_t most = 0;
        for (int calls = 0; calls < 200 && status == SBS_PENDING; calls++) {
            peer.taken = 0;
            status = stream.ops->open(stream.ctx, "localhost", 443, sbs_linux_now());
            most = peer.taken > most ? peer.taken : most;
            assert_true(peer.taken <= CALL_MAX);
            /* The bytes are there: whoever polls is not to wait for an event. */
            assert_true(status != SBS_PENDING || stream.ops->waits_for(stream.ctx).timeout_ms == 0);
        }

        assert_true(status == SBS_PENDING || !floods[i].endless);
        assert_true(most > 16384 || !floods[i].endless);
        sbs_tls_stream_deinit(&tls);
    }
}

/* The whole client: its deadline holds, and each poll is short. */
static void the_deadline_holds(void **state) {
    static uint8_t work[16384];
    const sbs_tls_config tls_config = {.trust = &both};
    flood peer = {.record = warning, .len = sizeof warning};
    const sbs_stream raw = {&flood_ops, &peer};
    sbs_key key = {0};
    sbs_psa_key psa_key;
    sbs_tls_stream tls;
    sbs_stream stream;
    sbs_client client;
    sbs_wait wait;
    (void)state;
    sbs_psa_key_init(&psa_key, 1, &key); /* never used: no token is asked for */
    assert_int_equal(sbs_tls_stream_init(&tls, &tls_config, &raw, &stream), SBS_OK);
    const sbs_client_config config = {
        .fhir_base = "https://fhir.example/r4",
        .client_id = "device",
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.c",
        .key = &key,
        .stream = &stream,
        .work = work,
        .work_size = sizeof work,
        .connect_timeout_ms = LIMIT_MS,
        .max_attempts = 1,
    };
    assert_int_equal(sbs_client_init(&client, &config), SBS_OK);
    const sbs_request request = {.interaction = SBS_TOKEN};
    assert_int_equal(sbs_client_start(&client, &request), SBS_OK);

    sbs_now now = sbs_linux_now();
    const uint64_t since_ms = now.mono_ms;
    sbs_status status;
    do {
        peer.taken = 0;
        status = sbs_client_poll(&client, now, &wait);
        assert_true(peer.taken <= CALL_MAX);
        now.mono_ms += STEP_MS;
        assert_true(now.mono_ms - since_ms < 2 * LIMIT_MS);
    } while (status == SBS_PENDING);

    assert_int_equal(status, SBS_ERR_TIMEOUT);
    assert_true(now.mono_ms - since_ms >= LIMIT_MS);
    sbs_client_deinit(&client);
    sbs_tls_stream_deinit(&tls);
}

/* Between the records of an open connection, too: what has no key there is refused, whatever the version. */
static void an_open_connection_is_flooded(void **state) {
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < SBS_COUNT_OF(floods); k++) {
            fixture f = {0};
            flood peer = {.record = floods[k].record, .len = floods[k].len};
            uint8_t buffer[100];
            size_t len;
            serve(&f, "ec", versions[i], NULL, NULL);
            prepare(&f);
            assert_int_equal(open_as(&f, "localhost"), SBS_OK);

            f.tls.priv.raw = (sbs_stream){&flood_ops, &peer};
            sbs_status status = SBS_PENDING;
            for (int calls = 0; calls < 10 && status == SBS_PENDING; calls++) {
                peer.taken = 0;
                status = f.stream.ops->receive(f.stream.ctx, buffer, sizeof buffer, &len);
                assert_true(peer.taken <= CALL_MAX);
                assert_int_not_equal(status, SBS_OK);
            }
            release(&f);
        }
    }
}

/* A record of the largest size arrives within one call: the limit is no brake on honest servers. */
static void a_whole_record_passes_in_one_call(void **state) {
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    static const char get[] = "GET /large.bin HTTP/1.0\r\n\r\n";
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {0};
        const char *const arguments[] = {"-cert",     "rsa.crt", "-key",      "rsa.key", "-cert_chain",
                                         "rsa.chain", "-WWW",    versions[i], NULL};
        static uint8_t buffer[20000];
        size_t len, most = 0;
        serve_with(&f, arguments);
        prepare(&f);
        assert_int_equal(open_as(&f, "localhost"), SBS_OK);
        assert_int_equal(send_all(&f, get), SBS_OK);

        sbs_status status;
        do {
            status = f.stream.ops->receive(f.stream.ctx, buffer, sizeof buffer, &len);
            sbs_wait wait = f.stream.ops->waits_for(f.stream.ctx);
            if (status == SBS_PENDING) {
#if MBEDTLS_VERSION_MAJOR < 4                             /* after which each ticket that comes is told */
                assert_int_not_equal(wait.timeout_ms, 0); /* never for the limit's sake */
#endif
                assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
            }
            most = len > most ? len : most;
        } while (status == SBS_OK || status == SBS_PENDING);

        assert_int_equal(status, SBS_END);
        assert_int_equal(most, 16384);
        release(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_call_takes_more_than_its_share),
        cmocka_unit_test(the_deadline_holds),
        cmocka_unit_test(an_open_connection_is_flooded),
        cmocka_unit_test(a_whole_record_passes_in_one_call),
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
