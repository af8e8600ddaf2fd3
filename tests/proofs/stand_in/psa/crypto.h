/* SPDX-License-Identifier: Apache-2.0 */
/* What the writer of JWKs needs of the PSA Crypto API, for CBMC, which does not read Mbed TLS. */
#ifndef SBS_PROOF_PSA_CRYPTO_H
#define SBS_PROOF_PSA_CRYPTO_H

#include <stddef.h>
#include <stdint.h>

typedef int32_t psa_status_t;
typedef uint32_t psa_algorithm_t;
typedef uint16_t psa_key_type_t;
typedef uint32_t psa_key_id_t;
typedef struct psa_hash_operation {
    int active;
} psa_hash_operation_t;

#define PSA_SUCCESS ((psa_status_t)0)
#define PSA_HASH_OPERATION_INIT                                                                                        \
    { 0 }
#define PSA_ALG_SHA_256 ((psa_algorithm_t)0x02000009)

psa_status_t psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input, size_t len);
psa_status_t psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t size, size_t *out_len);
psa_status_t psa_hash_abort(psa_hash_operation_t *operation);

#endif
