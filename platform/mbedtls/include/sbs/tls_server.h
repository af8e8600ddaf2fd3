/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_server.h
 * The server's side of TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) on Mbed TLS, over streams that were accepted. For
 * gateways: a build without MBEDTLS_SSL_SRV_C (firmware) has none of it.
 *
 * - ECDHE and AES-GCM alone, as the client's side. No renegotiation, no 0-RTT, and no session is resumed: there is no
 * key of tickets that could be stolen, and devices keep their connections.
 * - Clients show no certificate; who they are is a matter of HTTP.
 * - One open() call does at most one step of the handshake, and no call takes more than about 20 KB from the raw
 * stream.
 * - sbs_mbedtls_init() must have been called. One thread.
 *
 * Heap: certificates and key once, and about 37 KB for each connection that is open.
 */
#ifndef SBS_TLS_SERVER_H
#define SBS_TLS_SERVER_H

#include <mbedtls/ssl.h>

#include "sbs/stream.h"
#include "sbs/tls_identity.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sbs_tls_credentials;

/** What connections are accepted with. Zero-initialise; it must not move while connections are open. */
typedef struct sbs_tls_server {
    struct {
        struct sbs_tls_credentials *current;
    } priv;
} sbs_tls_server;

/**
 * Loads the certificate, those of intermediates behind it, and the key, as sbs_tls_identity_load() does. Loading again
 * is for a renewed certificate: connections that are open keep theirs, those that come get the new one; after an error
 * the old one stays.
 * @return SBS_OK; SBS_ERR_KEY with the reason in @p out_fault; SBS_ERR_ARGUMENT (a NUL within a text); SBS_ERR_MEMORY;
 * SBS_ERR_UNSUPPORTED: built without it.
 */
SBS_NODISCARD sbs_status sbs_tls_server_load(sbs_tls_server *server, const char *certificates, size_t certificates_len,
                                             const char *key, size_t key_len, sbs_tls_identity_fault *out_fault);

/** Wipes and frees what no connection uses; the rest goes with the last of them. Legal after zero-initialisation, and
 * twice. */
void sbs_tls_server_deinit(sbs_tls_server *server);

/** One accepted connection. Place it anywhere; it must not move until its stream is closed. */
typedef struct sbs_tls_accepted {
    struct {
        struct sbs_tls_credentials *credentials;
        sbs_stream raw;
        mbedtls_ssl_context ssl;
        uint8_t state;
        bool raw_waits;           /* the raw stream said SBS_PENDING during the last call */
        uint16_t call_bytes_left; /* that this call may still take from the raw stream */
        sbs_status raw_status;    /* its error, SBS_OK if none */
        int32_t code;
    } priv;
} sbs_tls_accepted;

/**
 * Prepares the server's side of a connection that was accepted; @p raw is copied. The stream's open() goes on with the
 * handshake until it is over (its host and port are not looked at), its close() sends close_notify, frees everything
 * and closes the raw stream; it is not opened again.
 * @return SBS_OK; SBS_ERR_STATE: nothing was loaded; SBS_ERR_MEMORY; SBS_ERR_UNSUPPORTED: built without it. After an
 * error there is nothing to close.
 */
SBS_NODISCARD sbs_status sbs_tls_server_accept(sbs_tls_server *server, const sbs_stream *raw,
                                               sbs_tls_accepted *accepted, sbs_stream *out_stream);

/** "TLSv1.2" or "TLSv1.3"; "" unless the handshake is over. For logs. */
const char *sbs_tls_accepted_version(const sbs_tls_accepted *accepted);

#ifdef __cplusplus
}
#endif
#endif
