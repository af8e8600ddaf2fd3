/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mbed TLS 4 for Linux: TLS 1.3 and 1.2. Cryptography is TF-PSA-Crypto there, and has a configuration of its own:
 * sbs_tf_psa_crypto_linux.h. The two together are what sbs_mbedtls_linux.h is for Mbed TLS 3.6.
 */
#ifndef SBS_MBEDTLS4_LINUX_H
#define SBS_MBEDTLS4_LINUX_H

#define MBEDTLS_CONFIG_VERSION 0x04000000

#define SBS_TLS_1_3_SUITES MBEDTLS_TLS1_3_AES_256_GCM_SHA384, MBEDTLS_TLS1_3_AES_128_GCM_SHA256,

#include "sbs_mbedtls_ssl.h"

#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE

/* A gateway is a server for its devices, with certificates that it makes itself. */
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C

#define MBEDTLS_ERROR_C

#endif
