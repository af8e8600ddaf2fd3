/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A queue on SQLite whose power can be cut, pushed over one connection or several to servers that are one: what one of
 * them stored the others know. What is told, what is durable and what was stored is counted by item.
 */
#ifndef SQLITE_DRAIN_H
#define SQLITE_DRAIN_H

#include "fake_fhir.h"
#include "sbs/forward_fan.h"
#include "sbs/sqlite_queue.h"

#define DRAIN_ITEMS 24u
#define DRAIN_LINES 8u

typedef struct drain_rig {
    fake_fhir fhir[DRAIN_LINES]; /* one for each connection */
    unsigned fhir_count;         /* that were opened */
    sbs_tls_trust trust;
    sbs_forward_server server;
    sbs_sqlite_queue db;
    sbs_queue queue;
    sbs_forward_fan push;
    sbs_forward_fan_config config;
    sbs_now now;
    unsigned lanes;                    /* of items that are added; 0: none has a lane */
    unsigned stored[DRAIN_ITEMS + 1];  /* times, by id */
    uint64_t last_stored[DRAIN_ITEMS]; /* by lane */
    unsigned disorder;                 /* items that came behind a later one of their lane */
    uint64_t pending[2 * DRAIN_ITEMS]; /* told, and not known to be durable */
    unsigned pending_count, undone, durables, waits;
    bool safe[DRAIN_ITEMS + 1]; /* told and durable */
    bool running;
} drain_rig;

extern drain_rig world;

/* A queue with so many items, to be pushed with so many marked at a time over so many connections. */
void drain_begin(uint16_t depth, sbs_forward_mode mode, uint16_t batch_max, unsigned count, uint16_t connections,
                 unsigned lanes);
/* Opens queue and push; false: the power went. */
bool drain_start(void);
sbs_status drain_stop(void);
bool drain_open_queue(void);
sbs_status drain_poll(void);
/* To the end, or to the cut: false. */
bool drain_run(void);
/* Items that wait and count as tried. */
unsigned drain_marked(void);
void drain_assert_each_once(unsigned count);
/* A whole life with a cut at @p at, and another one while it recovers; 0: none. Returns how many cuts there were, or
 * (none) how many operations. Nothing is stored twice, out of order, or sent again after it was told as durable. */
unsigned drain_live(unsigned at, uint64_t seed, void (*begin)(unsigned variant), unsigned variant);

#endif
