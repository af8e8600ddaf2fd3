/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_heap.h
 * The heap: the C library's allocator between the end of the program's data and the end of RAM, with accounts. Not for
 * interrupt handlers; for several tasks where an RTOS implements the C library's __malloc_lock() and __malloc_unlock().
 */
#ifndef SBS_BAREMETAL_HEAP_H
#define SBS_BAREMETAL_HEAP_H

#include <stddef.h>
#include <stdint.h>

typedef struct sbs_heap_account {
    size_t size;       /**< bytes there are */
    size_t high_water; /**< bytes of them that the allocator has ever taken */
    size_t live;       /**< bytes in use now, without the allocator's own */
    size_t live_max;   /**< the most that were ever in use */
    uint32_t failures; /**< requests that found no memory */
} sbs_heap_account;

/** What the heap holds now, and held at most since the start. */
sbs_heap_account sbs_baremetal_heap(void);

/** As in ISO C, and accounted: for lwIP (mem_clib_*) and for sbs_baremetal_allocator. What one of them gave goes back
 *  to sbs_baremetal_free() and not to free(). */
void *sbs_baremetal_malloc(size_t size);
/** The same: zeroed memory, or NULL. */
void *sbs_baremetal_calloc(size_t count, size_t size);
/** Gives back what one of these gave; NULL is legal. */
void sbs_baremetal_free(void *memory);

#endif
