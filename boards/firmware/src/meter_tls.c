/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_tls.h"

static uint64_t clock_us(const meter_tls *tls) {
    if (tls->clock_us == NULL) {
        return 0;
    }
    return tls->clock_us();
}

static void count_handshake(meter_tls *tls) {
    if (sbs_tls_stream_resumed(&tls->tls)) {
        tls->resumed++;
        tls->resumed_us = tls->opening_us;
    } else {
        tls->full++;
        tls->full_us = tls->opening_us;
    }
}

static sbs_status tls_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    meter_tls *tls = ctx;
    if (!tls->ready) {
        return SBS_ERR_UNTRUSTED;
    }

    /* An opening takes many calls; what lies between them is not counted. */
    uint64_t before_us = clock_us(tls);
    sbs_status status = tls->secured.ops->open(tls->secured.ctx, host, port, now);
    tls->opening_us += clock_us(tls) - before_us;

    if (status == SBS_OK) {
        count_handshake(tls);
    }

    if (status != SBS_PENDING) {
        tls->opening_us = 0;
    }

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
    if (!tls->ready) {
        return 0;
    }
    return tls->secured.ops->last_code(tls->secured.ctx);
}

/* A build with short records says what it cannot do: no status has a sentence for that. */
const char *meter_tls_cause(int32_t code) {
    if (MBEDTLS_SSL_IN_CONTENT_LEN < 16384 && code == SBS_TLS_CODE_RECORD_TOO_LONG) {
        return SBS_TLS_RECORD_TOO_LONG_TEXT;
    }
    return sbs_status_text(SBS_ERR_TLS);
}

void meter_tls_init(meter_tls *tls, const sbs_stream *raw) {
    static const sbs_stream_ops ops = {tls_open, tls_send, tls_receive, tls_close, tls_waits_for, tls_last_code, true};
    memset(tls, 0, sizeof *tls);
    sbs_tls_trust_init(&tls->trust);
    tls->raw = *raw;
    tls->stream = (sbs_stream){&ops, tls};
}

static sbs_status add_anchors(sbs_tls_trust *trust, const meter_record *record) {
    for (unsigned i = 0; i < record->ca_count; i++) {
        sbs_status status = sbs_tls_trust_add_der(trust, record->ca[i].der, record->ca[i].len);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

sbs_status meter_tls_trust(meter_tls *tls, const meter_record *record) {
    if (tls->ready) {
        sbs_tls_stream_deinit(&tls->tls);
    }

    /* Sessions that were resumed with the old anchors would get around the new ones. */
    tls->ready = false;
    sbs_tls_trust_deinit(&tls->trust);
    sbs_tls_trust_init(&tls->trust);

    if (record == NULL || record->ca_count == 0) {
        return SBS_OK;
    }

    sbs_status status = add_anchors(&tls->trust, record);
    if (status != SBS_OK) {
        return status;
    }

    tls->config = (sbs_tls_config){
        .trust = &tls->trust,
        .sessions = tls->sessions,
        .session_count = METER_TLS_SESSIONS,
    };

    status = sbs_tls_stream_init(&tls->tls, &tls->config, &tls->raw, &tls->secured);
    tls->ready = status == SBS_OK;
    return status;
}
