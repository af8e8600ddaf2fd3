/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ethernet_fifo.h
 * For drivers of Ethernet controllers whose frames go through FIFOs of 32-bit words: bytes of a frame, the first one
 * lowest, out of words and into words. Three of the functions are those of sbs_ethernet_ops; their context is the FIFO.
 */
#ifndef SBS_ETHERNET_FIFO_H
#define SBS_ETHERNET_FIFO_H

#include "sbs/ethernet.h"

#define SBS_ETHERNET_CHECK_SIZE 4u /**< bytes of the frame check sequence */

typedef struct sbs_ethernet_fifo {
    volatile uint32_t *rx, *tx; /**< the data registers */
    uint32_t rx_left;           /**< bytes of the frame still in the FIFO, the frame check sequence included */
    uint32_t rx_word;           /**< bytes taken from the FIFO and not yet read, the next one lowest */
    uint32_t rx_in_word;        /**< how many */
    uint32_t tx_word, tx_in_word;
} sbs_ethernet_fifo;

/** Begins a received frame of which @p left bytes are in the FIFO, and the low @p in_word bytes of @p word are read. */
void sbs_ethernet_fifo_begin(sbs_ethernet_fifo *fifo, uint32_t left, uint32_t word, uint32_t in_word);
void sbs_ethernet_fifo_receive(void *fifo, uint8_t *buffer, size_t len);
/** Drops what was not read of the frame. */
void sbs_ethernet_fifo_receive_end(void *fifo);

/** Begins a frame to be sent; its first word has the low @p in_word bytes of @p word already. */
void sbs_ethernet_fifo_send_begin(sbs_ethernet_fifo *fifo, uint32_t word, uint32_t in_word);
void sbs_ethernet_fifo_send(void *fifo, const uint8_t *data, size_t len);
/** Writes what is left of the last word. */
void sbs_ethernet_fifo_send_end(sbs_ethernet_fifo *fifo);

/** Whether a frame of that many bytes is one (without the frame check sequence). */
static inline bool sbs_ethernet_is_frame(size_t len) {
    return len >= SBS_ETHERNET_HEADER && len <= SBS_ETHERNET_FRAME_MAX;
}

/** The first four bytes of an address, and the last two, as address registers have them. */
static inline uint32_t sbs_ethernet_address_low(const uint8_t address[SBS_ETHERNET_ADDRESS_SIZE]) {
    return (uint32_t)address[0] | (uint32_t)address[1] << 8 | (uint32_t)address[2] << 16 | (uint32_t)address[3] << 24;
}

static inline uint32_t sbs_ethernet_address_high(const uint8_t address[SBS_ETHERNET_ADDRESS_SIZE]) {
    return (uint32_t)address[4] | (uint32_t)address[5] << 8;
}

#endif
