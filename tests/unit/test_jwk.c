/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "../vectors/keys.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/jwk.h"
#include "test.h"

/* ---- hash functions that can fail (linked with --wrap) --------------------------------------------------------- */

static enum { NOTHING, SETUP, UPDATE, FINISH } failing;

psa_status_t __real_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t __real_psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input, size_t len);
psa_status_t __wrap_psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input, size_t len);
psa_status_t __real_psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t size, size_t *len);
psa_status_t __wrap_psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t size, size_t *len);

psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg) {
    return failing == SETUP ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_hash_setup(operation, alg);
}

psa_status_t __wrap_psa_hash_update(psa_hash_operation_t *operation, const uint8_t *input, size_t len) {
    return failing == UPDATE ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_hash_update(operation, input, len);
}

psa_status_t __wrap_psa_hash_finish(psa_hash_operation_t *operation, uint8_t *hash, size_t size, size_t *len) {
    return failing == FINISH ? PSA_ERROR_HARDWARE_FAILURE : __real_psa_hash_finish(operation, hash, size, len);
}

/* ---- helpers -------------------------------------------------------------------------------------------------- */

static sbs_public_key parse(sbs_alg alg, const uint8_t *data, size_t len) {
    sbs_public_key key;
    assert_int_equal(sbs_public_key_parse(alg, data, len, &key), SBS_OK);
    return key;
}

static sbs_public_key parse_vector(const rsa_vector *vector, uint8_t der[SBS_PUBLIC_KEY_MAX]) {
    return parse(SBS_RS384, der, test_rsa_der_of(vector->n, vector->e, der));
}

typedef struct text_buffer {
    char text[8192];
    size_t len;
} text_buffer;

static void finish(sbs_writer *writer, text_buffer *out) {
    assert_int_equal(sbs_writer_finish(writer, &out->len), SBS_OK);
    out->text[out->len] = '\0';
}

static void put_jwk(const sbs_public_key *key, const char *kid, sbs_jwk_style style, text_buffer *out) {
    sbs_writer writer;
    sbs_writer_init(&writer, out->text, sizeof out->text - 1);
    sbs_jwk_put(&writer, key, sbs_text_of(kid), style, 0);
    finish(&writer, out);
}

static void put_set(const sbs_jwk *keys, size_t count, sbs_jwk_style style, text_buffer *out) {
    sbs_writer writer;
    sbs_writer_init(&writer, out->text, sizeof out->text - 1);
    sbs_jwk_set_put(&writer, keys, count, style);
    finish(&writer, out);
}

static void put_pem(const sbs_public_key *key, text_buffer *out) {
    sbs_writer writer;
    sbs_writer_init(&writer, out->text, sizeof out->text - 1);
    sbs_public_key_put_pem(&writer, key);
    finish(&writer, out);
}

static void assert_kid(const sbs_public_key *key, sbs_kid_method method, const char *expected) {
    char kid[SBS_KID_THUMBPRINT_LEN];
    size_t len = 0;
    const size_t exact = strlen(expected);
    assert_int_equal(sbs_jwk_kid(key, method, TEXT(NULL), kid, exact, &len), SBS_OK);
    assert_int_equal(len, exact);
    assert_memory_equal(kid, expected, exact);
    assert_int_equal(sbs_jwk_kid(key, method, TEXT(NULL), kid, exact - 1, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, exact);
}

static int init_psa(void **state) {
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : 1;
}

/* ---- PEM and key ids ------------------------------------------------------------------------------------------ */

static void writes_pem_of_the_right_length(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        text_buffer pem;
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        put_pem(&key, &pem);
        assert_int_equal(pem.len, RSA_VECTORS[i].pem_len);
        assert_memory_equal(pem.text, "-----BEGIN PUBLIC KEY-----\nMII", 30);
    }
}

static void writes_the_pem_of_a_p384_key(void **state) {
    uint8_t point[97];
    text_buffer pem;
    sbs_writer writer;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    put_pem(&key, &pem);
    assert_string_equal(pem.text, EC_PEM);
    for (size_t size = 0; size < pem.len; size++) {
        sbs_writer_init(&writer, pem.text, size);
        sbs_public_key_put_pem(&writer, &key);
        assert_int_equal(writer.error, SBS_ERR_BUFFER);
        assert_int_equal(writer.len, pem.len);
    }
}

static void computes_the_kid_of_the_seed(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        assert_kid(&key, SBS_KID_SEED, RSA_VECTORS[i].kid);
    }
}

static void computes_thumbprints(void **state) {
    uint8_t point[97];
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        assert_kid(&key, SBS_KID_THUMBPRINT, RSA_VECTORS[i].thumbprint);
    }
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    assert_kid(&key, SBS_KID_SEED, EC_KID);
    assert_kid(&key, SBS_KID_THUMBPRINT, EC_THUMBPRINT);
}

