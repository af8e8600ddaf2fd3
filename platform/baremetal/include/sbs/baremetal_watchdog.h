/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_watchdog.h
 * The hardware watchdog. The main loop says that it is alive; an operation that is known to take long is granted its
 * time, and the SysTick interrupt feeds meanwhile. Whoever hangs is reset and told at the next start.
 *
 * A watchdog that counts on while a debugger, or an emulator's host, holds the processor would reset a healthy program.
 * The interrupt of its first stage compares: where SysTick counted less than half of the time, it feeds once, and the
 * program has one more period to say that it is alive. A program that hangs with interrupts held back is reset one
 * period later for that.
 */
#ifndef SBS_BAREMETAL_WATCHDOG_H
#define SBS_BAREMETAL_WATCHDOG_H

#include <stdint.h>

#define SBS_BAREMETAL_WATCHDOG_MAX_MS 60000u

/** Starts it: @p timeout_ms (500 to SBS_BAREMETAL_WATCHDOG_MAX_MS; a longer time is taken as that, and work that takes
 *  longer is granted) without a feed end the program. It cannot be stopped. */
void sbs_baremetal_watchdog_start(uint32_t timeout_ms);

/** The main loop is alive. Ends a grant, too. */
void sbs_baremetal_watchdog_alive(void);

/** The next @p duration_ms are granted: the program is ended timeout_ms after they are over, unless it is alive before.
 *  A longer grant that lasts is not shortened. */
void sbs_baremetal_watchdog_grant(uint32_t duration_ms);

#endif
