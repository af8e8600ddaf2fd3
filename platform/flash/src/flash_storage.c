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

/* ---- names ---- */

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* Bytes of an allowed name, 0 for any other. */
static size_t name_length(const char *name) {
    if (name == NULL || name[0] == '-') {
        return 0;
    }

    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        if (len == SBS_STORAGE_NAME_MAX || !is_name_char(name[len])) {
            return 0;
        }
    }

    return len;
}

static uint32_t name_key(const char *name, size_t len) {
    return sbs_crc32(0, name, len) & SBS_FLASH_LOG_KEY_MAX;
}

static size_t record_name_length(const sbs_flash_log_record *record) {
    return sbs_flash_smaller(record->aux & AUX_NAME, record->len);
}

/* ---- finding the newest record of a name ---- */

/* What is looked for: a name, or any record with the key where the name cannot be read. */
typedef struct wanted {
    uint32_t key;
    const char *name; /* NULL: any */
    size_t len;
} wanted;

static wanted wanted_name(const char *name, size_t len) {
    return (wanted){.key = name_key(name, len), .name = name, .len = len};
}

/* SBS_OK if the record is of this name or, damaged, can be of no other with the same key. */
static sbs_status same_name(sbs_flash_log *log, const sbs_flash_log_record *record, const wanted *what) {
    if (record->type == TYPE_DAMAGED || what->name == NULL) {
        return SBS_OK;
    }

    char stored[SBS_STORAGE_NAME_MAX];
    size_t stored_len = record_name_length(record);
    sbs_status status = sbs_flash_log_read(log, record, 0, stored, stored_len);
    if (status != SBS_OK) {
        return status;
    }
    if (stored_len == what->len && memcmp(stored, what->name, stored_len) == 0) {
        return SBS_OK;
    }

    /* Names with one key are rare. It has another name, unless that is what is damaged. */
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
        if (status != SBS_OK) {
            return status;
        }

        /* The key is a checksum of the name: only where it fits the name is read. */
        if (record.key != what->key) {
            continue;
        }
        status = same_name(log, &record, what);
        if (status == SBS_OK) {
            *out = record;
            found = SBS_OK;
        } else if (status != SBS_ERR_NOT_FOUND) {
            return status;
        }
    }
}

/* The live record of a name, checked. */
static sbs_status find_live(sbs_flash_storage *storage, const char *name, size_t len, sbs_flash_log_record *out) {
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

/* ---- what is not live ---- */

/* What makes a record old: a later one of its name, or, where its name cannot be read, any later one with its key. */
static sbs_status wanted_after(sbs_flash_log *log, const sbs_flash_log_record *record, char name[SBS_STORAGE_NAME_MAX],
                               wanted *out) {
    *out = (wanted){.key = record->key};
    if (record->type == TYPE_DAMAGED) {
        return SBS_OK;
    }

    sbs_status status = sbs_flash_log_check(log, record);
    if (status == SBS_ERR_DAMAGED) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    out->name = name;
    out->len = record_name_length(record);
    return sbs_flash_log_read(log, record, 0, name, out->len);
}

/* True if a later record of the same name stands in the log. */
static sbs_status is_superseded(sbs_flash_log *log, const sbs_flash_log_record *record, bool *out) {
    *out = false;
    char name[SBS_STORAGE_NAME_MAX];
    wanted what;
    sbs_status status = wanted_after(log, record, name, &what);
    if (status != SBS_OK) {
        return status;
    }

    /* Damage behind it is not taken for a newer one: rather keep too much than lose a value. */
    sbs_flash_log_record newer;
    sbs_flash_log_cursor behind = {record->sector, record->offset + sbs_flash_log_extent(log, record->len), 0};
    status = find_newest(log, behind, &what, &newer);
    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_DAMAGED) {
        return SBS_OK;
    }

    *out = status == SBS_OK;
    return status;
}

/* Compaction: only the newest value of a name goes on. A removal is needed no longer, as everything before it goes. */
static sbs_status move_record(void *ctx, const sbs_flash_log_record *record) {
    sbs_flash_storage *storage = ctx;
    if (record->type == TYPE_REMOVED) {
        return SBS_OK;
    }

    bool old = false;
    sbs_status status = is_superseded(&storage->log, record, &old);
    if (status != SBS_OK || old) {
        return status;
    }
    if (record->type == TYPE_VALUE) {
        status = sbs_flash_log_move(&storage->log, record, record->aux);
        if (status != SBS_ERR_DAMAGED) {
            return status;
        }
    }

    /* A damaged value is not forgotten: who asks for it is told. */
    sbs_flash_log_record mark = {.type = TYPE_DAMAGED, .key = record->key};
    return sbs_flash_log_append(&storage->log, &mark, NULL, 0);
}

/* The newest sector that holds a secret (or @p all: any value) which is not live, or the rest of a write that was cut.
 * 0: none. */
