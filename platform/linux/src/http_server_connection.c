/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OPENING ▶ IDLE ▶ READING (▶ CROWDED ▶ READING) ▶ WHOLE (▶ HELD) ▶ SENDING ▶ IDLE, or LINGERING ▶ closed
 *
 * While an answer is due nothing is read: a peer that sends on without end fills its own socket. Nothing here blocks,
 * and one call does a bounded piece of work, so each connection gets its turn.
 */
#include "http_server_connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_server_answer.h"
#include "http_server_room.h"
#include "http_server_stream.h"

#define READS_MAX 4u /* of one connection in one turn */
#define READ_SMALL 1024u
#define READ_LARGE 16384u
#define LINGER_MS 2000u
#define LINGER_BYTES (8u << 20)

/* ---- the epoll set -------------------------------------------------------------------------------------------- */

static void connection_watch(sbs_http_connection *connection, uint32_t events) {
    struct epoll_event event = {.events = events, .data = {.u32 = connection->index}};
    int operation = EPOLL_CTL_MOD;
    if (connection->watched == events) {
        return;
    }

    /* A socket that hung up would be told for ever: out of the set it is silent. */
    if (events == 0) {
        operation = EPOLL_CTL_DEL;
    } else if (connection->watched == 0) {
        operation = EPOLL_CTL_ADD;
    }
    (void)epoll_ctl(connection->server->epoll_fd, operation, connection->fd, &event);
    connection->watched = events;
}

/* The stream said SBS_PENDING. @p usual: what a stream without an opinion waits for. */
static void connection_wait(sbs_http_connection *connection, uint32_t usual) {
    sbs_wait wait = connection->stream.ops->waits_for(connection->stream.ctx);
    uint32_t events = 0;

    if ((wait.events & SBS_WAIT_READ) != 0) {
        events |= EPOLLIN;
    }
    if ((wait.events & SBS_WAIT_WRITE) != 0) {
        events |= EPOLLOUT;
    }
    if (events == 0) {
        events = usual;
    }

    connection->more = wait.timeout_ms == 0;
    connection_watch(connection, events);
}

/* ---- beginning and end ---------------------------------------------------------------------------------------- */

bool sbs_http_connection_begin(sbs_http_connection *connection, int fd, unsigned listener, const sbs_http_peer *peer,
                               sbs_now now) {
    sbs_http_server *server = connection->server;
    unsigned index = connection->index;
    memset(connection, 0, sizeof *connection);

    connection->server = server;
    connection->index = index;
    connection->fd = fd;
    connection->listener = listener;
    connection->peer = *peer;
    connection->stream = sbs_http_socket_stream(&connection->fd);
    connection->state = SBS_HTTP_CONNECTION_OPENING;
    /* The first request has no more time than others, the handshake included. */
    connection->fresh = true;
    connection->deadline_ms = now.mono_ms + server->config.request_ms;
    connection->idle_since_ms = now.mono_ms;
    sbs_http_request_reader_init(&connection->reader, &server->limits);

    struct sbs_tls_server *tls = server->listeners[listener].tls;
    connection->secured = tls != NULL;
    if (tls != NULL) {
        const sbs_stream raw = connection->stream;
        if (sbs_tls_server_accept(tls, &raw, &connection->tls, &connection->stream) != SBS_OK) {
            (void)close(fd);
            connection->state = SBS_HTTP_CONNECTION_FREE;
            return false;
        }
    }

    server->open_count++;
    return true;
}

void sbs_http_connection_close(sbs_http_connection *connection) {
    if (connection->state == SBS_HTTP_CONNECTION_HELD) {
        connection->server->held_count--;
    }

    connection_watch(connection, 0);
    connection->stream.ops->close(connection->stream.ctx);
    (void)close(connection->fd);
    sbs_http_buffer_free(&connection->in);
    sbs_http_buffer_free(&connection->body);
    sbs_http_buffer_free(&connection->out);
    sbs_http_room_give_back(connection);
    connection->state = SBS_HTTP_CONNECTION_FREE;
    connection->more = false;
    connection->server->open_count--;
}

bool sbs_http_connection_is_idle(const sbs_http_connection *connection) {
    return connection->state == SBS_HTTP_CONNECTION_IDLE;
}

/* The next request of this connection may have come already. */
static void connection_begin_request(sbs_http_connection *connection, sbs_now now) {
    const sbs_linux_http_server_config *config = &connection->server->config;
    sbs_http_request_reader_init(&connection->reader, &connection->server->limits);
    connection->announced = false;
    connection->fresh = false;
    connection->idle_since_ms = now.mono_ms;

    if (connection->in.len > 0) {
        connection->state = SBS_HTTP_CONNECTION_READING;
        connection->deadline_ms = now.mono_ms + config->request_ms;
        connection->more = true;
        return;
    }

    sbs_http_buffer_clear(&connection->in);
    connection->state = SBS_HTTP_CONNECTION_IDLE;
    connection->deadline_ms = now.mono_ms + config->idle_ms;
    connection->more = connection->secured; /* bytes may wait within the stream, where no event tells of them */
    connection_watch(connection, EPOLLIN);
}

