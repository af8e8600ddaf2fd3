/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_watchdog.h"

#include <stdbool.h>

#include "baremetal_internal.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"

static volatile bool started;
static volatile uint32_t granted_until; /* low bits of the clock: one word, so that it changes at once */
static volatile bool granted;
static volatile bool heard;                 /* fed since the last tick of the clock */
static volatile uint32_t heard_ms, tick_ms; /* the first tick after a feed, and the last one; low bits of the clock */
static uint32_t patience_ms;
static volatile bool forgiven;

void sbs_baremetal_watchdog_start(uint32_t timeout_ms) {
    if (timeout_ms > SBS_BAREMETAL_WATCHDOG_MAX_MS) { /* more counts than a board's register holds */
        timeout_ms = SBS_BAREMETAL_WATCHDOG_MAX_MS;
    }
    patience_ms = timeout_ms;
    heard = true;
    sbs_board_watchdog_start(timeout_ms);

    sbs_baremetal_fault_watchdog_started();
    started = true;
}

void sbs_baremetal_watchdog_alive(void) {
    granted = false;
    heard = true;

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
    tick_ms = (uint32_t)ms;
    if (heard) {
        heard_ms = tick_ms;
        heard = false;
        forgiven = false;
    }
    if (!started || !granted) {
        return;
    }

    /* As long as the grant lasts the program need not say that it is alive. */
    if ((int32_t)(granted_until - tick_ms) > 0) {
        heard = true;
        sbs_board_watchdog_feed();
    } else {
        granted = false;
    }
}

/*
 * A program that hangs sees the clock go on. Where the clock saw less than half of the time that the watchdog saw, the
 * processor was held, not the program: by a debugger, or by the host of an emulator. It gets one more period, and only
 * one: a program that holds back the clock's interrupt looks the same. "used": only assembly calls it.
 */
__attribute__((used)) bool sbs_baremetal_watchdog_forgives(void) {
    if (forgiven || (!heard && tick_ms - heard_ms >= patience_ms / 2u)) {
        return false;
    }

    forgiven = true;
    sbs_board_watchdog_feed();
    return true;
}
