/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_stream.h
 * A raw stream (port/stream.h) over TCP sockets. Nothing blocks: names are resolved by getaddrinfo() in a short-lived
 * thread, and several addresses are tried side by side in the manner of RFC 8305 ("happy eyeballs").
 *
 * SIGPIPE is never raised and every descriptor is close-on-exec. last_code() gives errno values, or the (negative)
 * EAI_* value of a failed resolution.
 */
#ifndef SBS_LINUX_STREAM_H
#define SBS_LINUX_STREAM_H

#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Most addresses of one name that are tried; further ones are ignored. */
#define SBS_LINUX_ADDRESSES_MAX 8

/** Time limits in milliseconds. Zero means the default. */
typedef struct sbs_linux_stream_config {
    uint32_t resolve_timeout_ms; /**< for the name; default 10 000 */
    uint32_t connect_timeout_ms; /**< for each address; default 10 000 */
    uint32_t stagger_ms; /**< the next address is tried beside after this long; default 250 (RFC 8305 section 5) */
} sbs_linux_stream_config;

struct addrinfo;
struct sbs_linux_resolution; /* what a resolver thread shares with the stream */

/** One address that is being tried. */
typedef struct sbs_linux_attempt {
    const struct addrinfo *address;
    int fd; /* -1: not started, or over */
    uint64_t started_ms;
} sbs_linux_attempt;

/** A stream. Place it anywhere; it must not move while it is open. */
typedef struct sbs_linux_stream {
    struct {
        sbs_linux_stream_config config;
        struct sbs_linux_resolution *resolution;
        sbs_linux_attempt attempts[SBS_LINUX_ADDRESSES_MAX];
        uint8_t address_count;
        uint8_t started_count;
        uint8_t state;
        int fd;       /* the connection */
        int epoll_fd; /* while opening: collects the resolver and all attempts in one descriptor */
        uint64_t started_ms;
        uint64_t last_started_ms;
        sbs_status error;
        int32_t code;
        sbs_wait wait;
    } priv;
} sbs_linux_stream;

/** Prepares a stream and opens nothing. @p config is copied; NULL: all defaults. */
void sbs_linux_stream_init(sbs_linux_stream *stream, const sbs_linux_stream_config *config, sbs_stream *out_stream);

/** Closes the connection. Legal twice. */
void sbs_linux_stream_deinit(sbs_linux_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
