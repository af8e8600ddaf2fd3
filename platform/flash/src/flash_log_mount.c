/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the log on the flash as power left it. */
#include <string.h>

#include "flash_log_internal.h"

typedef struct checkpoint {
    uint32_t first;
    uint32_t sector;
    uint32_t from; /* offset behind it */
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE];
} checkpoint;

sbs_status sbs_flash_check(const sbs_flash *flash) {
    if (flash == NULL || flash->ops == NULL || flash->sector_count < 3u || flash->sector_count > UINT16_MAX) {
        return SBS_ERR_ARGUMENT;
    }

    uint32_t unit = flash->program_unit;
    bool unit_good = unit == 1u || unit == 2u || unit == 4u || unit == 8u || unit == 16u || unit == 32u;
    bool size_good = flash->sector_size >= 256u && flash->sector_size <= 65536u && flash->sector_size % 256u == 0;
    if (!unit_good || !size_good) {
        return SBS_ERR_ARGUMENT;
    }

    return SBS_OK;
}

/* ---- the newest header ---- */

static sbs_status check_header(const sbs_flash_log *log, const sector_header *header) {
    if (header->version > SBS_FLASH_LOG_VERSION) {
        return SBS_ERR_VERSION;
    }

    if (header->content != log->owner.content || header->program_unit != log->flash->program_unit ||
        header->sector_size != log->flash->sector_size || header->sector_count != log->flash->sector_count) {
        return SBS_ERR_FORMAT;
    }

    if (header->content_version > log->owner.version) {
        return SBS_ERR_VERSION;
    }

    return SBS_OK;
}

/* The newest sector by the headers alone; 0 if there is none. One newer version anywhere refuses all. */
static sbs_status newest_header(sbs_flash_log *log, uint32_t *out_newest) {
    *out_newest = 0;

    for (uint32_t i = 0; i < log->flash->sector_count; i++) {
        sector_header header;
        sbs_status status = sbs_log_read_place(log, i, &header);
        if (status == SBS_ERR_NOT_FOUND) {
            continue; /* erased, or damaged beyond reading */
        }
        if (status == SBS_OK) {
            status = check_header(log, &header);
        }
        if (status != SBS_OK) {
            return status;
        }

        log->generation = (uint32_t)sbs_flash_larger(header.generation, log->generation);
        /* A header at a place that is not its own is a leftover of another use. */
        if (header.sequence % log->flash->sector_count == i && header.sequence > *out_newest) {
            *out_newest = header.sequence;
        }
    }

    return SBS_OK;
}

/* ---- the newest checkpoint ---- */

/* Checkpoints of a copied sector count once their proof is there. A missing proof is also made up for by the sector
 * that was to be given up: nobody erases it before. */
static sbs_status proven(sbs_flash_log *log, const sbs_flash_log_record *record, uint32_t first, uint32_t end,
                         bool *out_proven) {
    *out_proven = record->aux == CHECKPOINT_PLAIN;
    if (*out_proven) {
        return SBS_OK;
    }

    /* The proof stands right behind it. */
    uint32_t after = record->offset + sbs_flash_log_extent(log, record->len);
    sbs_flash_log_record next;
    sbs_status status = sbs_log_record_at(log, record->sector, after, end, &next);
    if (status == SBS_OK && next.type == TYPE_PROOF) {
        *out_proven = true;
        return SBS_OK;
    }
    if (status == SBS_ERR_STORAGE) {
        return status;
    }

    /* Was the sector that was to be given up erased since? */
    sector_header header;
    status = sbs_log_read_sector(log, first - 1u, &header);
    *out_proven = status == SBS_ERR_NOT_FOUND;
    return sbs_flash_none_is_ok(status);
}

static sbs_status take_checkpoint(sbs_flash_log *log, const sbs_flash_log_record *record, uint32_t end, checkpoint *out,
                                  bool *found) {
    if (record->type != TYPE_CHECKPOINT || record->len != SBS_FLASH_LOG_STATE_SIZE) {
        return SBS_OK;
    }

    sbs_status sound = sbs_flash_log_check(log, record);
    if (sound != SBS_OK && sound != SBS_ERR_DAMAGED) {
        return sound;
    }

    /* The key is the low bits of the oldest live sector, which is not newer than this one. */
    uint32_t first = record->sector - ((record->sector - record->key) & SBS_FLASH_LOG_KEY_MAX);
    if (first > record->sector) {
        return SBS_OK;
    }
    bool counts = false;
    sbs_status status = proven(log, record, first, end, &counts);
    if (status != SBS_OK || !counts) {
        return status;
    }

    out->first = first;
    if (sound == SBS_ERR_DAMAGED) {
        return SBS_OK; /* the sector stands in the header, which is sound; the state stays what it was before */
    }

    /* Later ones overwrite earlier ones, so the newest stays. */
    *found = true;
    out->sector = record->sector;
    out->from = record->offset + sbs_flash_log_extent(log, record->len);
    return sbs_flash_log_read(log, record, 0, out->state, sizeof out->state);
}

