/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_push.h
 * Brings FHIR resources that wait in a queue to a server: learns how they are to be written, and runs the push engine
 * (push.h). It prints nothing, waits for nothing and knows no other of its kind: a program polls it beside others.
 *
 *     poll ──▶ LEARN ──▶ SETTLE ──▶ RUN the engine          event(): what happened in this poll, at most once
 *               │ fails    └ until a server that indexes      durable(): what events told is on the disk
 *               └ WAITING, PAUSED, and again   late is sure   undone(): what they told since then did not happen
 */
#ifndef SBS_FORWARD_PUSH_H
#define SBS_FORWARD_PUSH_H

#include "sbs/forward_ahead.h"
#include "sbs/forward_batch.h"
#include "sbs/forward_clock.h"
#include "sbs/forward_dating.h"
#include "sbs/forward_gzip.h"
#include "sbs/forward_memory.h"
#include "sbs/forward_mode.h"
#include "sbs/forward_resource.h"
#include "sbs/push.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_ITEM_MAX (16u << 20) /**< most bytes of one resource */
#define SBS_FORWARD_DEFERRED_MAX 1024u   /**< items that may wait on their own at a time */

/** What happened. Its texts are valid during the call. */
typedef struct sbs_forward_event {
    const sbs_push_event *push; /**< the engine's, with kind, item, status, wait, and the texts that it knows */
    const char *name;           /**< what the item is called in a listing, "" for none */
    const char *place;          /**< "Type/id" of what is stored, "" if unknown */
    const char *target;         /**< what was written to: "Type/id" or "Type", "" if unknown */
    const char *version;        /**< what the server calls its version, "" if unknown */
    const char *reason;         /**< a sentence of ours, "" if none */
    const char *words;          /**< the server's, "" if none */
    const sbs_detail *detail;   /**< the client's, where it speaks of this event; else NULL */
    sbs_write_mode write_mode;  /**< how the item was, or would have been, written */
    bool statement;             /**< it is the CapabilityStatement that could not be had or used */
} sbs_forward_event;

/** Configuration; zero means the default. What it points to must outlive the push. */
typedef struct sbs_forward_push_config {
    sbs_forward_server *server;
    const sbs_queue *queue;
    sbs_forward_mode mode;
    sbs_already_there already_there;
    uint16_t batch_max;  /**< most items in one request where the server takes batches, at most
                            SBS_FORWARD_BATCH_MAX; 0 or 1: none */
    bool batch_auto;     /**< batches only where a backlog waits, and their size by what is learnt */
    uint16_t mark_ahead; /**< items that are marked in one commit, at most SBS_FORWARD_AHEAD_MAX; 0 or 1, or a queue
                            without bulk operations: each by itself. Plain writes are marked one by one */
    bool no_gzip;        /**< no body is coded */
    uint32_t settle_ms;  /**< how long a server may take to find what it stored */
    bool trust_mode;     /**< a mode that is not AUTO needs no CapabilityStatement to be warned of */
    bool own_ids;        /**< PUT a resource under the id that it has, if it has one */
    uint64_t pushed_ms;  /**< since this queue was last pushed by somebody else; UINT64_MAX: never */
    struct sbs_forward_push *lead;    /**< one of several connections: another one has learnt how things are written; it
                                         must outlive this push. NULL: this one learns it */
    sbs_forward_ahead *ahead;         /**< optional: what @c queue goes through, to be strict where writes are plain */
    size_t item_max;                  /**< most bytes of an item that @c queue tells; 0: SBS_FORWARD_ITEM_MAX */
    sbs_forward_memory *memory;       /**< optional: what was learnt of the server, open, and closed after the push */
    const sbs_forward_dating *dating; /**< optional: how items of SBS_FORWARD_UNDATED get their times; NULL: one whose
                                           time of arrival is not known goes without a time */
    sbs_forward_clock *clock;         /**< optional: learns from the server's answers whether the wall clock is right */
    /** Optional: why an item is not to be sent, or NULL; the sentence is copied. */
    const char *(*refuse)(void *ctx, uint64_t id);
    /** Optional: another name for an item; false: the usual one. */
    bool (*name)(void *ctx, uint64_t id, sbs_writer *out);
    /** Called for each thing that happens to an item or to all; what it tells is durable later. */
    void (*event)(void *ctx, const sbs_forward_event *event);
    void (*durable)(void *ctx);                    /**< optional */
    void (*undone)(void *ctx);                     /**< optional */
    void (*warn)(void *ctx, const char *sentence); /**< optional */
    void *ctx;
} sbs_forward_push_config;

