/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the log: records, sectors, and copying what is live out of the oldest one. */
#include <string.h>

#include "flash_log_internal.h"

#include "sbs/text.h"

typedef enum phase {
    PHASE_NONE,
    PHASE_FILL, /* copies go to the rest of the head */
    PHASE_COPY  /* copies go to a sector that was opened for them and counts once its proof is written */
} phase;

/* Collects bytes to whole program units. */
typedef struct stage {
    const sbs_flash *flash;
    uint32_t address;
    size_t fill;
    sbs_status status;
    uint8_t bytes[CHUNK];
} stage;

static void stage_init(stage *out, const sbs_flash_log *log, uint32_t sector, uint32_t offset) {
    out->flash = log->flash;
    out->address = sbs_log_address(log, sector, offset);
    out->fill = 0;
    out->status = SBS_OK;
}

static void stage_program(stage *out) {
    const sbs_flash *flash = out->flash;

    if (out->status == SBS_OK && out->fill > 0 &&
        flash->ops->program(flash->ctx, out->address, out->bytes, out->fill) != SBS_OK) {
        out->status = SBS_ERR_STORAGE;
    }

    out->address += (uint32_t)out->fill;
    out->fill = 0;
}

static void stage_put(stage *out, const void *data, size_t len) {
    const uint8_t *bytes = data;

    while (len > 0) {
        size_t part = sbs_flash_smaller(len, CHUNK - out->fill);

        memcpy(out->bytes + out->fill, bytes, part);
        out->fill += part;
        bytes += part;
        len -= part;

        if (out->fill == CHUNK) { /* whole units, as it is a multiple of each */
            stage_program(out);
        }
    }
}

/* Programs the rest. The last unit is filled up with ones, which leave flash as it is. */
static sbs_status stage_finish(stage *out) {
    while (out->fill % out->flash->program_unit != 0) {
        out->bytes[out->fill++] = 0xFFu;
    }

    stage_program(out);
    sbs_wipe(out->bytes, sizeof out->bytes); /* a secret may have passed through */
    return out->status;
}

/* ---- sectors ---- */

/* How often the place of a sector will have been erased. Its old header tells; where that is gone, it was at least once
 * for each round of the ring. */
static sbs_status next_wear(sbs_flash_log *log, uint32_t sector, uint32_t *out_erased) {
    sector_header old;
    sbs_status status = sbs_log_read_place(log, sector % log->flash->sector_count, &old);
    if (status == SBS_OK) {
        *out_erased = old.erased + 1u;
        return SBS_OK;
    }

    uint32_t rounds = (sector - 1u) / log->flash->sector_count + 1u;
    *out_erased = (uint32_t)sbs_flash_larger(rounds, log->head_wear);

    return sbs_flash_none_is_ok(status);
}

static sbs_status write_sector_header(sbs_flash_log *log, uint32_t sector, uint32_t erased) {
    sector_header before;
    sbs_status found = sbs_log_read_sector(log, sector - 1u, &before);
    if (found != SBS_OK && found != SBS_ERR_NOT_FOUND) {
        return found;
    }

    /* prev_end says what counts of the sector before, link which version of it that is. As generation never comes
     * again, no two headers have the same checksum to be linked by. */
    sector_header header = {.version = SBS_FLASH_LOG_VERSION,
                            .content = log->owner.content,
                            .content_version = log->owner.version,
                            .program_unit = (uint8_t)log->flash->program_unit,
                            .sector_size = log->flash->sector_size,
                            .sector_count = log->flash->sector_count,
                            .sequence = sector,
                            .first = log->first,
                            .prev_end = log->head < log->first ? 0 : log->end,
                            .erased = erased,
                            .generation = ++log->generation,
                            .link = found == SBS_OK ? before.crc : 0};
    if (log->owner.state != NULL) {
        log->owner.state(log->owner.ctx, header.state);
    }

    uint8_t bytes[SECTOR_HEADER_SIZE];
    sbs_sector_encode(&header, bytes);

    stage out;
    stage_init(&out, log, sector, 0);
    stage_put(&out, bytes, sizeof bytes);
    return stage_finish(&out);
}

/* Goes back to the sector before the head. That is not written any more: the header of the head, which may be found
 * again, says where it ends. */
static void drop_head(sbs_flash_log *log) {
    log->head--;
    log->end = log->back_end;
    log->writable = false;
}

