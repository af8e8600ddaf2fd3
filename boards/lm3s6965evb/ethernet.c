/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethernet controller of the LM3S6965 (data sheet chapter 15), polled. */
#include "lm3s6965.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
#include "sbs/ethernet_fifo.h"
#include "sbs/semihosting_emulation_only.h"

#define MAC_RIS SBS_REGISTER(0x40048000u) /* written: acknowledges */
#define MAC_IM SBS_REGISTER(0x40048004u)
#define MAC_RCTL SBS_REGISTER(0x40048008u)
#define MAC_TCTL SBS_REGISTER(0x4004800Cu)
#define MAC_DATA SBS_REGISTER(0x40048010u)
#define MAC_IA0 SBS_REGISTER(0x40048014u)
#define MAC_IA1 SBS_REGISTER(0x40048018u)
#define MAC_NP SBS_REGISTER(0x40048034u)
#define MAC_TR SBS_REGISTER(0x40048038u)

#define RIS_RECEIVED 1u
#define RIS_OVERFLOW (1u << 3)
#define RCTL_RESET_FIFO (1u << 4)
#define RCTL_REJECT_BAD_CRC (1u << 3)
#define RCTL_ENABLE 1u
#define TCTL_FULL_DUPLEX_CRC_PAD_ENABLE 0x17u
#define LENGTH_SIZE 2u
#define TOTAL_MIN (LENGTH_SIZE + SBS_ETHERNET_CHECK_SIZE)
#define TOTAL_MAX 2048u

static sbs_ethernet_fifo fifo = {.rx = &MAC_DATA, .tx = &MAC_DATA};

static void start_receiver(void) {
    sbs_ethernet_fifo_begin(&fifo, 0, 0, 0);
    MAC_RCTL = RCTL_RESET_FIFO;
    MAC_RCTL = RCTL_REJECT_BAD_CRC | RCTL_ENABLE;
}

/* A frame begins with its length in two bytes, which count themselves, the frame and its check sequence. */
static sbs_status lm3s_receive_begin(void *ctx, size_t *out_len) {
    (void)ctx;
    /* After an overflow nobody knows where a frame begins. */
    if ((MAC_RIS & RIS_OVERFLOW) != 0) {
        MAC_RIS = RIS_OVERFLOW;
        start_receiver();
        return SBS_ERR_NETWORK;
    }

    while ((MAC_NP & 0x3Fu) != 0) {
        uint32_t first = MAC_DATA;
        uint32_t total = first & 0xFFFFu;
        if (total < TOTAL_MIN || total > TOTAL_MAX) {
            /* A length that cannot be: the FIFO is out of step. */
            start_receiver();
            return SBS_ERR_NETWORK;
        }

        sbs_ethernet_fifo_begin(&fifo, total - 4u, first >> 16, 2);
        uint32_t len = total - LENGTH_SIZE - SBS_ETHERNET_CHECK_SIZE;
        if (sbs_ethernet_is_frame(len)) {
            *out_len = len;
            return SBS_OK;
        }
        sbs_ethernet_fifo_receive_end(&fifo);
    }

    return SBS_PENDING;
}

static sbs_status lm3s_send_begin(void *ctx, size_t len) {
    (void)ctx;
    if (!sbs_ethernet_is_frame(len)) {
        return SBS_ERR_ARGUMENT;
    }
    if ((MAC_TR & 1u) != 0) {
        return SBS_PENDING;
    }

    /* The length counts the payload alone. */
    sbs_ethernet_fifo_send_begin(&fifo, (uint32_t)(len - SBS_ETHERNET_HEADER), LENGTH_SIZE);
    return SBS_OK;
}

static void lm3s_send_end(void *ctx) {
    (void)ctx;
    sbs_ethernet_fifo_send_end(&fifo);
    MAC_TR = 1;
}

/* Only to end a sleep. */
void lm3s_ethernet_interrupt(void) {
    MAC_RIS = RIS_RECEIVED;
    sbs_baremetal_wake();
}

/* The emulator has no PHY to ask. */
static bool lm3s_link_up(void *ctx) {
    (void)ctx;
    return true;
}

static const sbs_ethernet_ops ops = {
    lm3s_receive_begin, sbs_ethernet_fifo_receive, sbs_ethernet_fifo_receive_end,
    lm3s_send_begin,    sbs_ethernet_fifo_send,    lm3s_send_end,
    lm3s_link_up,
};

static void start_controller(const uint8_t address[SBS_ETHERNET_ADDRESS_SIZE]) {
    MAC_IM = RIS_RECEIVED;
    MAC_IA0 = sbs_ethernet_address_low(address);
    MAC_IA1 = sbs_ethernet_address_high(address);
    start_receiver();
    sbs_cortex_m_enable_interrupt(LM3S_ETHERNET_INTERRUPT);
    MAC_TCTL = TCTL_FULL_DUPLEX_CRC_PAD_ENABLE;
}

const sbs_ethernet *sbs_board_ethernet(void) {
    static sbs_ethernet controller = {.ops = &ops, .ctx = &fifo};
    static bool started;
    if (!started) {
        sbs_semihosting_mac(sbs_board_name(), controller.address);
        start_controller(controller.address);
        started = true;
    }
    return &controller;
}
