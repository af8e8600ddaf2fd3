/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of Mbed TLS's ssl_tls12_client.c. A client that offers RSA-PSS must accept it in TLS 1.2, too (RFC
 * 8446 section 4.2.3), and servers that go by an order of their own do choose it. Mbed TLS 3.6.6 offers it, has the
 * code that verifies it, and refuses it (mended upstream in 4.1). What was not offered is still refused, by the check
 * after this.
 */
#ifndef SBS_TLS12_PSS_H
#define SBS_TLS12_PSS_H

#if __has_include("common.h") /* of Mbed TLS 3.6 */
#include "common.h"
#endif

#include "../library/tls_no_identity.h"
#include "ssl_misc.h"

static inline int sbs_sig_alg_is_supported(const mbedtls_ssl_context *ssl, uint16_t sig_alg) {
    int is_pss = sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256 ||
                 sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384 || sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512;
    return (is_pss && ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_2) || mbedtls_ssl_sig_alg_is_supported(ssl, sig_alg);
}

#define mbedtls_ssl_sig_alg_is_supported sbs_sig_alg_is_supported

/*
 * What reaches this file's parser is a ServerHello without the extension of TLS 1.3, so it must say TLS 1.2. Mbed TLS
 * up to 3.6.7 takes any version that the client would speak, and a ServerHello that says 0x0304 there led to a
 * handshake of TLS 1.3 without any secret (CVE-2026-115490). 0 is below every version, and is refused with its alert.
 */
static inline uint16_t sbs_read_tls12_version(const unsigned char version[2], int transport) {
    uint16_t said = mbedtls_ssl_read_version(version, transport);
    return said == MBEDTLS_SSL_VERSION_TLS1_2 ? said : (uint16_t)MBEDTLS_SSL_VERSION_UNKNOWN;
}

#define mbedtls_ssl_read_version sbs_read_tls12_version

#endif
