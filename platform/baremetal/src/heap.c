/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_heap.h"

#include <errno.h>
#include <malloc.h>
#include <reent.h>
#include <stdlib.h>
#include <string.h>

#include "baremetal_ld.h"

#define GAPS_MAX 6u
#define OVERHEAD 16u /* of a block, alignment included */

static uint8_t *heap_break = sbs_ld_heap_start;
static size_t live, live_max;
static uint32_t failures;

/* newlib's allocator takes its memory here and never gives any back. */
void *_sbrk(ptrdiff_t increment);
void *_sbrk(ptrdiff_t increment) {
    uint8_t *before = heap_break;

    /* Compared as distances, so that nothing overflows. */
    if (increment > sbs_ld_heap_end - heap_break || increment < sbs_ld_heap_start - heap_break) {
        errno = ENOMEM;
        return (void *)-1;
    }

    heap_break += increment;
    return before;
}

sbs_heap_account sbs_baremetal_heap(void) {
    return (sbs_heap_account){
        .size = (size_t)(sbs_ld_heap_end - sbs_ld_heap_start),
        .high_water = (size_t)(heap_break - sbs_ld_heap_start),
        .live = live,
        .live_max = live_max,
        .failures = failures,
    };
}

/* newlib's allocator asks for a whole block even if its last free one ends where the heap does. So that the two serve
 * one request, all that is left is taken and given back, which joins them. What comes from a gap instead is held
 * meanwhile. */
static void join_the_rest(void) {
    void *held[GAPS_MAX];
    unsigned count = 0;
    const uint8_t *end = heap_break;
    size_t left = (size_t)(sbs_ld_heap_end - heap_break);

    while (count < GAPS_MAX && left > 2u * OVERHEAD && heap_break == end &&
           (held[count] = malloc(left - OVERHEAD)) != NULL) {
        count++;
    }

    while (count > 0) {
        free(held[--count]);
    }
}

static void *heap_allocate(size_t size) {
    void *memory = malloc(size);

    if (memory == NULL) {
        join_the_rest();
        memory = malloc(size);
    }

    return memory;
}

static void account(void *memory) {
    if (memory == NULL) {
        failures++;
        return;
    }

    live += malloc_usable_size(memory);
    if (live > live_max) {
        live_max = live;
    }
}

/* Under the lock of the C library's allocator, which an RTOS makes one: the rest of the heap, joined or held for a
 * moment, is not to be missed by another task. */
void *sbs_baremetal_malloc(size_t size) {
    __malloc_lock(_REENT);
    void *memory = heap_allocate(size);
    account(memory);
    __malloc_unlock(_REENT);

    return memory;
}

/* Not newlib's calloc, which multiplies without a check. */
void *sbs_baremetal_calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        total = SIZE_MAX; /* more than there is */
    }

    void *memory = sbs_baremetal_malloc(total);
    if (memory != NULL) {
        memset(memory, 0, total);
    }

    return memory;
}

void sbs_baremetal_free(void *memory) {
    if (memory == NULL) {
        return;
    }

    __malloc_lock(_REENT);
    live -= malloc_usable_size(memory);
    free(memory);
    __malloc_unlock(_REENT);
}
