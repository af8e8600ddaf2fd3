/* SPDX-License-Identifier: Apache-2.0 */
/* Mutual TLS: a server that demands a certificate of the client, and files that hold no usable one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/linux.h"
#include "test.h"
#include "tls_fixture.h"

static sbs_tls_explain explain; /* of the one stream that a test has at a time */

static const char *const versions[] = {"-tls1_2", "-tls1_3"};

static sbs_status load(sbs_tls_identity *identity, const char *certificate, const char *key,
                       sbs_tls_identity_fault *out_fault) {
    size_t certificate_len, key_len;
    char *certificate_text = load_certificate(certificate, &certificate_len);
    char *key_text = load_certificate(key, &key_len);
    sbs_tls_identity_init(identity);
    sbs_status status =
        sbs_tls_identity_load(identity, certificate_text, certificate_len, key_text, key_len, out_fault);
    free(certificate_text);
    free(key_text);
    return status;
}

/* Serves to clients with a certificate from the EC root only. */
static void serve_strictly(fixture *f, const char *version) {
    const char *const arguments[] = {
        "-cert",   "rsa.crt",     "-key",    "rsa.key", "-cert_chain",          "rsa.chain", "-www", version,
        "-CAfile", "root-ec.crt", "-Verify", "3",       "-verify_return_error", NULL};
    serve_with(f, arguments);
}

static void a_server_gets_the_certificate_that_it_demands(void **state) {
    static const char *const files[][2] = {
        {"device-ec.pem", "device-ec.pem"}, {"device-ec.chain", "device-ec.key"}, {"device-rsa.pem", "device-rsa.key"}};
    (void)state;
    for (int i = 0; i < 2; i++) {
        for (size_t k = 0; k < SBS_COUNT_OF(files); k++) {
            sbs_tls_identity identity;
            sbs_tls_identity_fault fault;
            assert_int_equal(load(&identity, files[k][0], files[k][1], &fault), SBS_OK);
            assert_int_equal(fault, SBS_TLS_IDENTITY_NO_FAULT);

            fixture f = {.config = {.identity = &identity, .explain = sbs_tls_explain_init(&explain)}};
            serve_strictly(&f, versions[i]);
            prepare(&f);
            exchange(&f, "localhost");
            assert_non_null(strstr(f.page, "Client certificate"));
            assert_int_equal(sbs_tls_stream_problem(&f.tls), SBS_TLS_NO_PROBLEM);
            release(&f);
            sbs_tls_identity_deinit(&identity);
        }
    }
}

/* How the exchange ends: in TLS 1.3 the client is through before the server has looked. */
static sbs_status talk(fixture *f) {
    sbs_status status = open_as(f, "localhost");
    if (status == SBS_OK) {
        status = send_all(f, "GET / HTTP/1.0\r\n\r\n");
    }
    return status == SBS_OK || status == SBS_ERR_NETWORK ? receive_all(f) : status;
}

static void without_one_it_says_what_it_wants(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = {.config = {.explain = sbs_tls_explain_init(&explain)}};
        serve_strictly(&f, versions[i]);
        prepare(&f);
        assert_int_equal(talk(&f), SBS_ERR_TLS);
        assert_int_equal(sbs_tls_stream_problem(&f.tls), SBS_TLS_WANTS_CERTIFICATE);
        release(&f);
    }
}

/* A certificate of an issuer that the server does not trust. */
static void a_refused_one_is_told_as_such(void **state) {
    sbs_tls_identity identity;
    sbs_tls_identity_fault fault;
    (void)state;
    assert_int_equal(load(&identity, "other.crt", "other.key", &fault), SBS_OK);
    for (int i = 0; i < 2; i++) {
        fixture f = {.config = {.identity = &identity, .explain = sbs_tls_explain_init(&explain)}};
        serve_strictly(&f, versions[i]);
        prepare(&f);
        assert_int_equal(talk(&f), SBS_ERR_TLS);
        assert_int_equal(sbs_tls_stream_problem(&f.tls), SBS_TLS_CERTIFICATE_REFUSED);
        release(&f);
    }
    sbs_tls_identity_deinit(&identity);
}

/* A server that asks for none gets none. */
static void it_is_not_shown_to_who_does_not_ask(void **state) {
    sbs_tls_identity identity;
    sbs_tls_identity_fault fault;
    (void)state;
    assert_int_equal(load(&identity, "device-ec.pem", "device-ec.pem", &fault), SBS_OK);
    for (int i = 0; i < 2; i++) {
        fixture f = {.config = {.identity = &identity}};
        serve(&f, "ec", versions[i], NULL, NULL);
        prepare(&f);
        exchange(&f, "localhost");
        assert_non_null(strstr(f.page, "no client certificate available"));
        release(&f);
    }
    sbs_tls_identity_deinit(&identity);
    sbs_tls_identity_deinit(&identity);
}

static void check_fault(const char *certificate, const char *key, sbs_tls_identity_fault expected) {
    sbs_tls_identity identity;
    sbs_tls_identity_fault fault;
    assert_int_equal(load(&identity, certificate, key, &fault), SBS_ERR_KEY);
    assert_string_equal(sbs_tls_identity_fault_text(fault), sbs_tls_identity_fault_text(expected));

    /* It is empty, and no stream takes an empty one. */
    const sbs_tls_config config = {.trust = &both, .identity = &identity};
    fixture f = {0};
    assert_int_equal(sbs_tls_stream_init(&f.tls, &config, &f.raw, &f.stream), SBS_ERR_ARGUMENT);
    sbs_tls_stream_deinit(&f.tls);
    sbs_tls_identity_deinit(&identity);
}

