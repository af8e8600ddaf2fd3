/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* accept4() */
#include "sbs/linux_http_server.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "http_server_connection.h"
#include "http_server_internal.h"

#define EVENTS_MAX 128
#define ACCEPTS_MAX 16u /* of one listener in one turn */
#define ACCEPT_REST_MS 1000u
#define NETWORK_BYTES 8u /* of an address of IPv6 */

/* In epoll's data, beside the places of connections. */
#define EVENT_WAKE UINT32_MAX
#define EVENT_LISTENER 0x10000u

/* ---- requests ------------------------------------------------------------------------------------------------- */

sbs_text sbs_linux_http_request_field(const sbs_linux_http_request *request, const char *name) {
    sbs_text wanted = sbs_text_of(name);

    for (size_t i = 0; i < request->field_count; i++) {
        if (sbs_text_equal_nocase(request->fields[i].name, wanted)) {
            return request->fields[i].value;
        }
    }

    return (sbs_text){NULL, 0};
}

size_t sbs_linux_http_request_count(const sbs_linux_http_request *request, const char *name) {
    sbs_text wanted = sbs_text_of(name);
    size_t count = 0;

    for (size_t i = 0; i < request->field_count; i++) {
        count += sbs_text_equal_nocase(request->fields[i].name, wanted);
    }

    return count;
}

/* ---- opening -------------------------------------------------------------------------------------------------- */

static size_t server_default(size_t value, size_t otherwise) {
    if (value == 0) {
        return otherwise;
    }
    return value;
}

static void server_set_defaults(sbs_http_server *server) {
    sbs_linux_http_server_config *config = &server->config;

    config->connections_max = (uint16_t)server_default(config->connections_max, 64);
    config->request_ms = (uint32_t)server_default(config->request_ms, 30000);
    config->idle_ms = (uint32_t)server_default(config->idle_ms, 60000);
    config->head_max = server_default(config->head_max, 16384);
    config->body_max = server_default(config->body_max, 1u << 20);
    config->bodies_max = server_default(config->bodies_max, 4u << 20);

    server->limits = (sbs_http_request_limits){
        .head_max = config->head_max, .fields_max = SBS_LINUX_HTTP_FIELDS_MAX, .body_max = config->body_max};
}

static bool server_watch(sbs_http_server *server, int fd, uint32_t id) {
    struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = id}};

    return epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

sbs_status sbs_linux_http_server_open(sbs_http_server **out, const sbs_linux_http_server_config *config) {
    *out = NULL;
    sbs_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return SBS_ERR_MEMORY;
    }

    server->config = *config;
    server_set_defaults(server);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    server->connections = calloc(server->config.connections_max, sizeof *server->connections);
    server->listening = true;
    if (server->connections == NULL || server->epoll_fd < 0 || server->wake_fd < 0 ||
        !server_watch(server, server->wake_fd, EVENT_WAKE)) {
        sbs_linux_http_server_close(server);
        return SBS_ERR_MEMORY;
    }

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        server->connections[i].server = server;
        server->connections[i].index = i;
    }
    *out = server;
    return SBS_OK;
}

sbs_status sbs_linux_http_server_add(sbs_http_server *server, const sbs_linux_http_listener *listener,
                                     unsigned *out_number) {
    unsigned number = server->listener_count;
    sbs_http_listening *place = &server->listeners[number];
    if (number == SBS_LINUX_HTTP_LISTENERS_MAX) {
        errno = EMFILE;
        return SBS_ERR_MEMORY;
    }

    sbs_status status = sbs_http_address_listen(listener->address, listener->early, &place->fd, &place->bound);
    if (status != SBS_OK) {
        return status;
    }
    if (server->listening && !server_watch(server, place->fd, EVENT_LISTENER + number)) {
        sbs_http_address_close(place->fd, &place->bound);
        return SBS_ERR_MEMORY;
    }

    place->tls = listener->tls;
    server->listener_count++;
    *out_number = number;
    return SBS_OK;
}

uint16_t sbs_linux_http_server_port(const sbs_http_server *server, unsigned number) {
    if (number >= server->listener_count) {
        return 0;
    }
    return server->listeners[number].bound.port;
}

/* ---- accepting ------------------------------------------------------------------------------------------------ */

