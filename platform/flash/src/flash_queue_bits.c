/* SPDX-License-Identifier: Apache-2.0 */
/* Which items are settled, by their numbers, and how a mount learns it: in batches, as marks name ids and the memory
 * for a table of all is not there. */
#include <string.h>

#include "flash_format.h"
#include "flash_queue_state.h"

#define WINDOW SBS_FLASH_QUEUE_WINDOW

_Static_assert(WINDOW >= 8u && (WINDOW & (WINDOW - 1u)) == 0, "numbers may wrap round");

#define KEY_BITS 24u
#define RUN_MAX 255u

static bool is_before(uint32_t number, uint32_t other) {
    return number - other > UINT32_MAX / 2u;
}

static bool is_known(const sbs_flash_queue *queue, uint32_t number) {
    return number - queue->low < queue->known - queue->low;
}

static bool bit_at(const sbs_flash_queue *queue, uint32_t number) {
    return ((unsigned)queue->settled[number % WINDOW / 8u] >> (number % 8u)) & 1u;
}

static void set_bit(sbs_flash_queue *queue, uint32_t number, bool settled) {
    uint8_t *byte = &queue->settled[number % WINDOW / 8u];
    uint8_t mask = (uint8_t)(1u << (number % 8u));

    if (settled) {
        *byte |= mask;
    } else {
        *byte &= (uint8_t)~mask;
    }
}

void sbs_flash_queue_raise_front(sbs_flash_queue *queue, uint32_t number) {
    if (is_before(queue->front, number)) {
        queue->front = number;
    }

    while (is_known(queue, queue->front) && bit_at(queue, queue->front)) {
        queue->front++;
    }
}

void sbs_flash_queue_set_settled(sbs_flash_queue *queue, uint32_t number) {
    if (is_known(queue, number)) {
        set_bit(queue, number, true);
    }

    /* The front passes what is settled, whether or not it has a bit. */
    if (number == queue->front) {
        number++;
    } else {
        number = queue->front;
    }
    sbs_flash_queue_raise_front(queue, number);
}

void sbs_flash_queue_add(sbs_flash_queue *queue) {
    /* It gets a bit if all items before it have one; where they fill the window, the oldest one loses its own. */
    if (queue->known == queue->newest) {
        if (queue->known - queue->low == WINDOW) {
            queue->low++;
        }
        set_bit(queue, queue->known++, false);
    }

    queue->newest++;
}

/* ---- learning what is settled ---- */

static uint32_t entry_key(uint32_t entry) {
    return entry & SBS_FLASH_LOG_KEY_MAX;
}

static uint32_t entry_of(uint32_t key, uint32_t above) {
    return key | above << KEY_BITS;
}

/* Entries are runs of ids that follow each other: key of the first, and how many. */
static bool batch_add_to_run(sbs_flash_queue_batch *batch, uint32_t key) {
    if (batch->count > 0) {
        uint32_t *last = &batch->entry[batch->count - 1u];
        uint32_t len = *last >> KEY_BITS;
        if (len < RUN_MAX && ((entry_key(*last) + len) & SBS_FLASH_LOG_KEY_MAX) == key) {
            *last = entry_of(entry_key(*last), len + 1u);
            return true;
        }
    }

    /* A new run, if there is room for one. */
    if (batch->count == QUEUE_BATCH) {
        return false;
    }
    batch->entry[batch->count++] = entry_of(key, 1);
    return true;
}

/* A record that settles those of the batch with its id, or is a later copy of them. */
static sbs_status batch_strike(sbs_flash_queue *queue, const sbs_flash_queue_batch *batch,
                               const sbs_flash_log_record *record) {
    uint32_t number = queue->known;

    for (uint32_t i = 0; i < batch->count; i++) {
        /* Keys wrap round, and so does the difference: one before the run is very far behind it. */
        uint32_t len = batch->entry[i] >> KEY_BITS;
        uint32_t distance = (record->key - entry_key(batch->entry[i])) & SBS_FLASH_LOG_KEY_MAX;

        if (distance < len) {
            sbs_status status = SBS_OK;
            if (record->type == TYPE_ITEM) { /* a copy that was cut does not replace anything */
                status = sbs_flash_log_check(&queue->log, record);
            }
            if (status == SBS_OK) {
                set_bit(queue, number + distance, true);
            } else if (status != SBS_ERR_DAMAGED) {
                return status;
            }
        }
        number += len;
    }

    return SBS_OK;
}