static void tells_when_hashing_fails(void **state) {
    uint8_t point[97];
    char kid[SBS_KID_THUMBPRINT_LEN];
    size_t len;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    for (failing = SETUP; failing <= FINISH; failing++) {
        assert_int_equal(sbs_jwk_kid(&key, SBS_KID_SEED, TEXT(NULL), kid, sizeof kid, &len), SBS_ERR_CRYPTO);
        assert_int_equal(sbs_jwk_kid(&key, SBS_KID_THUMBPRINT, TEXT(NULL), kid, sizeof kid, &len), SBS_ERR_CRYPTO);
        assert_int_equal(len, 0);
    }
    failing = NOTHING;
    assert_kid(&key, SBS_KID_SEED, EC_KID);
}

static void takes_a_literal_kid(void **state) {
    char longest[SBS_KID_MAX + 2];
    char kid[SBS_KID_MAX];
    size_t len = 0;
    const sbs_public_key key = {0};
    (void)state;
    assert_int_equal(sbs_jwk_kid(&key, SBS_KID_LITERAL, TEXT("a \"key\""), kid, 7, &len), SBS_OK);
    assert_memory_equal(kid, "a \"key\"", 7);
    assert_int_equal(sbs_jwk_kid(&key, SBS_KID_LITERAL, TEXT("a \"key\""), kid, 6, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, 7);
    memset(longest, 'k', sizeof longest);
    longest[SBS_KID_MAX + 1] = '\0';
    assert_int_equal(sbs_jwk_kid(&key, SBS_KID_LITERAL, TEXT(longest), kid, sizeof kid, &len), SBS_ERR_ARGUMENT);
    longest[SBS_KID_MAX] = '\0';
    assert_int_equal(sbs_jwk_kid(&key, SBS_KID_LITERAL, TEXT(longest), kid, sizeof kid, &len), SBS_OK);
    assert_int_equal(len, SBS_KID_MAX);
}

static void refuses_a_literal_kid_outside_printable_ascii(void **state) {
    static const char *const bad[] = {"", "a\x1f", "\x7f", "k\xc3\xa9", "a\nb"};
    char kid[SBS_KID_MAX];
    size_t len;
    const sbs_public_key key = {0};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(sbs_jwk_kid(&key, SBS_KID_LITERAL, TEXT(bad[i]), kid, sizeof kid, &len), SBS_ERR_ARGUMENT);
    }
    assert_int_equal(sbs_jwk_kid(&key, (sbs_kid_method)9, TEXT("a"), kid, sizeof kid, &len), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_jwk_kid(&key, SBS_KID_NONE, TEXT(NULL), kid, 0, &len), SBS_OK);
    assert_int_equal(len, 0);
}

/* ---- JWK ------------------------------------------------------------------------------------------------------ */

static void writes_the_members_of_the_seed_in_its_order(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    text_buffer jwk;
    (void)state;
    const sbs_public_key key = parse(SBS_RS384, der, test_rsa_der_of(N_RFC7520, "AQAB", der));
    put_jwk(&key, "AEhSicjTcJA04LXe", SBS_JWK_COMPACT, &jwk);
    assert_string_equal(jwk.text, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"use\":\"sig\",\"kid\":\"AEhSicjTcJA04LXe\","
                                  "\"alg\":\"RS384\",\"n\":\"" N_RFC7520 "\"}");
    put_jwk(&key, "AEhSicjTcJA04LXe", SBS_JWK_INDENTED, &jwk);
    assert_string_equal(jwk.text,
                        "{\n  \"kty\": \"RSA\",\n  \"e\": \"AQAB\",\n  \"use\": \"sig\",\n"
                        "  \"kid\": \"AEhSicjTcJA04LXe\",\n  \"alg\": \"RS384\",\n  \"n\": \"" N_RFC7520 "\"\n}");
}

static void writes_an_ec_key_and_escapes_the_kid(void **state) {
    uint8_t point[97];
    text_buffer jwk;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    put_jwk(&key, "a\"b\\c/d", SBS_JWK_COMPACT, &jwk);
    assert_string_equal(jwk.text, "{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
                                  "\",\"use\":\"sig\",\"kid\":\"a\\\"b\\\\c/d\",\"alg\":\"ES384\"}");
    put_jwk(&key, NULL, SBS_JWK_COMPACT, &jwk);
    assert_null(strstr(jwk.text, "kid"));
}

static void writes_the_exponent_in_its_shortest_form(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    text_buffer jwk;
    (void)state;
    sbs_public_key key = parse(SBS_RS384, der, test_rsa_der_of(N_WYCHEPROOF_E3_A, "Aw", der));
    put_jwk(&key, NULL, SBS_JWK_COMPACT, &jwk);
    assert_non_null(strstr(jwk.text, "\"e\":\"Aw\""));
    /* An exponent with its top bit set has a leading zero in DER and none in the JWK. */
    key = parse(SBS_RS384, der, test_rsa_der_of(N_WYCHEPROOF_E3_A, "gAE", der));
    put_jwk(&key, NULL, SBS_JWK_COMPACT, &jwk);
    assert_non_null(strstr(jwk.text, "\"e\":\"gAE\""));
}

