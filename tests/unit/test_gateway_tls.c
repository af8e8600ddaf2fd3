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

/* The first request fills what is read at once to the last byte: the second is left within TLS, for whatever size. */
static void test_what_waits_within_tls_is_not_forgotten(void **state) {
    (void)state;
    char text[20000];
    client c;
    assert_int_equal(client_open(&c, "127.0.0.1", SBS_TLS_VERSION_DEFAULT), SBS_OK);
    for (size_t first = 1024; first <= 8192; first *= 2) {
        int len = snprintf(text, sizeof text, "GET /first" HOST "X: ");
        memset(text + len, 'x', first - (size_t)len - 4);
        (void)snprintf(text + first - 4, sizeof text - first, "\r\n\r\n" GET("/second%zu"), first);
        char expected[64];
        (void)snprintf(expected, sizeof expected, "GET /second%zu 0", first);
        client_exchange(&c, text, strlen(text), expected);
    }
    client_close(&c);
}

/* Takes an answer of 4 MiB of one letter, of which @p got bytes came already. */
static void client_take_large(client *c, size_t got) {
    const char *end = strstr(answer, "\r\n\r\n");
    assert_non_null(end);
    const size_t head = (size_t)(end + 4 - answer);
    const size_t whole = head + (4u << 20);
    assert_int_equal(strspn(answer + head, "l"), got - head);

    for (unsigned i = 0; i < 200000 && got < whole; i++) {
        size_t moved = 0;
        turn_real();
        sbs_status status = c->stream.ops->receive(c->stream.ctx, (uint8_t *)answer, sizeof answer - 1, &moved);
        assert_true(status == SBS_OK || status == SBS_PENDING);
        answer[moved] = '\0';
        assert_int_equal(strspn(answer, "l"), moved);
        got += moved;
    }
    assert_int_equal(got, whole);
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
    client_exchange(&c, GET("/large"), strlen(GET("/large")), "\r\n\r\n");
    client_take_large(&c, strlen(answer));
    client_exchange(&c, GET("/after"), strlen(GET("/after")), "GET /after 0");
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

/* Files given: a chain of an RSA root, an intermediate and a leaf, the key in a file of its own. */
static void test_a_certificate_that_was_given_is_shown_with_its_chain(void **state) {
    (void)state;
    static const char script[] =
        "k() { openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out $1.key 2>/dev/null; }\n"
        "sign() { openssl req -new -key $1.key -subj /CN=$1 -addext \"$3\" -out $1.csr &&\n"
        "  openssl x509 -req -in $1.csr -CA $2.crt -CAkey $2.key -CAcreateserial -copy_extensions copy -out $1.crt; }\n"
        "k top; k mid; k leaf\n"
        "openssl req -x509 -new -key top.key -subj /CN=top -addext keyUsage=critical,keyCertSign -out top.crt\n"
        "sign mid top basicConstraints=critical,CA:TRUE; sign leaf mid subjectAltName=IP:127.0.0.1\n"
        "cat leaf.crt mid.crt > chain.pem\n";
    size_t chain_len;
    size_t key_len;
    sbs_tls_identity_fault fault;
    char *arguments[] = {"sh", "-c", (char *)(uintptr_t)script, NULL};
    assert_int_equal(test_program_wait(test_program_start(folder, NULL, arguments)), 0);
    char *chain = test_folder_load(folder, "chain.pem", &chain_len);
    char *key = test_folder_load(folder, "leaf.key", &key_len);
    assert_int_equal(sbs_tls_server_load(&tls, chain, chain_len, key, key_len, &fault), SBS_OK);
    assert_beside("curl -sS --cacert top.crt --tls-max 1.2 https://127.0.0.1:%u/rsa", 0, "GET /rsa 0");
    assert_beside("curl -sS --cacert top.crt --tlsv1.3 https://127.0.0.1:%u/rsa", 0, "GET /rsa 0");
    free(chain);
    free(key);
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
    int len = 0;
    ended = false;
    http_client_say(fd, GET("/"));
    for (unsigned i = 0; i < 2000 && !ended && len >= 0; i++) {
        len = http_client_answer(&rig, fd, answer, &ended); /* an alert, perhaps */
        assert_null(strstr(answer, "HTTP/1.1"));
    }
    assert_true(ended);
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
    assert_int_equal(rig.secured, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_our_own_client_is_served_with_both_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_waits_within_tls_is_not_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_large_bodies_and_answers_go_through_tls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_renewed_certificate_is_shown_and_open_connections_stay, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_curl_and_openssl_accept_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_certificate_that_was_given_is_shown_with_its_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_handshake_of_one_byte_a_second_is_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_tls_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_goes_within_the_handshake_leaves_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
