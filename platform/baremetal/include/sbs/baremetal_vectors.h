/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file baremetal_vectors.h
 * For boards: the vectors of their interrupts, which follow those of the core.
 *
 *     SBS_BOARD_INTERRUPTS = {[5] = my_uart_interrupt, [18] = sbs_baremetal_watchdog_expired};
 *
 * Those in between that are not named are 0: an interrupt that was enabled without a handler is a usage fault.
 */
#ifndef SBS_BAREMETAL_VECTORS_H
#define SBS_BAREMETAL_VECTORS_H

typedef void (*sbs_baremetal_vector)(void);

/** Begins the definition of a board's vectors, interrupt 0 first. At most 48: they must end within 256 bytes. */
#define SBS_BOARD_INTERRUPTS                                                                                           \
    __attribute__((section(".vectors.board"), used)) const sbs_baremetal_vector sbs_board_interrupts[]

extern const sbs_baremetal_vector sbs_board_interrupts[];

/** For exceptions that nobody asks for: leaves the last word "interrupt" and resets. */
void sbs_baremetal_unexpected(void);

/** For the interrupt of the watchdog's first stage: leaves the last word "watchdog" and resets. The core's NMI, where a
 *  board has its watchdog there, is served in the same way. Where the processor was held (see baremetal_watchdog.h) it
 *  feeds once instead. */
void sbs_baremetal_watchdog_expired(void);

#endif
