/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_share.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 256u           /* items that are listed at a time */
#define BUCKETS 4096u       /* of ties */
#define WORK_LOOK_MAX 4096u /* items at which a look for work ends */
#define SWEEP_MIN 256u      /* items that are gone at least before they are taken out */
#define LANE_TIE (UINT64_C(1) << 63)

/* ---- ties ------------------------------------------------------------------------------------------------------- */

static uint32_t *tie_bucket(const sbs_forward_share *share, uint64_t key) {
    return &share->priv.buckets[(key * UINT64_C(0x9E3779B97F4A7C15)) >> 52];
}

/* A new place in the list; 0 if there is no memory. The first place is nobody's. */
static uint32_t tie_place(sbs_forward_share *share) {
    uint32_t place = share->priv.tie_free;
    if (place != 0) {
        share->priv.tie_free = share->priv.ties[place].next;
        return place;
    }

    if (share->priv.tie_count == share->priv.tie_size) {
        uint32_t size = 2 * share->priv.tie_size + 64;
        sbs_forward_tie *grown = realloc(share->priv.ties, size * sizeof *grown);
        if (grown == NULL) {
            return 0;
        }
        share->priv.ties = grown;
        share->priv.tie_size = size;
    }

    return share->priv.tie_count++;
}

/* The tie with this key, with one item more; 0 if there is no memory. */
static uint32_t tie_take(sbs_forward_share *share, uint64_t key) {
    uint32_t *bucket = tie_bucket(share, key);
    uint32_t place = *bucket;

    while (place != 0 && share->priv.ties[place].key != key) {
        place = share->priv.ties[place].next;
    }

    if (place == 0) {
        place = tie_place(share);
        if (place == 0) {
            return 0;
        }
        share->priv.ties[place] = (sbs_forward_tie){.key = key, .next = *bucket};
        *bucket = place;
    }

    share->priv.ties[place].entries++;
    return place;
}

static void tie_drop(sbs_forward_share *share, uint32_t place) {
    sbs_forward_tie *tie = &share->priv.ties[place];
    if (place == 0 || --tie->entries > 0) {
        return;
    }

    /* Out of its bucket, and into the list of those that are free. */
    uint32_t *link = tie_bucket(share, tie->key);
    while (*link != place) {
        link = &share->priv.ties[*link].next;
    }

    *link = tie->next;
    tie->next = share->priv.tie_free;
    share->priv.tie_free = place;
}

/* ---- the window ------------------------------------------------------------------------------------------------- */

/* The place of the first entry with an id of at least @p id. */
static size_t window_place(const sbs_forward_share *share, uint64_t id) {
    size_t low = 0;
    size_t high = share->priv.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (share->priv.entries[middle].id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }

    return low;
}

static sbs_forward_entry *window_find(const sbs_forward_share *share, uint64_t id) {
    size_t place = window_place(share, id);
    if (place < share->priv.count && share->priv.entries[place].id == id) {
        return &share->priv.entries[place];
    }

    return NULL;
}

static bool window_reserve(sbs_forward_share *share) {
    if (share->priv.count < share->priv.size) {
        return true;
    }

    size_t size = 2 * share->priv.size + PAGE;
    sbs_forward_entry *grown = realloc(share->priv.entries, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }

    share->priv.entries = grown;
    share->priv.size = size;
    return true;
}

/* What was found last is no place to look on from: an item may have come before it that others are held up by. */
static void window_forget_found(sbs_forward_share *share) {
    share->priv.found_by = 0;
}

/* Puts an item that waits at its place. False if there is no memory. */
static bool window_put(sbs_forward_share *share, size_t place, const sbs_queue_row *row) {
    if (!window_reserve(share)) {
        return false;
    }

    uint32_t ties[2] = {0, 0};
    if (row->lane != 0) {
        ties[0] = tie_take(share, LANE_TIE | row->lane);
    }
    if (row->key != 0) {
        ties[1] = tie_take(share, row->key & ~LANE_TIE);
    }

    if (place < share->priv.count) {
        window_forget_found(share);
    }
    sbs_forward_entry *entry = &share->priv.entries[place];
    memmove(entry + 1, entry, (share->priv.count - place) * sizeof *entry);
    *entry = (sbs_forward_entry){.id = row->id, .len = row->len, .ties = {ties[0], ties[1]}};
    share->priv.count++;

    /* What stands behind it has moved. */
    share->priv.first_settled += place <= share->priv.first_settled;
    if (place < share->priv.first_free) {
        share->priv.first_free = place;
    }

    /* What is tied and cannot be known as such is not sent beside others: it is nobody's. */
    bool known = (row->lane == 0 || ties[0] != 0) && (row->key == 0 || ties[1] != 0);
    entry->owner = known ? 0 : UINT8_MAX;
    return known;
}

