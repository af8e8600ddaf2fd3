/* SPDX-License-Identifier: Apache-2.0 */
/** @file check_writing.h What `sbs check` says of writing: the server's statement, held against the granted scope. */
#ifndef SBS_CLI_CHECK_WRITING_H
#define SBS_CLI_CHECK_WRITING_H

#include "sbs/sbs.h"
#include "sbs/text.h"

/** Reports the FHIR version of a CapabilityStatement, and how each type that --scope asks to write would be written.
 * Returns an exit status. */
int cli_check_statement(sbs_text body);
/** Reports what came in place of a CapabilityStatement. @p status: of the request; SBS_OK: another document. */
void cli_check_useless(sbs_status status, sbs_text body);
/** The same of a server that shows no CapabilityStatement: the scope alone decides. */
int cli_check_unstated(void);

#endif
