/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_clock.h The wall clock where it is known to be right. */
#ifndef SBS_FORWARD_CLOCK_H
#define SBS_FORWARD_CLOCK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * UTC, if the kernel says that its clock is kept in step with a true one (adjtimex(2), not STA_UNSYNC); else
 * SBS_UTC_UNKNOWN: a clock that was set by hand, or not at all, deletes nothing. For sbs_sqlite_queue_config.utc_now;
 * @p ctx is not looked at.
 */
int64_t sbs_forward_trusted_utc(void *ctx);

#ifdef __cplusplus
}
#endif
#endif
