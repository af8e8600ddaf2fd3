/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server on loopback with a clock of the test's own, and clients in the same process. */
#ifndef LINUX_HTTP_RIG_H
#define LINUX_HTTP_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/linux_http_server.h"

/* What the handler answers: "METHOD PATH?QUERY BYTES SUM LISTENER PEER", 200; by the path:
 *   /held...  held until settle()            /close  closes the connection
 *   /large    4 MiB of text                  /none   204
 *   /bad      a status that is none          /split  a field with a line break in it
 *   /fieldsN  N fields X, of 1 to 9 */
typedef struct http_rig {
    struct sbs_linux_http_server *server;
    sbs_now now;
    sbs_wait wait; /* of the last turn */
    uint16_t port;
    unsigned handled, secured, lost, turns, asked;
    size_t most_bytes; /* of a body */
    char seen[256];    /* what the last answer was */
    char refused_peer[64];
} http_rig;

/* Zero limits are the defaults. @p address: NULL: a port of 127.0.0.1. */
void http_rig_open(http_rig *rig, const sbs_linux_http_server_config *limits, const char *address);
void http_rig_close(http_rig *rig);
/* Turns until nothing is to be done for a moment. Fails the test when that does not come. */
void http_rig_turn(http_rig *rig);
/* Lets time go by, and turns. */
void http_rig_pass(http_rig *rig, uint32_t ms);

/* A client of 127.0.0.@p last. A busy machine delivers late, on loopback, too: so connecting turns until the server has
 * seen it, saying waits until the bytes are at the server, and whoever expects something turns until it is there. */
int http_client(http_rig *rig, uint8_t last);
/* One that the server need not take in now. */
int http_client_unseen(const http_rig *rig, uint8_t last);
void http_client_send(int fd, const char *data, size_t len);
void http_client_say(int fd, const char *text);
/* What has come by now, up to 4 KB, with a NUL; @p out_ended: the server has closed. -1: it was reset. */
int http_client_read(int fd, char *out, bool *out_ended);
/* Turns until something comes, and reads it. Fails the test where nothing does. */
int http_client_answer(http_rig *rig, int fd, char *out, bool *out_ended);
/* Says it, and expects an answer that begins with @p status and holds @p part. */
void http_client_expect(http_rig *rig, int fd, const char *text, const char *status, const char *part);
/* Expects that the server closes, and nothing before. */
void http_client_expect_end(http_rig *rig, int fd);

#endif
