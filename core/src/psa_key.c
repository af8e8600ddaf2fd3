/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/psa_key.h"

#define ALG_RS384 PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384)
#define ALG_ES384 PSA_ALG_ECDSA(PSA_ALG_SHA_384)

/* PSA's errors go down from this one, one by one. */
#define ERROR_AT(error) ((unsigned)PSA_ERROR_GENERIC_ERROR - (unsigned)(error))

sbs_status sbs_psa_to_status(psa_status_t status) {
    static const int8_t statuses[] = {
        [ERROR_AT(PSA_ERROR_NOT_PERMITTED)] = SBS_ERR_KEY,
        [ERROR_AT(PSA_ERROR_NOT_SUPPORTED)] = SBS_ERR_UNSUPPORTED,
        [ERROR_AT(PSA_ERROR_INVALID_ARGUMENT)] = SBS_ERR_KEY,
        [ERROR_AT(PSA_ERROR_INVALID_HANDLE)] = SBS_ERR_KEY,
        [ERROR_AT(PSA_ERROR_BUFFER_TOO_SMALL)] = SBS_ERR_BUFFER,
        [ERROR_AT(PSA_ERROR_ALREADY_EXISTS)] = SBS_ERR_STATE,
        [ERROR_AT(PSA_ERROR_DOES_NOT_EXIST)] = SBS_ERR_KEY,
        [ERROR_AT(PSA_ERROR_INSUFFICIENT_MEMORY)] = SBS_ERR_MEMORY,
        [ERROR_AT(PSA_ERROR_INSUFFICIENT_STORAGE)] = SBS_ERR_STORAGE,
        [ERROR_AT(PSA_ERROR_STORAGE_FAILURE)] = SBS_ERR_STORAGE,
        [ERROR_AT(PSA_ERROR_INSUFFICIENT_ENTROPY)] = SBS_ERR_RANDOM,
        [ERROR_AT(PSA_ERROR_DATA_CORRUPT)] = SBS_ERR_DAMAGED,
        [ERROR_AT(PSA_ERROR_DATA_INVALID)] = SBS_ERR_DAMAGED,
    };
    unsigned at = ERROR_AT(status); /* above the errors it is huge */
    if (status == PSA_SUCCESS) {
        return SBS_OK;
    }

    if (at >= sizeof statuses || statuses[at] == 0) {
        return SBS_ERR_CRYPTO;
    }

    return (sbs_status)statuses[at];
}

static psa_algorithm_t psa_alg(sbs_alg alg) {
    return alg == SBS_ES384 ? ALG_ES384 : ALG_RS384;
}

/* The algorithm that a key of this kind signs with. */
static sbs_status alg_of(psa_key_id_t id, sbs_alg *out_alg) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    sbs_status status = sbs_psa_to_status(psa_get_key_attributes(id, &attributes));
    psa_key_type_t type = psa_get_key_type(&attributes);
    size_t bits = psa_get_key_bits(&attributes);

    psa_reset_key_attributes(&attributes);
    if (status != SBS_OK) {
        return status;
    }
    if (type == PSA_KEY_TYPE_RSA_KEY_PAIR && bits >= SBS_RSA_BITS_MIN && bits <= SBS_RSA_BITS_MAX) {
        *out_alg = SBS_RS384;
        return SBS_OK;
    }
    if (type == PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) && bits == SBS_P384_BITS) {
        *out_alg = SBS_ES384;
        return SBS_OK;
    }

    return SBS_ERR_KEY;
}

static sbs_status psa_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    const sbs_psa_key *state = (const sbs_psa_key *)ctx;
    sbs_status status = alg_of(state->id, out_alg);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_psa_to_status(psa_export_public_key(state->id, buffer, size, out_len));
}

static sbs_status psa_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                           size_t *out_len) {
    const sbs_psa_key *state = (const sbs_psa_key *)ctx;
    sbs_alg alg;
    sbs_status status = alg_of(state->id, &alg);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_psa_to_status(psa_sign_hash(state->id, psa_alg(alg), hash, SBS_HASH_SIZE, signature, size, out_len));
}

void sbs_psa_key_init(sbs_psa_key *state, psa_key_id_t id, sbs_key *out_key) {
    static const sbs_key_ops ops = {psa_public_key, psa_sign};
    state->id = id;
    *out_key = (sbs_key){&ops, state, false};
}

static bool is_generated_size(sbs_alg alg, size_t bits) {
    if (alg == SBS_ES384) {
        return bits == SBS_P384_BITS;
    }
    return alg == SBS_RS384 && (bits == 2048 || bits == 3072 || bits == 4096);
}

sbs_status sbs_psa_key_generate(sbs_alg alg, size_t bits, psa_key_id_t persistent_id, psa_key_id_t *out_id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status;
    if (bits == 0) {
        bits = alg == SBS_ES384 ? SBS_P384_BITS : SBS_RSA_BITS_MIN;
    }

    if (!is_generated_size(alg, bits)) {
        return SBS_ERR_ARGUMENT;
    }

    psa_set_key_type(&attributes,
                     alg == SBS_ES384 ? PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) : PSA_KEY_TYPE_RSA_KEY_PAIR);
    psa_set_key_bits(&attributes, bits);
    psa_set_key_algorithm(&attributes, psa_alg(alg));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    if (persistent_id != PSA_KEY_ID_NULL) {
        psa_set_key_id(&attributes, persistent_id);
    }

    status = psa_generate_key(&attributes, out_id);
    if (status == PSA_ERROR_DATA_INVALID) {
        status = PSA_ERROR_STORAGE_FAILURE; /* so Mbed TLS calls any failure to store a new key */
    }

    psa_reset_key_attributes(&attributes);
    return sbs_psa_to_status(status);
}

sbs_status sbs_psa_verify(sbs_alg alg, const uint8_t *public_key, size_t public_key_len,
                          const uint8_t hash[SBS_HASH_SIZE], const uint8_t *signature, size_t signature_len) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    psa_status_t status;
    psa_set_key_type(&attributes, alg == SBS_ES384 ? PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1)
                                                   : PSA_KEY_TYPE_RSA_PUBLIC_KEY);
    psa_set_key_algorithm(&attributes, psa_alg(alg));
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    status = psa_import_key(&attributes, public_key, public_key_len, &id);
    psa_reset_key_attributes(&attributes);
    if (status == PSA_SUCCESS) {
        status = psa_verify_hash(id, psa_alg(alg), hash, SBS_HASH_SIZE, signature, signature_len);
        (void)psa_destroy_key(id);
    }

    return sbs_psa_to_status(status);
}
