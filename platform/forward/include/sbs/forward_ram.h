/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_ram.h
 * A queue (queue.h) in RAM, for what is pushed without being kept: the push engine's other end where there is no file.
 * Dead items are forgotten like delivered ones; who needs to know listens to the events. One thread.
 */
#ifndef SBS_FORWARD_RAM_H
#define SBS_FORWARD_RAM_H

#include "sbs/queue.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_RAM_ITEMS 256u        /**< most items at a time */
#define SBS_FORWARD_RAM_BYTES (64u << 20) /**< most of their bytes; one item alone may be larger */

/** An item that waits. */
typedef struct sbs_forward_ram_item {
    sbs_queue_item item;
    char *data;
    char *name;              /**< what the program calls it, never NULL */
    uint16_t noted_attempts; /**< the program's, 0 at first */
    char *fault;             /**< why it cannot be sent at all, NULL if nothing is known against it */
} sbs_forward_ram_item;

/** Zero-initialise; must not move once its port is in use. */
typedef struct sbs_forward_ram {
    sbs_forward_ram_item items[SBS_FORWARD_RAM_ITEMS];
    size_t count, bytes;
    uint64_t last_id;
    sbs_queue_counters counters;
} sbs_forward_ram;

/** The queue's port. */
sbs_queue sbs_forward_ram_port(sbs_forward_ram *ram);

/**
 * Adds a copy of an item behind the others.
 * @param name  what it is called.
 * @param fault why it cannot be sent, or NULL: then the encoder's judgement counts.
 * @return SBS_OK; SBS_ERR_BUFFER: some must be settled first; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_forward_ram_add(sbs_forward_ram *ram, const sbs_queue_meta *meta, sbs_text data,
                                             sbs_text name, const char *fault, uint64_t *out_id);

/** The item with this id; NULL if it is settled. Valid until the queue changes. */
const sbs_forward_ram_item *sbs_forward_ram_find(const sbs_forward_ram *ram, uint64_t id);

/** Forgets everything and frees it. */
void sbs_forward_ram_free(sbs_forward_ram *ram);

#ifdef __cplusplus
}
#endif
#endif
