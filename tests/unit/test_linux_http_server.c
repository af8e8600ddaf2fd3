/* SPDX-License-Identifier: Apache-2.0 */
/* Requests, answers and their order. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "linux_http_rig.h"
#include "sbs/count.h"
#include "test.h"
#include "test_folder.h"

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define GET(path) "GET " path HOST "\r\n"

static http_rig rig;
static char answer[4097];
static bool ended;

static int set_up(void **state) {
    (void)state;
    http_rig_open(&rig, NULL, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_rig_close(&rig);
    return 0;
}

static void assert_nothing_came(int fd) {
    assert_int_equal(http_client_read(fd, answer, &ended), 0);
    assert_false(ended);
}

static void assert_ended(int fd) {
    http_client_expect_end(&rig, fd);
}

/* Several answers may come in several pieces. */
static void read_until(int fd, const char *last) {
    size_t len = 0;
    char more[4097];
    while (strstr(answer, last) == NULL) {
        int got = http_client_answer(&rig, fd, more, &ended);
        assert_true(got > 0 && len + (size_t)got < sizeof answer);
        memcpy(answer + len, more, (size_t)got + 1);
        len += (size_t)got;
    }
}

/* Behind the answer that was read last. */
static void assert_closed(int fd) {
    if (!ended) {
        http_client_expect_end(&rig, fd);
    }
}

/* ---- single requests ------------------------------------------------------------------------------------------- */

static void test_an_answer_has_what_it_needs(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/a?b=%20"));
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
                                "Content-Length: 29\r\n\r\nGET /a?b=%20 0 0 0 127.0.0.1\n");
    assert_false(ended);
    rig.now.utc_s = SBS_UTC_UNKNOWN;
    http_client_say(fd, "HEAD /a" HOST "\r\n");
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_string_equal(answer, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 24\r\n\r\n");
    http_client_say(fd, GET("/none"));
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_string_equal(answer, "HTTP/1.1 204 No Content\r\n\r\n");
    (void)close(fd);
}

static void test_connections_are_kept_or_closed_as_they_say(void **state) {
    (void)state;
    static const struct {
        const char *text, *connection;
        bool closes;
    } cases[] = {
        {GET("/"), NULL, false},
        {"GET /" HOST "Connection: close\r\n\r\n", "Connection: close\r\n", true},
        {GET("/close"), "Connection: close\r\n", true},
        {"GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "Connection: keep-alive\r\n", false},
        {GET("/bad"), "Connection: close\r\n", true},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        int fd = http_client(&rig, 1);
        http_client_say(fd, cases[i].text);
        assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
        if (cases[i].connection == NULL) {
            assert_null(strstr(answer, "Connection:"));
        } else {
            assert_non_null(strstr(answer, cases[i].connection));
        }
        if (cases[i].closes) {
            assert_closed(fd);
        } else {
            assert_false(ended);
            http_client_expect(&rig, fd, GET("/next"), "200", "GET /next");
        }
        (void)close(fd);
        http_rig_turn(&rig);
    }
}

static void test_an_answer_that_would_break_the_message_becomes_500(void **state) {
    (void)state;
    static const char *const texts[] = {GET("/split"), GET("/fields9")};
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        int fd = http_client(&rig, 1);
        http_client_say(fd, texts[i]);
        assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
        assert_memory_equal(answer, "HTTP/1.1 500", 12);
        assert_non_null(strstr(answer, "cannot be sent"));
        assert_null(strstr(answer, "Y: b"));
        assert_closed(fd);
        (void)close(fd);
    }
    int fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, GET("/fields8"), "200", "X: 8\r\n");
    (void)close(fd);
}

/* A body in every framing, the bytes in every size of pieces. */
static void test_bodies_come_whole_in_any_pieces(void **state) {
    (void)state;
    static const char sized[] = "POST /b" HOST "Content-Length: 11\r\n\r\nhello world";
    static const char chunked[] =
        "POST /b" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nA: b\r\n\r\n";
    const char *const texts[] = {sized, chunked};
    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        int fd = http_client(&rig, 1);
        size_t len = strlen(texts[i]);
        for (size_t at = 0; at <= len; at++) { /* two pieces, cut at every place */
            http_client_send(fd, texts[i], at);
            http_rig_turn(&rig);
            http_client_send(fd, texts[i] + at, len - at);
            assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
            assert_non_null(strstr(answer, "POST /b 11 1794106052 0 127.0.0.1"));
        }
        for (size_t at = 0; at < len; at++) { /* byte by byte */
            http_client_send(fd, texts[i] + at, 1);
            http_rig_turn(&rig);
        }
        assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
        assert_non_null(strstr(answer, "POST /b 11 1794106052 0 127.0.0.1"));
        (void)close(fd);
    }
}