static void what_cannot_be_used_is_told(void **state) {
    static const char encrypted[] =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    sbs_tls_identity identity;
    sbs_tls_identity_fault fault;
    size_t len;
    (void)state;
    check_fault("rsa.key", "rsa.key", SBS_TLS_IDENTITY_NO_CERTIFICATE);
    check_fault("curve.crt", "curve.key", SBS_TLS_IDENTITY_NO_CERTIFICATE);
    check_fault("mixed.pem", "root-rsa.key", SBS_TLS_IDENTITY_BAD_CERTIFICATE);
    check_fault("device-ec.chain", "device-ec.chain", SBS_TLS_IDENTITY_NO_KEY);
    check_fault("device-ec.chain", "device-rsa.key", SBS_TLS_IDENTITY_OTHER_KEY);
    check_fault("device-ec.chain", "root-ec.key", SBS_TLS_IDENTITY_OTHER_KEY);

    char *text = load_certificate("device-ec.chain", &len);
    sbs_tls_identity_init(&identity);
    assert_int_equal(sbs_tls_identity_load(&identity, text, len, encrypted, sizeof encrypted - 1, &fault), SBS_ERR_KEY);
    assert_int_equal(fault, SBS_TLS_IDENTITY_ENCRYPTED);
    assert_int_equal(sbs_tls_identity_load(&identity, text, len - 1, encrypted, sizeof encrypted - 1, &fault),
                     SBS_ERR_ARGUMENT);
    free(text);
    assert_true(strlen(sbs_tls_identity_fault_text((sbs_tls_identity_fault)99)) > 0);
}

/* One exchange through the whole platform; returns how opening ended. */
static sbs_status talk_through_platform(sbs_linux_platform *platform, uint16_t port, char *page, size_t size) {
    static const char get[] = "GET / HTTP/1.0\r\n\r\n";
    const sbs_stream *stream = &platform->stream;
    size_t done = 0, len = 0;
    sbs_status status;
    while ((status = stream->ops->open(stream->ctx, "localhost", port, sbs_linux_now())) == SBS_PENDING) {
        sbs_wait wait = stream->ops->waits_for(stream->ctx);
        assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
    }
    if (status != SBS_OK) {
        return status;
    }

    assert_int_equal(stream->ops->send(stream->ctx, (const uint8_t *)get, sizeof get - 1, &len), SBS_OK);
    while (done < size - 1 && (status == SBS_OK || status == SBS_PENDING)) {
        status = stream->ops->receive(stream->ctx, (uint8_t *)page + done, size - 1 - done, &len);
        done += len;
        sbs_wait wait = stream->ops->waits_for(stream->ctx);
        if (status == SBS_PENDING) {
            assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
        }
    }
    page[done] = '\0';
    return SBS_OK;
}

static void the_platform_takes_certificate_files(void **state) {
    char key[512], ca[512], certificate[512], certificate_key[512];
    static char page[20000];
    sbs_linux_platform platform;
    fixture f = {0};
    (void)state;
    certificate_path("root-ec.key", key, sizeof key); /* any P-384 key: no assertion is made */
    certificate_path("both.pem", ca, sizeof ca);
    certificate_path("device-ec.chain", certificate, sizeof certificate);
    certificate_path("device-ec.key", certificate_key, sizeof certificate_key);
    serve_strictly(&f, "-tls1_2");
    sbs_linux_platform_config config = {.key_file = key, .ca_file = ca, .certificate_file = certificate};

    assert_int_equal(sbs_linux_platform_open_with(&platform, &config), SBS_ERR_KEY);
    assert_int_equal(platform.certificate_fault, SBS_TLS_IDENTITY_NO_KEY);
    config.certificate_key_file = certificate_key;
    assert_int_equal(sbs_linux_platform_open_with(&platform, &config), SBS_OK);
    assert_int_equal(talk_through_platform(&platform, f.server.port, page, sizeof page), SBS_OK);
    assert_non_null(strstr(page, "Client certificate"));
    assert_string_equal(sbs_linux_platform_tls_words(&platform), "");
    sbs_linux_platform_close(&platform);
    sbs_linux_platform_close(&platform);

    assert_int_equal(sbs_linux_platform_open(&platform, key, ca), SBS_OK);
    assert_int_equal(talk_through_platform(&platform, f.server.port, page, sizeof page), SBS_ERR_TLS);
    assert_non_null(strstr(sbs_linux_platform_tls_words(&platform), "client certificate"));
    sbs_linux_platform_close(&platform);
    tls_server_stop(&f.server);
}

static void a_lack_of_memory_is_told_as_such(void **state) {
    (void)state;
    sbs_status status = SBS_ERR_MEMORY;
    for (long count = 0; status != SBS_OK; count++) {
        sbs_tls_identity identity;
        sbs_tls_identity_fault fault;
        size_t len;
        char *text = load_certificate("device-ec.pem", &len);
        sbs_tls_identity_init(&identity);
        allocations_left = count;
        status = sbs_tls_identity_load(&identity, text, len, text, len, &fault);
        allocations_left = -1;
        assert_true(status == SBS_OK || status == SBS_ERR_MEMORY);
        assert_true(status != SBS_OK || count > 5);
        sbs_tls_identity_deinit(&identity);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_gets_the_certificate_that_it_demands),
        cmocka_unit_test(without_one_it_says_what_it_wants),
        cmocka_unit_test(a_refused_one_is_told_as_such),
        cmocka_unit_test(it_is_not_shown_to_who_does_not_ask),
        cmocka_unit_test(what_cannot_be_used_is_told),
        cmocka_unit_test(a_lack_of_memory_is_told_as_such),
        cmocka_unit_test(the_platform_takes_certificate_files), /* last: it sets an allocator of its own */
    };
    return cmocka_run_group_tests(tests, set_up_tls, tear_down_tls);
}
