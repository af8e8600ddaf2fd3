/* SPDX-License-Identifier: Apache-2.0 */
#include "flash_queue_meta.h"

#include "flash_format.h"

/* Each field has two bits that choose its bytes, in the order of the fields from the lowest. What 0 bytes mean stands
 * beside the field; four more bits are two small values. */
enum { FIELD_UPTIME, FIELD_UTC, FIELD_BOOT, FIELD_LANE, FIELD_ZONE, FIELD_FORMAT, FIELD_COUNT };

static const uint8_t field_bytes[FIELD_COUNT][4] = {
    {3, 4, 5, 8},               /* ms */
    {0, 4, 5, 8},               /* s; 0: unknown */
    {1, 2, 3, 4}, {0, 1, 2, 4}, /* 0: the value of bits 12 and 13 */
    {0, 1, 2, 2},               /* 0: unknown; 1: quarters of an hour; 2: minutes */
    {0, 1, 2, 2},               /* 0: the value of bits 14 and 15 */
};

#define SMALL_MAX 3u
#define LANE_SHIFT 12u
#define FORMAT_SHIFT 14u
#define ZONE_UNKNOWN INT16_MIN
#define ZONE_QUARTERS 1u

/* The smallest code of which the bytes hold a value. What 0 bytes mean is for the caller to see. */
static unsigned meta_choose(unsigned field, uint64_t value) {
    unsigned code = 0;
    if (field_bytes[field][0] == 0) {
        code++;
    }

    while (code < 3u && field_bytes[field][code] < 8u && value >> (8u * field_bytes[field][code]) != 0) {
        code++;
    }

    return code;
}

static unsigned meta_choose_zone(int16_t minutes, uint64_t *value) {
    *value = (uint16_t)minutes;
    if (minutes == ZONE_UNKNOWN) {
        return 0;
    }
    if (minutes % 15 != 0 || minutes / 15 > INT8_MAX || minutes / 15 < INT8_MIN) {
        return 2;
    }

    *value = (uint8_t)(minutes / 15);
    return ZONE_QUARTERS;
}

/* Seconds before 1970 take all eight bytes; 0 bytes is left to "unknown". */
static unsigned meta_choose_utc(int64_t utc_s) {
    if (utc_s == SBS_UTC_UNKNOWN) {
        return 0;
    }

    return meta_choose(FIELD_UTC, (uint64_t)utc_s);
}

static unsigned meta_code_for(const sbs_queue_meta *meta, unsigned field, uint64_t *value) {
    switch (field) {
    case FIELD_UTC:
        return meta_choose_utc(meta->utc_s);
    case FIELD_ZONE:
        return meta_choose_zone(meta->zone_minutes, value);
    case FIELD_LANE:
    case FIELD_FORMAT:
        if (*value <= SMALL_MAX) {
            return 0;
        }
        return meta_choose(field, *value);
    default:
        return meta_choose(field, *value);
    }
}

size_t sbs_flash_queue_meta_encode(const sbs_queue_meta *meta, uint8_t out[QUEUE_META_MAX]) {
    uint64_t values[FIELD_COUNT] = {meta->uptime_ms, (uint64_t)meta->utc_s, meta->boot_id, meta->lane, 0, meta->format};
    uint32_t flags = 0;
    size_t len = QUEUE_META_MIN;

    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        unsigned code = meta_code_for(meta, field, &values[field]);
        sbs_put_le(out + len, values[field], field_bytes[field][code]);
        len += field_bytes[field][code];
        flags |= code << (2u * field);
    }

    /* Small values of these two stand among the flags, and take no bytes. */
    if (meta->lane <= SMALL_MAX) {
        flags |= meta->lane << LANE_SHIFT;
    }
    if (meta->format <= SMALL_MAX) {
        flags |= (uint32_t)meta->format << FORMAT_SHIFT;
    }
    sbs_put_le(out, flags, 2);
    return len;
}

static unsigned meta_code_of(const uint8_t in[QUEUE_META_MIN], unsigned field) {
    return ((unsigned)sbs_get_le(in, 2) >> (2u * field)) & 3u;
}

size_t sbs_flash_queue_meta_size(const uint8_t in[QUEUE_META_MIN]) {
    size_t len = 0;

    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        len += field_bytes[field][meta_code_of(in, field)];
    }

    return len;
}

static int16_t meta_zone_of(unsigned code, uint64_t value) {
    if (code == 0) {
        return ZONE_UNKNOWN;
    }
    if (code == ZONE_QUARTERS) {
        return (int16_t)((int8_t)value * 15);
    }

    return (int16_t)value;
}

void sbs_flash_queue_meta_decode(const uint8_t in[QUEUE_META_MAX], sbs_queue_meta *out) {
    uint64_t values[FIELD_COUNT];
    const uint8_t *at = in + QUEUE_META_MIN;
    for (unsigned field = 0; field < FIELD_COUNT; field++) {
        size_t bytes = field_bytes[field][meta_code_of(in, field)];
        values[field] = sbs_get_le(at, bytes);
        at += bytes;
    }

    /* A value that 0 bytes stand for is unknown, or stands among the flags. */
    uint32_t flags = (uint32_t)sbs_get_le(in, 2);
    if (meta_code_of(in, FIELD_UTC) == 0) {
        values[FIELD_UTC] = (uint64_t)SBS_UTC_UNKNOWN;
    }
    if (meta_code_of(in, FIELD_LANE) == 0) {
        values[FIELD_LANE] = (flags >> LANE_SHIFT) & SMALL_MAX;
    }
    if (meta_code_of(in, FIELD_FORMAT) == 0) {
        values[FIELD_FORMAT] = (flags >> FORMAT_SHIFT) & SMALL_MAX;
    }

    out->uptime_ms = values[FIELD_UPTIME];
    out->utc_s = (int64_t)values[FIELD_UTC];
    out->boot_id = (uint32_t)values[FIELD_BOOT];
    out->lane = (uint32_t)values[FIELD_LANE];
    out->zone_minutes = meta_zone_of(meta_code_of(in, FIELD_ZONE), values[FIELD_ZONE]);
    out->format = (uint16_t)values[FIELD_FORMAT];
}
