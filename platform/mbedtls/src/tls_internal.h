/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the TLS stream. */
#ifndef SBS_TLS_INTERNAL_H
#define SBS_TLS_INTERNAL_H

#include "sbs/tls_stream.h"

/** Mbed TLS's verify callback: checks dates against the time of open(), and the name if it is an address.
 *  @p ctx is the sbs_tls_stream. */
int sbs_tls_verify(void *ctx, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

/** The status for an Mbed TLS error @p code. @p verify_flags matter only if the certificate was refused. */
sbs_status sbs_tls_status(int code, uint32_t verify_flags);

/** Offers the session kept for host and port, if it is still good. */
void sbs_tls_session_offer(sbs_tls_stream *tls);

/** Keeps the connection's session, replacing the one of this host, else a free one, else the oldest. */
void sbs_tls_session_keep(sbs_tls_stream *tls);

/** Forgets the session of this host: it was offered, and the handshake failed. */
void sbs_tls_session_forget(sbs_tls_stream *tls);

/** Makes all sessions empty. */
void sbs_tls_sessions_init(const sbs_tls_config *config);

/** Wipes and frees all sessions. */
void sbs_tls_sessions_free(const sbs_tls_config *config);

#endif
