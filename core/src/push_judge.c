/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about an item by what the server said of it. Decides, and changes nothing. */
#include "push_internal.h"

#define FAULT_TIME_S 600u /* an item is given up only after it failed for so long */

enum { /* the first by their fault */
       GIVEN_UP,
       REFUSED = GIVEN_UP + SBS_FAULT_ITEM,
       WAIT_ALL = GIVEN_UP + SBS_FAULT_SERVER + 1,
       PAUSE_ALL,
       PUT_OFF,
       DELIVERED,
       ALREADY,
       UPDATED,
       REPLACED,
       FOUND,
       IN_THE_WAY,
       SEVERAL,
       NO_REQUEST,
       OUT_OF_SCOPE,
       UNCONFIRMED
};

static const sbs_push_decision decisions[] = {
    [GIVEN_UP + SBS_FAULT_NONE] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "unconfirmed"},
    [GIVEN_UP + SBS_FAULT_ITEM] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "refused"},
    [GIVEN_UP + SBS_FAULT_CONFLICT] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "conflict"},
    [GIVEN_UP + SBS_FAULT_ACCESS] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, SBS_QUEUE_REASON_OPERATOR ": refused"},
    [GIVEN_UP + SBS_FAULT_SERVER] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "fails while others are stored"},
    [WAIT_ALL] = {PUSH_WAIT_ALL, SBS_PUSH_NOTHING, NULL},
    [PAUSE_ALL] = {PUSH_PAUSE_ALL, SBS_PUSH_NOTHING, NULL},
    [PUT_OFF] = {PUSH_DEFER, SBS_PUSH_NOTHING, NULL},
    [DELIVERED] = {PUSH_DELIVER, SBS_PUSH_DELIVERED, NULL},
    [ALREADY] = {PUSH_DELIVER, SBS_PUSH_ALREADY, NULL},
    [UPDATED] = {PUSH_DELIVER, SBS_PUSH_UPDATED, NULL},
    [REPLACED] = {PUSH_DELIVER, SBS_PUSH_REPLACED, NULL},
    [FOUND] = {PUSH_SET_ASIDE, SBS_PUSH_COLLISION, SBS_QUEUE_REASON_THERE " at the first attempt"},
    [IN_THE_WAY] = {PUSH_SET_ASIDE, SBS_PUSH_COLLISION, SBS_QUEUE_REASON_THERE ", or refused"},
    [SEVERAL] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "several match"},
    [NO_REQUEST] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, NULL},
    [OUT_OF_SCOPE] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, SBS_QUEUE_REASON_OPERATOR ": scope"},
    [UNCONFIRMED] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, SBS_QUEUE_REASON_OPERATOR ": unconfirmed"},
};

/* Some servers answer 200 to a PUT that creates: what has its first version has replaced nothing. */
static bool is_first_version(const char *etag) {
    return strcmp(etag, "W/\"1\"") == 0 || strcmp(etag, "\"1\"") == 0;
}

/* 200 to a PUT or an If-None-Exist: something was there before. After an attempt that may have been stored it is the
 * item itself. */
static unsigned judge_stored(const sbs_push *push, const struct sbs_push_sent *sent) {
    bool accept = push->priv.config->already_there == SBS_ALREADY_ACCEPT;
    if (push->priv.write_mode == SBS_WRITE_PLAIN || push->priv.event.http_status != 200) {
        return DELIVERED;
    }
    if (!sent->first || push->priv.flags.unknown) {
        return ALREADY;
    }
    if (push->priv.write_mode == SBS_WRITE_PUT) {
        if (is_first_version(push->priv.event.etag)) {
            return DELIVERED;
        }
        return accept ? UPDATED : REPLACED;
    }
    return accept ? ALREADY : FOUND;
}

static unsigned judge_unsent(const sbs_push *push) {
    sbs_status status = push->priv.event.status;
    sbs_status_class group = sbs_status_group(status);
    if (status == SBS_ERR_STATE || status == SBS_ERR_CANCELLED) { /* somebody else uses the client */
        return WAIT_ALL;
    }
    if (group == SBS_CLASS_FIX_CALL && !push->priv.flags.elsewhere) {
        return NO_REQUEST;
    }
    return group == SBS_CLASS_LATER || group == SBS_CLASS_PEER ? WAIT_ALL : PAUSE_ALL;
}

bool sbs_push_counts(const sbs_push *push, const sbs_push_deferred *entry) {
    return entry->successes != push->priv.successes || push->priv.event.status == SBS_ERR_CONFLICT;
}

/* Nobody is held guilty of what a bad network does too: no answer, or half of one. */
static bool is_given_up(const sbs_push *push, uint64_t id, bool whole) {
    const sbs_push_deferred *entry = sbs_push_find(push, id);
    if (entry == NULL || entry->failures == 0 || !whole) {
        return false;
    }

    uint32_t age_s = (uint32_t)(push->priv.now.mono_ms / 1000) - entry->since_s;
    return entry->failures + (unsigned)sbs_push_counts(push, entry) >= SBS_PUSH_FAILURES_MAX && age_s >= FAULT_TIME_S;
}

/* A condition that did not hold is no word about the item, but about what is there: nothing may be written over it. It
 * may be the item itself if a try that the client repeated was stored. */
static unsigned judge_condition(const sbs_push *push, const struct sbs_push_sent *sent) {
    if (push->priv.write_mode == SBS_WRITE_PUT && sent->first) {
        return push->priv.flags.unknown ? PUT_OFF : IN_THE_WAY;
    }
    return push->priv.event.http_status == 412 && push->priv.write_mode != SBS_WRITE_PUT ? SEVERAL : REFUSED;
}

static unsigned judge(const sbs_push *push, const struct sbs_push_sent *sent) {
    const struct sbs_push_flags *flags = &push->priv.flags;
    sbs_status status = push->priv.event.status;
    bool answered = push->priv.event.http_status != 0;
    if (status == SBS_OK) {
        return judge_stored(push, sent);
    }
    if (status == SBS_ERR_SCOPE && !flags->elsewhere) {
        return is_given_up(push, sent->id, true) ? OUT_OF_SCOPE : PUT_OFF;
    }
    if (flags->elsewhere || !(answered || flags->unknown)) {
        return judge_unsent(push);
    }

    if (flags->whole && status == SBS_ERR_AMBIGUOUS) {
        return judge_condition(push, sent);
    }
    if (flags->whole && flags->fault == SBS_FAULT_ITEM && !flags->asks) {
        return REFUSED;
    }
    /* A server that does not confirm says so every time, and nothing tells it that the next one is a repeat. */
    if (push->priv.write_mode == SBS_WRITE_PLAIN && flags->fault == SBS_FAULT_NONE && status == SBS_ERR_RESPONSE) {
        return UNCONFIRMED;
    }
    bool heard = answered && (flags->whole || status <= SBS_ERR_JSON); /* not broken off by the network */
    return is_given_up(push, sent->id, heard) ? GIVEN_UP + flags->fault : PUT_OFF;
}

const sbs_push_decision *sbs_push_judge(const sbs_push *push, const struct sbs_push_sent *sent) {
    return &decisions[judge(push, sent)];
}
