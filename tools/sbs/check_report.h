/* SPDX-License-Identifier: Apache-2.0 */
/** @file check_report.h The listing of `sbs check`: its rows are those of forward_check.h. */
#ifndef SBS_CLI_CHECK_REPORT_H
#define SBS_CLI_CHECK_REPORT_H

#include "sbs/forward_check.h"

/** Puts rows into the listing; names the command's options. */
extern const sbs_forward_check cli_check_rows;

/** Starts the listing: lines, or with @p as_json an array of objects. */
void cli_check_begin(bool as_json);
/** Ends it, and shows it unless a signal came. Returns an exit status. */
int cli_check_end(void);

/** Puts a row: of @p text as it is. @p advice: what to do; NULL if nothing. */
void cli_check_put(sbs_forward_verdict verdict, sbs_forward_step step, const char *text, const char *advice);
/** Puts a row of a step that failed with the message that cli_fail() printed last. @p prefix: how that one begins, left
 * out of the row. */
void cli_check_put_told(sbs_forward_step step, const char *prefix);

#endif
