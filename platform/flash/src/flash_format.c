/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_format.h"

#include <string.h>

#define MAGIC 0x4C424C53u /* "SLBL" in the order of storage */
#define CHECKED_BYTES 7u  /* of a record header, before its checksum */
#define SECTOR_CHECKED (SECTOR_HEADER_SIZE - 4u)
#define SIZE_STEP 256u /* sector sizes are stored in steps of this */

void sbs_put_le(uint8_t *out, uint64_t value, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        out[i] = (uint8_t)(value >> (8u * i));
    }
}

uint64_t sbs_get_le(const uint8_t *in, size_t bytes) {
    uint64_t value = 0;

    for (size_t i = 0; i < bytes; i++) {
        value |= (uint64_t)in[i] << (8u * i);
    }

    return value;
}

static uint32_t get32(const uint8_t *in) {
    return (uint32_t)sbs_get_le(in, 4);
}

void sbs_sector_encode(const sector_header *header, uint8_t out[SECTOR_HEADER_SIZE]) {
    sbs_put_le(out, MAGIC, 4);
    out[4] = header->version;
    out[5] = header->content;
    out[6] = header->content_version;
    out[7] = header->program_unit;

    sbs_put_le(out + 8, header->sector_size / SIZE_STEP, 2);
    sbs_put_le(out + 10, header->sector_count, 2);
    sbs_put_le(out + 12, header->sequence, 4);
    sbs_put_le(out + 16, header->first, 4);
    sbs_put_le(out + 20, header->prev_end, 4);
    sbs_put_le(out + 24, header->erased, 4);
    sbs_put_le(out + 28, header->generation, 4);
    sbs_put_le(out + 32, header->link, 4);

    memcpy(out + 36, header->state, SBS_FLASH_LOG_STATE_SIZE);

    /* The checksum comes last: it covers all before it. */
    sbs_put_le(out + SECTOR_CHECKED, sbs_crc32(0, out, SECTOR_CHECKED), 4);
}

static bool sector_valid(const uint8_t in[SECTOR_HEADER_SIZE]) {
    return get32(in) == MAGIC && sbs_crc32(0, in, SECTOR_CHECKED) == get32(in + SECTOR_CHECKED);
}

/* Puts one flipped bit right. To try each bit costs a checksum each: only worth it where the magic nearly fits. */
static bool sector_repair(uint8_t in[SECTOR_HEADER_SIZE]) {
    if (sector_valid(in)) {
        return true;
    }

    if (sbs_bit_count(get32(in) ^ MAGIC) > 1u) {
        return false;
    }

    for (size_t bit = 0; bit < (size_t)SECTOR_HEADER_SIZE * 8u; bit++) {
        uint8_t mask = (uint8_t)(1u << (bit % 8u));

        in[bit / 8u] ^= mask;
        if (sector_valid(in)) {
            return true;
        }
        in[bit / 8u] ^= mask; /* it was not this one */
    }

    return false;
}

bool sbs_sector_decode(uint8_t in[SECTOR_HEADER_SIZE], sector_header *out) {
    if (!sector_repair(in)) {
        return false;
    }

    out->version = in[4];
    out->content = in[5];
    out->content_version = in[6];
    out->program_unit = in[7];

    out->sector_size = (uint32_t)sbs_get_le(in + 8, 2) * SIZE_STEP;
    out->sector_count = (uint32_t)sbs_get_le(in + 10, 2);
    out->sequence = get32(in + 12);
    out->first = get32(in + 16);
    out->prev_end = get32(in + 20);
    out->erased = get32(in + 24);
    out->generation = get32(in + 28);
    out->link = get32(in + 32);

    memcpy(out->state, in + 36, SBS_FLASH_LOG_STATE_SIZE);
    out->crc = get32(in + SECTOR_CHECKED);
    return true;
}

/* One byte more for the CRC-5 of x^5 + x^2 + 1 (that of USB tokens), four bits at a time. */
static unsigned header_crc5(unsigned crc, unsigned byte) {
    static const uint8_t table[16] = {0x00, 0x16, 0x05, 0x13, 0x0A, 0x1C, 0x0F, 0x19,
                                      0x14, 0x02, 0x11, 0x07, 0x1E, 0x08, 0x1B, 0x0D};

    crc = (crc >> 4) ^ table[(crc ^ byte) & 15u];
    return (crc >> 4) ^ table[(crc ^ (byte >> 4)) & 15u];
}

/* Finds each single flipped bit of a record header. The type shares its byte with this check, and comes last. */
static uint8_t header_check(const uint8_t in[RECORD_HEADER_SIZE]) {
    unsigned crc = 0x1Fu;

    for (size_t i = 1; i < CHECKED_BYTES; i++) {
        crc = header_crc5(crc, in[i]);
    }

    return (uint8_t)header_crc5(crc, in[0] & 7u);
}

static void record_encode_fields(const sbs_flash_log_record *record, uint8_t out[RECORD_HEADER_SIZE]) {
    out[0] = record->type;
    out[1] = record->aux;
    sbs_put_le(out + 2, record->len, 2);
    sbs_put_le(out + 4, record->key, 3);

    /* The check covers the type, which is therefore in place before the two share the byte. */
    out[0] = (uint8_t)(record->type | (header_check(out) << 3));
}

void sbs_record_encode(const sbs_flash_log_record *record, uint8_t out[RECORD_HEADER_SIZE]) {
    record_encode_fields(record, out);
    sbs_put_le(out + CHECKED_BYTES, record->crc, 4);
}

bool sbs_record_decode(const uint8_t in[RECORD_HEADER_SIZE], sbs_flash_log_record *out) {
    if ((in[0] & 7u) > SBS_FLASH_LOG_TYPE_MAX || in[0] >> 3 != header_check(in)) {
        return false;
    }

    out->type = in[0] & 7u;
    out->aux = in[1];
    out->len = (uint16_t)sbs_get_le(in + 2, 2);
    out->key = (uint32_t)sbs_get_le(in + 4, 3);
    out->crc = get32(in + CHECKED_BYTES);
    return true;
}

uint32_t sbs_record_crc(const sbs_flash_log_record *record) {
    uint8_t place[8];
    uint8_t header[RECORD_HEADER_SIZE];

    sbs_put_le(place, record->sector, 4);
    sbs_put_le(place + 4, record->offset, 4);
    record_encode_fields(record, header);

    /* The place is part of it: a record left from an earlier round of the ring is not sound here. */
    return sbs_crc32(sbs_crc32(0, place, sizeof place), header, CHECKED_BYTES);
}

bool sbs_is_blank(const uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (data[i] != 0xFFu) {
            return false;
        }
    }

    return true;
}

uint32_t sbs_bit_count(uint32_t value) {
    uint32_t count = 0;

    for (; value != 0; value &= value - 1u) {
        count++;
    }

    return count;
}
