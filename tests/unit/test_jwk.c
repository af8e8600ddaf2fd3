/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../vectors/keys.h"
#include "keys.h"
#include "sbs/jwk.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- helpers -------------------------------------------------------------------------------------------------- */

static sbs_public_key parse(sbs_alg alg, const uint8_t *data, size_t len) {
    sbs_public_key key;
    assert_int_equal(sbs_public_key_parse(alg, data, len, &key), SBS_OK);
    return key;
}

static sbs_public_key parse_vector(const rsa_vector *vector, uint8_t der[SBS_PUBLIC_KEY_MAX]) {
    return parse(SBS_RS384, der, test_rsa_der_of(vector->n, vector->e, der));
}

static void assert_refused(const uint8_t *der, size_t len) {
    sbs_public_key key;
    uint8_t *exact = malloc(len + 1); /* so that reading past the end is seen */
    assert_non_null(exact);
    memcpy(exact, der, len);
    exact = realloc(exact, len > 0 ? len : 1);
    assert_non_null(exact);
    assert_int_equal(sbs_public_key_parse(SBS_RS384, exact, len, &key), SBS_ERR_KEY);
    free(exact);
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

/* ---- parsing -------------------------------------------------------------------------------------------------- */

static void parses_every_published_key(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        assert_int_equal(key.alg, SBS_RS384);
        assert_int_equal(key.bits, RSA_VECTORS[i].bits);
        assert_int_equal(key.first_len, RSA_VECTORS[i].bits / 8);
        assert_int_not_equal(key.first[0], 0);
    }
}

static void parses_a_p384_point(void **state) {
    uint8_t point[97];
    (void)state;
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    assert_int_equal(key.bits, 384);
    assert_ptr_equal(key.first, point + 1);
    assert_ptr_equal(key.second, point + 49);
}

static void refuses_other_points(void **state) {
    uint8_t point[98] = {0x04};
    sbs_public_key key;
    (void)state;
    assert_int_equal(sbs_public_key_parse(SBS_ES384, point, 96, &key), SBS_ERR_KEY);
    assert_int_equal(sbs_public_key_parse(SBS_ES384, point, 98, &key), SBS_ERR_KEY);
    assert_int_equal(sbs_public_key_parse(SBS_ES384, point, 0, &key), SBS_ERR_KEY);
    point[0] = 0x02;
    assert_int_equal(sbs_public_key_parse(SBS_ES384, point, 97, &key), SBS_ERR_KEY);
    assert_int_equal(sbs_public_key_parse((sbs_alg)7, point, 97, &key), SBS_ERR_KEY);
}

static void accepts_every_modulus_size_from_2048_to_4096(void **state) {
    (void)state;
    for (size_t bits = 2040; bits <= 4104; bits++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX + 8];
        uint8_t n[513];
        const uint8_t e[] = {3};
        sbs_public_key key;
        memset(n, 0xFF, sizeof n);
        n[0] = (uint8_t)(0xFF >> ((8 - bits % 8) % 8));
        const size_t len = test_rsa_der(n, (bits + 7) / 8, e, 1, der);
        const bool allowed = bits >= 2048 && bits <= 4096;
        assert_int_equal(sbs_public_key_parse(SBS_RS384, der, len, &key), allowed ? SBS_OK : SBS_ERR_KEY);
        if (allowed) {
            assert_int_equal(key.bits, bits);
        }
    }
}

static void checks_the_exponent(void **state) {
    static const struct {
        uint8_t e[4];
        size_t len;
        sbs_status status;
    } cases[] = {
        {{1}, 1, SBS_ERR_KEY},
        {{2}, 1, SBS_ERR_KEY},
        {{3}, 1, SBS_OK},
        {{4}, 1, SBS_ERR_KEY},
        {{0x10, 0x01}, 2, SBS_OK},
        {{0x01, 0x00, 0x00}, 3, SBS_ERR_KEY},
        {{0x01, 0x00, 0x01}, 3, SBS_OK},
        {{0x80, 0x00, 0x00, 0x01}, 4, SBS_OK},
    };
    uint8_t n[256];
    uint8_t e[257];
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    sbs_public_key key;
    (void)state;
    memset(n, 0xFF, sizeof n);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t len = test_rsa_der(n, sizeof n, cases[i].e, cases[i].len, der);
        assert_int_equal(sbs_public_key_parse(SBS_RS384, der, len, &key), cases[i].status);
    }
    /* As long as the modulus: just below it, equal, above, longer. */
    memcpy(e, n, sizeof n);
    e[255] = 0xFD;
    assert_int_equal(sbs_public_key_parse(SBS_RS384, der, test_rsa_der(n, 256, e, 256, der), &key), SBS_OK);
    assert_int_equal(key.second_len, 256);
    e[255] = 0xFF;
    assert_int_equal(sbs_public_key_parse(SBS_RS384, der, test_rsa_der(n, 256, e, 256, der), &key), SBS_ERR_KEY);
    n[255] = 0xFD;
    assert_int_equal(sbs_public_key_parse(SBS_RS384, der, test_rsa_der(n, 256, e, 256, der), &key), SBS_ERR_KEY);
    e[256] = 0x01;
    assert_int_equal(sbs_public_key_parse(SBS_RS384, der, test_rsa_der(n, 256, e, 257, der), &key), SBS_ERR_KEY);
}

