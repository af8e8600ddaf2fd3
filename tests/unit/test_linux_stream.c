/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP stream on loopback, with a resolver that answers as the test wants. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sbs/linux_clock.h"
#include "sbs/linux_loop.h"
#include "sbs/linux_stream.h"
#include "test.h"

#define ADDRESSES_MAX 12

/* What the name "test.invalid" has: addresses, an error, and how long the answer takes. */
static struct {
    const char *addresses[ADDRESSES_MAX];
    int error;
    unsigned delay_ms;
    atomic_uint running;
} resolver;

int __real_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);
int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out);

static void pause_ms(unsigned ms) {
    (void)nanosleep(&(struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

static int invent(const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    struct addrinfo **next = out;
    *out = NULL;
    for (unsigned i = 0; i < ADDRESSES_MAX && resolver.addresses[i] != NULL; i++) {
        struct addrinfo numeric = *hints;
        numeric.ai_flags |= AI_NUMERICHOST;
        if (__real_getaddrinfo(resolver.addresses[i], service, &numeric, next) != 0) {
            return EAI_FAIL;
        }
        next = &(*next)->ai_next;
    }
    return resolver.error;
}

int __wrap_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
    if (strcmp(node, "test.invalid") != 0 || (hints->ai_flags & AI_NUMERICHOST) != 0) {
        return __real_getaddrinfo(node, service, hints, out);
    }
    atomic_fetch_add(&resolver.running, 1);
    pause_ms(resolver.delay_ms);
    int error = invent(service, hints, out);
    atomic_fetch_sub(&resolver.running, 1);
    return error;
}

static bool interrupted; /* the next connect() is, by a signal: the kernel goes on all the same */

int __real_connect(int fd, const struct sockaddr *address, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t len) {
    int result = __real_connect(fd, address, len);
    if (interrupted) {
        interrupted = false;
        errno = EINTR;
        return -1;
    }
    return result;
}

static unsigned open_descriptors(void) {
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        ++count;
    }
    assert_int_equal(closedir(folder), 0);
    return count;
}

static unsigned descriptors_before;

static int set_up(void **state) {
    (void)state;
    memset((void *)&resolver.addresses, 0, sizeof resolver.addresses);
    resolver.error = 0;
    resolver.delay_ms = 0;
    descriptors_before = open_descriptors();
    return 0;
}

/* Nothing stays open; the last resolver thread may still be on its way out. */
static int tear_down(void **state) {
    (void)state;
    for (unsigned i = 0; i < 200 && open_descriptors() != descriptors_before; i++) {
        pause_ms(10);
    }
    assert_int_equal(open_descriptors(), descriptors_before);
    return 0;
}

static int listen_on(const char *address, uint16_t *port, int backlog) {
    struct addrinfo *info = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    const int on = 1;
    socklen_t len;
    assert_int_equal(__real_getaddrinfo(address, NULL, &hints, &info), 0);
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    in_port_t *place = info->ai_family == AF_INET ? &((struct sockaddr_in *)(void *)info->ai_addr)->sin_port
                                                  : &((struct sockaddr_in6 *)(void *)info->ai_addr)->sin6_port;
    *place = htons(*port);
    assert_int_equal(bind(fd, info->ai_addr, info->ai_addrlen), 0);
    assert_int_equal(listen(fd, backlog), 0);
    len = info->ai_addrlen;
    assert_int_equal(getsockname(fd, info->ai_addr, &len), 0);
    *port = ntohs(*place);
    freeaddrinfo(info);
    return fd;
}

typedef struct client {
    sbs_linux_stream tcp;
    sbs_stream stream;
    unsigned polls;
} client;

static void prepare(client *c, uint32_t resolve_ms, uint32_t connect_ms, uint32_t stagger_ms) {
    const sbs_linux_stream_config config = {resolve_ms, connect_ms, stagger_ms};
    sbs_linux_stream_init(&c->tcp, &config, &c->stream);
    assert_false(c->stream.ops->secured);
}

static sbs_status open_to(client *c, const char *host, uint16_t port) {
    sbs_status status;
    c->polls = 0;
    while ((status = c->stream.ops->open(c->stream.ctx, host, port, sbs_linux_now())) == SBS_PENDING) {
        sbs_wait wait = c->stream.ops->waits_for(c->stream.ctx);
        assert_true(wait.descriptor >= 0);
        assert_true(wait.timeout_ms <= 20000);
        assert_true(++c->polls < 1000);
        assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
    }
    return status;
}

static void close_all(client *c, int listener) {
    sbs_linux_stream_deinit(&c->tcp);
    sbs_linux_stream_deinit(&c->tcp);
    if (listener >= 0) {
        assert_int_equal(close(listener), 0);
    }
}

static void wait_on(client *c) {
    sbs_wait wait = c->stream.ops->waits_for(c->stream.ctx);
    assert_int_not_equal(wait.events, 0);
    wait.timeout_ms = 10000;
    assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
}

static sbs_status receive(client *c, void *buffer, size_t size, size_t *out_len) {
    sbs_status status;
    while ((status = c->stream.ops->receive(c->stream.ctx, buffer, size, out_len)) == SBS_PENDING) {
        wait_on(c);
    }
    return status;
}

static void check_conversation(const char *listen_address, const char *host) {
    client c;
    uint16_t port = 0;
    uint8_t buffer[16] = {0};
    size_t len;
    int listener = listen_on(listen_address, &port, 5);
    prepare(&c, 0, 0, 0);
    assert_int_equal(open_to(&c, host, port), SBS_OK);
    int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(c.stream.ops->receive(c.stream.ctx, buffer, sizeof buffer, &len), SBS_PENDING);
    assert_int_equal(c.stream.ops->waits_for(c.stream.ctx).events, SBS_WAIT_READ);
    assert_int_equal(c.stream.ops->send(c.stream.ctx, (const uint8_t *)"ping", 4, &len), SBS_OK);
    assert_int_equal(len, 4);
    assert_int_equal(recv(peer, buffer, sizeof buffer, 0), 4);
    assert_int_equal(send(peer, "pong", 4, 0), 4);
    assert_int_equal(receive(&c, buffer, 3, &len), SBS_OK);
    assert_memory_equal(buffer, "pon", 3);
    assert_int_equal(receive(&c, buffer, 3, &len), SBS_OK);
    assert_int_equal(len, 1);
    int flags = fcntl(c.tcp.priv.fd, F_GETFD);
    assert_int_not_equal(flags & FD_CLOEXEC, 0);
    assert_int_equal(close(peer), 0);
    assert_int_equal(receive(&c, buffer, 3, &len), SBS_END);
    assert_int_equal(len, 0);
    assert_int_equal(c.stream.ops->last_code(c.stream.ctx), 0);
    close_all(&c, listener);
}

static void talks_over_both_families(void **state) {
    (void)state;
    check_conversation("127.0.0.1", "127.0.0.1");
    check_conversation("127.0.0.1", "localhost");
    check_conversation("::1", "::1");
    resolver.addresses[0] = "127.0.0.1";
    check_conversation("127.0.0.1", "test.invalid");
}

/* A port of loopback on which nobody listens. */
static uint16_t closed_port(void) {
    uint16_t port = 0;
    int listener = listen_on("127.0.0.1", &port, 1);
    assert_int_equal(close(listener), 0);
    return port;
}

static void failures_are_told_apart(void **state) {
    client c;
    (void)state;
    prepare(&c, 0, 0, 0);
    assert_int_equal(open_to(&c, "127.0.0.1", closed_port()), SBS_ERR_REFUSED);
    assert_int_equal(c.stream.ops->last_code(c.stream.ctx), ECONNREFUSED);
    assert_int_equal(open_to(&c, "127.0.0.1", 1), SBS_ERR_STATE);
    c.stream.ops->close(c.stream.ctx);
    resolver.error = EAI_NONAME;
    assert_int_equal(open_to(&c, "test.invalid", 443), SBS_ERR_RESOLVE);
    assert_int_equal(c.stream.ops->last_code(c.stream.ctx), EAI_NONAME);
    c.stream.ops->close(c.stream.ctx);
    resolver.error = EAI_AGAIN;
    assert_int_equal(open_to(&c, "test.invalid", 443), SBS_ERR_RESOLVE);
    c.stream.ops->close(c.stream.ctx);
    resolver.error = EAI_MEMORY;
    assert_int_equal(open_to(&c, "test.invalid", 443), SBS_ERR_MEMORY);
    c.stream.ops->close(c.stream.ctx);
    assert_int_equal(open_to(&c, "", 443), SBS_ERR_ARGUMENT);
    assert_int_equal(open_to(&c, "127.0.0.1", 0), SBS_ERR_ARGUMENT);
    close_all(&c, -1);
}

static void a_slow_resolver_blocks_nothing(void **state) {
    client c;
    (void)state;
    resolver.addresses[0] = "127.0.0.1";
    resolver.delay_ms = 700;
    prepare(&c, 100, 0, 0);
    uint64_t start = sbs_linux_now().mono_ms;
    assert_int_equal(c.stream.ops->open(c.stream.ctx, "test.invalid", 443, sbs_linux_now()), SBS_PENDING);
    assert_true(sbs_linux_now().mono_ms - start < 100);
    assert_int_equal(open_to(&c, "test.invalid", 443), SBS_ERR_RESOLVE);
    assert_int_equal(c.stream.ops->last_code(c.stream.ctx), ETIMEDOUT);
    assert_true(sbs_linux_now().mono_ms - start < 600);
    /* Closing in the middle leaves the thread to itself. */
    c.stream.ops->close(c.stream.ctx);
    assert_int_equal(c.stream.ops->open(c.stream.ctx, "test.invalid", 443, sbs_linux_now()), SBS_PENDING);
    close_all(&c, -1);
    assert_true(atomic_load(&resolver.running) > 0);
    for (unsigned i = 0; i < 300 && atomic_load(&resolver.running) > 0; i++) {
        pause_ms(10);
    }
    assert_int_equal(atomic_load(&resolver.running), 0);
}

#define FILLERS 8

/* A listener whose queue is full takes no more connections: they hang as behind a firewall that drops. */
static int black_hole(uint16_t *port, int fillers[FILLERS]) {
    int listener = listen_on("127.0.0.1", port, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (const struct sockaddr *)(const void *)&address, sizeof address);
    }
    pause_ms(50);
    return listener;
}

