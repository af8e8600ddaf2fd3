/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file board.h
 * What a board gives to the firmware. There is one board in a program, so these are plain functions: what is missing is
 * an error of the linker, an entropy source above all.
 */
#ifndef SBS_BOARD_H
#define SBS_BOARD_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/ethernet.h"
#include "sbs/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The board's name as its folder is called. */
const char *sbs_board_name(void);

/** A sentence to print at every start, NULL for most boards: that the board exists in an emulator only. */
const char *sbs_board_warning(void);

/** Called once, first of all: clocks, console. */
void sbs_board_init(void);

/** Rate of the SysTick timer in Hz. */
uint32_t sbs_board_systick_hz(void);

/** The Ethernet controller, started. NULL if it does not answer. */
const sbs_ethernet *sbs_board_ethernet(void);

/** The flash regions: one for keys and records, one for the queue (platform/flash/README.md). NULL if the device
 *  does not answer. */
const sbs_flash *sbs_board_storage_flash(void);
const sbs_flash *sbs_board_queue_flash(void);

/** Fills @p out with true random bytes, each with full entropy. SBS_ERR_RANDOM. */
sbs_status sbs_board_entropy(uint8_t *out, size_t len);

/** The next byte from the console, or -1 if there is none. Never waits. */
int sbs_board_console_read(void);
/** Writes to the console; waits while its FIFO is full. */
void sbs_board_console_write(const char *text, size_t len);

/** Starts the hardware watchdog: a reset @p timeout_ms after the last feed. It cannot be stopped. */
void sbs_board_watchdog_start(uint32_t timeout_ms);
void sbs_board_watchdog_feed(void);

/** Resets the microcontroller. */
_Noreturn void sbs_board_reset(void);

/** Ends the program, where there is somebody to tell (an emulator, a test stand); a reset elsewhere. */
_Noreturn void sbs_board_exit(int status);

#ifdef __cplusplus
}
#endif
#endif
