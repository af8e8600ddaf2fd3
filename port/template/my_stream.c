/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte stream to copy. Rename "my_", fill in what the comments ask for, and read port/README.md beside it. It
 * compiles as it stands and fails every connection with SBS_ERR_UNSUPPORTED.
 */
#include "my_stream.h"

#include <string.h>

static sbs_status my_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    my_stream *stream = ctx;
    (void)host;
    (void)port;
    (void)now;

    /* First call: start name resolution or the connection and return SBS_PENDING.
     * Later calls: look how far it has come. Map your codes: SBS_ERR_RESOLVE, _REFUSED, _UNREACHABLE, _NETWORK,
     * _MEMORY. A secured stream also authenticates the peer for `host` with its dates judged by `now`, and returns
     * SBS_ERR_NO_TIME if now.utc_s is SBS_UTC_UNKNOWN. */
    stream->last_code = -1;
    return SBS_ERR_UNSUPPORTED;
}

static sbs_status my_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    my_stream *stream = ctx;
    (void)data;
    (void)len;
    *out_sent = 0;

    /* Take what fits now. Nothing fits: SBS_PENDING. A broken connection: SBS_ERR_TRUNCATED or _NETWORK. */
    if (!stream->is_open) {
        return SBS_ERR_STATE;
    }
    return SBS_PENDING;
}

static sbs_status my_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    my_stream *stream = ctx;
    (void)buffer;
    (void)size;
    *out_len = 0;

    /* Four answers: SBS_OK with bytes, SBS_PENDING, SBS_END (the peer ended it, authenticated), SBS_ERR_TRUNCATED. */
    if (!stream->is_open) {
        return SBS_ERR_STATE;
    }
    return SBS_PENDING;
}

static void my_close(void *ctx) {
    my_stream *stream = ctx;
    /* End the connection at once and free what it held. Legal in any state, also twice. */
    stream->is_open = false;
}

static sbs_wait my_waits_for(void *ctx) {
    (void)ctx;

    /* Without descriptors a short time limit turns waiting into polling; wake the loop by an event where you can. */
    return (sbs_wait){.timeout_ms = 10, .events = SBS_WAIT_READ, .descriptor = -1};
}

static int32_t my_last_code(void *ctx) {
    const my_stream *stream = ctx;
    return stream->last_code;
}

static const sbs_stream_ops my_ops = {
    .open = my_open,
    .send = my_send,
    .receive = my_receive,
    .close = my_close,
    .waits_for = my_waits_for,
    .last_code = my_last_code,
    .secured = false, /* true only if the peer is authenticated and the bytes are protected */
};

void my_stream_init(my_stream *state, sbs_stream *out_stream) {
    memset(state, 0, sizeof *state);
    out_stream->ops = &my_ops;
    out_stream->ctx = state;
}
