/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "../vectors/assertions.h"
#include "../vectors/keys.h"
#include "key_storage.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/jwk.h"
#include "sbs/psa_key.h"
#include "test.h"

static void hash_of(const char *text, size_t len, uint8_t hash[SBS_HASH_SIZE]) {
    size_t hash_len;
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)text, len, hash, SBS_HASH_SIZE, &hash_len),
                     PSA_SUCCESS);
}

static sbs_status sign(const sbs_key *key, const uint8_t *hash, uint8_t *signature, size_t size, size_t *out_len) {
    return key->ops->sign(key->ctx, hash, signature, size, out_len);
}

static int init_psa(void **state) {
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : 1;
}

/* ---- signing -------------------------------------------------------------------------------------------------- */

static void signs_as_the_published_vector(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    uint8_t hash[SBS_HASH_SIZE];
    uint8_t expected[256];
    uint8_t signature[256];
    size_t len = 0;
    (void)state;
    const psa_key_id_t id = test_import_rsa(WYCHEPROOF_2048_PRIVATE);
    sbs_psa_key_init(&psa, id, &key);
    assert_null(key.verify_after_sign);
    hash_of("Test", 4, hash);
    assert_int_equal(test_decode(WYCHEPROOF_2048_SIGNATURE, expected, sizeof expected), 256);
    assert_int_equal(sign(&key, hash, signature, sizeof signature, &len), SBS_OK);
    assert_int_equal(len, 256);
    assert_memory_equal(signature, expected, 256);
    assert_int_equal(sign(&key, hash, signature, 255, &len), SBS_ERR_BUFFER);
    psa_destroy_key(id);
}

static void signs_es384_as_two_plain_numbers(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    sbs_alg alg;
    uint8_t hash[SBS_HASH_SIZE] = {1};
    uint8_t signature[SBS_ES384_SIGNATURE_SIZE];
    uint8_t point[97];
    size_t len = 0;
    (void)state;
    const psa_key_id_t id = test_import_p384(EC_D);
    sbs_psa_key_init(&psa, id, &key);
    assert_int_equal(sign(&key, hash, signature, sizeof signature, &len), SBS_OK);
    assert_int_equal(len, 96);
    assert_int_equal(key.ops->public_key(key.ctx, &alg, point, sizeof point, &len), SBS_OK);
    assert_int_equal(alg, SBS_ES384);
    assert_int_equal(sbs_psa_verify(alg, point, len, hash, signature, sizeof signature), SBS_OK);
    hash[0] ^= 1;
    assert_int_equal(sbs_psa_verify(alg, point, len, hash, signature, sizeof signature), SBS_ERR_CRYPTO);
    assert_int_equal(sign(&key, hash, signature, sizeof signature - 1, &len), SBS_ERR_BUFFER);
    psa_destroy_key(id);
}

static void verifies_the_example_of_the_ig(void **state) {
    static const char jws[] = SMART_ES384_ASSERTION;
    const char *dot = strrchr(jws, '.');
    uint8_t hash[SBS_HASH_SIZE];
    uint8_t signature[SBS_ES384_SIGNATURE_SIZE];
    uint8_t point[97];
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    hash_of(jws, (size_t)(dot - jws), hash);
    assert_int_equal(test_decode(dot + 1, signature, sizeof signature), sizeof signature);
    assert_int_equal(sbs_psa_verify(SBS_ES384, point, sizeof point, hash, signature, sizeof signature), SBS_OK);
    signature[95] ^= 1;
    assert_int_equal(sbs_psa_verify(SBS_ES384, point, sizeof point, hash, signature, sizeof signature), SBS_ERR_CRYPTO);
    point[96] ^= 1; /* no longer on the curve */
    assert_int_equal(sbs_psa_verify(SBS_ES384, point, sizeof point, hash, signature, sizeof signature), SBS_ERR_KEY);
}

static void leaves_no_key_behind_after_verifying(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    const uint8_t hash[SBS_HASH_SIZE] = {0};
    const uint8_t signature[256] = {0};
    mbedtls_psa_stats_t before;
    mbedtls_psa_stats_t after;
    (void)state;
    const size_t len = test_rsa_der_of(N_SMART, "AQAB", der);
    mbedtls_psa_get_stats(&before);
    assert_int_equal(sbs_psa_verify(SBS_RS384, der, len, hash, signature, sizeof signature), SBS_ERR_CRYPTO);
    assert_int_equal(sbs_psa_verify(SBS_RS384, der, len - 1, hash, signature, sizeof signature), SBS_ERR_KEY);
    mbedtls_psa_get_stats(&after);
    assert_int_equal(after.MBEDTLS_PRIVATE(volatile_slots), before.MBEDTLS_PRIVATE(volatile_slots));
}

