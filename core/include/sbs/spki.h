/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file spki.h
 * Public keys as the key port gives them, and as PEM text.
 */
#ifndef SBS_SPKI_H
#define SBS_SPKI_H

#include "sbs/alg.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A parsed public key; spans into the bytes that it was parsed from. */
typedef struct sbs_public_key {
    sbs_alg alg;
    sbs_key_kind kind;
    size_t bits;          /**< modulus or curve size */
    const uint8_t *first; /**< RSA: n, minimal big-endian; EC: x, 48 bytes */
    size_t first_len;
    const uint8_t *second; /**< RSA: e, minimal big-endian; EC: y, 48 bytes */
    size_t second_len;
    const uint8_t *data; /**< all of the bytes, which are the content of a SubjectPublicKeyInfo's BIT STRING */
    size_t data_len;
} sbs_public_key;

/** Parses @p data, the bytes of sbs_key_ops.public_key (RSAPublicKey DER or a P-384 point). Checks the size (2048 to
 * 4096 bits), minimal DER, an odd exponent >= 3. SBS_ERR_KEY. */
SBS_NODISCARD sbs_status sbs_public_key_parse(sbs_alg alg, const uint8_t *data, size_t len, sbs_public_key *out_key);

/** Writes the SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7, RFC 3279 2.3.1, RFC 5480) as PEM text: 64 columns, LF,
 * final LF. */
void sbs_public_key_put_pem(sbs_writer *out, const sbs_public_key *key);

#ifdef __cplusplus
}
#endif
#endif