static void entry_unclaim(sbs_forward_share *share, sbs_forward_entry *entry) {
    if (entry->owner == 0) {
        return;
    }
    if (entry->owner <= share->priv.view_count) {
        share->priv.views[entry->owner - 1].claimed--;
    }

    window_forget_found(share);
    entry->owner = 0;
    entry->kept = false;
    for (unsigned i = 0; i < 2; i++) {
        sbs_forward_tie *tie = &share->priv.ties[entry->ties[i]];
        tie->claimed -= entry->ties[i] != 0;
        if (tie->claimed == 0) {
            tie->owner = 0;
        }
    }

    size_t place = (size_t)(entry - share->priv.entries);
    if (place < share->priv.first_free) {
        share->priv.first_free = place;
    }
}

static void entry_claim(sbs_forward_share *share, sbs_forward_entry *entry, uint8_t owner) {
    entry->owner = owner;
    share->priv.views[owner - 1].claimed++;
    for (unsigned i = 0; i < 2; i++) {
        if (entry->ties[i] != 0) {
            share->priv.ties[entry->ties[i]].claimed++;
            share->priv.ties[entry->ties[i]].owner = owner;
        }
    }
}

/* Takes out what is gone. */
static void window_sweep(sbs_forward_share *share) {
    size_t kept = 0;

    window_forget_found(share);
    for (size_t i = 0; i < share->priv.count; i++) {
        sbs_forward_entry *entry = &share->priv.entries[i];
        if (!entry->gone) {
            share->priv.entries[kept++] = *entry;
        }
    }

    share->priv.count = kept;
    share->priv.gone = 0;
    share->priv.first_free = share->priv.first_settled = 0;
}

static void entry_drop(sbs_forward_share *share, sbs_forward_entry *entry) {
    entry_unclaim(share, entry);
    tie_drop(share, entry->ties[0]);
    tie_drop(share, entry->ties[1]);

    entry->ties[0] = entry->ties[1] = 0;
    entry->settled = entry->gone = true;
    share->priv.gone++;
}

/* What was settled is durable, or (@p undone) did not happen. */
static void window_end_turn(sbs_forward_share *share, bool undone) {
    size_t place = share->priv.first_settled;

    window_forget_found(share);
    for (; share->priv.settled > 0 && place < share->priv.count; place++) {
        sbs_forward_entry *entry = &share->priv.entries[place];
        if (!entry->settled || entry->gone) {
            continue;
        }

        share->priv.settled--;
        if (undone) {
            entry->settled = false;
            share->priv.first_free = 0;
        } else {
            entry_drop(share, entry);
        }
    }

    share->priv.first_settled = share->priv.count;
    if (share->priv.gone > SWEEP_MIN && 2 * share->priv.gone > share->priv.count) {
        window_sweep(share);
    }
}

/* Reads on behind what is known. @p out_more: something came. */
static sbs_status window_extend(sbs_forward_share *share, bool *out_more) {
    const sbs_queue *inner = share->priv.inner;
    uint64_t after = 0;
    size_t count = 0;
    *out_more = false;

    if (share->priv.count >= SBS_FORWARD_WINDOW_MAX) {
        return SBS_OK;
    }
    if (share->priv.count > 0) {
        after = share->priv.entries[share->priv.count - 1].id;
    }

    sbs_status status = inner->ops->bulk->list(inner->ctx, after, share->priv.rows, PAGE, &count);
    for (size_t i = 0; i < count && status == SBS_OK; i++) {
        if (!window_put(share, share->priv.count, &share->priv.rows[i])) {
            status = SBS_ERR_MEMORY;
        }
    }

    share->priv.at_end = status == SBS_OK && count == 0;
    *out_more = count > 0;
    return status;
}

