/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions taken apart: what the tests of the assertion module share. */
#ifndef TEST_ASSERTIONS_H
#define TEST_ASSERTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/assertion.h"

#define TEST_AUD "https://authorize.smarthealthit.org/token"
#define TEST_ISSUED_AT 1700000000

/* The three parts of a compact JWS, header and payload decoded. */
typedef struct test_jws {
    char text[8192];
    size_t len;
    char header[1024];
    char payload[6144];
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t signature_len;
    size_t input_len;
} test_jws;

/* Parameters of the smart profile with every text set. */
sbs_assertion_params test_smart_params(void);
/* Makes an assertion, which must succeed, and takes it apart. */
void test_assertion_make(const sbs_assertion_params *params, const sbs_key *key, test_jws *out);
/* The hash that its signature is over. */
void test_hash_input(const test_jws *made, uint8_t hash[SBS_HASH_SIZE]);
bool test_is_zero(const void *data, size_t len);
/* A cmocka group set-up. */
int test_init_psa(void **state);

#endif
