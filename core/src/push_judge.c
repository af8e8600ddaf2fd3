/* SPDX-License-Identifier: Apache-2.0 */
/* What the push engine does about what the server said. */
#include "push_internal.h"

#include <psa/crypto.h>

void sbs_push_tell(sbs_push *push, sbs_push_event_kind kind, uint64_t id, const sbs_push_result *result) {
    push->priv.event = (sbs_push_event){
        .kind = kind,
        .id = id,
        .status = result->status,
        .http_status = result->http_status,
        .reason = "",
        .words = result->words,
        .server_id = result->server_id,
        .etag = result->etag,
    };
}

/* ---- waiting ------------------------------------------------------------------------------------------------- */

static uint32_t backoff_of(const sbs_backoff *configured, sbs_backoff standard, unsigned attempt) {
    sbs_backoff backoff = {
        .base_ms = configured->base_ms != 0 ? configured->base_ms : standard.base_ms,
        .cap_ms = configured->cap_ms != 0 ? configured->cap_ms : standard.cap_ms,
    };
    uint32_t random = UINT32_MAX;
    (void)psa_generate_random((uint8_t *)&random, sizeof random); /* without jitter the longest wait is taken */
    return sbs_backoff_delay(&backoff, attempt, random);
}

static uint32_t at_least(uint32_t wait_ms, uint32_t least_ms) {
    return wait_ms > least_ms ? wait_ms : least_ms;
}

/* The wait after the given failure: back-off, but as long as the server asked, and a while if it may have stored. */
static uint32_t wait_after(const sbs_push *push, unsigned attempt, const sbs_push_result *result) {
    const sbs_push_config *config = push->priv.config;
    uint32_t wait_ms = backoff_of(&config->backoff, (sbs_backoff){1000, 300000}, attempt);
    if (result->outcome_unknown) {
        wait_ms = at_least(wait_ms, config->settle_ms != 0 ? config->settle_ms : 5000);
    }
    return at_least(wait_ms, sbs_client_detail(config->client)->retry_after_s * 1000u);
}

void sbs_push_wake_deferred(sbs_push *push) {
    for (unsigned i = 0; i < push->priv.deferred_count; i++) {
        push->priv.deferred[i].until_ms = 0;
    }
}

void sbs_push_wait(sbs_push *push, bool pause, const sbs_push_result *result) {
    const sbs_push_config *config = push->priv.config;
    uint32_t wait_ms;
    if (pause) {
        wait_ms = backoff_of(&config->pause, (sbs_backoff){60000, 3600000}, push->priv.pauses_in_row++);
        push->priv.counters.pauses++;
    } else {
        wait_ms = wait_after(push, push->priv.server_failures++, result);
        push->priv.counters.waits++;
    }
    push->priv.resume_ms = push->priv.now.mono_ms + wait_ms;
    push->priv.state = PUSH_WAIT;
    push->priv.round = 0;
    sbs_push_wake_deferred(push); /* the oldest goes first again, in order */
    sbs_push_tell(push, pause ? SBS_PUSH_PAUSED : SBS_PUSH_WAITING, push->priv.event.id, result);
    push->priv.event.wait_ms = wait_ms;
}

/* ---- items that wait on their own ---------------------------------------------------------------------------- */

/* The deferred entry of an item, a new one if it has none; NULL if all are taken. */
static struct sbs_push_deferred *deferred_of(sbs_push *push, const struct sbs_push_sent *sent) {
    struct sbs_push_deferred *entry = push->priv.deferred;
    struct sbs_push_deferred *end = entry + push->priv.deferred_count;
    while (entry != end && entry->id != sent->id) {
        entry++;
    }
    if (entry == push->priv.deferred + SBS_PUSH_DEFERRED_MAX) {
        return NULL;
    }
    if (entry == end) {
        push->priv.deferred_count++;
        *entry = (struct sbs_push_deferred){.id = sent->id, .lane = sent->lane, .successes = push->priv.successes};
    }
    return entry;
}

/* ---- the verdicts -------------------------------------------------------------------------------------------- */

sbs_status sbs_push_dead(sbs_push *push, const struct sbs_push_sent *sent, sbs_push_event_kind kind,
                         const sbs_push_result *result, const char *reason) {
    const sbs_queue *queue = push->priv.config->queue;
    sbs_status status = queue->ops->settle(queue->ctx, sent->id, SBS_QUEUE_DEAD, reason, result->words);
    if (status != SBS_OK) {
        return status;
    }
    push->priv.counters.dead++;
    push->priv.counters.collisions += kind == SBS_PUSH_COLLISION;
    sbs_push_tell(push, kind, sent->id, result);
    push->priv.event.reason = reason;
    return SBS_OK;
}

static bool was_there(const sbs_push *push, const sbs_push_result *result) {
    return push->priv.write_mode != SBS_WRITE_PLAIN && result->http_status == 200;
}

