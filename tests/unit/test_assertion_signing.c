/* SPDX-License-Identifier: Apache-2.0 */
/* The signing half of the assertion module; test_assertion.c has the text half. */
#include <stdlib.h>
#include <string.h>

#include "../vectors/assertions.h"
#include "../vectors/keys.h"
#include "assertions.h"
#include "keys.h"
#include "sbs/assertion.h"
#include "sbs/count.h"
#include "sbs/psa_key.h"
#include "sbs/time.h"
#include "test.h"

static void signs_the_hash_of_what_it_wrote(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    uint8_t hash[SBS_HASH_SIZE];
    (void)state;
    test_key_init(&key, SBS_RS384, 3072);
    test_assertion_make(&params, &key.key, &made);
    test_hash_input(&made, hash);
    assert_memory_equal(key.hash, hash, sizeof hash);
}

static void es384_signatures_verify(void **state) {
    sbs_assertion_params params = test_smart_params();
    sbs_psa_key psa;
    sbs_key key;
    test_jws made;
    uint8_t point[97];
    uint8_t hash[SBS_HASH_SIZE];
    (void)state;
    const psa_key_id_t id = test_import_p384(EC_D);
    test_point_of(EC_X, EC_Y, point);
    sbs_psa_key_init(&psa, id, &key);
    key.verify_after_sign = sbs_psa_verify;
    test_assertion_make(&params, &key, &made);
    assert_int_equal(made.signature_len, 96);
    test_hash_input(&made, hash);
    assert_int_equal(sbs_psa_verify(SBS_ES384, point, sizeof point, hash, made.signature, 96), SBS_OK);
    psa_destroy_key(id);
}

static void rs384_4096_signatures_verify(void **state) {
    sbs_assertion_params params = test_smart_params();
    sbs_psa_key psa;
    sbs_key key;
    test_jws made;
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    uint8_t hash[SBS_HASH_SIZE];
    (void)state;
    const psa_key_id_t id = test_import_rsa(WYCHEPROOF_4096_PRIVATE);
    sbs_psa_key_init(&psa, id, &key);
    key.verify_after_sign = sbs_psa_verify;
    test_assertion_make(&params, &key, &made);
    test_hash_input(&made, hash);
    assert_int_equal(sbs_psa_verify(SBS_RS384, der, test_rsa_der_of(N_WYCHEPROOF_4096, "AQAB", der), hash,
                                    made.signature, made.signature_len),
                     SBS_OK);
    psa_destroy_key(id);
}

static void start(sbs_assertion *assertion, const test_key *key, char *out, size_t size, sbs_writer *writer) {
    const sbs_assertion_params params = test_smart_params();
    sbs_writer_init(writer, out, size);
    assert_int_equal(sbs_assertion_start(assertion, &params, key->alg, key->alg == SBS_ES384 ? 384 : 2048, writer),
                     SBS_OK);
}

static void asks_a_slow_key_again_with_the_same_arguments(void **state) {
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    sbs_writer writer;
    (void)state;
    test_key_init(&key, SBS_ES384, 384);
    key.pending = 3;
    start(&assertion, &key, out, sizeof out, &writer);
    const size_t input = writer.len;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_PENDING);
        assert_int_equal(writer.len, input);
    }
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_OK);
    assert_int_equal(key.sign_calls, 4);
    assert_false(key.arguments_changed);
    assert_int_equal(writer.len, input + 1 + 128);
}

static void a_slow_public_key_does_not_sign_twice(void **state) {
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    sbs_writer writer;
    (void)state;
    test_key_init(&key, SBS_ES384, 384);
    key.key.verify_after_sign = sbs_psa_verify;
    key.public_key_pending = 2;
    start(&assertion, &key, out, sizeof out, &writer);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_PENDING);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_PENDING);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_ERR_KEY); /* 0|0 is on no curve */
    assert_int_equal(key.sign_calls, 1);
}

static void wipes_the_state_after_any_result(void **state) {
    static const sbs_status results[] = {SBS_OK,         SBS_ERR_KEY,    SBS_ERR_RANDOM,
                                         SBS_ERR_MEMORY, SBS_ERR_CRYPTO, SBS_ERR_BUFFER};
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    sbs_writer writer;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(results); i++) {
        test_key_init(&key, SBS_RS384, 2048);
        key.sign_status = results[i];
        start(&assertion, &key, out, sizeof out, &writer);
        assert_false(test_is_zero(assertion.hash, sizeof assertion.hash));
        assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), results[i]);
        assert_true(test_is_zero(&assertion, sizeof assertion));
        assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_ERR_STATE);
    }
}