static sbs_status erase_place(const sbs_flash *flash, uint32_t address) {
    if (flash->ops->erase(flash->ctx, address) != SBS_OK) {
        return SBS_ERR_STORAGE;
    }

    return SBS_OK;
}

/* Opens the next sector of the ring. */
static sbs_status open_sector(sbs_flash_log *log) {
    if (log->head >= log->first && log->end == sbs_log_start(log)) {
        drop_head(log); /* nothing in it: it is opened again */
    }

    /* Until all is done nothing is written: an error leaves the head as it was, but closed. */
    uint32_t sector = log->head + 1u;
    uint32_t erased = 0;
    log->writable = false;

    sbs_status status = next_wear(log, sector, &erased);
    if (status != SBS_OK) {
        return status;
    }

    /* Power may fail between the two: then the place has no header, and is opened again. */
    status = erase_place(log->flash, sbs_log_address(log, sector, 0));
    if (status != SBS_OK) {
        return status;
    }
    status = write_sector_header(log, sector, erased);
    if (status != SBS_OK) {
        return status;
    }

    log->back_end = log->end;
    log->head = sector;
    log->head_wear = erased;
    log->end = sbs_log_start(log);
    log->limit = log->flash->sector_size - sbs_log_tail(log); /* room for a checkpoint and its proof stays */
    log->writable = true;
    return SBS_OK;
}

/* ---- records ---- */

static bool head_has_room(const sbs_flash_log *log, uint32_t bytes) {
    return log->writable && log->end <= log->limit && bytes <= log->limit - log->end;
}

/* The seal comes last and alone: once it is begun, all before it is known to be complete. */
static sbs_status seal_record(sbs_flash_log *log, const sbs_flash_log_record *record, sbs_status written) {
    static const uint8_t seal[32] = {0};
    const sbs_flash *flash = log->flash;
    uint32_t unit = flash->program_unit;
    uint32_t end = record->offset + sbs_flash_log_extent(log, record->len);

    if (written == SBS_OK &&
        flash->ops->program(flash->ctx, sbs_log_address(log, record->sector, end - unit), seal, unit) == SBS_OK) {
        log->end = end;
        return SBS_OK;
    }

    /* Nobody knows what was programmed: the rest of the sector is left alone. */
    log->writable = false;
    return SBS_ERR_STORAGE;
}

static void begin_record(sbs_flash_log *log, stage *out, const sbs_flash_log_record *record) {
    uint8_t header[RECORD_HEADER_SIZE];

    sbs_record_encode(record, header);
    stage_init(out, log, record->sector, record->offset);
    stage_put(out, header, sizeof header);
}

/* Writes a record where there is room for it. */
static sbs_status put_record(sbs_flash_log *log, sbs_flash_log_record *record, const sbs_flash_log_part *parts,
                             size_t count) {
    /* The checksum stands in the header, so the payload is gone through twice. */
    record->sector = log->head;
    record->offset = log->end;
    record->crc = sbs_record_crc(record);
    for (size_t i = 0; i < count; i++) {
        record->crc = sbs_crc32(record->crc, parts[i].data, parts[i].len);
    }

    stage out;
    begin_record(log, &out, record);
    for (size_t i = 0; i < count; i++) {
        stage_put(&out, parts[i].data, parts[i].len);
    }

    return seal_record(log, record, stage_finish(&out));
}

/* ---- compaction: the oldest sector becomes free ---- */

static sbs_status open_for_copies(sbs_flash_log *log) {
    sbs_status status = open_sector(log);
    if (status == SBS_OK) {
        log->phase = PHASE_COPY;
    }

    return status;
}

/* Room for a copy: in the rest of the head, else in a sector of its own. */
static sbs_status room_for_copy(sbs_flash_log *log, uint32_t extent) {
    if (head_has_room(log, extent)) {
        return SBS_OK;
    }

    /* Copies never take more than the records took: without room in their own sector the device failed. */
    if (log->phase != PHASE_FILL) {
        return SBS_ERR_STORAGE;
    }

    return open_for_copies(log);
}

