/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile and slow peers cost: time, memory, descriptors, and the turns of others. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux_http_rig.h"
#include "sbs/count.h"
#include "test.h"

#define HOST " HTTP/1.1\r\nHost: a\r\n"
#define GET(path) "GET " path HOST "\r\n"

static http_rig rig;
static char answer[4097];
static bool ended;
static int accept_error; /* what accept4() says instead, 0: nothing */
static unsigned accepts;
static const char *accept_from; /* of IPv6: what accept4() says of who connected; NULL: the truth */

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
    accepts++;
    if (accept_error != 0) {
        errno = accept_error;
        return -1;
    }

    int accepted = __real_accept4(fd, address, len, flags);
    if (accepted >= 0 && accept_from != NULL) {
        struct sockaddr_in6 from = {.sin6_family = AF_INET6};
        assert_int_equal(inet_pton(AF_INET6, accept_from, &from.sin6_addr), 1);
        memcpy(address, &from, sizeof from);
        *len = sizeof from;
    }
    return accepted;
}

static void open_with(const sbs_linux_http_server_config *limits) {
    accept_error = 0;
    accept_from = NULL;
    http_rig_open(&rig, limits, NULL);
}

static int set_up(void **state) {
    (void)state;
    open_with(NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    http_rig_close(&rig);
    return 0;
}

static void assert_quiet(int fd) {
    assert_int_equal(http_client_read(fd, answer, &ended), 0);
    assert_false(ended);
}

/* ---- time ------------------------------------------------------------------------------------------------------ */

/* One byte each second: the time counts from the first one, and does not begin anew. */
static void assert_slow(int fd, const char *text, unsigned seconds) {
    for (unsigned i = 0; i < seconds; i++) {
        assert_quiet(fd);
        http_client_send(fd, text + i, 1);
        http_rig_turn(&rig);
        http_rig_pass(&rig, i + 1 < seconds ? 1000 : 999);
    }
    assert_quiet(fd);
    http_rig_pass(&rig, 1);
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_memory_equal(answer, "HTTP/1.1 408", 12);
    assert_non_null(strstr(answer, "Connection: close"));
    if (!ended) {
        http_client_expect_end(&rig, fd);
    }
    (void)close(fd);
}

static void test_a_head_of_one_byte_a_second_ends_after_30_seconds(void **state) {
    (void)state;
    assert_slow(http_client(&rig, 1), GET("/a-long-path-of-many-bytes"), 30);
    int fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, GET("/"), "200", "");
    http_rig_pass(&rig, 20000);
    assert_slow(fd, GET("/a-long-path-of-many-bytes"), 30);
    assert_int_equal(rig.handled, 1);
}

static void test_a_body_of_one_byte_a_second_ends_after_30_seconds(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, "POST /" HOST "Content-Length: 100\r\n\r\n");
    http_rig_turn(&rig);
    assert_slow(fd, "0123456789012345678901234567890", 30);
}

static void test_who_says_nothing_is_closed(void **state) {
    (void)state;
    int fresh = http_client(&rig, 1);
    int kept = http_client(&rig, 1);
    http_client_expect(&rig, kept, GET("/"), "200", "");
    assert_true(rig.wait.timeout_ms <= 30000);
    http_rig_pass(&rig, 29999);
    assert_quiet(fresh);
    http_rig_pass(&rig, 1);
    http_client_expect_end(&rig, fresh);
    http_rig_pass(&rig, 29999);
    assert_quiet(kept);
    assert_int_equal(rig.wait.timeout_ms, 1);
    http_rig_pass(&rig, 1);
    http_client_expect_end(&rig, kept);
    assert_int_equal(rig.wait.timeout_ms, SBS_WAIT_FOREVER);
    (void)close(fresh);
    (void)close(kept);
}

