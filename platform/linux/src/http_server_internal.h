/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the HTTP server. Who calls whom: linux_http_server.c ▶ connection ▶ answer, room, buffer. */
#ifndef SBS_HTTP_SERVER_INTERNAL_H
#define SBS_HTTP_SERVER_INTERNAL_H

#include "http_server_address.h"
#include "http_server_buffer.h"
#include "sbs/linux_http_server.h"
#include "sbs/tls_server.h"

typedef struct sbs_linux_http_server sbs_http_server;

typedef enum sbs_http_connection_state {
    SBS_HTTP_CONNECTION_FREE,
    SBS_HTTP_CONNECTION_OPENING,   /* the handshake of TLS */
    SBS_HTTP_CONNECTION_IDLE,      /* no byte of a request has come */
    SBS_HTTP_CONNECTION_READING,   /* a head or a body */
    SBS_HTTP_CONNECTION_CROWDED,   /* the head is whole; the body waits, unread, until there is room for it */
    SBS_HTTP_CONNECTION_WHOLE,     /* a request waits for the handler */
    SBS_HTTP_CONNECTION_HELD,      /* its answer waits for settle() */
    SBS_HTTP_CONNECTION_SENDING,   /* an answer */
    SBS_HTTP_CONNECTION_LINGERING, /* the answer is out; what the peer still sends is read and dropped */
} sbs_http_connection_state;

typedef struct sbs_http_connection {
    sbs_http_server *server;
    sbs_stream stream;
    sbs_tls_accepted tls;
    int fd;
    unsigned index; /* place in the server's table */
    unsigned listener;
    bool secured;
    sbs_http_peer peer;

    sbs_http_connection_state state;
    uint64_t deadline_ms; /* of this state, or of the whole request */
    uint64_t idle_since_ms;
    uint32_t watched;  /* epoll's events, 0: not in the set */
    bool fresh;        /* no request of it was answered yet */
    bool went;         /* it had its turn already */
    bool more;         /* there is work that needs no event */
    bool last;         /* the connection is closed behind the answer */
    bool body_allowed; /* the answer under way has one: not to HEAD */
    bool announced;    /* 100 (Continue) was said */
    size_t room;       /* bytes of bodies that are set aside for it */
    size_t dropped;    /* bytes read while lingering */

    sbs_http_request_reader reader;
    sbs_http_buffer in; /* the head, and what was read behind it and not taken yet */
    sbs_http_buffer body;
    sbs_http_buffer out;
    size_t sent; /* of out */
} sbs_http_connection;

typedef struct sbs_http_listening {
    int fd;
    struct sbs_tls_server *tls;
    sbs_http_bound bound;
} sbs_http_listening;

struct sbs_linux_http_server {
    sbs_linux_http_server_config config;
    sbs_http_request_limits limits;
    int epoll_fd;
    int wake_fd; /* readable after settle() left work */
    sbs_http_connection *connections;
    size_t room_used; /* bytes of bodies that are set aside */
    unsigned open_count;
    unsigned held_count;
    uint64_t accept_again_ms; /* listeners rest until then */
    bool listening;           /* listeners are in the epoll set */
    bool draining;
    sbs_http_listening listeners[SBS_LINUX_HTTP_LISTENERS_MAX];
    unsigned listener_count;
};

#endif
