/* SPDX-License-Identifier: Apache-2.0 */
/* PSA Internal Trusted Storage (PSA Storage API 1.0) on the records of a folder: where Mbed TLS keeps persistent keys.
 */
#include <errno.h>
#include <psa/internal_trusted_storage.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "sbs/linux_storage.h"
#include "sbs/text.h"

/* A record holds the creation flags (little-endian) and then the data. */
#define FLAGS_SIZE 4u
#define NAME_PREFIX "its-"
#define NAME_SIZE (sizeof NAME_PREFIX + 16u)

static sbs_linux_storage files;
static sbs_storage storage;
static bool is_open;

/* A whole entry in memory, wiped when it is released. */
typedef struct its_entry {
    uint8_t *bytes;
    size_t len;
} its_entry;

sbs_status sbs_linux_its_open(const char *path) {
    if (is_open) {
        return SBS_ERR_STATE;
    }

    sbs_status status = sbs_linux_storage_open(&files, path, &storage);
    is_open = status == SBS_OK;
    return status;
}

void sbs_linux_its_close(void) {
    if (is_open) {
        sbs_linux_storage_close(&files);
        is_open = false;
    }
}

static void its_put_name(char name[NAME_SIZE], psa_storage_uid_t uid) {
    memcpy(name, NAME_PREFIX, sizeof NAME_PREFIX);
    for (unsigned i = 0; i < 16; i++) {
        name[sizeof NAME_PREFIX - 1 + i] = sbs_hex_digit(uid >> (60 - 4 * i));
    }
    name[NAME_SIZE - 1] = '\0';
}

static psa_status_t its_to_psa(sbs_status status) {
    switch (status) {
    case SBS_OK:
        return PSA_SUCCESS;
    case SBS_ERR_NOT_FOUND:
        return PSA_ERROR_DOES_NOT_EXIST;
    case SBS_ERR_MEMORY:
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    case SBS_ERR_DAMAGED:
    case SBS_ERR_VERSION:
        return PSA_ERROR_DATA_CORRUPT;
    case SBS_ERR_ARGUMENT:
        return PSA_ERROR_INVALID_ARGUMENT;
    default:
        break;
    }

    int error = sbs_linux_storage_error(&files);
    if (error == ENOSPC || error == EDQUOT) {
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    }

    return PSA_ERROR_STORAGE_FAILURE;
}

static bool entry_allocate(its_entry *out_entry, size_t len) {
    *out_entry = (its_entry){malloc(len), len};
    return out_entry->bytes != NULL;
}

static void entry_release(its_entry *held) {
    if (held->bytes != NULL) {
        sbs_wipe(held->bytes, held->len);
        free(held->bytes);
    }
}

static sbs_status entry_load(psa_storage_uid_t uid, its_entry *out_entry) {
    char name[NAME_SIZE];
    uint8_t nothing[1];
    size_t len = 0;

    *out_entry = (its_entry){NULL, 0};
    if (!is_open) {
        return SBS_ERR_NOT_FOUND;
    }

    /* Without room the storage tells the size; every entry has its flags at least. */
    its_put_name(name, uid);
    sbs_status status = storage.ops->get(storage.ctx, name, nothing, 0, &len);
    if (status == SBS_OK) {
        return SBS_ERR_DAMAGED;
    }
    if (status != SBS_ERR_BUFFER) {
        return status;
    }

    if (!entry_allocate(out_entry, len)) {
        return SBS_ERR_MEMORY;
    }

    status = storage.ops->get(storage.ctx, name, out_entry->bytes, out_entry->len, &len);
    if (status == SBS_OK && len >= FLAGS_SIZE) {
        return SBS_OK;
    }

    /* Shorter than its flags, or another process replaced it by a longer one meanwhile. */
    entry_release(out_entry);
    if (status == SBS_OK || status == SBS_ERR_BUFFER) {
        return SBS_ERR_DAMAGED;
    }

    return status;
}

static psa_storage_create_flags_t entry_flags(const its_entry *held) {
    return sbs_bytes_get_u32(held->bytes);
}

/* PSA_ERROR_NOT_PERMITTED if the entry is there and was made to be written once. */
static psa_status_t its_check_changeable(psa_storage_uid_t uid) {
    its_entry held;
    sbs_status status = entry_load(uid, &held);
    if (status != SBS_OK) {
        return its_to_psa(status);
    }

    bool once = (entry_flags(&held) & PSA_STORAGE_FLAG_WRITE_ONCE) != 0;
    entry_release(&held);
    return once ? PSA_ERROR_NOT_PERMITTED : PSA_SUCCESS;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags) {
    char name[NAME_SIZE];
    its_entry made;

    if (!is_open) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    /* Before it is added to: on 32 bits the sum could be small again. */
    if (data_length > SBS_LINUX_RECORD_MAX - FLAGS_SIZE) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }

    psa_status_t status = its_check_changeable(uid);
    if (status != PSA_SUCCESS && status != PSA_ERROR_DOES_NOT_EXIST) {
        return status;
    }

    if (!entry_allocate(&made, (size_t)data_length + FLAGS_SIZE)) {
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    }

    sbs_bytes_put_u32(made.bytes, create_flags);
    if (data_length != 0) {
        memcpy(made.bytes + FLAGS_SIZE, p_data, data_length);
    }

    /* A copy of the key is in this memory: it is wiped whatever became of the record. */
    its_put_name(name, uid);
    status = its_to_psa(storage.ops->set(storage.ctx, name, made.bytes, made.len));
    entry_release(&made);
    return status;
}

psa_status_t psa_its_get(psa_storage_uid_t uid, uint32_t data_offset, uint32_t data_length, void *p_data,
                         size_t *p_data_length) {
    its_entry held;

    *p_data_length = 0;
    sbs_status status = entry_load(uid, &held);
    if (status != SBS_OK) {
        return its_to_psa(status);
    }

    /* To read from the end on is to read nothing; from behind it is a fault (PSA Storage API, psa_its_get). */
    size_t len = held.len - FLAGS_SIZE;
    if (data_offset > len) {
        entry_release(&held);
        return PSA_ERROR_INVALID_ARGUMENT;
    }

    len -= data_offset;
    if (len > data_length) {
        len = data_length;
    }
    *p_data_length = len;
    if (*p_data_length != 0) {
        memcpy(p_data, held.bytes + FLAGS_SIZE + data_offset, *p_data_length);
    }

    entry_release(&held);
    return PSA_SUCCESS;
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info) {
    its_entry held;
    sbs_status status = entry_load(uid, &held);
    if (status != SBS_OK) {
        return its_to_psa(status);
    }

    p_info->size = (uint32_t)(held.len - FLAGS_SIZE);
    p_info->flags = entry_flags(&held);
    entry_release(&held);
    return PSA_SUCCESS;
}

psa_status_t psa_its_remove(psa_storage_uid_t uid) {
    char name[NAME_SIZE];
    if (!is_open) {
        return PSA_ERROR_DOES_NOT_EXIST;
    }

    psa_status_t status = its_check_changeable(uid);
    if (status == PSA_ERROR_NOT_PERMITTED || status == PSA_ERROR_DOES_NOT_EXIST) {
        return status;
    }

    /* A damaged entry may be removed: somebody asked for it by its id. */
    its_put_name(name, uid);
    return its_to_psa(storage.ops->remove(storage.ctx, name));
}
