/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS stream against a server of another make (`openssl s_server`), over a raw stream that also goes wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/linux_clock.h"
#include "test.h"
#include "tls_fixture.h"

#define YEAR_S (365 * 86400)

static void check_exchange(const char *certificate, const char *server_version, const char *expected) {
    fixture f = {0};
    serve(&f, certificate, server_version, NULL, NULL);
    prepare(&f);
    exchange(&f, "localhost");
    assert_string_equal(sbs_tls_stream_version(&f.tls), expected);
    assert_false(sbs_tls_stream_resumed(&f.tls));
    assert_true(f.steps >= 8);
    assert_int_equal(f.stream.ops->last_code(f.stream.ctx), MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    release(&f);
}

static void talks_to_every_kind_of_server(void **state) {
    (void)state;
    check_exchange("rsa", NULL, "TLSv1.3");
    check_exchange("ec", NULL, "TLSv1.3");
    check_exchange("rsa", "-tls1_3", "TLSv1.3");
    /* A client of both versions must not be offered RSA-PSS first by itself: see the list of algorithms. */
    check_exchange("rsa", "-tls1_2", "TLSv1.2");
    check_exchange("ec", "-tls1_2", "TLSv1.2");
}

/* RSA-PSS in TLS 1.2 (RFC 8446 section 4.2.3): chosen by a server that goes by its own order, or the only one it has.
 */
static void takes_rsa_pss_from_a_tls_1_2_server(void **state) {
    static const char *const choices[][2] = {{"-serverpref", NULL}, {"-sigalgs", "RSA-PSS+SHA256"}};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        fixture f = {0};
        serve(&f, "rsa", "-tls1_2", choices[i][0], choices[i][1]);
        prepare(&f);
        exchange(&f, "localhost");
        assert_string_equal(sbs_tls_stream_version(&f.tls), "TLSv1.2");
        release(&f);
    }
}

static void follows_a_hello_retry_request(void **state) {
    fixture f = {0};
    (void)state;
    serve(&f, "rsa", NULL, "-groups", "P-384");
    prepare(&f);
    exchange(&f, "localhost");
    f.stream.ops->close(f.stream.ctx);
    exchange(&f, "127.0.0.1");
    release(&f);
}

static sbs_status open_with_versions(const char *server, sbs_tls_version min, sbs_tls_version max) {
    fixture f = {.config = {.min_version = min, .max_version = max}};
    serve(&f, "rsa", server, NULL, NULL);
    prepare(&f);
    sbs_status status = open_as(&f, "localhost");
    if (status == SBS_ERR_TLS) {
        assert_int_not_equal(f.stream.ops->last_code(f.stream.ctx), 0);
    }
    release(&f);
    return status;
}

static void keeps_to_the_versions_asked_for(void **state) {
    (void)state;
    assert_int_equal(open_with_versions(NULL, SBS_TLS_VERSION_DEFAULT, SBS_TLS_1_2), SBS_OK);
    assert_int_equal(open_with_versions("-tls1_3", SBS_TLS_VERSION_DEFAULT, SBS_TLS_1_2), SBS_ERR_TLS);
    assert_int_equal(open_with_versions(NULL, SBS_TLS_1_3, SBS_TLS_1_3), SBS_OK);
    assert_int_equal(open_with_versions("-tls1_2", SBS_TLS_1_3, SBS_TLS_VERSION_DEFAULT), SBS_ERR_TLS);
    assert_int_equal(open_with_versions("-tls1_1", SBS_TLS_VERSION_DEFAULT, SBS_TLS_VERSION_DEFAULT), SBS_ERR_TLS);
}

