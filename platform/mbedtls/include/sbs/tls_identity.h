/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_identity.h
 * A certificate of the client's own and its key, for servers that ask for one (mutual TLS). A build with
 * SBS_PK_VERIFY_ONLY leaves it out.
 */
#ifndef SBS_TLS_IDENTITY_H
#define SBS_TLS_IDENTITY_H

#include <mbedtls/x509_crt.h>
#include <stdbool.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The chain and the key; memory comes from Mbed TLS's allocator. */
typedef struct sbs_tls_identity {
    struct {
        mbedtls_x509_crt chain;
        mbedtls_pk_context key;
        bool loaded;
    } priv;
} sbs_tls_identity;

/** Why an identity is refused. X(name, what is wrong, a clause of its own). */
#define SBS_TLS_IDENTITY_FAULT_TABLE(X)                                                                                \
    X(SBS_TLS_IDENTITY_NO_FAULT, "it is in order")                                                                     \
    X(SBS_TLS_IDENTITY_NO_CERTIFICATE, "the certificate file holds no PEM certificate that can be used")               \
    X(SBS_TLS_IDENTITY_BAD_CERTIFICATE, "one of the certificates cannot be used")                                      \
    X(SBS_TLS_IDENTITY_NO_KEY, "the key file holds no private PEM key that can be used")                               \
    X(SBS_TLS_IDENTITY_ENCRYPTED, "the key is encrypted: decrypt it first (openssl pkey -in FILE -out FILE)")          \
    X(SBS_TLS_IDENTITY_OTHER_KEY, "the key is not the one of the file's first certificate")

typedef enum sbs_tls_identity_fault {
#define SBS_TLS_IDENTITY_FAULT_ENUM(name, text) name,
    SBS_TLS_IDENTITY_FAULT_TABLE(SBS_TLS_IDENTITY_FAULT_ENUM)
#undef SBS_TLS_IDENTITY_FAULT_ENUM
} sbs_tls_identity_fault;

/** What is wrong, as a clause of its own. Never NULL. */
const char *sbs_tls_identity_fault_text(sbs_tls_identity_fault fault);

/** Makes @p identity empty. */
void sbs_tls_identity_init(sbs_tls_identity *identity);

/** Wipes and frees. No stream that uses it may be open. Legal after init, and twice. */
void sbs_tls_identity_deinit(sbs_tls_identity *identity);

/**
 * Loads the certificate, the intermediate certificates after it, and its private key (PKCS #1, PKCS #8 or SEC 1; RSA,
 * or EC on P-256 or P-384), all as PEM. Both texts are NUL-terminated, their lengths do not count the NUL; the caller
 * wipes the key's. They may be the same text. @p identity must be empty; it is again after an error.
 * @return SBS_OK; SBS_ERR_KEY with the reason in @p out_fault (not NULL); SBS_ERR_ARGUMENT (a NUL within a text);
 * SBS_ERR_MEMORY; SBS_ERR_UNSUPPORTED: built without PEM or with SBS_PK_VERIFY_ONLY.
 */
SBS_NODISCARD sbs_status sbs_tls_identity_load(sbs_tls_identity *identity, const char *certificates,
                                               size_t certificates_len, const char *key, size_t key_len,
                                               sbs_tls_identity_fault *out_fault);

#ifdef __cplusplus
}
#endif
#endif
