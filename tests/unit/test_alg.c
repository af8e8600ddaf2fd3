/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/alg.h"
#include "test.h"

#define RSA_PAIR PSA_KEY_TYPE_RSA_KEY_PAIR
#define EC_PAIR PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1)

static void each_algorithm_has_the_row_of_its_name(void **state) {
    (void)state;
    assert_string_equal(sbs_alg_info_of(SBS_RS384)->name, "RS384");
    assert_string_equal(sbs_alg_info_of(SBS_ES384)->name, "ES384");
    assert_int_equal(sbs_alg_info_of(SBS_RS384)->alg, SBS_RS384);
    assert_int_equal(sbs_alg_info_of(SBS_ES384)->alg, SBS_ES384);
    assert_null(sbs_alg_info_of((sbs_alg)0));
    assert_null(sbs_alg_info_of((sbs_alg)77));
}

static void a_name_finds_its_row_and_no_other(void **state) {
    (void)state;
    assert_ptr_equal(sbs_alg_by_name("RS384"), sbs_alg_info_of(SBS_RS384));
    assert_ptr_equal(sbs_alg_by_name("ES384"), sbs_alg_info_of(SBS_ES384));
    assert_null(sbs_alg_by_name("es384"));
    assert_null(sbs_alg_by_name("RS256"));
    assert_null(sbs_alg_by_name(""));
}

static void keys_of_other_sizes_are_refused(void **state) {
    (void)state;
    const sbs_alg_info *rsa = sbs_alg_info_of(SBS_RS384);
    const sbs_alg_info *ec = sbs_alg_info_of(SBS_ES384);
    assert_false(sbs_alg_takes(rsa, 2047));
    assert_true(sbs_alg_takes(rsa, 2048));
    assert_true(sbs_alg_takes(rsa, 4096));
    assert_false(sbs_alg_takes(rsa, 4097));
    assert_true(sbs_alg_takes(ec, 384));
    assert_false(sbs_alg_takes(ec, 256));
    assert_false(sbs_alg_takes(NULL, 2048));
}

static void a_signature_is_as_long_as_rsa_keys_and_two_numbers_of_p384(void **state) {
    (void)state;
    assert_int_equal(sbs_alg_signature_len(sbs_alg_info_of(SBS_RS384), 2048), 256);
    assert_int_equal(sbs_alg_signature_len(sbs_alg_info_of(SBS_RS384), 2049), 257);
    assert_int_equal(sbs_alg_signature_len(sbs_alg_info_of(SBS_ES384), 384), 96);
}

/* A policy that names another algorithm of the same key, or any hash, still says what the key is. */
static void the_kind_and_the_size_of_a_key_find_its_row(void **state) {
    const psa_algorithm_t any = PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_ANY_HASH);
    (void)state;
    assert_ptr_equal(sbs_alg_of_key(RSA_PAIR, 3072, any), sbs_alg_info_of(SBS_RS384));
    assert_ptr_equal(sbs_alg_of_key(RSA_PAIR, 2048, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384)),
                     sbs_alg_info_of(SBS_RS384));
    assert_ptr_equal(sbs_alg_of_key(EC_PAIR, 384, PSA_ALG_ECDSA(PSA_ALG_SHA_384)), sbs_alg_info_of(SBS_ES384));
    assert_null(sbs_alg_of_key(RSA_PAIR, 1024, any));
    assert_null(sbs_alg_of_key(EC_PAIR, 256, PSA_ALG_ECDSA(PSA_ALG_SHA_384)));
    assert_null(sbs_alg_of_key(PSA_KEY_TYPE_RSA_PUBLIC_KEY, 2048, any));
    assert_null(sbs_alg_of_key(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_K1), 384, any));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_algorithm_has_the_row_of_its_name),
        cmocka_unit_test(a_name_finds_its_row_and_no_other),
        cmocka_unit_test(keys_of_other_sizes_are_refused),
        cmocka_unit_test(a_signature_is_as_long_as_rsa_keys_and_two_numbers_of_p384),
        cmocka_unit_test(the_kind_and_the_size_of_a_key_find_its_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
