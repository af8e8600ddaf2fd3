/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration common to every target: a TLS 1.2 client on the PSA Crypto API. sbs_mbedtls_tls13.h adds TLS
 * 1.3. Which algorithms exist is said once, in sbs_psa_crypto.h. A target's own file includes this one.
 */
#ifndef SBS_MBEDTLS_COMMON_H
#define SBS_MBEDTLS_COMMON_H

#define MBEDTLS_CONFIG_VERSION 0x03000000

/* Cryptography: PSA only. */
#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_PSA_CRYPTO_CONFIG
#define MBEDTLS_USE_PSA_CRYPTO
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_ENTROPY_C
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_ECP_NIST_OPTIM

/* Keys that outlive a restart: stored through psa_its_*, which the platform implements. */
#define MBEDTLS_PSA_CRYPTO_STORAGE_C

/*
 * Without this PSA copies the input and the output of every AEAD call, 32 KB for one record. Its condition holds:
 * nobody else writes to a buffer while it is handed to PSA.
 */
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS

/* What X.509 and TLS still take from the classic modules. TLS and X.509 themselves: sbs_mbedtls_ssl.h. */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_MD_C
#define MBEDTLS_OID_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PKCS1_V15

/* The platform layer sets allocator and clock at run time: it counts failed allocations and knows the time. */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_TIME_ALT
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_ERROR_STRERROR_DUMMY

#define MBEDTLS_RSA_GEN_KEY_MIN_BITS 2048

#include "sbs_mbedtls_ssl.h"

#endif
