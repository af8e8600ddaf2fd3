/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the PSA Crypto API of a platform: the functions that core asks for, and no other. It computes nothing;
 * its one key is a P-384 pair, and what it signs is a pattern, so that one sees who was asked. */
#include <psa/crypto.h>
#include <string.h>

#define PATTERN 0x5A
#define POINT_SIZE 97u

psa_status_t psa_generate_random(uint8_t *output, size_t output_size) {
    memset(output, PATTERN, output_size);
    return PSA_SUCCESS;
}

static psa_status_t give(uint8_t *out, size_t size, size_t len, size_t *out_len) {
    if (size < len) {
        return PSA_ERROR_BUFFER_TOO_SMALL;
    }

    memset(out, PATTERN, len);
    *out_len = len;
    return PSA_SUCCESS;
}

psa_status_t psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg) {
    (void)operation;
    return alg == PSA_ALG_SHA_256 || alg == PSA_ALG_SHA_384 ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

psa_status_t psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input, size_t input_length) {
    (void)operation;
    (void)input;
    (void)input_length;
    return PSA_SUCCESS;
}

psa_status_t psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t hash_size, size_t *hash_length) {
    (void)operation;
    return give(hash, hash_size, hash_size, hash_length);
}

psa_status_t psa_hash_abort(psa_hash_operation_t *operation) {
    (void)operation;
    return PSA_SUCCESS;
}

psa_status_t psa_hash_compute(psa_algorithm_t alg, const uint8_t *input, size_t input_length, uint8_t *hash,
                              size_t hash_size, size_t *hash_length) {
    (void)alg;
    (void)input;
    (void)input_length;
    return give(hash, hash_size, PSA_HASH_LENGTH(alg), hash_length);
}

psa_status_t psa_get_key_attributes(mbedtls_svc_key_id_t key, psa_key_attributes_t *attributes) {
    (void)key;
    psa_set_key_type(attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(attributes, 384);
    psa_set_key_algorithm(attributes, PSA_ALG_ECDSA(PSA_ALG_SHA_384));
    return PSA_SUCCESS;
}

void psa_reset_key_attributes(psa_key_attributes_t *attributes) {
    (void)attributes;
}

psa_status_t psa_export_public_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size, size_t *data_length) {
    (void)key;
    psa_status_t status = give(data, data_size, POINT_SIZE, data_length);
    if (status == PSA_SUCCESS) {
        data[0] = 4; /* an uncompressed point */
    }
    return status;
}

psa_status_t psa_sign_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash, size_t hash_length,
                           uint8_t *signature, size_t signature_size, size_t *signature_length) {
    (void)key;
    (void)hash;
    if (alg != PSA_ALG_ECDSA(PSA_ALG_SHA_384) || hash_length != 48) {
        return PSA_ERROR_INVALID_ARGUMENT;
    }
    return give(signature, signature_size, 96, signature_length);
}
