/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file stream.h
 * Port: a non-blocking byte stream to one peer. The same interface serves raw (TCP) and secured (TLS over a raw one, a
 * modem, an offload chip) streams. A stream carries one connection at a time and can be opened again after close().
 *
 * No call blocks longer than one cryptographic operation. A call that returns SBS_PENDING is made again with the same
 * arguments once waits_for() is satisfied. After any error the stream must be closed before it is opened again; after
 * one of send(), receive() may still give what the peer sent before.
 */
#ifndef SBS_STREAM_H
#define SBS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a stream or a client waits for. Bits of sbs_wait.events. */
#define SBS_WAIT_READ 1u  /**< the descriptor becomes readable */
#define SBS_WAIT_WRITE 2u /**< the descriptor becomes writable */

/** "No time limit" in sbs_wait.timeout_ms. */
#define SBS_WAIT_FOREVER UINT32_MAX

/** What to wait for before the next poll: whichever comes first. */
typedef struct sbs_wait {
    uint32_t timeout_ms; /**< call again after at most this long; 0: at once; SBS_WAIT_FOREVER: only on an event */
    uint8_t events;      /**< SBS_WAIT_READ | SBS_WAIT_WRITE, 0 if only time is waited for */
    int descriptor;      /**< for poll loops; -1 where the platform has none */
} sbs_wait;

/** What a stream does. */
typedef struct sbs_stream_ops {
    /**
     * Starts or continues a connection. @p host: NUL-terminated DNS name or address literal (IPv6 without brackets), as
     * in the URL, 1 to 253 bytes; @p port 1 to 65535; both stay valid until the call stops returning SBS_PENDING.
     * @p now is for certificate dates and time limits; a secured stream refuses SBS_UTC_UNKNOWN with SBS_ERR_NO_TIME.
     * SBS_OK: connected (and, if secured, the peer authenticated). SBS_PENDING. SBS_ERR_RESOLVE, _REFUSED,
     * _UNREACHABLE, _TIMEOUT, _NETWORK, _MEMORY; secured also _TLS, _UNTRUSTED, _WRONG_NAME, _CERT_DATE, _NO_TIME,
     * _UNVERIFIED.
     */
    sbs_status (*open)(void *ctx, const char *host, uint16_t port, sbs_now now);

    /** Sends up to @p len (> 0) bytes; @p out_sent tells how many were taken. SBS_OK with 1..len bytes, SBS_PENDING
     * with 0, or an error. */
    sbs_status (*send)(void *ctx, const uint8_t *data, size_t len, size_t *out_sent);

    /**
     * Receives up to @p size (> 0) bytes. SBS_OK with 1..size bytes; SBS_PENDING with 0; SBS_END: the peer ended the
     * stream in an authenticated way (TLS close_notify; a raw stream's FIN counts, it knows no better);
     * SBS_ERR_TRUNCATED: a secured stream ended without close_notify, or a reset; or another error.
     */
    sbs_status (*receive)(void *ctx, uint8_t *buffer, size_t size, size_t *out_len);

    /** Ends the connection at once and frees what it held; a secured stream tries to send close_notify. Legal in any
     * state. */
    void (*close)(void *ctx);

    /** What the last SBS_PENDING waits for. timeout_ms == 0 when the stream has work left that needs no event. */
    sbs_wait (*waits_for)(void *ctx);

    /** The platform's own code of the last error (errno, Mbed TLS error, lwIP err_t), 0 if none. For logs only. */
    int32_t (*last_code)(void *ctx);

    /** True if the peer is authenticated and the bytes are protected. The client sends secrets to no other stream. */
    bool secured;
} sbs_stream_ops;

/** A stream: its functions and their context. */
typedef struct sbs_stream {
    const sbs_stream_ops *ops;
    void *ctx;
} sbs_stream;

#ifdef __cplusplus
}
#endif
#endif
