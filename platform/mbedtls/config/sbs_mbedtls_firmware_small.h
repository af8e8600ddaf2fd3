/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration for the smallest Cortex-M: TLS 1.2, size before speed. Records are 4 KB at most: for servers
 * that honour max_fragment_length (RFC 6066 section 4) or send short records anyway.
 */
#ifndef SBS_MBEDTLS_FIRMWARE_SMALL_H
#define SBS_MBEDTLS_FIRMWARE_SMALL_H

#include "sbs_mbedtls_common.h"
#include "sbs_mbedtls_firmware_common.h"

/* TLS and certificates without PSA in between: a driver of the chip's does assertions only. 5 KB. */
#undef MBEDTLS_USE_PSA_CRYPTO

/* Random bytes are the board's own, as its entropy source gives them (SECURITY.md). 1.6 KB, and 0.8 KB of RAM. */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#undef MBEDTLS_CTR_DRBG_C
#undef MBEDTLS_ENTROPY_C

#if !defined(MBEDTLS_PSA_CRYPTO_CONFIG_FILE)
#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE "sbs_psa_crypto.h"
#endif
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8

#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_MPI_WINDOW_SIZE 1

#define MBEDTLS_SSL_IN_CONTENT_LEN 4096
#define MBEDTLS_SSL_OUT_CONTENT_LEN 1024

#endif
