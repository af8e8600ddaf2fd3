/* SPDX-License-Identifier: Apache-2.0 */
/* A TLS stream over a raw stream that may go wrong, to a server on loopback: what the TLS tests have in common. */
#ifndef TLS_FIXTURE_H
#define TLS_FIXTURE_H

#include "faulty_stream.h"
#include "sbs/linux_stream.h"
#include "sbs/tls_stream.h"
#include "tls_server.h"

#define SESSIONS 2

typedef struct fixture {
    tls_server server;
    sbs_linux_stream tcp;
    faulty_stream faulty;
    sbs_tls_session sessions[SESSIONS];
    sbs_tls_config config;
    sbs_tls_stream tls;
    sbs_stream raw;
    sbs_stream stream;
    sbs_now now;
    uint32_t patience_ms; /* how long nothing may come until SBS_ERR_TIMEOUT; 0: 20 seconds */
    unsigned steps;
    char page[400000];
    size_t page_len;
} fixture;

/* Roots of make_certificates.sh, ready after set_up_tls(). */
extern sbs_tls_trust both, rsa_only, none, self_only, sha1_root;

/* Allocations of Mbed TLS left before they fail; negative: they never do. */
extern long allocations_left;

/* True in the long test run (SBS_LONG=1): every byte and every allocation instead of a sample. */
bool is_long_run(void);

/* Group set-up and tear-down of cmocka. */
int set_up_tls(void **state);
int tear_down_tls(void **state);

/* A file that make_certificates.sh made, in new memory. */
char *load_certificate(const char *name, size_t *out_len);

/* Its path. */
void certificate_path(const char *name, char *out, size_t size);

/* Starts a server that answers any GET with a page about the connection; version and extra arguments may be NULL. */
void serve(fixture *f, const char *certificate, const char *version, const char *extra, const char *value);

/* Starts one with exactly these arguments. */
void serve_with(fixture *f, const char *const *arguments);

/* Prepares the streams; fields of config and faulty may be set before. The default trust is both roots. */
void prepare(fixture *f);
void release(fixture *f);

/* Opens as if the server were @p host, to the end; counts the calls in steps. */
sbs_status open_as(fixture *f, const char *host);
sbs_status send_all(fixture *f, const char *text);

/* Receives until the stream ends or fails; what fits is kept in page, page_len counts all. */
sbs_status receive_all(fixture *f);

/* One whole exchange as @p host that must succeed; leaves the stream open. */
void exchange(fixture *f, const char *host);

#endif
