/* SPDX-License-Identifier: Apache-2.0 */
/** @file commands.h The subcommands, each in a file of its own. */
#ifndef SBS_CLI_COMMANDS_H
#define SBS_CLI_COMMANDS_H

#include "options.h"

extern const cli_command cli_keygen;
extern const cli_command cli_jwk;
extern const cli_command cli_assertion;
extern const cli_command cli_discover;
extern const cli_command cli_token;
extern const cli_command cli_parse_token;
extern const cli_command cli_check;
extern const cli_command cli_get;
extern const cli_command cli_push;
extern const cli_command cli_queue_add;
extern const cli_command cli_queue_list;
extern const cli_command cli_queue_remove;
extern const cli_command cli_queue_show;
extern const cli_command cli_queue_status;
extern const cli_command cli_queue_push;
extern const cli_command cli_queue_retry;
extern const cli_command cli_queue_dead;
extern const cli_command cli_observe;
extern const cli_command cli_provision;
extern const cli_command cli_base64url;

#endif
