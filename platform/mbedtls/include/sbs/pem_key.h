/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pem_key.h
 * Key files of tools: PEM text (RFC 7468) in and out of PSA. Not for firmware, where keys never are text; there, the
 * functions are absent.
 *
 * Read: PKCS #1 (`RSA PRIVATE KEY`, RFC 8017 A.1.2), PKCS #8 (`PRIVATE KEY`, RFC 5958), SEC 1 (`EC PRIVATE KEY`, RFC
 * 5915), SubjectPublicKeyInfo (`PUBLIC KEY`, RFC 5280), `RSA PUBLIC KEY` (RFC 8017 A.1.1). CRLF line ends, text around
 * the key, `EC PARAMETERS` and certificates beside it are fine.
 */
#ifndef SBS_PEM_KEY_H
#define SBS_PEM_KEY_H

#include <psa/crypto.h>

#include "sbs/key.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Why a key is refused. X(name, what is wrong, to follow "the key file"). */
#define SBS_PEM_FAULT_TABLE(X)                                                                                         \
    X(SBS_PEM_NO_FAULT, "is in order")                                                                                 \
    X(SBS_PEM_NO_KEY, "holds no PEM key")                                                                              \
    X(SBS_PEM_ONLY_PUBLIC, "holds a public key, and a private one is needed")                                          \
    X(SBS_PEM_SEVERAL, "holds more than one key")                                                                      \
    X(SBS_PEM_TRUNCATED, "is cut off: its END line is missing")                                                        \
    X(SBS_PEM_ENCRYPTED, "is encrypted: decrypt it first (openssl pkey -in FILE -out FILE)")                           \
    X(SBS_PEM_UNKNOWN_FORMAT, "has a format other than PKCS#1, PKCS#8 or SEC 1 (convert it with openssl pkey)")        \
    X(SBS_PEM_WRONG_KIND, "holds a key that is neither RSA nor EC")                                                    \
    X(SBS_PEM_WRONG_CURVE, "holds an EC key on another curve than P-384")                                              \
    X(SBS_PEM_TOO_SMALL, "holds an RSA key of less than 2048 bits")                                                    \
    X(SBS_PEM_TOO_LARGE, "holds an RSA key of more than 4096 bits")                                                    \
    X(SBS_PEM_DAMAGED, "is damaged: it cannot be decoded, or its parts do not fit each other")

typedef enum sbs_pem_fault {
#define SBS_PEM_FAULT_ENUM(name, text) name,
    SBS_PEM_FAULT_TABLE(SBS_PEM_FAULT_ENUM)
#undef SBS_PEM_FAULT_ENUM
} sbs_pem_fault;

/** What is wrong, to follow "the key file". Never NULL. */
const char *sbs_pem_fault_text(sbs_pem_fault fault);

/**
 * Imports the one private key of @p text as a volatile PSA key that sbs_psa_key takes (RSA with
 * PSA_ALG_RSA_PKCS1V15_SIGN, P-384 with PSA_ALG_ECDSA, both with SHA-384). Its parts are checked against each other.
 * The caller destroys it.
 * @param text NUL-terminated text of @p len bytes, the NUL not counted; the caller wipes it.
 * @return SBS_OK; SBS_ERR_KEY with the reason in @p out_fault; SBS_ERR_MEMORY; SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_pem_key_import(const char *text, size_t len, psa_key_id_t *out_id,
                                            sbs_pem_fault *out_fault);

/**
 * Reads the public key of @p text, which holds a public or a private key, in the form of sbs_key_ops.public_key.
 * SBS_PUBLIC_KEY_MAX bytes suffice. Errors as above, and SBS_ERR_BUFFER.
 */
SBS_NODISCARD sbs_status sbs_pem_public_key_read(const char *text, size_t len, sbs_alg *out_alg, uint8_t *buffer,
                                                 size_t size, size_t *out_len, sbs_pem_fault *out_fault);

/** Generates a volatile key pair whose private part may be written. @p bits: RSA 2048, 3072 or 4096; EC 384; 0: 2048 or
 * 384. SBS_ERR_ARGUMENT, SBS_ERR_MEMORY, SBS_ERR_RANDOM, SBS_ERR_CRYPTO. */
SBS_NODISCARD sbs_status sbs_pem_key_generate(sbs_alg alg, size_t bits, psa_key_id_t *out_id);

/** Characters that sbs_pem_key_write needs at most, for RSA of 4096 bits, with the NUL. */
#define SBS_PEM_KEY_SIZE 4096u

/**
 * Writes a private key made by sbs_pem_key_generate as PKCS #8 PEM: 64 columns, LF, final LF, NUL-terminated (not
 * counted in @p out_len). The caller wipes @p out. SBS_ERR_BUFFER, SBS_ERR_KEY (not exportable, or of another kind),
 * SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_pem_key_write(psa_key_id_t id, char *out, size_t size, size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
