/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file psa_key.h
 * The default key port: a PSA key id. Secure elements plug in as PSA drivers.
 */
#ifndef SBS_PSA_KEY_H
#define SBS_PSA_KEY_H

#include <psa/crypto.h>

#include "sbs/key.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The context of the key port over a PSA key. */
typedef struct sbs_psa_key {
    psa_key_id_t id;
} sbs_psa_key;

/** Makes @p out_key a key port over PSA key @p id, which stays owned by the caller (an RSA key pair of 2048 to 4096
 * bits with PSA_ALG_RSA_PKCS1V15_SIGN(SHA-384), or a P-384 pair with PSA_ALG_ECDSA(SHA-384)). @p state must outlive it.
 */
void sbs_psa_key_init(sbs_psa_key *state, psa_key_id_t id, sbs_key *out_key);

/** Translates a PSA status: INSUFFICIENT_MEMORY to SBS_ERR_MEMORY, INSUFFICIENT_ENTROPY to SBS_ERR_RANDOM, STORAGE_* to
 *  SBS_ERR_STORAGE, DATA_CORRUPT to SBS_ERR_DAMAGED, INVALID_HANDLE, NOT_PERMITTED and the like to SBS_ERR_KEY ... */
sbs_status sbs_psa_to_status(psa_status_t status);

/**
 * Generates a key pair in PSA and returns its id. @p bits: RS384 2048, 3072 or 4096; ES384 384 (0: 2048 or 384).
 * @p persistent_id: PSA_KEY_ID_NULL for a volatile key, or the id to store it under (never overwritten:
 * SBS_ERR_STATE if it exists). Takes seconds for RSA on a microcontroller.
 */
SBS_NODISCARD sbs_status sbs_psa_key_generate(sbs_alg alg, size_t bits, psa_key_id_t persistent_id,
                                              psa_key_id_t *out_id);

/**
 * Verifies a signature with a public key in the form of sbs_key_ops.public_key; imports it for the time of the call.
 * SBS_OK; SBS_ERR_CRYPTO if the signature is wrong; SBS_ERR_KEY; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_psa_verify(sbs_alg alg, const uint8_t *public_key, size_t public_key_len,
                                        const uint8_t hash[SBS_HASH_SIZE], const uint8_t *signature,
                                        size_t signature_len);

#ifdef __cplusplus
}
#endif
#endif
