/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_file.h
 * Whole files in and out of memory, for tools and gateways. Where a call fails for the system's sake, errno tells why.
 */
#ifndef SBS_LINUX_FILE_H
#define SBS_LINUX_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "sbs/status.h"
#include "sbs/tls_identity.h"
#include "sbs/tls_trust.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A file in memory. */
typedef struct sbs_linux_blob {
    char *data; /**< len bytes and a NUL after them */
    size_t len;
} sbs_linux_blob;

/**
 * Reads a regular file, a pipe, or standard input (@p path "-") of at most @p max bytes into new memory, which
 * sbs_linux_blob_free() wipes and frees. SBS_ERR_NOT_FOUND; SBS_ERR_TOO_LARGE (more than @p max); SBS_ERR_MEMORY;
 * SBS_ERR_STORAGE (any other failure, a directory among them). On an error @p out_blob is empty.
 */
SBS_NODISCARD sbs_status sbs_linux_file_read(const char *path, size_t max, sbs_linux_blob *out_blob);

/** Wipes and frees. Legal twice. */
void sbs_linux_blob_free(sbs_linux_blob *blob);

/** Who may read a written file. */
typedef enum sbs_linux_access {
    SBS_LINUX_PRIVATE, /**< mode 0600: keys */
    SBS_LINUX_PUBLIC   /**< mode 0644 */
} sbs_linux_access;

/**
 * Writes a file of @p len bytes so that it is there whole or not at all, whatever happens to the power: a temporary
 * file beside it, fsync, rename, fsync of the folder. The mode is exact, whatever umask or an old file's mode say. A
 * symbolic link at @p path is replaced, not followed.
 * Where @p path is a device or a pipe (/dev/stdout), the bytes are written into it, with @p overwrite only.
 * @param overwrite false: SBS_ERR_STATE if @p path exists, which is then untouched.
 * @return SBS_OK; SBS_ERR_STATE; SBS_ERR_STORAGE; SBS_ERR_ARGUMENT (an empty or overlong path).
 */
SBS_NODISCARD sbs_status sbs_linux_file_write(const char *path, const void *data, size_t len, sbs_linux_access access,
                                              bool overwrite);

/** The system's CA bundle: what SSL_CERT_FILE names, else the first that exists of the places where distributions keep
 * it; NULL if there is none. */
const char *sbs_linux_ca_file(void);

/**
 * Adds the certificates of a PEM file to @p trust. @p path NULL: sbs_linux_ca_file(). Errors of sbs_linux_file_read()
 * and sbs_tls_trust_add_pem(); SBS_ERR_NOT_FOUND also if the system has no CA file.
 */
SBS_NODISCARD sbs_status sbs_linux_trust_load(sbs_tls_trust *trust, const char *path, size_t *out_skipped);

/**
 * Loads a client certificate and its key for mutual TLS into the empty @p identity. Errors of sbs_linux_file_read() and
 * sbs_tls_identity_load(), the latter with the reason in @p out_fault.
 * @param certificate_file PEM: the certificate, then its intermediates; at most 64 KiB, the key's file too.
 * @param key_file PEM; NULL: the key stands in the same file.
 */
SBS_NODISCARD sbs_status sbs_linux_identity_load(sbs_tls_identity *identity, const char *certificate_file,
                                                 const char *key_file, sbs_tls_identity_fault *out_fault);

#ifdef __cplusplus
}
#endif
#endif
