/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server_stream.h"

#include <errno.h>
#include <sys/socket.h>

static sbs_status socket_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    (void)ctx;
    (void)host;
    (void)port;
    (void)now;
    return SBS_OK;
}

static sbs_status socket_failure(void) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
        return SBS_PENDING;
    }
    return SBS_ERR_NETWORK;
}

static sbs_status socket_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    const int *fd = ctx;
    *out_sent = 0;

    ssize_t sent = send(*fd, data, len, MSG_NOSIGNAL);
    if (sent < 0) {
        return socket_failure();
    }

    *out_sent = (size_t)sent;
    return SBS_OK;
}

static sbs_status socket_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    const int *fd = ctx;
    *out_len = 0;

    ssize_t len = recv(*fd, buffer, size, 0);
    if (len < 0) {
        return socket_failure();
    }

    *out_len = (size_t)len;
    return len == 0 ? SBS_END : SBS_OK;
}

/* Who accepted the socket closes it, when the peer has read what was sent. */
static void socket_close(void *ctx) {
    const int *fd = ctx;

    (void)shutdown(*fd, SHUT_WR);
}

/* Who calls knows what for: what it asked for last. */
static sbs_wait socket_waits_for(void *ctx) {
    const int *fd = ctx;
    return (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = 0, .descriptor = *fd};
}

static int32_t socket_last_code(void *ctx) {
    (void)ctx;
    return 0;
}

static const sbs_stream_ops socket_ops = {
    .open = socket_open,
    .send = socket_send,
    .receive = socket_receive,
    .close = socket_close,
    .waits_for = socket_waits_for,
    .last_code = socket_last_code,
    .secured = false,
};

sbs_stream sbs_http_socket_stream(int *fd) {
    return (sbs_stream){&socket_ops, fd};
}
