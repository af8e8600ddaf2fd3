/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_clock.h
 * Time on SysTick, for any task. But for sbs_baremetal_wake() none of this is for interrupt handlers.
 */
#ifndef SBS_BAREMETAL_CLOCK_H
#define SBS_BAREMETAL_CLOCK_H

#include <stdint.h>

#include "sbs/status.h"
#include "sbs/time.h"

/** Both clocks. The wall clock is SBS_UTC_UNKNOWN until it has been set. */
sbs_now sbs_baremetal_now(void);

/** Milliseconds since the start. */
uint64_t sbs_baremetal_ms(void);

/** For measurements: counts of SysTick's clock since the start. */
uint64_t sbs_baremetal_ticks(void);
/** How many of these make a second. */
uint32_t sbs_baremetal_ticks_per_second(void);
/** Microseconds since the start. */
uint64_t sbs_baremetal_us(void);

/** Sets the wall clock, seconds since 1970. SBS_ERR_ARGUMENT, and nothing changes, if that lies before the lower
 *  bound: somebody answers with a wrong time. */
SBS_NODISCARD sbs_status sbs_baremetal_set_utc(int64_t utc_s);

/** The time before which no true time lies: the build, or the latest time that sbs_baremetal_raise_utc_bound() was
 *  told. */
int64_t sbs_baremetal_utc_bound(void);
/** Raises that bound, to a time that was stored at an earlier start, say. An earlier one is ignored. */
void sbs_baremetal_raise_utc_bound(int64_t utc_s);

#define SBS_BAREMETAL_IDLE_MAX_MS 100u

/** For the one loop of a program without an RTOS. Sleeps until an interrupt: the console's, the Ethernet controller's,
 * or the clock's after at most SBS_BAREMETAL_IDLE_MAX_MS. Returns at once if one called sbs_baremetal_wake() since the
 * last time, so nothing that came while the main loop went round is slept over. */
void sbs_baremetal_idle(void);

/** From an interrupt handler or a driver: there is work for the main loop. An RTOS brings its own, which wakes a task.
 */
void sbs_baremetal_wake(void);

#endif