static sbs_status find_old(sbs_flash_storage *storage, bool all, uint32_t *out_sector) {
    sbs_status status = sbs_flash_log_torn(&storage->log, out_sector);
    if (status != SBS_OK) {
        return status;
    }

    sbs_flash_log_cursor cursor = {0};
    for (;;) {
        sbs_flash_log_record record;
        status = sbs_flash_log_next(&storage->log, &cursor, &record);
        if (status == SBS_ERR_NOT_FOUND) {
            return SBS_OK;
        }
        if (status == SBS_ERR_DAMAGED) {
            continue;
        }
        if (status != SBS_OK) {
            return status;
        }

        if (record.type != TYPE_VALUE || (!all && (record.aux & AUX_SECRET) == 0)) {
            continue;
        }
        bool old = false;
        status = is_superseded(&storage->log, &record, &old);
        if (status != SBS_OK) {
            return status;
        }
        if (old && record.sector > *out_sector) {
            *out_sector = record.sector;
        }
    }
}

/* Erases every such value. Each sector up to the newest of them is given up, as compacting is in order. */
static sbs_status purge(sbs_flash_storage *storage, bool all) {
    uint32_t sector = 0;
    sbs_status status = find_old(storage, all, &sector);
    if (status != SBS_OK) {
        return status;
    }

    /* Giving up a sector copies what is live of it, and only that. */
    while (sector != 0 && storage->log.first <= sector) {
        status = sbs_flash_log_compact(&storage->log);
        if (status != SBS_OK) {
            return status;
        }
    }

    /* Appending may have moved a value, and an interrupted call left it, in a sector that is free now. */
    return sbs_flash_log_erase_free(&storage->log);
}

/* ---- changes ---- */

static sbs_status find_for_change(sbs_flash_storage *storage, const char *name, size_t len,
                                  sbs_flash_log_record *out_old, bool *out_secret) {
    wanted what = wanted_name(name, len);
    memset(out_old, 0, sizeof *out_old);

    sbs_status status = find_newest(&storage->log, (sbs_flash_log_cursor){0}, &what, out_old);
    *out_secret = status == SBS_OK && out_old->type == TYPE_VALUE && (out_old->aux & AUX_SECRET);
    return status;
}

static sbs_status put_value(sbs_flash_storage *storage, const char *name, const sbs_flash_log_part *parts, size_t count,
                            uint8_t flags) {
    size_t len = name_length(name);
    if (len == 0 || count > 2u) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_flash_log_record old;
    bool secret = false;
    sbs_status status = find_for_change(storage, name, len, &old, &secret);
    if (status == SBS_ERR_STORAGE) {
        return status;
    }

    sbs_flash_log_part all[3];
    /* An old value that is damaged or missing is no reason not to write. */
    all[0] = (sbs_flash_log_part){name, len};
    for (size_t i = 0; i < count; i++) {
        all[i + 1u] = parts[i];
    }
    sbs_flash_log_record record = {.type = TYPE_VALUE, .key = name_key(name, len), .aux = (uint8_t)(len | flags)};
    status = sbs_flash_log_append(&storage->log, &record, all, count + 1u);
    if (status != SBS_OK || !secret) {
        return status;
    }

    return purge(storage, false);
}

static sbs_status storage_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_flash_storage *storage = ctx;
    size_t len = name_length(name);
    *out_len = 0;
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_flash_log_record record;
    sbs_status status = find_live(storage, name, len, &record);
    if (status != SBS_OK) {
        return status;
    }

    *out_len = record.len - len;
    if (*out_len > size) {
        return SBS_ERR_BUFFER;
    }
    return sbs_flash_log_read(&storage->log, &record, len, buffer, *out_len);
}

static sbs_status storage_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    sbs_flash_log_part part = {data, len};

    return put_value(ctx, name, &part, 1, 0);
}

static sbs_status storage_remove(void *ctx, const char *name) {
    sbs_flash_storage *storage = ctx;
    size_t len = name_length(name);
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_flash_log_record old;
    bool secret = false;
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
    if (status != SBS_OK || !secret) {
        return status;
    }

    return purge(storage, false);
}

/* ---- for users ---- */

sbs_status sbs_flash_storage_mount(sbs_flash_storage *storage, const sbs_flash *flash) {
    sbs_flash_log_owner owner = {.content = SBS_FLASH_STORAGE_CONTENT,
                                 .version = SBS_FLASH_STORAGE_VERSION,
                                 .move = move_record,
                                 .ctx = storage};
    sbs_status status = sbs_flash_log_mount(&storage->log, flash, &owner);
    if (status != SBS_OK) {
        return status;
    }

    return purge(storage, false);
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
    return put_value(storage, name, parts, count, AUX_SECRET);
}

sbs_status sbs_flash_storage_read(sbs_flash_storage *storage, const char *name, size_t offset, void *buffer,
                                  size_t size, size_t *out_len, size_t *out_total) {
    size_t len = name_length(name);
    *out_len = 0;
    if (len == 0) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_flash_log_record record;
    sbs_status status = find_live(storage, name, len, &record);
    if (status != SBS_OK) {
        return status;
    }

    size_t total = record.len - len;
    if (out_total != NULL) {
        *out_total = total;
    }
    if (offset > total) {
        return SBS_ERR_ARGUMENT;
    }

    *out_len = sbs_flash_smaller(size, total - offset);
    return sbs_flash_log_read(&storage->log, &record, len + offset, buffer, *out_len);
}

size_t sbs_flash_storage_max(const sbs_flash_storage *storage, size_t name_len) {
    uint32_t unit = storage->log.flash->program_unit;
    size_t most = sbs_flash_log_usable(&storage->log) / unit * unit - unit;
    if (most <= RECORD_HEADER_SIZE + name_len) {
        return 0;
    }

    return most - RECORD_HEADER_SIZE - name_len;
}
