/* SPDX-License-Identifier: Apache-2.0 */
/* A task's sleep, and who ends it. */
#include <FreeRTOS.h>
#include <task.h>

#include "sbs/freertos.h"

void sbs_freertos_wake(void *task) {
    (void)xTaskNotifyGive((TaskHandle_t)task);
}

void sbs_freertos_sleep(uint32_t timeout_ms) {
    TickType_t ticks = portMAX_DELAY;
    if (timeout_ms != SBS_WAIT_FOREVER) {
        /* A part of a tick is a tick: a sleep of none would be no sleep. */
        ticks = (TickType_t)(((uint64_t)timeout_ms * configTICK_RATE_HZ + 999u) / 1000u);
    }

    (void)ulTaskNotifyTake(pdTRUE, ticks);
}
