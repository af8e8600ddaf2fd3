/* SPDX-License-Identifier: Apache-2.0 */
/** @file units.h What can be a UCUM code at all, and which one was meant by what cannot. No parser of UCUM. */
#ifndef SBS_CLI_UNITS_H
#define SBS_CLI_UNITS_H

#include "sbs/text.h"

/**
 * Checks the unit given with @p option of observe ("unit"): known names that are no UCUM code, and what cannot be one
 * by its characters or brackets, are refused with the code that was meant, if it is known. Returns an exit status.
 */
int cli_unit_check(const char *option, sbs_text unit);

#endif
