/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_clock.h
 * The clocks of Linux as the library's time.
 */
#ifndef SBS_LINUX_CLOCK_H
#define SBS_LINUX_CLOCK_H

#include <stdbool.h>

#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Samples CLOCK_BOOTTIME (monotonic, counts suspended time) and the wall clock. A wall clock before
 * sbs_linux_build_time() was never set: UTC is then SBS_UTC_UNKNOWN. */
sbs_now sbs_linux_now(void);

/** True if the kernel says that its clock is kept in step with a true one (adjtimex(2), not STA_UNSYNC). A sandbox may
 * not let it be asked: false. */
bool sbs_linux_clock_is_synchronised(void);

/** Microseconds of CLOCK_MONOTONIC: for how long something took, where milliseconds are too coarse. */
uint64_t sbs_linux_micros(void);

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
