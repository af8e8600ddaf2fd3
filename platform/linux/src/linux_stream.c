/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "resolution.h"

enum { CLOSED, RESOLVING, CONNECTING, OPEN, DEAF, FAILED }; /* DEAF: the peer takes nothing any more */

/* Marks the resolver among the events; attempts use their index. */
#define RESOLVER UINT32_MAX

static void close_descriptor(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static sbs_status status_of_errno(int error) {
    switch (error) {
    case ECONNREFUSED:
        return SBS_ERR_REFUSED;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
        return SBS_ERR_UNREACHABLE;
    case ETIMEDOUT:
        return SBS_ERR_TIMEOUT;
    case ENOMEM:
    case ENOSPC: /* of epoll_ctl: too many watches */
    case ENOBUFS:
    case EMFILE:
    case ENFILE:
        return SBS_ERR_MEMORY;
    default:
        return SBS_ERR_NETWORK;
    }
}

/* When several addresses fail, the failure that tells most is reported: a refusal shows that the host is there. */
static int weight(sbs_status status) {
    switch (status) {
    case SBS_OK:
        return 0;
    case SBS_ERR_UNREACHABLE:
        return 1;
    case SBS_ERR_TIMEOUT:
        return 2;
    case SBS_ERR_REFUSED:
        return 4;
    default:
        return 3;
    }
}

static void stream_note_error(sbs_linux_stream *stream, int error) {
    sbs_status status = status_of_errno(error);

    if (weight(status) > weight(stream->priv.error)) {
        stream->priv.error = status;
        stream->priv.code = error;
    }
}

static bool stream_watch(sbs_linux_stream *stream, int fd, uint32_t events, uint32_t id) {
    struct epoll_event event = {.events = events, .data = {.u32 = id}};

    return epoll_ctl(stream->priv.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void stream_release_opening(sbs_linux_stream *stream) {
    for (unsigned i = 0; i < SBS_LINUX_ADDRESSES_MAX; i++) {
        close_descriptor(&stream->priv.attempts[i].fd);
        stream->priv.attempts[i].address = NULL;
    }

    close_descriptor(&stream->priv.epoll_fd);
    sbs_resolution_release(stream->priv.resolution);
    stream->priv.resolution = NULL;
}

/* Opening failed: nothing of it stays open. */
static sbs_status stream_fail(sbs_linux_stream *stream, sbs_status status, int32_t code) {
    stream_release_opening(stream);

    stream->priv.state = FAILED;
    stream->priv.code = code;
    return status;
}

static sbs_status stream_wait_for(sbs_linux_stream *stream, uint64_t timeout_ms, uint8_t events, int fd) {
    stream->priv.wait = (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = events, .descriptor = fd};
    if (timeout_ms < SBS_WAIT_FOREVER) {
        stream->priv.wait.timeout_ms = (uint32_t)timeout_ms;
    }
    return SBS_PENDING;
}

/* What is left of a limit that began at @p since. */
static uint64_t left(uint64_t since, uint32_t limit_ms, uint64_t now_ms) {
    uint64_t passed = now_ms - since;
    if (passed >= limit_ms) {
        return 0;
    }

    return limit_ms - passed;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

/* The connection is this attempt's; the others are given up. */
static bool attempt_adopt(sbs_linux_stream *stream, sbs_linux_attempt *attempt) {
    int on = 1;
    stream->priv.fd = attempt->fd;
    attempt->fd = -1;

    /* A request goes out in few pieces: waiting for more of it only delays them. */
    (void)setsockopt(stream->priv.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

    stream_release_opening(stream);
    stream->priv.state = OPEN;
    stream->priv.code = 0;
    return true;
}

/* True if this connected at once (which loopback may do). */
static bool attempt_start(sbs_linux_stream *stream, uint64_t now_ms) {
    uint8_t index = stream->priv.started_count++;
    sbs_linux_attempt *attempt = &stream->priv.attempts[index];
    const struct addrinfo *address = attempt->address;

    stream->priv.last_started_ms = now_ms;
    attempt->started_ms = now_ms;

    attempt->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (attempt->fd >= 0 && connect(attempt->fd, address->ai_addr, address->ai_addrlen) == 0) {
        return attempt_adopt(stream, attempt);
    }

    /* After a signal, too, the kernel goes on connecting. */
    bool under_way = attempt->fd >= 0 && (errno == EINPROGRESS || errno == EINTR);
    if (under_way && stream_watch(stream, attempt->fd, EPOLLOUT, index)) {
        return false;
    }

    stream_note_error(stream, errno);
    close_descriptor(&attempt->fd);
    return false;
}

/* True if this attempt connected. */
static bool attempt_finish(sbs_linux_stream *stream, sbs_linux_attempt *attempt) {
    int error = 0;
    socklen_t len = sizeof error;
    if (attempt->fd < 0) {
        return false;
    }

    if (getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0) {
        return attempt_adopt(stream, attempt);
    }
    if (error == 0) {
        error = errno; /* getsockopt itself failed */
    }

    stream_note_error(stream, error);
    close_descriptor(&attempt->fd);
    return false;
}

/* True if one of those that the kernel has done with connected. */
static bool attempts_finish_ready(sbs_linux_stream *stream) {
    struct epoll_event events[SBS_LINUX_ADDRESSES_MAX];
    int count = epoll_wait(stream->priv.epoll_fd, events, SBS_LINUX_ADDRESSES_MAX, 0);

    for (int i = 0; i < count; i++) {
        uint32_t index = events[i].data.u32;
        if (index < SBS_LINUX_ADDRESSES_MAX && attempt_finish(stream, &stream->priv.attempts[index])) {
            return true;
        }
    }

    return false;
}

/* Ends attempts that took too long; counts the others and finds the time until the next of them ends. */
static unsigned attempts_check_time(sbs_linux_stream *stream, uint64_t now_ms, uint64_t *out_left) {
    unsigned active = 0;
    *out_left = SBS_WAIT_FOREVER;

    for (unsigned i = 0; i < stream->priv.started_count; i++) {
        sbs_linux_attempt *attempt = &stream->priv.attempts[i];
        uint64_t left_ms = left(attempt->started_ms, stream->priv.config.connect_timeout_ms, now_ms);
        if (attempt->fd < 0) {
            continue;
        }
        if (left_ms == 0) {
            stream_note_error(stream, ETIMEDOUT);
            close_descriptor(&attempt->fd);
            continue;
        }

        if (left_ms < *out_left) {
            *out_left = left_ms;
        }
        active++;
    }

    return active;
}

static sbs_status stream_keep_connecting(sbs_linux_stream *stream, uint64_t now_ms) {
    uint64_t left_ms;
    if (attempts_finish_ready(stream)) {
        return SBS_OK;
    }

    /* A further address is tried when all before it failed, and beside them when they take long. */
    for (;;) {
        unsigned active = attempts_check_time(stream, now_ms, &left_ms);
        bool more = stream->priv.started_count < stream->priv.address_count;
        uint64_t stagger = left(stream->priv.last_started_ms, stream->priv.config.stagger_ms, now_ms);
        if (!more && active == 0) {
            return stream_fail(stream, stream->priv.error, stream->priv.code);
        }

        if (!more || (active != 0 && stagger != 0)) {
            if (more && stagger < left_ms) {
                left_ms = stagger;
            }
            return stream_wait_for(stream, left_ms, SBS_WAIT_READ, stream->priv.epoll_fd);
        }

        if (attempt_start(stream, now_ms)) {
            return SBS_OK;
        }
    }
}

/* The next address that is of this family, or of another one. */
static const struct addrinfo *next_of(const struct addrinfo *address, int family, bool same) {
    while (address != NULL && (address->ai_family == family) != same) {
        address = address->ai_next;
    }
    return address;
}

/* RFC 8305 section 4: the families alternate, the resolver's first choice first. */
static void attempts_order(sbs_linux_stream *stream, const struct addrinfo *list) {
    int family = list->ai_family;
    const struct addrinfo *heads[2] = {list, next_of(list, family, false)}; /* this family's next one, and another's */
    unsigned count = 0;

    for (unsigned turn = 0; count < SBS_LINUX_ADDRESSES_MAX && (heads[0] != NULL || heads[1] != NULL); turn ^= 1u) {
        if (heads[turn] != NULL) {
            stream->priv.attempts[count++].address = heads[turn];
            heads[turn] = next_of(heads[turn]->ai_next, family, turn == 0);
        }
    }

    stream->priv.address_count = (uint8_t)count;
    stream->priv.started_count = 0;
}

static sbs_status stream_keep_resolving(sbs_linux_stream *stream, uint64_t now_ms) {
    const struct addrinfo *list = NULL;
    int32_t code = 0;

    sbs_status status = sbs_resolution_result(stream->priv.resolution, &list, &code);
    if (status == SBS_PENDING) {
        uint64_t left_ms = left(stream->priv.started_ms, stream->priv.config.resolve_timeout_ms, now_ms);
        if (left_ms == 0) {
            return stream_fail(stream, SBS_ERR_RESOLVE, ETIMEDOUT);
        }

        return stream_wait_for(stream, left_ms, SBS_WAIT_READ, stream->priv.epoll_fd);
    }
    if (status == SBS_OK && list == NULL) {
        status = SBS_ERR_RESOLVE;
    }
    if (status != SBS_OK) {
        return stream_fail(stream, status, code);
    }

    /* The descriptor stays readable: it would wake every wait for a connection. */
    (void)epoll_ctl(stream->priv.epoll_fd, EPOLL_CTL_DEL, sbs_resolution_descriptor(stream->priv.resolution), NULL);
    attempts_order(stream, list);
    stream->priv.state = CONNECTING;
    return stream_keep_connecting(stream, now_ms);
}

static sbs_status stream_start(sbs_linux_stream *stream, const char *host, uint16_t port, uint64_t now_ms) {
    if (host[0] == '\0' || port == 0) {
        return SBS_ERR_ARGUMENT;
    }

    stream->priv.error = SBS_OK;
    stream->priv.code = 0;
    stream->priv.started_ms = now_ms;
    sbs_status status = sbs_resolution_start(host, port, &stream->priv.resolution);
    if (status != SBS_OK) {
        return stream_fail(stream, status, errno);
    }

    stream->priv.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (stream->priv.epoll_fd < 0 ||
        !stream_watch(stream, sbs_resolution_descriptor(stream->priv.resolution), EPOLLIN, RESOLVER)) {
        return stream_fail(stream, SBS_ERR_MEMORY, errno);
    }

    stream->priv.state = RESOLVING;
    return stream_keep_resolving(stream, now_ms);
}

/* ---- the port --------------------------------------------------------------------------------------------------- */

static sbs_status stream_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_linux_stream *stream = ctx;

    /* The same call goes on with what it began. */
    switch (stream->priv.state) {
    case CLOSED:
        return stream_start(stream, host, port, now.mono_ms);
    case RESOLVING:
        return stream_keep_resolving(stream, now.mono_ms);
    case CONNECTING:
        return stream_keep_connecting(stream, now.mono_ms);
    default:
        return SBS_ERR_STATE;
    }
}

/* What errno says of a transfer that moved nothing: wait, or the end of this connection. @p on_reset: what a peer that
 * closed it means for this direction. */
static sbs_status stream_end_transfer(sbs_linux_stream *stream, uint8_t events, sbs_status on_reset) {
    int error = errno;
    if (error == EINTR) {
        return stream_wait_for(stream, 0, events, stream->priv.fd);
    }
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return stream_wait_for(stream, SBS_WAIT_FOREVER, events, stream->priv.fd);
    }

    /* What the peer sent before it closed can be read although nothing can be sent. */
    stream->priv.state = events == SBS_WAIT_WRITE ? DEAF : FAILED;
    stream->priv.code = error;
    if (error == ECONNRESET || error == EPIPE) {
        return on_reset;
    }

    return status_of_errno(error);
}

static sbs_status stream_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_linux_stream *stream = ctx;
    *out_sent = 0;

    if (stream->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    ssize_t sent = send(stream->priv.fd, data, len, MSG_NOSIGNAL);
    if (sent < 0) {
        return stream_end_transfer(stream, SBS_WAIT_WRITE, SBS_ERR_NETWORK);
    }

    *out_sent = (size_t)sent;
    return SBS_OK;
}

static sbs_status stream_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_linux_stream *stream = ctx;
    *out_len = 0;

    if (stream->priv.state != OPEN && stream->priv.state != DEAF) {
        return SBS_ERR_STATE;
    }

    ssize_t len = recv(stream->priv.fd, buffer, size, 0);
    if (len < 0) {
        return stream_end_transfer(stream, SBS_WAIT_READ, SBS_ERR_TRUNCATED);
    }

    *out_len = (size_t)len;
    return len == 0 ? SBS_END : SBS_OK;
}

static void stream_close(void *ctx) {
    sbs_linux_stream *stream = ctx;

    stream_release_opening(stream);
    close_descriptor(&stream->priv.fd);
    stream->priv.state = CLOSED;
}

static sbs_wait stream_waits_for(void *ctx) {
    const sbs_linux_stream *stream = ctx;
    return stream->priv.wait;
}

static int32_t stream_last_code(void *ctx) {
    const sbs_linux_stream *stream = ctx;
    return stream->priv.code;
}

static const sbs_stream_ops stream_ops = {
    .open = stream_open,
    .send = stream_send,
    .receive = stream_receive,
    .close = stream_close,
    .waits_for = stream_waits_for,
    .last_code = stream_last_code,
    .secured = false,
};

static void set_default(uint32_t *value, uint32_t otherwise) {
    if (*value == 0) {
        *value = otherwise;
    }
}

void sbs_linux_stream_init(sbs_linux_stream *stream, const sbs_linux_stream_config *config, sbs_stream *out_stream) {
    memset(stream, 0, sizeof *stream);

    if (config != NULL) {
        stream->priv.config = *config;
    }
    set_default(&stream->priv.config.resolve_timeout_ms, 10000);
    set_default(&stream->priv.config.connect_timeout_ms, 10000);
    set_default(&stream->priv.config.stagger_ms, 250);

    /* Zero is a descriptor of the program's. */
    for (unsigned i = 0; i < SBS_LINUX_ADDRESSES_MAX; i++) {
        stream->priv.attempts[i].fd = -1;
    }
    stream->priv.fd = -1;
    stream->priv.epoll_fd = -1;

    stream->priv.wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    *out_stream = (sbs_stream){&stream_ops, stream};
}

void sbs_linux_stream_deinit(sbs_linux_stream *stream) {
    stream_close(stream);
}
