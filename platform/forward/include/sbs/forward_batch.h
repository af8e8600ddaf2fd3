/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_batch.h
 * How many items go in one request. Whether a server takes batches (R4 http.html, batch) is tried, whatever it states,
 * and how many it takes together is learnt from what becomes of each:
 *
 *     UNTRIED ──first batch──▶ TAKEN: twice as many after an answer that came soon, half as many after one that came
 *        │                            late, or none; 413, or halves that go well, bound it for good
 *        └──refused──▶ its items go one by one: all go well ──▶ REFUSED, one by one from now on
 *                                              one does not ──▶ that says nothing of batches, tried again twice
 */
#ifndef SBS_FORWARD_BATCH_H
#define SBS_FORWARD_BATCH_H

#include "sbs/push.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_BATCH_MAX 128u    /**< most items of one batch */
#define SBS_FORWARD_BATCH_START 8u    /**< items of the first one that is made without being asked for */
#define SBS_FORWARD_BATCH_BACKLOG 16u /**< items that wait, before a batch is made without being asked for */

/** Whether the server takes batches. */
typedef enum sbs_forward_batches {
    SBS_FORWARD_BATCHES_UNTRIED,
    SBS_FORWARD_BATCHES_TAKEN,
    SBS_FORWARD_BATCHES_REFUSED
} sbs_forward_batches;

/** What was learnt; its content may be kept for the next run. */
typedef struct sbs_forward_batch_facts {
    sbs_forward_batches taken;
    uint16_t size;  /**< of the last batches that went well; 0: unknown */
    uint16_t limit; /**< most items that the server takes together; 0: no limit was met */
} sbs_forward_batch_facts;

/** The learning; zero-initialise. */
typedef struct sbs_forward_batch {
    struct {
        sbs_forward_batch_facts facts;
        const sbs_queue *queue;
        uint16_t most; /* asked for; 1: no batches */
        uint16_t size; /* of the next */
        bool by_itself;
        uint16_t trial_left; /* items of the refused first batch whose own fate is awaited */
        bool trial_failed;   /* one of them was refused, too */
        uint8_t trials;
        uint16_t suspect; /* size of a batch that was refused; 0: none, or an item was to blame */
        uint16_t halves;  /* items of it that went well in smaller ones */
        unsigned alone;   /* sent one by one since the backlog was looked at */
    } priv;
} sbs_forward_batch;

/**
 * Starts with nothing known.
 * @param queue whose items wait; must outlive the learning.
 * @param most  most items of a batch, at most SBS_FORWARD_BATCH_MAX; 0 or 1: no batches.
 * @param by_itself only where SBS_FORWARD_BATCH_BACKLOG items wait, and the first ones small.
 */
void sbs_forward_batch_init(sbs_forward_batch *batch, const sbs_queue *queue, uint16_t most, bool by_itself);

/** What an earlier run learnt of this server. What is out of bounds is left out. */
void sbs_forward_batch_recall(sbs_forward_batch *batch, const sbs_forward_batch_facts *facts);
/** What is known by now. */
sbs_forward_batch_facts sbs_forward_batch_known(const sbs_forward_batch *batch);

/** Items of the next batch, for sbs_push_config.batch_max: 1 to the most that was asked for. */
uint16_t sbs_forward_batch_size(const sbs_forward_batch *batch);

/** Notes a batch as for sbs_push_config.batch_told, and returns its word. @p took_ms: from its first byte to the end of
 * its answer. */
bool sbs_forward_batch_note(sbs_forward_batch *batch, const sbs_push_batch_report *report, uint64_t took_ms);

/** Notes what became of an item. True once for each server: it was found now that it takes no batches. */
bool sbs_forward_batch_note_item(sbs_forward_batch *batch, sbs_push_event_kind kind);

/** Nothing is left to send: what comes later goes alone until a backlog has grown. */
void sbs_forward_batch_note_idle(sbs_forward_batch *batch);

#ifdef __cplusplus
}
#endif
#endif
