/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over TLS, with the gateway's own certificate: our client, curl and openssl accept it. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "linux_http_rig.h"
#include "sbs/gateway_ca.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_stream.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/tls_stream.h"
#include "test.h"
#include "test_folder.h"

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define GET(path) "GET " path HOST "\r\n"

static http_rig rig;
static char *folder;
static sbs_tls_server tls;
static sbs_gateway_ca ca;
static sbs_gateway_ca_config config;
static char answer[4097];
static bool ended;
static unsigned secured;

static int set_up(void **state) {
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    bool changed = false;
    unsigned number = 0;
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    folder = test_folder_make(NULL);
    config = (sbs_gateway_ca_config){
        .folder = folder, .name = "clinic", .hosts = hosts, .host_count = 2, .clock_known = true};
    assert_int_equal(sbs_gateway_ca_keep(&ca, &config, sbs_linux_now(), &changed), SBS_OK);
    assert_int_equal(sbs_gateway_ca_serve(folder, &tls), SBS_OK);
    http_rig_open(&rig, NULL, NULL);
    const sbs_linux_http_listener listener = {.address = "127.0.0.1:0", .tls = &tls};
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_OK);
    rig.port = sbs_linux_http_server_port(rig.server, number);
    secured = number;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_rig_close(&rig);
    sbs_tls_server_deinit(&tls);
    sbs_tls_server_deinit(&tls);
    test_folder_remove(folder);
    return 0;
}

/* ---- our own client -------------------------------------------------------------------------------------------- */

typedef struct client {
    sbs_linux_stream tcp;
    sbs_tls_trust trust;
    sbs_tls_config config;
    sbs_tls_stream tls;
    sbs_stream stream;
} client;

static void turn_real(void) {
    sbs_linux_http_server_turn(rig.server, rig.now, &rig.wait);
    if (sbs_linux_http_server_holds(rig.server)) {
        sbs_linux_http_server_settle(rig.server, rig.now, true);
    }
}

static sbs_status client_open(client *c, const char *host, sbs_tls_version version) {
    sbs_linux_blob root;
    sbs_stream raw;
    memset(c, 0, sizeof *c);
    sbs_tls_trust_init(&c->trust);
    assert_int_equal(sbs_gateway_ca_root(folder, &root), SBS_OK);
    assert_int_equal(sbs_tls_trust_add_pem(&c->trust, root.data, root.len, NULL), SBS_OK);
    sbs_linux_blob_free(&root);
    c->config = (sbs_tls_config){.trust = &c->trust, .min_version = version, .max_version = version};
    sbs_linux_stream_init(&c->tcp, NULL, &raw);
    assert_int_equal(sbs_tls_stream_init(&c->tls, &c->config, &raw, &c->stream), SBS_OK);
    sbs_status status = SBS_PENDING;
    for (unsigned i = 0; i < 20000 && status == SBS_PENDING; i++) {
        status = c->stream.ops->open(c->stream.ctx, host, rig.port, sbs_linux_now());
        turn_real();
    }
    return status;
}

static void client_close(client *c) {
    sbs_tls_stream_deinit(&c->tls);
    sbs_linux_stream_deinit(&c->tcp);
    sbs_tls_trust_deinit(&c->trust);
}

static void client_exchange(client *c, const char *text, size_t len, const char *expected) {
    size_t at = 0;
    size_t got = 0;
    answer[0] = '\0';
    for (unsigned i = 0; i < 200000 && strstr(answer, expected) == NULL; i++) {
        size_t moved = 0;
        if (at < len) {
            sbs_status status = c->stream.ops->send(c->stream.ctx, (const uint8_t *)text + at, len - at, &moved);
            assert_true(status == SBS_OK || status == SBS_PENDING);
            at += moved;
        }
        turn_real();
        sbs_status status =
            c->stream.ops->receive(c->stream.ctx, (uint8_t *)answer + got, sizeof answer - 1 - got, &moved);
        assert_true(status == SBS_OK || status == SBS_PENDING);
        got += moved;
        answer[got] = '\0';
    }
    assert_non_null(strstr(answer, expected));
}