/* ---- sending -------------------------------------------------------------------------------------------------- */

/* A socket that is closed with unread bytes resets the connection, and the answer may be lost with it (RFC 9112 section
 * 9.6): so the peer is told that nothing more comes, and what it still sends is dropped for a while. */
static void connection_begin_linger(sbs_http_connection *connection, sbs_now now) {
    connection->stream.ops->close(connection->stream.ctx);
    sbs_http_buffer_free(&connection->in);

    connection->state = SBS_HTTP_CONNECTION_LINGERING;
    connection->idle_since_ms = now.mono_ms;
    connection->deadline_ms = now.mono_ms + LINGER_MS;
    connection->more = false;
    connection_watch(connection, EPOLLIN);
}

static void connection_linger(sbs_http_connection *connection) {
    char rest[READ_LARGE];

    for (unsigned i = 0; i < READS_MAX; i++) {
        ssize_t len = recv(connection->fd, rest, sizeof rest, MSG_DONTWAIT);
        bool waits = len < 0 && (errno == EAGAIN || errno == EINTR);
        if (waits) {
            return;
        }

        connection->dropped += len > 0 ? (size_t)len : 0;
        if (len <= 0 || connection->dropped > LINGER_BYTES) {
            sbs_http_connection_close(connection);
            return;
        }
    }
}

static void connection_send(sbs_http_connection *connection, sbs_now now) {
    sbs_http_buffer *out = &connection->out;

    while (connection->sent < out->len) {
        size_t sent = 0;
        sbs_status status = connection->stream.ops->send(
            connection->stream.ctx, (const uint8_t *)out->data + connection->sent, out->len - connection->sent, &sent);
        if (status == SBS_PENDING) {
            connection_wait(connection, EPOLLOUT);
            return;
        }
        if (status != SBS_OK) {
            sbs_http_connection_close(connection);
            return;
        }
        connection->sent += sent;
    }

    sbs_http_buffer_clear(out);
    sbs_http_room_give_back(connection);
    if (connection->last || connection->server->draining) {
        connection_begin_linger(connection, now);
    } else {
        connection_begin_request(connection, now);
    }
}

