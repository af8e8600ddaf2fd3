/* SPDX-License-Identifier: Apache-2.0 */
/* UART0, a PL011 with FIFOs of 16 bytes: 115200 baud, 8N1. */
#include "lm3s6965.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
#include "sbs/byte_ring.h"

#define UART_DR SBS_REGISTER(0x4000C000u)
#define UART_FR SBS_REGISTER(0x4000C018u)
#define UART_IBRD SBS_REGISTER(0x4000C024u)
#define UART_FBRD SBS_REGISTER(0x4000C028u)
#define UART_LCRH SBS_REGISTER(0x4000C02Cu)
#define UART_CTL SBS_REGISTER(0x4000C030u)
#define UART_IM SBS_REGISTER(0x4000C038u)
#define GPIO_A_AFSEL SBS_REGISTER(0x40004420u)
#define GPIO_A_DEN SBS_REGISTER(0x4000451Cu)

#define DR_DAMAGED 0x700u /* framing, parity, break */
#define FR_TX_FULL (1u << 5)
#define FR_RX_EMPTY (1u << 4)
#define IM_RECEIVE ((1u << 6) | (1u << 4)) /* FIFO level, and bytes that wait below it */
#define LCRH_8N1_FIFO 0x70u
#define CTL_ENABLE 0x301u
#define BAUD 115200u

static sbs_byte_ring received;

void lm3s_console_start(void) {
    GPIO_A_AFSEL |= 3u;
    GPIO_A_DEN |= 3u;

    /* The divisor has 6 binary places: clock / (16 * baud). */
    uint32_t divisor = (LM3S_CLOCK_HZ * 8u / BAUD + 1u) / 2u;
    UART_CTL = 0;
    UART_IBRD = divisor / 64u;
    UART_FBRD = divisor % 64u;
    UART_LCRH = LCRH_8N1_FIFO;
    UART_CTL = CTL_ENABLE;

    UART_IM = IM_RECEIVE;
    sbs_cortex_m_enable_interrupt(LM3S_UART_INTERRUPT);
}

/* What does not fit stays in the FIFO, without interrupts until the reader has made room. */
void lm3s_console_interrupt(void) {
    sbs_baremetal_wake();

    while ((UART_FR & FR_RX_EMPTY) == 0) {
        if (sbs_byte_ring_full(&received)) {
            UART_IM = 0;
            return;
        }

        uint32_t data = UART_DR;
        if ((data & DR_DAMAGED) == 0) {
            sbs_byte_ring_put(&received, (uint8_t)data);
        }
    }
}

int sbs_board_console_read(void) {
    int byte = sbs_byte_ring_get(&received);
    if (byte >= 0 && UART_IM == 0) {
        UART_IM = IM_RECEIVE;
    }

    return byte;
}

void sbs_board_console_write(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++) {
        while ((UART_FR & FR_TX_FULL) != 0) {
        }
        UART_DR = (uint8_t)text[i];
    }
}
