/* SPDX-License-Identifier: Apache-2.0 */
/* A queue in memory (port/queue.h) for tests of the push engine; its operations can be made to fail. */
#ifndef RAM_QUEUE_H
#define RAM_QUEUE_H

#include <stdbool.h>

#include "sbs/queue.h"

#define RAM_QUEUE_MAX 256u
#define RAM_QUEUE_BYTES 64u

typedef enum ram_fate { RAM_WAITING, RAM_DELIVERED, RAM_DEAD } ram_fate;

typedef struct ram_queue {
    sbs_queue queue;
    struct ram_item {
        sbs_queue_item item;
        char data[RAM_QUEUE_BYTES];
        ram_fate fate;
        char reason[SBS_QUEUE_REASON_SIZE];
        bool damaged;
    } items[RAM_QUEUE_MAX];
    unsigned count;
    uint64_t lost;    /* id that the next call of next reports as damaged, whatever it is asked; 0: none */
    unsigned fail_at; /* the operation (counted from 1) that fails with SBS_ERR_STORAGE; 0: none */
    unsigned operations;
    unsigned looks; /* calls of next */
    struct ram_item *before; /* what the items were when the group was opened; NULL: no group is open */
    unsigned marks;          /* in the group */
    unsigned commits;
} ram_queue;

void ram_queue_init(ram_queue *queue);
/* From now on writes are grouped, and what is held against items is kept. */
void ram_queue_group(ram_queue *queue);
/* The power goes: what was not committed did not happen. */
void ram_queue_cut(ram_queue *queue);
/* Appends a text in @p lane, measured at @p utc_s. */
uint64_t ram_queue_add(ram_queue *queue, uint32_t lane, const char *text, int64_t utc_s);
unsigned ram_queue_count(const ram_queue *queue, ram_fate fate);

#endif
