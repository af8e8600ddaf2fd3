/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file lwip_stream.h
 * A raw stream (port/stream.h) over lwIP's raw TCP API, names resolved by lwIP's DNS client.
 *
 * Received segments are kept as lwIP delivers them and copied once, into the caller's buffer; the peer's window opens
 * as they are read. What has arrived is read before an error is reported. last_code() gives lwIP's err_t values.
 *
 * One superloop (NO_SYS=1): sbs_lwip_poll() moves everything; call the stream from the same loop, not from interrupts.
 * Threads (NO_SYS=0 with core locking): each stream belongs to one task at a time, and different tasks may use
 * different streams. Every call takes lwIP's core lock for a short time.
 */
#ifndef SBS_LWIP_STREAM_H
#define SBS_LWIP_STREAM_H

#include "sbs/lwip_lookup.h"
#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sbs_lwip_stream_config {
    uint32_t resolve_timeout_ms; /**< for the name; 0: 10 000 */
    uint32_t connect_timeout_ms; /**< for the connection; 0: 10 000 */
    /** Called when what waits_for() waits for may have happened, from lwIP's context and with the core lock held: give
     * a semaphore, set a flag, nothing else. NULL: none. */
    void (*wake)(void *ctx);
    void *wake_ctx;
} sbs_lwip_stream_config;

struct tcp_pcb;
struct pbuf;

/** A stream. Place it anywhere; it must not move while it is open. */
typedef struct sbs_lwip_stream {
    struct {
        sbs_lwip_stream_config config;
        /* Shared with lwIP's callbacks: touched under the core lock only. */
        sbs_lwip_lookup lookup;
        struct tcp_pcb *pcb;
        struct pbuf *received; /* not yet read */
        sbs_status loss;       /* why the connection is gone, SBS_OK while it is not */
        int32_t loss_code;     /* lwIP's err_t for it */
        uint8_t state;
        bool ended; /* the peer has sent its FIN */
        /* The owner's. */
        uint16_t port;
        uint8_t tried; /* addresses of the name, the one in use included */
        int32_t code;
        uint32_t address; /* in use; kept, as the one that answered is tried first the next time */
        uint64_t started_ms;
        sbs_wait wait;
    } priv;
} sbs_lwip_stream;

/** Prepares a stream and opens nothing. @p config is copied; NULL: all defaults. */
void sbs_lwip_stream_init(sbs_lwip_stream *stream, const sbs_lwip_stream_config *config, sbs_stream *out_stream);

/** Closes the connection. Legal twice. */
void sbs_lwip_stream_deinit(sbs_lwip_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
