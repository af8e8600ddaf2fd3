/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_rtos.h
 * What an RTOS takes from this layer, and what it puts in its place. A program without one uses none of this.
 *
 * Where the layer has a function of its own that is marked "replaced", that one is weak: the RTOS's port defines it
 * anew (platform/freertos/board does), as it does __malloc_lock() and __malloc_unlock() of the C library.
 */
#ifndef SBS_BAREMETAL_RTOS_H
#define SBS_BAREMETAL_RTOS_H

#include <stdbool.h>
#include <stdint.h>

/** The vector of SVCall. Replaced; without an RTOS it leaves the last word "interrupt" and resets. */
void sbs_baremetal_svcall(void);
/** The vector of PendSV. Replaced; the same. */
void sbs_baremetal_pendsv(void);
/** The vector of SysTick. Replaced; it does nothing but call sbs_baremetal_tick(). */
void sbs_baremetal_systick(void);

/** From the interrupt of SysTick, once for each: counts the clock, and feeds the watchdog where time was granted. */
void sbs_baremetal_tick(void);

/** SysTick's interrupt comes every @p period_ms from now on (1 to SBS_BAREMETAL_IDLE_MAX_MS): the RTOS's tick. The
 *  clock goes on. */
void sbs_baremetal_clock_period(uint32_t period_ms);

/** Turns memory protection off, and on again. An RTOS's first step reads the start of its stack from the vectors, which
 *  lie where NULL does: off before the scheduler is started, on in the first SVCall. */
void sbs_baremetal_protect(bool on);

#endif
