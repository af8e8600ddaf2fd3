/* SPDX-License-Identifier: Apache-2.0 */
/* Named records: the newest of a name wins. A record is its name and its bytes; aux is the length of the name. */
#include "sbs/flash_storage.h"

#include <string.h>

#include "flash_format.h"

enum {
    TYPE_VALUE = 2,
    TYPE_REMOVED = 3,
    TYPE_DAMAGED = 4 /* stands for a record that could not be copied; no payload */
};

#define AUX_SECRET 0x80u
#define AUX_NAME 0x1Fu

static bool name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Bytes of an allowed name, 0 for any other. */
static size_t name_length(const char *name) {
    size_t len = 0;
    if (!name || name[0] == '-') {
        return 0;
    }
    for (; name[len] != '\0'; len++) {
        if (len == SBS_STORAGE_NAME_MAX || !name_char(name[len])) {
            return 0;
        }
    }
    return len;
}

static uint32_t name_key(const char *name, size_t len) {
    return sbs_crc32(0, name, len) & SBS_FLASH_LOG_KEY_MAX;
}

static size_t record_name_length(const sbs_flash_log_record *record) {
    size_t len = record->aux & AUX_NAME;
    return len <= record->len ? len : record->len;
}

/* What is looked for: a name, or any record with the key where the name cannot be read. */
typedef struct wanted {
    uint32_t key;
    const char *name; /* NULL: any */
    size_t len;
} wanted;

/* SBS_OK if the record is of this name or, damaged, can be of no other with the same key. */
static sbs_status same_name(sbs_flash_log *log, const sbs_flash_log_record *record, const wanted *what) {
    char stored[SBS_STORAGE_NAME_MAX];
    if (record->type == TYPE_DAMAGED || !what->name) {
        return SBS_OK;
    }
    size_t stored_len = record_name_length(record);
    sbs_status status = sbs_flash_log_read(log, record, 0, stored, stored_len);
    if (status != SBS_OK || (stored_len == what->len && memcmp(stored, what->name, stored_len) == 0)) {
        return status;
    }
    status = sbs_flash_log_check(log, record);
    if (status == SBS_ERR_DAMAGED) {
        return SBS_OK;
    }
    return status == SBS_OK ? SBS_ERR_NOT_FOUND : status;
}

/* The newest such record behind the cursor. An unreadable region behind it might have been a newer one:
 * SBS_ERR_DAMAGED. */
static sbs_status find_newest(sbs_flash_log *log, sbs_flash_log_cursor cursor, const wanted *what,
                              sbs_flash_log_record *out) {
    sbs_status found = SBS_ERR_NOT_FOUND;
    for (;;) {
        sbs_flash_log_record record;
        sbs_status status = sbs_flash_log_next(log, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            return found;
        }
        if (status == SBS_ERR_DAMAGED) {
            found = SBS_ERR_DAMAGED;
            continue;
        }
        if (status == SBS_OK && record.key == what->key) {
            status = same_name(log, &record, what);
            if (status == SBS_OK) {
                *out = record;
                found = SBS_OK;
            }
        }
        if (status != SBS_OK && status != SBS_ERR_NOT_FOUND) {
            return status;
        }
    }
}

static wanted wanted_name(const char *name, size_t len) {
    return (wanted){.key = name_key(name, len), .name = name, .len = len};
}

/* The live record of a name, checked. */
static sbs_status find(sbs_flash_storage *storage, const char *name, size_t len, sbs_flash_log_record *out) {
    wanted what = wanted_name(name, len);
    sbs_status status = find_newest(&storage->log, (sbs_flash_log_cursor){0}, &what, out);
    if (status != SBS_OK) {
        return status;
    }
    if (out->type == TYPE_DAMAGED) {
        return SBS_ERR_DAMAGED;
    }
    status = sbs_flash_log_check(&storage->log, out);
    if (status != SBS_OK) {
        return status;
    }
    return out->type == TYPE_VALUE ? SBS_OK : SBS_ERR_NOT_FOUND;
}

