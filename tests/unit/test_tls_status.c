/* SPDX-License-Identifier: Apache-2.0 */
/* What an error of Mbed TLS means, and when a certificate is valid, to the second. */
#include <mbedtls/asn1.h>
#include <mbedtls/pk.h>
#include <psa/crypto.h>
#include <string.h>

#include "../../platform/mbedtls/src/tls_internal.h"
#include "sbs/count.h"
#include "sbs/tls_explain.h"
#include "test.h"

#if MBEDTLS_VERSION_MAJOR < 4
#include <mbedtls/bignum.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#endif

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
#if MBEDTLS_VERSION_MAJOR < 4
        {MBEDTLS_ERR_MPI_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM},
        {MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED, SBS_ERR_RANDOM},
        {MBEDTLS_ERR_X509_INVALID_FORMAT + MBEDTLS_ERR_ASN1_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_PK_INVALID_PUBKEY + MBEDTLS_ERR_MPI_ALLOC_FAILED, SBS_ERR_MEMORY},
        {MBEDTLS_ERR_X509_ALLOC_FAILED + MBEDTLS_ERR_ASN1_OUT_OF_DATA, SBS_ERR_MEMORY},
#endif
        {PSA_ERROR_INSUFFICIENT_MEMORY, SBS_ERR_MEMORY},
        {PSA_ERROR_INSUFFICIENT_ENTROPY, SBS_ERR_RANDOM},
        /* The sum of a module's and a low one. */
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

static uint8_t record[7];
static size_t record_len;
static sbs_status record_status;
static unsigned receives;

static sbs_status receive_record(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    receives++;
    assert_true(size >= record_len);
    memcpy(buffer, record, record_len);
    *out_len = record_len;
    return record_status;
}

/* A server that gives up closes its end while the client is sending: its alert is still read. */
static void the_last_alert_of_a_server_is_heard(void **state) {
    static const uint8_t alert[7] = {21, 3, 3, 0, 2, MBEDTLS_SSL_ALERT_LEVEL_FATAL, 70};
    static const struct {
        size_t at; /* the byte that is another one; 7: none */
        size_t len;
        sbs_status received, failed;
        bool heard;
    } cases[] = {
        {7, 7, SBS_OK, SBS_ERR_NETWORK, true},       {2, 7, SBS_OK, SBS_ERR_NETWORK, true},
        {3, 7, SBS_OK, SBS_ERR_NETWORK, true},       {0, 7, SBS_OK, SBS_ERR_NETWORK, false},
        {1, 7, SBS_OK, SBS_ERR_NETWORK, false},      {4, 7, SBS_OK, SBS_ERR_NETWORK, false},
        {5, 7, SBS_OK, SBS_ERR_NETWORK, false},      {7, 6, SBS_OK, SBS_ERR_NETWORK, false},
        {7, 7, SBS_PENDING, SBS_ERR_NETWORK, false}, {7, 7, SBS_OK, SBS_ERR_TRUNCATED, false},
        {7, 7, SBS_OK, SBS_ERR_TIMEOUT, false},
    };
    static sbs_tls_stream tls;
    const sbs_tls_config config = {.explain = NULL};
    const sbs_stream_ops ops = {.receive = receive_record};
    sbs_tls_explain explain;
    const sbs_tls_explain_ops *explainer = sbs_tls_explain_init(&explain);
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        memset(&tls, 0, sizeof tls);
        tls.priv.config = &config;
        tls.priv.raw = (sbs_stream){&ops, NULL};
        tls.priv.raw_status = cases[i].failed;
        memcpy(record, alert, sizeof record);
        if (cases[i].at < sizeof record) {
            record[cases[i].at]++;
        }
        record_len = cases[i].len;
        record_status = cases[i].received;
        receives = 0;
        if (explainer->failure(&tls, 0) != cases[i].heard || (tls.priv.problem != 0) != cases[i].heard) {
            fail_msg("case %zu: problem %u", i, (unsigned)tls.priv.problem);
        }
        assert_int_equal(receives, cases[i].failed == SBS_ERR_NETWORK);
    }
    /* Once the handshake is over nothing is read ahead of Mbed TLS. */
    tls.priv.raw_status = SBS_ERR_NETWORK;
    tls.priv.ssl.MBEDTLS_PRIVATE(state) = MBEDTLS_SSL_HANDSHAKE_OVER;
    receives = 0;
    assert_false(explainer->failure(&tls, 0));
    assert_int_equal(receives, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_told_by_its_module_or_by_its_low_part),
        cmocka_unit_test(the_worst_of_a_certificate_counts),
        cmocka_unit_test(a_certificate_is_valid_from_its_first_to_its_last_second),
        cmocka_unit_test(the_last_alert_of_a_server_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