/* Says that the oldest sector is given up. Where copies took a sector of their own, a proof has to follow. */
static sbs_status put_checkpoint(sbs_flash_log *log) {
    uint8_t state[SBS_FLASH_LOG_STATE_SIZE] = {0};

    if (log->phase == PHASE_FILL && !head_has_room(log, sbs_flash_log_extent(log, sizeof state))) {
        sbs_status status = open_for_copies(log);
        if (status != SBS_OK) {
            return status;
        }
    }

    if (log->owner.state != NULL) {
        log->owner.state(log->owner.ctx, state);
    }

    /* Its key is what the oldest live sector will be, once this counts. */
    sbs_flash_log_part part = {state, sizeof state};
    sbs_flash_log_record record = {.type = TYPE_CHECKPOINT,
                                   .key = (log->first + 1u) & SBS_FLASH_LOG_KEY_MAX,
                                   .len = sizeof state,
                                   .aux = log->phase == PHASE_COPY ? CHECKPOINT_MOVED : CHECKPOINT_PLAIN};

    sbs_status status = put_record(log, &record, &part, 1);
    if (status != SBS_OK || log->phase != PHASE_COPY) {
        return status;
    }

    /* The room that each sector keeps at its end is for these two. */
    sbs_flash_log_record proof = {.type = TYPE_PROOF};
    log->limit = log->flash->sector_size;
    return put_record(log, &proof, NULL, 0);
}

/* The owner copies what is live of the oldest sector. What is damaged there stays behind. */
static sbs_status move_oldest(sbs_flash_log *log) {
    sbs_flash_log_cursor cursor = {0};
    uint32_t oldest = log->first;

    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_log_next(log, &cursor, &record);
        if (cursor.sector > oldest || status == SBS_ERR_NOT_FOUND) {
            return SBS_OK; /* the copies themselves are not walked */
        }

        if (status == SBS_OK) {
            status = log->owner.move(log->owner.ctx, &record);
        }
        if (status != SBS_OK && status != SBS_ERR_DAMAGED) {
            return status;
        }
    }
}

static sbs_status copy_and_checkpoint(sbs_flash_log *log) {
    /* The oldest sector cannot take its own copies. */
    if (log->first == log->head) {
        sbs_status status = open_for_copies(log);
        if (status != SBS_OK) {
            return status;
        }
    }

    sbs_status status = move_oldest(log);
    if (status != SBS_OK) {
        return status;
    }

    return put_checkpoint(log);
}

sbs_status sbs_flash_log_compact(sbs_flash_log *log) {
    if (log->head < log->first) {
        return SBS_ERR_NOT_FOUND;
    }

    /* Until the checkpoint counts the oldest sector is live: a cut, or an error, leaves everything where it is. */
    log->phase = PHASE_FILL;
    sbs_status status = copy_and_checkpoint(log);
    if (status == SBS_OK) {
        log->first++;
    } else if (log->phase == PHASE_COPY) {
        drop_head(log);
    }

    log->phase = PHASE_NONE;
    return status;
}

/* ---- room, and records of the owner ---- */

bool sbs_flash_log_is_crowded(const sbs_flash_log *log, size_t len, size_t spare) {
    return sbs_flash_log_free(log) == 1u && !head_has_room(log, sbs_flash_log_extent(log, len) + (uint32_t)spare);
}

sbs_status sbs_flash_log_reserve(sbs_flash_log *log, size_t len, size_t spare) {
    if (len > UINT16_MAX || sbs_flash_log_extent(log, len) > sbs_flash_log_usable(log)) {
        return SBS_ERR_TOO_LARGE;
    }

    /* The last sector but one may be opened; then room comes from compacting, at most once round the ring. */
    uint32_t extent = sbs_flash_log_extent(log, len);
    for (uint32_t steps = 0; steps <= log->flash->sector_count + 1u; steps++) {
        bool last = sbs_flash_log_free(log) == 1u;
        if (head_has_room(log, last ? extent + (uint32_t)spare : extent)) {
            return SBS_OK;
        }

        sbs_status status = last ? sbs_flash_log_compact(log) : open_sector(log);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_ERR_BUFFER;
}

sbs_status sbs_flash_log_append(sbs_flash_log *log, sbs_flash_log_record *record, const sbs_flash_log_part *parts,
                                size_t count) {
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += parts[i].len;
    }

    if (record->type < SBS_FLASH_LOG_TYPE_MIN || record->type > SBS_FLASH_LOG_TYPE_MAX ||
        record->key > SBS_FLASH_LOG_KEY_MAX) {
        return SBS_ERR_ARGUMENT;
    }
    if (len > sbs_flash_log_usable(log)) { /* the header comes on top: that is seen when room is made */
        return SBS_ERR_TOO_LARGE;
    }

    /* During a compaction the owner may append in place of a copy: that must not start another one. */
    sbs_status status = SBS_OK;
    if (log->phase == PHASE_NONE) {
        status = sbs_flash_log_reserve(log, len, 0);
    } else {
        status = room_for_copy(log, sbs_flash_log_extent(log, len));
    }
    if (status != SBS_OK) {
        return status;
    }

    record->len = (uint16_t)len;
    return put_record(log, record, parts, count);
}

