/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "linux_http_rig.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "test.h"

#define LARGE (4u << 20)
#define TRIES 2000u /* of some milliseconds */

static int server_descriptor; /* of the server that was opened last */

static bool path_is(const sbs_linux_http_request *request, const char *path) {
    return request->path.len >= strlen(path) && memcmp(request->path.ptr, path, strlen(path)) == 0;
}

static unsigned sum_of(sbs_text text) {
    unsigned sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum = sum * 31 + (unsigned char)text.ptr[i];
    }
    return sum;
}

static void rig_handle(void *ctx, const sbs_linux_http_request *request, sbs_linux_http_answer *out) {
    http_rig *rig = ctx;
    rig->handled++;
    rig->secured += request->secured ? 1 : 0;
    if (request->body.len > rig->most_bytes) {
        rig->most_bytes = request->body.len;
    }
    const char *mark = request->query.ptr != NULL ? "?" : "";
    int len = snprintf(rig->seen, sizeof rig->seen, "%.*s %.*s%s%.*s %zu %u %u %s\n", (int)request->method.len,
                       request->method.ptr, (int)request->path.len, request->path.ptr, mark, (int)request->query.len,
                       request->query.ptr != NULL ? request->query.ptr : "", request->body.len, sum_of(request->body),
                       request->listener, request->peer);
    *out = (sbs_linux_http_answer){.status = 200,
                                   .content_type = "text/plain",
                                   .body = {rig->seen, (size_t)len},
                                   .held = path_is(request, "/held")};
    out->close = path_is(request, "/close");
    if (path_is(request, "/none")) {
        out->status = 204;
    } else if (path_is(request, "/bad")) {
        out->status = 99;
    } else if (path_is(request, "/split")) {
        sbs_linux_http_answer_add(out, "X", "a\r\nY: b");
    } else if (path_is(request, "/fields")) {
        static const char *const numbers[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
        for (char i = '1'; i <= request->path.ptr[7]; i++) {
            sbs_linux_http_answer_add(out, "X", numbers[i - '1']);
        }
    } else if (path_is(request, "/large")) {
        static char large[LARGE];
        memset(large, 'l', sizeof large);
        out->body = (sbs_text){large, sizeof large};
    }
}

static void rig_lost(void *ctx, sbs_linux_http_answer *out) {
    http_rig *rig = ctx;
    rig->lost++;
    *out = (sbs_linux_http_answer){.status = 503};
}

static bool rig_admit(void *ctx, unsigned listener, const char *peer) {
    http_rig *rig = ctx;
    (void)listener;
    rig->asked++;
    return strcmp(peer, rig->refused_peer) != 0;
}

void http_rig_open(http_rig *rig, const sbs_linux_http_server_config *limits, const char *address) {
    memset(rig, 0, sizeof *rig);
    rig->now = (sbs_now){.mono_ms = 1000000, .utc_s = 784111777};
    (void)snprintf(rig->refused_peer, sizeof rig->refused_peer, "nobody");
    sbs_linux_http_server_config config = {0};
    if (limits != NULL) {
        config = *limits;
    }
    config.handle = rig_handle;
    config.lost = rig_lost;
    config.admit = rig_admit;
    config.ctx = rig;
    assert_int_equal(sbs_linux_http_server_open(&rig->server, &config), SBS_OK);
    unsigned number = 99;
    const sbs_linux_http_listener listener = {.address = address != NULL ? address : "127.0.0.1:0"};
    assert_int_equal(sbs_linux_http_server_add(rig->server, &listener, &number), SBS_OK);
    assert_int_equal(number, 0);
    sbs_linux_http_server_turn(rig->server, rig->now, &rig->wait);
    server_descriptor = rig->wait.descriptor;
    rig->port = sbs_linux_http_server_port(rig->server, 0);
}

void http_rig_close(http_rig *rig) {
    sbs_linux_http_server_close(rig->server);
    rig->server = NULL;
}

void http_rig_turn(http_rig *rig) {
    for (unsigned i = 0; i < 2000; i++) {
        sbs_linux_http_server_turn(rig->server, rig->now, &rig->wait);
        rig->turns++;
        struct pollfd entry = {.fd = rig->wait.descriptor, .events = POLLIN};
        if (rig->wait.timeout_ms > 0 && poll(&entry, 1, 0) == 0) {
            return;
        }
    }
    fail_msg("the server wants its turn without end");
}

void http_rig_pass(http_rig *rig, uint32_t ms) {
    rig->now.mono_ms += ms;
    rig->now.utc_s += ms / 1000;
    http_rig_turn(rig);
}

int http_client_unseen(const http_rig *rig, uint8_t last) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000000u | last)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    /* A test that waits for what does not come fails. */
    const struct timeval patience = {.tv_sec = 10};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(rig->port);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int http_client(http_rig *rig, uint8_t last) {
    unsigned asked = rig->asked;
    int fd = http_client_unseen(rig, last);
    for (unsigned i = 0; i < TRIES && rig->asked == asked; i++) {
        http_rig_turn(rig);
        (void)poll(NULL, 0, rig->asked == asked ? 1 : 0);
    }
    assert_int_equal(rig->asked, asked + 1);
    return fd;
}

/* The bytes are there when the server has something to do; it need not, so a moment is enough. */
void http_client_send(int fd, const char *data, size_t len) {
    struct pollfd entry = {.fd = server_descriptor, .events = POLLIN};
    assert_int_equal(send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT), (ssize_t)len);
    (void)poll(&entry, 1, 20);
}

void http_client_say(int fd, const char *text) {
    http_client_send(fd, text, strlen(text));
}

int http_client_read(int fd, char *out, bool *out_ended) {
    size_t len = 0;
    *out_ended = false;
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    while (len < 4096 && poll(&entry, 1, len == 0 ? 5 : 0) > 0) {
        ssize_t got = recv(fd, out + len, 4096 - len, MSG_DONTWAIT);
        if (got < 0) {
            return -1;
        }
        *out_ended = got == 0;
        if (got == 0) {
            break;
        }
        len += (size_t)got;
    }
    out[len] = '\0';
    return (int)len;
}

int http_client_answer(http_rig *rig, int fd, char *out, bool *out_ended) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    http_rig_turn(rig);
    for (unsigned i = 0; i < TRIES && poll(&entry, 1, 1) == 0; i++) {
        http_rig_turn(rig);
    }
    return http_client_read(fd, out, out_ended);
}

void http_client_expect(http_rig *rig, int fd, const char *text, const char *status, const char *part) {
    char answer[4097];
    bool ended;
    http_client_say(fd, text);
    assert_true(http_client_answer(rig, fd, answer, &ended) >= 0);
    if (strncmp(answer, "HTTP/1.1 ", 9) != 0 || strncmp(answer + 9, status, strlen(status)) != 0 ||
        strstr(answer, part) == NULL) {
        print_error("%s got %s, not %s with %s\n", text, answer, status, part);
    }
    assert_memory_equal(answer, "HTTP/1.1 ", 9);
    assert_memory_equal(answer + 9, status, strlen(status));
    assert_non_null(strstr(answer, part));
}

void http_client_expect_end(http_rig *rig, int fd) {
    char answer[4097];
    bool ended = false;
    int len = 0;
    for (unsigned i = 0; i < TRIES && !ended && len == 0; i++) {
        len = http_client_answer(rig, fd, answer, &ended);
    }
    assert_int_equal(len, 0);
    assert_true(ended);
}
