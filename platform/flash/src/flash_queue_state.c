/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_queue_state.h"

#include <string.h>

#include "flash_format.h"

#define WINDOW SBS_FLASH_QUEUE_WINDOW

_Static_assert(WINDOW % 8u == 0 && WINDOW >= 8u, "the window is whole bytes");

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

/* Keys are the low 24 bits: the id that is nearest to the newest one. */
uint64_t sbs_queue_id(const sbs_flash_queue *queue, const sbs_flash_log_record *record) {
    uint32_t ahead = (record->key - (uint32_t)queue->last_id) & SBS_FLASH_LOG_KEY_MAX;
    if (ahead <= SBS_FLASH_LOG_KEY_MAX / 2u) {
        return queue->last_id + ahead;
    }
    return queue->last_id - (SBS_FLASH_LOG_KEY_MAX + 1u - ahead);
}

sbs_status sbs_queue_walk(sbs_flash_queue *queue, sbs_flash_log_cursor *cursor, sbs_flash_log_record *out) {
    for (;;) {
        sbs_status status = sbs_flash_log_next(&queue->log, cursor, out);
        if (status == SBS_OK && out->type != TYPE_ITEM) {
            status = sbs_flash_log_check(&queue->log, out); /* a mark is believed only if it is sound */
        }
        if (status != SBS_ERR_DAMAGED) {
            return status;
        }
    }
}

static bool in_window(const sbs_flash_queue *queue, uint64_t id) {
    return id >= queue->base && id - queue->base < WINDOW;
}

static bool window_bit(const sbs_flash_queue *queue, uint64_t id) {
    uint64_t bit = id - queue->base;
    return ((unsigned)queue->settled[bit / 8u] >> (bit % 8u)) & 1u;
}

static void set_window_bit(sbs_flash_queue *queue, uint64_t id, bool value) {
    uint64_t bit = id - queue->base;
    uint8_t mask = (uint8_t)(1u << (bit % 8u));
    queue->settled[bit / 8u] =
        value ? (uint8_t)(queue->settled[bit / 8u] | mask) : (uint8_t)(queue->settled[bit / 8u] & (uint8_t)~mask);
}

/* An id of the window is settled if the log says so, or if its item is gone. */
static sbs_status fill_window(sbs_flash_queue *queue) {
    sbs_flash_log_cursor cursor = {0};
    memset(queue->settled, 0, sizeof queue->settled);
    for (uint64_t id = queue->base; id <= queue->last_id && in_window(queue, id); id++) {
        set_window_bit(queue, id, true);
    }
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        uint64_t id = sbs_queue_id(queue, &record);
        if (in_window(queue, id) && id <= queue->last_id && record.type != TYPE_ATTEMPT) {
            set_window_bit(queue, id, record.type == TYPE_SETTLED);
        }
    }
}

static size_t settled_front(const sbs_flash_queue *queue) {
    size_t bytes = 0;
    while (bytes < sizeof queue->settled && queue->settled[bytes] == 0xFFu) {
        bytes++;
    }
    return bytes;
}

/* Drops settled ids from the window's front. What comes in at its end is new, or looked up. */
static void slide_window(sbs_flash_queue *queue) {
    for (;;) {
        size_t bytes = settled_front(queue);
        bool known = queue->last_id < queue->base + WINDOW;
        if (bytes == 0) {
            return;
        }
        memmove(queue->settled, queue->settled + bytes, sizeof queue->settled - bytes);
        memset(queue->settled + sizeof queue->settled - bytes, 0, bytes);
        queue->base += (uint64_t)bytes * 8u;
        if (!known && fill_window(queue) != SBS_OK) {
            queue->stale = true;
            return;
        }
    }
}

/* Looks for a mark behind the window. */
static sbs_status look_up_settled(sbs_flash_queue *queue, uint64_t id) {
    sbs_flash_log_cursor cursor = {0};
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        if (record.type == TYPE_SETTLED && sbs_queue_id(queue, &record) == id) {
            return SBS_ERR_NOT_FOUND;
        }
    }
}

sbs_status sbs_queue_unsettled(sbs_flash_queue *queue, uint64_t id) {
    if (id < queue->base || id > queue->last_id) {
        return SBS_ERR_NOT_FOUND;
    }
    if (in_window(queue, id)) {
        return window_bit(queue, id) ? SBS_ERR_NOT_FOUND : SBS_OK;
    }
    return id > queue->settled_max ? SBS_OK : look_up_settled(queue, id);
}

void sbs_queue_forget(sbs_flash_queue *queue, uint64_t id, uint32_t extent) {
    if (in_window(queue, id)) {
        set_window_bit(queue, id, true);
    }
    queue->settled_max = id > queue->settled_max ? id : queue->settled_max;
    queue->waiting -= queue->waiting > 0 ? 1u : 0u;
    queue->used = queue->waiting == 0 || queue->used < extent ? 0 : queue->used - extent;
    queue->full = false;
    slide_window(queue);
}

/* What happened since the state was stored. */
static sbs_status count_since(sbs_flash_queue *queue, sbs_flash_log_cursor cursor) {
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

static void survey_item(sbs_flash_queue *queue, uint64_t id, uint64_t *seen) {
    queue->base = id < queue->base ? id : queue->base;
    queue->moved_max = id <= *seen ? larger(id, queue->moved_max) : queue->moved_max;
    *seen = larger(id, *seen);
}

/* Bounds of the ids on the flash. */
static sbs_status survey(sbs_flash_queue *queue) {
    sbs_flash_log_cursor cursor = {0};
    uint64_t seen = 0;
    queue->base = queue->last_id + 1u;
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        uint64_t id = sbs_queue_id(queue, &record);
        if (id > queue->last_id) {
            continue;
        }
        if (record.type == TYPE_SETTLED) {
            queue->settled_max = larger(id, queue->settled_max);
        } else if (record.aux > 0) {
            queue->attempted_max = larger(id, queue->attempted_max);
        }
        if (record.type == TYPE_ITEM) {
            survey_item(queue, id, &seen);
        }
    }
}

