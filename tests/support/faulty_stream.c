/* SPDX-License-Identifier: Apache-2.0 */
#include "faulty_stream.h"

static sbs_status faulty_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    faulty_stream *faulty = ctx;
    faulty->stalled = false;
    return faulty->inner.ops->open(faulty->inner.ctx, faulty->host != NULL ? faulty->host : host,
                                   faulty->port != 0 ? faulty->port : port, now);
}

static bool stalls(faulty_stream *faulty) {
    faulty->stalled = faulty->stall && faulty->calls++ % 2 == 0;
    return faulty->stalled;
}

static size_t allowed(const faulty_stream *faulty, size_t len, bool limited, size_t limit, size_t done) {
    if (faulty->chunk != 0 && len > faulty->chunk) {
        len = faulty->chunk;
    }
    return limited && len > limit - done ? limit - done : len;
}

static sbs_status faulty_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    faulty_stream *faulty = ctx;
    *out_sent = 0;
    if (stalls(faulty)) {
        return SBS_PENDING;
    }
    len = allowed(faulty, len, faulty->has_send_limit, faulty->send_limit, faulty->sent);
    if (len == 0) {
        return SBS_ERR_NETWORK;
    }
    sbs_status status = faulty->inner.ops->send(faulty->inner.ctx, data, len, out_sent);
    faulty->sent += *out_sent;
    return status;
}

static sbs_status faulty_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    faulty_stream *faulty = ctx;
    *out_len = 0;
    if (stalls(faulty)) {
        return SBS_PENDING;
    }
    size = allowed(faulty, size, faulty->has_receive_limit, faulty->receive_limit, faulty->received);
    if (size == 0) {
        return faulty->receive_end;
    }
    sbs_status status = faulty->inner.ops->receive(faulty->inner.ctx, buffer, size, out_len);
    if (faulty->corrupts && faulty->corrupt_at - faulty->received < *out_len) {
        buffer[faulty->corrupt_at - faulty->received] ^= 1u;
    }
    faulty->received += *out_len;
    return status;
}

static void faulty_close(void *ctx) {
    faulty_stream *faulty = ctx;
    faulty->received = 0;
    faulty->sent = 0;
    faulty->inner.ops->close(faulty->inner.ctx);
}

static sbs_wait faulty_waits_for(void *ctx) {
    faulty_stream *faulty = ctx;
    if (faulty->stalled) {
        return (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    }
    return faulty->inner.ops->waits_for(faulty->inner.ctx);
}

static int32_t faulty_last_code(void *ctx) {
    faulty_stream *faulty = ctx;
    return faulty->inner.ops->last_code(faulty->inner.ctx);
}

static const sbs_stream_ops faulty_ops = {
    .open = faulty_open,
    .send = faulty_send,
    .receive = faulty_receive,
    .close = faulty_close,
    .waits_for = faulty_waits_for,
    .last_code = faulty_last_code,
    .secured = false,
};

void faulty_stream_init(faulty_stream *faulty, sbs_stream *out_stream) {
    faulty->received = 0;
    faulty->sent = 0;
    faulty->calls = 0;
    faulty->stalled = false;
    *out_stream = (sbs_stream){&faulty_ops, faulty};
}
