/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of tests/vectors in the forms that the library takes, and a key port that does as it is told. */
#ifndef SBS_TEST_KEYS_H
#define SBS_TEST_KEYS_H

#include <psa/crypto.h>

#include "sbs/psa_key.h"
#include "sbs/text.h"

/** A span of a string literal or array of characters. */
#define TEXT(string) sbs_text_of(string)

/** Decodes base64url that must be valid; returns the length. */
size_t test_decode(const char *text, uint8_t *out, size_t size);

/** Writes RSAPublicKey in DER from big-endian numbers without leading zeros; returns the length. */
size_t test_rsa_der(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len, uint8_t out[SBS_PUBLIC_KEY_MAX]);

/** The same from base64url numbers. */
size_t test_rsa_der_of(const char *n, const char *e, uint8_t out[SBS_PUBLIC_KEY_MAX]);

/** Writes 0x04 | X | Y from base64url coordinates. */
void test_point_of(const char *x, const char *y, uint8_t out[97]);

/** psa_crypto_init and imports, as setups of cmocka would do it. */
psa_key_id_t test_import(psa_key_type_t type, psa_algorithm_t alg, const char *base64url);
psa_key_id_t test_import_rsa(const char *base64url);
psa_key_id_t test_import_p384(const char *base64url);

/** A key port whose answers the test sets. */
typedef struct test_key {
    sbs_key key;
    sbs_alg alg;
    uint8_t public_key[SBS_PUBLIC_KEY_MAX];
    size_t public_key_len;
    sbs_status public_key_status;
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t signature_len;
    sbs_status sign_status;
    unsigned pending; /**< so many answers are "not yet" first */
    unsigned public_key_pending;
    unsigned sign_calls;
    const uint8_t *hash_seen; /**< arguments of the first call, that later calls must repeat */
    uint8_t *signature_seen;
    bool arguments_changed;
    uint8_t hash[SBS_HASH_SIZE];
} test_key;

/** An RSA key of @p bits (all ones) with exponent 65537, or a P-384 key, that signs with 0xA5 bytes. */
void test_key_init(test_key *test, sbs_alg alg, size_t bits);

#endif
