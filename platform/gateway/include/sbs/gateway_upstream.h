/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_upstream.h
 * The side of the server: the push of what waits in the queue, as `sbs queue push --follow` does it, over several
 * connections, with what happened counted by device and said in one sentence.
 *
 * It may be opened without a server in the configuration: then it is paused, and says so; devices are served all the
 * same.
 */
#ifndef SBS_GATEWAY_UPSTREAM_H
#define SBS_GATEWAY_UPSTREAM_H

#include "sbs/forward_fan.h"
#include "sbs/gateway_clock.h"
#include "sbs/gateway_group.h"
#include "sbs/gateway_key.h"
#include "sbs/gateway_server.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_GATEWAY_SOURCES 1024u /**< items whose device is remembered while they are on their way */

/** What it works with; all of it must outlive it. */
typedef struct sbs_gateway_sender_config {
    const sbs_gateway_config *config;
    sbs_sqlite_queue *queue;
    const sbs_queue *port; /**< of sbs_gateway_group */
    const char *queue_path;
    sbs_gateway_keys *keys;
    sbs_gateway_clockwork *clock;
    sbs_gateway_counts *counts;       /**< of each device, by its place in the configuration */
    const sbs_forward_dating *dating; /**< of measurements that came without a time; may be NULL */
    uint64_t pushed_ms;               /**< as in sbs_forward_push_config */
    /** Something happened that the journal should have: one line, without anything of a patient. @p item 0: none. */
    void (*tell)(void *ctx, bool bad, const char *event, const char *device, uint64_t item, uint16_t http_status,
                 const char *message);
    void *ctx;
} sbs_gateway_sender_config;

/** Which device an item came from. */
typedef struct sbs_gateway_origin {
    uint64_t id;
    uint16_t device; /* place + 1; 0: none that is configured */
} sbs_gateway_origin;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_gateway_sender {
    struct {
        sbs_gateway_sender_config given;
        sbs_gateway_server server;
        sbs_forward_memory memory;
        sbs_forward_fan fan;
        sbs_key key;
        sbs_gateway_origin origins[SBS_GATEWAY_SOURCES];
        sbs_gateway_upstream state;
        char words[256];
        char told[256];    /* what the journal was told last */
        char trouble[256]; /* of what waits by itself: why the last one that was put off was, "" if none is left */
        int64_t since_s, last_delivery_s, server_certificate_s;
        uint64_t delivered, delivered_pending; /* the second: not durable yet */
        uint64_t trouble_id;                   /* of that item */
        uint64_t noted_id;
        sbs_status noted;
        uint64_t due_ms; /* when it is to be polled again */
        sbs_wait wait;
        bool ready; /* server and fan are open */
        bool puts;  /* the server takes PUT of Observations */
        bool open;
        bool wanted; /* to be polled now */
        bool failed; /* nothing was stored since the last one was put off */
    } priv;
} sbs_gateway_sender;

/**
 * Sets up the connection to the server and the push. A configuration that does not do is no failure: it is paused, and
 * its words say why. SBS_ERR_MEMORY. Call close() in either case.
 */
SBS_NODISCARD sbs_status sbs_gateway_sender_open(sbs_gateway_sender *sender, const sbs_gateway_sender_config *config);

/** Does what is due. SBS_OK; else the queue failed, and it starts over from what the queue holds. */
SBS_NODISCARD sbs_status sbs_gateway_sender_poll(sbs_gateway_sender *sender, sbs_now now);
/** What to wait for before the next poll. */
sbs_wait sbs_gateway_sender_wait(const sbs_gateway_sender *sender, sbs_now now);
/** The descriptor of its wait is ready. */
void sbs_gateway_sender_ready(sbs_gateway_sender *sender);
/** Something was appended: it is polled in this turn. Waits that a server asked for go on. */
void sbs_gateway_sender_appended(sbs_gateway_sender *sender);
/** The network came back, or an operator asks: all waits end. */
void sbs_gateway_sender_wake(sbs_gateway_sender *sender);
/** Takes nothing more up. True when nothing is under way. */
bool sbs_gateway_sender_drain(sbs_gateway_sender *sender);
/** What the group held was undone: what the push believes of the queue may be wrong, and it starts over. SBS_OK;
 * SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_gateway_sender_restart(sbs_gateway_sender *sender);

/** True if the server takes PUT of Observations: other content under an id that is known is an update then. */
static inline bool sbs_gateway_sender_puts(const sbs_gateway_sender *sender) {
    return sender->priv.puts;
}

/** Fills in its part of the status. */
void sbs_gateway_sender_status(const sbs_gateway_sender *sender, sbs_now now, sbs_gateway_status *out);
/** Items delivered since the start, durably. */
uint64_t sbs_gateway_sender_delivered(const sbs_gateway_sender *sender);

/** Gives up what is under way, makes durable what happened, wipes and frees. Legal after zero-initialisation, and
 * twice. */
void sbs_gateway_sender_close(sbs_gateway_sender *sender);

#ifdef __cplusplus
}
#endif
#endif