static void refuses_a_signature_of_another_length(void **state) {
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    sbs_writer writer;
    (void)state;
    for (size_t len = 254; len <= 258; len += 2) {
        test_key_init(&key, SBS_RS384, 2048);
        start(&assertion, &key, out, sizeof out, &writer);
        const size_t input = writer.len;
        key.signature_len = len;
        assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), len == 256 ? SBS_OK : SBS_ERR_CRYPTO);
        assert_true(len == 256 || writer.len == input);
    }
}

/* A key that answers with the signature of another hash, as a faulty RSA-CRT would with a wrong number. */
static void a_wrong_signature_does_not_get_out(void **state) {
    sbs_assertion_params params = test_smart_params();
    sbs_assertion assertion;
    sbs_psa_key psa;
    sbs_key good;
    test_key key;
    test_jws other;
    char out[1024];
    sbs_writer writer;
    (void)state;
    const psa_key_id_t id = test_import_rsa(SMART_PRIVATE);
    sbs_psa_key_init(&psa, id, &good);
    test_assertion_make(&params, &good, &other);
    test_key_init(&key, SBS_RS384, 2048);
    key.public_key_len = test_rsa_der_of(N_SMART, "AQAB", key.public_key);
    memcpy(key.signature, other.signature, 256);
    key.key.verify_after_sign = sbs_psa_verify;
    start(&assertion, &key, out, sizeof out, &writer);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_OK);
    key.signature[200] ^= 1;
    start(&assertion, &key, out, sizeof out, &writer);
    const size_t input = writer.len;
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_ERR_CRYPTO);
    assert_int_equal(writer.len, input);
    assert_true(test_is_zero(&assertion, sizeof assertion));
    psa_destroy_key(id);
}

static void verification_fits_into_an_exact_buffer(void **state) {
    sbs_assertion_params params = test_smart_params();
    static const char *const keys[] = {SMART_PRIVATE, WYCHEPROOF_3072_PRIVATE, WYCHEPROOF_4096_PRIVATE};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(keys); i++) {
        sbs_psa_key psa;
        sbs_key key;
        size_t len;
        const psa_key_id_t id = test_import_rsa(keys[i]);
        const size_t exact = sbs_assertion_size(&params, SBS_RS384, 2048 + 1024 * i);
        char *out = malloc(exact);
        assert_non_null(out);
        sbs_psa_key_init(&psa, id, &key);
        key.verify_after_sign = sbs_psa_verify;
        assert_int_equal(sbs_assertion_make(&params, &key, out, exact, &len), SBS_OK);
        free(out);
        psa_destroy_key(id);
    }
}

static void a_key_that_changes_its_kind_is_refused(void **state) {
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    sbs_writer writer;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    key.key.verify_after_sign = sbs_psa_verify;
    start(&assertion, &key, out, sizeof out, &writer);
    key.alg = SBS_ES384;
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_ERR_KEY);
}

static void make_passes_errors_of_the_key_on(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    char out[1024];
    size_t len;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    key.public_key_status = SBS_ERR_MEMORY;
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_MEMORY);
    test_key_init(&key, SBS_RS384, 2048);
    key.public_key[0] = 0;
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_KEY);
    test_key_init(&key, SBS_RS384, 2048);
    key.pending = 1;
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_UNSUPPORTED);
    assert_true(test_is_zero(out, sizeof out));
    test_key_init(&key, SBS_RS384, 2048);
    key.sign_status = SBS_ERR_KEY;
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_KEY);
    assert_true(test_is_zero(out, sizeof out));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_hash_of_what_it_wrote),
        cmocka_unit_test(es384_signatures_verify),
        cmocka_unit_test(rs384_4096_signatures_verify),
        cmocka_unit_test(asks_a_slow_key_again_with_the_same_arguments),
        cmocka_unit_test(a_slow_public_key_does_not_sign_twice),
        cmocka_unit_test(wipes_the_state_after_any_result),
        cmocka_unit_test(refuses_a_signature_of_another_length),
        cmocka_unit_test(a_wrong_signature_does_not_get_out),
        cmocka_unit_test(verification_fits_into_an_exact_buffer),
        cmocka_unit_test(a_key_that_changes_its_kind_is_refused),
        cmocka_unit_test(make_passes_errors_of_the_key_on),
    };
    return cmocka_run_group_tests(tests, test_init_psa, NULL);
}
