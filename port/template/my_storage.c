/* SPDX-License-Identifier: Apache-2.0 */
/* Named records to copy: for an EEPROM, a file system of your RTOS, a key-value store. */
#include "my_storage.h"

static sbs_status my_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    my_storage *storage = ctx;
    (void)name;
    (void)buffer;
    (void)size;
    *out_len = 0;

    /* Check the checksum before a byte is used: SBS_ERR_DAMAGED, and keep the record. A newer version: SBS_ERR_VERSION.
     */
    if (!storage->is_mounted) {
        return SBS_ERR_STORAGE;
    }
    return SBS_ERR_NOT_FOUND;
}

static sbs_status my_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    my_storage *storage = ctx;
    (void)name;
    (void)data;
    (void)len;

    /* Write the new record beside the old one, make it durable, and only then let it count. */
    if (!storage->is_mounted) {
        return SBS_ERR_STORAGE;
    }
    return SBS_ERR_UNSUPPORTED;
}

static sbs_status my_remove(void *ctx, const char *name) {
    my_storage *storage = ctx;
    (void)name;

    /* Durable, too. Overwrite what was secret where the medium allows it. */
    if (!storage->is_mounted) {
        return SBS_ERR_STORAGE;
    }
    return SBS_ERR_NOT_FOUND;
}

static const sbs_storage_ops my_ops = {.get = my_get, .set = my_set, .remove = my_remove};

void my_storage_init(my_storage *state, sbs_storage *out_storage) {
    state->is_mounted = false;
    *out_storage = (sbs_storage){.ops = &my_ops, .ctx = state};
}
