/* SPDX-License-Identifier: Apache-2.0 */
/* What reading, mounting and writing the log share. */
#ifndef SBS_FLASH_LOG_INTERNAL_H
#define SBS_FLASH_LOG_INTERNAL_H

#include "flash_format.h"

/* Bytes read or programmed at once; a multiple of each program unit. */
#define CHUNK 64u

uint32_t sbs_log_address(const sbs_flash_log *log, uint32_t sector, uint32_t offset);
/* Where the records of a sector begin. */
uint32_t sbs_log_start(const sbs_flash_log *log);
/* Bytes kept at the end of a sector for the checkpoint and proof of a compaction. */
uint32_t sbs_log_tail(const sbs_flash_log *log);

sbs_status sbs_log_device_read(const sbs_flash_log *log, uint32_t address, void *buffer, size_t len);
/* SBS_ERR_NOT_FOUND if the place holds no header. */
sbs_status sbs_log_read_place(const sbs_flash_log *log, uint32_t index, sector_header *out);
/* The same for the sector with this sequence: SBS_ERR_NOT_FOUND if its place holds another one. */
sbs_status sbs_log_read_sector(const sbs_flash_log *log, uint32_t sector, sector_header *out);
sbs_status sbs_log_blank(const sbs_flash_log *log, uint32_t address, size_t len, bool *out_blank);

/* The record header at a place: SBS_ERR_NOT_FOUND where nothing was programmed, SBS_ERR_DAMAGED. */
sbs_status sbs_log_record_at(sbs_flash_log *log, uint32_t sector, uint32_t offset, uint32_t limit,
                             sbs_flash_log_record *out);
/* SBS_ERR_DAMAGED if a checksum is not the stored one. One bit off is a flipped bit of the stored one itself, as the
 * header has a check of its own. */
sbs_status sbs_log_compare_crc(uint32_t crc, uint32_t stored);

/* Where the records of a sector end, by looking at nothing but the sector. Its start if it holds none. strict: for a
 * sector without a header, which may be half erased or left from an earlier use of the place. Only sound records count,
 * and only if the first one is sound. */
sbs_status sbs_log_find_end(sbs_flash_log *log, uint32_t sector, bool strict, uint32_t *out_end);
/* The same for any live sector, by what the next one's header says where it can be read. */
sbs_status sbs_log_end_of(sbs_flash_log *log, uint32_t sector, uint32_t *out_end);

#endif
