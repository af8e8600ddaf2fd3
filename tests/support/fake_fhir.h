/* SPDX-License-Identifier: Apache-2.0 */
/* What the fake server answers: SMART discovery, a token endpoint, and Observations with conditional create. */
#ifndef FAKE_FHIR_H
#define FAKE_FHIR_H

#include "fake_server.h"
#include "sbs/psa_key.h"

#define FAKE_MAX 256u

typedef struct fake_fhir {
    fake_server server;
    /* behaviour, each used up by one request unless it says otherwise */
    const char *discovery_body;   /* whole document; NULL: a good one. Stays */
    const char *document_type;    /* Content-Type of the discovery document; NULL: JSON. Stays */
    const char *statement;        /* the CapabilityStatement, "" for 404; NULL: read as any resource. Stays */
    const char *statement_answer; /* instead of it a whole answer as it is sent; NULL: none. Stays */
    const char *token_body;       /* body of a 200 answer; NULL: a good one. Stays */
    unsigned token_lives_s;       /* that one; 0: 300. Stays */
    const char *token_fields;     /* its header lines; NULL: the type of JSON. Stays */
    unsigned discovery_status;    /* 0: 200 */
    unsigned token_status;        /* 0: 200 */
    const char *token_error;      /* body when token_status is set */
    unsigned fhir_status;         /* 0: as it should be */
    unsigned fhir_times;          /* how often fhir_status is answered; 0: once */
    unsigned token_times;
    unsigned discovery_times;
    const char *date;      /* its header line, "" for none; NULL: Tue, 14 Nov 2023 22:13:20. Stays */
    const char *fields;    /* extra header lines of the failing answers, each with CRLF */
    const char *fhir_body; /* body of the failing answers */
    bool store_first;      /* a failing answer comes after the resource was stored */
    /* An item's own status by its JSON, 0: none of its own. Stays */
    unsigned (*verdict)(const char *json, size_t len);
    unsigned (*verdict_of_all)(const char *json, size_t len); /* the same for a whole Bundle. Stays */
    const char *bundle_answer;  /* what is said to a Bundle, of which nothing is stored; NULL: as it should be. Stays */
    const char *verdict_fields; /* extra header lines of an answer that is an item's own. Stays */
    bool close_each;            /* Connection: close on every answer. Stays */
    void (*on_stored)(const char *json, size_t len); /* told of each resource that is stored. Stays */
    bool ignores_search;                             /* If-None-Exist is not looked at. Stays */
    bool one_use;                                    /* a token is good for one request, then 401. Stays */
    unsigned *newest; /* a new token has the next number, and ends all before it, at those that share this. NULL: none
                         ends. Stays */
    unsigned lost_answers; /* so many requests are served, and their answers are lost with the connection */
    bool spent;            /* the token was used */
    /* what happened */
    unsigned bundles;
    unsigned statements;
    unsigned tokens, discoveries, creates, updates, reads, unauthorized;
    char jti[FAKE_MAX][24]; /* of every assertion that came */
    unsigned jti_count;
    char stored[FAKE_MAX][96]; /* If-None-Exist or target of everything stored */
    unsigned stored_count;
    char last[8192]; /* the last request as it came */
    size_t last_len;
    char last_token_request[8192];
    size_t last_token_request_len;
} fake_fhir;

void fake_fhir_init(fake_fhir *fhir);

/* How many stored resources have this If-None-Exist value (or target, for an update). */
unsigned fake_fhir_count(const fake_fhir *fhir, const char *key);

/* A client over the fake server, and a clock. */
typedef struct fake_setup {
    fake_fhir fhir;
    sbs_client_config config;
    sbs_client client;
    sbs_psa_key key_state;
    sbs_key key;
    sbs_now now;
    uint64_t waited_ms;
    unsigned polls;
    _Alignas(8) char work[16384];
} fake_setup;

/* Answers at once, with signatures that mean nothing. */
extern const sbs_key fake_quick_key;

/* Once for each program: psa_crypto_init and one P-384 key. */
int fake_setup_group(void **state);
int fake_teardown_group(void **state);

void fake_setup_init(fake_setup *setup);
/* Runs the request to its end, moving the clock as the client asks, at most @p most_polls polls. */
sbs_status fake_run(fake_setup *setup, const sbs_request *request);
/* Polls only; the request was started. */
sbs_status fake_poll(fake_setup *setup);

/* Stores under @p key unless it is there; the status for an entry or a request: 201, 200, or its own. */
unsigned fake_fhir_store(fake_fhir *fhir, const char *key, bool conditional, const char *json, size_t len);
/* Serves a batch Bundle: writes the answer's JSON. */
void fake_bundle_serve(fake_fhir *fhir, sbs_text bundle, char *out, size_t size);

extern const char fake_observation[];
/* A conditional create of fake_observation under @p identifier ("identifier=..."). */
sbs_request fake_create(const char *identifier);

#endif
