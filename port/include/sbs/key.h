/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file key.h
 * Port: a signing key. Private keys never cross it. The algorithm follows from the key: RSA signs RS384
 * (RFC 7518 section 3.3), P-384 signs ES384 (section 3.4). sbs_psa_key (core) is the default implementation.
 */
#ifndef SBS_KEY_H
#define SBS_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What is known of each stands in one row (sbs/alg.h). */
typedef enum sbs_alg {
    SBS_RS384 = 1, /**< RSASSA-PKCS1-v1_5 with SHA-384, modulus 2048 to 4096 bits */
    SBS_ES384 = 2  /**< ECDSA on P-384 with SHA-384 */
} sbs_alg;

#define SBS_RSA_BITS_MIN 2048u /**< RFC 7518 section 3.3 */
#define SBS_RSA_BITS_MAX 4096u
#define SBS_P384_BITS 384u
#define SBS_HASH_SIZE 48u /**< SHA-384 */
#define SBS_ES384_SIGNATURE_SIZE 96u
#define SBS_SIGNATURE_MAX 512u   /**< RSA-4096 */
#define SBS_PUBLIC_KEY_MAX 1040u /**< RSAPublicKey of 4096 bits with a public exponent of the same size */

/** What a key does. */
typedef struct sbs_key_ops {
    /**
     * Writes the public key as PSA exports it: RSA the DER of RSAPublicKey (RFC 8017 A.1.1), P-384 the 97 bytes
     * 0x04|X|Y (SEC 1 section 2.3.3). @p size at least SBS_PUBLIC_KEY_MAX always suffices. SBS_OK, SBS_PENDING,
     * SBS_ERR_BUFFER, SBS_ERR_KEY (unusable or of an unsupported kind).
     */
    sbs_status (*public_key)(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len);

    /**
     * Signs the 48 bytes of @p hash. RSA: modulus-length bytes, leading zeros kept; P-384: R|S, 96 bytes.
     * SBS_PENDING: not yet, call again with the same arguments (secure elements take seconds); only one signature is
     * under way at a time. A caller may give up: other arguments begin a new one. SBS_ERR_BUFFER, SBS_ERR_KEY,
     * SBS_ERR_RANDOM, SBS_ERR_MEMORY, SBS_ERR_CRYPTO.
     */
    sbs_status (*sign)(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size, size_t *out_len);
} sbs_key_ops;

/** A key: its functions and their context. */
typedef struct sbs_key {
    const sbs_key_ops *ops;
    void *ctx;
    /** A faulty RSA-CRT signature gives the key away. A key that does not check its own results names what does,
     *  sbs_psa_verify as a rule (sbs/psa_key.h): the core then asks it about every signature before it lets it out, and
     *  anything but SBS_OK keeps it back. NULL: the key checks itself, as Mbed TLS does those of software. A program
     * that names none does not pay for it. */
    sbs_status (*verify_after_sign)(sbs_alg alg, const uint8_t *public_key, size_t public_key_len,
                                    const uint8_t hash[SBS_HASH_SIZE], const uint8_t *signature, size_t signature_len);
} sbs_key;

#ifdef __cplusplus
}
#endif
#endif
