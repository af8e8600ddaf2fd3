/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_queue_state.h"

#include <string.h>

#include "flash_format.h"

#define WINDOW SBS_FLASH_QUEUE_WINDOW

/* The counters as stored; the last id is the number of accepted items, as ids count from 1. */
#define LAST_BYTES 6u
#define DELIVERED_BYTES 6u
#define DEAD_BYTES 4u
#define DROPPED_BYTES 4u

void sbs_queue_save(void *ctx, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE]) {
    const sbs_flash_queue *queue = ctx;
    sbs_put_le(out_state, queue->last_id, LAST_BYTES);
    sbs_put_le(out_state + 6, queue->delivered, DELIVERED_BYTES);
    sbs_put_le(out_state + 12, queue->dead, DEAD_BYTES);
    sbs_put_le(out_state + 16, queue->dropped, DROPPED_BYTES);
}

static void restore(sbs_flash_queue *queue, const uint8_t state[SBS_FLASH_LOG_STATE_SIZE]) {
    queue->last_id = sbs_get_le(state, LAST_BYTES);
    queue->delivered = sbs_get_le(state + 6, DELIVERED_BYTES);
    queue->dead = sbs_get_le(state + 12, DEAD_BYTES);
    queue->dropped = sbs_get_le(state + 16, DROPPED_BYTES);
}

/* What happened since the state was stored. */
static sbs_status count_since(sbs_flash_queue *queue, sbs_flash_log_cursor from) {
    sbs_queue_cursor cursor = {from, 0, 0};
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        uint64_t id = sbs_queue_id(queue, &record);
        if (record.type == TYPE_SETTLED) {
            queue->delivered += record.aux == SBS_QUEUE_DELIVERED;
            queue->dead += record.aux == SBS_QUEUE_DEAD;
        } else if (record.type == TYPE_ITEM && id > queue->last_id &&
                   (id == queue->last_id + 1u || sbs_flash_log_check(&queue->log, &record) == SBS_OK)) {
            queue->last_id = id;
        }
    }
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Numbers the items, and finds out which stand in order and which were attempted. */
static sbs_status survey(sbs_flash_queue *queue) {
    sbs_queue_cursor cursor = {0};
    uint64_t seen = 0;
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            queue->newest = cursor.number;
            queue->gaps = cursor.gaps;
            return SBS_OK;
        }
        if (status != SBS_OK) {
            return status;
        }

        uint64_t id = sbs_queue_id(queue, &record);
        if (id > queue->last_id) {
            continue;
        }
        if (record.type != TYPE_SETTLED && record.aux > 0) {
            queue->attempted_max = larger(id, queue->attempted_max);
        }
        if (record.type == TYPE_ITEM) {
            queue->moved_max = id <= seen ? larger(id, queue->moved_max) : queue->moved_max;
            seen = larger(id, seen);
        }
    }
}

sbs_status sbs_queue_measure(sbs_flash_queue *queue, uint32_t *out_present) {
    sbs_queue_cursor cursor = {0};
    queue->used = 0;
    queue->base = queue->last_id + 1u;
    *out_present = 0;
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }

        bool settled = true;
        uint64_t id = sbs_queue_id(queue, &record);
        if (record.type == TYPE_ITEM) {
            status = sbs_queue_settled(queue, cursor.number - 1u, &settled);
        }
        if (status != SBS_OK) {
            return status;
        }
        if (!settled) {
            queue->used += sbs_flash_log_extent(&queue->log, record.len);
            queue->base = id < queue->base ? id : queue->base;
            ++*out_present;
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

sbs_status sbs_queue_verify(sbs_flash_queue *queue) {
    sbs_queue_cursor cursor = {0};
    sbs_flash_log_record record;
    sbs_status status = SBS_OK;
    while (status == SBS_OK) {
        status = sbs_queue_walk(queue, &cursor, &record);
    }
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

void sbs_queue_forget(sbs_flash_queue *queue, uint32_t number, uint32_t extent) {
    sbs_queue_set_settled(queue, number);
    queue->waiting -= queue->waiting > 0 ? 1u : 0u;
    queue->used = queue->waiting == 0 || queue->used < extent ? 0 : queue->used - extent;
    queue->full = false;
}

/* ---- an item that was lost -----------------------------------------------------------------------------------------
 */

/* Bits are ids from here on while a lost item is looked for: the smallest one on the flash, or the newest ids. */
static sbs_status first_of_missing(sbs_flash_queue *queue, uint64_t *out_first) {
    sbs_queue_cursor cursor = {0};
    *out_first = queue->last_id + 1u;
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        if (status != SBS_OK) {
            return status;
        }
        uint64_t id = sbs_queue_id(queue, &record);
        *out_first = record.type == TYPE_ITEM && id < *out_first ? id : *out_first;
    }
    if (queue->last_id - *out_first >= WINDOW && *out_first <= queue->last_id) {
        *out_first = queue->last_id - WINDOW + 1u;
    }
    return SBS_OK;
}

static sbs_status mark_present(sbs_flash_queue *queue, uint64_t first) {
    sbs_queue_cursor cursor = {0};
    memset(queue->settled, 0, sizeof queue->settled);
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        uint64_t bit = sbs_queue_id(queue, &record) - first;
        if (bit < WINDOW && record.type != TYPE_ATTEMPT) {
            queue->settled[bit / 8u] |= (uint8_t)(1u << (bit % 8u));
        }
    }
}

/* Of an item that was settled long ago nothing may be left either, so only the number tells whether all are known. The
 * memory of the bits is borrowed for it. */
sbs_status sbs_queue_missing(sbs_flash_queue *queue, uint64_t *out_id) {
    uint32_t missing = 0;
    uint64_t first = 0;
    *out_id = 0;
    sbs_status status = first_of_missing(queue, &first);
    if (status != SBS_OK) {
        return status;
    }
    queue->low = queue->known = queue->front;
    status = mark_present(queue, first);
    for (uint64_t id = first; status == SBS_OK && id <= queue->last_id; id++) {
        uint64_t bit = id - first;
        bool is_missing = (((unsigned)queue->settled[bit / 8u] >> (bit % 8u)) & 1u) == 0;
        *out_id = is_missing && missing == 0 ? id : *out_id;
        missing += is_missing;
    }
    *out_id = missing == queue->lost ? *out_id : 0;
    return status;
}

/* ---- all anew ------------------------------------------------------------------------------------------------------
 */

static void forget_all(sbs_flash_queue *queue) {
    queue->moved_max = 0;
    queue->attempted_max = 0;
    queue->lost_id = 0;
    queue->lost = 0;
    queue->oldest = queue->front = queue->low = queue->known = queue->newest = 0;
    queue->gaps = SBS_QUEUE_GAPS_UNKNOWN;
    queue->full = false;
    queue->stale = false;
    queue->near.id = 0;
    queue->settled_near.id = 0;
}

static sbs_status load_all(sbs_flash_queue *queue) {
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
    sbs_flash_log_cursor from;
    uint32_t present = 0;
    sbs_status status = sbs_flash_log_state(&queue->log, state, &from);
    if (status != SBS_OK) {
        return status;
    }
    restore(queue, state);
    status = count_since(queue, from);
    if (status != SBS_OK) {
        return status;
    }
    status = survey(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_queue_measure(queue, &present);
    count_waiting(queue, present);
    return status;
}

sbs_status sbs_queue_load(sbs_flash_queue *queue) {
    forget_all(queue);
    sbs_status status = load_all(queue);
    queue->stale = queue->stale || status != SBS_OK;
    return status;
}
