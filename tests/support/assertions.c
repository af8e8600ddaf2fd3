/* SPDX-License-Identifier: Apache-2.0 */
#include "assertions.h"

#include <psa/crypto.h>
#include <string.h>

#include "keys.h"
#include "sbs/base64url.h"
#include "test.h"

sbs_assertion_params test_smart_params(void) {
    return (sbs_assertion_params){.client_id = TEXT("client"),
                                  .aud = TEXT(TEST_AUD),
                                  .kid = TEXT("kid-1"),
                                  .jti = TEXT("jti-1"),
                                  .issued_at = TEST_ISSUED_AT};
}

static size_t decode_part(const char *text, size_t len, void *out, size_t size) {
    size_t out_len = 0;
    assert_int_equal(sbs_base64url_decode(text, len, out, size, &out_len), SBS_OK);
    return out_len;
}

static void split(test_jws *out) {
    const char *first = memchr(out->text, '.', out->len);
    assert_non_null(first);
    const char *second = memchr(first + 1, '.', (size_t)(out->text + out->len - first - 1));
    assert_non_null(second);
    out->header[decode_part(out->text, (size_t)(first - out->text), out->header, sizeof out->header - 1)] = '\0';
    out->payload[decode_part(first + 1, (size_t)(second - first - 1), out->payload, sizeof out->payload - 1)] = '\0';
    out->input_len = (size_t)(second - out->text);
    out->signature_len = decode_part(second + 1, out->len - out->input_len - 1, out->signature, sizeof out->signature);
}

void test_assertion_make(const sbs_assertion_params *params, const sbs_key *key, test_jws *out) {
    assert_int_equal(sbs_assertion_make(params, key, out->text, sizeof out->text, &out->len), SBS_OK);
    split(out);
}

void test_hash_input(const test_jws *made, uint8_t hash[SBS_HASH_SIZE]) {
    size_t len;
    assert_int_equal(
        psa_hash_compute(PSA_ALG_SHA_384, (const uint8_t *)made->text, made->input_len, hash, SBS_HASH_SIZE, &len),
        PSA_SUCCESS);
}

bool test_is_zero(const void *data, size_t len) {
    const uint8_t *bytes = data;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

int test_init_psa(void **state) {
    (void)state;
    return psa_crypto_init() == PSA_SUCCESS ? 0 : 1;
}
