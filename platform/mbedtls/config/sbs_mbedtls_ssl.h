/* SPDX-License-Identifier: Apache-2.0 */
/* What every target has of TLS and X.509, for both series of Mbed TLS: 3.6 and 4. */
#ifndef SBS_MBEDTLS_SSL_H
#define SBS_MBEDTLS_SSL_H

#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C

/* TLS client, ECDHE key exchange and AES-GCM only: the suites that this configuration has, in Mbed TLS's order. */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_SSL_CIPHERSUITES SBS_TLS_1_3_SUITES SBS_TLS_1_2_SUITES
#define SBS_TLS_1_2_SUITES                                                                                             \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,                    \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
#if !defined(SBS_TLS_1_3_SUITES)
#define SBS_TLS_1_3_SUITES
#endif

#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_ALL_ALERT_MESSAGES
#define MBEDTLS_SSL_MAX_FRAGMENT_LENGTH
#define MBEDTLS_SSL_SESSION_TICKETS

#endif