/* Listeners that nobody can be accepted from must not wake the loop. */
static void server_listen(sbs_http_server *server, bool listening) {
    if (server->listening == listening) {
        return;
    }

    for (unsigned i = 0; i < server->listener_count; i++) {
        if (listening) {
            (void)server_watch(server, server->listeners[i].fd, EVENT_LISTENER + i);
        } else {
            (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, server->listeners[i].fd, NULL);
        }
    }
    server->listening = listening;
}

/* Of @p peer, or of another one whose address begins with the same @p bytes. Without @p peer: any. */
static bool server_is_of(const sbs_http_connection *connection, const sbs_http_peer *peer, size_t bytes) {
    return peer == NULL || memcmp(connection->peer.address, peer->address, bytes) == 0;
}

/* The connection that is idle for longest, of @p peer, or its like by @p bytes, if it is given. One that lingers has
 * its answer under way and counts as idle since it was answered. NULL: none is idle. */
static sbs_http_connection *server_longest_idle(sbs_http_server *server, const sbs_http_peer *peer, size_t bytes) {
    sbs_http_connection *longest = NULL;

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        sbs_http_connection *connection = &server->connections[i];
        bool idle = connection->state == SBS_HTTP_CONNECTION_LINGERING || sbs_http_connection_is_idle(connection);
        bool fits = idle && server_is_of(connection, peer, bytes);
        if (fits && (longest == NULL || connection->idle_since_ms < longest->idle_since_ms)) {
            longest = connection;
        }
    }

    return longest;
}

static bool server_give_up_idle(sbs_http_server *server, const sbs_http_peer *peer, size_t bytes) {
    sbs_http_connection *longest = server_longest_idle(server, peer, bytes);

    if (longest != NULL) {
        sbs_http_connection_close(longest);
    }
    return longest != NULL;
}

/* At most @p max connections of those whose address begins with the same @p bytes; a further one takes the place of an
 * idle one of them. */
static bool server_has_room(sbs_http_server *server, const sbs_http_peer *peer, size_t bytes, unsigned max) {
    unsigned count = 0;

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        const sbs_http_connection *connection = &server->connections[i];
        count += connection->state != SBS_HTTP_CONNECTION_FREE && server_is_of(connection, peer, bytes);
    }

    return count < max || server_give_up_idle(server, peer, bytes);
}

/* The limits of one address, and of a network of IPv6, all of whose addresses one host may have. The devices of a site
 * share such a network, too: so it has more than an address, but never all places. */
static bool server_has_place_for(sbs_http_server *server, const sbs_http_peer *peer) {
    static const uint8_t ip4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    unsigned max = server->config.per_address_max;
    if (max == 0) {
        if (peer->local) {
            return true;
        }
        max = 8;
    }
    if (peer->text[0] == '\0') {
        return true;
    }

    if (!server_has_room(server, peer, sizeof peer->address, max)) {
        return false;
    }
    if (memcmp(peer->address, ip4, sizeof ip4) == 0) {
        return true;
    }

    unsigned of_network = server->config.connections_max / 2u;
    return server_has_room(server, peer, NETWORK_BYTES, of_network > max ? of_network : max);
}

static sbs_http_connection *server_free_place(sbs_http_server *server) {
    for (unsigned i = 0; i < server->config.connections_max; i++) {
        if (server->connections[i].state == SBS_HTTP_CONNECTION_FREE) {
            return &server->connections[i];
        }
    }

    return NULL;
}

/* Asks the program. What the kernel does not say of a Unix socket's peer lets nobody in. */
static bool server_admits(const sbs_http_server *server, int fd, unsigned listener, const sbs_http_peer *peer) {
    const sbs_linux_http_server_config *config = &server->config;
    if (peer->text[0] != '\0' || config->admit_user == NULL) {
        return config->admit == NULL || config->admit(config->ctx, listener, peer->text);
    }

    struct ucred user = {.uid = (uid_t)-1};
    socklen_t len = sizeof user;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len) == 0 &&
           config->admit_user(config->ctx, listener, user.uid);
}

