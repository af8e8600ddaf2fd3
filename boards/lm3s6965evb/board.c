/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/board.h"

#include "lm3s6965.h"
#include "sbs/baremetal_vectors.h"
#include "sbs/semihosting_emulation_only.h"

#define SECTOR_SIZE 4096u
#define STORAGE_SECTORS 16u
#define QUEUE_SECTORS 32u
#define PROGRAM_UNIT 4u

#define WATCHDOG_LOAD SBS_REGISTER(0x40000000u)
#define WATCHDOG_CTL SBS_REGISTER(0x40000008u)
#define WATCHDOG_ICR SBS_REGISTER(0x4000000Cu)
#define WATCHDOG_LOCK SBS_REGISTER(0x40000C00u)
#define WATCHDOG_UNLOCK 0x1ACCE551u
#define WATCHDOG_INTERRUPT_AND_RESET 3u

#define RCC_PLL_OFF (1u << 13)
#define RCC_BYPASS (1u << 11)
#define RCC_MAIN_OSCILLATOR_OFF 1u
#define RIS_PLL_LOCKED (1u << 6)
#define PLL_PATIENCE 100000u

SBS_BOARD_INTERRUPTS = {
    [LM3S_UART_INTERRUPT] = lm3s_console_interrupt,
    [LM3S_WATCHDOG_INTERRUPT] = sbs_baremetal_watchdog_expired,
    [LM3S_ETHERNET_INTERRUPT] = lm3s_ethernet_interrupt,
};

/* 50 MHz: 200 MHz from the 8 MHz crystal, divided by 4 (data sheet section 5.3: bypass first, PLL, then no bypass). */
static void start_clock(void) {
    uint32_t rcc = (3u << 23) | (1u << 22) | (0xEu << 6);
    LM3S_SYSCTL_RCC = rcc | RCC_PLL_OFF | RCC_BYPASS;
    LM3S_SYSCTL_RCC = rcc | RCC_BYPASS;

    for (uint32_t i = 0; i < PLL_PATIENCE && (LM3S_SYSCTL_RIS & RIS_PLL_LOCKED) == 0; i++) {
    }

    LM3S_SYSCTL_RCC = rcc;
}

void sbs_board_init(void) {
    start_clock();

    LM3S_SYSCTL_RCGC0 |= 1u << 3;                      /* watchdog */
    LM3S_SYSCTL_RCGC1 |= 1u;                           /* UART0 */
    LM3S_SYSCTL_RCGC2 |= (1u << 30) | (1u << 28) | 1u; /* Ethernet's PHY and MAC, GPIO A */

    lm3s_console_start();
}

uint32_t sbs_board_systick_hz(void) {
    return LM3S_CLOCK_HZ;
}

void sbs_board_watchdog_start(uint32_t timeout_ms) {
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG_LOAD = LM3S_CLOCK_HZ / 1000u * timeout_ms;
    WATCHDOG_CTL = WATCHDOG_INTERRUPT_AND_RESET;
    WATCHDOG_LOCK = 0;
    sbs_cortex_m_enable_interrupt_at(LM3S_WATCHDOG_INTERRUPT, SBS_PRIORITY_WATCHDOG);
}

void sbs_board_watchdog_feed(void) {
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG_ICR = 0;
    WATCHDOG_LOCK = 0;
}

const sbs_flash *sbs_board_storage_flash(void) {
    static sbs_semihosting_flash region;
    return sbs_semihosting_flash_once(&region, "storage.flash", SECTOR_SIZE, STORAGE_SECTORS, PROGRAM_UNIT);
}

const sbs_flash *sbs_board_queue_flash(void) {
    static sbs_semihosting_flash region;
    return sbs_semihosting_flash_once(&region, "queue.flash", SECTOR_SIZE, QUEUE_SECTORS, PROGRAM_UNIT);
}

void sbs_board_reset(void) {
    sbs_cortex_m_reset();
}

void sbs_board_exit(int status) {
    sbs_semihosting_exit(status);
}