/* True if a later record of the same name stands in the log. */
static sbs_status superseded(sbs_flash_log *log, const sbs_flash_log_record *record, bool *out) {
    char name[SBS_STORAGE_NAME_MAX];
    wanted what = {.key = record->key};
    sbs_status status = record->type == TYPE_DAMAGED ? SBS_ERR_DAMAGED : sbs_flash_log_check(log, record);
    if (status == SBS_OK) {
        what.name = name;
        what.len = record_name_length(record);
        status = sbs_flash_log_read(log, record, 0, name, what.len);
    }
    *out = false;
    if (status != SBS_OK && status != SBS_ERR_DAMAGED) {
        return status;
    }
    sbs_flash_log_record newer;
    sbs_flash_log_cursor behind = {record->sector, record->offset + sbs_flash_log_extent(log, record->len), 0};
    status = find_newest(log, behind, &what, &newer);
    *out = status == SBS_OK;
    return status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED ? SBS_OK : status;
}

/* Compaction: only the newest value of a name goes on. A removal is needed no longer, as everything before it goes. */
static sbs_status move(void *ctx, const sbs_flash_log_record *record) {
    sbs_flash_storage *storage = ctx;
    bool old = false;
    if (record->type == TYPE_REMOVED) {
        return SBS_OK;
    }
    sbs_status status = superseded(&storage->log, record, &old);
    if (status != SBS_OK || old) {
        return status;
    }
    status = record->type == TYPE_VALUE ? sbs_flash_log_move(&storage->log, record, record->aux) : SBS_ERR_DAMAGED;
    if (status != SBS_ERR_DAMAGED) {
        return status;
    }
    sbs_flash_log_record mark = {.type = TYPE_DAMAGED, .key = record->key};
    return sbs_flash_log_append(&storage->log, &mark, NULL, 0);
}

/* The newest sector that holds a secret (or @p all: any value) which is not live, or the rest of a write that was cut.
 * 0: none. */
static sbs_status find_old(sbs_flash_storage *storage, bool all, uint32_t *out_sector) {
    sbs_flash_log_cursor cursor = {0};
    sbs_status status = sbs_flash_log_torn(&storage->log, out_sector);
    while (status == SBS_OK || status == SBS_ERR_DAMAGED) {
        sbs_flash_log_record record;
        bool old = false;
        status = sbs_flash_log_next(&storage->log, &cursor, &record);
        if (status == SBS_OK && record.type == TYPE_VALUE && (all || (record.aux & AUX_SECRET))) {
            status = superseded(&storage->log, &record, &old);
        }
        *out_sector = old && record.sector > *out_sector ? record.sector : *out_sector;
    }
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

/* Erases every such value; appending may have moved it, and an interrupted call left it. */
static sbs_status purge(sbs_flash_storage *storage, bool all) {
    uint32_t sector = 0;
    sbs_status status = find_old(storage, all, &sector);
    while (status == SBS_OK && sector != 0 && storage->log.first <= sector) {
        status = sbs_flash_log_compact(&storage->log);
    }
    return status == SBS_OK ? sbs_flash_log_erase_free(&storage->log) : status;
}

static sbs_status find_for_change(sbs_flash_storage *storage, const char *name, size_t len,
                                  sbs_flash_log_record *out_old, bool *out_secret) {
    wanted what = wanted_name(name, len);
    memset(out_old, 0, sizeof *out_old);
    sbs_status status = find_newest(&storage->log, (sbs_flash_log_cursor){0}, &what, out_old);
    *out_secret = status == SBS_OK && out_old->type == TYPE_VALUE && (out_old->aux & AUX_SECRET);
    return status;
}

static sbs_status put(sbs_flash_storage *storage, const char *name, const sbs_flash_log_part *parts, size_t count,
                      uint8_t flags) {
    sbs_flash_log_part all[3];
    sbs_flash_log_record old;
    bool secret = false;
    size_t len = name_length(name);
    if (len == 0 || count > 2u) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = find_for_change(storage, name, len, &old, &secret);
    if (status == SBS_ERR_STORAGE) {
        return status;
    }
    all[0] = (sbs_flash_log_part){name, len};
    for (size_t i = 0; i < count; i++) {
        all[i + 1u] = parts[i];
    }
    sbs_flash_log_record record = {.type = TYPE_VALUE, .key = name_key(name, len), .aux = (uint8_t)(len | flags)};
    status = sbs_flash_log_append(&storage->log, &record, all, count + 1u);
    return status == SBS_OK && secret ? purge(storage, false) : status;
}

static sbs_status storage_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_flash_storage *storage = ctx;
    sbs_flash_log_record record;
    size_t len = name_length(name);
    *out_len = 0;
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = find(storage, name, len, &record);
    if (status != SBS_OK) {
        return status;
    }
    *out_len = record.len - len;
    return *out_len > size ? SBS_ERR_BUFFER : sbs_flash_log_read(&storage->log, &record, len, buffer, *out_len);
}

