/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_watchdog.h"

#include <stdbool.h>

#include "baremetal_internal.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"

static volatile bool started;
static volatile uint32_t granted_until; /* low bits of the clock: one word, so that it changes at once */
static volatile bool granted;

void sbs_baremetal_watchdog_start(uint32_t timeout_ms) {
    sbs_board_watchdog_start(timeout_ms);

    sbs_baremetal_fault_watchdog_started();
    started = true;
}

void sbs_baremetal_watchdog_alive(void) {
    granted = false;

    if (started) {
        sbs_board_watchdog_feed();
    }
}

void sbs_baremetal_watchdog_grant(uint32_t duration_ms) {
    uint32_t until = (uint32_t)sbs_baremetal_ms() + duration_ms;

    /* An earlier grant that lasts longer stays. The difference is right also where the clock's low bits wrap round. */
    if (!granted || (int32_t)(until - granted_until) > 0) {
        granted_until = until;
        granted = true;
    }
}

void sbs_baremetal_watchdog_tick(uint64_t ms) {
    if (!started || !granted) {
        return;
    }

    /* As long as the grant lasts the program need not say that it is alive. */
    if ((int32_t)(granted_until - (uint32_t)ms) > 0) {
        sbs_board_watchdog_feed();
    } else {
        granted = false;
    }
}
