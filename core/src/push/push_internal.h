/* SPDX-License-Identifier: Apache-2.0 */
/** @file push_internal.h What the files of the push engine share. */
#ifndef SBS_PUSH_INTERNAL_H
#define SBS_PUSH_INTERNAL_H

#include <string.h>

#include "sbs/push.h"

enum { PUSH_CHOOSE, PUSH_SEND, PUSH_READY, PUSH_RUN, PUSH_JUDGE, PUSH_WAIT };

/** What is to be done about an item: the kind of the event that comes of it, and above that the number of the reason
 * why it is set aside (0: the sentence of the status). */
typedef unsigned sbs_push_verdict;

/** The server will not take the item, by a word that is the item's own. */
#define SBS_PUSH_REFUSED (SBS_PUSH_DEAD + (1u + SBS_FAULT_ITEM) * 16u)

static inline sbs_push_event_kind sbs_push_kind_of(sbs_push_verdict verdict) {
    return (sbs_push_event_kind)(verdict & 15u);
}

/* What an answer says about one item stands in the event that is being made (status, HTTP status, words, id, version)
 * and in the flags beside it. */

/* ---- push_wait.c: milliseconds ---- */

#define SBS_PUSH_EARLY_CHECK_MS 60000u /* how long a new item waits for a server that takes none of the others */

/** What was configured, where 0 stands for the default. */
static inline uint32_t sbs_push_or_default(uint32_t configured, uint32_t by_default) {
    return configured != 0 ? configured : by_default;
}

static inline uint32_t sbs_push_at_least(uint32_t wait_ms, uint32_t least_ms) {
    return wait_ms > least_ms ? wait_ms : least_ms;
}

static inline uint32_t sbs_push_at_most(uint32_t wait_ms, uint32_t most_ms) {
    return wait_ms < most_ms ? wait_ms : most_ms;
}

/** Of an item that failed so often before in this run. */
uint32_t sbs_push_own_wait(const sbs_push *push, unsigned tries);
/** For a server that indexes late. */
uint32_t sbs_push_settle_ms(const sbs_push *push);
/** As the last answer asked. */
uint32_t sbs_push_asked_ms(const sbs_push *push);

/** Keeps what was read, of an item that is put off. Returns the least wait before it is sent again: it may have been
 * stored, and a server that indexes late must find it. */
uint32_t sbs_push_note_failure(sbs_push *push, uint64_t id);
void sbs_push_wait_all(sbs_push *push, bool pause);
void sbs_push_wait_for_others(sbs_push *push, uint32_t asked);
void sbs_push_note_miss(sbs_push *push, bool all);
void sbs_push_wait_to_settle(sbs_push *push);

/* ---- push_state.c ---- */

/** How long what may have been stored is not to be sent again, nor looked for: 0 if all of it can be found by now. */
uint32_t sbs_push_unsettled_ms(const sbs_push *push);

void sbs_push_begin_event(sbs_push *push);

/** Reads what the client says of the request that ended with @p status. @p heard: the client had its answer, and the
 * status is what became of that. */
void sbs_push_read_answer(sbs_push *push, sbs_status status, bool heard);

void sbs_push_tell(sbs_push *push, sbs_push_event_kind kind, uint64_t id);

/** All wait as long as the event says, because of item @p id. @p pause: until an operator mended something. */
void sbs_push_begin_wait(sbs_push *push, bool pause, uint64_t id);

/** Nothing is under way; the look goes on above an id, or from the start if one before it may go now. */
void sbs_push_look_on(sbs_push *push, uint64_t cursor);
/** The same where what an item held up comes next, or later items in their order. */
void sbs_push_look_no_later(sbs_push *push, uint64_t id);
/** The same behind what was sent. */
void sbs_push_look_behind(sbs_push *push);
/** The same where it meets again what was sent. */
void sbs_push_look_again(sbs_push *push);

/* ---- push_judge.c: decides, and changes nothing ---- */

sbs_push_verdict sbs_push_judge(const sbs_push *push, const struct sbs_push_sent *sent);
/** Why it is set aside. */
const char *sbs_push_reason_of(const sbs_push *push, sbs_push_verdict verdict);

