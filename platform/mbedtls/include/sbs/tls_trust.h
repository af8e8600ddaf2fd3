/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_trust.h
 * The certificates that a TLS stream trusts: a CA bundle, or a few pinned roots. A server's own self-signed certificate
 * may be one of them.
 */
#ifndef SBS_TLS_TRUST_H
#define SBS_TLS_TRUST_H

#include <mbedtls/x509_crt.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Memory for the parsed certificates comes from Mbed TLS's allocator (about 1 KB each, and the DER if it is copied).
 */
typedef struct sbs_tls_trust {
    struct {
        mbedtls_x509_crt chain;
        size_t count;
        int32_t code; /* why the first certificate that was skipped cannot be used, 0 if none was */
    } priv;
} sbs_tls_trust;

/** Makes @p trust empty. An empty one trusts nobody. */
void sbs_tls_trust_init(sbs_tls_trust *trust);

/** Frees the certificates. No stream that uses them may be open. Legal after init, and twice. */
void sbs_tls_trust_deinit(sbs_tls_trust *trust);

/**
 * Adds one DER certificate of @p len bytes without copying it: @p der must outlive the trust (flash, say).
 * SBS_ERR_FORMAT: not a certificate that can be used; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_tls_trust_add_der(sbs_tls_trust *trust, const uint8_t *der, size_t len);

/**
 * Adds every certificate of a PEM bundle (RFC 7468), copying it. @p text is NUL-terminated text of @p len bytes, the
 * NUL not counted. Certificates that cannot be used (cut off, with an unsupported curve, an RSA key of more than 4096
 * bits, say) are skipped; @p out_skipped (may be NULL) tells how many, sbs_tls_trust_problem() (sbs/tls_explain.h) why.
 * SBS_ERR_ARGUMENT: a NUL within the text, or none after it; SBS_ERR_FORMAT: no certificate could be used;
 * SBS_ERR_MEMORY: not all fit; SBS_ERR_UNSUPPORTED: built without PEM.
 */
SBS_NODISCARD sbs_status sbs_tls_trust_add_pem(sbs_tls_trust *trust, const char *text, size_t len, size_t *out_skipped);

#ifdef __cplusplus
}
#endif
#endif
