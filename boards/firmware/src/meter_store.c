/* SPDX-License-Identifier: Apache-2.0 */
/* The record on the flash, how far the device has come with it, and erasing all. */
#include <mbedtls/platform.h>

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

static sbs_status get(const meter *m, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    return m->ports.storage.ops->get(m->ports.storage.ctx, name, buffer, size, out_len);
}

static sbs_status set(const meter *m, const char *name, const uint8_t *data, size_t len) {
    return m->ports.storage.ops->set(m->ports.storage.ctx, name, data, len);
}

static sbs_status forget(const meter *m, const char *name) {
    sbs_status status = m->ports.storage.ops->remove(m->ports.storage.ctx, name);
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* ---- memory
 * ------------------------------------------------------------------------------------------------------------ */

/* Mbed TLS's allocator, so that there is one account of the heap. */
uint8_t *meter_allocate(size_t size) {
    return mbedtls_calloc(1, size);
}

void meter_release(uint8_t **block, size_t size) {
    sbs_wipe(*block, *block != NULL ? size : 0);
    mbedtls_free(*block);
    *block = NULL;
}

void meter_drop_record(meter *m) {
    memset(&m->record, 0, sizeof m->record);
    meter_release(&m->block, m->block_size);
    m->block_size = 0;
    m->confirmed = m->device_put = m->trial = false;
}

/* ---- the record
 * ---------------------------------------------------------------------------------------------------------- */

static uint8_t *crc_of(const meter *m) {
    return m->block + m->block_size - 4;
}

static void load_progress(meter *m) {
    uint8_t progress[PROGRESS_SIZE];
    size_t len = 0;
    bool found = get(m, PROGRESS, progress, sizeof progress, &len) == SBS_OK && len == PROGRESS_SIZE &&
                 progress[0] == PROGRESS_VERSION && memcmp(progress + 1, crc_of(m), 4) == 0;
    m->confirmed = found && (progress[5] & FLAG_CONFIRMED) != 0;
    m->device_put = found && (progress[5] & FLAG_DEVICE) != 0;
}

void meter_save_progress(meter *m) {
    uint8_t progress[PROGRESS_SIZE] = {PROGRESS_VERSION};
    memcpy(progress + 1, crc_of(m), 4);
    progress[5] = (uint8_t)((m->confirmed ? FLAG_CONFIRMED : 0) | (m->device_put ? FLAG_DEVICE : 0));
    sbs_status status = set(m, PROGRESS, progress, sizeof progress);
    if (status != SBS_OK) { /* costs a repetition after the next start */
        meter_say_status(m, "progress not kept", status);
    }
}

sbs_status meter_read_block(meter *m, const char **out_field) {
    *out_field = "";
    if (m->block_size < METER_BLOCK_HEADER) {
        return SBS_ERR_DAMAGED;
    }
    if (m->block[0] != BLOCK_VERSION) {
        return SBS_ERR_VERSION;
    }
    return meter_record_read(&m->record, m->block + METER_BLOCK_HEADER, m->block_size - METER_BLOCK_HEADER, out_field);
}

/* A record may be larger than a sector: it is stored in pieces, in one of two sets, and a header tells which set
 * counts. A new one goes to the other set first. */
static const char *piece_name(unsigned set, unsigned index, char out[PIECE_NAME_SIZE]) {
    memcpy(out, RECORD "-a0", PIECE_NAME_SIZE);
    out[PIECE_NAME_SIZE - 3] = (char)('a' + set);
    out[PIECE_NAME_SIZE - 2] = (char)('0' + index);
    return out;
}

/* SBS_ERR_NOT_FOUND, SBS_ERR_VERSION, SBS_ERR_DAMAGED. */
static sbs_status read_header(const meter *m, record_header *out) {
    uint8_t data[HEADER_SIZE];
    size_t len = 0;
    sbs_status status = get(m, RECORD, data, sizeof data, &len);
    if (status == SBS_ERR_BUFFER || (status == SBS_OK && len > 0 && data[0] > HEADER_VERSION)) {
        return SBS_ERR_VERSION;
    }
    if (status != SBS_OK) {
        return status;
    }
    out->set = data[1];
    out->size = (size_t)meter_get_le(data + 2, 2);
    out->crc = (uint32_t)meter_get_le(data + 4, 4);
    bool right = len == HEADER_SIZE && data[0] == HEADER_VERSION && out->set < SETS && out->size > METER_BLOCK_HEADER &&
                 out->size <= METER_BLOCK_HEADER + METER_RECORD_MAX;
    return right ? SBS_OK : SBS_ERR_DAMAGED;
}

static sbs_status read_pieces(const meter *m, const record_header *header) {
    char name[PIECE_NAME_SIZE];
    size_t len = 0;
    for (size_t at = 0; at < header->size; at += len) {
        size_t most = header->size - at < PIECE_SIZE ? header->size - at : PIECE_SIZE;
        sbs_status status =
            get(m, piece_name(header->set, (unsigned)(at / PIECE_SIZE), name), m->block + at, most, &len);
        if (status != SBS_OK || len != most) {
            return status == SBS_ERR_STORAGE ? status : SBS_ERR_DAMAGED;
        }
    }
    return sbs_crc32(0, m->block, header->size) == header->crc ? SBS_OK : SBS_ERR_DAMAGED;
}

static void remove_pieces(const meter *m, unsigned set, unsigned from) {
    char name[PIECE_NAME_SIZE];
    for (unsigned i = from; i < PIECES; i++) {
        (void)forget(m, piece_name(set, i, name)); /* costs room, until it is written over */
    }
}

bool meter_has_stored_record(const meter *m) {
    record_header header;
    return read_header(m, &header) != SBS_ERR_NOT_FOUND;
}

sbs_status meter_load_record(meter *m) {
    const char *field;
    record_header header;
    meter_drop_record(m);
    sbs_status status = read_header(m, &header);
    if (status != SBS_OK) {
        return status;
    }
    m->block = meter_allocate(header.size);
    if (m->block == NULL) {
        return SBS_ERR_MEMORY;
    }
    m->block_size = header.size;
    status = read_pieces(m, &header);
    if (status == SBS_OK) {
        status = meter_read_block(m, &field);
    }
    if (status != SBS_OK) {
        meter_drop_record(m);
        return status;
    }
    load_progress(m);
    m->interval_s = m->record.interval_s;
    return SBS_OK;
}

void meter_stamp_block(meter *m) {
    memset(m->block, 0, METER_BLOCK_HEADER);
    m->block[0] = BLOCK_VERSION;
    (void)meter_put_le(m->block + 1, m->keys.current, 4);
}

static sbs_status write_pieces(const meter *m, unsigned set_number) {
    char name[PIECE_NAME_SIZE];
    for (size_t at = 0; at < m->block_size; at += PIECE_SIZE) {
        size_t len = m->block_size - at < PIECE_SIZE ? m->block_size - at : PIECE_SIZE;
        sbs_status status = set(m, piece_name(set_number, (unsigned)(at / PIECE_SIZE), name), m->block + at, len);
        if (status != SBS_OK) {
            return status;
        }
    }
    return SBS_OK;
}

sbs_status meter_save_record(const meter *m) {
    record_header header = {.set = 1};
    uint8_t data[HEADER_SIZE] = {HEADER_VERSION};
    sbs_status status = read_header(m, &header);
    if (status == SBS_ERR_STORAGE) {
        return status;
    }
    uint8_t old = header.set < SETS ? header.set : 1;
    data[1] = (uint8_t)(1u - old);
    (void)meter_put_le(data + 2, m->block_size, 2);
    (void)meter_put_le(data + 4, sbs_crc32(0, m->block, m->block_size), 4);
    status = write_pieces(m, data[1]);
    if (status == SBS_OK) {
        status = set(m, RECORD, data, sizeof data);
    }
    unsigned count = (unsigned)((m->block_size + PIECE_SIZE - 1) / PIECE_SIZE);
    remove_pieces(m, status == SBS_OK ? old : data[1], 0);
    remove_pieces(m, data[1], status == SBS_OK ? count : PIECES);
    return status;
}

/* ---- erasing all
 * ----------------------------------------------------------------------------------------------------------- */

sbs_status meter_begin_reset(meter *m) {
    static const uint8_t marker = 1;
    return set(m, RESETTING, &marker, sizeof marker);
}

static sbs_status scrub(const meter *m) {
    return m->ports.scrub != NULL ? m->ports.scrub(m->ports.ctx) : SBS_OK;
}

/* What is secret first, the marker last: after a cut the next start goes on. */
sbs_status meter_finish_reset(meter *m) {
    static const char *const names[] = {RECORD, PROGRESS, "boots", "life"};
    uint8_t marker;
    size_t len;
    sbs_status status = get(m, RESETTING, &marker, sizeof marker, &len);
    if (status != SBS_OK) {
        return status;
    }
    meter_keys keys;
    status = meter_keys_load(&keys, &m->ports.storage);
    if (status == SBS_OK || status == SBS_ERR_KEY || status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED ||
        status == SBS_ERR_VERSION) {
        status = meter_keys_reset(&keys);
    }
    if (status == SBS_OK) {
        status = sbs_flash_log_format(m->ports.queue_flash);
    }
    for (unsigned i = 0; i < SETS && status == SBS_OK; i++) {
        remove_pieces(m, i, 0);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(names) && status == SBS_OK; i++) {
        status = forget(m, names[i]);
    }
    if (status == SBS_OK) {
        status = scrub(m);
    }
    return status == SBS_OK ? forget(m, RESETTING) : status;
}
