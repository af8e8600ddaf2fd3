/* SPDX-License-Identifier: Apache-2.0 */
/* Sleep until something happens. Where tasks sleep, an RTOS has its own way of waking them. */
#include <stdbool.h>

#include "sbs/baremetal_clock.h"
#include "sbs/cortex_m.h"

static volatile bool awake;

__attribute__((weak)) void sbs_baremetal_wake(void) {
    awake = true;
}

/* With interrupts held back, none can come between the question and the sleep; a pending one ends the sleep. */
void sbs_baremetal_idle(void) {
    uint32_t state = sbs_cortex_m_lock();

    if (!awake) {
        __asm__ volatile("wfi" ::: "memory");
    }
    awake = false;

    sbs_cortex_m_unlock(state);
}
