/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of sector and record headers, and their checks. */
#ifndef SBS_FLASH_FORMAT_H
#define SBS_FLASH_FORMAT_H

#include "sbs/crc32.h"
#include "sbs/flash_log.h"

#define SECTOR_HEADER_SIZE 60u
#define RECORD_HEADER_SIZE 11u
#define TYPE_CHECKPOINT 0u /* key: sequence of the oldest live sector; payload: the owner's state */
#define TYPE_PROOF 1u      /* says that the checkpoint before it is complete */
#define CHECKPOINT_PLAIN 0u
#define CHECKPOINT_MOVED 1u /* counts once a proof follows */

typedef struct sector_header {
    uint8_t version;
    uint8_t content;
    uint8_t content_version;
    uint8_t program_unit;
    uint32_t sector_size;
    uint32_t sector_count;
    uint32_t sequence;
    uint32_t first;      /* sequence of the oldest live sector when this one was opened */
    uint32_t prev_end;   /* where the records of the sector before end */
    uint32_t erased;     /* how often this place was erased */
    uint32_t generation; /* larger than that of every header on the flash when this one was written */
    uint32_t link;       /* checksum of the header of the sector before; 0: it could not be read */
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
    uint32_t crc;
} sector_header;

/* Little-endian integers of 1 to 8 bytes. */
void sbs_put_le(uint8_t *out, uint64_t value, size_t bytes);
uint64_t sbs_get_le(const uint8_t *in, size_t bytes);

void sbs_sector_encode(const sector_header *header, uint8_t out[SECTOR_HEADER_SIZE]);
/* Puts a single flipped bit right. False if it is no sector header. */
bool sbs_sector_decode(uint8_t in[SECTOR_HEADER_SIZE], sector_header *out);

/* The header with its crc field as it stands in the record. */
void sbs_record_encode(const sbs_flash_log_record *record, uint8_t out[RECORD_HEADER_SIZE]);
/* False if type or check bits are wrong. Leaves sector and offset alone. */
bool sbs_record_decode(const uint8_t in[RECORD_HEADER_SIZE], sbs_flash_log_record *out);
/* The checksum of what comes before the payload: place and header. */
uint32_t sbs_record_crc(const sbs_flash_log_record *record);

static inline size_t sbs_flash_smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

static inline uint64_t sbs_flash_larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Of what looks for something, or walks to the end: that nothing is there is no error. */
static inline sbs_status sbs_flash_none_is_ok(sbs_status status) {
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* True if every byte is as erased. */
bool sbs_is_blank(const uint8_t *data, size_t len);
uint32_t sbs_bit_count(uint32_t value);

#endif