/* Somebody may have put an item back among those that were looked at. */
static sbs_status window_refresh(sbs_forward_share *share) {
    const sbs_queue *inner = share->priv.inner;
    uint64_t after = 0;
    size_t count = PAGE;

    window_sweep(share); /* one that was refused may be back */
    while (count == PAGE) {
        sbs_status status = inner->ops->bulk->list(inner->ctx, after, share->priv.rows, PAGE, &count);
        if (status != SBS_OK) {
            return status;
        }

        for (size_t i = 0; i < count; i++) {
            const sbs_queue_row *row = &share->priv.rows[i];
            size_t place = window_place(share, row->id);
            bool known = place < share->priv.count && share->priv.entries[place].id == row->id;
            if (!known && !window_put(share, place, row)) {
                return SBS_ERR_MEMORY;
            }
            after = row->id;
        }
    }

    return SBS_OK;
}

/* ---- claiming --------------------------------------------------------------------------------------------------- */

/* Whether an unclaimed item is held up: by one that another view has, or by an unclaimed one before it, which this look
 * has met. Of one identifier not even two of one view go together. */
static bool entry_is_held_up(sbs_forward_share *share, const sbs_forward_entry *entry, uint8_t owner) {
    bool held_up = false;

    for (unsigned i = 0; i < 2; i++) {
        sbs_forward_tie *tie = &share->priv.ties[entry->ties[i]];
        if (entry->ties[i] == 0) {
            continue;
        }
        held_up |= tie->look == share->priv.look || (tie->owner != 0 && (i == 1 || tie->owner != owner));
        tie->look = share->priv.look;
    }

    return held_up;
}

/* The first from @p place on that a view may have: its own, or one that it may claim. */
static sbs_forward_entry *view_find(const sbs_forward_view *view, size_t *inout_place, uint64_t after) {
    sbs_forward_share *share = view->share;
    size_t place = *inout_place;

    for (; place < share->priv.count; place++) {
        sbs_forward_entry *entry = &share->priv.entries[place];
        if (entry->settled || (entry->owner != 0 && (entry->owner != view->owner || entry->id <= after))) {
            continue;
        }
        if (entry->owner == view->owner) {
            *inout_place = place;
            return entry;
        }

        /* Asked of each, as those behind it are to know. */
        bool held_up = entry_is_held_up(share, entry, view->owner);
        if (!held_up && view->claims && entry->id > after && entry->len <= view->item_max) {
            *inout_place = place;
            return entry;
        }
    }

    *inout_place = place;
    return NULL;
}

/* A look ends at what it found. Until something else happens it goes on there: a batch is gathered in one look. */
static void view_note_found(const sbs_forward_view *view, const sbs_forward_entry *entry) {
    sbs_forward_share *share = view->share;
    for (unsigned i = 0; i < 2; i++) { /* it is the view's now: those behind it in its lane may go with it */
        share->priv.ties[entry->ties[i]].look = 0;
    }

    share->priv.found_by = view->owner;
    share->priv.found_place = (size_t)(entry - share->priv.entries);
}

/* Where a look begins: nothing before it is unclaimed, or the view's own and above @p after. */
static size_t view_start(const sbs_forward_view *view, uint64_t after) {
    sbs_forward_share *share = view->share;
    size_t found = share->priv.found_place;
    if (share->priv.found_by == view->owner && share->priv.entries[found].id == after) {
        return found + 1;
    }

    window_forget_found(share);
    size_t place = window_place(share, after + 1);

    while (share->priv.first_free < share->priv.count && (share->priv.entries[share->priv.first_free].owner != 0 ||
                                                          share->priv.entries[share->priv.first_free].settled)) {
        share->priv.first_free++;
    }

    share->priv.look++;
    return place < share->priv.first_free ? place : share->priv.first_free;
}

/* ---- the port --------------------------------------------------------------------------------------------------- */

static sbs_status view_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    const sbs_forward_view *view = ctx;
    const sbs_queue *queue = &view->share->priv.queue;
    return queue->ops->append(queue->ctx, meta, data, len, out_id);
}

/* Claims what was found, if it is still there: SBS_ERR_NOT_FOUND if somebody else removed it. */
static sbs_status view_claim(sbs_forward_view *view, sbs_forward_entry *entry, sbs_queue_item *out_item) {
    sbs_forward_share *share = view->share;
    const sbs_queue *queue = &share->priv.queue;
    uint64_t id = entry->id;

    sbs_status status = queue->ops->next(queue->ctx, id - 1, out_item);
    bool is_it = (status == SBS_OK || status == SBS_ERR_DAMAGED) && out_item->id == id;
    if (is_it && status == SBS_OK) {
        if (entry->owner == 0) {
            entry_claim(share, entry, view->owner);
        }
        view_note_found(view, entry);
        view->told = id;
        return SBS_OK;
    }

    /* A damaged one is told once, and is a dead letter now. */
    if (is_it || status == SBS_OK || status == SBS_ERR_NOT_FOUND) {
        entry_drop(share, entry);
    }
    if (status == SBS_OK) {
        return SBS_ERR_NOT_FOUND;
    }

    return status;
}

