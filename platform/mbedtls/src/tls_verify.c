/* SPDX-License-Identifier: Apache-2.0 */
/* What this library checks of a certificate itself, and what a refusal means. */
#include <mbedtls/asn1.h>
#include <mbedtls/build_info.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509.h>
#include <psa/crypto.h>
#include <string.h>

#if MBEDTLS_VERSION_MAJOR < 4
#include <mbedtls/bignum.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#endif

#include "sbs/count.h"
#include "sbs/date.h"
#include "tls_internal.h"

static int64_t seconds_of(const mbedtls_x509_time *time) {
    int64_t days = sbs_date_days(time->year, (unsigned)time->mon, (unsigned)time->day);
    return days * 86400 + time->hour * 3600 + time->min * 60 + time->sec;
}

/* Mbed TLS judges dates by a clock of the whole process; the time that was given to open() decides here. */
static uint32_t check_dates(sbs_tls_stream *tls, const mbedtls_x509_crt *certificate) {
    int64_t from = seconds_of(&certificate->valid_from);
    int64_t until = seconds_of(&certificate->valid_to);
    if (from > tls->priv.valid_from_s) {
        tls->priv.valid_from_s = from;
    }

    if (until < tls->priv.valid_until_s) {
        tls->priv.valid_until_s = until;
    }

    if (tls->priv.now.utc_s < from) {
        return MBEDTLS_X509_BADCERT_FUTURE;
    }

    if (tls->priv.now.utc_s > until) {
        return MBEDTLS_X509_BADCERT_EXPIRED;
    }

    return 0u;
}

/* RFC 2818 section 3.1: an address in the URL must stand as iPAddress in subjectAltName; the common name does not
 * count. */
static bool has_address(const mbedtls_x509_crt *certificate, const uint8_t *address, size_t len) {
    for (const mbedtls_x509_sequence *name = &certificate->subject_alt_names; name != NULL; name = name->next) {
        int kind = name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
        if (kind == MBEDTLS_X509_SAN_IP_ADDRESS && name->buf.len == len && memcmp(name->buf.p, address, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Only subjectAltName names a host (RFC 9110 section 4.3.4, RFC 9525 section 2). Mbed TLS looks a DNS name up there,
 * but in the common name of a certificate that has none. */
static bool may_have_name(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate) {
    if (tls->priv.address_len != 0) {
        return has_address(certificate, tls->priv.address, tls->priv.address_len);
    }
    return mbedtls_x509_crt_has_ext_type(certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME) != 0;
}

int sbs_tls_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
    sbs_tls_stream *tls = ctx;
    if (!tls->priv.chain_checked) {
        tls->priv.chain_checked = true;
        tls->priv.valid_from_s = INT64_MIN;
        tls->priv.valid_until_s = INT64_MAX;
        tls->priv.verified_ms = tls->priv.now.mono_ms;
    }

    *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    *flags |= check_dates(tls, certificate);
    if (depth == 0 && !may_have_name(tls, certificate)) {
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }

    const sbs_tls_explain_ops *explain = tls->priv.config->explain;
    if (explain != NULL) {
        explain->certificate(tls, certificate, depth, flags);
    }

    return 0;
}

/* A chain that is not trusted says nothing reliable about name and dates; a wrong name outweighs wrong dates. */
static sbs_status status_of_refusal(uint32_t flags) {
    uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    if ((flags & ~(dates | MBEDTLS_X509_BADCERT_CN_MISMATCH)) != 0 || flags == 0) {
        return SBS_ERR_UNTRUSTED;
    }
    if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) {
        return SBS_ERR_WRONG_NAME;
    }
    return SBS_ERR_CERT_DATE;
}

typedef struct code_status {
    int code;
    sbs_status status;
} code_status;

static sbs_status status_of_code(const code_status *table, size_t count, int code, sbs_status otherwise) {
    for (size_t i = 0; i < count; i++) {
        if (table[i].code == code) {
            return table[i].status;
        }
    }
    return otherwise;
}

/* An Mbed TLS error is one of a module (a multiple of 0x80), or one of low level, or their sum. */
static const code_status modules[] = {
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, SBS_ERR_MEMORY},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, SBS_ERR_MEMORY},
    {MBEDTLS_ERR_PK_ALLOC_FAILED, SBS_ERR_MEMORY},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, SBS_ERR_UNTRUSTED}, /* a certificate for another use */
    {MBEDTLS_ERR_SSL_CONN_EOF, SBS_ERR_TRUNCATED},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, SBS_END},
    {MBEDTLS_ERR_SSL_WANT_READ, SBS_PENDING},
    {MBEDTLS_ERR_SSL_WANT_WRITE, SBS_PENDING},
};

static const code_status low_levels[] = {
#if MBEDTLS_VERSION_MAJOR < 4 /* Mbed TLS 4 says these by codes of PSA */
    {MBEDTLS_ERR_ASN1_ALLOC_FAILED, SBS_ERR_MEMORY},     {MBEDTLS_ERR_MPI_ALLOC_FAILED, SBS_ERR_MEMORY},
    {MBEDTLS_ERR_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM}, {MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM},
#endif
    {PSA_ERROR_INSUFFICIENT_MEMORY, SBS_ERR_MEMORY},     {PSA_ERROR_INSUFFICIENT_ENTROPY, SBS_ERR_RANDOM},
};

sbs_status sbs_tls_status(int code, uint32_t verify_flags) {
    if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) {
        return status_of_refusal(verify_flags);
    }

    int module = -(-code & ~0x7f);
    int low = -(-code & 0x7f);
    sbs_status status = status_of_code(modules, SBS_COUNT_OF(modules), module, SBS_ERR_TLS);
    if (status == SBS_ERR_TLS) {
        status = status_of_code(low_levels, SBS_COUNT_OF(low_levels), code, SBS_ERR_TLS);
    }

    if (status == SBS_ERR_TLS) {
        status = status_of_code(low_levels, SBS_COUNT_OF(low_levels), low, SBS_ERR_TLS);
    }

    return status;
}
