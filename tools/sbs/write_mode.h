/* SPDX-License-Identifier: Apache-2.0 */
/** @file write_mode.h How a resource is written so that a repeat does not store it twice. */
#ifndef SBS_CLI_WRITE_MODE_H
#define SBS_CLI_WRITE_MODE_H

/** In the order of the words of --write-mode. */
typedef enum cli_write_mode {
    CLI_WRITE_AUTO = 1,
    CLI_WRITE_PUT,
    CLI_WRITE_IF_NONE_EXIST,
    CLI_WRITE_PLAIN
} cli_write_mode;

#include "sbs/status.h"

#include <stdbool.h>
#include <stdint.h>

#define CLI_WRITE_MODES "auto|put|if-none-exist|plain"

/** Reads the server's CapabilityStatement into @p answer (CLI_ANSWER_MAX bytes), which must then stay in place. A
 * server that has none for us is no failure. @p attempts: 0 for the client's. @p out_answered: it is the statement that
 * is bad, if anything is. */
sbs_status cli_write_mode_ask(char *answer, uint16_t attempts, bool *out_answered);
/** Tells why that failed and returns the exit status. */
int cli_write_mode_fail(const char *command, sbs_status status, bool answered);
/** The mode for a type by what was learnt; never CLI_WRITE_AUTO. The first CLI_WRITE_PLAIN is warned about. */
cli_write_mode cli_write_mode_for(const char *command, const char *type);
/** The same for items that wait in a queue, for the mode that was asked for: where the server shows no statement,
 * If-None-Exist is the safer one. Warns once of what a server may store twice. */
cli_write_mode cli_write_mode_queued(const char *command, const char *type, cli_write_mode asked);
/** True unless what was learnt says that Observations are PUT. */
bool cli_write_mode_may_search(void);
/** True if the server states, in what was learnt, that it takes batches. True also if nothing is known. */
bool cli_write_mode_takes_batch(void);
void cli_write_mode_free(void);

#endif
