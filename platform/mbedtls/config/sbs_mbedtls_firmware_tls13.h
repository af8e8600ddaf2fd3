/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS configuration for Cortex-M: TLS 1.3 and 1.2. */
#ifndef SBS_MBEDTLS_FIRMWARE_TLS13_H
#define SBS_MBEDTLS_FIRMWARE_TLS13_H

#include "sbs_mbedtls_firmware_common.h"
#include "sbs_mbedtls_tls13.h"

#define MBEDTLS_PSA_KEY_SLOT_COUNT 10

/* A ClientHello carries the ticket of the session that it resumes: some kB on some servers. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096

#endif
