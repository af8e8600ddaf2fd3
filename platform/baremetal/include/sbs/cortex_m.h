/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cortex_m.h
 * The registers of the ARMv7-M and ARMv8-M core that this layer and the boards use (ARM DDI 0403E part B, ARM DDI 0553B
 * part D).
 */
#ifndef SBS_CORTEX_M_H
#define SBS_CORTEX_M_H

#include <stdint.h>

#define SBS_REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define SBS_SYST_CSR SBS_REGISTER(0xE000E010u)
#define SBS_SYST_RVR SBS_REGISTER(0xE000E014u)
#define SBS_SYST_CVR SBS_REGISTER(0xE000E018u)
#define SBS_NVIC_ISER(n) SBS_REGISTER(0xE000E100u + 4u * (n))
#define SBS_NVIC_IPR(number) (*(volatile uint8_t *)(uintptr_t)(0xE000E400u + (number)))
#define SBS_SCB_ICSR SBS_REGISTER(0xE000ED04u)
#define SBS_SCB_VTOR SBS_REGISTER(0xE000ED08u)
#define SBS_SCB_AIRCR SBS_REGISTER(0xE000ED0Cu)
#define SBS_SCB_SHPR3 SBS_REGISTER(0xE000ED20u)
#define SBS_SCB_SHCSR SBS_REGISTER(0xE000ED24u)
#define SBS_SCB_CFSR SBS_REGISTER(0xE000ED28u)
#define SBS_SCB_HFSR SBS_REGISTER(0xE000ED2Cu)
#define SBS_SCB_MMFAR SBS_REGISTER(0xE000ED34u)
#define SBS_SCB_BFAR SBS_REGISTER(0xE000ED38u)
#define SBS_MPU_TYPE SBS_REGISTER(0xE000ED90u)
#define SBS_MPU_CTRL SBS_REGISTER(0xE000ED94u)
#define SBS_MPU_RNR SBS_REGISTER(0xE000ED98u)
#define SBS_MPU_RBAR SBS_REGISTER(0xE000ED9Cu)
#define SBS_MPU_RASR SBS_REGISTER(0xE000EDA0u)  /* ARMv7-M */
#define SBS_MPU_RLAR SBS_REGISTER(0xE000EDA0u)  /* ARMv8-M */
#define SBS_MPU_MAIR0 SBS_REGISTER(0xE000EDC0u) /* ARMv8-M */

/** Priorities: a lower number goes first. The watchdog goes before everything that could hang; devices and the clock
 *  stand where an RTOS lets interrupts call it (FreeRTOS: at or below configMAX_SYSCALL_INTERRUPT_PRIORITY). */
#define SBS_PRIORITY_WATCHDOG 0x00u
#define SBS_PRIORITY_DEVICE 0x80u

/** Lets interrupt @p number through at @p priority. */
static inline void sbs_cortex_m_enable_interrupt_at(unsigned number, uint8_t priority) {
    SBS_NVIC_IPR(number) = priority;
    SBS_NVIC_ISER(number / 32u) = 1u << (number % 32u);
}

/** Lets interrupt @p number of a device through. */
static inline void sbs_cortex_m_enable_interrupt(unsigned number) {
    sbs_cortex_m_enable_interrupt_at(number, SBS_PRIORITY_DEVICE);
}

/** Holds interrupts back; what it returns is for sbs_cortex_m_unlock(). */
static inline uint32_t sbs_cortex_m_lock(void) {
    uint32_t state;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(state)::"memory");
    return state;
}

static inline void sbs_cortex_m_unlock(uint32_t state) {
    __asm__ volatile("msr primask, %0" ::"r"(state) : "memory");
}

/** Resets the microcontroller by the core's own request. */
_Noreturn static inline void sbs_cortex_m_reset(void) {
    __asm__ volatile("dsb" ::: "memory");
    SBS_SCB_AIRCR = 0x05FA0004u; /* VECTKEY | SYSRESETREQ */
    for (;;) {
    }
}

#endif
