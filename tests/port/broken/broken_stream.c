/* SPDX-License-Identifier: Apache-2.0 */
#include "broken.h"

#include <string.h>

#include "sbs/count.h"

#define LATE_MAX 4096u

static const sbs_stream_ops *sound_ops;
static sbs_stream_ops merged_ops;

/* What some breaks remember; cleared for each. */
static struct {
    const uint8_t *late; /* taken, and not sent yet */
    size_t late_len;
    uint64_t received;
    bool is_open, was_open, is_spoilt;
} kept;

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static sbs_status open_fails(void *ctx, const char *host, uint16_t port, sbs_now now) {
    (void)ctx;
    (void)host;
    (void)port;
    (void)now;

    return SBS_ERR_NETWORK;
}

static sbs_status open_never_ends(void *ctx, const char *host, uint16_t port, sbs_now now) {
    (void)ctx;
    (void)host;
    (void)port;
    (void)now;
    broken_skip_ms(40000);

    return SBS_PENDING;
}

static sbs_status open_hides_reason(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_status status = sound_ops->open(ctx, host, port, now);
    if (status < SBS_OK) {
        return SBS_ERR_STATE;
    }

    return status;
}

static sbs_status open_guesses_time(void *ctx, const char *host, uint16_t port, sbs_now now) {
    if (now.utc_s == SBS_UTC_UNKNOWN) {
        now.utc_s = 1767225600;
    }

    return sound_ops->open(ctx, host, port, now);
}

static sbs_status open_takes_any_name(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_status status = sound_ops->open(ctx, host, port, now);
    if (status == SBS_ERR_WRONG_NAME) {
        return SBS_OK;
    }

    return status;
}

static sbs_status open_trusts_all(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_status status = sound_ops->open(ctx, host, port, now);
    if (status == SBS_ERR_UNTRUSTED) {
        return SBS_OK;
    }

    return status;
}

static sbs_status open_and_note(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_status status = kept.is_spoilt ? SBS_ERR_STATE : sound_ops->open(ctx, host, port, now);
    kept.is_open = status == SBS_OK;
    kept.was_open = kept.was_open || kept.is_open;

    return status;
}

static void close_spoils(void *ctx) {
    kept.is_spoilt = kept.is_spoilt || !kept.is_open;
    kept.is_open = false;
    sound_ops->close(ctx);
}

static void close_and_note(void *ctx) {
    kept.is_open = false;
    sound_ops->close(ctx);
}

static sbs_status send_after_close(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    if (kept.is_open) {
        return sound_ops->send(ctx, data, len, out_sent);
    }

    *out_sent = len;

    return SBS_OK;
}

/* A byte of the connection before comes first. */
static sbs_status receive_leftover(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    if (kept.is_spoilt) {
        kept.is_spoilt = false;
        buffer[0] = 0;
        *out_len = 1;
        return SBS_OK;
    }

    return sound_ops->receive(ctx, buffer, size, out_len);
}

