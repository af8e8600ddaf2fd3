/* SPDX-License-Identifier: Apache-2.0 */
/* As much of CMSIS-RTOS2 as the template takes, on FreeRTOS, so that the template is run. Not from interrupts.
 * Priorities are FreeRTOS's. */
#include "cmsis_os2.h"

#include <FreeRTOS.h>
#include <queue.h>
#include <semphr.h>
#include <task.h>

static osStatus_t result(BaseType_t done) {
    return done == pdTRUE ? osOK : osErrorTimeout;
}

/* ---- kernel ------------------------------------------------------------------------------------------------------ */

int32_t osKernelLock(void) {
    int32_t was = xTaskGetSchedulerState() == taskSCHEDULER_SUSPENDED;
    if (was == 0) {
        vTaskSuspendAll();
    }

    return was;
}

int32_t osKernelRestoreLock(int32_t lock) {
    if (lock == 0) {
        (void)xTaskResumeAll();
    }

    return lock;
}

uint32_t osKernelGetTickCount(void) {
    return xTaskGetTickCount();
}

uint32_t osKernelGetTickFreq(void) {
    return configTICK_RATE_HZ;
}

osStatus_t osDelay(uint32_t ticks) {
    vTaskDelay(ticks);
    return osOK;
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

osThreadId_t osThreadNew(osThreadFunc_t function, void *argument, const osThreadAttr_t *attributes) {
    TaskHandle_t task = NULL;
    (void)xTaskCreate(function, attributes->name, (uint16_t)(attributes->stack_size / sizeof(StackType_t)), argument,
                      (UBaseType_t)attributes->priority, &task);
    return task;
}

uint32_t osThreadFlagsSet(osThreadId_t thread, uint32_t flags) {
    (void)xTaskNotify(thread, flags, eSetBits);
    return flags;
}

uint32_t osThreadFlagsWait(uint32_t flags, uint32_t options, uint32_t timeout) {
    uint32_t got = 0;
    (void)options;
    (void)xTaskNotifyWait(0, flags, &got, timeout);
    return got;
}

/* ---- mutexes, semaphores, queues --------------------------------------------------------------------------------- */

osMutexId_t osMutexNew(const osMutexAttr_t *attributes) {
    (void)attributes; /* FreeRTOS's inherit priorities */
    return xSemaphoreCreateRecursiveMutex();
}

osStatus_t osMutexAcquire(osMutexId_t mutex, uint32_t timeout) {
    return result(xSemaphoreTakeRecursive(mutex, timeout));
}

osStatus_t osMutexRelease(osMutexId_t mutex) {
    return result(xSemaphoreGiveRecursive(mutex));
}

osStatus_t osMutexDelete(osMutexId_t mutex) {
    vSemaphoreDelete(mutex);
    return osOK;
}

osSemaphoreId_t osSemaphoreNew(uint32_t most, uint32_t count, const osSemaphoreAttr_t *attributes) {
    (void)attributes;
    return xSemaphoreCreateCounting(most, count);
}

osStatus_t osSemaphoreAcquire(osSemaphoreId_t semaphore, uint32_t timeout) {
    return result(xSemaphoreTake((SemaphoreHandle_t)semaphore, timeout));
}

osStatus_t osSemaphoreRelease(osSemaphoreId_t semaphore) {
    return result(xSemaphoreGive((SemaphoreHandle_t)semaphore));
}

osStatus_t osSemaphoreDelete(osSemaphoreId_t semaphore) {
    vSemaphoreDelete((SemaphoreHandle_t)semaphore);
    return osOK;
}

osMessageQueueId_t osMessageQueueNew(uint32_t count, uint32_t size, const osMessageQueueAttr_t *attributes) {
    (void)attributes;
    return xQueueCreate(count, size);
}

osStatus_t osMessageQueuePut(osMessageQueueId_t queue, const void *message, uint8_t priority, uint32_t timeout) {
    (void)priority;
    return result(xQueueSend(queue, message, timeout));
}

osStatus_t osMessageQueueGet(osMessageQueueId_t queue, void *message, uint8_t *priority, uint32_t timeout) {
    (void)priority;
    return result(xQueueReceive(queue, message, timeout));
}

osStatus_t osMessageQueueDelete(osMessageQueueId_t queue) {
    vQueueDelete(queue);
    return osOK;
}
