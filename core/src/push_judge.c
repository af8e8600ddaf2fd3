/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be done about an item by what the server said of it. Decides, and changes nothing. */
#include "push_internal.h"

#define FAULT_TIME_S 600u /* an item is given up only after it failed for so long */

static sbs_push_decision deliver_as(sbs_push_event_kind kind) {
    return (sbs_push_decision){PUSH_DELIVER, kind, ""};
}

static sbs_push_decision set_aside(sbs_push_event_kind kind, const char *reason) {
    return (sbs_push_decision){PUSH_SET_ASIDE, kind, reason};
}

static sbs_push_decision only(sbs_push_act act) {
    return (sbs_push_decision){act, SBS_PUSH_NOTHING, ""};
}

/* ---- stored ---------------------------------------------------------------------------------------------------- */

/* 200 to a PUT or an If-None-Exist: something was there before. After an attempt that may have been stored it is the
 * item itself. */
static sbs_push_decision judge_stored(const sbs_push *push, const struct sbs_push_sent *sent,
                                      const sbs_push_result *result) {
    sbs_write_mode mode = push->priv.write_mode;
    bool accept = push->priv.config->already_there == SBS_ALREADY_ACCEPT;
    if (mode == SBS_WRITE_PLAIN || result->http_status != 200) {
        return deliver_as(SBS_PUSH_DELIVERED);
    }
    if (!sent->first || result->outcome_unknown) {
        return deliver_as(SBS_PUSH_ALREADY);
    }
    if (mode == SBS_WRITE_PUT) {
        return deliver_as(accept ? SBS_PUSH_UPDATED : SBS_PUSH_REPLACED);
    }
    return accept ? deliver_as(SBS_PUSH_ALREADY)
                  : set_aside(SBS_PUSH_COLLISION, "already there at the first attempt");
}

/* ---- not sent -------------------------------------------------------------------------------------------------- */

static bool needs_operator(sbs_status status) {
    sbs_status_class group = sbs_status_group(status);
    return group != SBS_CLASS_LATER && group != SBS_CLASS_PEER && status != SBS_ERR_STATE;
}

static sbs_push_decision judge_unsent(const sbs_push_result *result) {
    bool own = sbs_status_group(result->status) == SBS_CLASS_FIX_CALL && !result->elsewhere &&
               result->status != SBS_ERR_STATE; /* the client is in use by somebody else */
    if (own) {
        return set_aside(SBS_PUSH_DEAD, sbs_status_text(result->status));
    }
    return only(needs_operator(result->status) ? PUSH_PAUSE_ALL : PUSH_WAIT_ALL);
}

/* ---- failed ---------------------------------------------------------------------------------------------------- */

bool sbs_push_is_silent(const sbs_push_result *result) {
    bool broken = sbs_status_group(result->status) == SBS_CLASS_LATER && result->status != SBS_ERR_BUSY &&
                  result->status != SBS_ERR_CONFLICT;
    return broken || (result->http_status == 0 && result->status != SBS_ERR_SCOPE);
}

bool sbs_push_counts(const sbs_push *push, const sbs_push_deferred *entry, sbs_status status) {
    return entry->successes != push->priv.successes || status == SBS_ERR_CONFLICT;
}

static bool is_given_up(const sbs_push *push, uint64_t id, const sbs_push_result *result) {
    const sbs_push_deferred *entry = sbs_push_find(push, id);
    if (entry == NULL || sbs_push_is_silent(result)) {
        return false;
    }

    uint32_t age_s = (uint32_t)(push->priv.now.mono_ms / 1000) - entry->since_s;
    unsigned failures = entry->failures + (unsigned)sbs_push_counts(push, entry, result->status);
    return entry->failures > 0 && failures >= SBS_PUSH_FAILURES_MAX && age_s >= FAULT_TIME_S;
}

static const char *reason_of(const sbs_push_result *result) {
    if (result->status == SBS_ERR_SCOPE) {
        return SBS_QUEUE_REASON_OPERATOR ": the granted scope does not cover it";
    }
    switch (sbs_http_meaning_of(result->http_status).fault) {
    case SBS_FAULT_NONE:
        return "never confirmed, while others are stored";
    case SBS_FAULT_CONFLICT:
        return "conflicts again and again";
    case SBS_FAULT_ACCESS:
        return SBS_QUEUE_REASON_OPERATOR ": refused while others are stored";
    default:
        return "fails while others are stored";
    }
}

/* A condition that did not hold is no word about the item, but about what is there: nothing may be written over it. It
 * may be the item itself if a try that the client repeated was stored. */
static sbs_push_decision judge_condition(const sbs_push *push, const struct sbs_push_sent *sent,
                                         const sbs_push_result *result) {
    if (push->priv.write_mode != SBS_WRITE_PUT) {
        return set_aside(SBS_PUSH_DEAD, result->http_status == 412 ? "several match" : "refused");
    }
    if (!sent->first) {
        return set_aside(SBS_PUSH_DEAD, "refused");
    }
    return result->outcome_unknown ? only(PUSH_DEFER) : set_aside(SBS_PUSH_COLLISION, "already there, or refused");
}

sbs_push_decision sbs_push_judge(const sbs_push *push, const struct sbs_push_sent *sent,
                                 const sbs_push_result *result) {
    sbs_http_meaning meaning = sbs_http_meaning_of(result->http_status);
    bool sent_nothing = result->http_status == 0 && !result->outcome_unknown && result->status != SBS_ERR_SCOPE;
    if (result->status == SBS_OK) {
        return judge_stored(push, sent, result);
    }
    if (result->status == SBS_ERR_CANCELLED) {
        return only(PUSH_LEAVE);
    }
    if (result->elsewhere || sent_nothing) {
        return judge_unsent(result);
    }

    bool whole = result->status == meaning.status; /* else it broke off: it is asked again */
    if (whole && meaning.status == SBS_ERR_AMBIGUOUS) {
        return judge_condition(push, sent, result);
    }
    if (whole && meaning.fault == SBS_FAULT_ITEM && !result->asks_for_time) {
        return set_aside(SBS_PUSH_DEAD, "refused");
    }
    return is_given_up(push, sent->id, result) ? set_aside(SBS_PUSH_DEAD, reason_of(result)) : only(PUSH_DEFER);
}
