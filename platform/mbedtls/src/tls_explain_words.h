/* SPDX-License-Identifier: Apache-2.0 */
/* Sentences with names and dates out of certificates. */
#ifndef SBS_TLS_EXPLAIN_WORDS_H
#define SBS_TLS_EXPLAIN_WORDS_H

#include "sbs/tls_explain.h"

/** Where in its chain a certificate stands. */
typedef enum sbs_tls_place { SBS_TLS_SERVER, SBS_TLS_BETWEEN, SBS_TLS_ROOT } sbs_tls_place;

/** Writes what is wrong with @p certificate into @p words of SBS_TLS_WORDS_SIZE bytes: for the stream's problem, which
 * is one of names or dates. */
void sbs_tls_words_make(const sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, sbs_tls_place place,
                        char *words);

#endif