static sbs_status accept(sbs_push *push, const struct sbs_push_sent *sent, const sbs_push_result *result) {
    const sbs_queue *queue = push->priv.config->queue;
    bool already = was_there(push, result);
    push->priv.server_failures = 0;
    push->priv.pauses_in_row = 0;
    push->priv.alone = push->priv.round = 0;
    bool accepted = push->priv.config->already_there == SBS_ALREADY_ACCEPT;
    if (already && sent->first && !result->outcome_unknown && !accepted) {
        return sbs_push_dead(push, sent, SBS_PUSH_COLLISION, result, "already there at the first attempt");
    }
    sbs_status status = queue->ops->settle(queue->ctx, sent->id, SBS_QUEUE_DELIVERED, NULL, NULL);
    if (status != SBS_OK) {
        return status;
    }
    push->priv.successes++;
    push->priv.counters.delivered++;
    push->priv.counters.already += already;
    sbs_push_tell(push, already ? SBS_PUSH_ALREADY : SBS_PUSH_DELIVERED, sent->id, result);
    return SBS_OK;
}

/* 429 and "come back later" speak of the server; a conflict, another 5xx, or silence after it was sent may be about
 * this item. */
static bool may_be_the_item(const sbs_push *push, const sbs_push_result *result) {
    bool asks_for_time = sbs_client_detail(push->priv.config->client)->retry_after_s > 0;
    bool sent = result->http_status >= 500 || result->outcome_unknown;
    return !result->elsewhere && (result->status == SBS_ERR_CONFLICT || (sent && !asks_for_time));
}

/* The item is at fault if another one was stored since it failed last. Returns true if it has failed too often. */
static bool blame(sbs_push *push, struct sbs_push_deferred *entry, bool conflict) {
    bool others_succeed = entry->successes != push->priv.successes;
    entry->successes = push->priv.successes;
    bool counts = (others_succeed || conflict) && entry->failures < SBS_PUSH_FAILURES_MAX;
    entry->failures = (uint8_t)(entry->failures + counts);
    return entry->failures >= SBS_PUSH_FAILURES_MAX;
}

/* One item of a round may fail alone and waits by itself; when the next fails too, it is the server, and all wait. */
static sbs_status put_off(sbs_push *push, const struct sbs_push_sent *sent, const sbs_push_result *result) {
    bool conflict = result->status == SBS_ERR_CONFLICT;
    bool answered = conflict || result->http_status >= 500;
    if (!may_be_the_item(push, result)) {
        sbs_push_wait(push, false, result);
        return SBS_OK;
    }
    struct sbs_push_deferred *entry = deferred_of(push, sent);
    bool at_fault = entry != NULL && blame(push, entry, conflict);
    if (at_fault && answered) {
        return sbs_push_dead(push, sent, SBS_PUSH_DEAD, result, "fails while others are stored");
    }
    uint32_t wait_ms = wait_after(push, entry == NULL ? 0 : entry->failures, result);
    push->priv.alone++;
    push->priv.round++;
    if (entry == NULL || (push->priv.round > 1 && !conflict)) {
        sbs_push_wait(push, false, result);
        return SBS_OK;
    }
    /* Without an answer a bad network looks the same: the item is kept, and its lane need not wait for it. */
    entry->until_ms = push->priv.now.mono_ms + wait_ms;
    entry->passes = entry->passes || at_fault || push->priv.alone >= SBS_PUSH_ALONE_MAX;
    sbs_push_tell(push, SBS_PUSH_DEFERRED, sent->id, result);
    push->priv.event.wait_ms = wait_ms;
    return SBS_OK;
}

bool sbs_push_needs_operator(sbs_status status) {
    sbs_status_class group = sbs_status_group(status);
    return group != SBS_CLASS_LATER && group != SBS_CLASS_PEER && status != SBS_ERR_STATE;
}

sbs_status sbs_push_settle(sbs_push *push, const struct sbs_push_sent *sent, const sbs_push_result *result) {
    push->priv.event.id = sent->id;
    switch (sbs_status_group(result->status)) {
    case SBS_CLASS_DONE:
        return accept(push, sent, result);
    case SBS_CLASS_ITEM:
        push->priv.alone = 0;
        return sbs_push_dead(push, sent, SBS_PUSH_DEAD, result,
                             result->status == SBS_ERR_AMBIGUOUS ? "several match" : "refused");
    case SBS_CLASS_FIX_CALL:
        if (result->status == SBS_ERR_CANCELLED) {
            return SBS_OK;
        }
        if (result->elsewhere || result->status == SBS_ERR_STATE) { /* the client is in use by somebody else */
            break;
        }
        return sbs_push_dead(push, sent, SBS_PUSH_DEAD, result, sbs_status_text(result->status));
    case SBS_CLASS_LATER:
    case SBS_CLASS_PEER:
        return put_off(push, sent, result);
    default:
        break;
    }
    sbs_push_wait(push, sbs_push_needs_operator(result->status), result);
    return SBS_OK;
}
