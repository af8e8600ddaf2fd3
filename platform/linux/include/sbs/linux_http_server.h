/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_http_server.h
 * A guarded HTTP/1.1 server (RFC 9110, RFC 9112) for one thread and one loop: plain, over TLS, or on a Unix socket.
 *
 * It is meant for programs that say yes only when something is on the disk: a handler answers at once, but an answer
 * may be held until what it tells is durable. One turn of the loop is
 *
 *     turn() ──▶ handler for each request that is whole ──▶ the program commits ──▶ settle(): held answers go out
 *
 * Everything that a peer does is bounded: bytes of the head, fields, bytes of the body, time for a whole request
 * (absolute: it does not begin anew with each byte), connections in all and from one address. Refused with 400, and the
 * connection closed: what makes two readers disagree (two Content-Lengths, Content-Length with Transfer-Encoding, a
 * bare LF, a blank before the colon, folded fields, a missing or second Host, a target that is no absolute path).
 */
#ifndef SBS_LINUX_HTTP_SERVER_H
#define SBS_LINUX_HTTP_SERVER_H

#include "sbs/http_request_reader.h"
#include "sbs/stream.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_LINUX_HTTP_FIELDS_MAX 64u    /**< header fields of a request; more are refused with 431 */
#define SBS_LINUX_HTTP_LISTENERS_MAX 16u /**< of one server */

/** A header field; both spans without blanks around them. */
typedef sbs_http_field sbs_linux_http_field;

/** A request that is whole. Its texts are valid until the handler returns. */
typedef struct sbs_linux_http_request {
    sbs_text method; /**< as it was sent: "GET" */
    sbs_text path;   /**< begins with '/', not decoded, without query */
    sbs_text query;  /**< behind '?', not decoded; absent if there is none */
    sbs_text body;   /**< framing removed; absent or empty if there is none */
    const sbs_linux_http_field *fields;
    size_t field_count;
    const char *peer;  /**< address of the peer without port, "" on a Unix socket */
    unsigned listener; /**< which one it came by: the number that add() gave */
    bool secured;      /**< it came through TLS */
} sbs_linux_http_request;

/** The value of the field @p name (without case), absent if it is not there; of several the first. */
sbs_text sbs_linux_http_request_field(const sbs_linux_http_request *request, const char *name);
/** How often the field is there. */
size_t sbs_linux_http_request_count(const sbs_linux_http_request *request, const char *name);

/** An answer. Texts are copied when the handler returns. */
typedef struct sbs_linux_http_answer {
    uint16_t status;
    const char *content_type; /**< NULL: there is no body */
    sbs_text body;
    sbs_linux_http_field fields[8]; /**< beside Date, Content-Length, Content-Type, Connection */
    size_t field_count;
    bool held;  /**< goes out by sbs_linux_http_server_settle() only */
    bool close; /**< the connection is closed behind it */
} sbs_linux_http_answer;

/** Adds a field to an answer. Both strings are as the answer's other texts. More than fit make the answer one that
 * cannot be sent: 500, as what would break the message does. */
void sbs_linux_http_answer_add(sbs_linux_http_answer *answer, const char *name, const char *value);

/** Limits and the program's functions; zero means the default. */
typedef struct sbs_linux_http_server_config {
    uint16_t connections_max; /**< default 64. When all are taken, the one that is idle for longest makes room; while
                                   none is idle, who comes waits to be accepted */
    uint16_t per_address_max; /**< from one address: further ones take the place of an idle one of the same, or are
                                   closed. Default 8, but no limit for loopback; Unix sockets have none. All of an
                                   IPv6 network (/64) have half of connections_max, or this where that is more */
    uint32_t request_ms;      /**< for a whole request, from its first byte; default 30 000 */
    uint32_t idle_ms;         /**< between two requests of a connection; default 60 000 */
    size_t head_max;          /**< bytes of request line and fields; default 16 KiB: 431 */
    size_t body_max;          /**< bytes of a body; default 1 MiB: 413, told before the body is read where it can be */
    size_t bodies_max;        /**< bytes of all bodies that are being received or answered, those below 16 KiB not
                                   counted; one peer gets at most half; others wait unread, 503 in the end. Default 4
                                   MiB; one body always fits */
    /** Answers one request; called within sbs_linux_http_server_turn(). */
    void (*handle)(void *ctx, const sbs_linux_http_request *request, sbs_linux_http_answer *out);
    /** What a held answer becomes where the program could not keep its word. */
    void (*lost)(void *ctx, sbs_linux_http_answer *out);
    /** Optional: false: the connection is closed at once (`allow`). @p peer as in sbs_linux_http_request. */
    bool (*admit)(void *ctx, unsigned listener, const char *peer);
    /** Optional: the same for Unix sockets: @p uid is the peer's user, as the kernel says it (SO_PEERCRED). */
    bool (*admit_user)(void *ctx, unsigned listener, uint32_t uid);
    void *ctx;
} sbs_linux_http_server_config;

struct sbs_tls_server;
struct sbs_linux_http_server;

/** What a listener is opened with. */
typedef struct sbs_linux_http_listener {
    const char *address; /**< ADDRESS:PORT, [IPv6]:PORT ([::] takes IPv4, too), or the path of a Unix socket (it begins
                            with '/'), which gets mode 0660; port 0: any */
    struct sbs_tls_server *tls; /**< a TLS server (tls_server.h) that outlives the server; NULL: plain */
    bool early;                 /**< TCP: listens at an address, too, that this machine does not have yet */
} sbs_linux_http_listener;

/** Opens a server without listeners. SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_linux_http_server_open(struct sbs_linux_http_server **out,
                                                    const sbs_linux_http_server_config *config);
/** Adds a listener; @p out_number: what requests tell; errno says why it failed. SBS_ERR_ARGUMENT: no address;
 * SBS_ERR_NETWORK; SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_linux_http_server_add(struct sbs_linux_http_server *server,
                                                   const sbs_linux_http_listener *listener, unsigned *out_number);
/** The port that a listener has. */
uint16_t sbs_linux_http_server_port(const struct sbs_linux_http_server *server, unsigned number);
/** Accepts, reads, calls the handler for each request that is whole, and sends what is not held. @p out_wait: its
 * descriptor becomes readable when there is something to do; never more than the next deadline. */
void sbs_linux_http_server_turn(struct sbs_linux_http_server *server, sbs_now now, sbs_wait *out_wait);
/** True if an answer is held. */
bool sbs_linux_http_server_holds(const struct sbs_linux_http_server *server);
/** Sends the answers that were held; @p kept false: lost() makes others of them. */
void sbs_linux_http_server_settle(struct sbs_linux_http_server *server, sbs_now now, bool kept);
/** Closes the listeners and the connections that are idle; requests that began get their answer, and each connection is
 * closed behind it. True when none is left; until then, go on with turn() and ask again. */
bool sbs_linux_http_server_drain(struct sbs_linux_http_server *server);
/** Closes everything, wipes and frees. NULL is legal. */
void sbs_linux_http_server_close(struct sbs_linux_http_server *server);

#ifdef __cplusplus
}
#endif
#endif
