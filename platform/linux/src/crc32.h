/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SBS_CRC32_H
#define SBS_CRC32_H

#include <stddef.h>
#include <stdint.h>

/** CRC-32 of ISO 3309 (as in zip and Ethernet), continued from @p crc, which is 0 at the start. */
uint32_t sbs_crc32(uint32_t crc, const void *data, size_t len);

#endif
