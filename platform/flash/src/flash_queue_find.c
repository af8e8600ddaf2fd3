/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the log to an item. */
#include "flash_queue_state.h"

/* Records name the low 24 bits of an id. It is the one that is nearest before the newest id, or a little ahead of it
 * while that is being found out. */
#define AHEAD_MAX (UINT32_C(1) << 20)

_Static_assert(SBS_QUEUE_ID_SPAN + AHEAD_MAX <= SBS_FLASH_LOG_KEY_MAX, "an id is never taken for another one");

uint64_t sbs_queue_id(const sbs_flash_queue *queue, const sbs_flash_log_record *record) {
    uint32_t ahead = (record->key - (uint32_t)queue->last_id) & SBS_FLASH_LOG_KEY_MAX;
    if (ahead <= AHEAD_MAX) {
        return queue->last_id + ahead;
    }
    return queue->last_id - (SBS_FLASH_LOG_KEY_MAX + 1u - ahead);
}

/* What was read once is not read so any more: numbers may be wrong. */
static sbs_status walk_differs(sbs_flash_queue *queue) {
    queue->stale = true;
    return SBS_ERR_STORAGE;
}

sbs_status sbs_queue_walk(sbs_flash_queue *queue, sbs_queue_cursor *cursor, sbs_flash_log_record *out) {
    bool numbered = queue->gaps != SBS_QUEUE_GAPS_UNKNOWN;
    for (;;) {
        if (cursor->at.sector < queue->log.first) {
            cursor->number = queue->oldest;
        }
        sbs_status status = sbs_flash_log_next(&queue->log, &cursor->at, out);

        if (status == SBS_ERR_DAMAGED && ++cursor->gaps > queue->gaps) {
            return walk_differs(queue);
        }
        if (status == SBS_ERR_NOT_FOUND && numbered && cursor->number != queue->newest) {
            return walk_differs(queue);
        }
        if (status == SBS_OK && out->type != TYPE_ITEM) {
            status = sbs_flash_log_check(&queue->log, out); /* a mark is believed only if it is sound */
        } else if (status == SBS_OK) {
            cursor->number++;
        }
        if (status != SBS_ERR_DAMAGED) {
            return status;
        }
    }
}

void sbs_queue_note(struct sbs_flash_queue_hint *hint, const sbs_queue_place *place) {
    *hint = (struct sbs_flash_queue_hint){place->record.sector, place->record.offset, place->number, place->id};
}

/* Where a walk may start that looks for an item: what stands on the flash before it has smaller ids. */
static sbs_queue_cursor find_start(const sbs_flash_queue *queue, uint64_t id) {
    const struct sbs_flash_queue_hint *best = &queue->near;
    if (best->id > id || (queue->settled_near.id <= id && queue->settled_near.id > best->id)) {
        best = &queue->settled_near;
    }
    bool ordered = best->id > queue->moved_max && best->id <= id;
    if (best->id == 0 || !(ordered || best->id == id)) {
        return (sbs_queue_cursor){0};
    }
    return (sbs_queue_cursor){{best->sector, best->offset, 0}, best->number, 0};
}

/* The next unsettled item of the log, whatever its id. */
static sbs_status find_unsettled(sbs_flash_queue *queue, sbs_queue_cursor *cursor, sbs_queue_place *out) {
    for (;;) {
        sbs_status status = sbs_queue_walk(queue, cursor, &out->record);
        if (status != SBS_OK) {
            return status;
        }
        if (out->record.type != TYPE_ITEM) {
            continue;
        }

        bool settled = false;
        out->number = cursor->number - 1u;
        out->id = sbs_queue_id(queue, &out->record);
        status = sbs_queue_settled(queue, out->number, &settled);
        if (status != SBS_OK || !settled) {
            return status;
        }
    }
}

/* Items that were never moved stand in order. */
sbs_status sbs_queue_find_next(sbs_flash_queue *queue, uint64_t after, sbs_queue_place *out) {
    bool ordered = after >= queue->moved_max;
    sbs_queue_cursor cursor = ordered ? find_start(queue, after + 1u) : (sbs_queue_cursor){0};
    out->id = UINT64_MAX;
    for (;;) {
        sbs_queue_place place;
        sbs_status status = find_unsettled(queue, &cursor, &place);
        if (status == SBS_ERR_NOT_FOUND && out->id != UINT64_MAX) {
            return SBS_OK;
        }
        if (status != SBS_OK) {
            return status;
        }
        if (place.id > after && place.id < out->id) {
            *out = place;
            if (ordered) {
                return SBS_OK;
            }
        }
    }
}

sbs_status sbs_queue_locate(sbs_flash_queue *queue, uint64_t id, sbs_queue_place *out) {
    if (id < queue->base || id > queue->last_id) {
        return SBS_ERR_NOT_FOUND;
    }
    sbs_queue_cursor cursor = find_start(queue, id);
    for (;;) {
        sbs_status status = find_unsettled(queue, &cursor, out);
        if (status != SBS_OK) {
            return status;
        }
        if (out->id == id) {
            sbs_queue_note(&queue->near, out);
            return SBS_OK;
        }
    }
}

sbs_status sbs_queue_attempts(sbs_flash_queue *queue, const sbs_queue_place *item, uint8_t *out_attempts) {
    sbs_queue_cursor cursor = {{item->record.sector, item->record.offset, 0}, item->number, 0};
    *out_attempts = item->record.aux;
    while (item->id <= queue->attempted_max) {
        sbs_flash_log_record record;
        sbs_status status = sbs_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        bool says = record.type == TYPE_ATTEMPT && record.key == item->record.key;
        *out_attempts = says && record.aux > *out_attempts ? record.aux : *out_attempts;
    }
    return SBS_OK;
}