static void close_leaves_byte(void *ctx) {
    kept.is_spoilt = kept.was_open;
    sound_ops->close(ctx);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static sbs_status send_spoils(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    uint8_t spoilt[LATE_MAX];
    size_t part = len < sizeof spoilt ? len : sizeof spoilt;
    memcpy(spoilt, data, part);
    if (part > 200u) {
        spoilt[200] ^= 1u;
    }

    return sound_ops->send(ctx, spoilt, part, out_sent);
}

static sbs_status send_takes_none(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_status status = sound_ops->send(ctx, data, len, out_sent);
    *out_sent = 0;
    return status;
}

static sbs_status send_late(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx;
    kept.late = data;
    kept.late_len = len;
    *out_sent = len;

    return SBS_OK;
}

static sbs_status receive_sends_late(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    size_t sent = 0;
    if (kept.late_len > 0 && sound_ops->send(ctx, kept.late, kept.late_len, &sent) == SBS_OK) {
        kept.late += sent;
        kept.late_len -= sent;
    }

    return sound_ops->receive(ctx, buffer, size, out_len);
}

static sbs_status receive_ends_text(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    if (status == SBS_OK) {
        buffer[*out_len] = 0;
    }

    return status;
}

static sbs_status receive_repeats_byte(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    for (size_t i = 0; status == SBS_OK && i < *out_len; i++) {
        kept.received++;
        if (kept.received == 10u) {
            buffer[i] = '#';
        }
    }

    return status;
}

/* ---- not yet, and ends ------------------------------------------------------------------------------------------- */

static sbs_status receive_gives_nothing(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    if (status == SBS_PENDING) {
        return SBS_OK;
    }

    return status;
}

static sbs_status receive_tells_size(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    if (status == SBS_PENDING) {
        *out_len = size;
    }

    return status;
}

static sbs_status send_takes_all(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_status status = sound_ops->send(ctx, data, len, out_sent);
    if (status == SBS_PENDING) {
        *out_sent = len;
        return SBS_OK;
    }

    return status;
}

static sbs_status send_fails_when_full(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_status status = sound_ops->send(ctx, data, len, out_sent);
    if (status == SBS_PENDING) {
        return SBS_ERR_NETWORK;
    }

    return status;
}

static sbs_wait waits_never(void *ctx) {
    sbs_wait wait = sound_ops->waits_for(ctx);
    wait.timeout_ms = 0;
    return wait;
}

static sbs_wait waits_for_nothing(void *ctx) {
    (void)ctx;
    return (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = 0, .descriptor = -1};
}

static sbs_status receive_blocks(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    broken_skip_ms(11000);
    return sound_ops->receive(ctx, buffer, size, out_len);
}

static sbs_status receive_breaks_at_end(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    if (status == SBS_END) {
        return SBS_ERR_TRUNCATED;
    }

    return status;
}

static sbs_status receive_ends_at_break(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_status status = sound_ops->receive(ctx, buffer, size, out_len);
    if (status == SBS_ERR_TRUNCATED) {
        return SBS_END;
    }

    return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

const broken_stream broken_streams[] = {
    {"open() connects", "it fails", {.open = open_fails}},
    {"open() connects", "it never ends", {.open = open_never_ends}},
    {"what is sent comes back unchanged", "a bit is lost", {.send = send_spoils}},
    {"what is sent comes back unchanged", "nothing is told to be taken", {.send = send_takes_none}},
    {"send() keeps no pointer to what it took", "it does", {.send = send_late, .receive = receive_sends_late}},
    {"a buffer of any size is filled at most to its end", "a NUL is behind it", {.receive = receive_ends_text}},
    {"bytes that come one by one are given in their order", "one is another", {.receive = receive_repeats_byte}},
    {"receive() says \"not yet\" while nothing came", "it says done", {.receive = receive_gives_nothing}},
    {"receive() says \"not yet\" while nothing came", "it tells bytes", {.receive = receive_tells_size}},
    {"send() says \"not yet\" when nothing is taken any more", "it says done", {.send = send_takes_all}},
    {"send() says \"not yet\" when nothing is taken any more", "it says broken", {.send = send_fails_when_full}},
    {"waits_for() names what can end the wait", "nothing to wait for", {.waits_for = waits_never}},
    {"waits_for() names what can end the wait", "no event", {.waits_for = waits_for_nothing}},
    {"no call blocks", "receive() waits", {.receive = receive_blocks}},
    {"an orderly end is SBS_END, after all that came", "it is broken", {.receive = receive_breaks_at_end}},
    {"a connection that breaks is SBS_ERR_TRUNCATED and no end", "it is an end", {.receive = receive_ends_at_break}},
    {"a stream is opened again after close()",
     "a byte is left",
     {.open = open_and_note, .receive = receive_leftover, .close = close_leaves_byte}},
    {"close() is legal in any state", "not when closed", {.open = open_and_note, .close = close_spoils}},
    {"a closed stream takes and gives nothing",
     "it takes",
     {.open = open_and_note, .send = send_after_close, .close = close_and_note}},
    {"where nobody listens, open() says so", "another status", {.open = open_hides_reason}},
    {"a name that does not exist is told", "another status", {.open = open_hides_reason}},
    {"without the time of day nothing is secured", "it is guessed", {.open = open_guesses_time}},
    {"a certificate for another name is refused", "it is taken", {.open = open_takes_any_name}},
    {"a certificate that nobody trusts is refused", "it is taken", {.open = open_trusts_all}},
};

const size_t broken_stream_count = SBS_COUNT_OF(broken_streams);

void broken_stream_make(const broken_stream *how, const port_stream *sound, port_stream *out) {
    memset(&kept, 0, sizeof kept);
    sound_ops = sound->stream.ops;
    merged_ops = *sound_ops;
    if (how->ops.open != NULL) {
        merged_ops.open = how->ops.open;
    }

    if (how->ops.send != NULL) {
        merged_ops.send = how->ops.send;
    }

    if (how->ops.receive != NULL) {
        merged_ops.receive = how->ops.receive;
    }

    if (how->ops.close != NULL) {
        merged_ops.close = how->ops.close;
    }

    if (how->ops.waits_for != NULL) {
        merged_ops.waits_for = how->ops.waits_for;
    }

    *out = *sound;
    out->stream.ops = &merged_ops;
}