static void test_a_body_of_the_largest_size_is_taken(void **state) {
    (void)state;
    const size_t len = 1u << 20;
    char *body = malloc(len + 1);
    assert_non_null(body);
    for (unsigned more = 0; more < 2; more++) {
        int fd = http_client(&rig, 1);
        char head[100];
        (void)snprintf(head, sizeof head, "POST /b" HOST "Content-Length: %zu\r\n\r\n", len + more);
        memset(body, 'b', len + more);
        http_client_say(fd, head);
        for (size_t at = 0; at < len + more;) {
            ssize_t sent = send(fd, body + at, len + more - at, MSG_NOSIGNAL | MSG_DONTWAIT);
            assert_true(sent > 0 || errno == EAGAIN);
            at += sent > 0 ? (size_t)sent : 0;
            http_rig_turn(&rig);
        }
        /* Too large: all was sent before the answer is read, and the answer is there all the same. */
        assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
        assert_memory_equal(answer, more == 0 ? "HTTP/1.1 200" : "HTTP/1.1 413", 12);
        if (more == 0) {
            assert_false(ended);
        } else {
            assert_closed(fd);
        }
        (void)close(fd);
        http_rig_turn(&rig);
    }
    assert_int_equal(rig.most_bytes, len);
    free(body);
}

static void test_what_is_expected_is_told(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, "POST /b" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n", "100",
                       "HTTP/1.1 100 Continue\r\n\r\n");
    assert_int_equal(rig.handled, 0);
    http_client_expect(&rig, fd, "ab", "200", "POST /b 2");
    /* Who did not wait needs no word. */
    http_client_say(fd, "POST /b" HOST "Expect: 100-continue\r\nContent-Length: 2\r\n\r\na");
    http_rig_turn(&rig);
    http_client_expect(&rig, fd, "b", "200", "POST /b 2");
    http_client_expect(&rig, fd, "POST /b" HOST "Expect: 100-continue\r\nContent-Length: 2000000\r\n\r\n", "413",
                       "close");
    (void)close(fd);
}

static void test_what_is_malformed_is_told_and_closed(void **state) {
    (void)state;
    static const struct {
        const char *text, *status, *why;
    } cases[] = {
        {"GET / HTTP/1.1\r\n\r\n", "400", "no Host"},
        {GET("http://a/"), "400", "absolute path"},
        {"GET /" HOST "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400", "two Content-Length"},
        {"GET /" HOST "A : b\r\n\r\n", "400", "blank before the colon"},
        {"GET /\nHost: a\n\n", "400", "line feed"},
        {"GET / HTTP/3.0\r\n\r\n", "505", "HTTP/1.1"},
        {"GET /" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "501", "chunked"},
        {"GET /" HOST "Transfer-Encoding: chunked\r\n\r\nx\r\n", "400", "hexadecimal"},
        {"GET /" HOST "Expect: a\r\n\r\n", "417", "100-continue"},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        int fd = http_client(&rig, 1);
        http_client_expect(&rig, fd, cases[i].text, cases[i].status, cases[i].why);
        /* What follows is not taken for a request, and does not cost the answer. */
        (void)send(fd, GET("/second"), strlen(GET("/second")), MSG_NOSIGNAL);
        http_rig_turn(&rig);
        assert_ended(fd);
        (void)close(fd);
        http_rig_turn(&rig);
    }
    assert_int_equal(rig.handled, 0);
}

static void test_heads_are_bounded(void **state) {
    (void)state;
    char head[17000];
    memset(head, 'x', sizeof head);
    memcpy(head, "GET /", 5);
    int fd = http_client(&rig, 1);
    http_client_send(fd, head, sizeof head);
    http_client_expect(&rig, fd, "", "414", "close");
    (void)close(fd);
    memcpy(head, GET("/") "X: ", strlen(GET("/")) - 2);
    memcpy(head + strlen(GET("/")) - 2, "X: ", 3);
    fd = http_client(&rig, 1);
    http_client_send(fd, head, sizeof head);
    http_client_expect(&rig, fd, "", "431", "close");
    (void)close(fd);
    int len = snprintf(head, sizeof head, "GET /" HOST);
    for (unsigned i = 1; i <= SBS_LINUX_HTTP_FIELDS_MAX; i++) {
        len += snprintf(head + len, sizeof head - (size_t)len, "X: %u\r\n", i);
    }
    (void)snprintf(head + len, sizeof head - (size_t)len, "\r\n");
    fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, head, "431", "too many");
    (void)close(fd);
}

static sbs_linux_http_request request_of(const sbs_linux_http_field *fields, size_t count) {
    return (sbs_linux_http_request){.fields = fields, .field_count = count};
}

