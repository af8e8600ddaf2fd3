/* SPDX-License-Identifier: Apache-2.0 */
/* What happens with each tick of the clock. */
#include "baremetal_internal.h"
#include "sbs/baremetal_rtos.h"

void sbs_baremetal_tick(void) {
    sbs_baremetal_watchdog_tick(sbs_baremetal_clock_tick());
}
