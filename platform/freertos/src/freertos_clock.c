/* SPDX-License-Identifier: Apache-2.0 */
#include <FreeRTOS.h>
#include <task.h>

#include "sbs/freertos.h"

static uint32_t last_tick, rounds; /* of the kernel's count, which begins anew after 2^32 */
static int64_t utc_at_set = SBS_UTC_UNKNOWN;
static uint64_t ms_at_set;

/* Within a critical section. */
static uint64_t count_ticks(void) {
    uint32_t tick = xTaskGetTickCount();
    if (tick < last_tick) {
        rounds++;
    }

    last_tick = tick;
    return (uint64_t)rounds << 32 | tick;
}

static uint64_t to_ms(uint64_t ticks) {
    return ticks * 1000u / configTICK_RATE_HZ;
}

uint64_t sbs_freertos_ms(void) {
    taskENTER_CRITICAL();
    uint64_t ticks = count_ticks();
    taskEXIT_CRITICAL();

    return to_ms(ticks);
}

sbs_now sbs_freertos_now(void) {
    taskENTER_CRITICAL();
    sbs_now now = {.mono_ms = to_ms(count_ticks()), .utc_s = SBS_UTC_UNKNOWN};
    if (utc_at_set != SBS_UTC_UNKNOWN) {
        now.utc_s = utc_at_set + (int64_t)((now.mono_ms - ms_at_set) / 1000u);
    }
    taskEXIT_CRITICAL();

    return now;
}

void sbs_freertos_set_utc(int64_t utc_s) {
    taskENTER_CRITICAL();
    utc_at_set = utc_s;
    ms_at_set = to_ms(count_ticks());
    taskEXIT_CRITICAL();
}
