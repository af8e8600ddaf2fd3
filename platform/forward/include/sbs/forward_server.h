/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file forward_server.h
 * A server to forward to: TLS, sockets and the client, set up from what an operator configures. Any number of them in
 * one process; each belongs to one thread.
 */
#ifndef SBS_FORWARD_SERVER_H
#define SBS_FORWARD_SERVER_H

#include "sbs/client.h"
#include "sbs/linux_proxy.h"
#include "sbs/linux_stream.h"
#include "sbs/tls_explain.h"
#include "sbs/tls_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_FORWARD_WORDS_SIZE 1024u         /**< bytes for a server's words, with the NUL */
#define SBS_FORWARD_ANSWER_MAX (16u << 20)   /**< most bytes of an answer's body */
#define SBS_FORWARD_STATEMENT_MAX (4u << 20) /**< of a CapabilityStatement: read as JSON it takes ten times as much */

/** Zero means the default; strings and key must outlive the server. */
typedef struct sbs_forward_server_config {
    const char *fhir_base, *token_url, *client_id, *scope, *aud, *typ, *kid; /**< as in sbs_client_config */
    sbs_kid_method kid_method;
    sbs_profile profile;
    const sbs_key *key;
    const sbs_tls_trust *trust;       /**< the root certificates that count */
    const sbs_tls_identity *identity; /**< the client's own certificate; NULL: none */
    sbs_linux_proxy *proxy;           /**< what https goes through; NULL: nothing */
    const char *user_agent;           /**< NULL: the library's */
    uint32_t timeout_ms;              /**< for connecting, and again for an answer; 0: 30 000 */
    uint32_t retry_wait_max_ms;       /**< the client's own waits; 0: 30 000 */
    uint16_t max_attempts;            /**< tries of a request that is not the push engine's; 0: 3 */
    bool allow_http;                  /**< plain http to loopback addresses, for tests */
    bool any_scope;                   /**< send what the granted scope does not seem to cover */
    /** Optional: may replace a stream by one around it before the client has it. False: out of memory. */
    bool (*wrap)(void *ctx, sbs_stream *stream, bool secured);
    void *wrap_ctx;
} sbs_forward_server_config;

/** What of a set-up failed. */
typedef enum sbs_forward_part {
    SBS_FORWARD_PART_NONE,
    SBS_FORWARD_PART_TLS,
    SBS_FORWARD_PART_MEMORY,
    SBS_FORWARD_PART_CLIENT /**< a setting is not well-formed */
} sbs_forward_part;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_forward_server {
    struct {
        sbs_client client;
        sbs_client_config config;
        sbs_forward_server_config given;
        sbs_tls_session sessions[2];
        sbs_tls_config tls_config;
        sbs_tls_explain tls_explain;
        sbs_tls_stream tls;
        sbs_linux_stream_config raw_config;
        sbs_linux_stream raw, plain;
        sbs_linux_proxy_stream tunnel;
        sbs_stream raw_stream, tunnel_stream, plain_stream, tls_stream;
        sbs_detail explained;
        char needs[96]; /* scope that the last request needs */
        char explanation[SBS_FORWARD_WORDS_SIZE];
        char words[SBS_FORWARD_WORDS_SIZE]; /* the server's */
        void *work;
        bool open, client_ready;
    } priv;
} sbs_forward_server;

/** Sets everything up; connects to nothing. SBS_OK, or why @p out_part failed; call close() in either case. */
SBS_NODISCARD sbs_status sbs_forward_server_open(sbs_forward_server *server, const sbs_forward_server_config *config,
                                                 sbs_forward_part *out_part);

/** Closes the connection and wipes everything; the key is not touched. Legal after zero-initialisation, and twice. */
void sbs_forward_server_close(sbs_forward_server *server);

/** The client, for one user at a time. */
static inline sbs_client *sbs_forward_server_client(sbs_forward_server *server) {
    return &server->priv.client;
}

/** True if the FHIR server is spoken to through TLS. */
bool sbs_forward_server_is_secured(const sbs_forward_server *server);

/** The TLS stream, for its words about failures. */
static inline const sbs_tls_stream *sbs_forward_server_tls(const sbs_forward_server *server) {
    return &server->priv.tls;
}

/** The stream through the proxy, for its words about failures; NULL: there is no proxy. */
static inline const sbs_linux_proxy_stream *sbs_forward_server_tunnel(const sbs_forward_server *server) {
    return server->priv.given.proxy != NULL ? &server->priv.tunnel : NULL;
}

/** True if scopes are not looked at. */
static inline bool sbs_forward_server_has_any_scope(const sbs_forward_server *server) {
    return server->priv.given.any_scope;
}

/** The scope that was granted, else the one that is asked for; valid until the next poll of the client. */
sbs_text sbs_forward_server_scope(const sbs_forward_server *server, sbs_now now);

/** Notes what a request needs, for the words about a scope. @p target as in sbs_request. */
void sbs_forward_server_note_request(sbs_forward_server *server, sbs_interaction interaction, sbs_text target);

/** The last failure; if a scope lacks something its text says what. Valid until the next one. */
const sbs_detail *sbs_forward_server_detail(sbs_forward_server *server);

#ifdef __cplusplus
}
#endif
#endif
