/* SPDX-License-Identifier: Apache-2.0 */
/* What port/include/sbs/stream.h promises. */
#include <string.h>

#include "port_report.h"

#define TEXT_SIZE (sizeof port_stream_text - 1u)
#define PIECE 700u
#define GUARD 0xC3u
#define TAKEN_MAX (256u << 20) /* bytes that nobody reads: no buffer between two peers is larger */
#define BUSY_MAX 1000u         /* calls in a row that a stream may ask for at once while nothing comes */

const char port_stream_text[] = "Measure what is measurable, and make measurable what is not so.\n";

/* ---- calls that most checks make --------------------------------------------------------------------------------- */

static bool has_peer(port_report *report, const port_peer *peer, const char *what) {
    if (peer->host == NULL) {
        port_missing(report, what);
        return false;
    }

    return true;
}

static bool is_secured(port_report *report, const port_stream *port) {
    if (!port->stream.ops->secured) {
        port_missing(report, "a secured stream");
        return false;
    }

    return true;
}

static sbs_wait stream_wait(const port_stream *port) {
    return port->stream.ops->waits_for(port->stream.ctx);
}

static void stream_close(const port_stream *port) {
    port->stream.ops->close(port->stream.ctx);
}

static bool stream_pending(port_report *report, const port_stream *port, const char *doing) {
    sbs_wait wait = stream_wait(port);
    return port_pending(report, doing, &wait);
}

static sbs_status stream_open_status(port_report *report, const port_stream *port, const port_peer *peer) {
    sbs_status status;
    port_pending_begin(report);

    do {
        status = port->stream.ops->open(port->stream.ctx, peer->host, peer->port, report->suite->now());
    } while (status == SBS_PENDING && stream_pending(report, port, "open()"));

    return status;
}

/* The one before is closed first, whatever became of it. */
static bool stream_open(port_report *report, const port_stream *port, const port_peer *peer) {
    stream_close(port);
    return port_expect_status(report, "open()", stream_open_status(report, port, peer), SBS_OK);
}

/* All of it is sent, in as many calls as the stream wants. */
static bool stream_send(port_report *report, const port_stream *port, const uint8_t *data, size_t len) {
    port_pending_begin(report);

    for (size_t at = 0; at < len;) {
        size_t sent = 99;
        sbs_status status = port->stream.ops->send(port->stream.ctx, data + at, len - at, &sent);
        if (status == SBS_PENDING) {
            if (!stream_pending(report, port, "send()")) {
                return false;
            }

            continue;
        }

        if (!port_expect_status(report, "send()", status, SBS_OK) ||
            !port_expect(report, "out_sent of send() with SBS_OK", sent >= 1 && sent <= len - at, "1 to len",
                         "another number")) {
            return false;
        }

        at += sent;
    }

    return true;
}

/* One receive() that is not "not yet"; the length is 0 unless it is SBS_OK. */
static sbs_status stream_receive(port_report *report, const port_stream *port, uint8_t *buffer, size_t size,
                                 size_t *out_len) {
    sbs_status status;
    port_pending_begin(report);

    do {
        *out_len = 99;
        status = port->stream.ops->receive(port->stream.ctx, buffer, size, out_len);
    } while (status == SBS_PENDING && stream_pending(report, port, "receive()"));

    if (status != SBS_OK) {
        *out_len = 0;
    }

    return status;
}

/* Receives exactly these bytes, in pieces of at most @p piece. */
static bool stream_gets(port_report *report, const port_stream *port, const void *data, size_t len, size_t piece) {
    uint8_t got[PIECE + 1u];
    for (size_t at = 0; at < len;) {
        size_t part = 0;
        size_t size = len - at < piece ? len - at : piece;
        memset(got, (int)GUARD, sizeof got);

        sbs_status status = stream_receive(report, port, got, size, &part);
        if (!port_expect_status(report, "receive()", status, SBS_OK) ||
            !port_expect(report, "out_len of receive() with SBS_OK", part >= 1 && part <= size, "1 to size",
                         "another number") ||
            !port_expect_bytes(report, "the bytes that receive() gives", got, (const uint8_t *)data + at, part) ||
            !port_expect_number(report, "the byte behind the buffer", got[size], GUARD)) {
            return false;
        }

        at += part;
    }

    return true;
}

