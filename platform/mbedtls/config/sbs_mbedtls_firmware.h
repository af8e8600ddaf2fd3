/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration for Cortex-M: the common part without an operating system. The board gives
 * mbedtls_hardware_poll (entropy); mbedtls_ms_time and mbedtls_platform_gmtime_r are in mbedtls_platform.c.
 */
#ifndef SBS_MBEDTLS_FIRMWARE_H
#define SBS_MBEDTLS_FIRMWARE_H

#include "sbs_mbedtls_common.h"

#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT

#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_PSA_KEY_SLOT_COUNT 10
#define MBEDTLS_X509_REMOVE_INFO

/* Servers send records of any legal size and few honour a smaller limit; our own requests are short. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096

#endif
