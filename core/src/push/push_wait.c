/* SPDX-License-Identifier: Apache-2.0 */
/* How long the push engine waits. */
#include "push/push_internal.h"

#define SHORT_WAIT_MS 20000u /* most between two requests until everything was tried */
#define SHORT_WAITS_MAX 128u

/* Waits at random, after so many that failed, as configured or as these defaults say. */
static uint32_t push_backoff_of(const sbs_backoff *configured, uint32_t base_ms, uint32_t cap_ms, unsigned attempt) {
    sbs_backoff backoff = {
        .base_ms = sbs_push_or_default(configured->base_ms, base_ms),
        .cap_ms = sbs_push_or_default(configured->cap_ms, cap_ms),
    };
    return sbs_backoff_random(&backoff, attempt);
}

/* How long an item waits on its own: a quarter of a minute that doubles up to five, and at least half of that. */
uint32_t sbs_push_own_wait(const sbs_push *push, unsigned tries) {
    uint32_t base_ms = sbs_push_at_least(push->priv.config->backoff.base_ms, 16000) / 2;
    sbs_backoff half = {base_ms, sbs_push_at_least(base_ms, 150000)};
    return sbs_backoff_delay(&half, tries, UINT32_MAX) + sbs_backoff_random(&half, tries);
}

uint32_t sbs_push_settle_ms(const sbs_push *push) {
    return sbs_push_or_default(push->priv.config->settle_ms, 5000);
}

uint32_t sbs_push_asked_ms(const sbs_push *push) {
    return sbs_client_detail(push->priv.config->client)->retry_after_s * 1000u;
}

/* How long all wait: for the server, or for an operator, each time longer. */
static uint32_t push_wait_of_all(sbs_push *push, bool pause, unsigned attempt) {
    const sbs_push_config *config = push->priv.config;
    if (pause) {
        return push_backoff_of(&config->pause, 60000, 3600000, push->priv.pauses_in_row++);
    }
    return push_backoff_of(&config->backoff, 1000, 300000, attempt);
}

uint32_t sbs_push_note_failure(sbs_push *push, uint64_t id) {
    push->priv.failure = (struct sbs_push_failure){
        .id = id,
        .status = push->priv.event.status,
        .http_status = push->priv.event.http_status,
        .flags = push->priv.flags,
    };

    push->priv.failed = true;

    /* What was certainly not stored need not be waited for, and a PUT whose entry could not be read finds itself by its
     * id. */
    if (!push->priv.flags.unknown || (push->priv.flags.unread && push->priv.write_mode == SBS_WRITE_PUT)) {
        return 0;
    }

    uint32_t settle_ms = sbs_push_settle_ms(push);
    push->priv.settled_ms = push->priv.now.mono_ms + settle_ms;
    return settle_ms;
}

/* Not the fault of an item: the network, discovery, the token, memory. */
void sbs_push_wait_all(sbs_push *push, bool pause) {
    uint32_t wait_ms = push_wait_of_all(push, pause, push->priv.server_failures);
    push->priv.server_failures += !pause;

    /* Those whose attempt was marked may be on the server; the rest of the request was never sent. */
    if (push->priv.marked) {
        sbs_push_note_tried(push, push->priv.flags.unknown);
    }

    sbs_push_look_again(push);

    push->priv.event.wait_ms = sbs_push_at_least(wait_ms, sbs_push_asked_ms(push));
    push->priv.open = false;
    sbs_push_begin_wait(push, pause, push->priv.sent[0].id);
}

/* One step of the back-off after items failed. Until everything was tried it is short, and another item is next. Where
 * nothing goes it grows; if that is for want of a right, it is a pause. */
void sbs_push_wait_for_others(sbs_push *push, uint32_t asked) {
    const struct sbs_push_failure *failure = &push->priv.failure;

    /* After every fourth attempt the next of the lane may try, and soon; but not twice in a row: the number of attempts
     * stops at a maximum in some queues, and then each attempt would count as a fourth. */
    bool pass = failure->flags.lets_pass && !push->priv.let_pass;

    push->priv.let_pass = pass;

    bool is_short = pass || !(push->priv.exhausted || push->priv.misses > SHORT_WAITS_MAX);
    bool pause = !is_short && failure->flags.fault == SBS_FAULT_ACCESS;
    uint32_t wait_ms = push_wait_of_all(push, pause, pass ? 0 : push->priv.misses - 1u);

    if (is_short) {
        wait_ms = sbs_push_at_most(wait_ms, SHORT_WAIT_MS);
    }

    if (!is_short || pass || push->priv.no_room) { /* the next may be the one that failed, and was stored perhaps */
        wait_ms = sbs_push_at_least(wait_ms, sbs_push_unsettled_ms(push));
    }

    push->priv.event.status = failure->status;
    push->priv.event.http_status = failure->http_status;
    push->priv.event.wait_ms = sbs_push_at_least(wait_ms, asked);
    push->priv.open = push->priv.exhausted && asked == 0; /* what was asked for holds for new items too */
    sbs_push_begin_wait(push, pause, failure->id);
}

/* A request failed. The first time the next item is tried at once. A conflict is the item's own: the server works. But
 * one that cannot wait on its own comes again with the next look, and the look may meet nothing else. */
void sbs_push_note_miss(sbs_push *push, bool all) {
    if (push->priv.failure.status == SBS_ERR_CONFLICT && !all && !push->priv.no_room) {
        return;
    }

    /* The next item is tried at once after one failure, and after a moment from the second on. */
    push->priv.misses++;
    bool doubtful = push->priv.no_room && sbs_push_unsettled_ms(push) > 0; /* it would come again with the next look */
    if (push->priv.misses > 1 || all || doubtful) {
        sbs_push_wait_for_others(push, sbs_push_asked_ms(push));
    }
}

/* What may have been stored a moment ago, by this run or by one before it, is not sent before a server that indexes
 * late can find it. */
void sbs_push_wait_to_settle(sbs_push *push) {
    push->priv.open = push->priv.direct; /* else it is itself the next to be looked at */
    sbs_push_look_again(push);
    push->priv.resume_ms = push->priv.settled_ms;
    push->priv.state = PUSH_WAIT;
}
