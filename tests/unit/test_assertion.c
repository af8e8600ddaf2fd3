/* SPDX-License-Identifier: Apache-2.0 */
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

#define SEED_CLIENT "9e4a2858-9e86-406b-958f-b86a5e1ceb3d"

/* ---- a random generator that can fail (linked with --wrap) ---------------------------------------------------- */

static bool random_fails;

psa_status_t __real_psa_generate_random(uint8_t *output, size_t output_size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t output_size);

psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t output_size) {
    return random_fails ? PSA_ERROR_INSUFFICIENT_ENTROPY : __real_psa_generate_random(output, output_size);
}

static sbs_assertion_params seed_params(void) {
    return (sbs_assertion_params){.profile = SBS_PROFILE_SEED,
                                  .client_id = TEXT(SEED_CLIENT),
                                  .aud = TEXT(TEST_AUD),
                                  .issued_at = TEST_ISSUED_AT};
}

static int heal_random(void **state) {
    (void)state;
    random_fails = false;
    return 0;
}

/* ---- published assertions ------------------------------------------------------------------------------------- */

static void assert_made(const sbs_assertion_params *params, const char *private_key, const char *expected) {
    sbs_psa_key psa;
    sbs_key key;
    test_jws made;
    const psa_key_id_t id = test_import_rsa(private_key);
    sbs_psa_key_init(&psa, id, &key);
    test_assertion_make(params, &key, &made);
    assert_int_equal(made.len, strlen(expected));
    assert_memory_equal(made.text, expected, made.len);
    assert_int_equal(sbs_assertion_size(params, SBS_RS384, 2048), made.len);
    psa_destroy_key(id);
}

static void reproduces_the_assertion_of_the_seed(void **state) {
    const sbs_assertion_params params = seed_params();
    (void)state;
    assert_made(&params, SMART_PRIVATE, SEED_ASSERTION);
}

static void the_seed_profile_takes_no_kid_and_no_jti(void **state) {
    sbs_assertion_params params = seed_params();
    (void)state;
    params.kid = TEXT("kid");
    params.jti = TEXT("jti");
    assert_made(&params, SMART_PRIVATE, SEED_ASSERTION);
}

/* The example has no iat, which ours always has: without it the bytes are the example's, and so is the signature. */
static void reproduces_the_example_of_the_ig(void **state) {
    const sbs_assertion_params params = {
        .client_id = TEXT("https://bili-monitor.example.com"),
        .aud = TEXT("https://authorize.smarthealthit.org/token"),
        .kid = TEXT("eee9f17a3b598fd86417a980b591fbe6"),
        .jti = TEXT("random-non-reusable-jwt-id-123"),
        .issued_at = 1422568860 - 240,
    };
    static const char iat[] = "\"iat\":1422568620,";
    const psa_key_id_t id = test_import_rsa(SMART_PRIVATE);
    char text[sizeof SMART_RS384_ASSERTION];
    uint8_t hash[SBS_HASH_SIZE];
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t len;
    sbs_psa_key psa;
    sbs_key key;
    test_jws made;
    sbs_writer out;
    (void)state;

    sbs_psa_key_init(&psa, id, &key);
    test_assertion_make(&params, &key, &made);
    char *at = strstr(made.payload, iat);
    assert_non_null(at);
    memmove(at, at + strlen(iat), strlen(at + strlen(iat)) + 1);

    sbs_writer_init(&out, text, sizeof text);
    sbs_base64url_put(&out, (const uint8_t *)made.header, strlen(made.header));
    sbs_put_char(&out, '.');
    sbs_base64url_put(&out, (const uint8_t *)made.payload, strlen(made.payload));
    assert_int_equal(psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)text, out.len, hash, sizeof hash, &len),
                     PSA_SUCCESS);
    assert_int_equal(key.ops->sign(key.ctx, hash, signature, sizeof signature, &len), SBS_OK);
    sbs_put_char(&out, '.');
    sbs_base64url_put(&out, signature, len);

    assert_int_equal(out.len, strlen(SMART_RS384_ASSERTION));
    assert_memory_equal(text, SMART_RS384_ASSERTION, out.len);
    psa_destroy_key(id);
}

/* ---- header and claims ---------------------------------------------------------------------------------------- */