/* The peers that act by themselves do so after this byte. */
static bool stream_open_and_nudge(port_report *report, const port_stream *port, const port_peer *peer) {
    return stream_open(report, port, peer) && stream_send(report, port, (const uint8_t *)"!", 1);
}

static bool stream_echoes(port_report *report, const port_stream *port, size_t len, uint32_t seed) {
    uint8_t data[PIECE];
    port_fill(data, len, seed);
    return stream_send(report, port, data, len) && stream_gets(report, port, data, len, PIECE);
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void stream_connects(port_report *report, const void *context) {
    const port_stream *port = context;
    (void)stream_open(report, port, &port->echo);
    stream_close(port);
}

static void stream_is_refused(port_report *report, const void *context) {
    const port_stream *port = context;
    if (!has_peer(report, &port->refuses, "port_stream.refuses")) {
        return;
    }

    stream_close(port);
    sbs_status status = stream_open_status(report, port, &port->refuses);
    bool told = status == SBS_ERR_REFUSED || status == SBS_ERR_UNREACHABLE || status == SBS_ERR_TIMEOUT ||
                status == SBS_ERR_NETWORK;
    if (!port_expect(report, "open() where nobody listens", told,
                     "SBS_ERR_REFUSED, or _UNREACHABLE, _TIMEOUT, _NETWORK", sbs_status_name(status))) {
        return;
    }

    /* After close() it is as good as new. */
    (void)(stream_open(report, port, &port->echo) && stream_echoes(report, port, 10, 1));
    stream_close(port);
}

static void stream_knows_no_name(port_report *report, const void *context) {
    const port_stream *port = context;
    if (!has_peer(report, &port->unknown, "port_stream.unknown")) {
        return;
    }

    stream_close(port);
    sbs_status status = stream_open_status(report, port, &port->unknown);
    bool told = status == SBS_ERR_RESOLVE || status == SBS_ERR_UNREACHABLE || status == SBS_ERR_TIMEOUT ||
                status == SBS_ERR_NETWORK;
    (void)port_expect(report, "open() of a name that does not exist", told,
                      "SBS_ERR_RESOLVE, or _UNREACHABLE, _TIMEOUT, _NETWORK", sbs_status_name(status));
    stream_close(port);
}

static void stream_opens_again(port_report *report, const void *context) {
    const port_stream *port = context;
    for (uint32_t i = 0; i < 3u; i++) {
        uint8_t left[40];
        port_fill(left, sizeof left, i + 100u);

        /* What the connection before left unread does not show in this one. */
        if (!stream_open(report, port, &port->echo) || !stream_echoes(report, port, 60, i) ||
            !stream_send(report, port, left, sizeof left) || !stream_gets(report, port, left, 1, 1)) {
            break;
        }
    }

    stream_close(port);
}

static void stream_closes(port_report *report, const void *context) {
    const port_stream *port = context;
    stream_close(port);
    stream_close(port);

    /* In the middle of connecting, if that takes more than a call; then all works as before. */
    sbs_status status =
        port->stream.ops->open(port->stream.ctx, port->echo.host, port->echo.port, report->suite->now());
    stream_close(port);
    if (port_expect(report, "the first call of open()", status == SBS_OK || status == SBS_PENDING,
                    "SBS_OK or SBS_PENDING", sbs_status_name(status))) {
        (void)(stream_open(report, port, &port->echo) && stream_echoes(report, port, 10, 1));
    }

    stream_close(port);
}

static void stream_closed_is_mute(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t byte = 1;
    size_t len = 0;
    if (!stream_open(report, port, &port->echo)) {
        return;
    }

    stream_close(port);
    sbs_status status = port->stream.ops->send(port->stream.ctx, &byte, 1, &len);
    if (port_expect(report, "send() after close()", status < SBS_OK, "an error", sbs_status_name(status))) {
        status = port->stream.ops->receive(port->stream.ctx, &byte, 1, &len);
        (void)port_expect(report, "receive() after close()", status < SBS_OK, "an error", sbs_status_name(status));
    }
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static void stream_carries(port_report *report, const void *context) {
    static const size_t sizes[] = {1, 2, 63, PIECE, PIECE - 1u, 255, 256};
    const port_stream *port = context;
    if (!stream_open(report, port, &port->echo)) {
        return;
    }

    /* Small and large ones in turn, on one connection. */
    for (uint32_t i = 0; i < 4u * SBS_COUNT_OF(sizes); i++) {
        if (!stream_echoes(report, port, sizes[i % SBS_COUNT_OF(sizes)], i)) {
            break;
        }
    }

    stream_close(port);
}

static void stream_copies(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t data[PIECE], sent[PIECE];
    if (!stream_open(report, port, &port->echo)) {
        return;
    }

    port_fill(data, sizeof data, 5);
    /* The echo shows what went out. */
    memcpy(sent, data, sizeof sent);
    if (stream_send(report, port, sent, sizeof sent)) {
        memset(sent, 0, sizeof sent);
        (void)stream_gets(report, port, data, sizeof data, PIECE);
    }

    stream_close(port);
}

static void stream_fits_buffers(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t data[60];
    if (!stream_open(report, port, &port->echo)) {
        return;
    }

    port_fill(data, sizeof data, 6);

    for (size_t piece = 1; piece <= 7u; piece++) {
        if (!stream_send(report, port, data, sizeof data) || !stream_gets(report, port, data, sizeof data, piece)) {
            break;
        }
    }

    stream_close(port);
}

static void stream_joins_drips(port_report *report, const void *context) {
    const port_stream *port = context;
    if (!has_peer(report, &port->drips, "port_stream.drips")) {
        return;
    }

    if (stream_open_and_nudge(report, port, &port->drips)) {
        (void)stream_gets(report, port, port_stream_text, TEXT_SIZE, PIECE);
    }

    stream_close(port);
}

/* ---- not yet ----------------------------------------------------------------------------------------------------- */

static void stream_waits(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t byte;
    if (!stream_open(report, port, &port->echo)) {
        return;
    }

    for (unsigned i = 0; i < 20u; i++) {
        size_t len = 99;
        sbs_status status = port->stream.ops->receive(port->stream.ctx, &byte, 1, &len);
        if (!port_expect_status(report, "receive() before anything was sent", status, SBS_PENDING) ||
            !port_expect_number(report, "out_len with SBS_PENDING", len, 0)) {
            break;
        }
    }

    stream_close(port);
}

/* Nobody reads: sooner or later nothing is taken any more. */
static void stream_fills_up(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t data[PIECE];
    size_t taken = 0, sent;
    sbs_status status = SBS_OK;
    if (!has_peer(report, &port->silent, "port_stream.silent") || !stream_open(report, port, &port->silent)) {
        return;
    }

    port_fill(data, sizeof data, 7);

    while (status == SBS_OK && taken < TAKEN_MAX) {
        sent = 99;
        status = port->stream.ops->send(port->stream.ctx, data, sizeof data, &sent);
        if (status == SBS_OK && !port_expect(report, "out_sent of send() with SBS_OK", sent >= 1 && sent <= sizeof data,
                                             "1 to len", "another number")) {
            break;
        }

        taken += sent;
    }

    if (port_expect_status(report, "send() to a peer that reads nothing", status, SBS_PENDING)) {
        (void)port_expect_number(report, "out_sent with SBS_PENDING", sent, 0);
    }

    stream_close(port);
}

static void stream_names_its_wait(port_report *report, const void *context) {
    const port_stream *port = context;
    const port_peer *quiet = port->silent.host != NULL ? &port->silent : &port->echo;
    uint8_t byte;
    sbs_wait wait = {.timeout_ms = 0};
    if (!stream_open(report, port, quiet)) {
        return;
    }

    /* A stream may have work of its own left for some calls, but not while nothing comes for ever. */
    for (unsigned i = 0; i < BUSY_MAX && wait.timeout_ms == 0; i++) {
        size_t len = 0;
        sbs_status status = port->stream.ops->receive(port->stream.ctx, &byte, 1, &len);
        if (!port_expect_status(report, "receive() while nothing comes", status, SBS_PENDING)) {
            stream_close(port);
            return;
        }

        wait = stream_wait(port);
    }

    (void)(port_expect(report, "waits_for() while nothing comes", wait.timeout_ms != 0, "an event or a time to wait",
                       "timeout_ms 0 a thousand times: the loop never sleeps") &&
           port_expect(report, "waits_for() while nothing comes",
                       wait.timeout_ms != SBS_WAIT_FOREVER || (wait.events & SBS_WAIT_READ) != 0,
                       "SBS_WAIT_READ, or a time limit", "neither: the loop never wakes"));
    stream_close(port);
}

static void stream_never_blocks(port_report *report, const void *context) {
    const port_stream *port = context;
    const port_suite *suite = report->suite;
    uint8_t byte;
    size_t len = 0;
    if (!has_peer(report, &port->silent, "port_stream.silent") || !stream_open(report, port, &port->silent)) {
        return;
    }

    /* Where it blocks for good, this hangs: start the suite under a watchdog. */
    for (unsigned i = 0; i < 3u; i++) {
        uint64_t began_ms = suite->now().mono_ms;
        (void)port->stream.ops->receive(port->stream.ctx, &byte, 1, &len);
        if (!port_expect(report, "the time of one receive() while nothing comes",
                         suite->now().mono_ms - began_ms <= port_call_ms(suite), "at most port_suite.call_ms",
                         "more")) {
            break;
        }
    }

    stream_close(port);
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void stream_ends(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t byte;
    size_t len = 0;
    if (!has_peer(report, &port->closes, "port_stream.closes")) {
        return;
    }

    if (stream_open_and_nudge(report, port, &port->closes) &&
        stream_gets(report, port, port_stream_text, TEXT_SIZE, 9)) {
        (void)port_expect_status(report, "receive() behind the last byte", stream_receive(report, port, &byte, 1, &len),
                                 SBS_END);
    }

    stream_close(port);
}

static void stream_is_truncated(port_report *report, const void *context) {
    const port_stream *port = context;
    uint8_t byte;
    size_t len = 0;
    if (!has_peer(report, &port->breaks, "port_stream.breaks")) {
        return;
    }

    if (stream_open_and_nudge(report, port, &port->breaks)) {
        (void)port_expect_status(report, "receive() from a peer that breaks off",
                                 stream_receive(report, port, &byte, 1, &len), SBS_ERR_TRUNCATED);
    }

    stream_close(port);
}

/* ---- secured ----------------------------------------------------------------------------------------------------- */

static void stream_needs_time(port_report *report, const void *context) {
    const port_stream *port = context;
    if (!is_secured(report, port)) {
        return;
    }

    stream_close(port);
    sbs_now now = report->suite->now();
    now.utc_s = SBS_UTC_UNKNOWN;
    sbs_status status = port->stream.ops->open(port->stream.ctx, port->echo.host, port->echo.port, now);
    (void)port_expect_status(report, "open() without the time of day", status, SBS_ERR_NO_TIME);
    stream_close(port);
}

static void stream_refuses(port_report *report, const port_stream *port, const port_peer *peer, sbs_status expected) {
    stream_close(port);
    (void)port_expect_status(report, "open()", stream_open_status(report, port, peer), expected);
    stream_close(port);
}

static void stream_checks_name(port_report *report, const void *context) {
    const port_stream *port = context;
    if (is_secured(report, port) && has_peer(report, &port->other, "port_stream.other")) {
        stream_refuses(report, port, &port->other, SBS_ERR_WRONG_NAME);
    }
}

static void stream_checks_trust(port_report *report, const void *context) {
    const port_stream *port = context;
    if (is_secured(report, port) && has_peer(report, &port->untrusted, "port_stream.untrusted")) {
        stream_refuses(report, port, &port->untrusted, SBS_ERR_UNTRUSTED);
    }
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static const port_check stream_checks[] = {
    {"open() connects", "stream.h, open: \"SBS_OK: connected (and, if secured, the peer authenticated)\"",
     "last_code(); is the peer reachable from here? for how long is \"not yet\" said, and what is waited for?",
     stream_connects},
    {"what is sent comes back unchanged", "stream.h, send: \"out_sent tells how many were taken\"",
     "bytes that were taken but not told, or told but not taken", stream_carries},
    {"send() keeps no pointer to what it took", "port/README.md: \"the core owns nothing of it\"",
     "a pointer that is kept instead of a copy, as with TCP stacks that send without copying", stream_copies},
    {"a buffer of any size is filled at most to its end", "stream.h, receive: \"SBS_OK with 1..size bytes\"",
     "bytes of a packet that do not fit: are they kept for the next call?", stream_fits_buffers},
    {"bytes that come one by one are given in their order", "stream.h, receive: \"SBS_OK with 1..size bytes\"",
     "a receive() that counts on whole packets or lines", stream_joins_drips},
    {"receive() says \"not yet\" while nothing came", "port/README.md: \"report a count apart from the result\"",
     "0 bytes are SBS_PENDING with out_len 0, not SBS_OK and not an end", stream_waits},
    {"send() says \"not yet\" when nothing is taken any more", "stream.h, send: \"SBS_PENDING with 0\"",
     "a send() that waits for room, or gives up bytes", stream_fills_up},
    {"waits_for() names what can end the wait", "stream.h, waits_for: \"What the last SBS_PENDING waits for\"",
     "timeout_ms 0 means work that needs no event; SBS_WAIT_FOREVER needs an event that wakes", stream_names_its_wait},
    {"no call blocks", "stream.h: \"No call blocks longer than one cryptographic operation\"",
     "a socket or modem in blocking mode", stream_never_blocks},
    {"an orderly end is SBS_END, after all that came", "stream.h, receive: \"SBS_END: the peer ended the stream\"",
     "bytes that are still in a buffer when the end is seen", stream_ends},
    {"a connection that breaks is SBS_ERR_TRUNCATED and no end",
     "stream.h, receive: \"a secured stream ended without close_notify, or a reset\"",
     "a reset, or TLS that ends without close_notify, taken for an end: an answer would be cut unseen",
     stream_is_truncated},
    {"a stream is opened again after close()", "stream.h: \"can be opened again after close()\"",
     "bytes, states and errors of the connection before", stream_opens_again},
    {"close() is legal in any state", "stream.h, close: \"Legal in any state\"",
     "close() without open(), twice, and while connecting", stream_closes},
    {"a closed stream takes and gives nothing", "stream.h, close: \"Ends the connection at once\"",
     "the state after close(), in send() and receive()", stream_closed_is_mute},
    {"where nobody listens, open() says so",
     "stream.h, open: \"SBS_ERR_RESOLVE, _REFUSED, _UNREACHABLE, _TIMEOUT, _NETWORK\"",
     "how codes of the stack become statuses; the rest is for last_code()", stream_is_refused},
    {"a name that does not exist is told",
     "stream.h, open: \"SBS_ERR_RESOLVE, _REFUSED, _UNREACHABLE, _TIMEOUT, _NETWORK\"",
     "the result of the resolver, and its time limit", stream_knows_no_name},
    {"without the time of day nothing is secured",
     "stream.h, open: \"a secured stream refuses SBS_UTC_UNKNOWN with SBS_ERR_NO_TIME\"",
     "the date against which certificates are checked", stream_needs_time},
    {"a certificate for another name is refused", "stream.h, open: \"_TLS, _UNTRUSTED, _WRONG_NAME\"",
     "the host given to open(): is it compared with the certificate's names?", stream_checks_name},
    {"a certificate that nobody trusts is refused", "stream.h, open: \"_TLS, _UNTRUSTED, _WRONG_NAME\"",
     "the verification of the chain: is it required, or only asked for?", stream_checks_trust},
};

unsigned port_suite_stream(const port_suite *suite, const port_stream *port) {
    return port_report_run(suite, "stream", stream_checks, SBS_COUNT_OF(stream_checks), port);
}