static void check_name(fixture *f, const char *host, sbs_status expected) {
    assert_int_equal(open_as(f, host), expected);
    bool mismatch = (f->tls.priv.verify_flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0;
    assert_int_equal(mismatch, expected == SBS_ERR_WRONG_NAME);
    f->stream.ops->close(f->stream.ctx);
}

static void checks_the_name(void **state) {
    fixture f = {0};
    (void)state;
    serve(&f, "rsa", NULL, NULL, NULL);
    prepare(&f);
    check_name(&f, "localhost", SBS_OK);
    check_name(&f, "LocalHost", SBS_OK);
    check_name(&f, "localhos", SBS_ERR_WRONG_NAME);
    check_name(&f, "x.localhost", SBS_ERR_WRONG_NAME);
    check_name(&f, "a.wild.test", SBS_OK);
    check_name(&f, "a.b.wild.test", SBS_ERR_WRONG_NAME);
    check_name(&f, "wild.test", SBS_ERR_WRONG_NAME);
    check_name(&f, "rsa.test", SBS_ERR_WRONG_NAME);
    check_name(&f, "127.0.0.1", SBS_OK);
    check_name(&f, "::1", SBS_OK);
    check_name(&f, "0:0:0:0:0:0:0:1", SBS_OK);
    check_name(&f, "127.0.0.2", SBS_ERR_WRONG_NAME);
    check_name(&f, "::2", SBS_ERR_WRONG_NAME);
    check_name(&f, "::ffff:127.0.0.1", SBS_ERR_WRONG_NAME);
    release(&f);
}

/* Opens with the clock moved by @p shift_s. */
static sbs_status open_at(const char *version, const sbs_tls_trust *trust, const char *certificate, int64_t shift_s) {
    fixture f = {.config = {.trust = trust}};
    serve(&f, certificate, version, NULL, NULL);
    prepare(&f);
    f.now.utc_s += shift_s;
    sbs_status status = open_as(&f, "localhost");
    if (status != SBS_OK) {
        assert_int_not_equal(f.stream.ops->last_code(f.stream.ctx), 0);
        assert_int_not_equal(f.tls.priv.verify_flags, 0);
        assert_int_equal(open_as(&f, "localhost"), SBS_ERR_STATE);
    }
    release(&f);
    return status;
}

static void checks_the_dates_against_the_time_given(void **state) {
    (void)state;
    assert_int_equal(open_at(NULL, &both, "rsa", 9 * YEAR_S), SBS_OK);
    assert_int_equal(open_at(NULL, &both, "rsa", 11 * YEAR_S), SBS_ERR_CERT_DATE);
    assert_int_equal(open_at("-tls1_2", &both, "rsa", 11 * YEAR_S), SBS_ERR_CERT_DATE);
    assert_int_equal(open_at(NULL, &both, "ec", -YEAR_S), SBS_ERR_CERT_DATE);
    assert_int_equal(open_at("-tls1_2", &both, "ec", -YEAR_S), SBS_ERR_CERT_DATE);
}

static sbs_status open_weak(const char *version) {
    fixture f = {.config = {.trust = &both}};
    serve(&f, "sha1", version, "-cipher", "DEFAULT@SECLEVEL=0");
    prepare(&f);
    sbs_status status = open_as(&f, "localhost");
    release(&f);
    return status;
}

/* What a root signed itself with does not matter; what it signed others with does. */
static void takes_sha_1_from_a_root_only(void **state) {
    (void)state;
    assert_int_equal(open_at(NULL, &sha1_root, "rsa", 0), SBS_OK);
    assert_int_equal(open_weak("-tls1_2"), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_weak(NULL), SBS_ERR_UNTRUSTED);
}

static void refuses_who_is_not_trusted(void **state) {
    (void)state;
    assert_int_equal(open_at(NULL, &rsa_only, "rsa", 0), SBS_OK);
    assert_int_equal(open_at(NULL, &rsa_only, "ec", 0), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at("-tls1_2", &rsa_only, "ec", 0), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at(NULL, &both, "self", 0), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at(NULL, &self_only, "self", 0), SBS_OK);
    assert_int_equal(open_at(NULL, &self_only, "rsa", 0), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at(NULL, &none, "rsa", 0), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at(NULL, &both, "other", 0), SBS_ERR_WRONG_NAME);
    /* Not trusted outweighs a wrong date, and a wrong name does too. */
    assert_int_equal(open_at(NULL, &both, "self", 11 * YEAR_S), SBS_ERR_UNTRUSTED);
    assert_int_equal(open_at(NULL, &both, "other", 11 * YEAR_S), SBS_ERR_WRONG_NAME);
    /* A certificate for clients is none for servers. */
    assert_int_equal(open_at(NULL, &both, "client", 0), SBS_ERR_UNTRUSTED);
}

static void needs_the_intermediate(void **state) {
    fixture f = {0};
    const char *const arguments[] = {"-cert", "rsa.crt", "-key", "rsa.key", "-www", NULL};
    (void)state;
    serve_with(&f, arguments);
    prepare(&f);
    assert_int_equal(open_as(&f, "localhost"), SBS_ERR_UNTRUSTED);
    release(&f);
}

static void has_no_certificate_of_its_own(void **state) {
    fixture f = {0};
    (void)state;
    serve(&f, "rsa", "-tls1_2", "-Verify", "1");
    prepare(&f);
    assert_int_equal(open_as(&f, "localhost"), SBS_ERR_TLS);
    release(&f);
}

static void check_resumption(const char *version) {
    fixture f = {0};
    serve(&f, "rsa", version, NULL, NULL);
    f.config.sessions = f.sessions;
    f.config.session_count = SESSIONS;
    prepare(&f);
    exchange(&f, "localhost");
    assert_non_null(strstr(f.page, "New, "));
    f.stream.ops->close(f.stream.ctx);
    for (int i = 0; i < 3; i++) {
        exchange(&f, "localhost");
        assert_non_null(strstr(f.page, "Reused, "));
        assert_true(sbs_tls_stream_resumed(&f.tls));
        f.stream.ops->close(f.stream.ctx);
    }
    /* Kept for each host; a third host takes the place of the oldest. */
    exchange(&f, "127.0.0.1");
    assert_false(sbs_tls_stream_resumed(&f.tls));
    f.stream.ops->close(f.stream.ctx);
    exchange(&f, "localhost");
    assert_true(sbs_tls_stream_resumed(&f.tls));
    f.stream.ops->close(f.stream.ctx);
    f.now.mono_ms += 1;
    exchange(&f, "a.wild.test");
    f.stream.ops->close(f.stream.ctx);
    exchange(&f, "a.wild.test");
    assert_true(sbs_tls_stream_resumed(&f.tls));
    release(&f);
}

static void resumes_sessions(void **state) {
    (void)state;
    check_resumption("-tls1_2");
    check_resumption("-tls1_3");
}

static void a_session_does_not_outlive_its_certificates(void **state) {
    (void)state;
    for (int late = 0; late < 2; late++) {
        fixture f = {0};
        serve(&f, "rsa", late ? "-tls1_2" : "-tls1_3", NULL, NULL);
        f.config.sessions = f.sessions;
        f.config.session_count = SESSIONS;
        prepare(&f);
        exchange(&f, "localhost");
        f.stream.ops->close(f.stream.ctx);
        f.now.utc_s += late ? 11 * YEAR_S : -YEAR_S;
        assert_int_equal(open_as(&f, "localhost"), SBS_ERR_CERT_DATE);
        f.stream.ops->close(f.stream.ctx);
        f.now.utc_s = sbs_linux_now().utc_s;
        exchange(&f, "localhost");
        assert_false(sbs_tls_stream_resumed(&f.tls));
        f.stream.ops->close(f.stream.ctx);
        f.now.mono_ms += SBS_TLS_SESSION_LIFETIME_MS;
        exchange(&f, "localhost");
        assert_false(sbs_tls_stream_resumed(&f.tls));
        release(&f);
    }
}

static void without_sessions_nothing_is_resumed(void **state) {
    fixture f = {0};
    (void)state;
    serve(&f, "ec", NULL, NULL, NULL);
    prepare(&f);
    for (int i = 0; i < 2; i++) {
        exchange(&f, "localhost");
        assert_false(sbs_tls_stream_resumed(&f.tls));
        f.stream.ops->close(f.stream.ctx);
    }
    release(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(talks_to_every_kind_of_server),
    cmocka_unit_test(takes_rsa_pss_from_a_tls_1_2_server),
    cmocka_unit_test(follows_a_hello_retry_request),
    cmocka_unit_test(keeps_to_the_versions_asked_for),
    cmocka_unit_test(checks_the_name),
    cmocka_unit_test(checks_the_dates_against_the_time_given),
    cmocka_unit_test(takes_sha_1_from_a_root_only),
    cmocka_unit_test(refuses_who_is_not_trusted),
    cmocka_unit_test(needs_the_intermediate),
    cmocka_unit_test(has_no_certificate_of_its_own),
    cmocka_unit_test(resumes_sessions),
    cmocka_unit_test(a_session_does_not_outlive_its_certificates),
    cmocka_unit_test(without_sessions_nothing_is_resumed),
};

int main(void) {
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