static void close_fillers(int fillers[FILLERS]) {
    for (int i = 0; i < FILLERS; i++) {
        assert_int_equal(close(fillers[i]), 0);
    }
}

static void a_resolver_that_hangs_takes_a_bounded_number_of_threads(void **state) {
    unsigned refused = 0;
    (void)state;
    resolver.addresses[0] = "127.0.0.1";
    resolver.delay_ms = 500;
    for (unsigned i = 0; i < 40; i++) {
        client c;
        prepare(&c, 0, 0, 0);
        sbs_status status = c.stream.ops->open(c.stream.ctx, "test.invalid", 9, sbs_linux_now());
        assert_true(status == SBS_PENDING || status == SBS_ERR_MEMORY);
        refused += status == SBS_ERR_MEMORY;
        close_all(&c, -1);
    }
    assert_int_equal(refused, 40 - 16);
    for (unsigned i = 0; i < 300 && atomic_load(&resolver.running) > 0; i++) {
        pause_ms(10);
    }
}

static void an_address_that_hangs_is_given_up(void **state) {
    client c;
    uint16_t port = 0;
    int fillers[FILLERS];
    int hole = black_hole(&port, fillers);
    (void)state;
    prepare(&c, 0, 200, 0);
    uint64_t start = sbs_linux_now().mono_ms;
    assert_int_equal(open_to(&c, "127.0.0.1", port), SBS_ERR_TIMEOUT);
    uint64_t took = sbs_linux_now().mono_ms - start;
    assert_true(took >= 199 && took < 5000);
    assert_int_equal(c.stream.ops->last_code(c.stream.ctx), ETIMEDOUT);
    close_fillers(fillers);
    close_all(&c, hole);
}

