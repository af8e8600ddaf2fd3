/* SPDX-License-Identifier: Apache-2.0 */
/** @file check_writing.h What `sbs check` says of writing: the server's statement, held against the granted scope. */
#ifndef SBS_CLI_CHECK_WRITING_H
#define SBS_CLI_CHECK_WRITING_H

#include "sbs/text.h"

/** Reports the FHIR version of a CapabilityStatement, and how each type that --scope asks to write would be written.
 * Returns an exit status. */
int cli_check_statement(sbs_text body);
/** The same of a server that shows no CapabilityStatement: the scope alone decides. */
int cli_check_unstated(void);

#endif
