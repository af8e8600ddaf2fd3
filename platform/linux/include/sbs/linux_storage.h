/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_storage.h
 * Named records (port/storage.h) and PSA's key storage as files of one folder.
 *
 * Each record is a file of mode 0600, replaced atomically (temporary file, fsync, rename, fsync of the folder) and
 * closed by a checksum that covers its name too. A record that fails the checksum is reported and left in place.
 * Several processes may use one folder; symbolic links are never followed within it.
 */
#ifndef SBS_LINUX_STORAGE_H
#define SBS_LINUX_STORAGE_H

#include "sbs/storage.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of the files' format; newer ones are refused with SBS_ERR_VERSION, older ones will always be read. */
#define SBS_LINUX_STORAGE_FORMAT 1

/** Longest record in bytes; set() refuses longer ones with SBS_ERR_ARGUMENT. */
#define SBS_LINUX_RECORD_MAX 1048576u

typedef struct sbs_linux_storage {
    struct {
        int folder_fd;
        int error; /* errno value of the last failure */
    } priv;
} sbs_linux_storage;

/**
 * Opens the folder @p path, which is made (mode 0700) if only its last part is missing. SBS_ERR_STORAGE: it cannot be
 * opened, is no folder, belongs to somebody else, or others may write to it; sbs_linux_storage_error() tells why.
 */
SBS_NODISCARD sbs_status sbs_linux_storage_open(sbs_linux_storage *storage, const char *path, sbs_storage *out_storage);

/** Legal after a failed open, and twice. */
void sbs_linux_storage_close(sbs_linux_storage *storage);

/** The errno value of the last SBS_ERR_STORAGE, 0 if there was none. */
int sbs_linux_storage_error(const sbs_linux_storage *storage);

/**
 * Opens the folder in which Mbed TLS keeps persistent keys (psa_its_*, as records "its-" and 16 hexadecimal digits).
 * Call it before a persistent key is used; without it, PSA has volatile keys only. One for the process, as in PSA. The
 * keys are not encrypted: who reads the folder has them. Errors as above; SBS_ERR_STATE if it is open.
 */
SBS_NODISCARD sbs_status sbs_linux_its_open(const char *path);

/** Closes it. No persistent key may be in use. Legal when it is not open. */
void sbs_linux_its_close(void);

#ifdef __cplusplus
}
#endif
#endif