/* There is a place, or one that can be given up. */
static void server_take_in(sbs_http_server *server, int fd, unsigned listener, const struct sockaddr_storage *address,
                           sbs_now now) {
    int on = 1;
    sbs_http_peer peer;
    sbs_http_address_peer(address, &peer);
    if (!server_admits(server, fd, listener, &peer) || !server_has_place_for(server, &peer)) {
        (void)close(fd);
        return;
    }

    /* An answer goes out in one piece: waiting for more only delays it. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sbs_http_connection *connection = server_free_place(server);
    if (connection == NULL) {
        connection = server_longest_idle(server, NULL, 0);
        sbs_http_connection_close(connection);
    }
    if (sbs_http_connection_begin(connection, fd, listener, &peer, now)) {
        sbs_http_connection_go_on(connection, now); /* mostly the request is there already */
    }
}

/* Nothing is left to accept with: it is tried again later, or when a connection ends. */
static void server_rest(sbs_http_server *server, sbs_now now) {
    server->accept_again_ms = now.mono_ms + ACCEPT_REST_MS;
    server_listen(server, false);
}

static void server_accept(sbs_http_server *server, unsigned listener, sbs_now now) {
    for (unsigned i = 0; i < ACCEPTS_MAX && server->listening; i++) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        if (server_free_place(server) == NULL && server_longest_idle(server, NULL, 0) == NULL) {
            server_listen(server, false);
            return;
        }

        int fd =
            accept4(server->listeners[listener].fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            server_take_in(server, fd, listener, &address, now);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            (void)server_give_up_idle(server, NULL, 0);
            server_rest(server, now);
        }
    }
}

/* ---- the turn ------------------------------------------------------------------------------------------------- */

static void server_take_events(sbs_http_server *server, sbs_now now) {
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(server->epoll_fd, events, EVENTS_MAX, 0);
    uint64_t ignored;

    for (int i = 0; i < count; i++) {
        uint32_t id = events[i].data.u32;
        if (id < server->config.connections_max) {
            sbs_http_connection_go_on(&server->connections[id], now);
            server->connections[id].went = true;
        } else if (id == EVENT_WAKE && read(server->wake_fd, &ignored, sizeof ignored) < 0) {
            continue;
        }
    }

    /* New connections come last: they may take the place of one that has an event. */
    for (int i = 0; i < count; i++) {
        uint32_t id = events[i].data.u32;
        if (id >= EVENT_LISTENER && id < EVENT_LISTENER + server->listener_count) {
            server_accept(server, id - EVENT_LISTENER, now);
        }
    }
}

/* Connections with work that no event tells of: each once in a turn. */
static void server_go_on_with_more(sbs_http_server *server, sbs_now now) {
    for (unsigned i = 0; i < server->config.connections_max; i++) {
        sbs_http_connection *connection = &server->connections[i];
        if (connection->more && !connection->went) {
            sbs_http_connection_go_on(connection, now);
        }
        connection->went = false;
        sbs_http_connection_check_time(connection, now);
    }
}

static void server_handle(sbs_http_server *server, sbs_now now) {
    sbs_linux_http_field fields[SBS_LINUX_HTTP_FIELDS_MAX];

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        sbs_http_connection *connection = &server->connections[i];
        sbs_linux_http_request request;
        sbs_linux_http_answer answer = {.status = 0};
        if (connection->state != SBS_HTTP_CONNECTION_WHOLE) {
            continue;
        }

        sbs_http_connection_request(connection, fields, &request);
        server->config.handle(server->config.ctx, &request, &answer);
        sbs_http_connection_answer(connection, &answer, now);
    }
}

/* Room that came free goes to who waits for longest: the one whose time ends first. */
static void server_share_room(sbs_http_server *server, sbs_now now) {
    uint64_t after = 0;

    for (;;) {
        sbs_http_connection *next = NULL;
        for (unsigned i = 0; i < server->config.connections_max; i++) {
            sbs_http_connection *connection = &server->connections[i];
            bool waits = connection->state == SBS_HTTP_CONNECTION_CROWDED && connection->deadline_ms > after;
            if (waits && (next == NULL || connection->deadline_ms < next->deadline_ms)) {
                next = connection;
            }
        }
        if (next == NULL) {
            return;
        }

        after = next->deadline_ms;
        sbs_http_connection_find_room(next, now);
    }
}

