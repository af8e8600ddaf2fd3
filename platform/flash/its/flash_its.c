/* SPDX-License-Identifier: Apache-2.0 */
/* PSA Internal Trusted Storage over the storage on flash. In a file of its own: a program that brings its own
 * psa_its_* functions links nothing of this. A record is the create flags (32 bits, little-endian) and the data. */
#include <psa/error.h>
#include <psa/internal_trusted_storage.h>
#include <string.h>

#include "../src/flash_format.h"
#include "sbs/flash_storage.h"
#include "sbs/text.h"

#define FLAGS_SIZE 4u
#define NAME_SIZE 21u /* "its-", 16 digits, NUL */

static sbs_flash_storage *used;

void sbs_flash_its_use(sbs_flash_storage *storage) {
    used = storage;
}

static void make_its_name(psa_storage_uid_t uid, char out[NAME_SIZE]) {
    memcpy(out, "its-", 4);
    for (unsigned i = 0; i < 16u; i++) {
        out[4u + i] = sbs_hex_digit(uid >> (60u - 4u * i));
    }
    out[20] = '\0';
}

static psa_status_t psa_status_of(sbs_status status) {
    switch (status) {
    case SBS_OK:
        return PSA_SUCCESS;
    case SBS_ERR_NOT_FOUND:
        return PSA_ERROR_DOES_NOT_EXIST;
    case SBS_ERR_BUFFER:
    case SBS_ERR_TOO_LARGE:
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    case SBS_ERR_DAMAGED:
        return PSA_ERROR_DATA_CORRUPT;
    case SBS_ERR_ARGUMENT:
        return PSA_ERROR_INVALID_ARGUMENT;
    default:
        return PSA_ERROR_STORAGE_FAILURE;
    }
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info) {
    if (used == NULL) {
        return PSA_ERROR_STORAGE_FAILURE;
    }
    if (uid == 0 || p_info == NULL) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }

    char name[NAME_SIZE];
    uint8_t flags[FLAGS_SIZE];
    size_t got = 0;
    size_t total = 0;
    make_its_name(uid, name);
    sbs_status status = sbs_flash_storage_read(used, name, 0, flags, sizeof flags, &got, &total);
    if (status != SBS_OK) {
        return psa_status_of(status);
    }
    if (got != sizeof flags) {
        return PSA_ERROR_DATA_CORRUPT; /* a record of this name that is none of these */
    }

    p_info->size = (uint32_t)(total - FLAGS_SIZE);
    p_info->flags = (psa_storage_create_flags_t)sbs_get_le(flags, sizeof flags);
    return PSA_SUCCESS;
}

/* Nothing replaces or removes what was created with PSA_STORAGE_FLAG_WRITE_ONCE (PSA Storage API 1.0, 5.3). A damaged
 * record tells no flags, and may be replaced. */
static psa_status_t check_change(psa_storage_uid_t uid) {
    struct psa_storage_info_t info;
    psa_status_t status = psa_its_get_info(uid, &info);
    if (status == PSA_SUCCESS && (info.flags & PSA_STORAGE_FLAG_WRITE_ONCE)) {
        return PSA_ERROR_NOT_PERMITTED;
    }

    return status;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, uint32_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags) {
    psa_status_t allowed = check_change(uid);
    if (allowed != PSA_SUCCESS && allowed != PSA_ERROR_DOES_NOT_EXIST && allowed != PSA_ERROR_DATA_CORRUPT) {
        return allowed;
    }
    if (p_data == NULL && data_length > 0) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }
    if (create_flags & ~(psa_storage_create_flags_t)PSA_STORAGE_FLAG_WRITE_ONCE) {
        return PSA_ERROR_NOT_SUPPORTED;
    }

    char name[NAME_SIZE];
    uint8_t flags[FLAGS_SIZE];
    make_its_name(uid, name);
    sbs_put_le(flags, create_flags, sizeof flags);
    sbs_flash_log_part parts[2] = {{flags, sizeof flags}, {p_data, data_length}};

    return psa_status_of(sbs_flash_storage_set_secret(used, name, parts, 2));
}

static psa_status_t its_get(psa_storage_uid_t uid, uint32_t data_offset, uint32_t data_length, void *p_data,
                            size_t *p_data_length) {
    struct psa_storage_info_t info;
    psa_status_t known = psa_its_get_info(uid, &info);
    if (known != PSA_SUCCESS) {
        return known;
    }
    if (data_offset > info.size || (p_data == NULL && data_length > 0) || p_data_length == NULL) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }

    char name[NAME_SIZE];
    make_its_name(uid, name);
    return psa_status_of(
        sbs_flash_storage_read(used, name, (size_t)FLAGS_SIZE + data_offset, p_data, data_length, p_data_length, NULL));
}

/* Mbed TLS looks at the length before the status, and takes any length but the one that it wanted for damaged data. A
 * read that failed is none: it says the length that was wanted. */
psa_status_t psa_its_get(psa_storage_uid_t uid, uint32_t data_offset, uint32_t data_length, void *p_data,
                         size_t *p_data_length) {
    psa_status_t status = its_get(uid, data_offset, data_length, p_data, p_data_length);
    if (status != PSA_SUCCESS && p_data_length != NULL) {
        *p_data_length = data_length;
    }

    return status;
}

psa_status_t psa_its_remove(psa_storage_uid_t uid) {
    psa_status_t allowed = check_change(uid);
    if (allowed != PSA_SUCCESS && allowed != PSA_ERROR_DATA_CORRUPT) {
        return allowed;
    }

    char name[NAME_SIZE];
    make_its_name(uid, name);
    sbs_storage port = sbs_flash_storage_port(used);
    return psa_status_of(port.ops->remove(port.ctx, name));
}