static sbs_status measure(sbs_flash_queue *queue) {
    sbs_flash_log_cursor cursor = {0};
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            return SBS_OK;
        }
        if (status == SBS_OK && record.type == TYPE_ITEM) {
            status = sbs_queue_unsettled(queue, sbs_queue_id(queue, &record));
            if (status == SBS_OK) {
                queue->used += sbs_flash_log_extent(&queue->log, record.len);
            }
        }
        if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
            return status;
        }
    }
}

/* Accepted items that are neither settled nor to be found were lost to damage: they are dead, and reported. */
static void count_waiting(sbs_flash_queue *queue) {
    uint64_t gone = queue->delivered + queue->dead + queue->dropped;
    uint64_t expected = gone < queue->last_id ? queue->last_id - gone : 0;
    queue->waiting = (uint32_t)expected;
    if (queue->last_id >= queue->base + WINDOW) {
        return;
    }
    uint32_t present = 0;
    for (uint64_t id = queue->base; id <= queue->last_id; id++) {
        present += !window_bit(queue, id);
    }
    if (expected > present) {
        queue->lost = (uint32_t)expected - present;
    }
    queue->waiting = present;
}

/* Of an item that was settled long ago nothing may be left either, so only the number tells whether all are known. The
 * window's memory is borrowed for it. */
uint64_t sbs_queue_missing(sbs_flash_queue *queue) {
    sbs_flash_log_cursor cursor = {0};
    sbs_flash_log_record record;
    uint32_t missing = 0;
    uint64_t first = 0;
    memset(queue->settled, 0, sizeof queue->settled);
    while (sbs_queue_walk(queue, &cursor, &record) == SBS_OK) {
        uint64_t id = sbs_queue_id(queue, &record);
        if (in_window(queue, id) && record.type != TYPE_ATTEMPT) {
            set_window_bit(queue, id, true);
        }
    }
    for (uint64_t id = queue->base; id <= queue->last_id && in_window(queue, id); id++) {
        bool is_missing = !window_bit(queue, id);
        first = is_missing && missing == 0 ? id : first;
        missing += is_missing;
    }
    queue->stale = fill_window(queue) != SBS_OK || queue->stale;
    return missing == queue->lost ? first : 0;
}

sbs_status sbs_queue_load(sbs_flash_queue *queue) {
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
    sbs_flash_log_cursor from;
    queue->settled_max = 0;
    queue->moved_max = 0;
    queue->unsure = queue->log.first;
    queue->attempted_max = 0;
    queue->lost_id = 0;
    queue->lost = 0;
    queue->used = 0;
    queue->full = false;
    queue->stale = false;
    queue->near.id = 0;
    queue->settled_near.id = 0;
    sbs_status status = sbs_flash_log_state(&queue->log, state, &from);
    if (status == SBS_OK) {
        restore(queue, state);
        status = count_since(queue, from);
    }
    if (status == SBS_OK) {
        status = survey(queue);
    }
    if (status == SBS_OK) {
        status = fill_window(queue);
    }
    if (status == SBS_OK) {
        slide_window(queue);
        status = measure(queue);
    }
    count_waiting(queue);
    queue->stale = queue->stale || status != SBS_OK;
    return status;
}

void sbs_queue_note(struct sbs_flash_queue_hint *hint, uint64_t id, const sbs_flash_log_record *record) {
    *hint = (struct sbs_flash_queue_hint){{record->sector, record->offset, 0}, id};
}

sbs_flash_log_cursor sbs_queue_start(const sbs_flash_queue *queue, uint64_t id) {
    const struct sbs_flash_queue_hint *best = &queue->near;
    if (best->id > id || (queue->settled_near.id <= id && queue->settled_near.id > best->id)) {
        best = &queue->settled_near;
    }
    bool ordered = best->id > queue->moved_max && best->id <= id;
    return best->id != 0 && (ordered || best->id == id) ? best->at : (sbs_flash_log_cursor){0};
}

sbs_status sbs_queue_locate(sbs_flash_queue *queue, uint64_t id, sbs_flash_log_record *out) {
    sbs_flash_log_cursor cursor = sbs_queue_start(queue, id);
    sbs_status status = sbs_queue_unsettled(queue, id);
    while (status == SBS_OK) {
        status = sbs_queue_walk(queue, &cursor, out);
        if (status == SBS_OK && out->type == TYPE_ITEM && sbs_queue_id(queue, out) == id) {
            sbs_queue_note(&queue->near, id, out);
            return SBS_OK;
        }
    }
    return status;
}

sbs_status sbs_queue_attempts(sbs_flash_queue *queue, const sbs_flash_log_record *item, uint8_t *out_attempts) {
    sbs_flash_log_cursor cursor = {item->sector, item->offset, 0};
    uint64_t id = sbs_queue_id(queue, item);
    *out_attempts = item->aux;
    while (id <= queue->attempted_max) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        bool says = record.type != TYPE_SETTLED && sbs_queue_id(queue, &record) == id;
        *out_attempts = says && record.aux > *out_attempts ? record.aux : *out_attempts;
    }
    return SBS_OK;
}
