/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole device over a real queue: it measures, queues, loses its power and its clock, and pushes to the fake FHIR
 * server, which has its own troubles. What was accepted is followed to the server, item by item.
 */
#ifndef ENGINE_RIG_H
#define ENGINE_RIG_H

#include "fake_fhir.h"
#include "sbs/push.h"

#define ENGINE_ITEMS_MAX 32u

/* Where the queue and the record of boots are kept. */
typedef struct engine_disk {
    /* False: the power went meanwhile (where that is no longjmp). */
    bool (*mount)(void *ctx, sbs_queue *out_queue, sbs_storage *out_storage);
    void (*unmount)(void *ctx);
    bool (*is_off)(void *ctx);
    void (*rest)(void *ctx); /* nothing is sent for a while; NULL: nothing is to be done then */
    void *ctx;
} engine_disk;

typedef struct engine_item {
    uint64_t id;    /* 0: append did not return */
    int64_t true_s; /* when it was measured */
    uint32_t lane;
    bool poison; /* the server will never take it */
    bool accepted;
    unsigned stored; /* times, on the server */
    bool untimed;    /* sent without a time */
} engine_item;

typedef struct engine_rig {
    fake_setup base;
    const engine_disk *disk;
    sbs_queue queue;
    sbs_storage storage;
    sbs_push_config config;
    sbs_write_mode mode;
    sbs_push push;
    /* the world */
    uint64_t true_ms;
    uint32_t boots;
    bool mounted;
    size_t next; /* step of the script */
    engine_item items[ENGINE_ITEMS_MAX];
    uint32_t item_count;
    uint32_t last_stored[4]; /* by lane: number of the item, plus 1 */
    char system[8], value[96];
    uint8_t item[64];
    char body[8192];
    _Alignas(8) char answer[16384];
    char where[96]; /* what is being tried, for messages */
} engine_rig;

typedef enum engine_state { ENGINE_MORE, ENGINE_DONE, ENGINE_OFF } engine_state;

/* A new device, an empty server. The disk must be empty, too. */
void engine_init(engine_rig *rig, const engine_disk *disk, sbs_write_mode mode, uint16_t batch_max);
/* The power comes (back): mounts, starts client and engine, without a clock for a while. False: it went again. */
bool engine_boot(engine_rig *rig);
/* The next step of the script. */
engine_state engine_step(engine_rig *rig);
/* The power is gone: all that was in RAM is. */
void engine_lose_power(engine_rig *rig);
/* After the script: each accepted item is on the server once, or dead with a reason if it is poison; in order. */
void engine_check(engine_rig *rig);
/* Items that were sent without a time, as the clock of their boot was lost with the power. */
unsigned engine_untimed(const engine_rig *rig);

/* How a test begins a life, lives it to the end (true) and checks it, in so many variants. */
typedef struct engine_life {
    void (*begin)(unsigned variant);
    bool (*live)(void);
    void (*end)(void);
    unsigned variants;
} engine_life;

/* Lives on with the connection broken, stalled or ended at every byte, or each stride-th; how many lives. */
unsigned engine_break_connections(engine_rig *rig, const engine_life *life, size_t stride);

#endif
