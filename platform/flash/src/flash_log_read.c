/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the records of the log, past damage and up to where a cut operation began. */
#include "flash_log_internal.h"

static uint32_t round_up(uint32_t value, uint32_t unit) {
    return (value + unit - 1u) & ~(unit - 1u);
}

uint32_t sbs_flash_log_extent(const sbs_flash_log *log, size_t len) {
    uint32_t unit = log->flash->program_unit;

    return round_up(RECORD_HEADER_SIZE + (uint32_t)len, unit) + unit;
}

uint32_t sbs_log_start(const sbs_flash_log *log) {
    return round_up(SECTOR_HEADER_SIZE, log->flash->program_unit);
}

uint32_t sbs_log_tail(const sbs_flash_log *log) {
    return sbs_flash_log_extent(log, SBS_FLASH_LOG_STATE_SIZE) + sbs_flash_log_extent(log, 0);
}

uint32_t sbs_flash_log_usable(const sbs_flash_log *log) {
    return log->flash->sector_size - sbs_log_start(log) - sbs_log_tail(log);
}

uint32_t sbs_flash_log_free(const sbs_flash_log *log) {
    return log->flash->sector_count - (log->head + 1u - log->first);
}

uint32_t sbs_log_address(const sbs_flash_log *log, uint32_t sector, uint32_t offset) {
    return (sector % log->flash->sector_count) * log->flash->sector_size + offset;
}

