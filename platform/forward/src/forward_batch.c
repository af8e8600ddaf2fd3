/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_batch.h"

#include <string.h>

#define SOON_MS 1500u /* an answer within this time: twice as many may go together */
#define LATE_MS 6000u /* one after this time: too much would be lost with a connection, and a time-out is near */
#define TRIALS_MAX 3u /* first batches that are refused while an item of them is, too */
#define LOOK_EVERY 8u /* items that go alone between two looks at the backlog */
#define LEAST 2u

static uint16_t batch_at_most(uint16_t count, uint16_t most) {
    return count < most ? count : most;
}

static uint16_t batch_half(uint16_t count) {
    return count / 2 > LEAST ? count / 2 : LEAST;
}

/* Most items of a batch, by what was asked for and what the server takes. */
static uint16_t batch_bound(const sbs_forward_batch *batch) {
    uint16_t limit = batch->priv.facts.limit;
    if (limit == 0) {
        return batch->priv.most;
    }
    return batch_at_most(limit, batch->priv.most);
}

static bool batch_is_off(const sbs_forward_batch *batch) {
    return batch->priv.most <= 1 || batch->priv.facts.taken == SBS_FORWARD_BATCHES_REFUSED ||
           batch->priv.trials >= TRIALS_MAX;
}

/* The size to begin with; one that was asked for is begun with at once. */
static uint16_t batch_first_size(const sbs_forward_batch *batch) {
    uint16_t size = batch->priv.most;
    if (batch_is_off(batch)) {
        return 1;
    }

    if (batch->priv.by_itself) {
        size = SBS_FORWARD_BATCH_START;
        if (batch->priv.facts.size > size) {
            size = batch->priv.facts.size;
        }
    }

    return batch_at_most(size, batch_bound(batch));
}

static void batch_look_at_backlog(sbs_forward_batch *batch) {
    sbs_queue_counters counters;
    batch->priv.alone = 0;
    batch->priv.queue->ops->counters(batch->priv.queue->ctx, &counters);

    if (counters.waiting >= SBS_FORWARD_BATCH_BACKLOG) {
        batch->priv.size = batch_first_size(batch);
    }
}

static void batch_begin(sbs_forward_batch *batch) {
    batch->priv.size = 1;
    if (batch_is_off(batch)) {
        return;
    }
    if (batch->priv.by_itself) {
        batch_look_at_backlog(batch);
    } else {
        batch->priv.size = batch_first_size(batch);
    }
}

void sbs_forward_batch_init(sbs_forward_batch *batch, const sbs_queue *queue, uint16_t most, bool by_itself) {
    memset(batch, 0, sizeof *batch);
    batch->priv.queue = queue;
    batch->priv.by_itself = by_itself;
    batch->priv.most = batch_at_most(most, SBS_FORWARD_BATCH_MAX);
    if (most == 0) {
        batch->priv.most = 1;
    }

    batch_begin(batch);
}

void sbs_forward_batch_recall(sbs_forward_batch *batch, const sbs_forward_batch_facts *facts) {
    if (facts->taken > SBS_FORWARD_BATCHES_REFUSED || facts->size > SBS_FORWARD_BATCH_MAX ||
        facts->limit > SBS_FORWARD_BATCH_MAX) {
        return;
    }

    batch->priv.facts = *facts;
    batch_begin(batch);
}

sbs_forward_batch_facts sbs_forward_batch_known(const sbs_forward_batch *batch) {
    return batch->priv.facts;
}

uint16_t sbs_forward_batch_size(const sbs_forward_batch *batch) {
    return batch->priv.size;
}

/* ---- what became of a batch -------------------------------------------------------------------------------------- */

/* A batch was refused, its parts were not, and no item of it: there were too many. */
static void batch_clear_suspect(sbs_forward_batch *batch, uint16_t count) {
    batch->priv.halves = (uint16_t)(batch->priv.halves + count);
    if (count >= batch->priv.suspect) {
        batch->priv.suspect = 0; /* as many go together */
    }
    if (batch->priv.suspect == 0 || batch->priv.halves < batch->priv.suspect) {
        return;
    }

    batch->priv.facts.limit = batch->priv.suspect / 2;
    batch->priv.size = batch_at_most(batch->priv.size, batch_bound(batch));
    batch->priv.suspect = 0;
}

