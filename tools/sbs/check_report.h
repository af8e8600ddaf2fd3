/* SPDX-License-Identifier: Apache-2.0 */
/** @file check_report.h The lines of `sbs check`: OK, WARN or FAIL, the step, what was found, and what to do. */
#ifndef SBS_CLI_CHECK_REPORT_H
#define SBS_CLI_CHECK_REPORT_H

#include "message.h"

typedef enum cli_check_level { CLI_CHECK_OK, CLI_CHECK_WARN, CLI_CHECK_FAIL } cli_check_level;

/** Starts the listing: lines, or with @p as_json an array of objects. */
void cli_check_begin(bool as_json);
/** Ends it, and shows it unless a signal came. Returns an exit status. */
int cli_check_end(void);

/** Reports one step. @p advice: what to do; NULL if nothing. */
void cli_check_put(cli_check_level level, const char *step, const char *text, const char *advice);
/** The same with a text that is put together. */
void cli_check_put_words(cli_check_level level, const char *step, const char *advice, const char *format, ...)
    CLI_PRINTF(4, 5);
/** Reports that a step failed with the message that cli_fail() printed last. @p prefix: how that one begins, left out
 * of the report. */
void cli_check_put_told(const char *step, const char *prefix);

#endif
