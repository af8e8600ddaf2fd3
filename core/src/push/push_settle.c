/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an item that was judged, and what the queue is told of it. */
#include "push/push_internal.h"

/* ---- the queue's writes -------------------- */

sbs_status sbs_push_open_group(sbs_push *push) {
    const sbs_queue *queue = push->priv.config->queue;
    if (queue->ops->begin == NULL || push->priv.grouped) {
        return SBS_OK;
    }

    sbs_status status = queue->ops->begin(queue->ctx);
    push->priv.grouped = status == SBS_OK;
    push->priv.told = false;
    push->priv.group_ms = (uint32_t)push->priv.now.mono_ms;

    return status;
}

/* On an error nothing of the group was done: the engine starts over from what the queue holds. */
sbs_status sbs_push_flush(sbs_push *push) {
    const sbs_queue *queue = push->priv.config->queue;
    if (!push->priv.grouped) {
        return SBS_OK;
    }

    push->priv.grouped = false;
    sbs_status status = queue->ops->commit(queue->ctx);
    if (status != SBS_OK) {
        sbs_push_cancel(push);
        sbs_push_begin_event(push);
    }

    return status;
}

/* ---- what becomes of an item -------------------- */

/* Something was stored: the server is well, and so is everything that only shared the fate of others. */
static void push_note_success(sbs_push *push) {
    /* What only shared the fate of others has its turn at once. */
    if (push->priv.exhausted) {
        sbs_push_wake_deferred(push, 0);
    }

    push->priv.exhausted = false;
    push->priv.misses = push->priv.server_failures = push->priv.pauses_in_row = push->priv.refused = 0;
    push->priv.went_well = true;
    push->priv.in_a_row++;
    push->priv.successes++;
}

/* The server holds it, or never will. */
static sbs_status push_settle_item(sbs_push *push, const struct sbs_push_sent *sent, sbs_push_verdict verdict) {
    const sbs_queue *queue = push->priv.config->queue;
    sbs_push_event_kind kind = sbs_push_kind_of(verdict);
    sbs_queue_fate fate = SBS_QUEUE_DELIVERED;
    const char *reason = NULL;
    const char *words = NULL;

    if (kind >= SBS_PUSH_COLLISION) {
        fate = SBS_QUEUE_DEAD;
        reason = sbs_push_reason_of(push, verdict);
        words = push->priv.event.words;
    }

    /* Told only after the queue took it. */
    sbs_status status = sbs_push_open_group(push);
    if (status == SBS_OK) {
        status = queue->ops->settle(queue->ctx, sent->id, fate, reason, words);
    }
    if (status != SBS_OK) {
        return status;
    }

    sbs_push_forget(push, sent->id);
    push->priv.told = true;
    sbs_push_tell(push, kind, sent->id);
    if (fate == SBS_QUEUE_DELIVERED) {
        push_note_success(push);
        return SBS_OK;
    }

    push->priv.event.reason = reason;
    push->priv.refused += verdict == SBS_PUSH_REFUSED;

    return SBS_OK;
}

/* What counts against an item is kept over restarts, where the queue can. */
static sbs_status push_hold_against(sbs_push *push, sbs_push_deferred *entry) {
    const sbs_queue *queue = push->priv.config->queue;
    if (entry->failures == 0) {
        entry->since_s = push->priv.now_s;
    }

    /* The time of the first failure is kept in UTC: uptimes end with the boot. */
    uint8_t failures = (uint8_t)(entry->failures + (entry->failures < UINT8_MAX));
    if (queue->ops->note_failures != NULL) {
        int64_t since_utc_s = push->priv.now.utc_s;
        if (since_utc_s != SBS_UTC_UNKNOWN) {
            since_utc_s -= push->priv.now_s - entry->since_s;
        }

        sbs_status status = sbs_push_open_group(push);
        if (status == SBS_OK) {
            status = queue->ops->note_failures(queue->ctx, entry->id, failures, since_utc_s);
        }
        if (status != SBS_OK) {
            return status;
        }

        push->priv.told = true;
    }

    entry->failures = failures;
    return SBS_OK;
}

/* The item waits on its own, and its lane behind it. */
static sbs_status push_defer_item(sbs_push *push, const struct sbs_push_sent *sent) {
    sbs_push_deferred *entry = sbs_push_take(push, sent->lane, sent->id);
    struct sbs_push_flags *flags = &push->priv.flags;
    if (entry != NULL && !flags->unread && sbs_push_counts(push, entry)) {
        sbs_status status = push_hold_against(push, entry);
        if (status != SBS_OK) {
            return status;
        }
    }

    sbs_push_note_unstored(push, sent, flags->unknown);
    flags->lets_pass = sent->last && !flags->unread;
    uint32_t wait_ms = sbs_push_note_failure(push, sent->id);
    if (entry == NULL) {
        push->priv.no_room = true;
        wait_ms = 0;
    } else {
        /* Time that the server asked for comes on top: the others go first when it is over. An entry that could not be
         * read says nothing, so that the item goes again at once, alone. */
        if (!flags->unread) {
            wait_ms = sbs_push_at_least(sbs_push_own_wait(push, entry->tries) + sbs_push_asked_ms(push), wait_ms);
        }

        entry->until_ms = push->priv.now.mono_ms + wait_ms;
        entry->tries++; /* begins anew after 255, which only shortens the wait */
        entry->successes = push->priv.successes;

        /* An item that was let pass, and fails, holds up nobody: those before it do. */
        entry->passes |= sbs_push_restore_order(push, sent) || sent->last || entry->failures >= SBS_PUSH_FAILURES_MAX;
    }

    sbs_push_tell(push, SBS_PUSH_DEFERRED, sent->id);
    push->priv.event.wait_ms = wait_ms;
    return SBS_OK;
}

sbs_status sbs_push_act_on(sbs_push *push, const struct sbs_push_sent *sent, sbs_push_verdict verdict) {
    sbs_status status;
    if (verdict == SBS_PUSH_DEFERRED) {
        status = push_defer_item(push, sent);
    } else {
        status = push_settle_item(push, sent, verdict);
    }

    if (status == SBS_ERR_NOT_FOUND) {
        sbs_push_forget(push, sent->id);
        return SBS_OK;
    }

    return status;
}
