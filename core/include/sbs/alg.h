/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file alg.h
 * The algorithms that sign: all that is known of each stands in one row (alg.c), so that a new one is a row and a name
 * in key.h.
 */
#ifndef SBS_ALG_H
#define SBS_ALG_H

#include <psa/crypto.h>

#include "sbs/key.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a key is, however it signs. */
typedef enum sbs_key_kind {
    SBS_KEY_RSA, /**< public key: RSAPublicKey in DER */
    SBS_KEY_P384 /**< public key: the point 0x04|X|Y */
} sbs_key_kind;

/** What is known of an algorithm. */
typedef struct sbs_alg_info {
    const char *name; /**< as JOSE writes it: "RS384" (RFC 7518 section 3.1) */
    sbs_alg alg;
    sbs_key_kind kind;
    psa_algorithm_t psa_alg;
    psa_key_type_t psa_public; /**< type of the public key */
    uint16_t bits_min;         /**< smallest key, which is also the one that is made unless another size is asked for */
    uint16_t bits_max;         /**< largest key; keys are made in steps of SBS_KEY_BITS_STEP between the two */
    uint16_t signature_len;    /**< bytes; 0: as many as the key has */
} sbs_alg_info;

#define SBS_KEY_BITS_STEP 1024u

/** The row of an algorithm; NULL if it is none. */
const sbs_alg_info *sbs_alg_info_of(sbs_alg alg);

/** The row of the algorithm that JOSE calls @p name ("ES384"); NULL if there is none. */
const sbs_alg_info *sbs_alg_by_name(const char *name);

/** The row that fits a PSA key pair of this type and size. Where several do, the one that the key's policy names. NULL
 *  if none fits. */
const sbs_alg_info *sbs_alg_of_key(psa_key_type_t type, size_t bits, psa_algorithm_t policy);

/** True if a key of @p bits may sign with this algorithm. False for NULL. */
bool sbs_alg_takes(const sbs_alg_info *info, size_t bits);

/** Bytes of a signature by a key of @p bits. */
size_t sbs_alg_signature_len(const sbs_alg_info *info, size_t bits);

#ifdef __cplusplus
}
#endif
#endif
