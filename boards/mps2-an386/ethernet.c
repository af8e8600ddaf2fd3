/* SPDX-License-Identifier: Apache-2.0 */
/* LAN9118 (SMSC data sheet revision 1.5), polled. It pads short frames and makes the check sequence by itself. */
#include "mps2.h"
#include "sbs/baremetal_clock.h"
#include "sbs/board.h"
#include "sbs/semihosting_emulation_only.h"

#define LAN(offset) SBS_REGISTER(0x40200000u + (offset))
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
#define CHECK_SIZE 4u
#define TX_COMMANDS_SIZE 8u
#define TX_WHOLE_FRAME (3u << 12)
#define PATIENCE 100000u

static struct {
    uint32_t word;    /* bytes taken from the FIFO and not yet read, the next one lowest */
    uint32_t in_word; /* how many */
    uint32_t left;    /* bytes of the frame still in the FIFO, the frame check sequence included */
    uint32_t tx_word;
    uint32_t tx_in_word;
} at;

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

static void next_word(void) {
    at.word = RX_DATA;
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

static bool frame_waits(void) {
    return ((RX_FIFO_INF >> 16) & 0xFFu) != 0;
}

static sbs_status receive_begin(void *ctx, size_t *out_len) {
    while (frame_waits()) {
        uint32_t status = RX_STATUS;
        at.in_word = 0;
        at.left = (status >> 16) & 0x3FFFu;
        if ((status & RX_ERROR) == 0 && at.left >= SBS_ETHERNET_HEADER + CHECK_SIZE &&
            at.left <= SBS_ETHERNET_FRAME_MAX + CHECK_SIZE) {
            *out_len = at.left - CHECK_SIZE;
            return SBS_OK;
        }
        receive_end(ctx);
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
            TX_DATA = at.tx_word;
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
    while (((TX_FIFO_INF >> 16) & 0xFFu) != 0) {
        (void)TX_STATUS; /* how earlier frames fared */
    }
    if ((TX_FIFO_INF & 0xFFFFu) < len + TX_COMMANDS_SIZE + 4u) {
        return SBS_PENDING;
    }
    TX_DATA = TX_WHOLE_FRAME | (uint32_t)len;
    TX_DATA = (uint32_t)len;
    at.tx_word = 0;
    at.tx_in_word = 0;
    return SBS_OK;
}

/* The controller sends by itself once the frame is complete. */
static void send_end(void *ctx) {
    (void)ctx;
    if (at.tx_in_word != 0) {
        TX_DATA = at.tx_word;
    }
}

static bool link_up(void *ctx) {
    (void)ctx;
    /* The link's bit keeps a loss until it is read: the second reading is how it is now. */
    for (int i = 0; i < 2; i++) {
        write_mac(MAC_MII_ACC, MII_PHY_1_STATUS);
    }
    return (read_mac(MAC_MII_DATA) & PHY_STATUS_LINK) != 0;
}

static const sbs_ethernet_ops ops = {receive_begin, receive, receive_end, send_begin, send, send_end, link_up};

static bool start(const uint8_t address[6]) {
    if (BYTE_TEST != BYTE_TEST_PATTERN) {
        return false;
    }
    HW_CFG = HW_CFG_RESET;
    for (uint32_t i = 0; i < PATIENCE && (HW_CFG & HW_CFG_RESET) != 0; i++) {
    }
    HW_CFG = HW_CFG_STORE_AND_FORWARD | HW_CFG_TX_FIFO_5_KB;
    write_mac(MAC_ADDRL, (uint32_t)address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 |
                             (uint32_t)address[3] << 24);
    write_mac(MAC_ADDRH, (uint32_t)address[4] | (uint32_t)address[5] << 8);
    INT_EN = 0;
    IRQ_CFG = IRQ_ON_ACTIVE_HIGH_PUSH_PULL;
    sbs_cortex_m_enable_interrupt(MPS2_ETHERNET_INTERRUPT);
    TX_CFG = TX_CFG_ON;
    write_mac(MAC_CR, MAC_CR_FULL_DUPLEX_TX_RX);
    return true;
}

const sbs_ethernet *sbs_board_ethernet(void) {
    static sbs_ethernet controller = {.ops = &ops};
    static bool started;
    if (!started) {
        sbs_semihosting_mac(sbs_board_name(), controller.address);
        started = start(controller.address);
    }
    return started ? &controller : NULL;
}
