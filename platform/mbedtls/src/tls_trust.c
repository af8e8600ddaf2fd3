/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_trust.h"

#include <mbedtls/pem.h>
#include <psa/crypto.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/mbedtls_series.h"

static size_t count_certificates(const mbedtls_x509_crt *chain) {
    size_t count = 0;
    for (; chain != NULL && chain->raw.p != NULL; chain = chain->next) {
        count++;
    }
    return count;
}

void sbs_tls_trust_init(sbs_tls_trust *trust) {
    mbedtls_x509_crt_init(&trust->priv.chain);
    trust->priv.count = 0;
    trust->priv.code = 0;
}

void sbs_tls_trust_deinit(sbs_tls_trust *trust) {
    mbedtls_x509_crt_free(&trust->priv.chain);
    sbs_tls_trust_init(trust);
}

/* Mbed TLS skips what it cannot parse, for lack of memory too: only the allocator knows the difference. */
static sbs_status outcome(sbs_tls_trust *trust, size_t count_before, uint32_t failures_before) {
    trust->priv.count = count_certificates(&trust->priv.chain);
    if (sbs_mbedtls_allocation_failures() != failures_before) {
        return SBS_ERR_MEMORY;
    }
    if (trust->priv.count > count_before) {
        return SBS_OK;
    }
    return SBS_ERR_FORMAT;
}

sbs_status sbs_tls_trust_add_der(sbs_tls_trust *trust, const uint8_t *der, size_t len) {
    uint32_t failures = sbs_mbedtls_allocation_failures();
    size_t before = trust->priv.count;
    (void)mbedtls_x509_crt_parse_der_nocopy(&trust->priv.chain, der, len);
    return outcome(trust, before, failures);
}

#if defined(MBEDTLS_PEM_PARSE_C)
#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"
#define RSA_BITS_MAX 4096u /* larger keys verify nothing: PSA_VENDOR_RSA_MAX_KEY_BITS */

/* Mbed TLS's code for what makes this certificate useless, 0 if it is in order. */
static int try_certificate(const uint8_t *der, size_t len) {
    mbedtls_x509_crt probe;
    mbedtls_x509_crt_init(&probe);
    int code = mbedtls_x509_crt_parse_der_nocopy(&probe, der, len);
    if (code == 0 && sbs_mbedtls_is_rsa(&probe.pk) && mbedtls_pk_get_bitlen(&probe.pk) > RSA_BITS_MAX) {
        code = PSA_ERROR_NOT_SUPPORTED;
    }

    mbedtls_x509_crt_free(&probe);
    return code;
}

/* Adds the certificate that begins at @p text, and tells where the next may begin. */
static int trust_add_one(sbs_tls_trust *trust, const char *text, size_t *out_used) {
    mbedtls_pem_context pem;
    mbedtls_pem_init(&pem);
    int code = mbedtls_pem_read_buffer(&pem, BEGIN, END, (const unsigned char *)text, NULL, 0, out_used);
    if (code == 0) {
        size_t len = 0;
        const unsigned char *der = mbedtls_pem_get_buffer(&pem, &len);
        code = try_certificate(der, len);
        if (code == 0) {
            code = mbedtls_x509_crt_parse_der(&trust->priv.chain, der, len);
        }
    }

    mbedtls_pem_free(&pem);
    return code;
}

/* One that cannot be used does not make the others useless. */
static sbs_status add_pem(sbs_tls_trust *trust, const char *text, size_t *out_skipped) {
    uint32_t failures = sbs_mbedtls_allocation_failures();
    size_t before = trust->priv.count;

    trust->priv.code = 0;
    while ((text = strstr(text, BEGIN)) != NULL) {
        size_t used = 0;
        int code = trust_add_one(trust, text, &used);
        if (used < sizeof BEGIN - 1) {
            used = sizeof BEGIN - 1; /* it is damaged: the next one is looked for behind its first line */
        }
        text += used;
        if (code != 0) {
            *out_skipped += 1u;
        }
        if (trust->priv.code == 0) {
            trust->priv.code = code;
        }
    }

    return outcome(trust, before, failures);
}
#else
static sbs_status add_pem(sbs_tls_trust *trust, const char *text, size_t *out_skipped) {
    (void)trust;
    (void)text;
    (void)out_skipped;
    return SBS_ERR_UNSUPPORTED;
}
#endif

sbs_status sbs_tls_trust_add_pem(sbs_tls_trust *trust, const char *text, size_t len, size_t *out_skipped) {
    size_t skipped = 0;
    if (text[len] != '\0' || strlen(text) != len) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = add_pem(trust, text, &skipped);
    if (out_skipped != NULL) {
        *out_skipped = skipped;
    }

    return status;
}
