/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in files: 32 bits, the lowest byte first, on every machine. */
#ifndef SBS_LINUX_BYTES_H
#define SBS_LINUX_BYTES_H

#include <stdint.h>

static inline void sbs_bytes_put_u32(uint8_t bytes[4], uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline uint32_t sbs_bytes_get_u32(const uint8_t bytes[4]) {
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        value |= (uint32_t)bytes[i] << (8 * i);
    }
    return value;
}

#endif
