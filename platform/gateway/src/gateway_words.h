/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a push that waits. */
#ifndef SBS_GATEWAY_WORDS_H
#define SBS_GATEWAY_WORDS_H

#include "sbs/forward_push.h"
#include "sbs/gateway_key.h"

/** Writes why all wait, and what to do where somebody has to: one sentence, without the server's own words. */
void sbs_gateway_wait_words(sbs_forward_server *server, const sbs_gateway_keys *keys, const sbs_forward_event *event,
                            char *out, size_t size);
/** Writes what the token failed with: a clause that fits a terminal and a log; labels in it are whoever's wrote them.
 */
void sbs_gateway_token_clause(const sbs_gateway_keys *keys, char *out, size_t size);
/** Writes why the key in the token cannot be used, and what happens next. */
void sbs_gateway_token_words(const sbs_gateway_keys *keys, char *out, size_t size);

#endif
