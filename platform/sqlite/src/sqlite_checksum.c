/* SPDX-License-Identifier: Apache-2.0 */
/* The CRC-32 of sbs/crc32.h four bytes at a time: a gateway has the 4 KiB for tables that a microcontroller has not,
 * and each item is checked whenever it is read. */
#include <pthread.h>

#include "sbs/crc32.h"
#include "sqlite_internal.h"

#define STEP 4u

static uint32_t tables[STEP][256]; /* [i]: of a byte that i bytes follow */
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make_tables(void) {
    for (unsigned value = 0; value < 256; value++) {
        /* From an inner state of nought: the two inversions of the whole are left out. */
        uint8_t byte = (uint8_t)value;
        tables[0][value] = ~sbs_crc32(UINT32_MAX, &byte, 1);
    }

    /* A byte with i bytes behind it is the same with one byte less, and a zero more. */
    for (unsigned i = 1; i < STEP; i++) {
        for (unsigned value = 0; value < 256; value++) {
            uint32_t before = tables[i - 1][value];
            tables[i][value] = before >> 8 ^ tables[0][before & 0xFF];
        }
    }
}

uint32_t sbs_sqlite_checksum(uint32_t crc, const void *data, size_t len) {
    const uint8_t *at = data;
    (void)pthread_once(&made, make_tables);
    crc = ~crc;

    /* The four bytes of the remainder meet the next four of the data at once. */
    for (; len >= STEP; len -= STEP, at += STEP) {
        crc ^= (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
        crc = tables[3][crc & 0xFF] ^ tables[2][crc >> 8 & 0xFF] ^ tables[1][crc >> 16 & 0xFF] ^ tables[0][crc >> 24];
    }

    /* What is left of the last step. */
    for (; len > 0; len--, at++) {
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xFF];
    }

    return ~crc;
}