sbs_status sbs_log_device_read(const sbs_flash_log *log, uint32_t address, void *buffer, size_t len) {
    if (log->flash->ops->read(log->flash->ctx, address, buffer, len) != SBS_OK) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

sbs_status sbs_log_read_place(const sbs_flash_log *log, uint32_t index, sector_header *out) {
    uint8_t bytes[SECTOR_HEADER_SIZE];
    sbs_status status = sbs_log_device_read(log, index * log->flash->sector_size, bytes, sizeof bytes);
    if (status != SBS_OK) {
        return status;
    }
    if (!sbs_sector_decode(bytes, out)) {
        return SBS_ERR_NOT_FOUND;
    }

    return SBS_OK;
}

sbs_status sbs_log_read_sector(const sbs_flash_log *log, uint32_t sector, sector_header *out) {
    sbs_status status = sbs_log_read_place(log, sector % log->flash->sector_count, out);
    if (status != SBS_OK) {
        return status;
    }
    if (out->sequence != sector) {
        return SBS_ERR_NOT_FOUND;
    }

    return SBS_OK;
}

sbs_status sbs_log_blank(const sbs_flash_log *log, uint32_t address, size_t len, bool *out_blank) {
    uint8_t bytes[CHUNK];
    *out_blank = true;

    while (len > 0 && *out_blank) {
        size_t part = sbs_flash_smaller(len, sizeof bytes);
        sbs_status status = sbs_log_device_read(log, address, bytes, part);
        if (status != SBS_OK) {
            return status;
        }

        *out_blank = sbs_is_blank(bytes, part);
        address += (uint32_t)part;
        len -= part;
    }

    return SBS_OK;
}

sbs_status sbs_flash_log_read(sbs_flash_log *log, const sbs_flash_log_record *record, size_t offset, void *buffer,
                              size_t len) {
    if (offset > record->len || len > record->len - offset) {
        return SBS_ERR_ARGUMENT;
    }

    /* A record never crosses the end of its sector, so neither does what is read of it. */
    uint32_t place = record->offset + RECORD_HEADER_SIZE + (uint32_t)offset;
    return sbs_log_device_read(log, sbs_log_address(log, record->sector, place), buffer, len);
}

static sbs_status payload_crc(sbs_flash_log *log, const sbs_flash_log_record *record, uint32_t *out_crc) {
    uint8_t bytes[CHUNK];
    uint32_t crc = sbs_record_crc(record);

    for (size_t done = 0; done < record->len;) {
        size_t part = sbs_flash_smaller(record->len - done, sizeof bytes);
        sbs_status status = sbs_flash_log_read(log, record, done, bytes, part);
        if (status != SBS_OK) {
            return status;
        }

        crc = sbs_crc32(crc, bytes, part);
        done += part;
    }

    *out_crc = crc;
    return SBS_OK;
}

sbs_status sbs_log_compare_crc(uint32_t crc, uint32_t stored) {
    return sbs_bit_count(crc ^ stored) <= 1u ? SBS_OK : SBS_ERR_DAMAGED;
}

sbs_status sbs_flash_log_check(sbs_flash_log *log, const sbs_flash_log_record *record) {
    uint32_t crc = 0;
    sbs_status status = payload_crc(log, record, &crc);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_log_compare_crc(crc, record->crc);
}

static bool record_fits(const sbs_flash_log *log, const sbs_flash_log_record *record, uint32_t limit) {
    return record->offset < limit && sbs_flash_log_extent(log, record->len) <= limit - record->offset;
}

/* Tries each bit of the checked fields; the payload's checksum tells whether it was the one. */
static sbs_status record_repair(sbs_flash_log *log, uint8_t bytes[RECORD_HEADER_SIZE], uint32_t limit,
                                sbs_flash_log_record *record) {
    for (unsigned bit = 0; bit < (RECORD_HEADER_SIZE - 4u) * 8u; bit++) {
        uint8_t mask = (uint8_t)(1u << (bit % 8u));

        /* Most bits are ruled out by the check of the header: only then the payload is read. */
        bytes[bit / 8u] ^= mask;
        if (sbs_record_decode(bytes, record) && record_fits(log, record, limit)) {
            sbs_status status = sbs_flash_log_check(log, record);
            if (status == SBS_OK) {
                log->repaired++;
            }
            if (status != SBS_ERR_DAMAGED) {
                return status;
            }
        }
        bytes[bit / 8u] ^= mask;
    }

    return SBS_ERR_DAMAGED;
}

sbs_status sbs_log_record_at(sbs_flash_log *log, uint32_t sector, uint32_t offset, uint32_t limit,
                             sbs_flash_log_record *out) {
    uint8_t bytes[RECORD_HEADER_SIZE];
    if (offset + sizeof bytes > limit) {
        return SBS_ERR_NOT_FOUND;
    }

    sbs_status status = sbs_log_device_read(log, sbs_log_address(log, sector, offset), bytes, sizeof bytes);
    if (status != SBS_OK) {
        return status;
    }
    if (sbs_is_blank(bytes, sizeof bytes)) {
        return SBS_ERR_NOT_FOUND; /* a header is never all ones: its type is not 7 */
    }

    out->sector = sector;
    out->offset = offset;
    if (sbs_record_decode(bytes, out) && record_fits(log, out, limit)) {
        return SBS_OK;
    }

    return record_repair(log, bytes, limit, out);
}

typedef struct seal_state {
    bool begun;    /* something was programmed */
    bool complete; /* it reads as a whole seal, but for a flipped bit */
} seal_state;

static sbs_status read_seal(sbs_flash_log *log, const sbs_flash_log_record *record, seal_state *out) {
    uint8_t bytes[32];
    uint32_t unit = log->flash->program_unit;
    uint32_t offset = record->offset + sbs_flash_log_extent(log, record->len) - unit;

    sbs_status status = sbs_log_device_read(log, sbs_log_address(log, record->sector, offset), bytes, unit);
    if (status != SBS_OK) {
        return status;
    }

    /* A seal is all zeros; one bit may have flipped. */
    uint32_t ones = 0;
    for (uint32_t i = 0; i < unit; i++) {
        ones += sbs_bit_count(bytes[i]);
    }

    out->begun = !sbs_is_blank(bytes, unit);
    out->complete = ones <= 1u;
    return SBS_OK;
}

/* SBS_OK for a record that was completed and is sound, SBS_ERR_DAMAGED for anything else. */
static sbs_status sound_record(sbs_flash_log *log, const sbs_flash_log_record *record, seal_state *seal) {
    sbs_status status = read_seal(log, record, seal);
    if (status != SBS_OK) {
        return status;
    }
    if (!seal->begun) {
        return SBS_ERR_DAMAGED;
    }

    return sbs_flash_log_check(log, record);
}

/* The next sound record from an offset on, behind something that cannot be read. */
static sbs_status find_sound_record(sbs_flash_log *log, uint32_t sector, uint32_t offset, uint32_t limit,
                                    sbs_flash_log_record *out) {
    uint8_t bytes[RECORD_HEADER_SIZE];
    seal_state seal;
    out->sector = sector;

    for (; offset + sizeof bytes <= limit; offset += log->flash->program_unit) {
        sbs_status status = sbs_log_device_read(log, sbs_log_address(log, sector, offset), bytes, sizeof bytes);
        if (status != SBS_OK) {
            return status;
        }

        /* Much looks like a header by chance. Only seal and payload make sure. */
        out->offset = offset;
        if (!sbs_record_decode(bytes, out) || !record_fits(log, out, limit)) {
            continue;
        }

        status = sound_record(log, out, &seal);
        if (status != SBS_ERR_DAMAGED) {
            return status;
        }
    }

    return SBS_ERR_NOT_FOUND;
}

/* Whether nothing was programmed from an offset to the end of the sector. */
static sbs_status rest_is_blank(sbs_flash_log *log, uint32_t sector, uint32_t offset, bool *out_blank) {
    return sbs_log_blank(log, sbs_log_address(log, sector, offset), log->flash->sector_size - offset, out_blank);
}

/* A last record that is complete, with nothing behind it, but fails its checksum was damaged rather than cut. */
static sbs_status damaged_last(sbs_flash_log *log, const sbs_flash_log_record *record, uint32_t *end) {
    uint32_t after = record->offset + sbs_flash_log_extent(log, record->len);
    bool blank = false;

    sbs_status status = rest_is_blank(log, record->sector, after, &blank);
    if (status == SBS_OK && blank) {
        *end = after;
    }

    return status;
}

sbs_status sbs_log_find_end(sbs_flash_log *log, uint32_t sector, bool strict, uint32_t *out_end) {
    uint32_t size = log->flash->sector_size;
    uint32_t offset = sbs_log_start(log);
    *out_end = offset;

    for (;;) {
        sbs_flash_log_record record;
        seal_state seal = {false, false};
        bool blank = false;

        sbs_status status = sbs_log_record_at(log, sector, offset, size, &record);
        if (status == SBS_OK) {
            status = sound_record(log, &record, &seal);
        } else if (status == SBS_ERR_NOT_FOUND) {
            status = rest_is_blank(log, sector, offset, &blank);
            if (status != SBS_OK || blank) {
                return status; /* the usual end */
            }
            status = SBS_ERR_DAMAGED;
        }

        /* Something is there that is no sound record. If one follows, this was damaged; else it was cut. */
        if (status == SBS_ERR_DAMAGED && strict && offset == sbs_log_start(log)) {
            return SBS_OK;
        }
        if (status == SBS_ERR_DAMAGED) {
            sbs_flash_log_record later;
            status = find_sound_record(log, sector, offset + log->flash->program_unit, size, &later);
            if (status == SBS_ERR_NOT_FOUND) {
                if (!seal.complete || strict) {
                    return SBS_OK;
                }
                return damaged_last(log, &record, out_end);
            }
            record = later;
        }
        if (status != SBS_OK) {
            return status;
        }

        /* A record that counts: the end is behind it at least. */
        offset = record.offset + sbs_flash_log_extent(log, record.len);
        *out_end = offset;
    }
}

sbs_status sbs_log_end_of(sbs_flash_log *log, uint32_t sector, uint32_t *out_end) {
    if (sector == log->head) {
        *out_end = log->end;
        return SBS_OK;
    }

    /* The header behind it decided, when it was opened, what counts here. */
    sector_header next;
    sbs_status status = sbs_log_read_sector(log, sector + 1u, &next);
    if (status == SBS_OK && next.prev_end >= sbs_log_start(log) && next.prev_end <= log->flash->sector_size) {
        *out_end = next.prev_end;
        return SBS_OK;
    }
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    return sbs_log_find_end(log, sector, false, out_end);
}

sbs_status sbs_flash_log_torn(sbs_flash_log *log, uint32_t *out_sector) {
    *out_sector = 0;

    for (uint32_t sector = log->head; sector >= log->first; sector--) {
        uint32_t end = 0;
        bool blank = true;

        sbs_status status = sbs_log_end_of(log, sector, &end);
        if (status == SBS_OK) {
            status = rest_is_blank(log, sector, end, &blank);
        }
        if (status != SBS_OK) {
            return status;
        }

        if (!blank) {
            *out_sector = sector;
            return SBS_OK;
        }
    }

    return SBS_OK;
}

/* ---- walking ---- */

/* Moves the cursor to the start of the next sector that it is due in. */
static sbs_status enter_sector(sbs_flash_log *log, sbs_flash_log_cursor *cursor) {
    uint32_t sector = cursor->sector + 1u;
    if (cursor->sector < log->first) { /* at the beginning, or its sector is not live any more */
        sector = log->first;
    }
    if (sector > log->head) {
        return SBS_ERR_NOT_FOUND;
    }

    uint32_t end = 0;
    sbs_status status = sbs_log_end_of(log, sector, &end);
    if (status != SBS_OK) {
        return status;
    }

    *cursor = (sbs_flash_log_cursor){.sector = sector, .offset = sbs_log_start(log), .limit = end};
    return SBS_OK;
}

/* Brings the cursor to where a record may be: SBS_ERR_NOT_FOUND behind the last one. */
static sbs_status settle_cursor(sbs_flash_log *log, sbs_flash_log_cursor *cursor) {
    for (;;) {
        if (cursor->sector >= log->first) {
            /* The head grows while it is walked. */
            if (cursor->limit == 0 || cursor->sector == log->head) {
                sbs_status status = sbs_log_end_of(log, cursor->sector, &cursor->limit);
                if (status != SBS_OK) {
                    return status;
                }
            }
            if (cursor->offset < cursor->limit) {
                return SBS_OK;
            }
        }

        sbs_status status = enter_sector(log, cursor);
        if (status != SBS_OK) {
            return status;
        }
    }
}

/* Passes over what cannot be read. */
static sbs_status skip_damage(sbs_flash_log *log, sbs_flash_log_cursor *cursor) {
    uint32_t offset = cursor->offset + log->flash->program_unit;
    sbs_flash_log_record later;
    sbs_status status = find_sound_record(log, cursor->sector, offset, cursor->limit, &later);
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    /* Without another sound record the rest of the sector is lost. */
    cursor->offset = cursor->limit;
    if (status == SBS_OK) {
        cursor->offset = later.offset;
    }
    log->damaged++;
    return SBS_ERR_DAMAGED;
}

sbs_status sbs_flash_log_next(sbs_flash_log *log, sbs_flash_log_cursor *cursor, sbs_flash_log_record *out_record) {
    for (;;) {
        sbs_status status = settle_cursor(log, cursor);
        if (status != SBS_OK) {
            return status;
        }

        status = sbs_log_record_at(log, cursor->sector, cursor->offset, cursor->limit, out_record);
        if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED) {
            return skip_damage(log, cursor);
        }
        if (status != SBS_OK) {
            return status;
        }

        /* The log's own records are not for the owner. */
        cursor->offset += sbs_flash_log_extent(log, out_record->len);
        if (out_record->type >= SBS_FLASH_LOG_TYPE_MIN) {
            return SBS_OK;
        }
    }
}