/* Takes each checkpoint of a sector in turn: the last one stays. */
static sbs_status take_checkpoints(sbs_flash_log *log, uint32_t sector, uint32_t end, checkpoint *out, bool *found) {
    uint32_t offset = sbs_log_start(log);

    while (offset < end) {
        sbs_flash_log_record record;
        sbs_status status = sbs_log_record_at(log, sector, offset, end, &record);
        if (status == SBS_ERR_STORAGE) {
            return status;
        }

        if (status != SBS_OK) { /* damage: the next record is looked for at each unit */
            offset += log->flash->program_unit;
            continue;
        }
        offset += sbs_flash_log_extent(log, record.len);
        status = take_checkpoint(log, &record, end, out, found);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

/* The last checkpoint of one sector, or what its header says. */
static sbs_status sector_checkpoint(sbs_flash_log *log, uint32_t sector, checkpoint *out, bool *found) {
    sector_header header;
    sbs_status status = sbs_log_read_sector(log, sector, &header);
    if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    /* The header holds what a checkpoint does, as of when the sector was opened. */
    *found = status == SBS_OK;
    if (*found) {
        out->first = header.first;
        out->sector = sector;
        out->from = sbs_log_start(log);
        memcpy(out->state, header.state, sizeof out->state);
    }

    uint32_t end = 0;
    status = sbs_log_end_of(log, sector, &end);
    if (status != SBS_OK) {
        return status;
    }

    return take_checkpoints(log, sector, end, out, found);
}

/* The newest checkpoint of the log: in the head, or in an older sector if the head's header cannot be read. */
static sbs_status newest_checkpoint(sbs_flash_log *log, checkpoint *out) {
    memset(out, 0, sizeof *out);

    for (uint32_t back = 0; back < log->flash->sector_count && back < log->head; back++) {
        bool found = false;
        sbs_status status = sector_checkpoint(log, log->head - back, out, &found);
        if (status != SBS_OK || found) {
            return status;
        }
    }

    /* In its first round the log begins with the first sector. */
    out->first = 1;
    return log->head < log->flash->sector_count ? SBS_OK : SBS_ERR_DAMAGED;
}

/* ---- the head ---- */

/* No header is to be found. A cut while the very first sector was opened leaves the other ones blank. */
static sbs_status mount_without_header(sbs_flash_log *log) {
    for (uint32_t i = 0; i < log->flash->sector_count; i++) {
        if (i == 1u % log->flash->sector_count) {
            continue; /* the place of the first sector */
        }

        bool blank = false;
        sbs_status status = sbs_log_blank(log, i * log->flash->sector_size, log->flash->sector_size, &blank);
        if (status != SBS_OK) {
            return status;
        }
        if (!blank) {
            return SBS_ERR_DAMAGED;
        }
    }

    return SBS_OK;
}

/* What to think of a sector that might be the head. */
typedef enum verdict {
    VERDICT_NO,    /* nothing in it was ever promised */
    VERDICT_MAYBE, /* the sector before it is gone: only if there is nothing better */
    VERDICT_YES
} verdict;

/* Whether the head continues the sector that now stands before it. One that was opened after an earlier, undecided
 * version of that does not. */
static sbs_status judge_link(sbs_flash_log *log, const sector_header *head, verdict *out) {
    sector_header before;
    sbs_status status = sbs_log_read_sector(log, log->head - 1u, &before);
    if (status == SBS_OK) {
        *out = head->link == 0 || before.crc == head->link ? VERDICT_YES : VERDICT_NO;
    }
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    /* Its header was damaged if its records are there. */
    uint32_t end = 0;
    status = sbs_log_find_end(log, log->head - 1u, true, &end);
    *out = end > sbs_log_start(log) ? VERDICT_YES : VERDICT_MAYBE;
    return status;
}

/* Judges log->head, and finds its end and the oldest live sector. */
static sbs_status judge_head(sbs_flash_log *log, verdict *out) {
    *out = VERDICT_NO;
    sector_header header;
    sbs_status found = sbs_log_read_sector(log, log->head, &header);
    if (found != SBS_OK && found != SBS_ERR_NOT_FOUND) {
        return found;
    }

    /* A sector in which no record counts promised nothing. */
    sbs_status status = sbs_log_find_end(log, log->head, found != SBS_OK, &log->end);
    if (status != SBS_OK || log->end == sbs_log_start(log)) {
        return status;
    }

    checkpoint newest;
    status = newest_checkpoint(log, &newest);
    if (status != SBS_OK) {
        return status;
    }
    if (newest.first > log->head || newest.first == 0 || log->head - newest.first >= log->flash->sector_count) {
        return SBS_ERR_DAMAGED;
    }

    log->first = newest.first;
    if (sbs_flash_log_free(log) == 0) {
        return SBS_OK; /* copying the oldest sector was cut: its records are where they were */
    }

    /* Without a header, or as the only live sector, it has no link that could be wrong. */
    *out = VERDICT_YES;
    if (found != SBS_OK || newest.first == log->head) {
        return SBS_OK;
    }
    return judge_link(log, &header, out);
}

/* Finds the head, at or before a sector. 0: there is none. */
static sbs_status find_head(sbs_flash_log *log, uint32_t newest) {
    uint32_t maybe = 0;
    verdict found = VERDICT_NO;
    log->head = newest;

    for (uint32_t tries = 0; tries < log->flash->sector_count && log->head > 0; tries++, log->head--) {
        sbs_status status = judge_head(log, &found);
        if (status != SBS_OK || found == VERDICT_YES) {
            return status;
        }
        if (found == VERDICT_MAYBE && maybe == 0) {
            maybe = log->head;
        }
    }

    /* Nothing better was found. Judging it again fills in what belongs to it. */
    if (maybe > 0) {
        log->head = maybe;
        return judge_head(log, &found);
    }

    return log->head > 0 ? SBS_ERR_DAMAGED : SBS_OK;
}

static sbs_status settle_head(sbs_flash_log *log, uint32_t newest) {
    /* The place behind the newest header may hold a newer sector: one with records but without a header that can be
     * read is one whose header was damaged. */
    uint32_t end = 0;
    sbs_status status = sbs_log_find_end(log, newest + 1u, true, &end);
    if (status != SBS_OK) {
        return status;
    }
    uint32_t last = newest;
    if (end > sbs_log_start(log)) {
        last++;
    }
    status = find_head(log, last);
    if (status != SBS_OK || log->head > 0) {
        return status;
    }

    /* There is no log yet. */
    log->first = 1;
    log->end = 0;
    if (newest != 0) {
        return SBS_OK;
    }
    return mount_without_header(log);
}

/* ---- mounting ---- */

/* Bytes behind the end that are not blank. */
static sbs_status measure_torn(sbs_flash_log *log) {
    if (log->head < log->first) {
        return SBS_OK;
    }

    uint8_t bytes[CHUNK];
    for (uint32_t offset = log->end; offset < log->flash->sector_size;) {
        uint32_t part = (uint32_t)sbs_flash_smaller(log->flash->sector_size - offset, sizeof bytes);
        sbs_status status = sbs_log_device_read(log, sbs_log_address(log, log->head, offset), bytes, part);
        if (status != SBS_OK) {
            return status;
        }

        /* Counted for those who watch; what is erased and when is the owner's to say. */
        for (uint32_t i = 0; i < part; i++) {
            log->torn += bytes[i] != 0xFFu;
        }
        offset += part;
    }

    return SBS_OK;
}

static sbs_status note_wear(sbs_flash_log *log) {
    sector_header header;
    sbs_status status = sbs_log_read_sector(log, log->head, &header);
    if (status == SBS_OK) {
        log->head_wear = header.erased;
    }

    return sbs_flash_none_is_ok(status);
}

sbs_status sbs_flash_log_mount(sbs_flash_log *log, const sbs_flash *flash, const sbs_flash_log_owner *owner) {
    memset(log, 0, sizeof *log);
    sbs_status status = sbs_flash_check(flash);
    if (status != SBS_OK) {
        return status;
    }

    /* All else follows from the newest sector. Nothing is written: what is found may be looked at again. */
    log->flash = flash;
    log->owner = *owner;

    uint32_t newest = 0;
    status = newest_header(log, &newest);
    if (status != SBS_OK) {
        return status;
    }
    status = settle_head(log, newest);
    if (status != SBS_OK) {
        return status;
    }
    status = measure_torn(log);
    if (status != SBS_OK) {
        return status;
    }

    return note_wear(log);
}

sbs_status sbs_flash_log_state(sbs_flash_log *log, uint8_t out_state[SBS_FLASH_LOG_STATE_SIZE],
                               sbs_flash_log_cursor *out_from) {
    memset(out_state, 0, SBS_FLASH_LOG_STATE_SIZE);
    memset(out_from, 0, sizeof *out_from);
    if (log->head < log->first) {
        return SBS_OK;
    }

    checkpoint newest;
    sbs_status status = newest_checkpoint(log, &newest);
    if (status != SBS_OK) {
        return status;
    }

    memcpy(out_state, newest.state, SBS_FLASH_LOG_STATE_SIZE);
    out_from->sector = newest.sector;
    out_from->offset = newest.from;
    return sbs_log_end_of(log, newest.sector, &out_from->limit);
}
