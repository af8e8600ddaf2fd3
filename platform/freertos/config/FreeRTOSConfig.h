/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FreeRTOS's configuration on the boards here, for V9 to V11. A product has its own: what libsbs needs of it is marked
 * "needed", and platform/freertos/README.md says why.
 */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include <stdint.h>

uint32_t sbs_board_systick_hz(void);
_Noreturn void __assert_func(const char *file, int line, const char *function, const char *expression);

#define configUSE_PREEMPTION 1
#define configCPU_CLOCK_HZ (sbs_board_systick_hz())
#define configTICK_RATE_HZ 1000u
#define configUSE_16_BIT_TICKS 0 /* needed by lwIP's port, too */
#define configMAX_PRIORITIES 8
#define configMINIMAL_STACK_SIZE 128    /* words; the idle task's */
#define configSTACK_DEPTH_TYPE uint32_t /* lwIP's port asks for it, and V9 has none */
#define configMAX_TASK_NAME_LEN 16
#define configIDLE_SHOULD_YIELD 1
#define configUSE_PORT_OPTIMISED_TASK_SELECTION 1
#define configUSE_IDLE_HOOK 0
#define configUSE_TICK_HOOK 0
#define configUSE_TIMERS 0
#define configUSE_CO_ROUTINES 0
#define configUSE_TRACE_FACILITY 0
#define configQUEUE_REGISTRY_SIZE 0

#define configUSE_MUTEXES 1           /* needed: priorities are inherited */
#define configUSE_RECURSIVE_MUTEXES 1 /* needed by lwIP's port */
#define configUSE_COUNTING_SEMAPHORES 1
#define configUSE_TASK_NOTIFICATIONS 1        /* needed: a task is woken by them */
#define configSUPPORT_STATIC_ALLOCATION 1     /* needed: a mutex has its memory, and making one cannot fail */
#define configSUPPORT_DYNAMIC_ALLOCATION 1    /* needed by lwIP's port */
#define configUSE_MALLOC_FAILED_HOOK 0        /* running out of memory is an error that is told, and no end */
#define configCHECK_FOR_STACK_OVERFLOW 2      /* at each switch: the last 16 bytes are still painted */
#define configENABLE_BACKWARD_COMPATIBILITY 1 /* lwIP's port says portTICK_RATE_MS */

#define INCLUDE_vTaskDelay 1
#define INCLUDE_vTaskDelayUntil 1
#define INCLUDE_vTaskDelete 1
#define INCLUDE_vTaskSuspend 1 /* needed: portMAX_DELAY waits for ever */
#define INCLUDE_xTaskGetCurrentTaskHandle 1
#define INCLUDE_xSemaphoreGetMutexHolder 1
#define INCLUDE_uxTaskGetStackHighWaterMark 1
#define INCLUDE_xTaskGetHandle 1
#define INCLUDE_xTaskGetSchedulerState 1

/* Interrupts that may call the kernel have 0x80 (SBS_PRIORITY_DEVICE); the watchdog, with 0, is never held back. */
#define configKERNEL_INTERRUPT_PRIORITY 0xFF
#define configMAX_SYSCALL_INTERRUPT_PRIORITY 0x40
/* The vectors are the board's, and go to the kernel by platform/freertos/board. */
#define configCHECK_HANDLER_INSTALLATION 0

#define configASSERT(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            __assert_func(__FILE__, __LINE__, __func__, #condition);                                                   \
        }                                                                                                              \
    } while (0)

#endif