static void batch_note_success(sbs_forward_batch *batch, uint16_t count, uint64_t took_ms) {
    uint16_t size = batch->priv.size;
    batch->priv.facts.taken = SBS_FORWARD_BATCHES_TAKEN;
    batch->priv.trial_left = 0;
    batch_clear_suspect(batch, count);

    /* What the queue did not fill says nothing of larger ones. */
    if (count >= size && took_ms <= SOON_MS && batch->priv.suspect == 0) {
        batch->priv.facts.size = size;
        batch->priv.size = batch_at_most((uint16_t)(2 * size), batch_bound(batch));
    } else if (took_ms > LATE_MS) {
        batch->priv.size = batch->priv.facts.size = batch_half(size);
    }
}

/* It may be for the batch, for its size, or for an item of it. */
static bool batch_note_refusal(sbs_forward_batch *batch, uint16_t count) {
    if (batch->priv.facts.taken != SBS_FORWARD_BATCHES_TAKEN) {
        batch->priv.trial_left = count;
        batch->priv.trial_failed = false;
        batch->priv.size = 1;
        return false;
    }

    if (batch->priv.suspect == 0) {
        batch->priv.suspect = count;
    }
    batch->priv.halves = 0;
    return true;
}

/* No answer, or one that asks for time, or of a gateway that waited in vain: it says nothing of batches. */
static bool batch_is_busy(unsigned http_status) {
    return http_status == 0 || sbs_http_meaning_of(http_status).asks_for_time ||
           (http_status >= 502 && http_status <= 504);
}

bool sbs_forward_batch_note(sbs_forward_batch *batch, const sbs_push_batch_report *report, uint64_t took_ms) {
    uint16_t half = batch_half(report->count);
    if (report->status == SBS_OK) {
        batch_note_success(batch, report->count, took_ms);
        return true;
    }

    /* One that got no answer, or that met a busy server, is tried smaller. */
    bool taken = batch->priv.facts.taken == SBS_FORWARD_BATCHES_TAKEN;
    if (batch_is_busy(report->http_status) || (taken && report->may_be_stored)) {
        batch->priv.size = batch_at_most(batch->priv.size, half);
        return true;
    }

    if (report->http_status == 413) {
        batch->priv.facts.limit = half;
        batch->priv.size = batch_at_most(batch->priv.size, half);
        return true;
    }

    return batch_note_refusal(batch, report->count);
}

/* ---- what became of an item -------------------------------------------------------------------------------------- */

/* True if the last of a refused first batch went well, as all before it did. */
static bool batch_note_trial(sbs_forward_batch *batch, bool stored) {
    batch->priv.trial_failed |= !stored;
    batch->priv.trial_left--;
    if (batch->priv.trial_left > 0) {
        return false;
    }

    if (batch->priv.trial_failed) {
        batch->priv.trials++;
        batch->priv.size = batch_first_size(batch);
        return false;
    }

    batch->priv.facts.taken = SBS_FORWARD_BATCHES_REFUSED;
    return true;
}

bool sbs_forward_batch_note_item(sbs_forward_batch *batch, sbs_push_event_kind kind) {
    bool stored = kind >= SBS_PUSH_DELIVERED && kind <= SBS_PUSH_REPLACED;
    bool failed = kind >= SBS_PUSH_COLLISION && kind <= SBS_PUSH_DEFERRED;
    if (!stored && !failed) {
        return false;
    }

    if (failed) {
        batch->priv.suspect = 0;
    }
    if (batch->priv.trial_left > 0) {
        return batch_note_trial(batch, stored);
    }

    /* A backlog may have grown since. */
    if (batch->priv.by_itself && batch->priv.size == 1 && !batch_is_off(batch) && ++batch->priv.alone >= LOOK_EVERY) {
        batch_look_at_backlog(batch);
    }

    return false;
}

void sbs_forward_batch_note_idle(sbs_forward_batch *batch) {
    if (batch->priv.by_itself) {
        batch->priv.size = 1;
    }
}