static void the_next_address_is_tried_beside_one_that_hangs(void **state) {
    client c;
    uint16_t port = 0;
    int fillers[FILLERS];
    int hole = black_hole(&port, fillers);
    int good = listen_on("127.0.0.2", &port, 5);
    (void)state;
    resolver.addresses[0] = "127.0.0.1";
    resolver.addresses[1] = "127.0.0.2";
    prepare(&c, 0, 10000, 150);
    uint64_t start = sbs_linux_now().mono_ms;
    assert_int_equal(open_to(&c, "test.invalid", port), SBS_OK);
    uint64_t took = sbs_linux_now().mono_ms - start;
    assert_true(took >= 149 && took < 5000);
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    assert_int_equal(getpeername(c.tcp.priv.fd, (struct sockaddr *)(void *)&peer, &len), 0);
    assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000002);
    close_fillers(fillers);
    close_all(&c, hole);
    assert_int_equal(close(good), 0);
}

static void an_address_that_refuses_costs_no_time(void **state) {
    client c;
    uint16_t port = 0;
    int listener = listen_on("127.0.0.3", &port, 5);
    (void)state;
    resolver.addresses[0] = "127.0.0.1";
    resolver.addresses[1] = "127.0.0.2";
    resolver.addresses[2] = "::1";
    resolver.addresses[3] = "127.0.0.3";
    prepare(&c, 0, 0, 5000);
    uint64_t start = sbs_linux_now().mono_ms;
    assert_int_equal(open_to(&c, "test.invalid", port), SBS_OK);
    assert_true(sbs_linux_now().mono_ms - start < 4000);
    close_all(&c, listener);
}

