/* SPDX-License-Identifier: Apache-2.0 */
/* LAN9118 (SMSC data sheet revision 1.5), polled. It pads short frames and makes the check sequence by itself. */
#include "mps2_internal.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
#include "sbs/ethernet_fifo.h"
#include "sbs/semihosting_emulation_only.h"

#define LAN(offset) SBS_REGISTER(MPS2_ETHERNET + (offset))
#define RX_DATA LAN(0x00u)
#define TX_DATA LAN(0x20u)
#define RX_STATUS LAN(0x40u)
#define TX_STATUS LAN(0x48u)
#define IRQ_CFG LAN(0x54u)
#define INT_STS LAN(0x58u)
#define INT_EN LAN(0x5Cu)
#define BYTE_TEST LAN(0x64u)
#define TX_CFG LAN(0x70u)
#define HW_CFG LAN(0x74u)
#define RX_FIFO_INF LAN(0x7Cu)
#define TX_FIFO_INF LAN(0x80u)
#define MAC_CSR_CMD LAN(0xA4u)
#define MAC_CSR_DATA LAN(0xA8u)

#define BYTE_TEST_PATTERN 0x87654321u
#define IRQ_ON_ACTIVE_HIGH_PUSH_PULL 0x111u
#define INT_RX_STATUS (1u << 3) /* more than the level, which is 0 */
#define HW_CFG_RESET 1u
#define HW_CFG_STORE_AND_FORWARD (1u << 20)
#define HW_CFG_TX_FIFO_5_KB (5u << 16)
#define TX_CFG_ON 2u
#define CSR_BUSY (1u << 31)
#define CSR_READ (1u << 30)
#define MAC_CR 1u
#define MAC_ADDRH 2u
#define MAC_ADDRL 3u
#define MAC_MII_ACC 6u
#define MAC_MII_DATA 7u
#define MAC_CR_FULL_DUPLEX_TX_RX ((1u << 20) | (1u << 3) | (1u << 2))
#define MII_PHY_1_STATUS ((1u << 11) | (1u << 6))
#define PHY_STATUS_LINK (1u << 2)
#define RX_ERROR (1u << 15)
#define TX_COMMANDS_SIZE 8u
#define TX_WHOLE_FRAME (3u << 12)
#define PATIENCE 100000u

static sbs_ethernet_fifo fifo = {.rx = &RX_DATA, .tx = &TX_DATA};

static void wait_for_csr(void) {
    for (uint32_t i = 0; i < PATIENCE && (MAC_CSR_CMD & CSR_BUSY) != 0; i++) {
    }
}

static void write_mac(uint32_t index, uint32_t value) {
    MAC_CSR_DATA = value;
    MAC_CSR_CMD = CSR_BUSY | index;
    wait_for_csr();
}

static uint32_t read_mac(uint32_t index) {
    MAC_CSR_CMD = CSR_BUSY | CSR_READ | index;
    wait_for_csr();
    return MAC_CSR_DATA;
}

static bool frame_waits(void) {
    return ((RX_FIFO_INF >> 16) & 0xFFu) != 0;
}

static sbs_status mps2_receive_begin(void *ctx, size_t *out_len) {
    (void)ctx;
    while (frame_waits()) {
        uint32_t status = RX_STATUS;
        uint32_t total = (status >> 16) & 0x3FFFu;
        sbs_ethernet_fifo_begin(&fifo, total, 0, 0);
        if ((status & RX_ERROR) == 0 && total >= SBS_ETHERNET_CHECK_SIZE &&
            sbs_ethernet_is_frame(total - SBS_ETHERNET_CHECK_SIZE)) {
            *out_len = total - SBS_ETHERNET_CHECK_SIZE;
            return SBS_OK;
        }
        sbs_ethernet_fifo_receive_end(&fifo);
    }

    /* The next one ends a sleep; so does one that came just now. */
    INT_STS = INT_RX_STATUS;
    INT_EN = INT_RX_STATUS;

    if (frame_waits()) {
        sbs_baremetal_wake();
    }

    return SBS_PENDING;
}

void mps2_ethernet_interrupt(void) {
    INT_EN = 0;
    sbs_baremetal_wake();
}

static sbs_status mps2_send_begin(void *ctx, size_t len) {
    (void)ctx;
    if (!sbs_ethernet_is_frame(len)) {
        return SBS_ERR_ARGUMENT;
    }

    while (((TX_FIFO_INF >> 16) & 0xFFu) != 0) {
        (void)TX_STATUS; /* how earlier frames fared */
    }

    if ((TX_FIFO_INF & 0xFFFFu) < len + TX_COMMANDS_SIZE + 4u) {
        return SBS_PENDING;
    }

    TX_DATA = TX_WHOLE_FRAME | (uint32_t)len;
    TX_DATA = (uint32_t)len;
    sbs_ethernet_fifo_send_begin(&fifo, 0, 0);

    return SBS_OK;
}

/* The controller sends by itself once the frame is complete. */
static void mps2_send_end(void *ctx) {
    (void)ctx;
    sbs_ethernet_fifo_send_end(&fifo);
}

static bool mps2_link_up(void *ctx) {
    (void)ctx;

    /* The link's bit keeps a loss until it is read: the second reading is how it is now. */
    for (int i = 0; i < 2; i++) {
        write_mac(MAC_MII_ACC, MII_PHY_1_STATUS);
    }

    return (read_mac(MAC_MII_DATA) & PHY_STATUS_LINK) != 0;
}

static const sbs_ethernet_ops ops = {
    mps2_receive_begin, sbs_ethernet_fifo_receive, sbs_ethernet_fifo_receive_end,
    mps2_send_begin,    sbs_ethernet_fifo_send,    mps2_send_end,
    mps2_link_up,
};

static void reset_controller(void) {
    HW_CFG = HW_CFG_RESET;
    /* A controller that does not answer must not hang the start. */
    for (uint32_t i = 0; i < PATIENCE && (HW_CFG & HW_CFG_RESET) != 0; i++) {
    }
    HW_CFG = HW_CFG_STORE_AND_FORWARD | HW_CFG_TX_FIFO_5_KB;
}

/* False: there is none of this kind. */
static bool start_controller(const uint8_t address[SBS_ETHERNET_ADDRESS_SIZE]) {
    if (BYTE_TEST != BYTE_TEST_PATTERN) {
        return false;
    }

    reset_controller();
    write_mac(MAC_ADDRL, sbs_ethernet_address_low(address));
    write_mac(MAC_ADDRH, sbs_ethernet_address_high(address));

    /* Interrupts are asked for when there is nothing to be read. */
    INT_EN = 0;
    IRQ_CFG = IRQ_ON_ACTIVE_HIGH_PUSH_PULL;
    sbs_cortex_m_enable_interrupt(MPS2_ETHERNET_INTERRUPT);
    TX_CFG = TX_CFG_ON;
    write_mac(MAC_CR, MAC_CR_FULL_DUPLEX_TX_RX);

    return true;
}

const sbs_ethernet *sbs_board_ethernet(void) {
    static sbs_ethernet controller = {.ops = &ops, .ctx = &fifo};
    static bool started;
    if (!started) {
        sbs_semihosting_mac(sbs_board_name(), controller.address);
        started = start_controller(controller.address);
    }

    if (!started) {
        return NULL;
    }
    return &controller;
}
