/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file queue.h
 * Port: a durable queue of measurements. An item is accepted once append() has returned SBS_OK, and from then on it is
 * kept, whatever happens to the power, until it is settled. Item ids grow and are never used again.
 */
#ifndef SBS_QUEUE_H
#define SBS_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_QUEUE_REASON_SIZE 64u /**< bytes of a reason, with the NUL */
/** What the reason of a dead letter begins with that an operator can mend (rights, an address, the granted scope):
 * worth keeping whatever its age. */
#define SBS_QUEUE_REASON_OPERATOR "needs an operator"
/** What the reason of a dead letter begins with that was never stored, as something else stood in its place: whoever
 * sends it again sends it for the first time. */
#define SBS_QUEUE_REASON_THERE "already there"
#define SBS_QUEUE_WORDS_SIZE 1024u /**< most bytes of a server's words that a queue is asked to keep, with the NUL */

/** What the queue keeps beside an item's bytes. */
typedef struct sbs_queue_meta {
    uint64_t uptime_ms;   /**< of boot @c boot_id when the measurement was taken */
    int64_t utc_s;        /**< when it was taken, or SBS_UTC_UNKNOWN */
    uint32_t boot_id;     /**< which boot the uptime counts from */
    uint32_t lane;        /**< items of one lane (one measuring device) are delivered in order */
    int16_t zone_minutes; /**< local zone then, or SBS_ZONE_UNKNOWN (INT16_MIN) */
    uint16_t format;      /**< what the bytes are, for the encoder */
} sbs_queue_meta;

/** An item that waits, as sbs_queue_ops.next tells it. */
typedef struct sbs_queue_item {
    uint64_t id;
    size_t len;
    sbs_queue_meta meta;
    uint16_t attempts;       /**< times that mark_attempt was called, saturating */
    uint16_t failures;       /**< what note_failures said last, 0 where the queue does not keep it */
    int64_t failing_since_s; /**< the same; says something only if failures is not 0 */
} sbs_queue_item;

/** How an item is settled. */
typedef enum sbs_queue_fate {
    SBS_QUEUE_DELIVERED, /**< the server holds it: may be forgotten */
    SBS_QUEUE_DEAD       /**< set aside with a reason; kept where there is room, never sent again by itself */
} sbs_queue_fate;

/** What became of all items since the queue was made. */
typedef struct sbs_queue_counters {
    uint64_t accepted, delivered, dead, dropped; /**< since the queue was made */
    uint32_t waiting;                            /**< unsettled now */
} sbs_queue_counters;

/** An item that waits, without its bytes, as sbs_queue_bulk.list tells it. */
typedef struct sbs_queue_row {
    uint64_t id;
    size_t len;
    uint64_t key;  /**< of its identifier: two items whose keys are the same, and not 0, may be the same to a server;
                        0: nothing else has its identifier */
    uint32_t lane; /**< as in sbs_queue_meta */
    uint16_t attempts; /**< as in sbs_queue_item */
} sbs_queue_row;

/** What a queue on a machine with memory does for many items at once. The context is the queue's. */
typedef struct sbs_queue_bulk {
    /** The first @p max (> 0) unsettled items above @p after, by id; 0 in @p out_count at the end. Their bytes are not
     * looked at: a damaged one is listed. SBS_ERR_STORAGE. */
    sbs_status (*list)(void *ctx, uint64_t after, sbs_queue_row *rows, size_t max, size_t *out_count);
    /** As mark_attempt() for each item from @p first to @p last that has no attempt yet. Only within a group.
     * SBS_ERR_STORAGE. */
    sbs_status (*mark_fresh)(void *ctx, uint64_t first, uint64_t last);
    /** Takes back one mark of an item: the attempt that it was for sent nothing. Durable by itself, or with the group.
     * SBS_ERR_NOT_FOUND if it is settled, or has no mark; SBS_ERR_STORAGE. */
    sbs_status (*unmark)(void *ctx, uint64_t id);
} sbs_queue_bulk;

/** What a queue does. */
typedef struct sbs_queue_ops {
    /** Appends an item of @p len bytes; returns when it is durable. May be called from another task than the rest.
     * SBS_ERR_BUFFER: the queue is full and its policy is to refuse; SBS_ERR_TOO_LARGE: never fits; SBS_ERR_STORAGE:
     * not accepted. */
    sbs_status (*append)(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id);
    /** The unsettled item with the smallest id above @p after (0: the first). SBS_ERR_NOT_FOUND at the end. A damaged
     * item is reported once as SBS_ERR_DAMAGED with its id in @p out_item, and never again as an item to send. */
    sbs_status (*next)(void *ctx, uint64_t after, sbs_queue_item *out_item);
    /** Reads up to @p size bytes from @p offset; fewer at the end, 0 at or behind it. SBS_ERR_NOT_FOUND
     * (a dead item may be read for as long as the queue keeps it), SBS_ERR_DAMAGED. */
    sbs_status (*read)(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len);
    /** Notes, durably, that the next thing to happen may be that the item's first byte is sent. Called before every
     * sending. SBS_ERR_NOT_FOUND if it is settled. */
    sbs_status (*mark_attempt)(void *ctx, uint64_t id);
    /**
     * Settles an item, durably. SBS_ERR_NOT_FOUND if it is settled already.
     * @param reason for SBS_QUEUE_DEAD: the engine's own sentence, shorter than SBS_QUEUE_REASON_SIZE (else
     *               SBS_ERR_ARGUMENT); may be NULL.
     * @param words  for SBS_QUEUE_DEAD: what the server said, one sanitised line; a queue keeps as much of it as it has
     *               room for; may be NULL.
     */
    sbs_status (*settle)(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words);
    /** What became of all items so far. */
    void (*counters)(void *ctx, sbs_queue_counters *out);
    /**
     * Optional, NULL where every operation is durable by itself. Opens a group: what mark_attempt, settle and
     * note_failures do until commit() is durable together when commit() returns SBS_OK, or not done at all. A second
     * begin() before the commit is SBS_OK and changes nothing.
     */
    sbs_status (*begin)(void *ctx);
    /** Ends the group durably; SBS_OK without one. On an error nothing of the group was done. NULL only with begin. */
    sbs_status (*commit)(void *ctx);
    /**
     * Optional, NULL where a restart may forget it: keeps what is held against an item, which next() tells again.
     * @param failures how often it failed while others were stored, saturating.
     * @param since_s  UTC of the first of these, or SBS_UTC_UNKNOWN.
     * @return SBS_OK; SBS_ERR_NOT_FOUND if it is settled; SBS_ERR_STORAGE.
     */
    sbs_status (*note_failures)(void *ctx, uint64_t id, uint16_t failures, int64_t since_s);
    /** Optional, NULL where items are marked and looked at one by one. Only with begin. */
    const sbs_queue_bulk *bulk;
} sbs_queue_ops;

/** A queue: its functions and their context. */
typedef struct sbs_queue {
    const sbs_queue_ops *ops;
    void *ctx;
} sbs_queue;

#ifdef __cplusplus
}
#endif
#endif
