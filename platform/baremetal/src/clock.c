/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_clock.h"

#include "baremetal_internal.h"
#include "sbs/board.h"
#include "sbs/cortex_m.h"

#ifndef SBS_BUILD_TIME
#error "the build defines SBS_BUILD_TIME, seconds since 1970"
#endif

#define SYST_RUN_WITH_INTERRUPT 7u /* processor clock, interrupt, enable */
#define SYSTICK_PRIORITY (0x80u << 24)

static volatile uint64_t elapsed_ms;
static uint32_t period; /* counts of a millisecond */
static int64_t utc_bound = SBS_BUILD_TIME;
static int64_t utc_at_set = SBS_UTC_UNKNOWN;
static uint64_t ms_at_set;

void sbs_baremetal_systick(void) {
    elapsed_ms++;
    sbs_baremetal_watchdog_tick(elapsed_ms);
}

void sbs_baremetal_clock_start(void) {
    period = sbs_board_systick_hz() / 1000u;
    SBS_SCB_SHPR3 |= SYSTICK_PRIORITY;
    SBS_SYST_RVR = period - 1u;
    SBS_SYST_CVR = 0;
    SBS_SYST_CSR = SYST_RUN_WITH_INTERRUPT;
}

uint64_t sbs_baremetal_ms_now(void) {
    return elapsed_ms;
}

/* The interrupt may come between the halves of the number: then it differs when it is read again. */
uint64_t sbs_baremetal_ms(void) {
    uint64_t before, after = elapsed_ms;
    do {
        before = after;
        after = elapsed_ms;
    } while (before != after);
    return after;
}

uint64_t sbs_baremetal_ticks(void) {
    uint64_t ms;
    uint32_t left;
    do {
        ms = sbs_baremetal_ms();
        left = SBS_SYST_CVR;
    } while (ms != sbs_baremetal_ms());
    /* The interrupt comes as the count reaches 0, the period's first one. */
    return ms * period + (left == 0 ? 0 : period - left);
}

uint32_t sbs_baremetal_ticks_per_second(void) {
    return period * 1000u;
}

uint64_t sbs_baremetal_us(void) {
    return sbs_baremetal_ticks() * 1000u / period;
}

sbs_now sbs_baremetal_now(void) {
    sbs_now now = {.mono_ms = sbs_baremetal_ms(), .utc_s = SBS_UTC_UNKNOWN};
    if (utc_at_set != SBS_UTC_UNKNOWN) {
        now.utc_s = utc_at_set + (int64_t)((now.mono_ms - ms_at_set) / 1000u);
    }
    return now;
}

sbs_status sbs_baremetal_set_utc(int64_t utc_s) {
    if (utc_s < utc_bound) {
        return SBS_ERR_ARGUMENT;
    }
    utc_at_set = utc_s;
    ms_at_set = sbs_baremetal_ms();
    return SBS_OK;
}

int64_t sbs_baremetal_utc_bound(void) {
    return utc_bound;
}

void sbs_baremetal_raise_utc_bound(int64_t utc_s) {
    if (utc_s > utc_bound) {
        utc_bound = utc_s;
    }
}

void sbs_baremetal_idle(void) {
    __asm__ volatile("wfi" ::: "memory");
}
