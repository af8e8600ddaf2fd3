/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS stream against a server of another make (`openssl s_server`), over a raw stream that also goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "faulty_stream.h"
#include "memory_stream.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"
#include "sbs/linux_stream.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/tls_stream.h"
#include "test_folder.h"
#include "tls_server.h"

#define YEAR_S (365 * 86400)
#define SESSIONS 2

static char *folder;
static sbs_tls_trust both, rsa_only, none, self_only;

typedef struct fixture {
    tls_server server;
    sbs_linux_stream tcp;
    faulty_stream faulty;
    sbs_tls_session sessions[SESSIONS];
    sbs_tls_config config;
    sbs_tls_stream tls;
    sbs_stream raw;
    sbs_stream stream;
    sbs_now now;
    unsigned steps;
    char page[16384];
    size_t page_len;
} fixture;

/* Allocations left before they fail; negative: they never do. */
static long allocations_left = -1;

static void *limited_calloc(size_t count, size_t size) {
    if (allocations_left == 0) {
        return NULL;
    }
    if (allocations_left > 0) {
        --allocations_left;
    }
    return calloc(count, size);
}

static void trust_file(sbs_tls_trust *trust, const char *name, size_t count) {
    size_t len;
    size_t skipped = 99;
    char *text = test_folder_load(folder, name, &len);
    sbs_tls_trust_init(trust);
    assert_int_equal(sbs_tls_trust_add_pem(trust, text, len, &skipped), SBS_OK);
    assert_int_equal(skipped, 0);
    assert_int_equal(sbs_tls_trust_count(trust), count);
    free(text);
}

static int set_up_group(void **state) {
    const sbs_mbedtls_allocator allocator = {limited_calloc, free};
    (void)state;
    assert_int_equal(sbs_mbedtls_init(&allocator), SBS_OK);
    folder = test_folder_make("make_certificates.sh");
    trust_file(&both, "both.pem", 2);
    trust_file(&rsa_only, "root-rsa.crt", 1);
    trust_file(&self_only, "self.crt", 1);
    sbs_tls_trust_init(&none);
    return 0;
}

static int tear_down_group(void **state) {
    (void)state;
    sbs_tls_trust_deinit(&both);
    sbs_tls_trust_deinit(&rsa_only);
    sbs_tls_trust_deinit(&self_only);
    sbs_tls_trust_deinit(&none);
    test_folder_remove(folder);
    return 0;
}

/* Prepares the streams; further fields of config may be set before. */
static void prepare(fixture *f) {
    sbs_linux_stream_init(&f->tcp, NULL, &f->faulty.inner);
    f->faulty.host = "127.0.0.1";
    f->faulty.port = f->server.port;
    faulty_stream_init(&f->faulty, &f->raw);
    f->now = sbs_linux_now();
    if (f->config.trust == NULL) {
        f->config.trust = &both;
    }
    assert_int_equal(sbs_tls_stream_init(&f->tls, &f->config, &f->raw, &f->stream), SBS_OK);
    assert_true(f->stream.ops->secured);
}

/* A server that answers any GET with a page about the connection; extra arguments are optional (NULL ends them). */
static void serve(fixture *f, const char *certificate, const char *version, const char *extra, const char *value) {
    char chain[32], leaf[32], key[32];
    (void)snprintf(chain, sizeof chain, "%s.chain", certificate);
    (void)snprintf(leaf, sizeof leaf, "%s.crt", certificate);
    (void)snprintf(key, sizeof key, "%s.key", certificate);
    const char *arguments[16] = {"-cert", leaf, "-key", key, "-cert_chain", chain, "-www"};
    size_t count = 7;
    if (version != NULL) {
        arguments[count++] = version;
    }
    if (extra != NULL) {
        arguments[count++] = extra;
    }
    if (value != NULL) {
        arguments[count++] = value;
    }
    tls_server_start(&f->server, folder, arguments);
}