/* Takes an item into the batch if it is the next one, and there is room. */
static void batch_take(sbs_flash_queue *queue, sbs_flash_queue_batch *batch, const sbs_flash_log_record *record,
                       uint32_t number, uint32_t *end) {
    if (number != *end || *end - queue->low >= WINDOW || !batch_add_to_run(batch, record->key)) {
        return;
    }

    /* One that was never accepted is no item: it counts as settled. */
    set_bit(queue, number, sbs_flash_queue_id(queue, record) > queue->last_id);
    (*end)++;
}

/* One walk: takes the next items, and strikes those that are settled further on. */
static sbs_status resolve_batch(sbs_flash_queue *queue) {
    sbs_flash_queue_batch batch;
    sbs_flash_queue_cursor cursor = {0};
    uint32_t end = queue->known;
    batch.count = 0;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        /* Struck before it is taken: an item does not replace itself. */
        if (status == SBS_OK && record.type != TYPE_ATTEMPT) {
            status = batch_strike(queue, &batch, &record);
        }
        if (status != SBS_OK) {
            return status;
        }

        if (record.type == TYPE_ITEM) {
            batch_take(queue, &batch, &record, cursor.number - 1u, &end);
        }
    }

    /* The next item is not where it was: the flash is not read as before. */
    if (end == queue->known) {
        queue->stale = true;
        return SBS_ERR_STORAGE;
    }

    queue->known = end;
    sbs_flash_queue_raise_front(queue, queue->front);
    return SBS_OK;
}

/* The bits go on where they end, or begin anew: with all items if there is room for them, else with this one. */
static sbs_status resolve(sbs_flash_queue *queue, uint32_t number) {
    if (number != queue->known || queue->known - queue->low >= WINDOW) {
        queue->low = number;
        if (queue->newest - queue->front <= WINDOW) {
            queue->low = queue->front;
        }
        queue->known = queue->low;
    }

    /* Each walk knows some more, in the order of the numbers, or finds that something is wrong. */
    while (!is_known(queue, number)) {
        sbs_status status = resolve_batch(queue);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

sbs_status sbs_flash_queue_settled(sbs_flash_queue *queue, uint32_t number, bool *out_settled) {
    *out_settled = is_before(number, queue->front);
    if (*out_settled) {
        return SBS_OK;
    }

    if (!is_known(queue, number)) {
        sbs_status status = resolve(queue, number);
        if (status != SBS_OK) {
            return status;
        }
    }

    *out_settled = bit_at(queue, number);
    return SBS_OK;
}

/* ---- attempts of what is copied ---- */

/* A mark of an attempt: it counts for the entries with its id if it tells of more than is known. */
static void batch_note_attempt(sbs_flash_queue_batch *batch, const sbs_flash_log_record *mark) {
    for (uint32_t i = 0; i < batch->count; i++) {
        if (entry_key(batch->entry[i]) == mark->key && mark->aux > batch->entry[i] >> KEY_BITS) {
            batch->entry[i] = entry_of(mark->key, mark->aux);
        }
    }
}

/* Entries are keys of items of one sector, from the given one on, and their attempts. */
static sbs_status batch_read_attempts(sbs_flash_queue *queue, sbs_flash_queue_batch *batch,
                                      const sbs_flash_queue_place *item) {
    sbs_flash_queue_cursor cursor = {{item->record.sector, item->record.offset, 0}, item->number, 0};
    batch->count = 0;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return sbs_flash_none_is_ok(status);
        }

        if (record.type == TYPE_ATTEMPT) {
            batch_note_attempt(batch, &record);
        }
        if (record.type == TYPE_ITEM && record.sector == item->record.sector && batch->count < QUEUE_BATCH) {
            batch->entry[batch->count++] = entry_of(record.key, record.aux);
        }
    }
}

sbs_status sbs_flash_queue_attempts_copied(sbs_flash_queue *queue, const sbs_flash_queue_place *item,
                                           uint8_t *out_attempts) {
    sbs_flash_queue_batch *batch = queue->copying;
    *out_attempts = item->record.aux;
    if (item->id > queue->attempted_max) {
        return SBS_OK;
    }

    /* Mostly the batch of an item before it knows; else a new one begins with it. */
    for (unsigned tries = 0; tries < 2u; tries++) {
        for (uint32_t i = 0; i < batch->count; i++) {
            if (entry_key(batch->entry[i]) == item->record.key) {
                *out_attempts = (uint8_t)(batch->entry[i] >> KEY_BITS);
                return SBS_OK;
            }
        }

        sbs_status status = batch_read_attempts(queue, batch, item);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_ERR_STORAGE; /* the record is not read as it was a moment ago */
}
