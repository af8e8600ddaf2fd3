/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine's machine: what is looked at, and what is sent. push_settle.c does what was decided of it. */
#include "push/push_internal.h"

#define SCAN_MAX 16u /* items looked at in one poll */
#define HELD_CHECK_MS 5000u
#define EARLY_CHECK_MS SBS_PUSH_EARLY_CHECK_MS
#define SUSPECT_ATTEMPTS 2u /* tried so often in earlier runs, and still there */
#define IN_A_ROW_MAX 8u     /* items that are stored before one that failed is tried again */

/* Whoever else has the queue may settle an item while it is on its way: a full queue that drops its oldest, a tool. */
static sbs_status push_unless_gone(sbs_status status) {
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    return status;
}

/* ---- choosing -------------------- */

/* A shortage of this moment: another time the item can be made a request. */
static bool push_is_passing(sbs_status why) {
    return why == SBS_ERR_MEMORY || why == SBS_ERR_CRYPTO;
}

/* Why an item that cannot be made a request is set aside; without a time it is held, and others pass it. */
static sbs_status push_refuse_item(sbs_push *push, const struct sbs_push_sent *sent, sbs_status why) {
    if (push_is_passing(why) && push->priv.batch_len > 0) { /* those before it in the batch go */
        push->priv.state = PUSH_SEND;
        return SBS_OK;
    }

    push->priv.event.status = why;
    if (why == SBS_ERR_STORAGE) {
        return why;
    }
    if (push_is_passing(why)) {
        sbs_push_wait_all(push, false);
        return SBS_OK;
    }

    /* Its boot may still learn the time: the item stays in the queue, and the look meets it again. */
    if (why == SBS_ERR_NO_TIME && push->priv.config->unknown_time != SBS_UNKNOWN_TIME_DEAD) {
        push->priv.held = true;
        sbs_push_forget(push, sent->id);
        return SBS_OK;
    }

    return sbs_push_act_on(push, sent, SBS_PUSH_DEAD);
}

/* How many items may go in one request. */
static unsigned push_most(const sbs_push *push) {
    const sbs_push_config *config = push->priv.config;
    if (config->batches == NULL || push->priv.batch_cap > 0) {
        return push->priv.batch_cap;
    }
    return config->batch_max;
}

/* Takes an item into the request, and begins to send when no other goes with it. */
static sbs_status push_consider_item(sbs_push *push, const sbs_queue_item *item) {
    struct sbs_push_sent *sent = &push->priv.sent[push->priv.batch_len];
    sent->id = item->id;
    sent->lane = item->meta.lane;
    sent->first = item->attempts == 0 || sbs_push_is_unstored(push, item->id);
    sent->last = item->attempts % SBS_PUSH_ALONE_MAX == SBS_PUSH_ALONE_MAX - 1;
    sent->at = 0;

    /* What may have been stored a moment ago waits until a server that indexes late can find it. */
    if (!sent->first && sbs_push_unsettled_ms(push) > 0) {
        if (push->priv.batch_len > 0) {
            push->priv.state = PUSH_SEND;
        } else if (!push->priv.early) { /* within a wait it is passed */
            sbs_push_wait_to_settle(push);
        }
        return SBS_OK;
    }

    /* One request for one item: no batches are wanted, a batch was refused, or the item waited on its own. */
    unsigned most = push_most(push);
    push->priv.single = most <= 1 || push->priv.direct;
    sbs_status status = sbs_push_build(push, item);
    /* What fits no more behind the others opens the next batch. */
    bool crowded = sbs_status_group(status) == SBS_CLASS_BUFFER;

    if (crowded && push->priv.batch_len > 0) {
        push->priv.state = PUSH_SEND;
        return SBS_OK;
    }

    /* The first of a batch may fit without a Bundle around it. */
    if (crowded && !push->priv.single) {
        push->priv.single = true;
        status = sbs_push_build(push, item);
    }
    if (status != SBS_OK) {
        return push_refuse_item(push, sent, status);
    }

    push->priv.batch_len++;
    if (push->priv.single || push->priv.batch_len >= most) {
        push->priv.state = PUSH_SEND;
    }

    return SBS_OK;
}

