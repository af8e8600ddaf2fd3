/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_identity.h"
#include "sbs/count.h"

#include <mbedtls/pem.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/mbedtls_series.h"

const char *sbs_tls_identity_fault_text(sbs_tls_identity_fault fault) {
    static const char *const texts[] = {
#define SBS_TLS_IDENTITY_FAULT_TEXT(name, text) text,
        SBS_TLS_IDENTITY_FAULT_TABLE(SBS_TLS_IDENTITY_FAULT_TEXT)
#undef SBS_TLS_IDENTITY_FAULT_TEXT
    };
    size_t index = (size_t)fault;
    if (index < SBS_COUNT_OF(texts)) {
        return texts[index];
    }

    return "unknown fault";
}

void sbs_tls_identity_init(sbs_tls_identity *identity) {
    mbedtls_x509_crt_init(&identity->priv.chain);
    mbedtls_pk_init(&identity->priv.key);
    identity->priv.loaded = false;
}

void sbs_tls_identity_deinit(sbs_tls_identity *identity) {
    mbedtls_x509_crt_free(&identity->priv.chain);
    mbedtls_pk_free(&identity->priv.key);
    sbs_tls_identity_init(identity);
}

#if defined(MBEDTLS_PEM_PARSE_C) && !defined(SBS_PK_VERIFY_ONLY)
static sbs_tls_identity_fault load_chain(sbs_tls_identity *identity, const char *text, size_t len) {
    int code = mbedtls_x509_crt_parse(&identity->priv.chain, (const unsigned char *)text, len + 1);
    if (code < 0) {
        return SBS_TLS_IDENTITY_NO_CERTIFICATE;
    }
    if (code == 0) {
        return SBS_TLS_IDENTITY_NO_FAULT;
    }
    return SBS_TLS_IDENTITY_BAD_CERTIFICATE;
}

static sbs_tls_identity_fault load_key(sbs_tls_identity *identity, const char *text, size_t len) {
    int code = sbs_mbedtls_parse_key(&identity->priv.key, (const unsigned char *)text, len + 1);
    if (code == 0) {
        return SBS_TLS_IDENTITY_NO_FAULT;
    }

    if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || strstr(text, "ENCRYPTED") != NULL) {
        return SBS_TLS_IDENTITY_ENCRYPTED;
    }

    return SBS_TLS_IDENTITY_NO_KEY;
}

static sbs_tls_identity_fault load(sbs_tls_identity *identity, const char *certificates, size_t certificates_len,
                                   const char *key, size_t key_len) {
    sbs_tls_identity_fault fault = load_chain(identity, certificates, certificates_len);
    if (fault != SBS_TLS_IDENTITY_NO_FAULT) {
        return fault;
    }

    fault = load_key(identity, key, key_len);
    if (fault != SBS_TLS_IDENTITY_NO_FAULT) {
        return fault;
    }

    if (sbs_mbedtls_is_pair(&identity->priv.chain.pk, &identity->priv.key)) {
        return SBS_TLS_IDENTITY_NO_FAULT;
    }

    return SBS_TLS_IDENTITY_OTHER_KEY;
}

static bool is_text(const char *text, size_t len) {
    return text[len] == '\0' && strlen(text) == len;
}

sbs_status sbs_tls_identity_load(sbs_tls_identity *identity, const char *certificates, size_t certificates_len,
                                 const char *key, size_t key_len, sbs_tls_identity_fault *out_fault) {
    uint32_t failures = sbs_mbedtls_allocation_failures();
    *out_fault = SBS_TLS_IDENTITY_NO_FAULT;
    if (!is_text(certificates, certificates_len) || !is_text(key, key_len)) {
        return SBS_ERR_ARGUMENT;
    }

    *out_fault = load(identity, certificates, certificates_len, key, key_len);
    if (*out_fault == SBS_TLS_IDENTITY_NO_FAULT) {
        identity->priv.loaded = true;
        return SBS_OK;
    }

    sbs_tls_identity_deinit(identity);
    if (sbs_mbedtls_allocation_failures() != failures) {
        return SBS_ERR_MEMORY;
    }

    return SBS_ERR_KEY;
}
#else
sbs_status sbs_tls_identity_load(sbs_tls_identity *identity, const char *certificates, size_t certificates_len,
                                 const char *key, size_t key_len, sbs_tls_identity_fault *out_fault) {
    (void)identity;
    (void)certificates;
    (void)certificates_len;
    (void)key;
    (void)key_len;
    *out_fault = SBS_TLS_IDENTITY_NO_FAULT;
    return SBS_ERR_UNSUPPORTED;
}
#endif
