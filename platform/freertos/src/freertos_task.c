/* SPDX-License-Identifier: Apache-2.0 */
/* A task's sleep, and a lock between tasks. */
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

void sbs_freertos_lock_init(sbs_freertos_lock *lock) {
    lock->handle = xSemaphoreCreateMutexStatic(&lock->memory);
}

void sbs_freertos_lock_take(void *lock) {
    (void)xSemaphoreTake(((sbs_freertos_lock *)lock)->handle, portMAX_DELAY);
}

void sbs_freertos_lock_give(void *lock) {
    (void)xSemaphoreGive(((sbs_freertos_lock *)lock)->handle);
}
