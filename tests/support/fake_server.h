/* SPDX-License-Identifier: Apache-2.0 */
/* A FHIR and authorization server in this process, behind a byte stream that can stall, split and close anywhere. */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include "sbs/sbs.h"

#define FAKE_BUFFER_SIZE 65536u
#define FAKE_NEVER SIZE_MAX

typedef enum fake_fault {
    FAKE_CLOSE, /* the connection breaks without an authenticated end */
    FAKE_END,   /* the server ends it politely, in the middle */
    FAKE_STALL, /* nothing moves any more on this connection */
} fake_fault;

struct fake_server;
typedef void (*fake_handler)(struct fake_server *server, const char *request, size_t len);

typedef struct fake_server {
    sbs_stream stream;
    sbs_stream_ops ops;
    /* faults */
    size_t fault_at; /* bytes moved in both directions before the fault strikes, once; FAKE_NEVER: none */
    fake_fault fault;
    bool one_byte;         /* every send and receive moves one byte */
    bool pending_first;    /* every call is answered "not yet" once */
    sbs_status open_fails; /* SBS_OK, or what the next open returns (once) */
    /* what happened */
    size_t moved;
    unsigned opens;
    unsigned requests;
    char host[SBS_HOST_SIZE];
    uint16_t port;
    /* the connection */
    bool is_open, broken, ended, stalled, was_pending, close_after;
    char in[FAKE_BUFFER_SIZE];
    size_t in_len;
    char out[FAKE_BUFFER_SIZE];
    size_t out_len, out_taken;
    fake_handler handler;
    void *ctx;
} fake_server;

void fake_server_init(fake_server *server, fake_handler handler, void *ctx);

/* Appends raw bytes to the answer. */
void fake_send(fake_server *server, const char *text);
/* A whole answer: status line, the given header lines (each with CRLF), Content-Length and body. */
void fake_answer(fake_server *server, unsigned status, const char *fields, const char *body);

/* The first place of @p text in @p data, or NULL. */
const char *fake_find(const void *data, size_t len, const char *text);

/* True if the request starts with @p start. */
bool fake_request_is(const char *request, size_t len, const char *start);
/* Copies the value of a header field; false if it is missing. */
bool fake_field(const char *request, size_t len, const char *name, char *out, size_t size);
/* The body of a request. */
sbs_text fake_body(const char *request, size_t len);

#endif
