/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/freertos_lock.h"

#include <FreeRTOS.h>
#include <semphr.h>

_Static_assert(sizeof(StaticSemaphore_t) <= sizeof((sbs_freertos_lock *)NULL)->memory,
               "set SBS_FREERTOS_LOCK_WORDS: the kernel's configuration makes a mutex larger");

void sbs_freertos_lock_init(sbs_freertos_lock *lock) {
    lock->handle = xSemaphoreCreateMutexStatic((StaticSemaphore_t *)(void *)lock->memory);
}

void sbs_freertos_lock_take(void *lock) {
    (void)xSemaphoreTake(((sbs_freertos_lock *)lock)->handle, portMAX_DELAY);
}

void sbs_freertos_lock_give(void *lock) {
    (void)xSemaphoreGive(((sbs_freertos_lock *)lock)->handle);
}
