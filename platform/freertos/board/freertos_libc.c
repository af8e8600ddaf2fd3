/* SPDX-License-Identifier: Apache-2.0 */
/* newlib's allocator, which platform/baremetal's heap uses under this lock, for several tasks. */
#include <FreeRTOS.h>
#include <malloc.h>
#include <stdbool.h>
#include <task.h>

static bool has_tasks(void) {
    return xTaskGetSchedulerState() != taskSCHEDULER_NOT_STARTED;
}

/* May be nested, as newlib wants it. */
void __malloc_lock(struct _reent *context) {
    (void)context;
    if (has_tasks()) {
        vTaskSuspendAll();
    }
}

void __malloc_unlock(struct _reent *context) {
    (void)context;
    if (has_tasks()) {
        (void)xTaskResumeAll();
    }
}