static void test_fields_are_found_without_case(void **state) {
    (void)state;
    const sbs_linux_http_field fields[] = {
        {SBS_TEXT("A"), SBS_TEXT("1")}, {SBS_TEXT("b"), SBS_TEXT("2")}, {SBS_TEXT("a"), SBS_TEXT("3")}};
    const sbs_linux_http_request request = request_of(fields, 3);
    assert_memory_equal(sbs_linux_http_request_field(&request, "a").ptr, "1", 1);
    assert_memory_equal(sbs_linux_http_request_field(&request, "B").ptr, "2", 1);
    assert_null(sbs_linux_http_request_field(&request, "c").ptr);
    assert_int_equal(sbs_linux_http_request_count(&request, "A"), 2);
    assert_int_equal(sbs_linux_http_request_count(&request, "c"), 0);
}

/* ---- order and holding ----------------------------------------------------------------------------------------- */

static void test_a_held_answer_waits_for_the_commit(void **state) {
    (void)state;
    int held = http_client(&rig, 1);
    int other = http_client(&rig, 1);
    http_client_say(held, GET("/held"));
    http_client_say(other, GET("/now"));
    http_rig_turn(&rig);
    assert_true(sbs_linux_http_server_holds(rig.server));
    assert_nothing_came(held);
    assert_true(http_client_answer(&rig, other, answer, &ended) > 0);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    assert_false(sbs_linux_http_server_holds(rig.server));
    assert_true(http_client_answer(&rig, held, answer, &ended) > 0);
    assert_non_null(strstr(answer, "GET /held 0"));
    http_client_say(held, GET("/held2"));
    http_rig_turn(&rig);
    sbs_linux_http_server_settle(rig.server, rig.now, false);
    assert_true(http_client_answer(&rig, held, answer, &ended) > 0);
    assert_memory_equal(answer, "HTTP/1.1 503", 12);
    assert_null(strstr(answer, "held2"));
    assert_int_equal(rig.lost, 1);
    http_client_expect(&rig, held, GET("/after"), "200", "GET /after");
    (void)close(held);
    (void)close(other);
}

static void test_pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd,
                    GET("/held1") "POST /2" HOST "Content-Length: 3\r\n\r\nabc\r\n" GET("/3") GET("/held4") GET("/5"));
    http_rig_turn(&rig);
    assert_int_equal(rig.handled, 1);
    assert_nothing_came(fd);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    /* The loop sleeps with what the last turn said: it is woken by the work that is left. */
    sbs_wait wait = rig.wait;
    assert_int_not_equal(wait.timeout_ms, 0);
    struct pollfd entry = {.fd = wait.descriptor, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, 0), 1);
    http_rig_turn(&rig);
    assert_int_equal(rig.handled, 4);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    http_rig_turn(&rig);
    assert_int_equal(rig.handled, 5);
    answer[0] = '\0';
    read_until(fd, "GET /5");
    static const char *const order[] = {"GET /held1", "POST /2 3", "GET /3", "GET /held4", "GET /5"};
    const char *at = answer;
    for (size_t i = 0; i < SBS_COUNT_OF(order); i++) {
        at = strstr(at, order[i]);
        assert_non_null(at);
    }
    (void)close(fd);
}

static void test_a_peer_that_goes_while_its_answer_is_held_wakes_nobody(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/held"));
    http_rig_turn(&rig);
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0);
    (void)close(fd);
    http_rig_turn(&rig); /* fails where the loop is woken without end */
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    http_rig_turn(&rig);
    fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, GET("/"), "200", "");
    (void)close(fd);
}

static void test_a_peer_that_sends_no_more_still_gets_its_answer(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/held"));
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    http_rig_turn(&rig);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_closed(fd);
    (void)close(fd);
}

static void test_draining_answers_what_began_and_ends(void **state) {
    (void)state;
    int idle = http_client(&rig, 1);
    int held = http_client(&rig, 1);
    int half = http_client(&rig, 1);
    http_client_expect(&rig, idle, GET("/"), "200", "");
    http_client_say(held, GET("/held"));
    http_client_say(half, "GET /half HTTP/1.1\r\n");
    http_rig_turn(&rig);
    assert_false(sbs_linux_http_server_drain(rig.server));
    assert_ended(idle);
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons(rig.port);
    assert_int_equal(connect(late, (const struct sockaddr *)&address, sizeof address), -1);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    http_client_say(half, "Host: a\r\n\r\n");
    http_rig_turn(&rig);
    assert_true(http_client_answer(&rig, held, answer, &ended) > 0);
    assert_closed(held);
    assert_true(http_client_answer(&rig, half, answer, &ended) > 0);
    assert_non_null(strstr(answer, "Connection: close"));
    assert_closed(half);
    (void)close(held);
    (void)close(half);
    (void)close(idle);
    (void)close(late);
    http_rig_turn(&rig);
    assert_true(sbs_linux_http_server_drain(rig.server));
}

