/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_ahead.h
 * Stands between a push engine and a durable queue (queue.h) and makes one commit of many: the next items are marked
 * together before they are sent, and deliveries are written together with the next marks.
 *
 *     mark ──▶ marked ahead in RAM? ── yes ──▶ nothing is written          settle, delivered ──▶ kept in RAM
 *                     │ no                                                          │
 *                     └──▶ deliveries so far, this mark and the next ones ──▶ one commit ◀── flush, at the latest
 *
 * What next() tells is what a queue without it would tell: a delivery that is not written yet has happened, and a mark
 * of an item that was not sent has not. Dead letters and failures are not kept back: they are in the engine's group.
 *
 * A power cut leaves at most depth items marked that were never sent, and at most depth items waiting that the server
 * confirmed. All of these count as tried: each is sent again under its identifier, as after any cut, so that a
 * conditional create finds it and a PUT writes it over itself. A plain POST would store it twice: sbs_forward_ahead's
 * depth is 1 from the first item on that is written so.
 *
 * One thread, one process that pushes; others may add to the queue, list it and remove from it.
 */
#ifndef SBS_FORWARD_AHEAD_H
#define SBS_FORWARD_AHEAD_H

#include <stdbool.h>

#include "sbs/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_AHEAD_MAX 1024u /**< most depth */

/** A mark in the queue whose attempt has not begun. */
typedef struct sbs_forward_mark {
    uint64_t id;
    uint32_t turn; /* in which it was made */
    bool fresh;    /* in the group that is open */
    bool used;     /* its attempt begins with the group */
    bool dropped;  /* it is taken back with the group */
} sbs_forward_mark;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_forward_ahead {
    struct {
        const sbs_queue *queue;
        uint32_t depth;
        uint32_t turn;
        bool strict;  /* one by one, and nothing is kept back */
        bool grouped; /* the queue has a group open */
        bool wrote;   /* with something in it that was told */
        bool undone;  /* what was told was undone */
        sbs_forward_mark *marks;
        size_t mark_count;
        uint64_t *settled;
        size_t settled_count;
        sbs_queue_row *rows;
    } priv;
} sbs_forward_ahead;

/** True for a queue that can be stood before: it has groups and bulk operations. */
bool sbs_forward_ahead_fits(const sbs_queue *queue);

/**
 * Prepares it. @p queue stays the caller's, must outlive it, and is used through @p out_queue alone from now on by whom
 * sends. @p depth: 1 to SBS_FORWARD_AHEAD_MAX items that are marked together. SBS_ERR_ARGUMENT; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_forward_ahead_open(sbs_forward_ahead *ahead, const sbs_queue *queue, uint32_t depth,
                                                sbs_queue *out_queue);

/** Frees it. What is not flushed is forgotten, as by a power cut. Legal after zero-initialisation, and twice. */
void sbs_forward_ahead_close(sbs_forward_ahead *ahead);

/** From now on each item is marked by itself, and nothing is kept back: for writes that a repeat would store twice. */
void sbs_forward_ahead_be_strict(sbs_forward_ahead *ahead);

/** True if all that was settled is durable. */
bool sbs_forward_ahead_is_durable(const sbs_forward_ahead *ahead);

/** True if the queue has a group open: something was marked or written that is not durable. */
static inline bool sbs_forward_ahead_is_open(const sbs_forward_ahead *ahead) {
    return ahead->priv.grouped;
}

/**
 * Makes durable what is kept back. @p at_rest: nothing is sent for a while: marks of what was not sent are taken back.
 * SBS_OK; else the queue failed: it is tried again by the next commit or flush, unless it was undone.
 */
SBS_NODISCARD sbs_status sbs_forward_ahead_flush(sbs_forward_ahead *ahead, bool at_rest);

/** True, once, if a commit failed, the engine's or that of a flush: what was settled since all was durable last did not
 * happen, and next() tells those items again. */
bool sbs_forward_ahead_was_undone(sbs_forward_ahead *ahead);

#ifdef __cplusplus
}
#endif
#endif
