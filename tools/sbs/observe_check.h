/* SPDX-License-Identifier: Apache-2.0 */
/** @file observe_check.h What `sbs observe` requires beyond what the library checks, and what it warns of. */
#ifndef SBS_CLI_OBSERVE_CHECK_H
#define SBS_CLI_OBSERVE_CHECK_H

#include "sbs/observation.h"

/** Requires of a vital sign, by its code or its category, what R4's vital-signs profile requires: subject, a time at
 * least to the day, and a value with a UCUM unit (or the reason why there is none). Returns an exit status. */
int cli_observe_check(const sbs_observation *observation);

/** Warns of what is legal and most likely a mistake: a measured quantity without a time, a reference that is none, a
 * category that R4 does not have, another unit than the profile's. */
void cli_observe_warn(const sbs_observation *observation);

#endif
