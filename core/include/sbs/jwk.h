/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file jwk.h
 * Public keys as JSON Web Keys (RFC 7517, RFC 7518 section 6) and their key ids.
 */
#ifndef SBS_JWK_H
#define SBS_JWK_H

#include "sbs/json.h"
#include "sbs/spki.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How the key id is chosen. */
typedef enum sbs_kid_method {
    SBS_KID_SEED,       /**< 16 characters of base64url(SHA-256(SubjectPublicKeyInfo as PEM text)), the default */
    SBS_KID_THUMBPRINT, /**< RFC 7638 with SHA-256, 43 characters */
    SBS_KID_LITERAL,    /**< the caller's text */
    SBS_KID_NONE        /**< no kid member at all */
} sbs_kid_method;

#define SBS_KID_SEED_LEN 16u
#define SBS_KID_THUMBPRINT_LEN 43u
/** Longest literal kid, in bytes. */
#define SBS_KID_MAX 128u

/**
 * Computes a kid. @p literal is used by SBS_KID_LITERAL only (1 to SBS_KID_MAX bytes of 0x20-0x7E, else
 * SBS_ERR_ARGUMENT). SBS_KID_NONE gives length 0. SBS_ERR_BUFFER, SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_jwk_kid(const sbs_public_key *key, sbs_kid_method method, sbs_text literal, char *out,
                                     size_t size, size_t *out_len);

/** Layout of a printed JWK. */
typedef enum sbs_jwk_style {
    SBS_JWK_COMPACT, /**< no white space at all */
    SBS_JWK_INDENTED /**< as Python's json.dumps(..., indent=2) */
} sbs_jwk_style;

/**
 * Writes one JWK object: RSA `kty e use kid alg n`, EC `kty crv x y use kid alg`, in this order; without kid if it is
 * absent. @p depth is the indentation level the object starts at (0 alone, 2 within a set).
 */
void sbs_jwk_put(sbs_writer *out, const sbs_public_key *key, sbs_text kid, sbs_jwk_style style, unsigned depth);

/** One member of a JWK Set. */
typedef struct sbs_jwk {
    sbs_public_key key;
    sbs_text kid;
} sbs_jwk;

/** Writes `{"keys":[...]}` (RFC 7517 section 5). Two equal kids keep SBS_ERR_DUPLICATE in @p out (section 4.5). */
void sbs_jwk_set_put(sbs_writer *out, const sbs_jwk *keys, size_t count, sbs_jwk_style style);

#ifdef __cplusplus
}
#endif
#endif