/* What was told and not read is not to be sent now: others may take it, unless it is tied to what this view has. */
static void view_pass(sbs_forward_view *view) {
    sbs_forward_entry *entry = view->told != 0 ? window_find(view->share, view->told) : NULL;
    view->told = 0;
    if (entry != NULL && entry->owner == view->owner && !entry->kept) {
        entry_unclaim(view->share, entry);
    }
}

static sbs_status view_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_forward_view *view = ctx;
    sbs_forward_share *share = view->share;
    view->in_flight = false;
    view_pass(view);

    if (after == 0 && share->priv.at_end && view->owner == 1) {
        sbs_status status = window_refresh(share);
        if (status != SBS_OK) {
            return status;
        }
    }

    size_t place = view_start(view, after);
    bool more = true;
    while (more) {
        sbs_forward_entry *entry = view_find(view, &place, after);
        if (entry != NULL) {
            sbs_status status = view_claim(view, entry, out_item);
            if (status != SBS_ERR_NOT_FOUND) {
                return status;
            }
            place = view_start(view, after);
            continue;
        }

        more = false;
        if (view->claims) {
            sbs_status status = window_extend(share, &more);
            if (status != SBS_OK) {
                return status;
            }
        }
    }

    return SBS_ERR_NOT_FOUND;
}

static sbs_status view_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_forward_view *view = ctx;
    const sbs_queue *queue = &view->share->priv.queue;
    if (view->told == id) {
        view->told = 0;
    }
    return queue->ops->read(queue->ctx, id, offset, buffer, size, out_len);
}

/* What an engine knows not to be stored is so until another one sends it. */
static void view_end_notes(const sbs_forward_view *view, uint64_t id) {
    const sbs_forward_share *share = view->share;

    for (size_t i = 0; i < share->priv.view_count; i++) {
        const sbs_forward_view *other = &share->priv.views[i];
        for (size_t place = 0; other != view && place < other->note_count; place++) {
            if (other->notes[place] == (uint32_t)id) {
                other->notes[place] = 0;
            }
        }
    }
}

static sbs_status view_mark_attempt(void *ctx, uint64_t id) {
    sbs_forward_view *view = ctx;
    const sbs_queue *queue = &view->share->priv.queue;
    const sbs_forward_entry *entry = window_find(view->share, id);
    if (entry == NULL || entry->owner != view->owner) {
        return SBS_ERR_NOT_FOUND; /* it is not this view's */
    }

    view_end_notes(view, id);
    sbs_status status = queue->ops->mark_attempt(queue->ctx, id);
    view->in_flight |= status == SBS_OK;
    view->held_back |= sbs_forward_ahead_is_open(&view->share->priv.ahead);
    return status;
}

static sbs_status view_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    const sbs_forward_view *view = ctx;
    sbs_forward_share *share = view->share;
    const sbs_queue *queue = &share->priv.queue;

    sbs_status status = queue->ops->settle(queue->ctx, id, fate, reason, words);
    sbs_forward_entry *entry = window_find(share, id);
    if (entry != NULL && !entry->settled && (status == SBS_OK || status == SBS_ERR_NOT_FOUND)) {
        size_t place = (size_t)(entry - share->priv.entries);
        entry_unclaim(share, entry);
        entry->settled = true;
        share->priv.settled++;
        if (place < share->priv.first_settled) {
            share->priv.first_settled = place;
        }
    }

    return status;
}

static void view_counters(void *ctx, sbs_queue_counters *out) {
    const sbs_forward_view *view = ctx;
    const sbs_queue *queue = &view->share->priv.queue;
    queue->ops->counters(queue->ctx, out);
}

static sbs_status view_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    const sbs_forward_view *view = ctx;
    const sbs_queue *queue = &view->share->priv.queue;
    return queue->ops->note_failures(queue->ctx, id, failures, since_s);
}

/* All share one group, which ends with the turn. */
static sbs_status view_begin(void *ctx) {
    (void)ctx;
    return SBS_OK;
}