static void writes_header_and_claims_of_smart(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    test_assertion_make(&params, &key.key, &made);
    assert_string_equal(made.header, "{\"alg\":\"RS384\",\"kid\":\"kid-1\",\"typ\":\"JWT\"}");
    assert_string_equal(made.payload, "{\"iss\":\"client\",\"sub\":\"client\",\"aud\":\"" TEST_AUD
                                      "\",\"exp\":1700000240,\"iat\":1700000000,\"jti\":\"jti-1\"}");
    assert_int_equal(made.signature_len, 256);
    assert_memory_equal(made.signature, key.signature, 256);
    assert_null(strchr(made.text, '='));
}

static void options_show_in_header_and_claims(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    (void)state;
    test_key_init(&key, SBS_ES384, 384);
    params.kid = TEXT(NULL);
    params.typ = TEXT("client-authentication+jwt");
    params.lifetime = 300;
    test_assertion_make(&params, &key.key, &made);
    assert_string_equal(made.header, "{\"alg\":\"ES384\",\"typ\":\"client-authentication+jwt\"}");
    assert_non_null(strstr(made.payload, "\"exp\":1700000300,\"iat\":1700000000,\"jti\":"));
    params.lifetime = 1;
    test_assertion_make(&params, &key.key, &made);
    assert_non_null(strstr(made.payload, "\"exp\":1700000001,"));
}

static void escapes_what_json_demands_and_nothing_else(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    params.client_id = TEXT("a\"b\\c/d e~");
    params.kid = TEXT("\\\"");
    params.aud = TEXT("https://h/a/b?c=\"");
    test_assertion_make(&params, &key.key, &made);
    assert_string_equal(made.header, "{\"alg\":\"RS384\",\"kid\":\"\\\\\\\"\",\"typ\":\"JWT\"}");
    assert_non_null(strstr(made.payload, "{\"iss\":\"a\\\"b\\\\c/d e~\",\"sub\":\"a\\\"b\\\\c/d e~\","
                                         "\"aud\":\"https://h/a/b?c=\\\"\","));
    assert_int_equal(made.len, sbs_assertion_size(&params, SBS_RS384, 2048));
}

static void takes_client_ids_of_kilobytes(void **state) {
    sbs_assertion_params params = test_smart_params();
    static char client_id[2000];
    test_key key;
    test_jws made;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    memset(client_id, 'x', sizeof client_id);
    params.client_id = (sbs_text){client_id, sizeof client_id};
    test_assertion_make(&params, &key.key, &made);
    assert_int_equal(made.len, sbs_assertion_size(&params, SBS_RS384, 2048));
}

static void draws_a_fresh_jti_each_time(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    char jti[4][23];
    uint8_t random[SBS_JTI_SIZE];
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    params.jti = TEXT(NULL);
    for (size_t i = 0; i < SBS_COUNT_OF(jti); i++) {
        test_assertion_make(&params, &key.key, &made);
        assert_int_equal(made.len, sbs_assertion_size(&params, SBS_RS384, 2048));
        const char *at = strstr(made.payload, "\"jti\":\"");
        assert_non_null(at);
        memcpy(jti[i], at + 7, 22);
        jti[i][22] = '\0';
        assert_string_equal(at + 7 + 22, "\"}");
        assert_int_equal(test_decode(jti[i], random, sizeof random), SBS_JTI_SIZE);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(jti[i], jti[j]);
        }
    }
}

static void stops_when_the_random_generator_fails(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    char out[2048];
    size_t len = 1;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    memset(out, 'x', sizeof out);
    random_fails = true;
    params.jti = TEXT(NULL);
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_ERR_RANDOM);
    assert_int_equal(len, 0);
    assert_int_equal(key.sign_calls, 0);
    assert_true(test_is_zero(out, sizeof out));
    /* Nothing random is needed here. */
    params.jti = TEXT("jti");
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_OK);
    params = seed_params();
    assert_int_equal(sbs_assertion_make(&params, &key.key, out, sizeof out, &len), SBS_OK);
}

/* ---- refused parameters --------------------------------------------------------------------------------------- */

