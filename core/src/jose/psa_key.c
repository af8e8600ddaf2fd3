/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/psa_key.h"

#include "sbs/alg.h"

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

/* The row of the algorithm that a key of this kind signs with. */
static sbs_status psa_key_alg(psa_key_id_t id, const sbs_alg_info **out_info) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    sbs_status status = sbs_psa_to_status(psa_get_key_attributes(id, &attributes));
    *out_info = sbs_alg_of_key(psa_get_key_type(&attributes), psa_get_key_bits(&attributes),
                               psa_get_key_algorithm(&attributes));
    psa_reset_key_attributes(&attributes);

    if (status == SBS_OK && *out_info == NULL) {
        return SBS_ERR_KEY;
    }

    return status;
}

static sbs_status psa_key_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    const sbs_psa_key *state = (const sbs_psa_key *)ctx;
    const sbs_alg_info *info;
    sbs_status status = psa_key_alg(state->id, &info);
    if (status != SBS_OK) {
        return status;
    }

    *out_alg = info->alg;
    return sbs_psa_to_status(psa_export_public_key(state->id, buffer, size, out_len));
}

static sbs_status psa_key_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                               size_t *out_len) {
    const sbs_psa_key *state = (const sbs_psa_key *)ctx;
    const sbs_alg_info *info;
    sbs_status status = psa_key_alg(state->id, &info);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_psa_to_status(psa_sign_hash(state->id, info->psa_alg, hash, SBS_HASH_SIZE, signature, size, out_len));
}

void sbs_psa_key_init(sbs_psa_key *state, psa_key_id_t id, sbs_key *out_key) {
    static const sbs_key_ops ops = {psa_key_public_key, psa_key_sign};
    state->id = id;
    *out_key = (sbs_key){&ops, state, false};
}

sbs_status sbs_psa_key_generate(sbs_alg alg, size_t bits, psa_key_id_t persistent_id, psa_key_id_t *out_id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    if (info != NULL && bits == 0) {
        bits = info->bits_min;
    }

    if (!sbs_alg_takes(info, bits) || (bits - info->bits_min) % SBS_KEY_BITS_STEP != 0) {
        return SBS_ERR_ARGUMENT;
    }

    psa_set_key_type(&attributes, PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(info->psa_public));
    psa_set_key_bits(&attributes, bits);
    psa_set_key_algorithm(&attributes, info->psa_alg);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    if (persistent_id != PSA_KEY_ID_NULL) {
        psa_set_key_id(&attributes, persistent_id);
    }

    psa_status_t status = psa_generate_key(&attributes, out_id);
    if (status == PSA_ERROR_DATA_INVALID) {
        status = PSA_ERROR_STORAGE_FAILURE; /* so Mbed TLS calls any failure to store a new key */
    }

    psa_reset_key_attributes(&attributes);
    return sbs_psa_to_status(status);
}

sbs_status sbs_psa_verify(sbs_alg alg, const uint8_t *public_key, size_t public_key_len,
                          const uint8_t hash[SBS_HASH_SIZE], const uint8_t *signature, size_t signature_len) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    if (info == NULL) {
        return SBS_ERR_KEY;
    }

    psa_set_key_type(&attributes, info->psa_public);
    psa_set_key_algorithm(&attributes, info->psa_alg);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);

    /* Imported for the time of the call. */
    psa_key_id_t id;
    psa_status_t status = psa_import_key(&attributes, public_key, public_key_len, &id);
    psa_reset_key_attributes(&attributes);
    if (status == PSA_SUCCESS) {
        status = psa_verify_hash(id, info->psa_alg, hash, SBS_HASH_SIZE, signature, signature_len);
        (void)psa_destroy_key(id);
    }

    return sbs_psa_to_status(status);
}
