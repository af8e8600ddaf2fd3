/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS server of Mbed TLS in this process, behind a raw stream whose bytes a fuzz input changes, cuts and delays. What
 * the server encrypts may be changed before, too: so that changed messages get past the checks of records.
 */
#ifndef TLS_PEER_H
#define TLS_PEER_H

#include <mbedtls/ssl.h>

#include "fuzz.h"
#include "sbs/stream.h"
#include "sbs/tls_identity.h"
#include "sbs/tls_trust.h"

#define TLS_PEER_HOST "host.example"
#define TLS_PEER_PIPE 65536u

/* Whose certificate the server shows. */
typedef enum tls_peer_certificate {
    TLS_CERT_GOOD,
    TLS_CERT_OTHER_NAME,
    TLS_CERT_EXPIRED,
    TLS_CERT_FUTURE,
    TLS_CERT_NO_NAMES,    /* only a common name */
    TLS_CERT_SELF_SIGNED, /* by itself */
    TLS_CERT_CLIENT_USE,  /* for clients only */
    TLS_CERT_ADDRESS,     /* for 192.0.2.1 */
    TLS_CERT_COUNT
} tls_peer_certificate;

typedef struct tls_pipe {
    uint8_t data[TLS_PEER_PIPE];
    size_t len, taken;
} tls_pipe;

typedef struct tls_peer {
    sbs_stream stream; /* the client's raw one */
    fuzz_input *script;
    mbedtls_ssl_config config;
    mbedtls_ssl_context ssl;
    tls_peer_certificate certificate;
    tls_pipe to_client, to_server;
    size_t scanned; /* bytes of to_client that were looked at */
    bool is_fresh, is_open, ended, broken, is_up, spoils_plain, lies_raw;
    bool changed;      /* something was changed, cut or added on its way to the client */
    bool said_goodbye; /* close_notify was sent */
    bool asked_twice;
    unsigned delay;
    size_t call_bytes; /* handed to the client since somebody set it to 0 */
    size_t page_len, page_sent;
    uint8_t page[8192];
} tls_peer;

/* Certificates and keys, once; who trusts the root that issued them; a client's own certificate. */
void tls_peer_prepare(void);
sbs_tls_trust *tls_peer_trust(void);
const sbs_tls_identity *tls_peer_identity(void);

/* A server as the script wants it: version, certificate, whether it asks for one, its page. Freed by tls_peer_end. */
void tls_peer_begin(tls_peer *peer, fuzz_input *script);
void tls_peer_end(tls_peer *peer);

/* Lets the server do what it can. */
void tls_peer_work(tls_peer *peer);

#endif