static void assert_refused(const sbs_assertion_params *params, sbs_alg alg, size_t bits, sbs_status status) {
    sbs_assertion assertion;
    char out[2048];
    sbs_writer writer;
    sbs_writer_init(&writer, out, sizeof out);
    assert_int_equal(sbs_assertion_start(&assertion, params, alg, bits, &writer), status);
    assert_int_equal(writer.len, 0);
    assert_int_equal(sbs_assertion_size(params, alg, bits), 0);
}

static void refuses_texts(void **state) {
    static const char *const bad[] = {"a\x1f", "a\x7f", "\xc3\xa9", "a\nb", "\t"};
    static char longest[SBS_JTI_MAX + 1];
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        const size_t texts[] = {
            offsetof(sbs_assertion_params, client_id), offsetof(sbs_assertion_params, aud),
            offsetof(sbs_assertion_params, kid),       offsetof(sbs_assertion_params, typ),
            offsetof(sbs_assertion_params, jti),
        };
        for (size_t j = 0; j < SBS_COUNT_OF(texts); j++) {
            sbs_assertion_params params = test_smart_params();
            const sbs_text text = TEXT(bad[i]);
            memcpy((char *)&params + texts[j], &text, sizeof text);
            assert_refused(&params, SBS_RS384, 2048, SBS_ERR_ARGUMENT);
        }
    }
    sbs_assertion_params params = test_smart_params();
    params.client_id = TEXT("");
    assert_refused(&params, SBS_RS384, 2048, SBS_ERR_ARGUMENT);
    params = test_smart_params();
    params.aud = TEXT(NULL);
    assert_refused(&params, SBS_RS384, 2048, SBS_ERR_ARGUMENT);
    params = test_smart_params();
    memset(longest, 'k', sizeof longest);
    params.kid = (sbs_text){longest, SBS_KID_MAX + 1};
    assert_refused(&params, SBS_RS384, 2048, SBS_ERR_ARGUMENT);
    params = test_smart_params();
    params.jti = (sbs_text){longest, SBS_JTI_MAX + 1};
    assert_refused(&params, SBS_RS384, 2048, SBS_ERR_ARGUMENT);
    params.jti.len = SBS_JTI_MAX;
    assert_int_not_equal(sbs_assertion_size(&params, SBS_RS384, 2048), 0);
}

static void refuses_times(void **state) {
    static const struct {
        int64_t issued_at;
        uint32_t lifetime;
        sbs_status status;
    } cases[] = {
        {SBS_UTC_UNKNOWN, 0, SBS_ERR_NO_TIME},
        {0, 0, SBS_ERR_ARGUMENT},
        {-1, 0, SBS_ERR_ARGUMENT},
        {TEST_ISSUED_AT, 301, SBS_ERR_ARGUMENT},
        {TEST_ISSUED_AT, UINT32_MAX, SBS_ERR_ARGUMENT},
        {INT64_MAX, 1, SBS_ERR_ARGUMENT},
        {INT64_MAX - 299, 1, SBS_ERR_ARGUMENT},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_assertion_params params = test_smart_params();
        params.issued_at = cases[i].issued_at;
        params.lifetime = cases[i].lifetime;
        assert_refused(&params, SBS_RS384, 2048, cases[i].status);
    }
}

static void refuses_keys(void **state) {
    sbs_assertion_params params = test_smart_params();
    (void)state;
    assert_refused(&params, SBS_RS384, 2047, SBS_ERR_KEY);
    assert_refused(&params, SBS_RS384, 4097, SBS_ERR_KEY);
    assert_refused(&params, SBS_RS384, 384, SBS_ERR_KEY);
    assert_refused(&params, SBS_ES384, 256, SBS_ERR_KEY);
    assert_refused(&params, SBS_ES384, 2048, SBS_ERR_KEY);
    assert_refused(&params, (sbs_alg)0, 2048, SBS_ERR_KEY);
    params = seed_params();
    assert_refused(&params, SBS_ES384, 384, SBS_ERR_KEY);
}

static void refuses_a_writer_without_a_buffer(void **state) {
    sbs_assertion_params params = test_smart_params();
    sbs_assertion assertion;
    sbs_writer writer;
    (void)state;
    sbs_writer_init_sizing(&writer);
    assert_int_equal(sbs_assertion_start(&assertion, &params, SBS_RS384, 2048, &writer), SBS_ERR_ARGUMENT);
}

