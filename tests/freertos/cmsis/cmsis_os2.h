/* SPDX-License-Identifier: Apache-2.0 */
/* What port/template/cmsis_rtos2 uses of CMSIS-RTOS2 2.1, declared anew for the tests: a product has its vendor's
 * header. */
#ifndef CMSIS_OS2_H
#define CMSIS_OS2_H

#include <stdint.h>

#define osWaitForever 0xFFFFFFFFU
#define osFlagsWaitAny 0U
#define osMutexRecursive 1U
#define osMutexPrioInherit 2U

typedef enum { osOK = 0, osError = -1, osErrorTimeout = -2 } osStatus_t;
typedef int32_t osPriority_t;
typedef void (*osThreadFunc_t)(void *argument);
typedef void *osThreadId_t;
typedef void *osMutexId_t;
typedef void *osSemaphoreId_t;
typedef void *osMessageQueueId_t;

typedef struct {
    const char *name;
    uint32_t attr_bits;
    void *cb_mem;
    uint32_t cb_size;
    void *stack_mem;
    uint32_t stack_size;
    osPriority_t priority;
} osThreadAttr_t;

typedef struct {
    const char *name;
    uint32_t attr_bits;
    void *cb_mem;
    uint32_t cb_size;
} osMutexAttr_t;

typedef osMutexAttr_t osSemaphoreAttr_t;
typedef osMutexAttr_t osMessageQueueAttr_t;

int32_t osKernelLock(void);
int32_t osKernelRestoreLock(int32_t lock);
uint32_t osKernelGetTickCount(void);
uint32_t osKernelGetTickFreq(void);
osStatus_t osDelay(uint32_t ticks);

osThreadId_t osThreadNew(osThreadFunc_t function, void *argument, const osThreadAttr_t *attributes);
uint32_t osThreadFlagsSet(osThreadId_t thread, uint32_t flags);
uint32_t osThreadFlagsWait(uint32_t flags, uint32_t options, uint32_t timeout);

osMutexId_t osMutexNew(const osMutexAttr_t *attributes);
osStatus_t osMutexAcquire(osMutexId_t mutex, uint32_t timeout);
osStatus_t osMutexRelease(osMutexId_t mutex);
osStatus_t osMutexDelete(osMutexId_t mutex);

osSemaphoreId_t osSemaphoreNew(uint32_t most, uint32_t count, const osSemaphoreAttr_t *attributes);
osStatus_t osSemaphoreAcquire(osSemaphoreId_t semaphore, uint32_t timeout);
osStatus_t osSemaphoreRelease(osSemaphoreId_t semaphore);
osStatus_t osSemaphoreDelete(osSemaphoreId_t semaphore);

osMessageQueueId_t osMessageQueueNew(uint32_t count, uint32_t size, const osMessageQueueAttr_t *attributes);
osStatus_t osMessageQueuePut(osMessageQueueId_t queue, const void *message, uint8_t priority, uint32_t timeout);
osStatus_t osMessageQueueGet(osMessageQueueId_t queue, void *message, uint8_t *priority, uint32_t timeout);
osStatus_t osMessageQueueDelete(osMessageQueueId_t queue);

#endif
