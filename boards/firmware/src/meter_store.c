/* SPDX-License-Identifier: Apache-2.0 */
/* The record on the flash, how far the device has come with it, and erasing all. */
#include "meter_bytes.h"
#include "meter_internal.h"
#include "sbs/count.h"
#include "sbs/crc32.h"

#define RECORD "record"
#define PROGRESS "progress"
#define RESETTING "resetting"
#define BLOCK_VERSION 1u
#define PROGRESS_VERSION 1u
#define PROGRESS_SIZE 6u /* version, CRC of the record (4), flags */
#define HEADER_VERSION 1u
#define HEADER_SIZE 8u /* version, set, bytes (2), CRC (4) */
#define SETS 2u
#define PIECE_SIZE 2048u
#define PIECES ((METER_BLOCK_HEADER + METER_RECORD_MAX + PIECE_SIZE - 1u) / PIECE_SIZE)
#define PIECE_NAME_SIZE sizeof(RECORD "-a0")
#define FLAG_CONFIRMED 1u
#define FLAG_DEVICE 2u

typedef struct record_header {
    uint8_t set; /* of pieces */
    size_t size;
    uint32_t crc;
} record_header;

static sbs_status storage_get(const meter *m, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    return m->ports.storage.ops->get(m->ports.storage.ctx, name, buffer, size, out_len);
}

static sbs_status storage_set(const meter *m, const char *name, const uint8_t *data, size_t len) {
    return m->ports.storage.ops->set(m->ports.storage.ctx, name, data, len);
}

/* What is not there is forgotten already. */
static sbs_status storage_forget(const meter *m, const char *name) {
    sbs_status status = m->ports.storage.ops->remove(m->ports.storage.ctx, name);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    return status;
}

/* ---- the record in RAM ------------------------------------------------------------------------------------------- */

void meter_drop_record(meter *m) {
    memset(&m->record, 0, sizeof m->record);
    meter_release(&m->block, m->block_size);
    m->block_size = 0;
    m->confirmed = m->device_put = m->trial.active = false;
}

void meter_stamp_block(meter *m) {
    memset(m->block, 0, METER_BLOCK_HEADER);
    m->block[0] = BLOCK_VERSION;
    (void)meter_put_le(m->block + 1, m->keys.current, 4);
}

sbs_status meter_read_block(meter *m, const char **out_field) {
    *out_field = "";
    if (m->block_size < METER_BLOCK_HEADER) {
        return SBS_ERR_DAMAGED;
    }
    /* A newer firmware wrote it: it is neither used nor erased. */
    if (m->block[0] != BLOCK_VERSION) {
        return SBS_ERR_VERSION;
    }

    return meter_record_read(&m->record, m->block + METER_BLOCK_HEADER, m->block_size - METER_BLOCK_HEADER, out_field);
}

