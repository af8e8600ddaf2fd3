/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_ahead.h"

#include <stdlib.h>
#include <string.h>

#define TURNS_KEPT 16u /* a mark that was passed over for so many further ones is taken back */

/* ---- what is kept in RAM ---------------------------------------------------------------------------------------- */

static sbs_forward_mark *mark_find(sbs_forward_ahead *ahead, uint64_t id) {
    for (size_t i = 0; i < ahead->priv.mark_count; i++) {
        sbs_forward_mark *mark = &ahead->priv.marks[i];
        if (mark->id == id && !mark->dropped) {
            return mark;
        }
    }

    return NULL;
}

static bool is_settled(const sbs_forward_ahead *ahead, uint64_t id) {
    for (size_t i = 0; i < ahead->priv.settled_count; i++) {
        if (ahead->priv.settled[i] == id) {
            return true;
        }
    }

    return false;
}

/* Keeps the marks that stand in the queue and are still for something. */
static void marks_sweep(sbs_forward_ahead *ahead, bool committed) {
    size_t kept = 0;

    for (size_t i = 0; i < ahead->priv.mark_count; i++) {
        sbs_forward_mark mark = ahead->priv.marks[i];
        bool gone = committed ? mark.used || mark.dropped : mark.fresh;
        if (!gone) {
            mark.fresh = mark.used = mark.dropped = false;
            ahead->priv.marks[kept++] = mark;
        }
    }

    ahead->priv.mark_count = kept;
}

/* ---- the queue's group ------------------------------------------------------------------------------------------ */

static sbs_status group_open(sbs_forward_ahead *ahead) {
    const sbs_queue *queue = ahead->priv.queue;
    if (ahead->priv.grouped) {
        return SBS_OK;
    }

    sbs_status status = queue->ops->begin(queue->ctx);
    ahead->priv.grouped = status == SBS_OK;
    return status;
}

/* Somebody else may have removed what was delivered meanwhile. */
static sbs_status group_put_settled(const sbs_forward_ahead *ahead) {
    const sbs_queue *queue = ahead->priv.queue;

    for (size_t i = 0; i < ahead->priv.settled_count; i++) {
        sbs_status status = queue->ops->settle(queue->ctx, ahead->priv.settled[i], SBS_QUEUE_DELIVERED, NULL, NULL);
        if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
            return status;
        }
    }

    return SBS_OK;
}

/* Whatever happens here, the group is over; what it held is durable, or none of it is. */
static sbs_status group_end(sbs_forward_ahead *ahead) {
    const sbs_queue *queue = ahead->priv.queue;
    sbs_status put = group_put_settled(ahead);
    sbs_status status = queue->ops->commit(queue->ctx);

    /* A queue undoes a group that one of its operations failed in. Where it did not, the group is not what was asked
     * for: what it lacks comes with the next one. */
    if (status == SBS_OK && put != SBS_OK) {
        status = put;
    }

    bool committed = status == SBS_OK;
    ahead->priv.undone |= !committed && (ahead->priv.wrote || ahead->priv.settled_count > 0);
    ahead->priv.settled_count = 0;
    ahead->priv.grouped = ahead->priv.wrote = false;
    marks_sweep(ahead, committed);
    return status;
}

/* ---- marks ------------------------------------------------------------------------------------------------------ */

/* What was passed over for a while will not be sent soon: others take its place. @p below: of items before this one. */
static sbs_status marks_drop_stale(sbs_forward_ahead *ahead, uint32_t turns, uint64_t below) {
    const sbs_queue *queue = ahead->priv.queue;

    for (size_t i = 0; i < ahead->priv.mark_count; i++) {
        sbs_forward_mark *mark = &ahead->priv.marks[i];
        if (mark->used || mark->dropped || mark->id >= below || ahead->priv.turn - mark->turn < turns) {
            continue;
        }

        sbs_status status = queue->ops->bulk->unmark(queue->ctx, mark->id);
        if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
            return status;
        }
        mark->dropped = true;
    }

    return SBS_OK;
}

