/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about an item by what the server said of it. Decides, and changes nothing. */
#include "push/push_internal.h"
#include "text/ascii.h"

#define REFUSED_MAX 8u    /* items that the server refuses in a row before an operator is asked */
#define FAULT_TIME_S 600u /* an item is given up only after it failed for so long */

/* Why items are set aside; the first by their fault. */
enum { NO_REQUEST, GIVEN_UP, FOUND = GIVEN_UP + SBS_FAULT_SERVER + 1, IN_THE_WAY, SEVERAL, OUT_OF_SCOPE, UNCONFIRMED };

_Static_assert(SBS_PUSH_REFUSED == SBS_PUSH_DEAD + (GIVEN_UP + SBS_FAULT_ITEM) * 16, "the reason of a refusal");

static const char *const reasons[] = {
    [NO_REQUEST] = NULL, /* the sentence of the status */
    [GIVEN_UP + SBS_FAULT_NONE] = "unconfirmed",
    [GIVEN_UP + SBS_FAULT_ITEM] = "refused",
    [GIVEN_UP + SBS_FAULT_CONFLICT] = "conflict",
    [GIVEN_UP + SBS_FAULT_ACCESS] = SBS_QUEUE_REASON_OPERATOR ": refused",
    [GIVEN_UP + SBS_FAULT_SERVER] = "fails while others are stored",
    [FOUND] = SBS_QUEUE_REASON_THERE " at the first attempt",
    [IN_THE_WAY] = SBS_QUEUE_REASON_THERE ", or refused",
    [SEVERAL] = "several match",
    [OUT_OF_SCOPE] = SBS_QUEUE_REASON_OPERATOR ": scope",
    [UNCONFIRMED] = SBS_QUEUE_REASON_OPERATOR ": unconfirmed",
};

const char *sbs_push_reason_of(const sbs_push *push, sbs_push_verdict verdict) {
    unsigned number = verdict / 16;

    /* A server that refuses one item after another is more likely set up wrongly than sent bad items: an operator is to
     * look at them, and nothing deletes them until then. */
    if (verdict == SBS_PUSH_REFUSED && push->priv.refused >= REFUSED_MAX - 1) {
        number = GIVEN_UP + SBS_FAULT_ACCESS;
    }

    if (reasons[number] == NULL) {
        return sbs_status_text(push->priv.event.status);
    }
    return reasons[number];
}

static sbs_push_verdict verdict_collision(unsigned reason) {
    return SBS_PUSH_COLLISION + reason * 16;
}

static sbs_push_verdict verdict_dead(unsigned reason) {
    return SBS_PUSH_DEAD + reason * 16;
}

/* Some servers answer 200 to a PUT that creates: what has its first version has replaced nothing. */
static bool is_first_version(const char *etag) {
    return sbs_ascii_place(sbs_text_of(etag), "W/\"1\"\0\"1\"\0", false) != 0;
}

/* 200 to a PUT or an If-None-Exist: something was there before. After an attempt that may have been stored it is the
 * item itself. */
static sbs_push_verdict push_judge_stored(const sbs_push *push, const struct sbs_push_sent *sent) {
    bool accept = push->priv.config->already_there == SBS_ALREADY_ACCEPT;
    if (push->priv.write_mode == SBS_WRITE_PLAIN || push->priv.event.http_status != 200) {
        return SBS_PUSH_DELIVERED;
    }
    if (!sent->first || push->priv.flags.unknown) {
        return SBS_PUSH_ALREADY;
    }

    /* 200 to a first PUT: a server that does not know 201, or one that ignored the condition and replaced something. */
    if (push->priv.write_mode == SBS_WRITE_PUT) {
        if (is_first_version(push->priv.event.etag)) {
            return SBS_PUSH_DELIVERED;
        }
        return accept ? SBS_PUSH_UPDATED : SBS_PUSH_REPLACED;
    }

    if (accept) {
        return SBS_PUSH_ALREADY;
    }

    return verdict_collision(FOUND);
}