/** True if the failure of a deferred item counts against it: others were stored since it failed last. */
bool sbs_push_counts(const sbs_push *push, const sbs_push_deferred *entry);

/* ---- push_table.c: the items that wait on their own ---- */

/** The entry of an item; NULL if it does not wait on its own. */
sbs_push_deferred *sbs_push_find(const sbs_push *push, uint64_t id);
/** The same, a new one if it has none; NULL if there is no room. */
sbs_push_deferred *sbs_push_take(sbs_push *push, uint32_t lane, uint64_t id);
void sbs_push_forget(sbs_push *push, uint64_t id);
/** True if an item that was sent before cannot be stored: each answer said so. Known of those that wait on their own
 * and of as many others as a batch has. */
bool sbs_push_is_unstored(sbs_push *push, uint64_t id);
void sbs_push_note_unstored(sbs_push *push, const struct sbs_push_sent *sent, bool may_be_stored);
/** The same of all that is in the request. */
void sbs_push_note_tried(sbs_push *push, bool may_be_stored);
/** True if an item of the lane before this one holds it up. */
bool sbs_push_is_blocked(const sbs_push *push, uint32_t lane, uint64_t id);
/** The one whose turn is first and that nothing holds up; NULL if there is none. */
sbs_push_deferred *sbs_push_first(const sbs_push *push);
/** The first, if its time has come and a server finds it if it was stored a moment ago; else NULL. */
const sbs_push_deferred *sbs_push_due(const sbs_push *push);
/** A later item of the lane failed as well: it was no fault of those before, and they go first again. True if there are
 * any. */
bool sbs_push_restore_order(sbs_push *push, const struct sbs_push_sent *sent);
/** Their time has come. @p failures_max: of those only that have so few failures held against them. */
void sbs_push_wake_deferred(sbs_push *push, uint8_t failures_max);
/** An item that failed in an earlier run waits until all else was tried, if there is room. */
void sbs_push_suspect(sbs_push *push, const sbs_queue_item *item);

/* ---- push_settle.c ---- */

/** Begins a group of the queue's writes, where it can group them and none is open. */
sbs_status sbs_push_open_group(sbs_push *push);
/** Does what was decided. Where the queue fails, the verdict stands, and the next poll acts on it: nothing is sent
 * again for that. */
sbs_status sbs_push_act_on(sbs_push *push, const struct sbs_push_sent *sent, sbs_push_verdict verdict);

/* ---- batch.c: linked by who names it ---- */

struct sbs_push_batching {
    /** Writes an item as the next entry of the Bundle. */
    void (*put_entry)(sbs_push *push, const sbs_push_item *item, const sbs_push_identity *identity, sbs_writer *out);
    /** Begins to read an answer; SBS_ERR_RESPONSE or of json.h: it says nothing that can be relied on. */
    sbs_status (*open_answer)(sbs_push *push);
    /** Reads what the entry at hand says. Its words, id and version are copied into the engine. */
    void (*read_entry)(sbs_push *push);
    /** Goes on to the next one. */
    void (*next_entry)(sbs_push *push);
    /** All entries are judged. */
    void (*end_answer)(sbs_push *push);
    /** No answer to a Bundle, or none that says anything of its items. */
    void (*fail)(sbs_push *push, sbs_status status, bool heard);
    /** So many items of a refused Bundle went in a smaller request, and were judged. */
    void (*pass)(sbs_push *push, uint16_t count);
};

/* ---- push_build.c ---- */

/** When an item was measured; SBS_UTC_UNKNOWN if that is not known yet. */
int64_t sbs_push_time_of(const sbs_push *push, const sbs_queue_meta *meta);

/** Notes the clock once it is known, and lets those go that were passed over for want of it. */
void sbs_push_note_clock(sbs_push *push);

/** Reads, dates and encodes an item behind what the body holds already, for the place behind the last in sent.
 * SBS_ERR_BUFFER: no room for it, or it is written in another way; others say why the item cannot be sent.
 * SBS_ERR_NO_TIME: to be held. */
sbs_status sbs_push_build(sbs_push *push, const sbs_queue_item *item);

/** Starts the request that was built. */
sbs_status sbs_push_start(sbs_push *push);

#endif