static sbs_wait server_wait(const sbs_http_server *server, sbs_now now) {
    uint64_t until = UINT64_MAX;
    uint64_t settled = now.mono_ms + server->config.request_ms;
    sbs_wait wait = {.timeout_ms = SBS_WAIT_FOREVER, .events = SBS_WAIT_READ, .descriptor = server->epoll_fd};
    if (!server->listening && !server->draining && server->open_count < server->config.connections_max) {
        until = server->accept_again_ms;
    }
    if (server->held_count > 0 && settled < until) {
        until = settled;
    }

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        const sbs_http_connection *connection = &server->connections[i];
        if (connection->state != SBS_HTTP_CONNECTION_FREE && connection->deadline_ms < until) {
            until = connection->deadline_ms;
        }
        if (connection->more || connection->state == SBS_HTTP_CONNECTION_WHOLE) {
            until = now.mono_ms;
        }
    }

    if (until <= now.mono_ms) {
        wait.timeout_ms = 0;
    } else if (until - now.mono_ms < SBS_WAIT_FOREVER) {
        wait.timeout_ms = (uint32_t)(until - now.mono_ms);
    }
    return wait;
}

/* Listening begins anew when there is a place, or one can be made, and the rest is over. */
static void server_listen_again(sbs_http_server *server, sbs_now now) {
    if (server->listening) {
        return;
    }

    bool place = server->open_count < server->config.connections_max || server_longest_idle(server, NULL, 0) != NULL;

    if (place && !server->draining && now.mono_ms >= server->accept_again_ms) {
        server_listen(server, true);
    }
}

void sbs_linux_http_server_turn(sbs_http_server *server, sbs_now now, sbs_wait *out_wait) {
    server_take_events(server, now);
    server_go_on_with_more(server, now);
    server_handle(server, now);
    server_share_room(server, now);
    server_listen_again(server, now);

    *out_wait = server_wait(server, now);
}

/* ---- held answers --------------------------------------------------------------------------------------------- */

bool sbs_linux_http_server_holds(const sbs_http_server *server) {
    return server->held_count > 0;
}

/* True if a body waits for room: an answer that went out may have given some back. */
static bool server_is_crowded(const sbs_http_server *server) {
    for (unsigned i = 0; i < server->config.connections_max; i++) {
        if (server->connections[i].state == SBS_HTTP_CONNECTION_CROWDED) {
            return true;
        }
    }

    return false;
}

void sbs_linux_http_server_settle(sbs_http_server *server, sbs_now now, bool kept) {
    uint64_t one = 1;
    bool more = false;

    for (unsigned i = 0; i < server->config.connections_max; i++) {
        sbs_http_connection *connection = &server->connections[i];
        sbs_linux_http_answer instead = {.status = 0};
        if (connection->state != SBS_HTTP_CONNECTION_HELD) {
            continue;
        }

        if (kept) {
            sbs_http_connection_settle(connection, NULL, now);
        } else {
            server->config.lost(server->config.ctx, &instead);
            sbs_http_connection_settle(connection, &instead, now);
        }
        more = more || connection->more;
    }

    /* The loop may wait for what the last turn said: what can go on since wakes it. */
    if (more || !server->listening || server_is_crowded(server)) {
        (void)!write(server->wake_fd, &one, sizeof one);
    }
}

/* ---- end ------------------------------------------------------------------------------------------------------ */

static void server_close_listeners(sbs_http_server *server) {
    for (unsigned i = 0; i < server->listener_count; i++) {
        sbs_http_address_close(server->listeners[i].fd, &server->listeners[i].bound);
    }
    server->listener_count = 0;
}

bool sbs_linux_http_server_drain(sbs_http_server *server) {
    server->draining = true;
    server_listen(server, false);
    server_close_listeners(server);
    for (unsigned i = 0; i < server->config.connections_max; i++) {
        sbs_http_connection *connection = &server->connections[i];
        if (sbs_http_connection_is_idle(connection) || connection->state == SBS_HTTP_CONNECTION_OPENING) {
            sbs_http_connection_close(connection);
        }
    }

    return server->open_count == 0;
}

void sbs_linux_http_server_close(sbs_http_server *server) {
    if (server == NULL) {
        return;
    }

    for (unsigned i = 0; server->connections != NULL && i < server->config.connections_max; i++) {
        if (server->connections[i].state != SBS_HTTP_CONNECTION_FREE) {
            sbs_http_connection_close(&server->connections[i]);
        }
    }
    server_close_listeners(server);

    if (server->wake_fd >= 0) {
        (void)close(server->wake_fd);
    }
    if (server->epoll_fd >= 0) {
        (void)close(server->epoll_fd);
    }
    free(server->connections);
    free(server);
}
