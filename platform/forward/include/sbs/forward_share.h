/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_share.h
 * One durable queue for several push engines: each has a view (queue.h) that shows what no other engine has claimed,
 * and what all of them wrote in one turn of the program's loop becomes durable in one commit.
 *
 * An item is claimed by the view whose next() tells it, until it is settled or released; one that is passed over, as
 * the next is asked for without reading it, is released at once. Claims are RAM's alone. What is tied together goes one
 * after the other: items of one lane (but lane 0) are claimed in their order and by one view at a time, and of items
 * with one identifier (sbs_queue_row.key) only one is claimed. A view shows its items in the order of their ids.
 *
 * A view's commit() only says that the turn is to end: where it marked something, its engine is held back until
 * sbs_forward_share_commit() made the marks durable. Marks ahead and deliveries that are written late are those of
 * forward_ahead.h. One thread.
 */
#ifndef SBS_FORWARD_SHARE_H
#define SBS_FORWARD_SHARE_H

#include "sbs/forward_ahead.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_VIEWS_MAX 64u     /**< engines over one queue */
#define SBS_FORWARD_WINDOW_MAX 65536u /**< items that are looked at beyond the first one that waits */

/** What one engine sees. */
typedef struct sbs_forward_view {
    struct sbs_forward_share *share;
    size_t item_max; /* larger items are not claimed */
    size_t claimed;  /* items that are its */
    uint64_t told;   /* the item that was told last and not read since; 0: none */
    uint32_t *notes; /* of its engine: the items that it knows not to be stored, as in sbs_push_config.unstored */
    size_t note_count;
    uint8_t owner;  /* its number, from 1 */
    bool claims;    /* it may claim more */
    bool held_back; /* it marked something that is not durable yet */
    bool in_flight; /* since its last mark it did not ask for another item */
} sbs_forward_view;

/** An item that waits, or was delivered and is not written as such yet. */
typedef struct sbs_forward_entry {
    uint64_t id;
    size_t len;
    uint32_t ties[2]; /* of its lane and its identifier: place in the list of ties, 0: none */
    uint8_t owner;    /* 0: not claimed */
    bool settled;
    bool gone; /* durably: it is taken out at the next sweep */
    bool kept; /* its engine holds something against it: a release leaves it where it is */
} sbs_forward_entry;

/** What holds items together. */
typedef struct sbs_forward_tie {
    uint64_t key;
    uint32_t entries, claimed;
    uint32_t look; /* the last look that met an unclaimed item of it */
    uint32_t next; /* in its bucket, or of those that are free */
    uint8_t owner;
} sbs_forward_tie;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_forward_share {
    struct {
        sbs_forward_ahead ahead;
        sbs_queue queue; /* through it */
        const sbs_queue *inner;
        sbs_forward_view views[SBS_FORWARD_VIEWS_MAX];
        size_t view_count;
        sbs_forward_entry *entries; /* by id */
        size_t count, size;
        size_t first_free;    /* before it nothing is unclaimed */
        size_t first_settled; /* before it nothing is settled and not gone */
        size_t settled, gone; /* how many are */
        sbs_forward_tie *ties;
        uint32_t tie_count, tie_size, tie_free;
        uint32_t *buckets;
        sbs_queue_row *rows;
        size_t found_place; /* of the item that the last look found */
        uint32_t look;
        uint8_t found_by; /* the view whose look that was; 0: it cannot go on there */
        bool at_end;      /* nothing waited behind the last entry when it was asked last */
    } priv;
} sbs_forward_share;

/**
 * Prepares it. @p queue must fit (sbs_forward_ahead_fits()), stays the caller's, and must outlive it. @p depth: as for
 * sbs_forward_ahead_open(). @p views: 1 to SBS_FORWARD_VIEWS_MAX. SBS_ERR_ARGUMENT; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_forward_share_open(sbs_forward_share *share, const sbs_queue *queue, uint32_t depth,
                                                size_t views);
/** Frees it. What is not committed is forgotten. Legal after zero-initialisation, and twice. */
void sbs_forward_share_close(sbs_forward_share *share);

/** The view with a number below that of the views; its port is given by the next function. */
sbs_forward_view *sbs_forward_share_view(sbs_forward_share *share, size_t number);
/** The queue that an engine is given. */
sbs_queue sbs_forward_view_port(sbs_forward_view *view);

/** Its engine holds something against an item: it keeps the item when it releases the others. */
void sbs_forward_view_keep(sbs_forward_view *view, uint64_t id);
/** Gives up what is claimed, for others to take; its engine must have nothing under way. */
void sbs_forward_view_release(sbs_forward_view *view);

/** True if there is an item, not longer than @p item_max, that no view has claimed and that nothing holds up. */
bool sbs_forward_share_has_work(sbs_forward_share *share, size_t item_max);

/** True if all that was settled is durable. */
bool sbs_forward_share_is_durable(const sbs_forward_share *share);
/**
 * Ends a turn: what was marked becomes durable, and with it what was settled; @p flush: also what was settled and needs
 * no commit yet; @p at_rest: marks of what was not sent are taken back, too. No view is held back after it. SBS_OK;
 * else the queue failed: who was held back must start over (sbs_push_cancel()), and @p out_undone tells whether what
 * was settled since all was durable last did not happen.
 */
SBS_NODISCARD sbs_status sbs_forward_share_commit(sbs_forward_share *share, bool flush, bool at_rest, bool *out_undone);
/** From now on nothing is marked ahead or written late: see sbs_forward_ahead_be_strict(). */
static inline void sbs_forward_share_be_strict(sbs_forward_share *share) {
    sbs_forward_ahead_be_strict(&share->priv.ahead);
}

#ifdef __cplusplus
}
#endif
#endif
