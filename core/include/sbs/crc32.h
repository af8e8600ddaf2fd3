/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file crc32.h
 * The checksum of everything that platforms store.
 */
#ifndef SBS_CRC32_H
#define SBS_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** CRC-32 of ISO 3309 (as in zip and Ethernet), continued over @p len bytes from @p crc, which is 0 at the start. */
uint32_t sbs_crc32(uint32_t crc, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
