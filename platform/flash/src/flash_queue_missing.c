/* SPDX-License-Identifier: Apache-2.0 */
/* Which item was lost to damage, told by its id missing. Of an item that was settled long ago nothing may be left
 * either, so only the number of missing ids tells whether all of them are lost ones. */
#include <string.h>

#include "flash_format.h"
#include "flash_queue_state.h"

#define WINDOW SBS_FLASH_QUEUE_WINDOW

/* The first id that is looked for: the smallest one on the flash. Where there are more than bits, the newest ids. */
static sbs_status find_first_id(sbs_flash_queue *queue, uint64_t *out_first) {
    sbs_flash_queue_cursor cursor = {0};
    *out_first = queue->last_id + 1u;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            break;
        }
        if (status != SBS_OK) {
            return status;
        }

        uint64_t id = sbs_flash_queue_id(queue, &record);
        if (record.type == TYPE_ITEM && id < *out_first) {
            *out_first = id;
        }
    }

    if (queue->last_id - *out_first >= WINDOW && *out_first <= queue->last_id) {
        *out_first = queue->last_id - WINDOW + 1u;
    }
    return SBS_OK;
}

/* A bit for each id of which an item or the mark that settled it is there. */
static sbs_status mark_present_ids(sbs_flash_queue *queue, uint64_t first) {
    sbs_flash_queue_cursor cursor = {0};
    memset(queue->settled, 0, sizeof queue->settled);

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_queue_walk(queue, &cursor, &record);
        if (status != SBS_OK) {
            return sbs_flash_none_is_ok(status);
        }

        uint64_t bit = sbs_flash_queue_id(queue, &record) - first;
        if (bit < WINDOW && record.type != TYPE_ATTEMPT) {
            queue->settled[bit / 8u] |= (uint8_t)(1u << (bit % 8u));
        }
    }
}

sbs_status sbs_flash_queue_missing(sbs_flash_queue *queue, uint64_t *out_id) {
    uint64_t first = 0;
    *out_id = 0;
    sbs_status status = find_first_id(queue, &first);
    if (status != SBS_OK) {
        return status;
    }

    /* The memory of the bits is borrowed: what is settled is learnt anew when it is asked for. */
    queue->low = queue->known = queue->front;
    status = mark_present_ids(queue, first);
    if (status != SBS_OK) {
        return status;
    }

    uint32_t missing = 0;
    uint64_t smallest = 0;
    for (uint64_t id = first; id <= queue->last_id; id++) {
        uint64_t bit = id - first;
        if ((((unsigned)queue->settled[bit / 8u] >> (bit % 8u)) & 1u) != 0) {
            continue;
        }
        if (missing == 0) {
            smallest = id;
        }
        missing++;
    }

    if (missing == queue->lost) {
        *out_id = smallest;
    }
    return SBS_OK;
}
