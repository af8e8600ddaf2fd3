/* SPDX-License-Identifier: Apache-2.0 */
/** @file advice.h Advice that names something: where a redirect goes, who named a host, a scope. */
#ifndef SBS_CLI_ADVICE_H
#define SBS_CLI_ADVICE_H

#include "sbs/forward_server.h"

/** Sets the server whose token endpoint and scope are named; NULL: none from now on. */
void cli_advice_use(sbs_forward_server *server);

/** What to do about a redirect whose target the server told; NULL if it is none, or told nothing. Static, until the
 * next call. */
const char *cli_advice_redirect(sbs_status status, const sbs_detail *detail);

/** What to do where no connection came to be, or no answer in time, and more is known than the status tells: who named
 * the host. @p usual: the advice for the status, which stands first. NULL for other statuses. Static, until the next
 * call. */
const char *cli_advice_unreached(sbs_status status, const sbs_detail *detail, const char *usual);

/** True if a scope that was asked for or granted is not understood, or holds for a search only: what it covers is for
 * the server to say. */
bool cli_scope_is_unclear(void);

#endif
