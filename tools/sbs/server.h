/* SPDX-License-Identifier: Apache-2.0 */
/** @file server.h The SERVER-OPTIONS and the client that is set up from them. */
#ifndef SBS_CLI_SERVER_H
#define SBS_CLI_SERVER_H

#include "key.h"
#include "sbs/client.h"
#include "sbs/forward_server.h"

/** What SERVER-OPTIONS set. */
typedef struct cli_server_options {
    const char *fhir, *token_url, *key, *client_id, *scope, *aud, *typ, *ca, *cert, *cert_key, *proxy, *config;
    uint64_t timeout_s;
    int profile; /**< 0: not given, 1: smart, 2: seed */
    bool any_scope, verbose, allow_http;
} cli_server_options;

extern cli_server_options cli_server;

extern const cli_table cli_server_table;     /**< what a token needs */
extern const cli_table cli_connection_table; /**< what every command that talks to a server has */

/** What a command needs of the server. */
typedef enum cli_need {
    CLI_NEED_PUBLIC, /**< requests without a token */
    CLI_NEED_TOKEN,
    CLI_NEED_FHIR /**< requests with a token */
} cli_need;

/**
 * Checks the options, loads key and certificates, and sets the one client up. @p command names it in messages.
 * Returns an exit status.
 */
int cli_server_open(const char *command, cli_need need);
/** Runs one request to its end. The detail is cli_server_detail()'s. SBS_ERR_CANCELLED after a signal. */
sbs_status cli_server_run(const sbs_request *request);
/** The client, for what runs requests by itself. */
sbs_client *cli_server_client(void);
/** The set-up that holds it. */
sbs_forward_server *cli_server_forward(void);
/** Listens to the streams of one connection more, until cli_server_close(): for sbs_forward_fan_config.wrap. False: no
 * memory, or there are too many. */
bool cli_server_trace_more(void *ctx, sbs_stream *stream, bool secured);
/** Ends that for all of them, once they are closed. Legal at any time. */
void cli_server_trace_less(void);
/** Waits as a poll asked, but not so long that a signal is seen late. */
void cli_server_wait(const sbs_wait *wait);
/** The last failure; if a scope lacks something its text says what. */
const sbs_detail *cli_server_detail(void);
sbs_response cli_server_response(void);
sbs_status cli_server_token(sbs_token_view *out_token);
/** Closes the connection and wipes everything. Legal at any time. */
void cli_server_close(void);

/** Most bytes of a FHIR answer's body. */
#define CLI_ANSWER_MAX (16u << 20)

/** Most bytes of a discovery document. Read as JSON it takes ten times as much. */
#define CLI_DISCOVERY_MAX (1u << 20)

/** Memory for an answer of @p size bytes; NULL with a message printed if there is none. Free with free(). */
char *cli_answer_memory(const char *command, size_t size);

#endif
