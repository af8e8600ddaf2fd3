/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flash.h
 * Port: raw NOR-like flash. Erased bytes read as 0xFF; programming clears bits and a program unit is programmed at most
 * once between erases. Addresses are offsets from the start of the region that the device gives to the library.
 *
 * Power may fail during program() and erase(): afterwards the bytes concerned may read as anything, even differently
 * each time. All others are untouched.
 */
#ifndef SBS_FLASH_H
#define SBS_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a flash does. */
typedef struct sbs_flash_ops {
    /** Reads @p len bytes. SBS_ERR_STORAGE if the device fails. */
    sbs_status (*read)(void *ctx, uint32_t address, void *buffer, size_t len);
    /** Programs @p len bytes, both address and length multiples of the program unit, within one sector. Returns when
     * done: SBS_OK, or SBS_ERR_STORAGE if the device fails. */
    sbs_status (*program)(void *ctx, uint32_t address, const void *data, size_t len);
    /** Erases the sector that starts at @p address. SBS_ERR_STORAGE if the device fails. */
    sbs_status (*erase)(void *ctx, uint32_t address);
} sbs_flash_ops;

/** A flash: its functions, their context and its shape. */
typedef struct sbs_flash {
    const sbs_flash_ops *ops;
    void *ctx;
    uint32_t sector_size;  /**< bytes, 256 to 65536 */
    uint32_t sector_count; /**< at least 3 */
    uint32_t program_unit; /**< bytes, 1, 2, 4, 8, 16 or 32 */
} sbs_flash;

#ifdef __cplusplus
}
#endif
#endif