meter_kids meter_kids_of(const meter *m) {
    meter_kids kids = {SBS_KID_SEED, NULL, PSA_KEY_ID_NULL};
    if (m->block != NULL) {
        kids.method = (sbs_kid_method)m->record.kid_method;
        kids.literal = m->record.kid;
        kids.literal_id = (psa_key_id_t)meter_get_le(m->block + 1, 4);
    }

    return kids;
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static uint8_t *block_crc(const meter *m) {
    return m->block + m->block_size - 4;
}

/* The progress of another record counts for nothing: the CRC tells which one it belongs to. */
static void load_progress(meter *m) {
    uint8_t progress[PROGRESS_SIZE];
    size_t len = 0;
    bool found = storage_get(m, PROGRESS, progress, sizeof progress, &len) == SBS_OK && len == PROGRESS_SIZE &&
                 progress[0] == PROGRESS_VERSION && memcmp(progress + 1, block_crc(m), 4) == 0;

    m->confirmed = found && (progress[5] & FLAG_CONFIRMED) != 0;
    m->device_put = found && (progress[5] & FLAG_DEVICE) != 0;
}

void meter_save_progress(meter *m) {
    uint8_t progress[PROGRESS_SIZE] = {PROGRESS_VERSION};
    memcpy(progress + 1, block_crc(m), 4);
    if (m->confirmed) {
        progress[5] |= FLAG_CONFIRMED;
    }

    if (m->device_put) {
        progress[5] |= FLAG_DEVICE;
    }

    sbs_status status = storage_set(m, PROGRESS, progress, sizeof progress);
    if (status != SBS_OK) { /* no harm: the next start asks for a token and puts the Device again */
        meter_say_status(m, "progress not kept", status);
    }
}

/* ---- the record on the flash ------------------------------------------------------------------------------------- */

/* A record may be larger than a sector: it is stored in pieces, in one of two sets, and a header tells which set
 * counts. A new one goes to the other set first. */
static const char *piece_name(unsigned set, size_t offset, char out[PIECE_NAME_SIZE]) {
    memcpy(out, RECORD "-a0", PIECE_NAME_SIZE);
    out[PIECE_NAME_SIZE - 3] = (char)('a' + set);
    out[PIECE_NAME_SIZE - 2] = (char)('0' + offset / PIECE_SIZE);
    return out;
}

static size_t piece_len(size_t size, size_t offset) {
    size_t left = size - offset;
    return left < PIECE_SIZE ? left : PIECE_SIZE;
}

/* SBS_ERR_NOT_FOUND, SBS_ERR_VERSION, SBS_ERR_DAMAGED. */
static sbs_status read_header(const meter *m, record_header *out) {
    uint8_t data[HEADER_SIZE];
    size_t len = 0;

    sbs_status status = storage_get(m, RECORD, data, sizeof data, &len);
    if (status == SBS_ERR_BUFFER) { /* longer than this version's */
        return SBS_ERR_VERSION;
    }
    if (status != SBS_OK) {
        return status;
    }
    if (len > 0 && data[0] > HEADER_VERSION) {
        return SBS_ERR_VERSION;
    }

    out->set = data[1];
    out->size = (size_t)meter_get_le(data + 2, 2);
    out->crc = (uint32_t)meter_get_le(data + 4, 4);

    if (len != HEADER_SIZE || data[0] != HEADER_VERSION || out->set >= SETS || out->size <= METER_BLOCK_HEADER ||
        out->size > METER_BLOCK_HEADER + METER_RECORD_MAX) {
        return SBS_ERR_DAMAGED;
    }

    return SBS_OK;
}

static sbs_status read_pieces(const meter *m, const record_header *header) {
    char name[PIECE_NAME_SIZE];
    size_t len = 0;
    for (size_t at = 0; at < header->size; at += len) {
        size_t most = piece_len(header->size, at);
        sbs_status status = storage_get(m, piece_name(header->set, at, name), m->block + at, most, &len);
        if (status == SBS_ERR_STORAGE) {
            return status;
        }
        if (status != SBS_OK || len != most) {
            return SBS_ERR_DAMAGED;
        }
    }

    if (sbs_crc32(0, m->block, header->size) != header->crc) {
        return SBS_ERR_DAMAGED;
    }

    return SBS_OK;
}

static sbs_status write_pieces(const meter *m, unsigned set) {
    char name[PIECE_NAME_SIZE];
    for (size_t at = 0; at < m->block_size; at += PIECE_SIZE) {
        sbs_status status = storage_set(m, piece_name(set, at, name), m->block + at, piece_len(m->block_size, at));
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

/* From that offset on. One that stays costs room, until it is written over. */
static void remove_pieces(const meter *m, unsigned set, size_t from) {
    char name[PIECE_NAME_SIZE];
    for (size_t at = from; at < PIECES * PIECE_SIZE; at += PIECE_SIZE) {
        (void)storage_forget(m, piece_name(set, at, name));
    }
}

bool meter_has_stored_record(const meter *m) {
    record_header header;
    return read_header(m, &header) != SBS_ERR_NOT_FOUND;
}

static sbs_status load_block(meter *m, const record_header *header) {
    const char *field;
    m->block = meter_allocate(header->size);
    if (m->block == NULL) {
        return SBS_ERR_MEMORY;
    }

    m->block_size = header->size;

    sbs_status status = read_pieces(m, header);
    if (status != SBS_OK) {
        return status;
    }

    return meter_read_block(m, &field);
}

sbs_status meter_load_record(meter *m) {
    record_header header;
    meter_drop_record(m);
    sbs_status status = read_header(m, &header);
    if (status == SBS_OK) {
        status = load_block(m, &header);
    }

    if (status != SBS_OK) {
        meter_drop_record(m);
        return status;
    }

    /* What the command `interval` has set lasts until a record is loaded. */
    load_progress(m);
    m->measuring.interval_s = m->record.interval_s;
    return SBS_OK;
}

sbs_status meter_save_record(const meter *m) {
    record_header header = {.set = 1};
    uint8_t data[HEADER_SIZE] = {HEADER_VERSION};

    sbs_status status = read_header(m, &header);
    if (status == SBS_ERR_STORAGE) {
        return status;
    }

    /* A header that cannot be read names no set: any will do. */
    uint8_t old = header.set < SETS ? header.set : 1;
    uint8_t new = (uint8_t)(1u - old);
    /* The pieces first, then the header that makes them count: a cut in between leaves the old record. */
    data[1] = new;
    (void)meter_put_le(data + 2, m->block_size, 2);
    (void)meter_put_le(data + 4, sbs_crc32(0, m->block, m->block_size), 4);
    status = write_pieces(m, new);
    if (status == SBS_OK) {
        status = storage_set(m, RECORD, data, sizeof data);
    }

    /* Whichever set does not count now is removed, and what an earlier, longer record left in the one that does. */
    if (status != SBS_OK) {
        remove_pieces(m, new, 0);
        return status;
    }

    remove_pieces(m, old, 0);
    remove_pieces(m, new, (m->block_size + PIECE_SIZE - 1) / PIECE_SIZE * PIECE_SIZE);
    return SBS_OK;
}

/* ---- erasing all ------------------------------------------------------------------------------------------------- */

sbs_status meter_begin_reset(meter *m) {
    static const uint8_t marker = 1;
    return storage_set(m, RESETTING, &marker, sizeof marker);
}

/* Whatever is wrong with the list of keys, the keys go; only a flash that cannot be read is a reason to wait. */
static sbs_status erase_keys(const meter *m) {
    meter_keys keys;
    sbs_status status = meter_keys_load(&keys, &m->ports.storage);
    if (status != SBS_OK && status != SBS_ERR_KEY && status != SBS_ERR_NOT_FOUND && status != SBS_ERR_DAMAGED &&
        status != SBS_ERR_VERSION) {
        return status;
    }

    return meter_keys_reset(&keys);
}

static sbs_status erase_records(const meter *m) {
    static const char *const names[] = {RECORD, PROGRESS, "boots", "life"};
    for (unsigned i = 0; i < SETS; i++) {
        remove_pieces(m, i, 0);
    }

    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        sbs_status status = storage_forget(m, names[i]);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_OK;
}

/* What is secret first, the marker last: after a cut the next start goes on. */
sbs_status meter_finish_reset(meter *m) {
    uint8_t marker;
    size_t len;

    sbs_status status = storage_get(m, RESETTING, &marker, sizeof marker, &len);
    if (status != SBS_OK) {
        return status;
    }

    /* Keys first: they are what must not be left behind. */
    status = erase_keys(m);
    if (status == SBS_OK) {
        status = sbs_flash_log_format(m->ports.queue_flash);
    }

    if (status == SBS_OK) {
        status = erase_records(m);
    }

    if (status == SBS_OK && m->ports.scrub != NULL) {
        status = m->ports.scrub(m->ports.ctx);
    }

    if (status != SBS_OK) {
        return status;
    }

    return storage_forget(m, RESETTING);
}
