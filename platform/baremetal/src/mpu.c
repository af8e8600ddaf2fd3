/* SPDX-License-Identifier: Apache-2.0 */
/* The memory map as the program may use it: flash is read, RAM holds no code, and neither the first bytes of the
 * address space (NULL) nor what lies below the stack may be touched. ARMv7-M and ARMv8-M say it in two languages. */
#include "baremetal_internal.h"
#include "baremetal_ld.h"
#include "sbs/baremetal_rtos.h"
#include "sbs/cortex_m.h"

#define ADDRESS_OF(symbol) ((uint32_t)(uintptr_t)(symbol))

#define CTRL_ENABLE 1u
#define CTRL_DEFAULT_MAP 4u     /* PRIVDEFENA: elsewhere the default memory map holds */
#define SHCSR_FAULTS (7u << 16) /* usage, bus and memory faults have handlers of their own */
#define TYPE_REGIONS(type) (((type) >> 8) & 0xFFu)

static unsigned missing;

#if __ARM_ARCH >= 8

/* ARM DDI 0553B B11 and D1.2: regions have a beginning and an end, and may not overlap; none of them can say "no
 * access". So the default map is left out, and what may be used is named. */
#define RBAR_READ_WRITE (0u << 1)
#define RBAR_READ_ONLY (2u << 1)
#define RBAR_NO_EXECUTE 1u
#define RLAR_ENABLE 1u
#define RLAR_NORMAL (0u << 1) /* attributes 0 of MAIR0 */
#define RLAR_DEVICE (1u << 1) /* attributes 1 */
#define MAIR_NORMAL 0xFFu     /* write-back, as the default map has it */
#define MAIR_DEVICE 0x04u     /* nGnRE */
#define REGIONS 8u

#define CODE_END 0x20000000u
#define SRAM_END 0x40000000u
#define PERIPHERALS_END 0x60000000u
#define EXTERNAL_RAM_END 0xA0000000u
#define EXTERNAL_DEVICES_END 0xE0000000u /* the core's own registers, above, are always there */

static uint32_t region_count;

/* From @p base up to @p end, which does not belong to it; both at multiples of 32. Nothing, if that is empty. */
static void allow(uint32_t base, uint32_t end, uint32_t access, uint32_t kind) {
    if (base >= end) {
        return;
    }

    SBS_MPU_RNR = region_count;
    SBS_MPU_RBAR = base | access;
    SBS_MPU_RLAR = ((end - 1u) & ~0x1Fu) | kind | RLAR_ENABLE;
    region_count++;
}

static void set_regions(void) {
    uint32_t flash = ADDRESS_OF(sbs_ld_flash_start);
    uint32_t flash_end = flash + ADDRESS_OF(sbs_ld_flash_size);
    uint32_t ram = ADDRESS_OF(sbs_ld_ram_start);
    uint32_t ram_end = ram + ADDRESS_OF(sbs_ld_ram_size);
    uint32_t null_end = flash == 0 ? ADDRESS_OF(sbs_ld_vectors_size) : flash;

    SBS_MPU_MAIR0 = MAIR_NORMAL | MAIR_DEVICE << 8;
    region_count = 0;
    allow(null_end, flash_end, RBAR_READ_ONLY, RLAR_NORMAL);
    allow(ram, ram_end, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_NORMAL);

    /* The rest as the default map has it, but that nothing of it is executed: factory data beside the flash, memory
     * below the guard and above RAM, and devices. */
    allow(flash_end, CODE_END, RBAR_READ_ONLY | RBAR_NO_EXECUTE, RLAR_NORMAL);
    allow(CODE_END, ram - SBS_STACK_GUARD_SIZE, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_NORMAL);
    allow(ram_end, SRAM_END, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_NORMAL);
    allow(SRAM_END, PERIPHERALS_END, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_DEVICE);
    allow(PERIPHERALS_END, EXTERNAL_RAM_END, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_NORMAL);
    allow(EXTERNAL_RAM_END, EXTERNAL_DEVICES_END, RBAR_READ_WRITE | RBAR_NO_EXECUTE, RLAR_DEVICE);
}

#define CTRL_ON CTRL_ENABLE

#else

/* ARM DDI 0403E B3.5: regions are powers of two at multiples of their size, and a higher number goes before a lower
 * one; what is not named is as the core has it. */
#define RASR_ENABLE 1u
#define RASR_NORMAL ((1u << 17) | (1u << 16)) /* C, B: write-back */
#define RASR_NO_ACCESS (0u << 24)
#define RASR_READ_WRITE (3u << 24)
#define RASR_READ_ONLY (6u << 24)
#define RASR_NO_EXECUTE (1u << 28)
#define REGIONS 4u
#define CTRL_ON (CTRL_ENABLE | CTRL_DEFAULT_MAP)

/* The smallest region that holds all of it. Flash behind a boot loader need not begin at a multiple of its size. */
static void set_region(uint32_t number, uint32_t base, uint32_t size, uint32_t attributes) {
    uint32_t exponent = 31u - (uint32_t)__builtin_clz(size);
    while (((base ^ (base + size - 1u)) >> exponent) != 0) {
        exponent++;
    }

    SBS_MPU_RBAR = (base >> exponent << exponent) | 0x10u | number;
    SBS_MPU_RASR = attributes | ((exponent - 1u) << 1) | RASR_ENABLE;
}

static void set_regions(void) {
    uint32_t ram = ADDRESS_OF(sbs_ld_ram_start);

    set_region(0, ADDRESS_OF(sbs_ld_flash_start), ADDRESS_OF(sbs_ld_flash_size), RASR_READ_ONLY | RASR_NORMAL);
    set_region(1, ram, ADDRESS_OF(sbs_ld_ram_size), RASR_READ_WRITE | RASR_NO_EXECUTE | RASR_NORMAL);
    set_region(2, 0, ADDRESS_OF(sbs_ld_vectors_size), RASR_NO_ACCESS | RASR_NO_EXECUTE);
    set_region(3, ram - SBS_STACK_GUARD_SIZE, SBS_STACK_GUARD_SIZE, RASR_NO_ACCESS | RASR_NO_EXECUTE);
}

#endif

unsigned sbs_baremetal_mpu_missing(void) {
    return missing;
}

void sbs_baremetal_mpu_start(void) {
    uint32_t there = TYPE_REGIONS(SBS_MPU_TYPE);
    SBS_SCB_SHCSR |= SHCSR_FAULTS;
    if (there < REGIONS) {
        missing = REGIONS - there;
        return;
    }

    set_regions();
    sbs_baremetal_protect(true);
}

void sbs_baremetal_protect(bool on) {
    uint32_t control = 0;
    if (on && missing == 0) {
        control = CTRL_ON;
    }

    SBS_MPU_CTRL = control;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
