/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions, tick and the kernel's hooks: what platform/baremetal has of its own and leaves to an RTOS. */
#include "freertos_board.h"

#include <string.h>

#include "sbs/baremetal_clock.h"
#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_rtos.h"
#include "sbs/cortex_m.h"

/* The kernel's port. */
void vPortSVCHandler(void);
void xPortPendSVHandler(void);
void xPortSysTickHandler(void);
void vPortSetupTimerInterrupt(void);

/* The kernel's hooks. */
void vApplicationStackOverflowHook(TaskHandle_t task, char *name);
void vApplicationGetIdleTaskMemory(StaticTask_t **out_task, StackType_t **out_stack, uint32_t *out_words);

static volatile bool running; /* the scheduler has been started */
static TaskHandle_t listeners[SBS_FREERTOS_LISTENERS_MAX];
static volatile uint32_t listener_count;

/* ---- start and exceptions ---------------------------------------------------------------------------------------- */

void sbs_freertos_board_run(void) {
    sbs_baremetal_protect(false); /* until the kernel has read the vectors */
    vTaskStartScheduler();

    sbs_baremetal_panic("no memory for the scheduler");
}

/* Reached once: the kernel's start. */
__attribute__((naked)) void sbs_baremetal_svcall(void) {
    __asm__ volatile("push {r3, lr}\n\t"
                     "movs r0, #1\n\t"
                     "bl sbs_baremetal_protect\n\t"
                     "pop {r3, lr}\n\t"
                     "b vPortSVCHandler");
}

__attribute__((naked)) void sbs_baremetal_pendsv(void) {
    __asm__ volatile("b xPortPendSVHandler");
}

/* SysTick runs already, as the clock's: it becomes the kernel's tick, too. */
void vPortSetupTimerInterrupt(void) {
    sbs_baremetal_clock_period(1000u / configTICK_RATE_HZ);
    running = true;
}

void sbs_baremetal_systick(void) {
    sbs_baremetal_tick();

    if (running) {
        xPortSysTickHandler();
    }
}

/* ---- devices wake tasks ------------------------------------------------------------------------------------------ */

void sbs_freertos_board_listen(void) {
    taskENTER_CRITICAL();
    configASSERT(listener_count < SBS_FREERTOS_LISTENERS_MAX);
    listeners[listener_count] = xTaskGetCurrentTaskHandle();
    listener_count++;
    taskEXIT_CRITICAL();
}

static bool in_exception(void) {
    uint32_t number;
    __asm__ volatile("mrs %0, ipsr" : "=r"(number));
    return number != 0;
}

/* From a device's interrupt, or from its driver in a task. */
void sbs_baremetal_wake(void) {
    BaseType_t switch_now = pdFALSE;
    bool from_interrupt = in_exception();

    for (uint32_t i = 0; i < listener_count; i++) {
        if (from_interrupt) {
            vTaskNotifyGiveFromISR(listeners[i], &switch_now);
        } else {
            sbs_freertos_wake(listeners[i]);
        }
    }

    portYIELD_FROM_ISR(switch_now);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* One heap for all: the kernel's objects, TLS and frames. */
void *pvPortMalloc(size_t size) {
    return sbs_baremetal_malloc(size);
}

void vPortFree(void *memory) {
    sbs_baremetal_free(memory);
}

void vApplicationGetIdleTaskMemory(StaticTask_t **out_task, StackType_t **out_stack, uint32_t *out_words) {
    static StaticTask_t task;
    static StackType_t stack[configMINIMAL_STACK_SIZE];

    *out_task = &task;
    *out_stack = stack;
    *out_words = configMINIMAL_STACK_SIZE;
}

void vApplicationStackOverflowHook(TaskHandle_t task, char *name) {
    char note[SBS_CRASH_NOTE_SIZE] = "stack of ";
    (void)task;
    strncat(note, name, sizeof note - strlen(note) - 1u);

    sbs_baremetal_panic(note);
}
