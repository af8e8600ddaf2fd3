/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that sends for ever what TLS passes over, through lwIP: as the superloop sees it, where nothing arrives during
 * a call, and as a task does beside the network's thread, where more is always there. The client's deadline holds in
 * both.
 */
#include <string.h>

#include "rig.h"
#include "sbs/client.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/psa_key.h"
#include "sbs/tls_stream.h"

#define CALL_MAX 20480u /* as tls_stream.h says: about 20 KB */
#define LIMIT_MS 5000u
#define UTC_S 1790000000

static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 90};

/* The lwIP stream, counted, and with a network that goes on during a call if it has a thread. */
typedef struct counted {
    rig *rig;
    peer_connection far;
    bool has_thread;
    size_t at;    /* in the record */
    size_t taken; /* in this poll */
    size_t in_all;
} counted;

/* As much as the device takes at present. */
static void pour(counted *self) {
    uint8_t segment[1400];
    for (size_t i = 0; i < sizeof segment; i++) {
        segment[i] = warning[self->at];
        self->at = (self->at + 1) % sizeof warning;
    }
    uint8_t heard[2048], flags;
    (void)peer_read(&self->far, heard, sizeof heard, &flags); /* also the window that it allows */
    if (self->far.window >= sizeof segment) {
        peer_send(&self->far, ACK | PSH, segment, sizeof segment);
    } else {
        self->at = (self->at + 7 * sizeof segment - sizeof segment) % sizeof warning; /* not sent */
    }
    peer_run(&self->rig->peer, 1);
}

static sbs_status counted_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    counted *self = ctx;
    return self->rig->stream.ops->open(self->rig->stream.ctx, host, port, now);
}

static sbs_status counted_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    counted *self = ctx;
    return self->rig->stream.ops->send(self->rig->stream.ctx, data, len, out_sent);
}

static sbs_status counted_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    counted *self = ctx;
    sbs_status status = self->rig->stream.ops->receive(self->rig->stream.ctx, buffer, size, out_len);
    if (status == SBS_PENDING && self->has_thread) {
        pour(self);
        status = self->rig->stream.ops->receive(self->rig->stream.ctx, buffer, size, out_len);
    }
    self->taken += *out_len;
    self->in_all += *out_len;
    assert_true(self->taken <= 10 * CALL_MAX); /* else this call has no end */
    return status;
}

static void counted_close(void *ctx) {
    counted *self = ctx;
    self->rig->stream.ops->close(self->rig->stream.ctx);
}

static sbs_wait counted_waits_for(void *ctx) {
    counted *self = ctx;
    return self->rig->stream.ops->waits_for(self->rig->stream.ctx);
}

static int32_t counted_last_code(void *ctx) {
    counted *self = ctx;
    return self->rig->stream.ops->last_code(self->rig->stream.ctx);
}

static const sbs_stream_ops counted_ops = {
    .open = counted_open,
    .send = counted_send,
    .receive = counted_receive,
    .close = counted_close,
    .waits_for = counted_waits_for,
    .last_code = counted_last_code,
};

static sbs_now now_of(const rig *self) {
    return (sbs_now){.mono_ms = self->peer.now_ms, .utc_s = UTC_S};
}

typedef struct device {
    sbs_tls_trust trust;
    sbs_tls_config tls_config;
    sbs_tls_stream tls;
    sbs_stream raw, stream;
    sbs_psa_key psa_key;
    sbs_key key;
    sbs_client_config config;
    sbs_client client;
    uint8_t work[16384];
} device;

static void device_init(device *self, counted *raw) {
    assert_status(sbs_mbedtls_init(NULL), SBS_OK);
    sbs_tls_trust_init(&self->trust);
    self->tls_config = (sbs_tls_config){.trust = &self->trust};
    self->raw = (sbs_stream){&counted_ops, raw};
    assert_status(sbs_tls_stream_init(&self->tls, &self->tls_config, &self->raw, &self->stream), SBS_OK);
    sbs_psa_key_init(&self->psa_key, 1, &self->key); /* never used: no token is asked for */
    self->config = (sbs_client_config){
        .fhir_base = "https://" RIG_HOST "/r4",
        .client_id = "device",
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = "system/Observation.c",
        .key = &self->key,
        .stream = &self->stream,
        .work = self->work,
        .work_size = sizeof self->work,
        .connect_timeout_ms = LIMIT_MS,
        .max_attempts = 1,
    };
    assert_status(sbs_client_init(&self->client, &self->config), SBS_OK);
}

static void device_deinit(device *self) {
    sbs_client_deinit(&self->client);
    sbs_tls_stream_deinit(&self->tls);
    sbs_tls_trust_deinit(&self->trust);
}

static void check_deadline(rig *self, bool has_thread) {
    static device own;
    counted raw = {.rig = self, .has_thread = has_thread};
    sbs_wait wait;
    device_init(&own, &raw);
    const sbs_request request = {.interaction = SBS_TOKEN};
    assert_status(sbs_client_start(&own.client, &request), SBS_OK);
    for (int i = 0; i < 3; i++) { /* what comes before the connection, and ARP */
        assert_status(sbs_client_poll(&own.client, now_of(self), &wait), SBS_PENDING);
        peer_run(&self->peer, 20);
    }
    assert_true(peer_accept(&self->peer, RIG_PORT, &raw.far));

    const uint64_t since_ms = self->peer.now_ms;
    sbs_status status;
    do {
        raw.taken = 0;
        status = sbs_client_poll(&own.client, now_of(self), &wait);
        assert_true(raw.taken <= CALL_MAX);
        pour(&raw);
        assert_true(self->peer.now_ms - since_ms < 2 * LIMIT_MS);
    } while (status == SBS_PENDING);

    assert_status(status, SBS_ERR_TIMEOUT);
    assert_true(raw.in_all > 2 * CALL_MAX); /* it was a flood */
    device_deinit(&own);
}

static void test_deadline_holds_in_the_superloop(void **state) {
    check_deadline(*state, false);
}

static void test_deadline_holds_beside_a_thread(void **state) {
    check_deadline(*state, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_deadline_holds_in_the_superloop, rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(test_deadline_holds_beside_a_thread, rig_set_up, rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
