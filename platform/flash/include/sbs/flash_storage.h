/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flash_storage.h
 * Named records (storage.h) and PSA Internal Trusted Storage on raw flash.
 *
 * A record has to fit into one sector: up to sbs_flash_storage_max() bytes. Where larger ones are kept, let the device
 * give several erase blocks as one sector.
 *
 * A secret that was replaced or removed is erased before the call returns, or at the next mount if power fails in
 * between: program units must not be programmed twice (many devices keep an ECC for each), so it cannot be overwritten
 * in place. That costs at most one round of the ring.
 */
#ifndef SBS_FLASH_STORAGE_H
#define SBS_FLASH_STORAGE_H

#include "sbs/flash_log.h"
#include "sbs/storage.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FLASH_STORAGE_CONTENT 1u /**< of the log */
#define SBS_FLASH_STORAGE_VERSION 1u

/** Fields are private. 64 bytes on a 32-bit target. */
typedef struct sbs_flash_storage {
    sbs_flash_log log;
} sbs_flash_storage;

/**
 * Mounts the storage on @p flash, which must outlive it, and erases what secrets an interrupted call left behind.
 * Errors as for sbs_flash_log_mount().
 */
SBS_NODISCARD sbs_status sbs_flash_storage_mount(sbs_flash_storage *storage, const sbs_flash *flash);

/** The port's interface to it; names and errors as storage.h says. Nothing set through it counts as secret. */
sbs_storage sbs_flash_storage_port(sbs_flash_storage *storage);

/** Like set() of the port, for a secret. SBS_ERR_TOO_LARGE if the record fits in no sector; SBS_ERR_BUFFER if the
 *  storage is full; the old record stays then. SBS_ERR_STORAGE: the old record stays, or it is replaced but could not
 *  be erased, which the next mount does. */
SBS_NODISCARD sbs_status sbs_flash_storage_set_secret(sbs_flash_storage *storage, const char *name,
                                                      const sbs_flash_log_part *parts, size_t count);

/** Erases every value that was replaced or removed, whether it counts as secret or not. What lives stays. May be called
 *  again after an error. SBS_ERR_STORAGE; SBS_ERR_BUFFER if the storage is full. */
SBS_NODISCARD sbs_status sbs_flash_storage_scrub(sbs_flash_storage *storage);

/** Reads up to @p size bytes from @p offset of a record whose checksum was found right; @p out_len: bytes read,
 *  @p out_total (may be NULL): bytes of the record. Errors as for get() of the port. */
SBS_NODISCARD sbs_status sbs_flash_storage_read(sbs_flash_storage *storage, const char *name, size_t offset,
                                                void *buffer, size_t size, size_t *out_len, size_t *out_total);

/** The largest record, in bytes, with a name of @p name_len bytes. */
size_t sbs_flash_storage_max(const sbs_flash_storage *storage, size_t name_len);

/**
 * Makes @p storage the one behind psa_its_set() and its like (PSA Storage API 1.0), for the whole program. NULL: none,
 * and they answer PSA_ERROR_STORAGE_FAILURE. Call it before psa_crypto_init(). They are in a
 * library of their own, sbs::flash_its, as a program links one platform's only.
 */
void sbs_flash_its_use(sbs_flash_storage *storage);

#ifdef __cplusplus
}
#endif
#endif
