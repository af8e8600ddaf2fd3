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

#define CLI_WRITE_MODES "auto|put|if-none-exist|plain"

/** Reads the server's CapabilityStatement into @p answer (CLI_ANSWER_MAX bytes), which must then stay in place. Returns
 * an exit status; a server that has none is no failure. */
int cli_write_mode_learn(char *answer);
/** The mode for a type by what was learnt; never CLI_WRITE_AUTO. The first CLI_WRITE_PLAIN is warned about. */
cli_write_mode cli_write_mode_for(const char *type);
void cli_write_mode_free(void);

#endif
