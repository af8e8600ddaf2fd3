/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included ahead of Mbed TLS's ssl_tls12_client.c. A client that offers RSA-PSS must accept it in TLS 1.2, too (RFC
 * 8446 section 4.2.3), and servers that go by an order of their own do choose it. Mbed TLS 3.6.6 offers it, has the
 * code that verifies it, and refuses it (mended upstream in 4.1). What was not offered is still refused, by the check
 * after this.
 */
#ifndef SBS_TLS12_PSS_H
#define SBS_TLS12_PSS_H

#include "common.h"

#include "../library/tls_no_identity.h"
#include "ssl_misc.h"

static inline int sbs_sig_alg_is_supported(const mbedtls_ssl_context *ssl, uint16_t sig_alg) {
    int is_pss = sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256 ||
                 sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384 || sig_alg == MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512;
    return (is_pss && ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_2) || mbedtls_ssl_sig_alg_is_supported(ssl, sig_alg);
}

#define mbedtls_ssl_sig_alg_is_supported sbs_sig_alg_is_supported

#endif
