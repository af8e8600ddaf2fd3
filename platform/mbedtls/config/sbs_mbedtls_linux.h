/* SPDX-License-Identifier: Apache-2.0 */
/* Mbed TLS configuration for Linux: TLS 1.3 and 1.2, and what files, threads and a person's tools need. */
#ifndef SBS_MBEDTLS_LINUX_H
#define SBS_MBEDTLS_LINUX_H

#include "sbs_mbedtls_tls13.h"

#define MBEDTLS_THREADING_C
#define MBEDTLS_THREADING_PTHREAD
#define MBEDTLS_PSA_KEY_STORE_DYNAMIC

/* Key files and CA bundles are PEM. */
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PEM_WRITE_C
#define MBEDTLS_PK_WRITE_C

/* A gateway is a server for its devices, with certificates that it makes itself. */
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C

#define MBEDTLS_ERROR_C
#define MBEDTLS_AESNI_C
#define MBEDTLS_AESCE_C

#endif