/* The next item of the queue. A damaged one is told, whichever it is, and the look stays where it is: SBS_PENDING. */
static sbs_status push_fetch_item(sbs_push *push, sbs_queue_item *out, uint64_t after) {
    const sbs_queue *queue = push->priv.config->queue;
    memset(out, 0, sizeof *out);
    sbs_status status = queue->ops->next(queue->ctx, after, out);
    if (status != SBS_ERR_DAMAGED) {
        return status;
    }

    sbs_push_forget(push, out->id);
    push->priv.event.status = status;
    push->priv.event.reason = sbs_status_text(status);
    sbs_push_tell(push, SBS_PUSH_DEAD, out->id);

    return SBS_PENDING;
}

/* An item that waited on its own goes, beside the look. */
static sbs_status push_visit_deferred(sbs_push *push, uint64_t id) {
    sbs_queue_item item;
    sbs_status status = push_fetch_item(push, &item, id - 1);
    push->priv.direct = true;
    push->priv.in_a_row = 0;

    /* The queue gives the next one that it still holds: somebody else may have settled this one. */
    if (status == SBS_OK && item.id != id) {
        status = SBS_ERR_NOT_FOUND;
    }

    if (status == SBS_OK) {
        status = push_consider_item(push, &item);
    }

    if (status == SBS_ERR_NOT_FOUND) {
        sbs_push_forget(push, id);
    }

    /* Where no request comes of it, the items that it held up in its lane may go. */
    if (push->priv.state == PUSH_CHOOSE) {
        sbs_push_look_no_later(push, id);
    }

    return push_unless_gone(status);
}

static void push_end_first_lap(sbs_push *push) {
    push->priv.first_lap = false;
    push->priv.resumed |= push->priv.deferred_count > 0;
    sbs_push_wake_deferred(push, UINT8_MAX);
}

/* Everything was looked at, and nothing of it may go by itself: what waits on its own is tried, or waited for. */
static sbs_status push_end_of_all(sbs_push *push, const sbs_push_deferred *first, bool held) {
    if (first == NULL) {
        push->priv.idle_ms = held ? HELD_CHECK_MS : SBS_WAIT_FOREVER;
        return SBS_OK;
    }

    /* Where the last requests failed, nothing that is left can go: the wait grows from now on. */
    push->priv.exhausted = push->priv.misses > 0;
    if (push->priv.probe || (push->priv.misses == 0 && first->until_ms <= push->priv.now.mono_ms)) {
        return push_visit_deferred(push, first->id);
    }
    if (push->priv.exhausted) {
        sbs_push_wait_for_others(push, 0);
        return SBS_OK;
    }

    /* Nothing failed lately; the first that waits on its own is not due yet, and new items may go meanwhile. */
    push->priv.resume_ms = first->until_ms;
    push->priv.state = PUSH_WAIT;
    push->priv.open = true;

    return SBS_OK;
}

static sbs_status push_end_of_queue(sbs_push *push) {
    if (push->priv.batch_len > 0) {
        push->priv.state = PUSH_SEND;
        return SBS_OK;
    }
    if (push->priv.early) { /* nothing new that may go: the wait goes on */
        push->priv.early = false;
        push->priv.state = PUSH_WAIT;
        return SBS_OK;
    }

    /* What failed in an earlier run was passed over in the first look, and has its turn now. */
    if (push->priv.first_lap) {
        push_end_first_lap(push);
    }

    /* A look that did not begin at the start has not seen everything: what stands before, or what somebody else put
     * back behind it, comes next. */
    bool held = push->priv.held;
    uint64_t end = push->priv.cursor;

    if (push->priv.resumed) {
        sbs_push_look_on(push, 0);
        const sbs_push_deferred *due = sbs_push_due(push);
        if (!push->priv.probe || due == NULL) {
            return SBS_OK;
        }
        return push_visit_deferred(push, due->id);
    }

    /* All was seen. What waits on its own may still go; a later look needs to begin behind the end only while there is
     * some of it. */
    const sbs_push_deferred *first = sbs_push_first(push);
    if (first == NULL) {
        end = 0;
    }

    sbs_push_look_on(push, end);
    return push_end_of_all(push, first, held);
}

