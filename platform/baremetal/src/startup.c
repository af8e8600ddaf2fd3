/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "baremetal_internal.h"
#include "baremetal_ld.h"
#include "sbs/baremetal_rtos.h"
#include "sbs/baremetal_stack.h"
#include "sbs/baremetal_vectors.h"
#include "sbs/board.h"
#include "sbs/cortex_m.h"

#define PAINT 0x57ACC57Au

int main(void);

typedef union vector {
    uint32_t *stack;
    sbs_baremetal_vector handler;
} vector;

/* ARM DDI 0403E B1.5.2 and B1.5.3; ARM DDI 0553B B3.8 has a seventh. */
__attribute__((section(".vectors"), used)) static const vector core_vectors[16] = {
    {.stack = sbs_ld_stack_top},
    {.handler = sbs_baremetal_reset},
    {.handler = sbs_baremetal_watchdog_expired}, /* NMI */
    {.handler = sbs_baremetal_fault},            /* HardFault */
    {.handler = sbs_baremetal_fault},            /* MemManage */
    {.handler = sbs_baremetal_fault},            /* BusFault */
    {.handler = sbs_baremetal_fault},            /* UsageFault */
    {.handler = sbs_baremetal_fault},            /* SecureFault, of ARMv8-M alone */
    {.handler = sbs_baremetal_unexpected},
    {.handler = sbs_baremetal_unexpected},
    {.handler = sbs_baremetal_unexpected},
    {.handler = sbs_baremetal_svcall},
    {.handler = sbs_baremetal_unexpected}, /* DebugMonitor */
    {.handler = sbs_baremetal_unexpected},
    {.handler = sbs_baremetal_pendsv},
    {.handler = sbs_baremetal_systick},
};

/* An RTOS has its own. */
__attribute__((weak)) void sbs_baremetal_systick(void) {
    sbs_baremetal_tick();
}

static void paint_stack(void) {
    uint32_t *here;
    __asm__ volatile("mov %0, sp" : "=r"(here));

    for (volatile uint32_t *at = sbs_ld_stack_bottom; at < here; at++) {
        *at = PAINT;
    }
}

/* Plain loops: neither memcpy nor memset may be called while there is no data yet. */
static void fill_memory(void) {
    const uint32_t *from = sbs_ld_data_load;

    for (volatile uint32_t *to = sbs_ld_data_start; to < sbs_ld_data_end; to++) {
        *to = *from++;
    }

    for (volatile uint32_t *to = sbs_ld_bss_start; to < sbs_ld_bss_end; to++) {
        *to = 0;
    }
}

void sbs_baremetal_reset(void) {
    paint_stack();
    fill_memory();

    SBS_SCB_VTOR = (uint32_t)(uintptr_t)core_vectors; /* a boot loader may have left its own */

    /* From here on what goes wrong is told: the board comes after the faults. */
    sbs_baremetal_mpu_start();
    sbs_baremetal_fault_start();
    sbs_board_init();
    sbs_baremetal_clock_start();

    sbs_board_exit(main());
}

size_t sbs_baremetal_stack_size(void) {
    return (size_t)(sbs_ld_stack_top - sbs_ld_stack_bottom) * sizeof(uint32_t);
}

size_t sbs_baremetal_stack_high_water(void) {
    const volatile uint32_t *at = sbs_ld_stack_bottom;

    while (at < sbs_ld_stack_top && *at == PAINT) {
        at++;
    }

    return (size_t)(sbs_ld_stack_top - at) * sizeof(uint32_t);
}