static void release(fixture *f) {
    sbs_tls_stream_deinit(&f->tls);
    sbs_linux_stream_deinit(&f->tcp);
    tls_server_stop(&f->server);
}

static sbs_status open_as(fixture *f, const char *host) {
    sbs_status status;
    f->steps = 0;
    while ((status = f->stream.ops->open(f->stream.ctx, host, 443, f->now)) == SBS_PENDING) {
        sbs_wait wait = f->stream.ops->waits_for(f->stream.ctx);
        assert_true(++f->steps < 100000);
        wait.timeout_ms = wait.timeout_ms < 10000 ? wait.timeout_ms : 10000;
        assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
    }
    return status;
}

static sbs_status send_all(fixture *f, const char *text) {
    sbs_status status = SBS_OK;
    for (size_t sent = 0, len = strlen(text); sent < len && (status == SBS_OK || status == SBS_PENDING);) {
        size_t count = 0;
        status = f->stream.ops->send(f->stream.ctx, (const uint8_t *)text + sent, len - sent, &count);
        assert_true((status == SBS_OK) == (count > 0));
        sent += count;
        if (status == SBS_PENDING) {
            sbs_wait wait = f->stream.ops->waits_for(f->stream.ctx);
            assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
        }
    }
    return status;
}

/* Receives until the stream ends or fails; the start of it is kept. */
static sbs_status receive_all(fixture *f) {
    uint8_t buffer[700];
    size_t len = 0;
    f->page_len = 0;
    for (;;) {
        sbs_status status = f->stream.ops->receive(f->stream.ctx, buffer, sizeof buffer, &len);
        assert_true((status == SBS_OK) == (len > 0));
        if (status == SBS_PENDING) {
            sbs_wait wait = f->stream.ops->waits_for(f->stream.ctx);
            wait.timeout_ms = wait.timeout_ms < 10000 ? wait.timeout_ms : 10000;
            assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
        } else if (status != SBS_OK) {
            return status;
        }
        if (f->page_len + len < sizeof f->page) {
            memcpy(f->page + f->page_len, buffer, len);
            f->page_len += len;
            f->page[f->page_len] = '\0';
        }
    }
}

/* One whole exchange as @p host; leaves the stream open. */
static void exchange(fixture *f, const char *host) {
    assert_int_equal(open_as(f, host), SBS_OK);
    assert_int_equal(send_all(f, "GET / HTTP/1.0\r\n\r\n"), SBS_OK);
    assert_int_equal(receive_all(f), SBS_END);
    assert_non_null(strstr(f->page, "HTTP/1.0 200 ok"));
    assert_non_null(strstr(f->page, "</pre>"));
}

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
    bool mismatch = (sbs_tls_stream_verify_flags(&f->tls) & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0;
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
        assert_int_not_equal(sbs_tls_stream_verify_flags(&f.tls), 0);
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
    tls_server_start(&f.server, folder, arguments);
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
    for (int i = 0; i < 3; ++i) {
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
    for (int late = 0; late < 2; ++late) {
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
    for (int i = 0; i < 2; ++i) {
        exchange(&f, "localhost");
        assert_false(sbs_tls_stream_resumed(&f.tls));
        f.stream.ops->close(f.stream.ctx);
    }
    release(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(talks_to_every_kind_of_server),
    cmocka_unit_test(follows_a_hello_retry_request),
    cmocka_unit_test(keeps_to_the_versions_asked_for),
    cmocka_unit_test(checks_the_name),
    cmocka_unit_test(checks_the_dates_against_the_time_given),
    cmocka_unit_test(refuses_who_is_not_trusted),
    cmocka_unit_test(needs_the_intermediate),
    cmocka_unit_test(has_no_certificate_of_its_own),
    cmocka_unit_test(resumes_sessions),
    cmocka_unit_test(a_session_does_not_outlive_its_certificates),
    cmocka_unit_test(without_sessions_nothing_is_resumed),
};

int main(void) {
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
