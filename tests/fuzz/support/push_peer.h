/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that a fuzz input plays against the client: SMART discovery, a token endpoint and a FHIR server behind one
 * stream. At the end of the input it is a good server. It looks at every request, and aborts where one goes to the
 * wrong host, is malformed, or carries an item that is not marked.
 */
#ifndef PUSH_PEER_H
#define PUSH_PEER_H

#include "fuzz.h"
#include "ram_queue.h"
#include "sbs/sbs.h"

#define PEER_ITEMS_MAX 24u
#define PEER_BUFFER 32768u
#define PEER_FHIR_HOST "fhir.example"
#define PEER_AUTH_HOST "auth.example"
#define PEER_EVIL_HOST "evil.example"
#define PEER_TOKEN_MAX 96u
#define PEER_SIGNATURE_LEN 16u /* an assertion with so much of its signature is shown to nobody */

/* What an item is, in the eyes of both sides. Its bytes in the queue are its number. */
typedef struct peer_item {
    char system[32], value[64], id[72], type[24];
    sbs_write_mode mode;
    bool own_id, stored;
    unsigned stores;
} peer_item;

/* How a connection goes on when what was to be said is said. */
typedef enum peer_end { PEER_KEEPS, PEER_ENDS, PEER_BREAKS, PEER_STALLS } peer_end;

typedef struct push_peer {
    sbs_stream stream;
    fuzz_input *script;
    const ram_queue *queue; /* NULL: requests carry no items */
    bool honest;            /* it tells the truth, and only the network fails */
    bool is_roomy;          /* the client has memory to read bodies */
    bool token_is_pinned;   /* to PEER_AUTH_HOST, by the configuration */
    peer_item items[PEER_ITEMS_MAX];
    unsigned item_count;
    int64_t utc_s; /* its clock */
    /* the connection */
    bool is_open, opening;
    char host[SBS_HOST_SIZE];
    char in[PEER_BUFFER], out[PEER_BUFFER];
    size_t in_len, out_len, out_taken, message_len;
    size_t piece;
    unsigned delay;
    peer_end end;
    uint64_t carried;         /* bit for each item of the request that is being answered */
    uint64_t confirms;        /* bit for each item that the answer under way confirms */
    uint64_t confirms_unread; /* and for those that it may confirm where its body cannot be read */
    /* what is true */
    uint64_t confirmed; /* bit for each item that an answer confirmed that came through */
    char token[PEER_TOKEN_MAX];
    char token_host[SBS_HOST_SIZE];
    char pin[SBS_HOST_SIZE]; /* host whose token was used; "" before */
    char assertion[2048];    /* that came last */
    unsigned tokens, requests;
    bool was_elsewhere; /* a token endpoint on another host was named */
} push_peer;

/* Begins afresh, without items. */
void push_peer_init(push_peer *peer, fuzz_input *script);

/* The client was started anew: what it had learned is gone. */
void push_peer_forget(push_peer *peer);

/* A text of ours that repeats the assertion. */
bool push_peer_is_secret(const push_peer *peer, const char *text);

#endif