static sbs_push_verdict push_judge_unsent(const sbs_push *push) {
    sbs_status status = push->priv.event.status;
    sbs_status_class group = sbs_status_group(status);
    if (status == SBS_ERR_STATE || status == SBS_ERR_CANCELLED) { /* somebody else uses the client */
        return SBS_PUSH_WAITING;
    }

    /* The item itself makes no request that the client takes. */
    if (group == SBS_CLASS_FIX_CALL && !push->priv.flags.elsewhere) {
        return verdict_dead(NO_REQUEST);
    }

    /* Network and server mend themselves; rights, keys and addresses do not. */
    if (group == SBS_CLASS_LATER || group == SBS_CLASS_PEER) {
        return SBS_PUSH_WAITING;
    }

    return SBS_PUSH_PAUSED;
}

bool sbs_push_counts(const sbs_push *push, const sbs_push_deferred *entry) {
    return entry->successes != push->priv.successes || push->priv.event.status == SBS_ERR_CONFLICT;
}

static bool push_is_given_up(const sbs_push *push, const struct sbs_push_sent *sent) {
    const sbs_push_deferred *entry = sbs_push_find(push, sent->id);
    if (entry == NULL || entry->failures == 0) {
        return false;
    }

    /* Often, and for long: a server that was down for a moment costs no item. */
    uint32_t age_s = push->priv.now_s - entry->since_s;
    return entry->failures + (unsigned)sbs_push_counts(push, entry) >= SBS_PUSH_FAILURES_MAX && age_s >= FAULT_TIME_S;
}

/* A condition that did not hold is no word about the item, but about what is there: nothing may be written over it. It
 * may be the item itself if a try that the client repeated was stored. */
static sbs_push_verdict push_judge_condition(const sbs_push *push, const struct sbs_push_sent *sent) {
    if (push->priv.write_mode == SBS_WRITE_PUT && sent->first) {
        if (push->priv.flags.unknown) {
            return SBS_PUSH_DEFERRED;
        }
        return verdict_collision(IN_THE_WAY);
    }

    if (push->priv.event.http_status == 412 && push->priv.write_mode != SBS_WRITE_PUT) {
        return verdict_dead(SEVERAL);
    }

    return SBS_PUSH_REFUSED;
}

/* It waits on its own, unless it failed often and long enough to be set aside. */
static sbs_push_verdict push_defer_or_give_up(const sbs_push *push, const struct sbs_push_sent *sent, unsigned reason) {
    if (push_is_given_up(push, sent)) {
        return verdict_dead(reason);
    }
    return SBS_PUSH_DEFERRED;
}

sbs_push_verdict sbs_push_judge(const sbs_push *push, const struct sbs_push_sent *sent) {
    const struct sbs_push_flags *flags = &push->priv.flags;
    sbs_status status = push->priv.event.status;
    bool answered = push->priv.event.http_status != 0;
    if (status == SBS_OK) {
        return push_judge_stored(push, sent);
    }

    if (status == SBS_ERR_SCOPE && !flags->elsewhere) {
        return push_defer_or_give_up(push, sent, OUT_OF_SCOPE);
    }
    if (flags->elsewhere || !(answered || flags->unknown)) {
        return push_judge_unsent(push);
    }

    /* A whole answer that speaks of the item is the last word on it. */
    if (flags->whole && status == SBS_ERR_AMBIGUOUS) {
        return push_judge_condition(push, sent);
    }
    if (flags->whole && flags->fault == SBS_FAULT_ITEM && !flags->asks) {
        return SBS_PUSH_REFUSED;
    }

    /* A server that does not confirm says so every time, and nothing tells it that the next one is a repeat. */
    if (push->priv.write_mode == SBS_WRITE_PLAIN && flags->fault == SBS_FAULT_NONE && status == SBS_ERR_RESPONSE) {
        return verdict_dead(UNCONFIRMED);
    }

    /* Nobody is held guilty of what a bad network does too: no answer, or half of one. */
    if (!answered || (!flags->whole && status > SBS_ERR_JSON)) {
        return SBS_PUSH_DEFERRED;
    }

    return push_defer_or_give_up(push, sent, GIVEN_UP + flags->fault);
}