static void test_who_does_not_read_its_answer_is_cut(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/large") GET("/large2"));
    http_rig_turn(&rig);
    assert_int_equal(rig.handled, 1);
    for (unsigned i = 0; i < 29; i++) { /* a little is taken, and helps nothing */
        char some[1000];
        assert_int_equal(recv(fd, some, sizeof some, 0), sizeof some);
        http_rig_pass(&rig, 1000);
    }
    assert_int_equal(rig.handled, 1);
    http_rig_pass(&rig, 999);
    int other = http_client(&rig, 1);
    http_client_expect(&rig, other, GET("/"), "200", "");
    http_rig_pass(&rig, 1);
    int result = 0;
    while (result == 0) { /* what the kernel has, then the reset */
        char some[65536];
        ssize_t got = recv(fd, some, sizeof some, 0);
        result = got < 0 ? errno : 0;
        assert_true(got != 0);
    }
    assert_int_equal(result, ECONNRESET);
    (void)close(fd);
    (void)close(other);
}

static void test_a_held_answer_has_no_deadline_but_the_wait_is_bounded(void **state) {
    (void)state;
    int fd = http_client(&rig, 1);
    http_client_say(fd, GET("/held"));
    http_rig_turn(&rig);
    assert_true(rig.wait.timeout_ms <= 30000);
    http_rig_pass(&rig, 100000);
    assert_quiet(fd);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    assert_true(http_client_answer(&rig, fd, answer, &ended) > 0);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    (void)close(fd);
}

static void test_a_peer_that_sends_on_behind_a_refusal_is_cut(void **state) {
    (void)state;
    char rubbish[10000];
    memset(rubbish, 'r', sizeof rubbish);
    int fd = http_client(&rig, 1);
    http_client_expect(&rig, fd, "GET\r\n", "400", "");
    for (unsigned i = 0; i < 10; i++) {
        assert_true(send(fd, rubbish, sizeof rubbish, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
        http_rig_pass(&rig, 199);
    }
    http_rig_pass(&rig, 10);
    bool cut = false;
    for (unsigned i = 0; i < 2000 && !cut; i++) {
        cut = send(fd, rubbish, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN;
        http_rig_turn(&rig);
        (void)usleep(1000);
    }
    assert_true(cut);
    (void)close(fd);
}

static void begin_body(int fd, size_t len) {
    char head[120];
    (void)snprintf(head, sizeof head, "POST /" HOST "Content-Length: %zu\r\nExpect: 100-continue\r\n\r\n", len);
    http_client_say(fd, head);
}

static void send_body(int fd, size_t len) {
    char body[40000];
    memset(body, 'b', sizeof body);
    assert_true(len <= sizeof body);
    http_client_send(fd, body, len);
}

/* ---- connections ----------------------------------------------------------------------------------------------- */

static void begin(int fd) {
    http_client_say(fd, "GET / HTTP/1.1\r\n");
    http_rig_turn(&rig);
}

static void end(int fd) {
    http_client_expect(&rig, fd, "Host: a\r\n\r\n", "200", "");
}

static void test_64_connections_and_the_idle_one_makes_room(void **state) {
    (void)state;
    int fds[64];
    for (unsigned i = 0; i < 64; i++) {
        fds[i] = http_client(&rig, 1);
        begin(fds[i]);
    }
    int waits = http_client_unseen(&rig, 1);
    begin(waits);
    unsigned before = accepts;
    http_rig_turn(&rig);
    http_rig_turn(&rig);
    assert_int_equal(accepts, before); /* nobody is accepted, and nothing wakes the loop */
    assert_int_equal(rig.asked, 64);
    end(fds[7]); /* from now on it is idle */
    end(waits);
    http_client_expect_end(&rig, fds[7]);
    for (unsigned i = 0; i < 64; i++) {
        if (i != 7) {
            end(fds[i]);
        }
        (void)close(fds[i]);
    }
    (void)close(waits);
}

/* What settle() makes possible wakes the loop, which sleeps with what the turn before said. */
static void assert_woken(void) {
    struct pollfd entry = {.fd = rig.wait.descriptor, .events = POLLIN};
    assert_int_equal(poll(&entry, 1, 0), 1);
}

static void test_a_place_or_room_that_settling_gives_wakes_the_loop(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.connections_max = 1});
    int first = http_client(&rig, 1);
    http_client_say(first, GET("/held"));
    http_rig_turn(&rig);
    int waits = http_client_unseen(&rig, 1);
    http_client_say(waits, GET("/waits"));
    http_rig_turn(&rig);
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    assert_woken();
    http_client_expect(&rig, waits, "", "200", "GET /waits");
    (void)close(first);
    (void)close(waits);
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 1000});
    first = http_client(&rig, 2);
    waits = http_client(&rig, 3);
    http_client_expect(&rig, first, "POST /held" HOST "Expect: 100-continue\r\nContent-Length: 20000\r\n\r\n", "100",
                       "");
    begin_body(waits, 20000);
    http_rig_turn(&rig);
    send_body(first, 20000);
    http_rig_turn(&rig);
    assert_true(sbs_linux_http_server_holds(rig.server));
    sbs_linux_http_server_settle(rig.server, rig.now, true);
    assert_woken();
    http_client_expect(&rig, waits, "", "100", "");
    (void)close(first);
    (void)close(waits);
}