/* ---- sizes ---------------------------------------------------------------------------------------------------- */

static void the_size_is_exact_for_every_key(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    test_jws made;
    (void)state;
    for (size_t bits = 2048; bits <= 4096; bits += bits < 2070 ? 1 : 131) {
        test_key_init(&key, SBS_RS384, bits);
        test_assertion_make(&params, &key.key, &made);
        assert_int_equal(made.len, sbs_assertion_size(&params, SBS_RS384, bits));
        assert_int_equal(made.signature_len, (bits + 7) / 8);
    }
    test_key_init(&key, SBS_ES384, 384);
    test_assertion_make(&params, &key.key, &made);
    assert_int_equal(made.len, sbs_assertion_size(&params, SBS_ES384, 384));
}

static void every_shorter_buffer_is_refused_before_signing(void **state) {
    sbs_assertion_params params = test_smart_params();
    test_key key;
    size_t len;
    (void)state;
    test_key_init(&key, SBS_ES384, 384);
    const size_t exact = sbs_assertion_size(&params, SBS_ES384, 384);
    for (size_t size = 0; size <= exact; size++) {
        char *out = malloc(size + 1);
        assert_non_null(out);
        memset(out, '~', size + 1);
        const sbs_status status = sbs_assertion_make(&params, &key.key, out, size, &len);
        assert_int_equal(status, size < exact ? SBS_ERR_BUFFER : SBS_OK);
        assert_true(size < key.public_key_len ? len >= exact : len == exact);
        assert_int_equal(key.sign_calls, size < exact ? 0 : 1);
        assert_int_equal(out[size], '~');
        assert_true(size == exact || test_is_zero(out, size));
        free(out);
    }
}

static void appends_to_what_the_writer_holds(void **state) {
    sbs_assertion_params params = test_smart_params();
    sbs_assertion assertion;
    test_key key;
    char out[1024];
    test_jws plain;
    sbs_writer writer;
    (void)state;
    test_key_init(&key, SBS_RS384, 2048);
    test_assertion_make(&params, &key.key, &plain);
    sbs_writer_init(&writer, out, plain.len + 5);
    sbs_put_string(&writer, "form=");
    assert_int_equal(sbs_assertion_start(&assertion, &params, SBS_RS384, 2048, &writer), SBS_OK);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_OK);
    assert_int_equal(writer.len, plain.len + 5);
    assert_memory_equal(out, "form=", 5);
    assert_memory_equal(out + 5, plain.text, plain.len);
    /* One byte short: told before signing, with the size of all. */
    key.sign_calls = 0;
    sbs_writer_init(&writer, out, plain.len + 4);
    sbs_put_string(&writer, "form=");
    assert_int_equal(sbs_assertion_start(&assertion, &params, SBS_RS384, 2048, &writer), SBS_ERR_BUFFER);
    assert_int_equal(writer.len, plain.len + 5);
    assert_int_equal(sbs_assertion_sign(&assertion, &key.key, &writer), SBS_ERR_STATE);
    assert_int_equal(key.sign_calls, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reproduces_the_assertion_of_the_seed),
        cmocka_unit_test(the_seed_profile_takes_no_kid_and_no_jti),
        cmocka_unit_test(reproduces_the_example_of_the_ig),
        cmocka_unit_test(writes_header_and_claims_of_smart),
        cmocka_unit_test(options_show_in_header_and_claims),
        cmocka_unit_test(escapes_what_json_demands_and_nothing_else),
        cmocka_unit_test(takes_client_ids_of_kilobytes),
        cmocka_unit_test(draws_a_fresh_jti_each_time),
        cmocka_unit_test_teardown(stops_when_the_random_generator_fails, heal_random),
        cmocka_unit_test(refuses_texts),
        cmocka_unit_test(refuses_times),
        cmocka_unit_test(refuses_keys),
        cmocka_unit_test(refuses_a_writer_without_a_buffer),
        cmocka_unit_test(the_size_is_exact_for_every_key),
        cmocka_unit_test(every_shorter_buffer_is_refused_before_signing),
        cmocka_unit_test(appends_to_what_the_writer_holds),
    };
    return cmocka_run_group_tests(tests, test_init_psa, NULL);
}
