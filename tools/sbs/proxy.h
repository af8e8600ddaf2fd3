/* SPDX-License-Identifier: Apache-2.0 */
/** @file proxy.h The HTTP proxy of --proxy or the environment, and what is said of one that fails. */
#ifndef SBS_CLI_PROXY_H
#define SBS_CLI_PROXY_H

#include "sbs/linux_proxy.h"

/**
 * Reads the proxy that the options or the environment name. @p out_proxy: it, NULL: none. A faulty variable is told
 * only where it would be used. Returns an exit status.
 */
int cli_proxy_load(const char *command, sbs_linux_proxy **out_proxy);

/** Sets the stream whose failures are explained; NULL: none from now on. */
void cli_proxy_words_use(const sbs_linux_proxy_stream *tunnel);

/** What goes in the place of the sentence of @p status, as it says more; NULL if the proxy is not why. */
const char *cli_proxy_sentence(sbs_status status);

/** What is said beside that sentence; "" if the proxy is not why. */
const char *cli_proxy_words(sbs_status status);

/** What a person can do about it; NULL if the proxy is not why. */
const char *cli_proxy_advice(sbs_status status);

/** Wipes what was read. Legal at any time. */
void cli_proxy_free(void);

#endif
