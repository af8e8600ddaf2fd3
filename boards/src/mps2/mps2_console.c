/* SPDX-License-Identifier: Apache-2.0 */
/* UART 0 of the Cortex-M System Design Kit (Arm DDI 0479): one byte each way, no FIFO; 115200 baud, 8N1. */
#include "mps2_internal.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
#include "sbs/byte_ring.h"

#define UART_DATA SBS_REGISTER(MPS2_UART + 0x00u)
#define UART_STATE SBS_REGISTER(MPS2_UART + 0x04u)
#define UART_CTRL SBS_REGISTER(MPS2_UART + 0x08u)
#define UART_INTCLEAR SBS_REGISTER(MPS2_UART + 0x0Cu)
#define UART_BAUDDIV SBS_REGISTER(MPS2_UART + 0x10u)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_RUN 3u
#define CTRL_RX_INTERRUPT 8u
#define INT_RX 2u
#define BAUD 115200u

static sbs_byte_ring received;

void mps2_console_start(void) {
    UART_BAUDDIV = MPS2_CLOCK_HZ / BAUD;
    UART_CTRL = CTRL_RUN | CTRL_RX_INTERRUPT;
    sbs_cortex_m_enable_interrupt(MPS2_UART_RX_INTERRUPT);
}

/* Each byte is announced once, when it arrives, and only if the interrupt is enabled then: so the announcement is taken
 * back before one looks. A byte that does not fit stays where it is, without interrupts until the reader has made
 * room. */
static void console_take_all(void) {
    UART_CTRL = CTRL_RUN | CTRL_RX_INTERRUPT;

    for (;;) {
        UART_INTCLEAR = INT_RX;
        if ((UART_STATE & STATE_RX_FULL) == 0) {
            return;
        }

        if (sbs_byte_ring_full(&received)) {
            UART_CTRL = CTRL_RUN;
            return;
        }
        sbs_byte_ring_put(&received, (uint8_t)UART_DATA);
    }
}

void mps2_console_interrupt(void) {
    sbs_baremetal_wake();
    console_take_all();
}

int sbs_board_console_read(void) {
    int byte = sbs_byte_ring_get(&received);
    if (byte >= 0 && (UART_CTRL & CTRL_RX_INTERRUPT) == 0) {
        uint32_t state = sbs_cortex_m_lock();
        console_take_all();
        sbs_cortex_m_unlock(state);
    }

    return byte;
}

void sbs_board_console_write(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        while ((UART_STATE & STATE_TX_FULL) != 0) {
        }
        UART_DATA = (uint8_t)text[i];
    }
}
