/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of Mbed TLS means, and when a certificate is valid, to the second. */
#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>
#include <string.h>

#include "../../platform/mbedtls/src/tls_internal.h"
#include "sbs/count.h"
#include "test.h"

static void an_error_is_told_by_its_module_or_by_its_low_part(void **state) {
    static const struct {
        int code;
        sbs_status status;
    } cases[] = {
        {MBEDTLS_ERR_SSL_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_X509_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_PK_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, SBS_ERR_UNTRUSTED},
        {MBEDTLS_ERR_SSL_CONN_EOF, SBS_ERR_TRUNCATED},
        {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, SBS_END},
        {MBEDTLS_ERR_SSL_WANT_READ, SBS_PENDING},
        {MBEDTLS_ERR_SSL_WANT_WRITE, SBS_PENDING},
        {MBEDTLS_ERR_ASN1_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_MPI_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM},
        {MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM},
        {PSA_ERROR_INSUFFICIENT_MEMORY, SBS_ERR_MEMORY},
        {PSA_ERROR_INSUFFICIENT_ENTROPY, SBS_ERR_RANDOM},
        /* The sum of a module's and a low one. */
        {MBEDTLS_ERR_X509_INVALID_FORMAT + MBEDTLS_ERR_ASN1_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_PK_INVALID_PUBKEY + MBEDTLS_ERR_MPI_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_X509_ALLOC_FAILED + MBEDTLS_ERR_ASN1_OUT_OF_DATA, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_SSL_BAD_CERTIFICATE + MBEDTLS_ERR_ASN1_OUT_OF_DATA, SBS_ERR_UNTRUSTED},
        {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, SBS_ERR_TLS},
        {MBEDTLS_ERR_ASN1_OUT_OF_DATA, SBS_ERR_TLS},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        if (sbs_tls_status(cases[i].code, 0) != cases[i].status) {
            fail_msg("-0x%04X: %s", (unsigned)-cases[i].code, sbs_status_name(sbs_tls_status(cases[i].code, 0)));
        }
    }
}

static sbs_status refused(uint32_t flags) {
    return sbs_tls_status(MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, flags);
}

/* Whom nobody vouches for says nothing reliable about name and dates. */
static void the_worst_of_a_certificate_counts(void **state) {
    const uint32_t dates[] = {MBEDTLS_X509_BADCERT_EXPIRED, MBEDTLS_X509_BADCERT_FUTURE,
                              MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE};
    (void)state;
    assert_int_equal(refused(0), SBS_ERR_UNTRUSTED);
    assert_int_equal(refused(MBEDTLS_X509_BADCERT_NOT_TRUSTED), SBS_ERR_UNTRUSTED);
    assert_int_equal(refused(MBEDTLS_X509_BADCERT_CN_MISMATCH), SBS_ERR_WRONG_NAME);
    for (size_t i = 0; i < SBS_COUNT_OF(dates); i++) {
        assert_int_equal(refused(dates[i]), SBS_ERR_CERT_DATE);
        assert_int_equal(refused(dates[i] | MBEDTLS_X509_BADCERT_CN_MISMATCH), SBS_ERR_WRONG_NAME);
        assert_int_equal(refused(dates[i] | MBEDTLS_X509_BADCERT_CN_MISMATCH | MBEDTLS_X509_BADCERT_BAD_KEY),
                         SBS_ERR_UNTRUSTED);
    }
}

/* 2020-01-02 03:04:05 to 2021-02-03 04:05:06. */
static void a_certificate_is_valid_from_its_first_to_its_last_second(void **state) {
    static const struct {
        int64_t now_s;
        uint32_t flags;
    } cases[] = {
        {1577934244, MBEDTLS_X509_BADCERT_FUTURE},
        {1577934245, 0},
        {1612325106, 0},
        {1612325107, MBEDTLS_X509_BADCERT_EXPIRED},
    };
    static sbs_tls_stream tls;
    const sbs_tls_config config = {.explain = NULL};
    mbedtls_x509_crt certificate;
    (void)state;
    memset(&certificate, 0, sizeof certificate);
    certificate.valid_from = (mbedtls_x509_time){2020, 1, 2, 3, 4, 5};
    certificate.valid_to = (mbedtls_x509_time){2021, 2, 3, 4, 5, 6};
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        /* What Mbed TLS thought of the dates does not count. */
        uint32_t flags = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
        memset(&tls, 0, sizeof tls);
        tls.priv.config = &config;
        tls.priv.now = (sbs_now){.mono_ms = 77, .utc_s = cases[i].now_s};
        assert_int_equal(sbs_tls_verify(&tls, &certificate, 1, &flags), 0);
        assert_int_equal(flags, cases[i].flags);
        assert_int_equal(tls.priv.valid_from_s, 1577934245);
        assert_int_equal(tls.priv.valid_until_s, 1612325106);
        assert_int_equal(tls.priv.verified_ms, 77);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_told_by_its_module_or_by_its_low_part),
        cmocka_unit_test(the_worst_of_a_certificate_counts),
        cmocka_unit_test(a_certificate_is_valid_from_its_first_to_its_last_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