/* The time for an answer is bounded as a whole, too: a peer that takes it byte by byte does not keep the memory. */
static void connection_begin_sending(sbs_http_connection *connection, sbs_now now) {
    connection->state = SBS_HTTP_CONNECTION_SENDING;
    connection->deadline_ms = now.mono_ms + connection->server->config.request_ms;
    connection->sent = 0;
    connection_send(connection, now);
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

/* Writes the answer into out. False: there is no memory, and the connection is closed. */
static bool connection_write(sbs_http_connection *connection, const sbs_linux_http_answer *answer, sbs_now now) {
    sbs_http_answer_frame frame = {
        .utc_s = now.utc_s,
        .version_1_0 = connection->reader.version_1_0,
        .head_only = !connection->body_allowed,
    };
    connection->last = connection->last || answer->close || connection->server->draining;
    frame.last = connection->last;

    sbs_status status = sbs_http_answer_write(answer, &frame, &connection->out);
    if (status == SBS_ERR_ARGUMENT) {
        sbs_linux_http_answer words;
        sbs_http_answer_words(500, "the program gave an answer that cannot be sent", &words);
        connection->last = frame.last = true;
        status = sbs_http_answer_write(&words, &frame, &connection->out);
    }
    if (status != SBS_OK) {
        sbs_http_connection_close(connection);
    }

    return status == SBS_OK;
}

/* Answers what is no request, or cannot be served, and closes: where it ends, and what follows it, is not known. */
static void connection_refuse(sbs_http_connection *connection, uint16_t http_status, const char *why, sbs_now now) {
    sbs_linux_http_answer answer;

    sbs_http_answer_words(http_status, why, &answer);
    sbs_http_buffer_free(&connection->body);
    connection->body_allowed = true;
    if (connection_write(connection, &answer, now)) {
        connection_begin_sending(connection, now);
    }
}

void sbs_http_connection_answer(sbs_http_connection *connection, const sbs_linux_http_answer *answer, sbs_now now) {
    sbs_http_request_head head;
    sbs_http_request_split(connection->in.data, connection->reader.head_len, &head, NULL, 0);
    connection->body_allowed = !sbs_text_equal(head.method, SBS_TEXT("HEAD"));
    connection->last = !connection->reader.keep_alive;

    sbs_http_buffer_free(&connection->body);
    sbs_http_buffer_remove(&connection->in, 0, connection->reader.head_len);
    if (!connection_write(connection, answer, now)) {
        return;
    }

    if (answer->held) {
        connection->state = SBS_HTTP_CONNECTION_HELD;
        connection->deadline_ms = UINT64_MAX;
        connection->server->held_count++;
        return;
    }
    connection_begin_sending(connection, now);
}

void sbs_http_connection_settle(sbs_http_connection *connection, const sbs_linux_http_answer *instead, sbs_now now) {
    connection->server->held_count--;
    connection->state = SBS_HTTP_CONNECTION_SENDING;

    if (instead != NULL) {
        sbs_http_buffer_clear(&connection->out);
        if (!connection_write(connection, instead, now)) {
            return;
        }
    }

    connection_begin_sending(connection, now);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Room for the body before it is read. A chunked one does not say how long it is: what is small goes without. */
static bool connection_has_room(sbs_http_connection *connection) {
    const sbs_http_request_reader *reader = &connection->reader;
    size_t coming = connection->body.len + connection->in.len - reader->head_len;
    if (!reader->chunked) {
        return sbs_http_room_take(connection, (size_t)reader->content_length);
    }

    return coming <= SBS_HTTP_ROOM_FREE || sbs_http_room_take(connection, connection->server->config.body_max);
}

/* A peer that waits for it, and of whose body nothing has come, is told to go on. */
static bool connection_announce(sbs_http_connection *connection) {
    static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t len = sizeof interim - 1;
    size_t sent = 0;
    bool waits = connection->reader.expects_continue && !connection->announced &&
                 connection->in.len == connection->reader.head_len && connection->body.len == 0;
    if (!waits) {
        return true;
    }

    connection->announced = true;
    sbs_status status = connection->stream.ops->send(connection->stream.ctx, (const uint8_t *)interim, len, &sent);
    return status == SBS_OK && sent == len;
}

static bool connection_keep(sbs_http_connection *connection, sbs_text piece) {
    size_t max = (size_t)connection->reader.content_length;
    if (connection->reader.chunked) {
        max = connection->server->config.body_max;
    }
    if (piece.len == 0) {
        return true;
    }
    if (!sbs_http_buffer_reserve(&connection->body, piece.len, max)) {
        return false;
    }

    memcpy(connection->body.data + connection->body.len, piece.ptr, piece.len);
    connection->body.len += piece.len;
    return true;
}

/* Takes the body out of what was read. */
static void connection_take_body(sbs_http_connection *connection, sbs_now now) {
    sbs_http_request_reader *reader = &connection->reader;
    size_t at = reader->head_len;
    sbs_status status = SBS_PENDING;
    bool kept = true;

    do {
        size_t used = 0;
        sbs_text piece;
        status = sbs_http_request_reader_body(reader, connection->in.data + at, connection->in.len - at, &used, &piece);
        at += used;
        kept = connection_keep(connection, piece);
    } while (kept && status == SBS_PENDING && at < connection->in.len);

    sbs_http_buffer_remove(&connection->in, reader->head_len, at - reader->head_len);
    if (status < 0) {
        connection_refuse(connection, reader->refusal, reader->why, now);
    } else if (!kept) {
        connection_refuse(connection, 503, "there is no memory for the body now", now);
    } else if (status == SBS_OK) {
        connection->state = SBS_HTTP_CONNECTION_WHOLE;
    }
}

/* Goes on with the request that was read so far. */
static void connection_take(sbs_http_connection *connection, sbs_now now) {
    sbs_http_request_reader *reader = &connection->reader;
    connection->state = SBS_HTTP_CONNECTION_READING;

    sbs_status status = sbs_http_request_reader_head(reader, connection->in.data, connection->in.len);
    if (status == SBS_PENDING) {
        return;
    }
    if (status != SBS_OK) {
        connection_refuse(connection, reader->refusal, reader->why, now);
        return;
    }

    if (!connection_has_room(connection)) {
        connection->state = SBS_HTTP_CONNECTION_CROWDED;
        return;
    }
    if (!connection_announce(connection)) {
        sbs_http_connection_close(connection);
        return;
    }
    connection_take_body(connection, now);
}

/* Receives once. SBS_OK: there may be more. */
static sbs_status connection_receive(sbs_http_connection *connection) {
    sbs_http_buffer *in = &connection->in;
    bool large = connection->reader.head_len > 0 &&
                 (connection->reader.chunked || connection->reader.content_length > READ_SMALL);
    size_t wanted = large ? READ_LARGE : READ_SMALL;
    size_t len = 0;
    if (!sbs_http_buffer_reserve(in, wanted, connection->server->config.head_max + READ_LARGE + READ_SMALL)) {
        return SBS_ERR_MEMORY;
    }

    size_t room = in->size - in->len;
    sbs_status status =
        connection->stream.ops->receive(connection->stream.ctx, (uint8_t *)in->data + in->len, room, &len);
    in->len += len;
    if (status == SBS_OK && len < room && !connection->secured) {
        return SBS_END; /* the socket has no more now */
    }
    if (status == SBS_END) {
        return SBS_ERR_TRUNCATED; /* and never will have */
    }
    return status;
}

/* The first byte of a request that is not the connection's first starts its clock. */
static void connection_note_first_byte(sbs_http_connection *connection, sbs_now now) {
    if (connection->state == SBS_HTTP_CONNECTION_IDLE && !connection->fresh) {
        connection->deadline_ms = now.mono_ms + connection->server->config.request_ms;
    }
}

static void connection_read(sbs_http_connection *connection, sbs_now now) {
    sbs_status status = SBS_OK;
    connection->more = false;
    if (connection->in.len > 0) {
        connection_take(connection, now);
    }

    for (unsigned i = 0; i < READS_MAX && status == SBS_OK; i++) {
        if (connection->state != SBS_HTTP_CONNECTION_IDLE && connection->state != SBS_HTTP_CONNECTION_READING) {
            return;
        }

        size_t before = connection->in.len;
        status = connection_receive(connection);
        if (connection->in.len > before) {
            connection_note_first_byte(connection, now);
            connection_take(connection, now);
        }
    }

    bool reads = connection->state == SBS_HTTP_CONNECTION_IDLE || connection->state == SBS_HTTP_CONNECTION_READING;
    if (status < 0 && reads) {
        sbs_http_connection_close(connection);
    } else if (reads) {
        connection_wait(connection, EPOLLIN);
        connection->more = connection->more || status == SBS_OK;
    }
}

static void connection_open(sbs_http_connection *connection, sbs_now now) {
    sbs_status status = connection->stream.ops->open(connection->stream.ctx, "", 0, now);
    if (status == SBS_PENDING) {
        connection_wait(connection, EPOLLIN);
        return;
    }
    if (status != SBS_OK) {
        sbs_http_connection_close(connection);
        return;
    }

    connection->state = SBS_HTTP_CONNECTION_IDLE;
    connection_read(connection, now);
}

/* ---- what the server asks for --------------------------------------------------------------------------------- */

void sbs_http_connection_go_on(sbs_http_connection *connection, sbs_now now) {
    switch (connection->state) {
    case SBS_HTTP_CONNECTION_FREE:
        break;
    case SBS_HTTP_CONNECTION_OPENING:
        connection_open(connection, now);
        break;
    case SBS_HTTP_CONNECTION_IDLE:
    case SBS_HTTP_CONNECTION_READING:
        connection_read(connection, now);
        break;
    case SBS_HTTP_CONNECTION_SENDING:
        connection_send(connection, now);
        break;
    case SBS_HTTP_CONNECTION_LINGERING:
        connection_linger(connection);
        break;
    default:
        /* It sends on, or hung up, while its answer is due: that is seen later. */
        connection->more = false;
        connection_watch(connection, 0);
        break;
    }
}

void sbs_http_connection_request(const sbs_http_connection *connection, sbs_linux_http_field *fields,
                                 sbs_linux_http_request *out) {
    sbs_http_request_head head;
    sbs_http_request_split(connection->in.data, connection->reader.head_len, &head, fields, SBS_LINUX_HTTP_FIELDS_MAX);

    *out = (sbs_linux_http_request){
        .method = head.method,
        .path = head.path,
        .query = head.query,
        .body = {connection->body.data, connection->body.len},
        .fields = fields,
        .field_count = head.field_count,
        .peer = connection->peer.text,
        .listener = connection->listener,
        .secured = connection->secured,
    };
}

void sbs_http_connection_find_room(sbs_http_connection *connection, sbs_now now) {
    connection_take(connection, now);
    connection->more = connection->state == SBS_HTTP_CONNECTION_READING;
}

/* What the peer did not take is not kept for it, neither here nor in the kernel. */
static void connection_abort(sbs_http_connection *connection) {
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (connection->state == SBS_HTTP_CONNECTION_SENDING) {
        (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    sbs_http_connection_close(connection);
}

void sbs_http_connection_check_time(sbs_http_connection *connection, sbs_now now) {
    if (connection->state == SBS_HTTP_CONNECTION_FREE || now.mono_ms < connection->deadline_ms) {
        return;
    }

    switch (connection->state) {
    case SBS_HTTP_CONNECTION_READING:
        connection_refuse(connection, 408, "the request did not come whole in time", now);
        break;
    case SBS_HTTP_CONNECTION_CROWDED:
        connection_refuse(connection, 503, "too much is being received at once", now);
        break;
    case SBS_HTTP_CONNECTION_WHOLE:
    case SBS_HTTP_CONNECTION_HELD:
        break;
    default:
        connection_abort(connection);
        break;
    }
}
