/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_watchdog.h
 * The hardware watchdog. The main loop says that it is alive; an operation that is known to take long is granted its
 * time, and the SysTick interrupt feeds meanwhile. Whoever hangs is reset and told at the next start.
 */
#ifndef SBS_BAREMETAL_WATCHDOG_H
#define SBS_BAREMETAL_WATCHDOG_H

#include <stdint.h>

/** Starts it: @p timeout_ms (500 to 60000) without a feed end the program. It cannot be stopped. */
void sbs_baremetal_watchdog_start(uint32_t timeout_ms);

/** The main loop is alive. Ends a grant, too. */
void sbs_baremetal_watchdog_alive(void);

/** The next @p duration_ms are granted: the program is ended timeout_ms after they are over, unless it is alive before.
 *  A longer grant that lasts is not shortened. */
void sbs_baremetal_watchdog_grant(uint32_t duration_ms);

#endif