static void test_our_own_client_is_served_with_both_versions(void **state) {
    (void)state;
    static const sbs_tls_version versions[] = {SBS_TLS_1_2, SBS_TLS_1_3};
    for (unsigned i = 0; i < 2; i++) {
        client c;
        assert_int_equal(client_open(&c, "127.0.0.1", versions[i]), SBS_OK);
        assert_string_equal(sbs_tls_stream_version(&c.tls), i == 0 ? "TLSv1.2" : "TLSv1.3");
        client_exchange(&c, GET("/"), strlen(GET("/")), "GET / 0 0 1 127.0.0.1");
        client_exchange(&c, GET("/held"), strlen(GET("/held")), "GET /held 0 0 1 127.0.0.1");
        /* Two in one record: the second waits within TLS, where no event tells of it. */
        client_exchange(&c, GET("/held1") GET("/2"), 2 * strlen(GET("/2")) + 5, "GET /2 0");
        client_close(&c);
        assert_int_equal(client_open(&c, "localhost", versions[i]), SBS_OK);
        client_close(&c);
        assert_int_equal(client_open(&c, "127.0.0.2", versions[i]), SBS_ERR_REFUSED);
        client_close(&c);
    }
}

static void test_large_bodies_and_answers_go_through_tls(void **state) {
    (void)state;
    const size_t len = 1000000;
    char *text = malloc(len + 200);
    assert_non_null(text);
    int head = snprintf(text, 200, "POST /b" HOST "Content-Length: %zu\r\n\r\n", len);
    memset(text + head, 'b', len);
    client c;
    assert_int_equal(client_open(&c, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_OK);
    client_exchange(&c, text, len + (size_t)head, "POST /b 1000000 ");
    client_close(&c);
    free(text);
}

static void test_a_renewed_certificate_is_shown_and_open_connections_stay(void **state) {
    (void)state;
    client old;
    client fresh;
    bool changed = false;
    sbs_now later = sbs_linux_now();
    sbs_tls_identity_fault fault;
    assert_int_equal(client_open(&old, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_OK);
    later.utc_s = ca.leaf_renewal_s;
    assert_int_equal(sbs_gateway_ca_keep(&ca, &config, later, &changed), SBS_OK);
    assert_true(changed);
    assert_int_equal(sbs_gateway_ca_serve(folder, &tls), SBS_OK);
    client_exchange(&old, GET("/old"), strlen(GET("/old")), "GET /old");
    /* Now the new one is shown, which is not valid yet. */
    assert_int_equal(client_open(&fresh, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_ERR_CERT_DATE);
    client_close(&fresh);
    /* A file that cannot be used changes nothing. */
    assert_int_equal(sbs_tls_server_load(&tls, "x", 1, "y", 1, &fault), SBS_ERR_KEY);
    assert_int_equal(fault, SBS_TLS_IDENTITY_NO_CERTIFICATE);
    assert_int_equal(client_open(&fresh, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_ERR_CERT_DATE);
    client_close(&fresh);
    /* The last connection takes the old one with it. */
    sbs_tls_server_deinit(&tls);
    client_exchange(&old, GET("/old"), strlen(GET("/old")), "GET /old");
    client_close(&old);
    assert_int_equal(client_open(&fresh, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_ERR_NETWORK);
    client_close(&fresh);
}

/* ---- other people's -------------------------------------------------------------------------------------------- */

static char *run_beside(const char *format, int *out_status) {
    char line[800];
    char command[900];
    int ended_with = 0;
    size_t len;
    (void)snprintf(line, sizeof line, format, rig.port);
    (void)snprintf(command, sizeof command, "(%s) > out.txt 2>&1", line);
    char path[300];
    sbs_linux_blob root;
    (void)snprintf(path, sizeof path, "%s/root.pem", folder);
    assert_int_equal(sbs_gateway_ca_root(folder, &root), SBS_OK);
    assert_int_equal(sbs_linux_file_write(path, root.data, root.len, SBS_LINUX_PUBLIC, true), SBS_OK);
    sbs_linux_blob_free(&root);
    char *arguments[] = {"sh", "-c", command, NULL};
    pid_t pid = test_program_start(folder, NULL, arguments);
    pid_t done = 0;
    for (unsigned i = 0; i < 30000 && done == 0; i++) {
        turn_real();
        done = waitpid(pid, &ended_with, WNOHANG);
        if (done == 0 && rig.wait.timeout_ms > 0) {
            (void)usleep(1000);
        }
    }
    assert_int_equal(done, pid);
    *out_status = WEXITSTATUS(ended_with);
    return test_folder_load(folder, "out.txt", &len);
}

static void assert_beside(const char *format, int status, const char *part) {
    int got = -1;
    char *text = run_beside(format, &got);
    if (got != status || strstr(text, part) == NULL) {
        print_error("%s\nended with %d: %s\n", format, got, text);
    }
    assert_int_equal(got, status);
    assert_non_null(strstr(text, part));
    free(text);
}

static void test_curl_and_openssl_accept_it(void **state) {
    (void)state;
    assert_beside("curl -sS --cacert root.pem https://127.0.0.1:%u/held", 0, "GET /held 0 0 1");
    assert_beside("curl -sS --cacert root.pem --tls-max 1.2 -d hello https://localhost:%u/p", 0, "POST /p 5");
    assert_beside("curl -sS --cacert root.pem --tlsv1.3 -d hello https://localhost:%u/p", 0, "POST /p 5");
    assert_beside("head -c 3000000 /dev/zero | curl -sS --cacert root.pem --data-binary @- https://localhost:%u/p", 0,
                  "too large");
    assert_beside("curl -sS https://127.0.0.1:%u/", 60, "certificate");
    assert_beside("curl -sS --cacert root.pem --tls-max 1.1 https://127.0.0.1:%u/", 35, "");
    assert_beside("curl -sS -H 'Connection: close' --cacert root.pem https://127.0.0.1:%u/close", 0, "GET /close");
    /* The session is not resumed; renegotiation is not answered. */
    assert_beside("echo | openssl s_client -CAfile root.pem -verify_return_error -tls1_2 -reconnect "
                  "-connect 127.0.0.1:%u | grep -c ^New,",
                  0, "6\n");
    assert_beside("(sleep 0.2; echo R; sleep 1) | openssl s_client -CAfile root.pem -tls1_2 -connect 127.0.0.1:%u "
                  "2>&1 | grep -ci 'no.renegotiation\\|handshake failure\\|unexpected'",
                  0, "");
}

/* ---- hostile --------------------------------------------------------------------------------------------------- */

static void test_a_handshake_of_one_byte_a_second_is_ended(void **state) {
    (void)state;
    static const char hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
                                "0123456789012345678901234567890123456789";
    int fd = http_client(&rig, 1);
    for (unsigned i = 0; i < 29; i++) {
        http_client_send(fd, hello + i, 1);
        http_rig_turn(&rig);
        http_rig_pass(&rig, 1000);
    }
    assert_int_equal(http_client_read(fd, answer, &ended), 0);
    assert_false(ended);
    http_rig_pass(&rig, 1000);
    http_client_expect_end(&rig, fd);
    (void)close(fd);
}

static void test_what_is_no_tls_is_closed(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/"));
    for (unsigned i = 0; i < 2000 && !ended; i++) {
        http_rig_turn(&rig);
        (void)http_client_answer(&rig, fd, answer, &ended); /* an alert, perhaps */
    }
    assert_true(ended);
    assert_null(strstr(answer, "HTTP/1.1"));
    assert_int_equal(rig.handled, 0);
    (void)close(fd);
}

static void test_a_peer_that_goes_within_the_handshake_leaves_nothing(void **state) {
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        int fd = http_client(&rig, 1);
        http_client_say(fd, "\x16\x03\x01");
        http_rig_turn(&rig);
        (void)close(fd);
    }
    client c;
    assert_int_equal(client_open(&c, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_OK);
    client_exchange(&c, GET("/"), strlen(GET("/")), "GET / 0 0 1");
    client_close(&c);
    assert_int_equal(secured, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_our_own_client_is_served_with_both_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_bodies_and_answers_go_through_tls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_renewed_certificate_is_shown_and_open_connections_stay, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curl_and_openssl_accept_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_handshake_of_one_byte_a_second_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_tls_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_goes_within_the_handshake_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
