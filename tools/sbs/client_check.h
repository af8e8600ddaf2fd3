/* SPDX-License-Identifier: Apache-2.0 */
/** @file client_check.h Checks of what a client is registered with at its server: client id and scopes. */
#ifndef SBS_CLI_CLIENT_CHECK_H
#define SBS_CLI_CLIENT_CHECK_H

/** Checks a client_id given on the command line or in a configuration file. @p command names it in messages. Returns an
 * exit status. */
int cli_check_client_id(const char *command, const char *client_id);

/** Refuses a list of scopes that was written with commas. @p otherwise ends the message: what else can be done, or "".
 * Returns an exit status. */
int cli_check_scope_commas(const char *command, const char *scope, const char *otherwise);

#endif
