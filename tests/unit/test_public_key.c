/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "../vectors/keys.h"
#include "keys.h"
#include "sbs/count.h"
#include "sbs/jwk.h"
#include "test.h"

static sbs_public_key parse(sbs_alg alg, const uint8_t *data, size_t len) {
    sbs_public_key key;
    assert_int_equal(sbs_public_key_parse(alg, data, len, &key), SBS_OK);
    return key;
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

static void parses_every_published_key(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(RSA_VECTORS); i++) {
        uint8_t der[SBS_PUBLIC_KEY_MAX];
        const size_t len = test_rsa_der_of(RSA_VECTORS[i].n, RSA_VECTORS[i].e, der);
        const sbs_public_key key = parse(SBS_RS384, der, len);
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
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
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
    for (size_t i = 0; i < SBS_COUNT_OF(damage); i++) {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