/* What failed in an earlier run, and what stands behind it, comes after all the rest. */
static bool push_may_go(sbs_push *push, const sbs_queue_item *item) {
    if (sbs_push_find(push, item->id) != NULL || sbs_push_is_blocked(push, item->meta.lane, item->id)) {
        return false;
    }

    bool is_new = push->priv.first_lap && push->priv.batch_left == 0; /* to this run */
    if (is_new && (item->failures > 0 || item->attempts >= SUSPECT_ATTEMPTS)) {
        sbs_push_suspect(push, item);
        return false;
    }

    return true;
}

static sbs_status push_look(sbs_push *push) {
    for (unsigned i = 0; i < SCAN_MAX && push->priv.state == PUSH_CHOOSE; i++) {
        sbs_queue_item item;
        sbs_status status = push_fetch_item(push, &item, push->priv.cursor);
        if (status == SBS_ERR_NOT_FOUND) {
            return push_end_of_queue(push);
        }
        if (status == SBS_PENDING) {
            return status;
        }

        /* What may not go, or is gone by now, is passed. */
        if (status == SBS_OK) {
            push->priv.cursor = item.id;
            if (push_may_go(push, &item)) {
                status = push_unless_gone(push_consider_item(push, &item));
            }
        }

        /* The queue failed: what was gathered for a batch is looked for again. */
        if (status != SBS_OK) {
            sbs_push_look_on(push, 0);
            return status;
        }
        if (push->priv.event.kind != SBS_PUSH_NOTHING) {
            break;
        }
    }

    return SBS_OK;
}

/* An item whose own time has come waits for the end of the look, but not for ever: it is tried after IN_A_ROW_MAX
 * others were stored. */
static sbs_status push_choose(sbs_push *push) {
    if (push->priv.batch_len == 0 && push->priv.misses == 0 && push->priv.in_a_row >= IN_A_ROW_MAX) {
        const sbs_push_deferred *due = sbs_push_due(push);
        if (due != NULL) {
            return push_visit_deferred(push, due->id);
        }
    }

    return push_look(push);
}

/* ---- the answer -------------------- */

static sbs_status push_judge_single(sbs_push *push) {
    const struct sbs_push_sent *sent = &push->priv.sent[0];
    sbs_push_read_answer(push, push->priv.of.alone.verdict, push->priv.of.alone.verdict == SBS_OK);
    sbs_push_verdict verdict = sbs_push_judge(push, sent);

    /* The failure is not the item's: all wait, and it goes again as it is. */
    if (sbs_push_kind_of(verdict) >= SBS_PUSH_WAITING) {
        sbs_push_wait_all(push, verdict == SBS_PUSH_PAUSED);
        return SBS_OK;
    }

    sbs_status status = sbs_push_act_on(push, sent, verdict);
    if (status != SBS_OK) {
        return status;
    }

    /* Of a refused batch one less is left. */
    if (!push->priv.direct && push->priv.batch_left > 0) {
        push->priv.config->batches->pass(push, 1);
    }

    sbs_push_look_behind(push);
    if (push->priv.failed) {
        sbs_push_note_miss(push, push->priv.failure.flags.asks);
    }

    return SBS_OK;
}

/* One entry a poll. A wait that their failures call for begins when all are judged. */
static sbs_status push_judge_entry(sbs_push *push) {
    if (push->priv.judged >= push->priv.batch_len) {
        push->priv.config->batches->end_answer(push);
        return SBS_OK;
    }

    /* Where the queue fails, the entry is read and judged again by the next poll. */
    const struct sbs_push_sent *sent = &push->priv.sent[push->priv.judged];
    push->priv.config->batches->read_entry(push);
    sbs_status status = sbs_push_act_on(push, sent, sbs_push_judge(push, sent));
    if (status != SBS_OK) {
        return status;
    }

    push->priv.config->batches->next_entry(push);
    return SBS_OK;
}

