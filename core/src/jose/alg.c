/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/alg.h"

#include <string.h>

#include "sbs/count.h"

/* The names of key.h count from 1. */
#define AT(alg) ((unsigned)(alg)-1u)

static const sbs_alg_info rows[] = {
    [AT(SBS_RS384)] = {"RS384", SBS_RS384, SBS_KEY_RSA, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384),
                       PSA_KEY_TYPE_RSA_PUBLIC_KEY, SBS_RSA_BITS_MIN, SBS_RSA_BITS_MAX, 0},
    [AT(SBS_ES384)] = {"ES384", SBS_ES384, SBS_KEY_P384, PSA_ALG_ECDSA(PSA_ALG_SHA_384),
                       PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), SBS_P384_BITS, SBS_P384_BITS,
                       SBS_ES384_SIGNATURE_SIZE},
};

const sbs_alg_info *sbs_alg_info_of(sbs_alg alg) {
    if (AT(alg) >= SBS_COUNT_OF(rows)) {
        return NULL;
    }
    return &rows[AT(alg)];
}

const sbs_alg_info *sbs_alg_by_name(const char *name) {
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

/* A policy may also name any hash, so a row that fits the key is taken even where the policy names none of the rows. */
const sbs_alg_info *sbs_alg_of_key(psa_key_type_t type, size_t bits, psa_algorithm_t policy) {
    const sbs_alg_info *found = NULL;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        /* Of several that fit, the one of the policy. */
        bool fits = PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(rows[i].psa_public) == type && sbs_alg_takes(&rows[i], bits);
        /* Not taken: no two rows fit one key as long as there is one for each kind. */
        if (fits && (found == NULL || rows[i].psa_alg == policy)) {
            found = &rows[i];
        }
    }

    return found;
}

bool sbs_alg_takes(const sbs_alg_info *info, size_t bits) {
    return info != NULL && bits >= info->bits_min && bits <= info->bits_max;
}

size_t sbs_alg_signature_len(const sbs_alg_info *info, size_t bits) {
    if (info->signature_len > 0) {
        return info->signature_len;
    }
    return (bits + 7) / 8;
}
