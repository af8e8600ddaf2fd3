/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS configuration of the fuzz targets: that of Linux, what the server of fuzz_tls needs (its side of TLS,
 * tickets and sessions, certificates made at its start), and a random generator and a clock that a target sets, so that
 * an input does the same each time.
 */
#ifndef SBS_MBEDTLS_FUZZ_H
#define SBS_MBEDTLS_FUZZ_H

#include "sbs_mbedtls_linux.h"

#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
#define MBEDTLS_PLATFORM_MS_TIME_ALT

#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_SSL_CACHE_C
#define MBEDTLS_SSL_TICKET_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C

#endif
