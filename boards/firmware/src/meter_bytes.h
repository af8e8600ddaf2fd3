/* SPDX-License-Identifier: Apache-2.0 */
/** @file meter_bytes.h Little-endian numbers of stored records. */
#ifndef METER_BYTES_H
#define METER_BYTES_H

#include <stdint.h>

static inline uint64_t meter_get_le(const uint8_t *data, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = bytes; i-- > 0;) {
        value = value << 8 | data[i];
    }
    return value;
}

/** Returns the place behind. */
static inline uint8_t *meter_put_le(uint8_t *out, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        *out++ = (uint8_t)(value >> (8 * i));
    }
    return out;
}

#endif
