/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a push that waits. */
#ifndef SBS_GATEWAY_WORDS_H
#define SBS_GATEWAY_WORDS_H

#include "sbs/forward_push.h"

/** Writes why all wait, and what to do where somebody has to: one sentence, without the server's own words. */
void sbs_gateway_wait_words(sbs_forward_server *server, const sbs_forward_event *event, char *out, size_t size);

#endif
