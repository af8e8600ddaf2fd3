/* SPDX-License-Identifier: Apache-2.0 */
/* What a queue keeps in RAM, and reading all of it from the log. */
#include "flash_queue_state.h"
#include "flash_format.h"

/* The counters as stored; the last id is the number of accepted items, as ids count from 1. */
#define LAST_BYTES 6u
#define DELIVERED_BYTES 6u
#define DEAD_BYTES 4u
#define DROPPED_BYTES 4u

void sbs_flash_queue_save(void *ctx, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE]) {
    const sbs_flash_queue *queue = ctx;

    sbs_put_le(out_state, queue->last_id, LAST_BYTES);
    sbs_put_le(out_state + 6, queue->delivered, DELIVERED_BYTES);
    sbs_put_le(out_state + 12, queue->dead, DEAD_BYTES);
    sbs_put_le(out_state + 16, queue->dropped, DROPPED_BYTES);
}

static void restore_counters(sbs_flash_queue *queue, const uint8_t state[SBS_FLASH_LOG_STATE_SIZE]) {
    queue->last_id = sbs_get_le(state, LAST_BYTES);
    queue->delivered = sbs_get_le(state + 6, DELIVERED_BYTES);
    queue->dead = sbs_get_le(state + 12, DEAD_BYTES);
    queue->dropped = sbs_get_le(state + 16, DROPPED_BYTES);
}

/* Whether an item is a newer one than all before it. One that skips ids is believed only if all of it is sound: a wrong
 * id would make the ids between count as lost. */
static bool is_newest_item(sbs_flash_queue *queue, const sbs_flash_log_record *record, uint64_t id) {
    if (record->type != TYPE_ITEM || id <= queue->last_id) {
        return false;
    }

    return id == queue->last_id + 1u || sbs_flash_log_check(&queue->log, record) == SBS_OK;
}

/* What happened since the state was stored. */
static sbs_status count_since(sbs_flash_queue *queue, sbs_flash_log_cursor from) {
    sbs_flash_queue_cursor cursor = {from, 0, 0};

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return sbs_flash_none_is_ok(status);
        }

        uint64_t id = sbs_flash_queue_id(queue, &record);
        /* Marks and items behind the state are not in its counters yet. */
        if (record.type == TYPE_SETTLED) {
            queue->delivered += record.aux == SBS_QUEUE_DELIVERED;
            queue->dead += record.aux == SBS_QUEUE_DEAD;
        } else if (is_newest_item(queue, &record, id)) {
            queue->last_id = id;
        }
    }
}

/* Numbers the items, and finds out which stand in order and which were attempted. */
static sbs_status survey(sbs_flash_queue *queue) {
    sbs_flash_queue_cursor cursor = {0};
    uint64_t seen = 0;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            queue->newest = cursor.number;
            queue->gaps = cursor.gaps;
            return SBS_OK;
        }
        if (status != SBS_OK) {
            return status;
        }

        uint64_t id = sbs_flash_queue_id(queue, &record);
        if (id > queue->last_id) {
            continue; /* it was never accepted */
        }

        /* A copied item has its attempts with it. */
        if (record.type != TYPE_SETTLED && record.aux > 0) {
            queue->attempted_max = sbs_flash_larger(id, queue->attempted_max);
        }
        if (record.type == TYPE_ITEM) {
            if (id <= seen) { /* a copy, behind newer ones */
                queue->moved_max = sbs_flash_larger(id, queue->moved_max);
            }
            seen = sbs_flash_larger(id, seen);
        }
    }
}

static void count_unsettled(sbs_flash_queue *queue, const sbs_flash_log_record *record, uint32_t *present) {
    uint64_t id = sbs_flash_queue_id(queue, record);

    queue->used += sbs_flash_log_extent(&queue->log, record->len);
    if (id < queue->base) {
        queue->base = id;
    }
    (*present)++;
}

sbs_status sbs_flash_queue_measure(sbs_flash_queue *queue, uint32_t *out_present) {
    sbs_flash_queue_cursor cursor = {0};
    queue->used = 0;
    queue->base = queue->last_id + 1u;
    *out_present = 0;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return sbs_flash_none_is_ok(status);
        }
        if (record.type != TYPE_ITEM) {
            continue;
        }

        bool settled = false;
        status = sbs_flash_queue_settled(queue, cursor.number - 1u, &settled);
        if (status != SBS_OK) {
            return status;
        }
        if (!settled) {
            count_unsettled(queue, &record, out_present);
        }
    }
}

/* Accepted items that are neither settled nor to be found were lost to damage: they are dead, and reported. */
static void count_waiting(sbs_flash_queue *queue, uint32_t present) {
    uint64_t gone = queue->delivered + queue->dead + queue->dropped;
    uint64_t expected = gone < queue->last_id ? queue->last_id - gone : 0;

    queue->lost = expected > present ? (uint32_t)expected - present : 0;
    queue->waiting = present;
}

sbs_status sbs_flash_queue_verify(sbs_flash_queue *queue) {
    sbs_flash_queue_cursor cursor = {0};
    sbs_flash_log_record record;
    sbs_status status = SBS_OK;

    while (status == SBS_OK) {
        status = sbs_flash_queue_walk(queue, &cursor, &record);
    }

    return sbs_flash_none_is_ok(status);
}

void sbs_flash_queue_forget(sbs_flash_queue *queue, uint32_t number, uint32_t extent) {
    sbs_flash_queue_set_settled(queue, number);

    if (queue->waiting > 0) {
        queue->waiting--;
    }

    /* Never below nothing, and nothing where none waits. */
    if (queue->waiting == 0 || queue->used < extent) {
        queue->used = 0;
    } else {
        queue->used -= extent;
    }
    queue->full = false;
}

/* ---- all anew ---- */

static void forget_all(sbs_flash_queue *queue) {
    queue->moved_max = 0;
    queue->attempted_max = 0;
    queue->lost_id = 0;
    queue->lost = 0;

    /* Numbers begin anew; the walk that gives them does not compare anything yet. */
    queue->oldest = queue->front = queue->low = queue->known = queue->newest = 0;
    queue->gaps = SBS_FLASH_QUEUE_GAPS_UNKNOWN;

    queue->full = false;
    queue->stale = false;
    queue->near.id = 0;
    queue->settled_near.id = 0;
}

static sbs_status load_all(sbs_flash_queue *queue) {
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
    sbs_flash_log_cursor from;
    sbs_status status = sbs_flash_log_state(&queue->log, state, &from);
    if (status != SBS_OK) {
        return status;
    }

    /* The newest id first: what a record means depends on it. */
    restore_counters(queue, state);
    status = count_since(queue, from);
    if (status != SBS_OK) {
        return status;
    }
    status = survey(queue);
    if (status != SBS_OK) {
        return status;
    }

    /* What waits, with the bits that say so. What is missing of it was lost. */
    uint32_t present = 0;
    status = sbs_flash_queue_measure(queue, &present);
    count_waiting(queue, present);
    return status;
}

sbs_status sbs_flash_queue_load(sbs_flash_queue *queue) {
    forget_all(queue);

    sbs_status status = load_all(queue);
    if (status != SBS_OK) {
        queue->stale = true;
    }

    return status;
}
