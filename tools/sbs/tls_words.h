/* SPDX-License-Identifier: Apache-2.0 */
/** @file tls_words.h What is said of a TLS connection that failed, beside its status. */
#ifndef SBS_CLI_TLS_WORDS_H
#define SBS_CLI_TLS_WORDS_H

#include "sbs/tls_explain.h"

/** Sets the stream whose failures are explained; NULL: none from now on. */
void cli_tls_words_use(const sbs_tls_stream *tls);

/** Sets the file whose roots are trusted, for advice; @p path must outlive all questions. */
void cli_tls_words_use_ca(const char *path);

/** What goes in the place of the sentence of @p status, as it says more and nothing else; NULL if nothing does. */
const char *cli_tls_sentence(sbs_status status);

/** What was wrong beside its sentence, a clause of its own; "" if @p status is none of a connection, or nothing more is
 * known. */
const char *cli_tls_words(sbs_status status);

/** What a person can do about it; NULL if nothing more is known. */
const char *cli_tls_advice(sbs_status status);

/** What a person can do about a certificate in a file that cannot be used. Never NULL. */
const char *cli_tls_file_advice(sbs_tls_problem problem);

#endif
