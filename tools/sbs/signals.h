/* SPDX-License-Identifier: Apache-2.0 */
/* SIGINT and SIGTERM ask the command to end in order; a second one ends it at once. */
#ifndef SBS_CLI_SIGNALS_H
#define SBS_CLI_SIGNALS_H

/** Starts to note SIGINT and SIGTERM; SIGPIPE is ignored so that a write tells. */
void cli_signals_init(void);

/** The signal that asks the command to end, or 0. Until somebody asks, what waits is interrupted (EINTR). */
int cli_signal(void);

#endif
