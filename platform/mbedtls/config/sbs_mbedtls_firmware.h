/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS configuration for Cortex-M: TLS 1.2. */
#ifndef SBS_MBEDTLS_FIRMWARE_H
#define SBS_MBEDTLS_FIRMWARE_H

#include "sbs_mbedtls_common.h"
#include "sbs_mbedtls_firmware_common.h"

#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE "sbs_psa_crypto.h"
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8

/* Servers send records of any legal size and few honour a smaller limit; our own requests go out in pieces. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 1024

#endif
