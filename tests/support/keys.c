/* SPDX-License-Identifier: Apache-2.0 */
#include "keys.h"

#include <string.h>

#include "sbs/base64url.h"
#include "test.h"

size_t test_decode(const char *text, uint8_t *out, size_t size) {
    size_t len = 0;
    assert_int_equal(sbs_base64url_decode(text, strlen(text), out, size, &len), SBS_OK);
    return len;
}

static size_t put_header(uint8_t *out, uint8_t tag, size_t len) {
    out[0] = tag;
    if (len < 128) {
        out[1] = (uint8_t)len;
        return 2;
    }
    if (len < 256) {
        out[1] = 0x81;
        out[2] = (uint8_t)len;
        return 3;
    }
    out[1] = 0x82;
    out[2] = (uint8_t)(len >> 8);
    out[3] = (uint8_t)len;
    return 4;
}

static size_t put_integer(uint8_t *out, const uint8_t *number, size_t len) {
    const size_t pad = number[0] >= 0x80 ? 1 : 0;
    size_t at = put_header(out, 0x02, len + pad);
    out[at] = 0;
    memcpy(out + at + pad, number, len);
    return at + pad + len;
}

size_t test_rsa_der(const uint8_t *n, size_t n_len, const uint8_t *e, size_t e_len, uint8_t out[SBS_PUBLIC_KEY_MAX]) {
    uint8_t numbers[SBS_PUBLIC_KEY_MAX];
    size_t len = put_integer(numbers, n, n_len);
    len += put_integer(numbers + len, e, e_len);
    const size_t at = put_header(out, 0x30, len);
    memcpy(out + at, numbers, len);
    return at + len;
}

size_t test_rsa_der_of(const char *n, const char *e, uint8_t out[SBS_PUBLIC_KEY_MAX]) {
    uint8_t modulus[SBS_SIGNATURE_MAX];
    uint8_t exponent[SBS_SIGNATURE_MAX];
    const size_t n_len = test_decode(n, modulus, sizeof modulus);
    const size_t e_len = test_decode(e, exponent, sizeof exponent);
    return test_rsa_der(modulus, n_len, exponent, e_len, out);
}

void test_point_of(const char *x, const char *y, uint8_t out[97]) {
    out[0] = 0x04;
    assert_int_equal(test_decode(x, out + 1, 48), 48);
    assert_int_equal(test_decode(y, out + 49, 48), 48);
}

psa_key_id_t test_import(psa_key_type_t type, psa_algorithm_t alg, const char *base64url) {
    static uint8_t der[4096];
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    const size_t len = test_decode(base64url, der, sizeof der);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    psa_set_key_type(&attributes, type);
    psa_set_key_algorithm(&attributes, alg);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH);
    assert_int_equal(psa_import_key(&attributes, der, len, &id), PSA_SUCCESS);
    return id;
}

psa_key_id_t test_import_rsa(const char *base64url) {
    return test_import(PSA_KEY_TYPE_RSA_KEY_PAIR, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384), base64url);
}

psa_key_id_t test_import_p384(const char *base64url) {
    return test_import(PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1), PSA_ALG_ECDSA(PSA_ALG_SHA_384), base64url);
}

static sbs_status answer_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    test_key *test = ctx;
    if (test->public_key_pending > 0) {
        test->public_key_pending--;
        return SBS_PENDING;
    }
    if (test->public_key_status != SBS_OK) {
        return test->public_key_status;
    }
    if (size < test->public_key_len) {
        return SBS_ERR_BUFFER;
    }
    *out_alg = test->alg;
    *out_len = test->public_key_len;
    memcpy(buffer, test->public_key, test->public_key_len);
    return SBS_OK;
}

static sbs_status answer_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                              size_t *out_len) {
    test_key *test = ctx;
    if (test->sign_calls++ > 0 && (hash != test->hash_seen || signature != test->signature_seen)) {
        test->arguments_changed = true;
    }
    test->hash_seen = hash;
    test->signature_seen = signature;
    memcpy(test->hash, hash, SBS_HASH_SIZE);
    if (test->pending > 0) {
        test->pending--;
        return SBS_PENDING;
    }
    if (test->sign_status != SBS_OK) {
        return test->sign_status;
    }
    if (size < test->signature_len) {
        return SBS_ERR_BUFFER;
    }
    memcpy(signature, test->signature, test->signature_len);
    *out_len = test->signature_len;
    return SBS_OK;
}

void test_key_init(test_key *test, sbs_alg alg, size_t bits) {
    static const sbs_key_ops ops = {answer_public_key, answer_sign};
    static const uint8_t e[] = {0x01, 0x00, 0x01};
    uint8_t n[SBS_SIGNATURE_MAX];
    memset(test, 0, sizeof *test);
    test->key = (sbs_key){&ops, test, false};
    test->alg = alg;
    memset(test->signature, 0xA5, sizeof test->signature);
    if (alg == SBS_ES384) {
        test->public_key[0] = 0x04;
        test->public_key_len = 97;
        test->signature_len = SBS_ES384_SIGNATURE_SIZE;
        return;
    }
    test->signature_len = (bits + 7) / 8;
    memset(n, 0xFF, sizeof n);
    n[0] = (uint8_t)(0xFF >> ((8 - bits % 8) % 8));
    test->public_key_len = test_rsa_der(n, test->signature_len, e, sizeof e, test->public_key);
}