static void reports_a_short_buffer_with_the_needed_size(void **state) {
    uint8_t point[97];
    text_buffer jwk;
    sbs_writer writer;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    put_jwk(&key, EC_KID, SBS_JWK_INDENTED, &jwk);
    for (size_t size = 0; size <= jwk.len; size++) {
        char *exact = malloc(size + 1);
        assert_non_null(exact);
        exact[size] = '~';
        sbs_writer_init(&writer, exact, size);
        sbs_jwk_put(&writer, &key, TEXT(EC_KID), SBS_JWK_INDENTED, 0);
        assert_int_equal(writer.error, size < jwk.len ? SBS_ERR_BUFFER : SBS_OK);
        assert_int_equal(writer.len, jwk.len);
        assert_int_equal(exact[size], '~');
        free(exact);
    }
}

/* ---- JWK Set -------------------------------------------------------------------------------------------------- */

static void writes_a_set(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    uint8_t point[97];
    text_buffer set;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_jwk keys[] = {
        {parse(SBS_RS384, der, test_rsa_der_of(N_RFC7517, "AQAB", der)), TEXT("one")},
        {parse(SBS_ES384, point, sizeof point), TEXT("two")},
    };
    put_set(keys, 2, SBS_JWK_COMPACT, &set);
    assert_string_equal(set.text,
                        "{\"keys\":[{\"kty\":\"RSA\",\"e\":\"AQAB\",\"use\":\"sig\",\"kid\":\"one\",\"alg\":\"RS384\","
                        "\"n\":\"" N_RFC7517 "\"},{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y
                        "\",\"use\":\"sig\",\"kid\":\"two\",\"alg\":\"ES384\"}]}");
    put_set(keys + 1, 1, SBS_JWK_INDENTED, &set);
    assert_string_equal(set.text, "{\n  \"keys\": [\n    {\n      \"kty\": \"EC\",\n      \"crv\": \"P-384\",\n"
                                  "      \"x\": \"" EC_X "\",\n      \"y\": \"" EC_Y "\",\n      \"use\": \"sig\",\n"
                                  "      \"kid\": \"two\",\n      \"alg\": \"ES384\"\n    }\n  ]\n}");
}

static void writes_an_empty_set(void **state) {
    text_buffer set;
    (void)state;
    put_set(NULL, 0, SBS_JWK_COMPACT, &set);
    assert_string_equal(set.text, "{\"keys\":[]}");
    put_set(NULL, 0, SBS_JWK_INDENTED, &set);
    assert_string_equal(set.text, "{\n  \"keys\": []\n}");
}

static void refuses_equal_kids_in_a_set(void **state) {
    uint8_t point[97];
    sbs_writer writer;
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    const sbs_jwk equal[] = {{key, TEXT("a")}, {key, TEXT("b")}, {key, TEXT("a")}};
    const sbs_jwk absent[] = {{key, TEXT(NULL)}, {key, TEXT(NULL)}};
    sbs_writer_init_sizing(&writer);
    sbs_jwk_set_put(&writer, equal, 3, SBS_JWK_COMPACT);
    assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_ERR_DUPLICATE);
    sbs_writer_init_sizing(&writer);
    sbs_jwk_set_put(&writer, absent, 2, SBS_JWK_COMPACT);
    assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_ERR_DUPLICATE);
    sbs_writer_init_sizing(&writer);
    sbs_jwk_set_put(&writer, equal, 2, SBS_JWK_COMPACT);
    assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_pem_of_the_right_length),
        cmocka_unit_test(writes_the_pem_of_a_p384_key),
        cmocka_unit_test(computes_the_kid_of_the_seed),
        cmocka_unit_test(computes_thumbprints),
        cmocka_unit_test(tells_when_hashing_fails),
        cmocka_unit_test(takes_a_literal_kid),
        cmocka_unit_test(refuses_a_literal_kid_outside_printable_ascii),
        cmocka_unit_test(writes_the_members_of_the_seed_in_its_order),
        cmocka_unit_test(writes_an_ec_key_and_escapes_the_kid),
        cmocka_unit_test(writes_the_exponent_in_its_shortest_form),
        cmocka_unit_test(reports_a_short_buffer_with_the_needed_size),
        cmocka_unit_test(writes_a_set),
        cmocka_unit_test(writes_an_empty_set),
        cmocka_unit_test(refuses_equal_kids_in_a_set),
    };
    return cmocka_run_group_tests(tests, init_psa, NULL);
}
