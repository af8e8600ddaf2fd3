/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS configuration for the smallest Cortex-M whose own key is one on P-384: RSA is for servers' chains alone. */
#ifndef SBS_MBEDTLS_FIRMWARE_ES384_H
#define SBS_MBEDTLS_FIRMWARE_ES384_H

#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE "sbs_psa_crypto_es384.h"
#include "sbs_mbedtls_firmware_small.h"

#define MBEDTLS_RSA_C

#endif
