/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_tls.h"

static uint64_t clock_us(const meter_tls *tls) {
    return tls->clock_us != NULL ? tls->clock_us() : 0;
}

static sbs_status tls_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    meter_tls *tls = ctx;
    if (!tls->ready) {
        return SBS_ERR_UNTRUSTED;
    }
    uint64_t before_us = clock_us(tls);
    sbs_status status = tls->secured.ops->open(tls->secured.ctx, host, port, now);
    tls->opening_us += clock_us(tls) - before_us;
    if (status == SBS_OK) {
        bool resumed = sbs_tls_stream_resumed(&tls->tls);
        *(resumed ? &tls->resumed : &tls->full) += 1;
        *(resumed ? &tls->resumed_us : &tls->full_us) = tls->opening_us;
    }
    tls->opening_us = status == SBS_PENDING ? tls->opening_us : 0;
    return status;
}

static sbs_status tls_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    meter_tls *tls = ctx;
    return tls->secured.ops->send(tls->secured.ctx, data, len, out_sent);
}

static sbs_status tls_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    meter_tls *tls = ctx;
    return tls->secured.ops->receive(tls->secured.ctx, buffer, size, out_len);
}

static void tls_close(void *ctx) {
    meter_tls *tls = ctx;
    if (tls->ready) {
        tls->secured.ops->close(tls->secured.ctx);
    }
}

static sbs_wait tls_waits_for(void *ctx) {
    meter_tls *tls = ctx;
    return tls->secured.ops->waits_for(tls->secured.ctx);
}

static int32_t tls_last_code(void *ctx) {
    meter_tls *tls = ctx;
    return tls->ready ? tls->secured.ops->last_code(tls->secured.ctx) : 0;
}

void meter_tls_init(meter_tls *tls, const sbs_stream *raw) {
    static const sbs_stream_ops ops = {tls_open, tls_send, tls_receive, tls_close, tls_waits_for, tls_last_code, true};
    memset(tls, 0, sizeof *tls);
    sbs_tls_trust_init(&tls->trust);
    tls->raw = *raw;
    tls->stream = (sbs_stream){&ops, tls};
}

sbs_status meter_tls_trust(meter_tls *tls, const meter_record *record) {
    sbs_status status = SBS_OK;
    if (tls->ready) {
        sbs_tls_stream_deinit(&tls->tls);
    }
    tls->ready = false;
    sbs_tls_trust_deinit(&tls->trust);
    sbs_tls_trust_init(&tls->trust);
    for (unsigned i = 0; record != NULL && i < record->ca_count && status == SBS_OK; i++) {
        status = sbs_tls_trust_add_der(&tls->trust, record->ca[i].der, record->ca[i].len);
    }
    if (record == NULL || status != SBS_OK) {
        return status;
    }
    tls->config = (sbs_tls_config){
        .trust = &tls->trust,
        .sessions = tls->sessions,
        .session_count = METER_TLS_SESSIONS,
        /* A server that honours it sends no record that a short buffer cannot take. */
        .max_fragment_len = MBEDTLS_SSL_IN_CONTENT_LEN < 16384 ? MBEDTLS_SSL_OUT_CONTENT_LEN : 0,
    };
    status = sbs_tls_stream_init(&tls->tls, &tls->config, &tls->raw, &tls->secured);
    tls->ready = status == SBS_OK;
    return status;
}
