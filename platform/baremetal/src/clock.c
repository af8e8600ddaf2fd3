/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/baremetal_clock.h"

#include "baremetal_internal.h"
#include "sbs/baremetal_rtos.h"
#include "sbs/board.h"
#include "sbs/cortex_m.h"

#ifndef SBS_BUILD_TIME
#error "the build defines SBS_BUILD_TIME, seconds since 1970"
#endif

#define SYST_RUN_WITH_INTERRUPT 7u /* processor clock, interrupt, enable */
#define SYST_COUNT_MAX 0xFFFFFFu
#define ICSR_SYSTICK_PENDING (1u << 26)
#define ICSR_SYSTICK_CLEAR (1u << 25)
#define SYSTICK_PRIORITY (SBS_PRIORITY_DEVICE << 24)

static volatile uint64_t counted; /* counts of the periods that are over */
static uint32_t counts_per_ms, period;
static int64_t utc_bound = SBS_BUILD_TIME;
static int64_t utc_at_set = SBS_UTC_UNKNOWN;
static uint64_t ms_at_set;

uint64_t sbs_baremetal_clock_tick(void) {
    counted += period;

    return counted / counts_per_ms;
}

/* Any write to the count clears it, so that the first period is a whole one. */
static void start_period(uint32_t period_ms) {
    period = counts_per_ms * period_ms;

    SBS_SYST_RVR = period - 1u;
    SBS_SYST_CVR = 0;
    SBS_SYST_CSR = SYST_RUN_WITH_INTERRUPT;
}

/* The period is long, as interrupts that come late may not be lost: in an emulator the host may be busy. */
void sbs_baremetal_clock_start(void) {
    counts_per_ms = sbs_board_systick_hz() / 1000u;
    uint32_t period_ms = SYST_COUNT_MAX / counts_per_ms;
    if (period_ms > SBS_BAREMETAL_IDLE_MAX_MS) {
        period_ms = SBS_BAREMETAL_IDLE_MAX_MS;
    }

    SBS_SCB_SHPR3 |= SYSTICK_PRIORITY;
    start_period(period_ms);
}

/* The interrupt comes as the count reaches 0, the period's first one. */
static uint64_t counts_at(uint64_t before, uint32_t left) {
    if (left == 0) {
        return before;
    }

    return before + (period - left);
}

uint64_t sbs_baremetal_ms_now(void) {
    if (counts_per_ms == 0) { /* the clock does not run yet */
        return 0;
    }

    return counts_at(counted, SBS_SYST_CVR) / counts_per_ms;
}

/*
 * The interrupt may come between the halves of a number, or between the numbers: then it differs when read again. It
 * may also be due and not have come yet; then the period is over all the same. A count of 0 can be either side of that.
 */
uint64_t sbs_baremetal_ticks(void) {
    uint64_t before, after = counted;
    uint32_t left, due;

    do {
        before = after;
        left = SBS_SYST_CVR;
        due = SBS_SCB_ICSR & ICSR_SYSTICK_PENDING;
        if (due != 0) { /* the count of before may be of the period that is over */
            left = SBS_SYST_CVR;
        }
        after = counted;
    } while (before != after || left == 0);

    if (due != 0) {
        after += period;
    }
    return counts_at(after, left);
}

uint64_t sbs_baremetal_ms(void) {
    return sbs_baremetal_ticks() / counts_per_ms;
}

uint32_t sbs_baremetal_ticks_per_second(void) {
    return counts_per_ms * 1000u;
}

uint64_t sbs_baremetal_us(void) {
    return sbs_baremetal_ticks() * 1000u / counts_per_ms;
}

/* What has run of the period counts; a period that is over and not counted yet, too. */
void sbs_baremetal_clock_period(uint32_t period_ms) {
    uint32_t state = sbs_cortex_m_lock();

    counted = sbs_baremetal_ticks();
    SBS_SCB_ICSR = ICSR_SYSTICK_CLEAR;
    start_period(period_ms);
    sbs_cortex_m_unlock(state);
}

sbs_now sbs_baremetal_now(void) {
    /* Without a set clock the time is not known; the bound is not taken for it. */
    sbs_now now = {.mono_ms = sbs_baremetal_ms(), .utc_s = SBS_UTC_UNKNOWN};
    uint32_t state = sbs_cortex_m_lock(); /* another task may set it */

    if (utc_at_set != SBS_UTC_UNKNOWN) {
        now.utc_s = utc_at_set + ((int64_t)now.mono_ms - (int64_t)ms_at_set) / 1000;
    }

    sbs_cortex_m_unlock(state);
    return now;
}

sbs_status sbs_baremetal_set_utc(int64_t utc_s) {
    if (utc_s < utc_bound) {
        return SBS_ERR_ARGUMENT;
    }

    uint64_t ms = sbs_baremetal_ms();
    uint32_t state = sbs_cortex_m_lock();

    utc_at_set = utc_s;
    ms_at_set = ms;
    sbs_cortex_m_unlock(state);
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
