/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_trust.h"

#include <string.h>

#include "sbs/mbedtls_platform.h"

static size_t count_certificates(const mbedtls_x509_crt *chain) {
    size_t count = 0;
    for (; chain != NULL && chain->raw.p != NULL; chain = chain->next) {
        ++count;
    }
    return count;
}

void sbs_tls_trust_init(sbs_tls_trust *trust) {
    mbedtls_x509_crt_init(&trust->priv.chain);
    trust->priv.count = 0;
}

void sbs_tls_trust_deinit(sbs_tls_trust *trust) {
    mbedtls_x509_crt_free(&trust->priv.chain);
    sbs_tls_trust_init(trust);
}

size_t sbs_tls_trust_count(const sbs_tls_trust *trust) {
    return trust->priv.count;
}

/* Mbed TLS skips what it cannot parse, for lack of memory too: only the allocator knows the difference. */
static sbs_status outcome(sbs_tls_trust *trust, size_t count_before, uint32_t failures_before) {
    trust->priv.count = count_certificates(&trust->priv.chain);
    if (sbs_mbedtls_allocation_failures() != failures_before) {
        return SBS_ERR_MEMORY;
    }
    return trust->priv.count > count_before ? SBS_OK : SBS_ERR_FORMAT;
}

sbs_status sbs_tls_trust_add_der(sbs_tls_trust *trust, const uint8_t *der, size_t len) {
    uint32_t failures = sbs_mbedtls_allocation_failures();
    size_t before = trust->priv.count;
    (void)mbedtls_x509_crt_parse_der_nocopy(&trust->priv.chain, der, len);
    return outcome(trust, before, failures);
}

#if defined(MBEDTLS_PEM_PARSE_C)
static size_t count_headers(const char *text) {
    size_t count = 0;
    while ((text = strstr(text, "-----BEGIN CERTIFICATE-----")) != NULL) {
        ++count;
        ++text;
    }
    return count;
}

static sbs_status add_pem(sbs_tls_trust *trust, const char *text, size_t len, size_t *out_skipped) {
    uint32_t failures = sbs_mbedtls_allocation_failures();
    size_t before = trust->priv.count;
    size_t headers = count_headers(text);
    if (headers == 0) {
        return SBS_ERR_FORMAT;
    }
    (void)mbedtls_x509_crt_parse(&trust->priv.chain, (const unsigned char *)text, len + 1);
    sbs_status status = outcome(trust, before, failures);
    *out_skipped = headers - (trust->priv.count - before);
    return status;
}
#else
static sbs_status add_pem(sbs_tls_trust *trust, const char *text, size_t len, size_t *out_skipped) {
    (void)trust;
    (void)text;
    (void)len;
    (void)out_skipped;
    return SBS_ERR_UNSUPPORTED;
}
#endif

sbs_status sbs_tls_trust_add_pem(sbs_tls_trust *trust, const char *text, size_t len, size_t *out_skipped) {
    size_t skipped = 0;
    if (text[len] != '\0' || strlen(text) != len) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = add_pem(trust, text, len, &skipped);
    if (out_skipped != NULL) {
        *out_skipped = skipped;
    }
    return status;
}
