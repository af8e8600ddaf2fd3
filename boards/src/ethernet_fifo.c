/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/ethernet_fifo.h"

#define WORD_SIZE 4u

/* ---- receiving --------------------------------------------------------------------------------------------------- */

void sbs_ethernet_fifo_begin(sbs_ethernet_fifo *fifo, uint32_t left, uint32_t word, uint32_t in_word) {
    fifo->rx_left = left;
    fifo->rx_word = word;
    fifo->rx_in_word = in_word;
}

static void take_word(sbs_ethernet_fifo *fifo) {
    fifo->rx_word = *fifo->rx;
    fifo->rx_in_word = fifo->rx_left < WORD_SIZE ? fifo->rx_left : WORD_SIZE;
    fifo->rx_left -= fifo->rx_in_word;
}

void sbs_ethernet_fifo_receive(void *ctx, uint8_t *buffer, size_t len) {
    sbs_ethernet_fifo *fifo = ctx;
    for (size_t i = 0; i < len; i++) {
        if (fifo->rx_in_word == 0) {
            take_word(fifo);
        }
        buffer[i] = (uint8_t)fifo->rx_word;
        /* The first byte of a frame is the lowest of the first word. */
        fifo->rx_word >>= 8;
        fifo->rx_in_word--;
    }
}

void sbs_ethernet_fifo_receive_end(void *ctx) {
    sbs_ethernet_fifo *fifo = ctx;
    while (fifo->rx_left > 0) {
        take_word(fifo);
    }

    fifo->rx_in_word = 0;
}

/* ---- sending ----------------------------------------------------------------------------------------------------- */

void sbs_ethernet_fifo_send_begin(sbs_ethernet_fifo *fifo, uint32_t word, uint32_t in_word) {
    fifo->tx_word = word;
    fifo->tx_in_word = in_word;
}

void sbs_ethernet_fifo_send(void *ctx, const uint8_t *data, size_t len) {
    sbs_ethernet_fifo *fifo = ctx;
    for (size_t i = 0; i < len; i++) {
        fifo->tx_word |= (uint32_t)data[i] << (8u * fifo->tx_in_word);
        fifo->tx_in_word++;

        if (fifo->tx_in_word == WORD_SIZE) {
            *fifo->tx = fifo->tx_word;
            fifo->tx_word = 0;
            fifo->tx_in_word = 0;
        }
    }
}

void sbs_ethernet_fifo_send_end(sbs_ethernet_fifo *fifo) {
    if (fifo->tx_in_word != 0) {
        *fifo->tx = fifo->tx_word;
    }
}
