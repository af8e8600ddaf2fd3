/* SPDX-License-Identifier: Apache-2.0 */
/* A plain model of the queue beside the one on simulated flash: what was promised, and what a cut left open. */
#ifndef QUEUE_MODEL_H
#define QUEUE_MODEL_H

#include "flash_sim.h"
#include "sbs/flash_queue.h"

#define MODEL_ITEMS_MAX 4096u

/* States an item may be in; several after a cut, until the next write decides. */
enum { ITEM_ABSENT = 1, ITEM_WAITING = 2, ITEM_DELIVERED = 4, ITEM_DEAD = 8 };

typedef struct model_item {
    uint64_t id; /* 0: none was returned */
    uint16_t len;
    uint8_t allowed; /* states */
    uint8_t seen;    /* state since this boot */
    uint16_t attempts_least, attempts_most, attempts_seen;
} model_item;

typedef struct queue_model {
    flash_sim sim;
    sbs_flash_queue flash_queue;
    sbs_queue queue;
    model_item items[MODEL_ITEMS_MAX];
    uint32_t item_count;
    uint64_t accepted, settled; /* calls that returned */
    char where[128];            /* what is being tried, for messages */
} queue_model;

void model_init(queue_model *model, uint32_t sector_size, uint32_t sectors, uint32_t unit, uint64_t seed);
void model_free(queue_model *model);
/* Copies all but the buffers of the simulated flash, whose content is copied. */
void model_clone(queue_model *to, const queue_model *from);
/* Mounts, and compares all that can be seen with what is allowed. */
void model_mount(queue_model *model);
/* SBS_ERR_BUFFER is allowed. */
sbs_status model_append(queue_model *model, uint16_t len);
/* The n-th waiting item, or NULL. */
model_item *model_waiting(queue_model *model, uint32_t n);
uint32_t model_waiting_count(const queue_model *model);
void model_attempt(queue_model *model, model_item *item);
void model_settle(queue_model *model, model_item *item, sbs_queue_fate fate, const char *reason);
/* Compares without mounting. */
void model_compare(queue_model *model);

sbs_queue_meta model_meta(uint32_t index);

#endif
