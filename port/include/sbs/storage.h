/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file storage.h
 * Port: small named records (configuration, clock bound, counters). set() is atomic (a reader finds the old or the new
 * record, never a mixture, whatever happens to the power) and committing (when it returns, the record is durable).
 */
#ifndef SBS_STORAGE_H
#define SBS_STORAGE_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_STORAGE_NAME_MAX 31u /**< bytes of a name: 1 to 31 of [a-z0-9_-], the first not '-' */

/** What a storage does. */
typedef struct sbs_storage_ops {
    /** Reads a whole record. SBS_ERR_NOT_FOUND; SBS_ERR_BUFFER with the needed size in @p out_len; SBS_ERR_DAMAGED (the
     *  record fails its checksum; it is kept for inspection); SBS_ERR_VERSION; SBS_ERR_STORAGE; SBS_ERR_ARGUMENT. */
    sbs_status (*get)(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len);
    /** Replaces a record. SBS_ERR_STORAGE leaves the old one in place. @p len may be 0. */
    sbs_status (*set)(void *ctx, const char *name, const uint8_t *data, size_t len);
    /** Removes a record, durably. SBS_ERR_NOT_FOUND if there is none. */
    sbs_status (*remove)(void *ctx, const char *name);
} sbs_storage_ops;

/** A storage: its functions and their context. */
typedef struct sbs_storage {
    const sbs_storage_ops *ops;
    void *ctx;
} sbs_storage;

#ifdef __cplusplus
}
#endif
#endif
