/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_clock.h
 * The clocks of Linux as the library's time.
 */
#ifndef SBS_LINUX_CLOCK_H
#define SBS_LINUX_CLOCK_H

#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Samples CLOCK_BOOTTIME (monotonic, counts suspended time) and the wall clock. A wall clock before
 * sbs_linux_build_time() was never set: UTC is then SBS_UTC_UNKNOWN. */
sbs_now sbs_linux_now(void);

/** What the wall clock says, right or not, in seconds since 1970: for the message of a program for which the time of
 * day is not known, whose operator wants to know what it says. It lies before sbs_linux_build_time() then. */
int64_t sbs_linux_wall_clock(void);

/** The day on which the library was built (that of SOURCE_DATE_EPOCH if that was set), its first second in UTC, since
 *  1970: no true time lies before it. */
int64_t sbs_linux_build_time(void);

#ifdef __cplusplus
}
#endif
#endif
