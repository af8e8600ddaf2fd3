/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS 1.3 takes beside sbs_mbedtls_common.h. RSA servers sign with RSA-PSS there, and may in TLS 1.2 then. */
#ifndef SBS_MBEDTLS_TLS13_H
#define SBS_MBEDTLS_TLS13_H

#include "sbs_mbedtls_common.h"

#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE "sbs_psa_crypto_tls13.h"
#define MBEDTLS_PKCS1_V21
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE

#endif
