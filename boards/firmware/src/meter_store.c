/* SPDX-License-Identifier: Apache-2.0 */
/* The record on the flash, how far the device has come with it, and erasing all. */
#include <mbedtls/platform.h>

#include "meter_bytes.h"
#include "meter_internal.h"

#define RECORD "record"
#define PROGRESS "progress"
#define RESETTING "resetting"
#define BLOCK_VERSION 1u
#define PROGRESS_VERSION 1u
#define PROGRESS_SIZE 6u /* version, CRC of the record (4), flags */
#define FLAG_CONFIRMED 1u
#define FLAG_DEVICE 2u

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

sbs_status meter_load_record(meter *m) {
    const char *field;
    size_t size = 0;
    meter_drop_record(m);
    sbs_status status = get(m, RECORD, NULL, 0, &size);
    if (status != SBS_ERR_BUFFER) {
        return status == SBS_OK ? SBS_ERR_DAMAGED : status; /* an empty one */
    }
    m->block = meter_allocate(size);
    if (m->block == NULL) {
        return SBS_ERR_MEMORY;
    }
    m->block_size = size;
    status = get(m, RECORD, m->block, size, &size);
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

sbs_status meter_save_record(const meter *m) {
    return set(m, RECORD, m->block, m->block_size);
}

/* ---- erasing all
 * ----------------------------------------------------------------------------------------------------------- */

sbs_status meter_begin_reset(meter *m) {
    static const uint8_t marker = 1;
    return set(m, RESETTING, &marker, sizeof marker);
}

/* What is secret first, the marker last: after a cut the next start goes on. */
sbs_status meter_finish_reset(meter *m) {
    static const char *const names[] = {RECORD, PROGRESS, "boots", "life", RESETTING};
    uint8_t marker;
    size_t len;
    sbs_status status = get(m, RESETTING, &marker, sizeof marker, &len);
    if (status != SBS_OK) {
        return status;
    }
    meter_keys keys;
    status = meter_keys_load(&keys, &m->ports.storage);
    if (status == SBS_OK || status == SBS_ERR_KEY || status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED) {
        status = meter_keys_reset(&keys);
    }
    if (status == SBS_OK) {
        status = sbs_flash_log_format(m->ports.queue_flash);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0] && status == SBS_OK; i++) {
        status = forget(m, names[i]);
    }
    return status;
}