static void test_who_is_idle_for_longest_goes_first(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.connections_max = 3});
    int fds[4];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = http_client(&rig, 1);
        http_client_expect(&rig, fds[i], GET("/"), "200", "");
        http_rig_pass(&rig, 1000);
    }
    http_client_expect(&rig, fds[0], GET("/"), "200", "");
    fds[3] = http_client(&rig, 1);
    http_client_expect_end(&rig, fds[1]);
    http_client_expect(&rig, fds[0], GET("/"), "200", "");
    http_client_expect(&rig, fds[2], GET("/"), "200", "");
    http_client_expect(&rig, fds[3], GET("/"), "200", "");
    for (unsigned i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
}

static void test_8_from_one_address_and_others_are_served(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.per_address_max = 8});
    int fds[8];
    for (unsigned i = 0; i < 8; i++) {
        fds[i] = http_client(&rig, 2);
        begin(fds[i]);
    }
    int ninth = http_client(&rig, 2);
    http_client_expect_end(&rig, ninth);
    int other = http_client(&rig, 3);
    http_client_expect(&rig, other, GET("/"), "200", "127.0.0.3");
    end(fds[3]);
    int tenth = http_client(&rig, 2); /* in the place of the idle one of its own */
    http_client_expect(&rig, tenth, GET("/"), "200", "127.0.0.2");
    http_client_expect_end(&rig, fds[3]);
    http_client_expect(&rig, other, GET("/"), "200", "");
    for (unsigned i = 0; i < 8; i++) {
        (void)close(fds[i]);
    }
    (void)close(ninth);
    (void)close(tenth);
    (void)close(other);
}

static int client_from(const char *address) {
    accept_from = address;
    int fd = http_client(&rig, 1);
    accept_from = NULL;
    return fd;
}

/* A host may have all addresses of its network. */
static void test_an_ipv6_network_has_half_of_the_places_and_an_address_8(void **state) {
    (void)state;
    int fds[64];
    for (unsigned i = 0; i < 32; i++) {
        char address[40];
        (void)snprintf(address, sizeof address, "2001:db8:0:1:%x::1", i);
        fds[i] = client_from(i < 8 ? "2001:db8:0:1::1" : address);
        begin(fds[i]);
        if (i == 7) {
            int ninth = client_from("2001:db8:0:1::1");
            http_client_expect_end(&rig, ninth);
            (void)close(ninth);
        }
    }

    int further = client_from("2001:db8:0:1:ffff::1");
    http_client_expect_end(&rig, further);
    int other = client_from("2001:db8:0:2::1");
    http_client_expect(&rig, other, GET("/"), "200", "2001:db8:0:2::1");
    int ip4 = http_client(&rig, 2);
    http_client_expect(&rig, ip4, GET("/"), "200", "127.0.0.2");

    end(fds[9]);
    int later = client_from("2001:db8:0:1:ffff::1"); /* in the place of the idle one of its network */
    http_client_expect(&rig, later, GET("/"), "200", "2001:db8:0:1:ffff::1");
    http_client_expect_end(&rig, fds[9]);

    (void)close(further);
    (void)close(other);
    (void)close(ip4);
    (void)close(later);
    for (unsigned i = 0; i < 32; i++) {
        (void)close(fds[i]);
    }
}

