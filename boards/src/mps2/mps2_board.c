/* SPDX-License-Identifier: Apache-2.0 */
/* Arm's MPS2 boards. Addresses, clock and interrupts are those of the FPGA image: mps2.h in the board's folder. */
#include "sbs/board.h"

#include "mps2_internal.h"
#include "sbs/baremetal_vectors.h"
#include "sbs/semihosting_emulation_only.h"

#define SECTOR_SIZE 4096u
#define STORAGE_SECTORS 16u
#define QUEUE_SECTORS 64u
#define PROGRAM_UNIT 4u

/* The APB watchdog of the Cortex-M System Design Kit; its first stage is the core's NMI. */
#define WATCHDOG_LOAD SBS_REGISTER(MPS2_WATCHDOG + 0x000u)
#define WATCHDOG_CTRL SBS_REGISTER(MPS2_WATCHDOG + 0x008u)
#define WATCHDOG_INTCLR SBS_REGISTER(MPS2_WATCHDOG + 0x00Cu)
#define WATCHDOG_LOCK SBS_REGISTER(MPS2_WATCHDOG + 0xC00u)
#define WATCHDOG_UNLOCK 0x1ACCE551u
#define WATCHDOG_INTERRUPT_AND_RESET 3u

SBS_BOARD_INTERRUPTS = {
    [MPS2_UART_RX_INTERRUPT] = mps2_console_interrupt,
    [MPS2_ETHERNET_INTERRUPT] = mps2_ethernet_interrupt,
};

void sbs_board_init(void) {
    mps2_console_start();
}

uint32_t sbs_board_systick_hz(void) {
    return MPS2_CLOCK_HZ;
}

void sbs_board_watchdog_start(uint32_t timeout_ms) {
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG_LOAD = MPS2_CLOCK_HZ / 1000u * timeout_ms;
    WATCHDOG_CTRL = WATCHDOG_INTERRUPT_AND_RESET;
    WATCHDOG_LOCK = 0;
}

void sbs_board_watchdog_feed(void) {
    WATCHDOG_LOCK = WATCHDOG_UNLOCK;
    WATCHDOG_INTCLR = 0;
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
