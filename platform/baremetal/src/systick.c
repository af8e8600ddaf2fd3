/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt of the clock, and who runs with it. */
#include "baremetal_internal.h"
#include "sbs/baremetal_rtos.h"

void sbs_baremetal_tick(void) {
    sbs_baremetal_watchdog_tick(sbs_baremetal_clock_tick());
}

__attribute__((weak)) void sbs_baremetal_systick(void) {
    sbs_baremetal_tick();
}
