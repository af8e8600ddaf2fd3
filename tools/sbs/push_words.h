/* SPDX-License-Identifier: Apache-2.0 */
/** @file push_words.h What is said of an item that is not on the server: why, and what a person can do. */
#ifndef SBS_CLI_PUSH_WORDS_H
#define SBS_CLI_PUSH_WORDS_H

#include "sbs/forward_push.h"

/** Writes why: our words, the library's and the server's, each where it says something. */
void cli_push_reason(const sbs_forward_event *event, char *out, size_t size);

/** What a person can do about it. Static as cli_advice()'s. */
const char *cli_push_advice(const sbs_forward_event *event);

/** The same where the server refuses that clients name the id of what they store; NULL if it does not. */
const char *cli_push_mode_advice(const sbs_forward_event *event);

/** The same where the server is said to have had the item before it was sent; NULL if it is not. */
const char *cli_push_collision_advice(const sbs_forward_event *event);

/** True of what no later push mends by itself. */
bool cli_push_is_unmended(const sbs_forward_event *event);

#endif
