/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile and slow peers cost: time, memory, descriptors, and the turns of others. */
#define _GNU_SOURCE
#include <errno.h>
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

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags) {
    accepts++;
    if (accept_error != 0) {
        errno = accept_error;
        return -1;
    }
    return __real_accept4(fd, address, len, flags);
}

static void open_with(const sbs_linux_http_server_config *limits) {
    accept_error = 0;
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
        cmocka_unit_test_setup_teardown(test_who_is_idle_for_longest_goes_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_8_from_one_address_and_others_are_served, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_not_admitted_is_closed_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_without_descriptors_the_loop_rests, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bodies_wait_for_room_and_get_it_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_address_gets_half_of_the_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_body_without_room_is_refused_in_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chunked_body_gets_room_when_it_grows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_crowded_peer_that_goes_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_64_clients_get_their_turns_alike, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
