/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file byte_ring.h
 * Bytes from an interrupt to the main loop: one writer, one reader, no lock.
 */
#ifndef SBS_BYTE_RING_H
#define SBS_BYTE_RING_H

#include <stdbool.h>
#include <stdint.h>

#define SBS_BYTE_RING_SIZE 128u /* a power of two, at most 128 */

/** Zeroed: empty. */
typedef struct sbs_byte_ring {
    volatile uint8_t written, read; /* counted on */
    uint8_t bytes[SBS_BYTE_RING_SIZE];
} sbs_byte_ring;

static inline bool sbs_byte_ring_full(const sbs_byte_ring *ring) {
    return (uint8_t)(ring->written - ring->read) == SBS_BYTE_RING_SIZE;
}

/** For the writer, if the ring is not full. */
static inline void sbs_byte_ring_put(sbs_byte_ring *ring, uint8_t byte) {
    ring->bytes[ring->written % SBS_BYTE_RING_SIZE] = byte;
    __asm__ volatile("" ::: "memory");
    ring->written = (uint8_t)(ring->written + 1u);
}

/** For the reader: the oldest byte, -1 if there is none. */
static inline int sbs_byte_ring_get(sbs_byte_ring *ring) {
    if (ring->written == ring->read) {
        return -1;
    }
    int byte = ring->bytes[ring->read % SBS_BYTE_RING_SIZE];
    __asm__ volatile("" ::: "memory");
    ring->read = (uint8_t)(ring->read + 1u);
    return byte;
}

#endif
