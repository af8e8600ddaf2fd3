/* SPDX-License-Identifier: Apache-2.0 */
/* The Ethernet controller of the LM3S6965 (data sheet chapter 15), polled. */
#include "lm3s6965.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
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
#define CHECK_SIZE 4u

/* Of the frame that is being read or written. */
static struct {
    uint32_t word;    /* bytes taken from the FIFO and not yet read, the next one lowest */
    uint32_t in_word; /* how many */
    uint32_t left;    /* bytes of the frame still in the FIFO, the frame check sequence included */
    uint32_t tx_word;
    uint32_t tx_in_word;
} at;

static void start_receiver(void) {
    at.in_word = 0;
    at.left = 0;
    MAC_RCTL = RCTL_RESET_FIFO;
    MAC_RCTL = RCTL_REJECT_BAD_CRC | RCTL_ENABLE;
}

static void next_word(void) {
    at.word = MAC_DATA;
    at.in_word = at.left < 4u ? at.left : 4u;
    at.left -= at.in_word;
}

static void receive_end(void *ctx) {
    (void)ctx;
    while (at.left > 0) {
        next_word();
    }
    at.in_word = 0;
}

static sbs_status receive_begin(void *ctx, size_t *out_len) {
    if ((MAC_RIS & RIS_OVERFLOW) != 0) {
        MAC_RIS = RIS_OVERFLOW;
        start_receiver();
        return SBS_ERR_NETWORK;
    }
    while ((MAC_NP & 0x3Fu) != 0) {
        uint32_t first = MAC_DATA;
        uint32_t total = first & 0xFFFFu; /* of itself, frame and check sequence */
        if (total < LENGTH_SIZE + CHECK_SIZE || total > 2048u) {
            start_receiver();
            return SBS_ERR_NETWORK;
        }
        at.word = first >> 16;
        at.in_word = 2;
        at.left = total - 4u;
        uint32_t len = total - LENGTH_SIZE - CHECK_SIZE;
        if (len >= SBS_ETHERNET_HEADER && len <= SBS_ETHERNET_FRAME_MAX) {
            *out_len = len;
            return SBS_OK;
        }
        receive_end(ctx);
    }
    return SBS_PENDING;
}

static void receive(void *ctx, uint8_t *buffer, size_t len) {
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        if (at.in_word == 0) {
            next_word();
        }
        buffer[i] = (uint8_t)at.word;
        at.word >>= 8;
        at.in_word--;
    }
}

static void send(void *ctx, const uint8_t *data, size_t len) {
    (void)ctx;
    for (size_t i = 0; i < len; i++) {
        at.tx_word |= (uint32_t)data[i] << (8u * at.tx_in_word);
        if (++at.tx_in_word == 4u) {
            MAC_DATA = at.tx_word;
            at.tx_word = 0;
            at.tx_in_word = 0;
        }
    }
}

static sbs_status send_begin(void *ctx, size_t len) {
    (void)ctx;
    if (len < SBS_ETHERNET_HEADER || len > SBS_ETHERNET_FRAME_MAX) {
        return SBS_ERR_ARGUMENT;
    }
    if ((MAC_TR & 1u) != 0) {
        return SBS_PENDING;
    }
    at.tx_word = (uint32_t)(len - SBS_ETHERNET_HEADER); /* the length counts the payload alone */
    at.tx_in_word = LENGTH_SIZE;
    return SBS_OK;
}

static void send_end(void *ctx) {
    (void)ctx;
    if (at.tx_in_word != 0) {
        MAC_DATA = at.tx_word;
    }
    MAC_TR = 1;
}

/* Only to end a sleep. */
void lm3s_ethernet_interrupt(void) {
    MAC_RIS = RIS_RECEIVED;
    sbs_baremetal_wake();
}

/* The emulator has no PHY to ask. */
static bool link_up(void *ctx) {
    (void)ctx;
    return true;
}

static const sbs_ethernet_ops ops = {receive_begin, receive, receive_end, send_begin, send, send_end, link_up};

const sbs_ethernet *sbs_board_ethernet(void) {
    static sbs_ethernet controller = {.ops = &ops};
    static bool started;
    if (!started) {
        uint8_t *address = controller.address;
        sbs_semihosting_mac(sbs_board_name(), address);
        MAC_IM = RIS_RECEIVED;
        MAC_IA0 =
            (uint32_t)address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 | (uint32_t)address[3] << 24;
        MAC_IA1 = (uint32_t)address[4] | (uint32_t)address[5] << 8;
        start_receiver();
        sbs_cortex_m_enable_interrupt(LM3S_ETHERNET_INTERRUPT);
        MAC_TCTL = TCTL_FULL_DUPLEX_CRC_PAD_ENABLE;
        started = true;
    }
    return &controller;
}
