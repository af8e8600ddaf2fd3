/* SPDX-License-Identifier: Apache-2.0 */
/* TF-PSA-Crypto, the cryptography of Mbed TLS 4, for Linux. The algorithms are those of Mbed TLS 3.6. */
#ifndef SBS_TF_PSA_CRYPTO_LINUX_H
#define SBS_TF_PSA_CRYPTO_LINUX_H

#define TF_PSA_CRYPTO_CONFIG_VERSION 0x01000000

#include "sbs_psa_crypto_tls13.h"

/* Not used: Mbed TLS 4.0's check of configurations wants them where RSA servers or RSA-PSS certificates are wanted. */
#define PSA_WANT_ALG_RSA_PKCS1V15_CRYPT 1
#define PSA_WANT_ALG_RSA_OAEP 1

#define MBEDTLS_PSA_CRYPTO_C
#define MBEDTLS_CTR_DRBG_C
#define MBEDTLS_PSA_BUILTIN_GET_ENTROPY
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_AESNI_C
#define MBEDTLS_AESCE_C

/* Keys that outlive a restart: stored through psa_its_*, which the platform implements. */
#define MBEDTLS_PSA_CRYPTO_STORAGE_C
#define MBEDTLS_PSA_KEY_STORE_DYNAMIC

/* Without this PSA copies the input and the output of every AEAD call (sbs_mbedtls_common.h). */
#define MBEDTLS_PSA_ASSUME_EXCLUSIVE_BUFFERS

#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD

/* The platform layer sets allocator and clock at run time: it counts failed allocations and knows the time. */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_PLATFORM_TIME_ALT
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE

#define MBEDTLS_RSA_GEN_KEY_MIN_BITS 2048

/* What X.509 takes of key objects; key files and CA bundles are PEM. */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_MD_C
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PEM_WRITE_C

#endif