/* What was refused in another coding goes once more as it is; after a moment if it may be stored all the same. */
static void push_send_again(sbs_push *push, sbs_status status, bool heard) {
    sbs_push_read_answer(push, status, heard);
    sbs_push_note_tried(push, push->priv.flags.unknown);
    (void)sbs_push_note_failure(push, push->priv.sent[0].id);
    sbs_push_look_again(push);
}

static sbs_status push_finish_request(sbs_push *push, sbs_status status) {
    const sbs_push_config *config = push->priv.config;
    push->priv.state = PUSH_JUDGE;
    push->priv.probe = push->priv.early = false;
    push->priv.failed = push->priv.went_well = push->priv.no_room = false;

    /* An answer that cannot be read says as little of the items as none. */
    bool heard = status == SBS_OK;
    if (heard && !push->priv.single) {
        status = config->batches->open_answer(push);
    }
    if (config->coder != NULL && config->coder->ended(config->coder->ctx, status)) {
        push_send_again(push, status, heard);
        return SBS_OK;
    }

    /* The status is kept: where the queue fails, the next poll judges it again. */
    if (push->priv.single) {
        push->priv.of.alone.verdict = status;
        return push_judge_single(push);
    }

    if (status != SBS_OK) {
        config->batches->fail(push, status, heard);
        return SBS_OK;
    }

    push->priv.judged = 0;
    return SBS_OK;
}

/* ---- polling -------------------- */

static sbs_status push_start_request(sbs_push *push) {
    sbs_status status = sbs_push_start(push);
    push->priv.state = PUSH_READY;
    push->priv.marked = false;
    if (status != SBS_OK) {
        return push_finish_request(push, status);
    }

    return SBS_OK;
}

/* Marked only now that there is a token and a connection: an attempt that sent nothing leaves no mark. All marks are
 * durable before the next poll sends the first byte. */
static sbs_status push_mark_attempts(sbs_push *push) {
    const sbs_queue *queue = push->priv.config->queue;
    sbs_status status = sbs_push_open_group(push);
    push->priv.marked = true;

    for (unsigned i = 0; i < push->priv.batch_len && status == SBS_OK; i++) {
        status = queue->ops->mark_attempt(queue->ctx, push->priv.sent[i].id);
    }
    if (status != SBS_OK) { /* the queue failed, or an item is gone: nothing is sent */
        sbs_push_note_tried(push, false);
        sbs_push_cancel(push);
        return push_unless_gone(status);
    }

    status = sbs_push_flush(push);
    if (status == SBS_OK) {
        sbs_push_note_tried(push, true);
        push->priv.state = PUSH_RUN;
    }

    return status;
}

static sbs_status push_run_request(sbs_push *push, sbs_wait *out_wait) {
    sbs_client *client = push->priv.config->client;
    if (push->priv.state == PUSH_READY && sbs_client_is_about_to_send(client)) {
        return push_mark_attempts(push);
    }

    sbs_wait wait;
    sbs_status status = sbs_client_poll(client, push->priv.now, &wait);
    if (status != SBS_PENDING) {
        return push_finish_request(push, status);
    }

    *out_wait = wait;
    return SBS_OK;
}

/* A new item does not wait for one that waits on its own, nor, while nothing goes, as long as those that failed. */
static sbs_status push_look_for_new(sbs_push *push) {
    sbs_queue_item item;
    push->priv.early_ms = (uint32_t)push->priv.now.mono_ms + EARLY_CHECK_MS;
    sbs_status status = push_fetch_item(push, &item, push->priv.cursor);
    if (status == SBS_OK) {
        sbs_push_look_on(push, push->priv.cursor);
        push->priv.early = true;
    }

    return push_unless_gone(status);
}

