/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration for the smallest Cortex-M: TLS 1.2, size before speed. Records are 4 KB at most: for servers
 * that honour max_fragment_length (RFC 6066 section 4) or send short records anyway.
 */
#ifndef SBS_MBEDTLS_FIRMWARE_SMALL_H
#define SBS_MBEDTLS_FIRMWARE_SMALL_H

#include "sbs_mbedtls_common.h"
#include "sbs_mbedtls_firmware_common.h"

#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE "sbs_psa_crypto.h"
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8

#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_MPI_WINDOW_SIZE 1

#define MBEDTLS_SSL_IN_CONTENT_LEN 4096
#define MBEDTLS_SSL_OUT_CONTENT_LEN 2048

#endif