/** An item that was looked at lately. */
typedef struct sbs_forward_slot {
    uint64_t id;
    uint64_t used; /* when, counted in looks */
    sbs_forward_buffer name;
    char type[SBS_FHIR_ID_MAX + 1];
    char put_id[SBS_FHIR_ID_MAX + 1]; /* "" if it is not PUT */
    char fault[160];
    sbs_write_mode write_mode;
} sbs_forward_slot;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_forward_push {
    struct {
        sbs_forward_push_config config;
        sbs_forward_modes modes;
        sbs_push engine;
        sbs_push_config engine_config;
        sbs_push_event learnt;                             /* what learning failed with */
        sbs_forward_resource resource;                     /* the item that was identified last */
        sbs_forward_buffer dated;                          /* its text, if it got a time */
        sbs_forward_slot slots[SBS_FORWARD_BATCH_MAX + 1]; /* one is looked at that goes with the next batch */
        sbs_push_sent sent[SBS_FORWARD_BATCH_MAX];
        uint32_t unstored[SBS_FORWARD_BATCH_MAX];
        sbs_forward_batch batch;
        sbs_forward_gzip gzip;
        sbs_push_coder coder;
        uint64_t sent_ms; /* the first byte of the request under way */
        uint64_t looks;
        uint64_t resume_ms;
        sbs_forward_ahead ahead;
        sbs_queue ahead_queue; /* what the engine sees of the queue then */
        uint64_t told_ms;      /* when the first was told that is not durable */
        unsigned attempts;     /* of learning, in a row */
        sbs_now now;
        char *words; /* as the server said them */
        uint8_t state;
        bool open;
        bool looks_ahead; /* the engine's queue is the one above */
        bool told;        /* something that is not durable yet */
        bool warned_of_ids;
    } priv;
} sbs_forward_push;

/** Prepares everything, sends nothing. SBS_ERR_MEMORY, SBS_ERR_ARGUMENT; nothing needs to be closed then. */
SBS_NODISCARD sbs_status sbs_forward_push_open(sbs_forward_push *push, const sbs_forward_push_config *config);
/** Gives up what is under way, makes durable what was told, and frees. Legal after zero-initialisation, and twice.
 * SBS_OK, or why the queue could not: then undone() was called. */
sbs_status sbs_forward_push_close(sbs_forward_push *push);

/**
 * Does a bounded piece of work. SBS_PENDING: call again as @p out_wait says, sooner if an item was appended. SBS_OK:
 * the queue holds nothing to send. Else the queue failed; the next call starts over from what it holds.
 */
SBS_NODISCARD sbs_status sbs_forward_push_poll(sbs_forward_push *push, sbs_now now, sbs_wait *out_wait);

/** How an item that was looked at lately was, or would have been, written. False if nothing is known of it. */
bool sbs_forward_push_mode_of(const sbs_forward_push *push, uint64_t id, sbs_write_mode *out_mode);

/** True once it is known how things are written: the engine runs. */
static inline bool sbs_forward_push_has_learnt(const sbs_forward_push *push) {
    return push->priv.state != 0;
}

/** Ends a wait: something was appended, or the network came back. */
void sbs_forward_push_wake(sbs_forward_push *push);
/** Gives up what is under way; the queue may then be closed and opened again. */
void sbs_forward_push_cancel(sbs_forward_push *push);

#ifdef __cplusplus
}
#endif
#endif