/* How many more may be marked beside the one that is sent; and above which id, as no mark is made twice. */
static size_t marks_room(const sbs_forward_ahead *ahead, uint64_t *inout_after) {
    size_t room = ahead->priv.depth - 1;

    for (size_t i = 0; i < ahead->priv.mark_count; i++) {
        const sbs_forward_mark *mark = &ahead->priv.marks[i];
        if (mark->id > *inout_after) {
            *inout_after = mark->id;
        }
        if (!mark->used && !mark->dropped && room > 0) {
            room--;
        }
    }

    /* Those that are used or dropped stay in the list until the group is over. */
    size_t free_places = 2 * (size_t)SBS_FORWARD_AHEAD_MAX - ahead->priv.mark_count;
    return room < free_places ? room : free_places;
}

/* Marks what comes behind an item, as far as it was never tried: only there does a mark tell something new. */
static sbs_status marks_add(sbs_forward_ahead *ahead, uint64_t after) {
    const sbs_queue *queue = ahead->priv.queue;
    const sbs_queue_bulk *bulk = queue->ops->bulk;
    size_t count = 0;
    size_t room = marks_room(ahead, &after);
    if (room == 0) {
        return SBS_OK;
    }

    sbs_status status = bulk->list(queue->ctx, after, ahead->priv.rows, room, &count);
    if (status != SBS_OK || count == 0) {
        return status;
    }

    status = bulk->mark_fresh(queue->ctx, ahead->priv.rows[0].id, ahead->priv.rows[count - 1].id);
    for (size_t i = 0; i < count && status == SBS_OK; i++) {
        const sbs_queue_row *row = &ahead->priv.rows[i];
        if (row->attempts == 0) {
            ahead->priv.marks[ahead->priv.mark_count++] =
                (sbs_forward_mark){.id = row->id, .turn = ahead->priv.turn, .fresh = true};
        }
    }

    return status;
}

/* ---- the port --------------------------------------------------------------------------------------------------- */

static sbs_status ahead_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    const sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    return queue->ops->append(queue->ctx, meta, data, len, out_id);
}

static sbs_status ahead_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;

    sbs_status status = queue->ops->next(queue->ctx, after, out_item);
    while (status == SBS_OK && is_settled(ahead, out_item->id)) {
        status = queue->ops->next(queue->ctx, out_item->id, out_item);
    }

    /* Its mark is for an attempt that has not begun. */
    if (status == SBS_OK && out_item->attempts > 0 && mark_find(ahead, out_item->id) != NULL) {
        out_item->attempts--;
    }

    return status;
}

static sbs_status ahead_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    const sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    return queue->ops->read(queue->ctx, id, offset, buffer, size, out_len);
}

static sbs_status ahead_mark_attempt(void *ctx, uint64_t id) {
    sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    sbs_forward_mark *mark = mark_find(ahead, id);
    if (mark != NULL && !mark->used) {
        mark->used = true;
        return SBS_OK;
    }
    if (is_settled(ahead, id)) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_status status = group_open(ahead);
    if (status == SBS_OK) {
        status = queue->ops->mark_attempt(queue->ctx, id);
    }
    if (status != SBS_OK || ahead->priv.strict) {
        return status;
    }

    /* This one is to be durable, so that the others cost nothing. */
    ahead->priv.turn++;
    status = marks_drop_stale(ahead, TURNS_KEPT, id);
    if (status != SBS_OK) {
        return status;
    }

    return marks_add(ahead, id);
}

static sbs_status ahead_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    bool full = ahead->priv.settled_count >= ahead->priv.depth;
    bool kept_back = fate == SBS_QUEUE_DELIVERED && !ahead->priv.strict && !full;

    if (is_settled(ahead, id)) {
        return SBS_ERR_NOT_FOUND;
    }
    if (kept_back) {
        ahead->priv.settled[ahead->priv.settled_count++] = id;
        return SBS_OK;
    }

    sbs_status status = group_open(ahead);
    if (status == SBS_OK) {
        status = queue->ops->settle(queue->ctx, id, fate, reason, words);
    }
    if (status != SBS_OK) {
        return status;
    }

    ahead->priv.wrote = true;
    sbs_forward_mark *mark = mark_find(ahead, id);
    if (mark != NULL) {
        mark->used = true;
    }

    return SBS_OK;
}

