/* SPDX-License-Identifier: Apache-2.0 */
/* What the server of fuzz_push says to a request. */
#ifndef PUSH_ANSWER_H
#define PUSH_ANSWER_H

#include "push_peer.h"
#include "sbs/count.h"

#define PICK(peer, list) (list)[fuzz_below((peer)->script, SBS_COUNT_OF(list))]

typedef struct peer_request {
    sbs_text method, target, head, body;
    uint64_t carries;              /* a bit for each item */
    uint8_t order[PEER_ITEMS_MAX]; /* of these, as they stand in it */
    unsigned count;
} peer_request;

/* Value of a header line as the client writes it; absent if there is none. */
sbs_text peer_field(const peer_request *request, const char *name);
bool peer_is(sbs_text text, const char *string);

/* Writes the answer to @p request into the peer's output, and what it confirms. */
void peer_answer_fhir(push_peer *peer, const peer_request *request);
void peer_answer_token(push_peer *peer, const peer_request *request);
void peer_answer_discovery(push_peer *peer, const peer_request *request);
void peer_answer_statement(push_peer *peer, const peer_request *request);
/* Before the request is whole. */
void peer_refuse_early(push_peer *peer);

/* A body that is put together, and the head before it. */
typedef struct peer_body {
    char text[PEER_BUFFER / 2];
    size_t len;
} peer_body;

void peer_put(peer_body *body, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The rule for a write, told by what an answer was put together of. */
typedef struct peer_said {
    unsigned status;
    enum { PLACE_NONE, PLACE_FITS, PLACE_OTHER } place;
    enum {
        BODY_NONE,
        BODY_RESOURCE,         /* the one that was written */
        BODY_OTHER_TYPE,       /* another type */
        BODY_OTHER_ID,         /* another id; of a create any id will do */
        BODY_OTHER_IDENTIFIER, /* the same type, another identifier */
        BODY_OUTCOME_GOOD,     /* an OperationOutcome with information */
        BODY_OUTCOME_BAD,      /* with an error */
        BODY_PAGE,
        BODY_JSON,  /* that is no resource */
        BODY_LARGE, /* the resource, with much behind it */
        BODY_KINDS
    } body;
} peer_said;

/* True if it may count as stored. */
bool peer_confirms(const peer_item *item, const peer_said *said);

/* What an honest peer, and a network, do not do. */
bool peer_tells_more(push_peer *peer, uint32_t of);
/* Bytes of the input as they are. */
void peer_send_raw(push_peer *peer);

/* Sends head and body as the script wants; whatever it changes, the end of the message is noted. */
void peer_send(push_peer *peer, unsigned status, const char *fields, const peer_body *body);

#endif
