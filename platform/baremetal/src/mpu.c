/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map as the program may use it (ARM DDI 0403E B3.5): what is not named here is as the core has it. */
#include "baremetal_internal.h"
#include "baremetal_ld.h"
#include "sbs/cortex_m.h"

#define VECTORS_SIZE 256u

#define RASR_ENABLE 1u
#define RASR_NORMAL ((1u << 17) | (1u << 16)) /* C, B: write-back */
#define RASR_NO_ACCESS (0u << 24)
#define RASR_READ_WRITE (3u << 24)
#define RASR_READ_ONLY (6u << 24)
#define RASR_NO_EXECUTE (1u << 28)
#define CTRL_ENABLE 1u
#define CTRL_DEFAULT_MAP 4u     /* PRIVDEFENA: elsewhere the default memory map holds */
#define SHCSR_FAULTS (7u << 16) /* usage, bus and memory faults have handlers of their own */

/* A region of at least @p size bytes; sizes are powers of two. A higher number goes before a lower one. */
static void set_region(uint32_t number, uint32_t base, uint32_t size, uint32_t attributes) {
    uint32_t exponent = 31u - (uint32_t)__builtin_clz(size);
    if ((size & (size - 1u)) != 0) {
        exponent++;
    }

    SBS_MPU_RBAR = base | 0x10u | number;
    SBS_MPU_RASR = attributes | ((exponent - 1u) << 1) | RASR_ENABLE;
}

void sbs_baremetal_mpu_start(void) {
    uint32_t ram = (uint32_t)(uintptr_t)sbs_ld_ram_start;

    set_region(0, (uint32_t)(uintptr_t)sbs_ld_flash_start, (uint32_t)(uintptr_t)sbs_ld_flash_size,
               RASR_READ_ONLY | RASR_NORMAL);
    set_region(1, ram, (uint32_t)(uintptr_t)sbs_ld_ram_size, RASR_READ_WRITE | RASR_NO_EXECUTE | RASR_NORMAL);

    /* A pointer that is NULL, and a stack that is too deep, end the program. */
    set_region(2, 0, VECTORS_SIZE, RASR_NO_ACCESS | RASR_NO_EXECUTE);
    set_region(3, ram - SBS_STACK_GUARD_SIZE, SBS_STACK_GUARD_SIZE, RASR_NO_ACCESS | RASR_NO_EXECUTE);

    SBS_MPU_CTRL = CTRL_ENABLE | CTRL_DEFAULT_MAP;
    SBS_SCB_SHCSR |= SHCSR_FAULTS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
