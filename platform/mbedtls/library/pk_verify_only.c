/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS's pk_wrap.c, and with SBS_PK_VERIFY_ONLY without what a client of TLS never does with key objects that has
 * no certificate of its own: sign, decrypt, encrypt, compare pairs. Its tables name those functions, so they would all
 * be linked; ours take their place and name only what checks signatures. Assertions are signed by PSA, not by these.
 * Mutual TLS is a choice made at build time: a configuration that wants it leaves the macro out.
 */
#include "common.h"

#if defined(SBS_PK_VERIFY_ONLY)
#define mbedtls_rsa_info sbs_whole_rsa_info
#define mbedtls_eckey_info sbs_whole_eckey_info
#define mbedtls_eckeydh_info sbs_whole_eckeydh_info
#define mbedtls_ecdsa_info sbs_whole_ecdsa_info
#endif

#include "pk_wrap.c" /* NOLINT(bugprone-suspicious-include): see above */

#if defined(SBS_PK_VERIFY_ONLY)
#undef mbedtls_rsa_info
#undef mbedtls_eckey_info
#undef mbedtls_eckeydh_info
#undef mbedtls_ecdsa_info

const mbedtls_pk_info_t mbedtls_rsa_info = {
    .type = MBEDTLS_PK_RSA,
    .name = "RSA",
    .get_bitlen = rsa_get_bitlen,
    .can_do = rsa_can_do,
    .verify_func = rsa_verify_wrap,
    .ctx_alloc_func = rsa_alloc_wrap,
    .ctx_free_func = rsa_free_wrap,
};

const mbedtls_pk_info_t mbedtls_eckey_info = {
    .type = MBEDTLS_PK_ECKEY,
    .name = "EC",
    .get_bitlen = eckey_get_bitlen,
    .can_do = eckey_can_do,
    .verify_func = ecdsa_verify_wrap,
#if !defined(MBEDTLS_PK_USE_PSA_EC_DATA)
    .ctx_alloc_func = eckey_alloc_wrap,
    .ctx_free_func = eckey_free_wrap,
#endif
};

/* A key for ECDH signs nothing. */
const mbedtls_pk_info_t mbedtls_eckeydh_info = {
    .type = MBEDTLS_PK_ECKEY_DH,
    .name = "EC_DH",
    .get_bitlen = eckey_get_bitlen,
    .can_do = eckeydh_can_do,
#if !defined(MBEDTLS_PK_USE_PSA_EC_DATA)
    .ctx_alloc_func = eckey_alloc_wrap,
    .ctx_free_func = eckey_free_wrap,
#endif
};

const mbedtls_pk_info_t mbedtls_ecdsa_info = {
    .type = MBEDTLS_PK_ECDSA,
    .name = "ECDSA",
    .get_bitlen = eckey_get_bitlen,
    .can_do = ecdsa_can_do,
    .verify_func = ecdsa_verify_wrap,
#if !defined(MBEDTLS_PK_USE_PSA_EC_DATA)
    .ctx_alloc_func = eckey_alloc_wrap,
    .ctx_free_func = eckey_free_wrap,
#endif
};
#endif