static sbs_status ahead_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    if (queue->ops->note_failures == NULL) {
        return SBS_OK;
    }

    sbs_status status = group_open(ahead);
    if (status == SBS_OK) {
        status = queue->ops->note_failures(queue->ctx, id, failures, since_s);
    }

    ahead->priv.wrote |= status == SBS_OK;
    return status;
}

static void ahead_counters(void *ctx, sbs_queue_counters *out) {
    const sbs_forward_ahead *ahead = ctx;
    const sbs_queue *queue = ahead->priv.queue;
    uint32_t kept = (uint32_t)ahead->priv.settled_count;

    queue->ops->counters(queue->ctx, out);
    out->delivered += kept;
    out->waiting -= kept < out->waiting ? kept : out->waiting;
}

/* The queue's own group begins with the first thing that must be written: until then others may write. */
static sbs_status ahead_begin(void *ctx) {
    (void)ctx;
    return SBS_OK;
}

static sbs_status ahead_commit(void *ctx) {
    sbs_forward_ahead *ahead = ctx;
    if (ahead->priv.grouped) {
        return group_end(ahead);
    }

    /* Marks that stood already need no commit. */
    marks_sweep(ahead, true);
    return SBS_OK;
}

/* ---- for the program -------------------------------------------------------------------------------------------- */

bool sbs_forward_ahead_fits(const sbs_queue *queue) {
    return queue->ops->begin != NULL && queue->ops->commit != NULL && queue->ops->bulk != NULL;
}

sbs_status sbs_forward_ahead_open(sbs_forward_ahead *ahead, const sbs_queue *queue, uint32_t depth,
                                  sbs_queue *out_queue) {
    static const sbs_queue_ops ops = {
        .append = ahead_append,
        .next = ahead_next,
        .read = ahead_read,
        .mark_attempt = ahead_mark_attempt,
        .settle = ahead_settle,
        .counters = ahead_counters,
        .begin = ahead_begin,
        .commit = ahead_commit,
        .note_failures = ahead_note_failures,
    };

    *ahead = (sbs_forward_ahead){.priv = {.queue = queue, .depth = depth, .strict = depth == 1}};
    if (depth == 0 || depth > SBS_FORWARD_AHEAD_MAX || !sbs_forward_ahead_fits(queue)) {
        return SBS_ERR_ARGUMENT;
    }

    ahead->priv.marks = calloc(2 * (size_t)SBS_FORWARD_AHEAD_MAX, sizeof *ahead->priv.marks);
    ahead->priv.settled = calloc(depth, sizeof *ahead->priv.settled);
    ahead->priv.rows = calloc(depth, sizeof *ahead->priv.rows);
    if (ahead->priv.marks == NULL || ahead->priv.settled == NULL || ahead->priv.rows == NULL) {
        sbs_forward_ahead_close(ahead);
        return SBS_ERR_MEMORY;
    }

    *out_queue = (sbs_queue){&ops, ahead};
    return SBS_OK;
}

void sbs_forward_ahead_close(sbs_forward_ahead *ahead) {
    free(ahead->priv.marks);
    free(ahead->priv.settled);
    free(ahead->priv.rows);
    *ahead = (sbs_forward_ahead){0};
}

void sbs_forward_ahead_be_strict(sbs_forward_ahead *ahead) {
    ahead->priv.strict = true;
}

bool sbs_forward_ahead_is_durable(const sbs_forward_ahead *ahead) {
    return !ahead->priv.grouped && ahead->priv.settled_count == 0;
}

sbs_status sbs_forward_ahead_flush(sbs_forward_ahead *ahead, bool at_rest) {
    bool unmarks = at_rest && ahead->priv.mark_count > 0;
    if (sbs_forward_ahead_is_durable(ahead) && !unmarks) {
        return SBS_OK;
    }

    /* Where no group can be opened nothing is undone: it is tried again. */
    sbs_status status = group_open(ahead);
    if (status != SBS_OK) {
        return status;
    }

    if (unmarks) {
        status = marks_drop_stale(ahead, 0, UINT64_MAX);
    }

    /* The end of the group says what is durable. */
    sbs_status ended = group_end(ahead);
    return ended != SBS_OK ? ended : status;
}

bool sbs_forward_ahead_was_undone(sbs_forward_ahead *ahead) {
    bool undone = ahead->priv.undone;
    ahead->priv.undone = false;
    return undone;
}
