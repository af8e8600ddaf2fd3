/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue knows about its items, and where it knows it from.
 *
 * Ids say little about where items stand: one may wait for years while millions pass. So the item records on the flash
 * are numbered as they stand in the log, and a bit for each number tells whether it is settled. Numbers count from the
 * mount; they hold as long as each walk meets the same records. One that does not makes the queue stale. */
#ifndef SBS_FLASH_QUEUE_STATE_H
#define SBS_FLASH_QUEUE_STATE_H

#include "sbs/flash_queue.h"

enum {
    TYPE_ITEM = 2,    /* key: id; aux: attempts when it was written; payload: meta and bytes */
    TYPE_ATTEMPT = 3, /* key: id; aux: attempts now */
    TYPE_SETTLED = 4  /* key: id; aux: fate; payload: reason */
};

#define SBS_FLASH_QUEUE_ID_SPAN UINT32_C(0xEF0000) /* ids on the flash lie no further apart */
#define SBS_FLASH_QUEUE_GAPS_UNKNOWN UINT32_MAX    /* of a queue whose items are not numbered yet */

/* A place in the log, and the number of the next item record there. {0} is the beginning. */
typedef struct sbs_flash_queue_cursor {
    sbs_flash_log_cursor at;
    uint32_t number;
    uint32_t gaps; /* unreadable regions that were passed */
} sbs_flash_queue_cursor;

/* An item as found. */
typedef struct sbs_flash_queue_place {
    sbs_flash_log_record record;
    uint32_t number;
    uint64_t id;
} sbs_flash_queue_place;

/* ---- flash_queue_state.c ---- */

/* Reads everything in RAM anew from the log. */
sbs_status sbs_flash_queue_load(sbs_flash_queue *queue);
/* The owner's state: four counters. */
void sbs_flash_queue_save(void *ctx, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE]);
/* Bytes used and the smallest id of the unsettled items; their number in out_present. */
sbs_status sbs_flash_queue_measure(sbs_flash_queue *queue, uint32_t *out_present);
/* One walk: SBS_ERR_STORAGE if the records are not those that were numbered. */
sbs_status sbs_flash_queue_verify(sbs_flash_queue *queue);
/* Takes an item off those that wait. The caller counts what became of it. */
void sbs_flash_queue_forget(sbs_flash_queue *queue, uint32_t number, uint32_t extent);

/* ---- flash_queue_walk.c ---- */

/* The id that a record names. */
uint64_t sbs_flash_queue_id(const sbs_flash_queue *queue, const sbs_flash_log_record *record);
/* The next record that can be read. SBS_ERR_NOT_FOUND at the end. */
sbs_status sbs_flash_queue_walk(sbs_flash_queue *queue, sbs_flash_queue_cursor *cursor, sbs_flash_log_record *out);

/* ---- flash_queue_bits.c ---- */

/* The newest record is an unsettled item. */
void sbs_flash_queue_add(sbs_flash_queue *queue);
/* Whether an item is settled. Takes no reading while its bit is there, as long as no more records than there are bits
 * stand behind the oldest waiting item; else a walk for as many items as a batch takes. */
sbs_status sbs_flash_queue_settled(sbs_flash_queue *queue, uint32_t number, bool *out_settled);
void sbs_flash_queue_set_settled(sbs_flash_queue *queue, uint32_t number);
/* All items before this one are settled. */
void sbs_flash_queue_raise_front(sbs_flash_queue *queue, uint32_t number);

/* Items, as many as one walk learns something about. */
#define QUEUE_BATCH 128u
typedef struct sbs_flash_queue_batch {
    uint32_t moved; /* items of the oldest sector that a compaction has passed */
    uint32_t count;
    uint32_t entry[QUEUE_BATCH]; /* 24 bits of key; above, what is to be known of it */
} sbs_flash_queue_batch;

/* Attempts of an item that a compaction copies: one walk tells those of the next ones, too. */
sbs_status sbs_flash_queue_attempts_copied(sbs_flash_queue *queue, const sbs_flash_queue_place *item,
                                           uint8_t *out_attempts);

/* ---- flash_queue_missing.c ---- */

/* The smallest id of which nothing on the flash tells, if as many are missing as were lost; else 0. */
sbs_status sbs_flash_queue_missing(sbs_flash_queue *queue, uint64_t *out_id);

/* ---- flash_queue_find.c ---- */

/* Remembers where an item stands, so that the next search may start there. */
void sbs_flash_queue_note(struct sbs_flash_queue_hint *hint, const sbs_flash_queue_place *place);
/* The unsettled item with the smallest id above. */
sbs_status sbs_flash_queue_find_next(sbs_flash_queue *queue, uint64_t after, sbs_flash_queue_place *out);
/* An unsettled item. */
sbs_status sbs_flash_queue_locate(sbs_flash_queue *queue, uint64_t id, sbs_flash_queue_place *out);
sbs_status sbs_flash_queue_attempts(sbs_flash_queue *queue, const sbs_flash_queue_place *item, uint8_t *out_attempts);

#endif