static sbs_status view_commit(void *ctx) {
    (void)ctx;
    return SBS_OK;
}

sbs_queue sbs_forward_view_port(sbs_forward_view *view) {
    static const sbs_queue_ops ops = {
        .append = view_append,
        .next = view_next,
        .read = view_read,
        .mark_attempt = view_mark_attempt,
        .settle = view_settle,
        .counters = view_counters,
        .begin = view_begin,
        .commit = view_commit,
        .note_failures = view_note_failures,
    };
    return (sbs_queue){&ops, view};
}

/* ---- for the program -------------------------------------------------------------------------------------------- */

sbs_status sbs_forward_share_open(sbs_forward_share *share, const sbs_queue *queue, uint32_t depth, size_t views) {
    *share = (sbs_forward_share){.priv = {.inner = queue, .view_count = views, .tie_count = 1}};
    if (views == 0 || views > SBS_FORWARD_VIEWS_MAX) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = sbs_forward_ahead_open(&share->priv.ahead, queue, depth, &share->priv.queue);
    if (status != SBS_OK) {
        return status;
    }

    share->priv.rows = calloc(PAGE, sizeof *share->priv.rows);
    share->priv.buckets = calloc(BUCKETS, sizeof *share->priv.buckets);
    share->priv.ties = calloc(PAGE, sizeof *share->priv.ties);
    share->priv.tie_size = PAGE;
    if (share->priv.rows == NULL || share->priv.buckets == NULL || share->priv.ties == NULL) {
        sbs_forward_share_close(share);
        return SBS_ERR_MEMORY;
    }

    for (size_t i = 0; i < views; i++) {
        share->priv.views[i] =
            (sbs_forward_view){.share = share, .item_max = SIZE_MAX, .owner = (uint8_t)(i + 1), .claims = true};
    }

    return SBS_OK;
}

void sbs_forward_share_close(sbs_forward_share *share) {
    sbs_forward_ahead_close(&share->priv.ahead);
    free(share->priv.entries);
    free(share->priv.ties);
    free(share->priv.buckets);
    free(share->priv.rows);
    *share = (sbs_forward_share){0};
}

sbs_forward_view *sbs_forward_share_view(sbs_forward_share *share, size_t number) {
    return &share->priv.views[number];
}

void sbs_forward_view_keep(sbs_forward_view *view, uint64_t id) {
    sbs_forward_entry *entry = window_find(view->share, id);
    if (entry != NULL && entry->owner == view->owner) {
        entry->kept = true;
    }
}

void sbs_forward_view_release(sbs_forward_view *view) {
    sbs_forward_share *share = view->share;

    for (size_t i = 0; i < share->priv.count; i++) {
        sbs_forward_entry *entry = &share->priv.entries[i];
        if (entry->owner == view->owner && !entry->kept) {
            entry_unclaim(share, entry);
        }
    }
}

bool sbs_forward_share_has_work(sbs_forward_share *share, size_t item_max) {
    const sbs_forward_view anybody = {.share = share, .item_max = item_max, .owner = UINT8_MAX, .claims = true};
    size_t start = view_start(&anybody, 0);
    size_t place = start;
    sbs_forward_entry *found = NULL;

    /* Far behind what waits it is left to those who have something to do. */
    size_t count = share->priv.count;
    if (count - start > WORK_LOOK_MAX) {
        share->priv.count = start + WORK_LOOK_MAX;
    }

    found = view_find(&anybody, &place, 0);
    share->priv.count = count;
    return found != NULL;
}

bool sbs_forward_share_is_durable(const sbs_forward_share *share) {
    return sbs_forward_ahead_is_durable(&share->priv.ahead);
}

sbs_status sbs_forward_share_commit(sbs_forward_share *share, bool flush, bool at_rest, bool *out_undone) {
    const sbs_queue *queue = &share->priv.queue;
    sbs_status status = queue->ops->commit(queue->ctx);
    if (status == SBS_OK && (flush || at_rest)) {
        status = sbs_forward_ahead_flush(&share->priv.ahead, at_rest);
    }

    *out_undone = sbs_forward_ahead_was_undone(&share->priv.ahead);
    if (*out_undone || sbs_forward_share_is_durable(share)) {
        window_end_turn(share, *out_undone);
    }

    for (size_t i = 0; i < share->priv.view_count; i++) {
        share->priv.views[i].held_back = false;
    }

    return status;
}