static void refuses_an_even_modulus(void **state) {
    uint8_t n[256];
    const uint8_t e[] = {3};
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    (void)state;
    memset(n, 0xFE, sizeof n);
    assert_refused(der, test_rsa_der(n, sizeof n, e, 1, der));
}

static void refuses_every_truncation(void **state) {
    uint8_t der[SBS_PUBLIC_KEY_MAX];
    (void)state;
    const size_t len = test_rsa_der_of(RSA_VECTORS[0].n, RSA_VECTORS[0].e, der);
    for (size_t i = 0; i < len; i++) {
        assert_refused(der, i);
    }
    der[len] = 0;
    assert_refused(der, len + 1);
}

/* Changes one byte of a good key (its head is 30 82 01 0A 02 82 01 01 00 ...), which must not be accepted. */
static void refuses_damaged_structure(void **state) {
    static const struct {
        size_t at;
        uint8_t value;
    } damage[] = {
        {0, 0x31},   {1, 0x80},   {1, 0x81},   {1, 0x83},   {1, 0x84},   {2, 0x00},   {3, 0x09}, {3, 0x0B},
        {4, 0x03},   {5, 0x81},   {6, 0x00},   {7, 0x00},   {7, 0x02},   {8, 0x80},   {9, 0x00}, {9, 0x7F},
        {265, 0x03}, {266, 0x02}, {266, 0x04}, {266, 0x83}, {267, 0x81}, {267, 0x00},
    };
    uint8_t good[SBS_PUBLIC_KEY_MAX];
    uint8_t bad[SBS_PUBLIC_KEY_MAX];
    (void)state;
    const size_t len = test_rsa_der_of(RSA_VECTORS[0].n, RSA_VECTORS[0].e, good);
    assert_int_equal(len, 270);
    assert_int_equal(good[265], 0x02);
    for (size_t i = 0; i < COUNT(damage); i++) {
        memcpy(bad, good, len);
        bad[damage[i].at] = damage[i].value;
        assert_refused(bad, len);
    }
}

static void refuses_lengths_that_are_not_the_shortest(void **state) {
    uint8_t good[SBS_PUBLIC_KEY_MAX];
    uint8_t bad[SBS_PUBLIC_KEY_MAX + 8];
    (void)state;
    const size_t len = test_rsa_der_of(RSA_VECTORS[0].n, RSA_VECTORS[0].e, good);
    /* The exponent's length 03 as 81 03, and as 82 00 03. */
    memcpy(bad, good, len);
    bad[3] = 0x0B;
    memcpy(bad + 266, "\x81\x03\x01\x00\x01", 5);
    assert_refused(bad, len + 1);
    bad[3] = 0x0C;
    memcpy(bad + 266, "\x82\x00\x03\x01\x00\x01", 6);
    assert_refused(bad, len + 2);
    /* A second leading zero of the exponent. */
    bad[3] = 0x0B;
    memcpy(bad + 266, "\x04\x00\x01\x00\x01", 5);
    assert_refused(bad, len + 1);
}

/* ---- PEM and key ids ------------------------------------------------------------------------------------------ */

static void writes_pem_of_the_right_length(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(RSA_VECTORS); i++) {
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
    for (size_t i = 0; i < COUNT(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        assert_kid(&key, SBS_KID_SEED, RSA_VECTORS[i].kid);
    }
}

static void computes_thumbprints(void **state) {
    uint8_t point[97];
    (void)state;
    for (size_t i = 0; i < COUNT(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const sbs_public_key key = parse_vector(&RSA_VECTORS[i], der);
        assert_kid(&key, SBS_KID_THUMBPRINT, RSA_VECTORS[i].thumbprint);
    }
    test_point_of(EC_X, EC_Y, point);
    const sbs_public_key key = parse(SBS_ES384, point, sizeof point);
    assert_kid(&key, SBS_KID_SEED, EC_KID);
    assert_kid(&key, SBS_KID_THUMBPRINT, EC_THUMBPRINT);
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
    for (size_t i = 0; i < COUNT(bad); i++) {
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
        cmocka_unit_test(parses_every_published_key),
        cmocka_unit_test(parses_a_p384_point),
        cmocka_unit_test(refuses_other_points),
        cmocka_unit_test(accepts_every_modulus_size_from_2048_to_4096),
        cmocka_unit_test(checks_the_exponent),
        cmocka_unit_test(refuses_an_even_modulus),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_damaged_structure),
        cmocka_unit_test(refuses_lengths_that_are_not_the_shortest),
        cmocka_unit_test(writes_pem_of_the_right_length),
        cmocka_unit_test(writes_the_pem_of_a_p384_key),
        cmocka_unit_test(computes_the_kid_of_the_seed),
        cmocka_unit_test(computes_thumbprints),
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