static void test_who_is_not_admitted_is_closed_at_once(void **state) {
    (void)state;
    strcpy(rig.refused_peer, "127.0.0.2");
    int fd = http_client(&rig, 2);
    http_client_expect_end(&rig, fd);
    int other = http_client(&rig, 1);
    http_client_expect(&rig, other, GET("/"), "200", "");
    (void)close(fd);
    (void)close(other);
}

static void test_without_descriptors_the_loop_rests(void **state) {
    (void)state;
    static const int errors[] = {EMFILE, ENFILE, ENOMEM, ENOBUFS};
    for (size_t i = 0; i < SBS_COUNT_OF(errors); i++) {
        int kept = http_client(&rig, 1);
        http_client_expect(&rig, kept, GET("/"), "200", "");
        accept_error = errors[i];
        int fd = http_client_unseen(&rig, 1);
        for (unsigned before = accepts, tries = 0; accepts == before && tries < 2000; tries++) {
            http_rig_turn(&rig);
            (void)usleep(1000);
        }
        unsigned before = accepts;
        http_rig_turn(&rig);
        http_rig_turn(&rig);
        assert_int_equal(accepts, before);
        assert_int_equal(rig.wait.timeout_ms, 1000);
        http_client_expect_end(&rig, kept); /* its descriptor is given up */
        accept_error = 0;
        http_client_say(fd, GET("/"));
        http_rig_pass(&rig, 999);
        assert_quiet(fd);
        http_rig_pass(&rig, 1);
        http_client_expect(&rig, fd, "", "200", "");
        (void)close(fd);
        (void)close(kept);
        http_rig_turn(&rig);
    }
}

/* ---- memory ---------------------------------------------------------------------------------------------------- */

/* Two peers fill the room; who comes behind them waits without being read, small bodies do not. */
static void test_bodies_wait_for_room_and_get_it_in_their_order(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 80000});
    int fds[5];
    for (uint8_t i = 0; i < 5; i++) {
        fds[i] = http_client(&rig, (uint8_t)(i + 1));
        http_rig_pass(&rig, 10);
    }
    for (unsigned i = 0; i < 4; i++) {
        begin_body(fds[i], 40000);
        http_rig_pass(&rig, 10);
    }
    http_client_expect(&rig, fds[0], "", "100", "");
    http_client_expect(&rig, fds[1], "", "100", "");
    assert_quiet(fds[2]);
    assert_quiet(fds[3]);
    begin_body(fds[4], 16384);
    http_client_expect(&rig, fds[4], "", "100", "");
    send_body(fds[1], 40000);
    http_client_expect(&rig, fds[1], "", "200", "POST / 40000");
    http_client_expect(&rig, fds[2], "", "100", "");
    assert_quiet(fds[3]);
    (void)close(fds[0]); /* gives up: its room is the next one's */
    http_client_expect(&rig, fds[3], "", "100", "");
    send_body(fds[2], 40000);
    http_client_expect(&rig, fds[2], "", "200", "POST / 40000");
    for (unsigned i = 1; i < 5; i++) {
        (void)close(fds[i]);
    }
}