/* ---- copies ---- */

/* One pass: the checksum as it should be, and the one that the copy will have. */
static sbs_status copy_crc(sbs_flash_log *log, const sbs_flash_log_record *from, sbs_flash_log_record *to) {
    uint8_t bytes[CHUNK];
    uint32_t crc = sbs_record_crc(from);
    sbs_status status = SBS_OK;
    to->crc = sbs_record_crc(to);

    for (size_t done = 0; done < from->len && status == SBS_OK;) {
        size_t part = sbs_flash_smaller(from->len - done, sizeof bytes);
        status = sbs_flash_log_read(log, from, done, bytes, part);
        if (status == SBS_OK) {
            crc = sbs_crc32(crc, bytes, part);
            to->crc = sbs_crc32(to->crc, bytes, part);
        }

        done += part;
    }

    sbs_wipe(bytes, sizeof bytes); /* after a failed read, too */
    if (status != SBS_OK) {
        return status;
    }

    return sbs_log_compare_crc(crc, from->crc);
}

/* Reads the payload of a record into the stage of its copy. */
static sbs_status copy_payload(sbs_flash_log *log, const sbs_flash_log_record *record, stage *out) {
    uint8_t bytes[32];
    sbs_status status = SBS_OK;

    for (size_t done = 0; done < record->len && status == SBS_OK;) {
        size_t part = sbs_flash_smaller(record->len - done, sizeof bytes);

        status = sbs_flash_log_read(log, record, done, bytes, part);
        stage_put(out, bytes, part);
        done += part;
    }

    sbs_wipe(bytes, sizeof bytes);
    return status;
}

sbs_status sbs_flash_log_move(sbs_flash_log *log, const sbs_flash_log_record *record, uint8_t aux) {
    sbs_status status = room_for_copy(log, sbs_flash_log_extent(log, record->len));
    if (status != SBS_OK) {
        return status;
    }

    /* All but place, aux and checksum stays as it is. */
    sbs_flash_log_record copy = *record;
    copy.sector = log->head;
    copy.offset = log->end;
    copy.aux = aux;
    status = copy_crc(log, record, &copy);
    if (status != SBS_OK) {
        return status;
    }

    stage out;
    begin_record(log, &out, &copy);
    status = copy_payload(log, record, &out);

    /* Finishing wipes the stage, so it is done after a failed read, too. */
    sbs_status written = stage_finish(&out);
    return seal_record(log, &copy, status == SBS_OK ? written : status);
}

/* ---- erasing for good ---- */

/* Erases the free sectors that are not blank, or only tells that there is one. */
static sbs_status wipe_free(sbs_flash_log *log, bool erase, bool *out_found) {
    *out_found = false;

    /* Free sectors follow the head. */
    for (uint32_t i = 0; i < sbs_flash_log_free(log); i++) {
        uint32_t address = sbs_log_address(log, log->head + 1u + i, 0);
        bool blank = false;
        sbs_status status = sbs_log_blank(log, address, log->flash->sector_size, &blank);
        if (status == SBS_OK && !blank && erase) {
            status = erase_place(log->flash, address);
        }
        if (status != SBS_OK) {
            return status;
        }

        *out_found = *out_found || !blank; /* what is blank is not erased again, which would only wear it */
    }

    return SBS_OK;
}

sbs_status sbs_flash_log_erase_free(sbs_flash_log *log) {
    bool found = false;
    sbs_status status = wipe_free(log, false, &found);
    if (status != SBS_OK || !found) {
        return status;
    }

    /* That a sector is free may be what an operation that was cut says. Writing decides it. */
    if (!log->writable && log->head >= log->first) {
        status = sbs_flash_log_compact(log);
        if (status != SBS_OK) {
            return status;
        }
    }

    return wipe_free(log, true, &found);
}

sbs_status sbs_flash_log_format(const sbs_flash *flash) {
    sbs_status status = sbs_flash_check(flash);
    if (status != SBS_OK) {
        return status;
    }

    for (uint32_t i = 0; i < flash->sector_count; i++) {
        status = erase_place(flash, i * flash->sector_size);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}
