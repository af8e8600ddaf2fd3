/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file serial.h
 * Port: a serial line to a modem, byte by byte and without waiting. The line's speed and format, flow control and the
 * modem's power are the business of whoever opened it. Bytes that come while nobody reads are kept, as many as the port
 * has room for: at 115 200 baud and a loop that sleeps 100 ms that is 1.2 KB, or RTS and CTS hold the modem back.
 */
#ifndef SBS_SERIAL_H
#define SBS_SERIAL_H

#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a serial line does. No call waits. */
typedef struct sbs_serial_ops {
    /** Reads up to @p size (> 0) bytes that have come. SBS_OK with 1..size bytes; SBS_PENDING with 0;
     *  SBS_ERR_NETWORK: the line is gone, as a USB modem that was pulled out. */
    sbs_status (*read)(void *ctx, uint8_t *buffer, size_t size, size_t *out_len);

    /** Takes up to @p len (> 0) bytes to send, and keeps no pointer to them. SBS_OK with 1..len bytes; SBS_PENDING with
     *  0; SBS_ERR_NETWORK. */
    sbs_status (*write)(void *ctx, const uint8_t *data, size_t len, size_t *out_written);

    /** How a loop waits for @p events (SBS_WAIT_READ, SBS_WAIT_WRITE): the descriptor, or where there is none and
     *  nothing wakes the loop, a short timeout_ms. */
    sbs_wait (*waits_for)(void *ctx, uint8_t events);
} sbs_serial_ops;

/** A serial line: its functions and their context. */
typedef struct sbs_serial {
    const sbs_serial_ops *ops;
    void *ctx;
} sbs_serial;

#ifdef __cplusplus
}
#endif
#endif