static void test_one_address_gets_half_of_the_room(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 80000});
    int first = http_client(&rig, 2);
    int second = http_client(&rig, 2);
    int other = http_client(&rig, 3);
    begin_body(first, 30000);
    http_client_expect(&rig, first, "", "100", "");
    begin_body(second, 30000);
    http_rig_turn(&rig);
    assert_quiet(second);
    begin_body(other, 40000);
    http_client_expect(&rig, other, "", "100", "");
    send_body(first, 30000);
    http_client_expect(&rig, first, "", "200", "");
    http_client_expect(&rig, second, "", "100", "");
    (void)close(first);
    (void)close(second);
    (void)close(other);
}

static void test_a_body_without_room_is_refused_in_the_end(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 1000}); /* one body fits all the same */
    int first = http_client(&rig, 2);
    http_rig_pass(&rig, 10);
    int second = http_client(&rig, 3);
    begin_body(first, 20000);
    http_client_expect(&rig, first, "", "100", "");
    begin_body(second, 20000);
    http_rig_pass(&rig, 29980);
    assert_quiet(second);
    send_body(first, 20000);
    http_client_expect(&rig, first, "", "200", "");
    http_client_expect(&rig, second, "", "100", "");
    begin_body(first, 20000);
    http_rig_pass(&rig, 10);
    assert_quiet(first);
    http_rig_pass(&rig, 10); /* its time is over, for it had begun */
    http_client_expect(&rig, second, "", "408", "");
    http_client_expect(&rig, first, "", "100", "");
    (void)close(second);
    second = http_client(&rig, 3);
    begin_body(second, 20000);
    http_rig_pass(&rig, 20000);
    send_body(first, 19999);
    http_rig_pass(&rig, 9989);
    assert_quiet(second);
    http_rig_pass(&rig, 1);
    http_client_expect(&rig, first, "", "408", "");
    http_client_expect(&rig, second, "", "100", "");
    (void)close(first);
    (void)close(second);
}

static void test_a_chunked_body_gets_room_when_it_grows(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 80000, .body_max = 40000});
    int fd = http_client(&rig, 2);
    int sized = http_client(&rig, 2);
    begin_body(sized, 40000);
    http_client_expect(&rig, sized, "", "100", "");
    http_client_say(fd, "POST /" HOST "Transfer-Encoding: chunked\r\n\r\n4E20\r\n"); /* 20 000 */
    send_body(fd, 20000);
    http_client_say(fd, "\r\n0\r\n\r\n");
    http_rig_turn(&rig);
    assert_quiet(fd);
    send_body(sized, 40000);
    http_client_expect(&rig, sized, "", "200", "");
    http_client_expect(&rig, fd, "", "200", "POST / 20000");
    (void)close(fd);
    (void)close(sized);
}

static void test_a_crowded_peer_that_goes_leaves_nothing(void **state) {
    (void)state;
    http_rig_close(&rig);
    open_with(&(sbs_linux_http_server_config){.bodies_max = 1000});
    int first = http_client(&rig, 2);
    int second = http_client(&rig, 3);
    begin_body(first, 20000);
    http_client_expect(&rig, first, "", "100", "");
    begin_body(second, 20000);
    http_rig_turn(&rig);
    (void)close(second);
    http_rig_turn(&rig);
    send_body(first, 20000);
    http_client_expect(&rig, first, "", "200", "");
    http_client_expect(&rig, first, GET("/"), "200", "");
    http_rig_turn(&rig);
    (void)close(first);
    for (unsigned i = 0; i < 2000 && !sbs_linux_http_server_drain(rig.server); i++) {
        http_rig_pass(&rig, 1);
    }
    assert_true(sbs_linux_http_server_drain(rig.server));
}