static sbs_status push_wait_on(sbs_push *push, sbs_wait *out_wait) {
    uint64_t now_ms = push->priv.now.mono_ms;
    uint32_t left = (uint32_t)(push->priv.resume_ms - now_ms); /* a wait is no longer */

    /* Over: one request may go, whatever else waits. */
    if (now_ms >= push->priv.resume_ms) {
        sbs_push_look_on(push, push->priv.cursor);
        push->priv.probe = true;
        return SBS_OK;
    }

    /* New items need not wait for those that failed: at once where others are stored, else once in a minute. */
    if (push->priv.open) {
        uint32_t early = push->priv.early_ms - (uint32_t)now_ms; /* modulo 2^32 ms: beyond the top it is over */
        if (!push->priv.exhausted || early - 1u >= EARLY_CHECK_MS) {
            early = EARLY_CHECK_MS;
            sbs_status status = push_look_for_new(push);
            if (status != SBS_OK || push->priv.state != PUSH_WAIT) {
                return status;
            }
        }

        left = sbs_push_at_most(left, early);
    }

    out_wait->timeout_ms = sbs_push_at_most(left, SBS_WAIT_FOREVER - 1);
    return SBS_OK;
}

/* An error is the queue's. */
static sbs_status push_step(sbs_push *push, sbs_wait *out_wait) {
    switch (push->priv.state) {
    case PUSH_SEND:
        return push_start_request(push);
    case PUSH_READY:
    case PUSH_RUN:
        return push_run_request(push, out_wait);
    case PUSH_JUDGE:
        if (push->priv.single) {
            return push_judge_single(push);
        }
        return push_judge_entry(push);
    case PUSH_WAIT:
        return push_wait_on(push, out_wait);
    default:
        return push_choose(push);
    }
}

static bool push_is_group_due(const sbs_push *push, const sbs_wait *wait) {
    return wait->timeout_ms > 0 || wait->events != 0 ||
           (uint32_t)push->priv.now.mono_ms - push->priv.group_ms >= SBS_PUSH_GROUP_MS;
}

/* What fails within a group may have undone it, and then nothing more is done in it: it ends. If it held what was told,
 * an error is returned only where that did not happen; an error that lasts comes again. */
static sbs_status push_end_group(sbs_push *push, sbs_status status) {
    const sbs_queue *queue = push->priv.config->queue;
    if (!push->priv.grouped) {
        return status;
    }
    if (!push->priv.told) {
        push->priv.grouped = false;
        (void)queue->ops->commit(queue->ctx);
        return status; /* and the verdict stands */
    }

    status = sbs_push_flush(push);
    if (status != SBS_OK) {
        return status;
    }

    return SBS_PENDING;
}

sbs_status sbs_push_poll(sbs_push *push, sbs_now now, sbs_wait *out_wait) {
    *out_wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    push->priv.now = now;
    push->priv.now_s = (uint32_t)(now.mono_ms / 1000);
    sbs_push_begin_event(push);
    sbs_push_note_clock(push);

    if (push->priv.settled_ms == 0) { /* the first: an earlier run may have sent something just before its end */
        uint32_t settle_ms = sbs_push_settle_ms(push);
        settle_ms -= sbs_push_at_most(push->priv.config->tried_ms, settle_ms);
        push->priv.settled_ms = now.mono_ms + settle_ms;
    }

    /* One step. Any error of it is the queue's, and may have undone the group that was open. */
    push->priv.idle_ms = 0;
    sbs_status status = push_step(push, out_wait);
    if (status < SBS_OK) {
        return push_end_group(push, status);
    }
    if (push->priv.idle_ms > 0) {
        out_wait->timeout_ms = push->priv.idle_ms;
    }

    /* What was written becomes durable before anything is waited for. */
    if (push_is_group_due(push, out_wait)) {
        status = sbs_push_flush(push);
        if (status != SBS_OK) {
            return status;
        }
    }

    if (push->priv.idle_ms == 0) {
        return SBS_PENDING;
    }

    return SBS_OK;
}

void sbs_push_wake(sbs_push *push) {
    push->priv.resume_ms = 0;
    sbs_push_wake_deferred(push, UINT8_MAX);
}
