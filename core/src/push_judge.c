/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about an item by what the server said of it. Decides, and changes nothing. */
#include "push_internal.h"

#define FAULT_TIME_S 600u /* an item is given up only after it failed for so long */

static const sbs_push_decision leave = {PUSH_LEAVE, SBS_PUSH_NOTHING, NULL};
static const sbs_push_decision wait_all = {PUSH_WAIT_ALL, SBS_PUSH_NOTHING, NULL};
static const sbs_push_decision pause_all = {PUSH_PAUSE_ALL, SBS_PUSH_NOTHING, NULL};
static const sbs_push_decision put_off = {PUSH_DEFER, SBS_PUSH_NOTHING, NULL};

static const sbs_push_decision delivered = {PUSH_DELIVER, SBS_PUSH_DELIVERED, NULL};
static const sbs_push_decision already = {PUSH_DELIVER, SBS_PUSH_ALREADY, NULL};
static const sbs_push_decision updated = {PUSH_DELIVER, SBS_PUSH_UPDATED, NULL};
static const sbs_push_decision replaced = {PUSH_DELIVER, SBS_PUSH_REPLACED, NULL};

static const sbs_push_decision found = {PUSH_SET_ASIDE, SBS_PUSH_COLLISION, "already there at the first attempt"};
static const sbs_push_decision in_the_way = {PUSH_SET_ASIDE, SBS_PUSH_COLLISION, "already there, or refused"};
static const sbs_push_decision refused = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "refused"};
static const sbs_push_decision several = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "several match"};
static const sbs_push_decision no_request = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, NULL};
static const sbs_push_decision out_of_scope = {PUSH_SET_ASIDE, SBS_PUSH_DEAD,
                                               SBS_QUEUE_REASON_OPERATOR ": the granted scope does not cover it"};

/* Given up, by the fault. */
static const sbs_push_decision given_up[] = {
    [SBS_FAULT_NONE] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "never confirmed, while others are stored"},
    [SBS_FAULT_ITEM] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "refused"},
    [SBS_FAULT_CONFLICT] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "conflicts again and again"},
    [SBS_FAULT_ACCESS] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, SBS_QUEUE_REASON_OPERATOR ": refused while others are stored"},
    [SBS_FAULT_SERVER] = {PUSH_SET_ASIDE, SBS_PUSH_DEAD, "fails while others are stored"},
};

/* 200 to a PUT or an If-None-Exist: something was there before. After an attempt that may have been stored it is the
 * item itself. */
static const sbs_push_decision *judge_stored(const sbs_push *push, const struct sbs_push_sent *sent) {
    bool accept = push->priv.config->already_there == SBS_ALREADY_ACCEPT;
    if (push->priv.write_mode == SBS_WRITE_PLAIN || push->priv.event.http_status != 200) {
        return &delivered;
    }
    if (!sent->first || push->priv.flags.unknown) {
        return &already;
    }
    if (push->priv.write_mode == SBS_WRITE_PUT) {
        return accept ? &updated : &replaced;
    }
    return accept ? &already : &found;
}

static const sbs_push_decision *judge_unsent(const sbs_push *push) {
    sbs_status status = push->priv.event.status;
    sbs_status_class group = sbs_status_group(status);
    if (status == SBS_ERR_STATE) { /* the client is in use by somebody else */
        return &wait_all;
    }
    if (group == SBS_CLASS_FIX_CALL && !push->priv.flags.elsewhere) {
        return &no_request;
    }
    return group == SBS_CLASS_LATER || group == SBS_CLASS_PEER ? &wait_all : &pause_all;
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
static const sbs_push_decision *judge_condition(const sbs_push *push, const struct sbs_push_sent *sent) {
    if (push->priv.write_mode == SBS_WRITE_PUT && sent->first) {
        return push->priv.flags.unknown ? &put_off : &in_the_way;
    }
    return push->priv.event.http_status == 412 && push->priv.write_mode != SBS_WRITE_PUT ? &several : &refused;
}

const sbs_push_decision *sbs_push_judge(const sbs_push *push, const struct sbs_push_sent *sent) {
    const struct sbs_push_flags *flags = &push->priv.flags;
    sbs_status status = push->priv.event.status;
    unsigned http_status = push->priv.event.http_status;
    sbs_http_meaning meaning = sbs_http_meaning_of(http_status);
    bool unsent = http_status == 0 && !flags->unknown;
    if (status == SBS_OK) {
        return judge_stored(push, sent);
    }
    if (status == SBS_ERR_CANCELLED) {
        return &leave;
    }
    if (status == SBS_ERR_SCOPE && !flags->elsewhere) {
        return is_given_up(push, sent->id, true) ? &out_of_scope : &put_off;
    }
    if (flags->elsewhere || unsent) {
        return judge_unsent(push);
    }

    bool whole = status == meaning.status;
    if (whole && meaning.status == SBS_ERR_AMBIGUOUS) {
        return judge_condition(push, sent);
    }
    if (whole && meaning.fault == SBS_FAULT_ITEM && !flags->asks) {
        return &refused;
    }
    sbs_status_class group = sbs_status_group(status);
    bool answered = http_status != 0 && (whole || group == SBS_CLASS_PEER || group == SBS_CLASS_ITEM);
    return is_given_up(push, sent->id, answered) ? &given_up[meaning.fault] : &put_off;
}
