/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the log of a queue: ids of its records, and the numbers of its items. */
#include "flash_queue_state.h"

/* Records name the low 24 bits of an id. It is the one that is nearest before the newest id, or a little ahead of it
 * while that is being found out. */
#define AHEAD_MAX (UINT32_C(1) << 20)

_Static_assert(SBS_FLASH_QUEUE_ID_SPAN + AHEAD_MAX <= SBS_FLASH_LOG_KEY_MAX, "an id is never taken for another one");

uint64_t sbs_flash_queue_id(const sbs_flash_queue *queue, const sbs_flash_log_record *record) {
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

/* Whether the log is read as when its items were numbered: no damage more, and as many items at the end. */
static bool walk_is_as_before(const sbs_flash_queue *queue, const sbs_flash_queue_cursor *cursor, sbs_status status) {
    if (status == SBS_ERR_DAMAGED) {
        return cursor->gaps <= queue->gaps;
    }

    bool numbered = queue->gaps != SBS_FLASH_QUEUE_GAPS_UNKNOWN;
    return status != SBS_ERR_NOT_FOUND || !numbered || cursor->number == queue->newest;
}

sbs_status sbs_flash_queue_walk(sbs_flash_queue *queue, sbs_flash_queue_cursor *cursor, sbs_flash_log_record *out) {
    for (;;) {
        /* It begins, or its sector was given up meanwhile: then it goes on at the beginning. */
        if (cursor->at.sector < queue->log.first) {
            cursor->number = queue->oldest;
        }

        sbs_status status = sbs_flash_log_next(&queue->log, &cursor->at, out);
        if (status == SBS_ERR_DAMAGED) {
            cursor->gaps++;
        }
        if (!walk_is_as_before(queue, cursor, status)) {
            return walk_differs(queue);
        }

        if (status == SBS_OK && out->type == TYPE_ITEM) {
            cursor->number++;
        } else if (status == SBS_OK) {
            status = sbs_flash_log_check(&queue->log, out); /* a mark is believed only if it is sound */
        }
        if (status != SBS_ERR_DAMAGED) {
            return status;
        }
    }
}