static void only_the_first_addresses_are_tried(void **state) {
    static const char *const refusing[] = {"127.0.1.1", "127.0.1.2", "127.0.1.3", "127.0.1.4",
                                           "127.0.1.5", "127.0.1.6", "127.0.1.7", "127.0.1.8"};
    client c;
    uint16_t port = 0;
    int listener = listen_on("127.0.0.1", &port, 5);
    (void)state;
    for (unsigned i = 0; i < SBS_LINUX_ADDRESSES_MAX; i++) {
        resolver.addresses[i] = refusing[i];
    }
    resolver.addresses[SBS_LINUX_ADDRESSES_MAX] = "127.0.0.1";
    prepare(&c, 0, 0, 0);
    assert_int_equal(open_to(&c, "test.invalid", port), SBS_ERR_REFUSED);
    c.stream.ops->close(c.stream.ctx);
    resolver.addresses[0] = "127.0.0.1";
    assert_int_equal(open_to(&c, "test.invalid", port), SBS_OK);
    close_all(&c, listener);
}

/* A reset is no end; SIGPIPE would kill this program. */
static void a_reset_is_told(void **state) {
    client c;
    uint16_t port = 0;
    uint8_t buffer[4] = {0};
    size_t len;
    const struct linger at_once = {1, 0};
    int listener = listen_on("127.0.0.1", &port, 5);
    (void)state;
    for (int sending = 0; sending < 2; sending++) {
        sbs_status status = SBS_OK;
        prepare(&c, 0, 0, 0);
        assert_int_equal(open_to(&c, "127.0.0.1", port), SBS_OK);
        int peer = accept(listener, NULL, NULL);
        assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        assert_int_equal(close(peer), 0);
        if (sending != 0) {
            for (int i = 0; i < 100 && status == SBS_OK; i++) {
                status = c.stream.ops->send(c.stream.ctx, buffer, sizeof buffer, &len);
            }
            assert_int_equal(status, SBS_ERR_NETWORK);
        } else {
            assert_int_equal(receive(&c, buffer, sizeof buffer, &len), SBS_ERR_TRUNCATED);
        }
        assert_true(c.stream.ops->last_code(c.stream.ctx) == ECONNRESET ||
                    c.stream.ops->last_code(c.stream.ctx) == EPIPE);
        assert_int_equal(c.stream.ops->send(c.stream.ctx, buffer, sizeof buffer, &len), SBS_ERR_STATE);
        close_all(&c, -1);
    }
    assert_int_equal(close(listener), 0);
}

static void a_full_pipe_makes_the_sender_wait(void **state) {
    static uint8_t block[65536], drained[65536];
    client c;
    uint16_t port = 0;
    size_t len, sent = 0, received = 0;
    sbs_status status;
    int listener = listen_on("127.0.0.1", &port, 5);
    (void)state;
    prepare(&c, 0, 0, 0);
    assert_int_equal(open_to(&c, "127.0.0.1", port), SBS_OK);
    int peer = accept(listener, NULL, NULL);
    while ((status = c.stream.ops->send(c.stream.ctx, block, sizeof block, &len)) == SBS_OK) {
        sent += len;
        assert_true(sent < 100u * 1000u * 1000u);
    }
    assert_int_equal(status, SBS_PENDING);
    assert_int_equal(len, 0);
    assert_int_equal(c.stream.ops->waits_for(c.stream.ctx).events, SBS_WAIT_WRITE);
    while (received < sent) {
        ssize_t count = recv(peer, drained, sizeof drained, 0);
        assert_true(count > 0);
        received += (size_t)count;
    }
    wait_on(&c);
    assert_int_equal(c.stream.ops->send(c.stream.ctx, block, 1, &len), SBS_OK);
    assert_int_equal(close(peer), 0);
    close_all(&c, listener);
}

static void a_signal_stops_no_connection(void **state) {
    (void)state;
    interrupted = true;
    check_conversation("127.0.0.1", "127.0.0.1");
    assert_false(interrupted);
}

static void calls_in_the_wrong_state_are_refused(void **state) {
    client c;
    uint8_t byte = 0;
    size_t len;
    (void)state;
    prepare(&c, 0, 0, 0);
    assert_int_equal(c.stream.ops->send(c.stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    assert_int_equal(c.stream.ops->receive(c.stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    c.stream.ops->close(c.stream.ctx);
    close_all(&c, -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(talks_over_both_families, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failures_are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_resolver_blocks_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_resolver_that_hangs_takes_a_bounded_number_of_threads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_hangs_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_address_is_tried_beside_one_that_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_refuses_costs_no_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_first_addresses_are_tried, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_pipe_makes_the_sender_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_stops_no_connection, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls_in_the_wrong_state_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