/* ---- public keys ---------------------------------------------------------------------------------------------- */

static void gives_the_public_key(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    sbs_alg alg;
    uint8_t expected[SBS_PUBLIC_KEY_MAX];
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    size_t len = 0;
    (void)state;
    const size_t exact = test_rsa_der_of(N_WYCHEPROOF_3072, "AQAB", expected);
    const psa_key_id_t id = test_import_rsa(WYCHEPROOF_3072_PRIVATE);
    sbs_psa_key_init(&psa, id, &key);
    assert_int_equal(key.ops->public_key(key.ctx, &alg, der, exact, &len), SBS_OK);
    assert_int_equal(alg, SBS_RS384);
    assert_int_equal(len, exact);
    assert_memory_equal(der, expected, exact);
    assert_int_equal(key.ops->public_key(key.ctx, &alg, der, exact - 1, &len), SBS_ERR_BUFFER);
    psa_destroy_key(id);
}

static void assert_unusable(psa_key_id_t id) {
    sbs_psa_key psa;
    sbs_key key;
    sbs_alg alg;
    const uint8_t hash[SBS_HASH_SIZE] = {0};
    uint8_t out[SBS_PUBLIC_KEY_MAX];
    size_t len;
    sbs_psa_key_init(&psa, id, &key);
    assert_int_equal(key.ops->public_key(key.ctx, &alg, out, sizeof out, &len), SBS_ERR_KEY);
    assert_int_equal(sign(&key, hash, out, sizeof out, &len), SBS_ERR_KEY);
}

static void refuses_keys_of_other_kinds(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    (void)state;
    key_storage_open();
    assert_unusable(0x1234567);
    key_storage_close();
    id = test_import(PSA_KEY_TYPE_AES, PSA_ALG_GCM, "AAAAAAAAAAAAAAAAAAAAAA");
    assert_unusable(id);
    psa_destroy_key(id);
    id = test_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDSA(PSA_ALG_SHA_384),
                     "yYiKwjyKsnaA2g2vqjY9AfZKzgXG8cF6gROVIywV6-s");
    assert_unusable(id); /* P-256 */
    psa_destroy_key(id);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_RSA_PUBLIC_KEY);
    assert_int_equal(psa_import_key(&attributes, der, test_rsa_der_of(N_SMART, "AQAB", der), &id), PSA_SUCCESS);
    assert_unusable(id);
    psa_destroy_key(id);
}

static void refuses_a_key_whose_policy_forbids_it(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    const uint8_t hash[SBS_HASH_SIZE] = {0};
    uint8_t signature[SBS_ES384_SIGNATURE_SIZE];
    size_t len;
    (void)state;
    const psa_key_id_t id =
        test_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDSA(PSA_ALG_SHA_256), EC_D);
    sbs_psa_key_init(&psa, id, &key);
    assert_int_equal(sign(&key, hash, signature, sizeof signature, &len), SBS_ERR_KEY);
    psa_destroy_key(id);
}

/* ---- generation ----------------------------------------------------------------------------------------------- */

static void generates_keys_that_work(void **state) {
    static const struct {
        sbs_alg alg;
        size_t asked;
        size_t bits;
    } cases[] = {{SBS_ES384, 0, 384}, {SBS_ES384, 384, 384}, {SBS_RS384, 0, 2048}};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_psa_key psa;
        sbs_key key;
        sbs_alg alg;
        sbs_public_key public_key;
        psa_key_id_t id;
        const uint8_t hash[SBS_HASH_SIZE] = {7};
        uint8_t encoded[SBS_PUBLIC_KEY_MAX];
        uint8_t signature[SBS_SIGNATURE_MAX];
        size_t len;
        size_t signature_len;
        assert_int_equal(sbs_psa_key_generate(cases[i].alg, cases[i].asked, PSA_KEY_ID_NULL, &id), SBS_OK);
        sbs_psa_key_init(&psa, id, &key);
        assert_int_equal(key.ops->public_key(key.ctx, &alg, encoded, sizeof encoded, &len), SBS_OK);
        assert_int_equal(sbs_public_key_parse(alg, encoded, len, &public_key), SBS_OK);
        assert_int_equal(public_key.bits, cases[i].bits);
        assert_int_equal(sign(&key, hash, signature, sizeof signature, &signature_len), SBS_OK);
        assert_int_equal(sbs_psa_verify(alg, encoded, len, hash, signature, signature_len), SBS_OK);
        assert_int_equal(psa_export_key(id, encoded, sizeof encoded, &len), PSA_ERROR_NOT_PERMITTED);
        psa_destroy_key(id);
    }
}