/* ---- listeners ------------------------------------------------------------------------------------------------- */

static void test_addresses_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",          "127.0.0.1",   "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", ":80",          "a:80",
        "[::1]",     "[::1:80",     "::1:80",     "[127.0.0.1]:80",  "[]:80",       "127.0.0.1:1x", "127.0.0.1:000080",
        "[::1]x:80", "localhost:80"};
    unsigned number = 77;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        const sbs_linux_http_listener listener = {.address = bad[i]};
        if (sbs_linux_http_server_add(rig.server, &listener, &number) != SBS_ERR_ARGUMENT) {
            print_error("%s\n", bad[i]);
        }
        assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_ARGUMENT);
    }
    char taken[32];
    (void)snprintf(taken, sizeof taken, "127.0.0.1:%u", rig.port);
    const sbs_linux_http_listener listener = {.address = taken};
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_NETWORK);
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(number, 77);
    assert_int_equal(sbs_linux_http_server_port(rig.server, 1), 0);
    for (unsigned i = 1; i < SBS_LINUX_HTTP_LISTENERS_MAX; i++) {
        const sbs_linux_http_listener any = {.address = "127.0.0.1:0"};
        assert_int_equal(sbs_linux_http_server_add(rig.server, &any, &number), SBS_OK);
        assert_int_equal(number, i);
    }
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_MEMORY);
}

/* Addresses for documentation, which no machine has (RFC 5737, RFC 3849). */
static void test_an_address_that_comes_later_is_listened_at(void **state) {
    (void)state;
    static const char *const later[] = {"192.0.2.1:0", "[2001:db8::1]:0"};
    for (size_t i = 0; i < SBS_COUNT_OF(later); i++) {
        sbs_linux_http_listener listener = {.address = later[i]};
        unsigned number = 77;
        assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_NETWORK);
        if (errno == EAFNOSUPPORT) {
            continue; /* a machine without IPv6 */
        }
        assert_int_equal(errno, EADDRNOTAVAIL);

        listener.early = true;
        assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_OK);
        assert_true(sbs_linux_http_server_port(rig.server, number) != 0);
    }
}

static struct sockaddr_un unix_address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path));
    return address;
}

static int unix_client(const char *path) {
    const struct sockaddr_un address = unix_address(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_a_unix_socket_is_for_its_group_and_goes_with_the_server(void **state) {
    (void)state;
    char *folder = test_folder_make(NULL);
    char path[200];
    struct stat status;
    unsigned number = 0;
    (void)snprintf(path, sizeof path, "%s/control", folder);
    const sbs_linux_http_listener listener = {.address = path};
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    int fd = unix_client(path);
    http_client_expect(&rig, fd, GET("/"), "200", "GET / 0 0 1 \n");
    assert_int_equal(rig.secured, 0);
    (void)close(fd);
    /* Somebody listens there; what is no socket is left alone. */
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_NETWORK);
    http_rig_close(&rig);
    assert_int_equal(stat(path, &status), -1);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    http_rig_open(&rig, NULL, NULL);
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_NETWORK);
    assert_int_equal(unlink(path), 0);
    /* A socket that a killed program left is taken over. */
    const struct sockaddr_un address = unix_address(path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    (void)close(fd);
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_OK);
    /* What another program has bound there since is not removed. */
    assert_int_equal(unlink(path), 0);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    http_rig_close(&rig);
    assert_int_equal(stat(path, &status), 0);
    (void)close(fd);
    http_rig_open(&rig, NULL, NULL);
    memset(path + 1, 'x', sizeof path - 2);
    path[sizeof path - 1] = '\0';
    assert_int_equal(sbs_linux_http_server_add(rig.server, &listener, &number), SBS_ERR_ARGUMENT);
    http_rig_close(&rig);
    test_folder_remove(folder);
    http_rig_open(&rig, NULL, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_answer_has_what_it_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_connections_are_kept_or_closed_as_they_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_answer_that_would_break_the_message_becomes_500, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_come_whole_in_any_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_of_the_largest_size_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_expected_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_malformed_is_told_and_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_heads_are_bounded, set_up, tear_down),
        cmocka_unit_test(test_fields_are_found_without_case),
        cmocka_unit_test_setup_teardown(test_a_held_answer_waits_for_the_commit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pipelined_requests_are_answered_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_goes_while_its_answer_is_held_wakes_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_sends_no_more_still_gets_its_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_draining_answers_what_began_and_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_addresses_that_are_none_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_address_that_comes_later_is_listened_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_unix_socket_is_for_its_group_and_goes_with_the_server, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
