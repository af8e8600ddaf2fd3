/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the log to an item, and to what is known of it. */
#include "flash_format.h"
#include "flash_queue_state.h"

void sbs_flash_queue_note(struct sbs_flash_queue_hint *hint, const sbs_flash_queue_place *place) {
    *hint = (struct sbs_flash_queue_hint){place->record.sector, place->record.offset, place->number, place->id};
}

/* Where a walk may start that looks for an item: what stands on the flash before it has smaller ids. */
static sbs_flash_queue_cursor find_start(const sbs_flash_queue *queue, uint64_t id) {
    /* The nearer one of two that are not behind it. */
    const struct sbs_flash_queue_hint *best = &queue->near;
    if (best->id > id || (queue->settled_near.id <= id && queue->settled_near.id > best->id)) {
        best = &queue->settled_near;
    }

    /* A copy stands behind items with larger ids: it is a start only for itself. */
    bool ordered = best->id > queue->moved_max && best->id <= id;
    if (best->id == 0 || !(ordered || best->id == id)) {
        return (sbs_flash_queue_cursor){0};
    }

    return (sbs_flash_queue_cursor){{best->sector, best->offset, 0}, best->number, 0};
}

/* The next unsettled item of the log, whatever its id. */
static sbs_status find_next_unsettled(sbs_flash_queue *queue, sbs_flash_queue_cursor *cursor,
                                      sbs_flash_queue_place *out) {
    for (;;) {
        sbs_status status = sbs_flash_queue_walk(queue, cursor, &out->record);
        if (status != SBS_OK) {
            return status;
        }
        if (out->record.type != TYPE_ITEM) {
            continue;
        }

        out->number = cursor->number - 1u;
        out->id = sbs_flash_queue_id(queue, &out->record);
        bool settled = false;
        status = sbs_flash_queue_settled(queue, out->number, &settled);
        if (status != SBS_OK || !settled) {
            return status;
        }
    }
}

/* Items that were never moved stand in order: the first one is the one that is looked for. Of the others, which are all
 * walked, it is the one with the smallest id. */
sbs_status sbs_flash_queue_find_next(sbs_flash_queue *queue, uint64_t after, sbs_flash_queue_place *out) {
    bool ordered = after >= queue->moved_max;
    sbs_flash_queue_cursor cursor = {0};
    if (ordered) {
        cursor = find_start(queue, after + 1u);
    }
    out->id = UINT64_MAX;

    for (;;) {
        sbs_flash_queue_place place;
        sbs_status status = find_next_unsettled(queue, &cursor, &place);
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

sbs_status sbs_flash_queue_locate(sbs_flash_queue *queue, uint64_t id, sbs_flash_queue_place *out) {
    if (id < queue->base || id > queue->last_id) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_flash_queue_cursor cursor = find_start(queue, id);
    for (;;) {
        sbs_status status = find_next_unsettled(queue, &cursor, out);
        if (status != SBS_OK) {
            return status;
        }

        if (out->id == id) {
            sbs_flash_queue_note(&queue->near, out);
            return SBS_OK;
        }
    }
}

sbs_status sbs_flash_queue_attempts(sbs_flash_queue *queue, const sbs_flash_queue_place *item, uint8_t *out_attempts) {
    *out_attempts = item->record.aux;
    if (item->id > queue->attempted_max) {
        return SBS_OK;
    }

    /* Marks stand behind their item; the newest one has the largest count. */
    sbs_flash_queue_cursor cursor = {{item->record.sector, item->record.offset, 0}, item->number, 0};
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return sbs_flash_none_is_ok(status);
        }

        if (record.type == TYPE_ATTEMPT && record.key == item->record.key && record.aux > *out_attempts) {
            *out_attempts = record.aux;
        }
    }
}