static void never_overwrites_a_stored_key(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    const psa_key_id_t wanted = 7;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    const uint8_t hash[SBS_HASH_SIZE] = {7};
    uint8_t signature[SBS_ES384_SIGNATURE_SIZE];
    size_t len;
    (void)state;
    key_storage_open();
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, wanted, &id), SBS_OK);
    assert_int_equal(id, wanted);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, wanted, &id), SBS_ERR_STATE);
    sbs_psa_key_init(&psa, wanted, &key);
    assert_int_equal(sign(&key, hash, signature, sizeof signature, &len), SBS_OK);
    assert_int_equal(psa_destroy_key(wanted), PSA_SUCCESS);
    key_storage_close();
}

/* Files that are not open failed; flash that is not open is in the wrong state. */
static void no_key_is_made_without_its_storage(void **state) {
    psa_key_id_t id = PSA_KEY_ID_NULL;
    (void)state;
    sbs_status status = sbs_psa_key_generate(SBS_ES384, 0, 7, &id);
    assert_true(status == SBS_ERR_STORAGE || status == SBS_ERR_STATE);
    assert_int_equal(id, PSA_KEY_ID_NULL);
}

static void refuses_other_sizes(void **state) {
    static const struct {
        sbs_alg alg;
        size_t bits;
    } cases[] = {{SBS_ES384, 256},  {SBS_ES384, 2048}, {SBS_RS384, 1024}, {SBS_RS384, 2047},
                 {SBS_RS384, 2056}, {SBS_RS384, 8192}, {(sbs_alg)3, 2048}};
    psa_key_id_t id;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(sbs_psa_key_generate(cases[i].alg, cases[i].bits, PSA_KEY_ID_NULL, &id), SBS_ERR_ARGUMENT);
    }
}

/* ---- statuses ------------------------------------------------------------------------------------------------- */

static void translates_statuses(void **state) {
    static const struct {
        psa_status_t psa;
        sbs_status status;
    } cases[] = {
        {PSA_SUCCESS, SBS_OK},
        {PSA_ERROR_INSUFFICIENT_MEMORY, SBS_ERR_MEMORY},
        {PSA_ERROR_INSUFFICIENT_ENTROPY, SBS_ERR_RANDOM},
        {PSA_ERROR_BUFFER_TOO_SMALL, SBS_ERR_BUFFER},
        {PSA_ERROR_ALREADY_EXISTS, SBS_ERR_STATE},
        {PSA_ERROR_NOT_SUPPORTED, SBS_ERR_UNSUPPORTED},
        {PSA_ERROR_STORAGE_FAILURE, SBS_ERR_STORAGE},
        {PSA_ERROR_INSUFFICIENT_STORAGE, SBS_ERR_STORAGE},
        {PSA_ERROR_DATA_CORRUPT, SBS_ERR_DAMAGED},
        {PSA_ERROR_DATA_INVALID, SBS_ERR_DAMAGED},
        {PSA_ERROR_INVALID_HANDLE, SBS_ERR_KEY},
        {PSA_ERROR_DOES_NOT_EXIST, SBS_ERR_KEY},
        {PSA_ERROR_NOT_PERMITTED, SBS_ERR_KEY},
        {PSA_ERROR_INVALID_ARGUMENT, SBS_ERR_KEY},
        {PSA_ERROR_INVALID_SIGNATURE, SBS_ERR_CRYPTO},
        {PSA_ERROR_CORRUPTION_DETECTED, SBS_ERR_CRYPTO},
        {PSA_ERROR_HARDWARE_FAILURE, SBS_ERR_CRYPTO},
        {PSA_ERROR_GENERIC_ERROR, SBS_ERR_CRYPTO},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(sbs_psa_to_status(cases[i].psa), cases[i].status);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_the_published_vector),
        cmocka_unit_test(signs_es384_as_two_plain_numbers),
        cmocka_unit_test(verifies_the_example_of_the_ig),
        cmocka_unit_test(leaves_no_key_behind_after_verifying),
        cmocka_unit_test(gives_the_public_key),
        cmocka_unit_test(refuses_keys_of_other_kinds),
        cmocka_unit_test(refuses_a_key_whose_policy_forbids_it),
        cmocka_unit_test(generates_keys_that_work),
        cmocka_unit_test(never_overwrites_a_stored_key),
        cmocka_unit_test(no_key_is_made_without_its_storage),
        cmocka_unit_test(refuses_other_sizes),
        cmocka_unit_test(translates_statuses),
    };
    return cmocka_run_group_tests(tests, init_psa, NULL);
}
