/* SPDX-License-Identifier: Apache-2.0 */
/* The clock of lwIP without an operating system; with one it is sys_arch's. */
#include "lwip_internal.h"

#if NO_SYS
/* lwIP's clock starts when it is first told the time: a process's monotonic clock may be anywhere. */
static uint64_t clock_origin_ms;
static uint32_t clock_ms;
static bool clock_started;

void sbs_lwip_clock_set(uint64_t mono_ms) {
    if (!clock_started) {
        clock_origin_ms = mono_ms;
        clock_started = true;
    }
    clock_ms = (uint32_t)(mono_ms - clock_origin_ms);
}

u32_t sys_now(void) {
    return clock_ms;
}
#endif