static sbs_status storage_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    sbs_flash_log_part part = {data, len};
    return put(ctx, name, &part, 1, 0);
}

static sbs_status storage_remove(void *ctx, const char *name) {
    sbs_flash_storage *storage = ctx;
    sbs_flash_log_record old;
    bool secret = false;
    size_t len = name_length(name);
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = find_for_change(storage, name, len, &old, &secret);
    if (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && old.type == TYPE_REMOVED)) {
        return SBS_ERR_NOT_FOUND;
    }
    if (status == SBS_ERR_STORAGE) {
        return status;
    }
    sbs_flash_log_part part = {name, len};
    sbs_flash_log_record record = {.type = TYPE_REMOVED, .key = name_key(name, len), .aux = (uint8_t)len};
    status = sbs_flash_log_append(&storage->log, &record, &part, 1);
    return status == SBS_OK && secret ? purge(storage, false) : status;
}

sbs_status sbs_flash_storage_mount(sbs_flash_storage *storage, const sbs_flash *flash) {
    sbs_flash_log_owner owner = {
        .content = SBS_FLASH_STORAGE_CONTENT, .version = SBS_FLASH_STORAGE_VERSION, .move = move, .ctx = storage};
    sbs_status status = sbs_flash_log_mount(&storage->log, flash, &owner);
    return status == SBS_OK ? purge(storage, false) : status;
}

sbs_status sbs_flash_storage_scrub(sbs_flash_storage *storage) {
    return purge(storage, true);
}

sbs_storage sbs_flash_storage_port(sbs_flash_storage *storage) {
    static const sbs_storage_ops ops = {.get = storage_get, .set = storage_set, .remove = storage_remove};
    return (sbs_storage){.ops = &ops, .ctx = storage};
}

sbs_status sbs_flash_storage_set_secret(sbs_flash_storage *storage, const char *name, const sbs_flash_log_part *parts,
                                        size_t count) {
    return put(storage, name, parts, count, AUX_SECRET);
}

sbs_status sbs_flash_storage_read(sbs_flash_storage *storage, const char *name, size_t offset, void *buffer,
                                  size_t size, size_t *out_len, size_t *out_total) {
    sbs_flash_log_record record;
    size_t len = name_length(name);
    *out_len = 0;
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = find(storage, name, len, &record);
    if (status != SBS_OK) {
        return status;
    }
    size_t total = record.len - len;
    if (out_total) {
        *out_total = total;
    }
    if (offset > total) {
        return SBS_ERR_ARGUMENT;
    }
    *out_len = size < total - offset ? size : total - offset;
    return sbs_flash_log_read(&storage->log, &record, len + offset, buffer, *out_len);
}

size_t sbs_flash_storage_max(const sbs_flash_storage *storage, size_t name_len) {
    uint32_t unit = storage->log.flash->program_unit;
    size_t most = sbs_flash_log_usable(&storage->log) / unit * unit - unit;
    return most > RECORD_HEADER_SIZE + name_len ? most - RECORD_HEADER_SIZE - name_len : 0;
}
