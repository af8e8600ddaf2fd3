/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue knows about its items, and where it knows it from. */
#ifndef SBS_FLASH_QUEUE_STATE_H
#define SBS_FLASH_QUEUE_STATE_H

#include "sbs/flash_queue.h"

enum {
    TYPE_ITEM = 2,    /* key: id; aux: attempts when it was written; payload: meta and bytes */
    TYPE_ATTEMPT = 3, /* key: id; aux: attempts now */
    TYPE_SETTLED = 4  /* key: id; aux: fate; payload: reason */
};

/* Reads everything in RAM anew from the log. */
sbs_status sbs_queue_load(sbs_flash_queue *queue);
/* The owner's state: four counters. */
void sbs_queue_save(void *ctx, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE]);

uint64_t sbs_queue_id(const sbs_flash_queue *queue, const sbs_flash_log_record *record);
/* The next record that can be read. SBS_ERR_NOT_FOUND at the end. */
sbs_status sbs_queue_walk(sbs_flash_queue *queue, sbs_flash_log_cursor *cursor, sbs_flash_log_record *out);
/* SBS_OK if the item is not settled, SBS_ERR_NOT_FOUND if it is. */
sbs_status sbs_queue_unsettled(sbs_flash_queue *queue, uint64_t id);
/* Where a walk may start that looks for an item: what stands on the flash before it has smaller ids. */
sbs_flash_log_cursor sbs_queue_start(const sbs_flash_queue *queue, uint64_t id);
void sbs_queue_note(struct sbs_flash_queue_hint *hint, uint64_t id, const sbs_flash_log_record *record);
/* The record of an unsettled item. */
sbs_status sbs_queue_locate(sbs_flash_queue *queue, uint64_t id, sbs_flash_log_record *out);
sbs_status sbs_queue_attempts(sbs_flash_queue *queue, const sbs_flash_log_record *item, uint8_t *out_attempts);
/* The smallest id of which nothing on the flash tells, if as many are missing as were lost; else 0. */
uint64_t sbs_queue_missing(sbs_flash_queue *queue);
/* Takes an item off those that wait. The caller counts what became of it. */
void sbs_queue_forget(sbs_flash_queue *queue, uint64_t id, uint32_t extent);

#endif