static size_t memory_in_use(void) {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Gives each client's socket what it takes; true when all of every body is out and answered. */
static bool feed_all(int fds[64], size_t sent[64], const char *text, size_t len, bool done[64]) {
    bool all = true;
    for (unsigned i = 0; i < 64; i++) {
        ssize_t got = send(fds[i], text + sent[i], len - sent[i], MSG_NOSIGNAL | MSG_DONTWAIT);
        sent[i] += got > 0 ? (size_t)got : 0;
        done[i] = done[i] || recv(fds[i], answer, sizeof answer - 1, MSG_DONTWAIT) > 0;
        all = all && done[i];
    }
    return all;
}

/* Those of the others wait in their sockets. */
static void test_64_bodies_of_the_largest_size_take_bounded_memory(void **state) {
    (void)state;
    static char text[(1u << 20) + 200];
    int fds[64];
    size_t sent[64] = {0};
    bool done[64] = {false};
    const size_t before = memory_in_use();
    size_t most = before;
    int head = snprintf(text, 200, "POST /" HOST "Content-Length: %u\r\n\r\n", 1u << 20);
    memset(text + head, 'b', 1u << 20);
    for (unsigned i = 0; i < 64; i++) {
        fds[i] = http_client(&rig, (uint8_t)(1 + i % 8));
    }
    bool all = false;
    for (unsigned turn = 0; turn < 100000 && !all; turn++) {
        all = feed_all(fds, sent, text, (size_t)head + (1u << 20), done);
        sbs_linux_http_server_turn(rig.server, rig.now, &rig.wait);
        size_t now = memory_in_use();
        most = now > most ? now : most;
    }
    for (unsigned i = 0; i < 64; i++) {
        assert_true(done[i]);
        (void)close(fds[i]);
    }
    assert_int_equal(rig.handled, 64);
    assert_int_equal(rig.most_bytes, 1u << 20);
    print_message("memory for 64 bodies of 1 MiB at once: %zu KiB\n", (most - before) / 1024);
    assert_true(most - before <= 8u << 20);
}

/* ---- fairness -------------------------------------------------------------------------------------------------- */

/* Each sends its next request as soon as it has its answer, the first one four at a time. */
static void test_64_clients_get_their_turns_alike(void **state) {
    (void)state;
    int fds[64];
    unsigned answered[64] = {0};
    unsigned least = UINT32_MAX;
    unsigned most = 0;
    for (unsigned i = 0; i < 64; i++) {
        fds[i] = http_client(&rig, 1);
        http_client_say(fds[i], i == 0 ? GET("/0") GET("/0") GET("/0") GET("/0") : GET("/"));
    }
    for (unsigned round = 0; round < 200; round++) {
        sbs_linux_http_server_turn(rig.server, rig.now, &rig.wait);
        for (unsigned i = 0; i < 64; i++) {
            ssize_t len = recv(fds[i], answer, sizeof answer - 1, MSG_DONTWAIT);
            answer[len > 0 ? len : 0] = '\0';
            for (const char *at = strstr(answer, "HTTP/1.1 200"); at != NULL; at = strstr(at + 1, "HTTP/1.1 200")) {
                answered[i]++;
                http_client_say(fds[i], GET("/"));
            }
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        least = answered[i] < least ? answered[i] : least;
        most = answered[i] > most ? answered[i] : most;
        (void)close(fds[i]);
    }
    print_message("answers to each of 64 clients in 200 turns: %u to %u\n", least, most);
    assert_true(least > 0);
    assert_true(least >= most / 2);
    assert_true(most <= 204); /* it began with four */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_head_of_one_byte_a_second_ends_after_30_seconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_of_one_byte_a_second_ends_after_30_seconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_says_nothing_is_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_does_not_read_its_answer_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_held_answer_has_no_deadline_but_the_wait_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_peer_that_sends_on_behind_a_refusal_is_cut, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_64_connections_and_the_idle_one_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_place_or_room_that_settling_gives_wakes_the_loop, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_idle_for_longest_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_8_from_one_address_and_others_are_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_ipv6_network_has_half_of_the_places_and_an_address_8, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_not_admitted_is_closed_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_descriptors_the_loop_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_wait_for_room_and_get_it_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_address_gets_half_of_the_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_without_room_is_refused_in_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chunked_body_gets_room_when_it_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crowded_peer_that_goes_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_64_bodies_of_the_largest_size_take_bounded_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_64_clients_get_their_turns_alike, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
