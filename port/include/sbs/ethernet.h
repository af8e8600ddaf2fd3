/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ethernet.h
 * Port: an Ethernet controller that is polled. Frames are read and written in pieces, so that a driver with a FIFO
 * needs no buffer of its own and a stack can keep a frame in whatever memory it has. One task or the holder of one lock
 * uses it at a time.
 */
#ifndef SBS_ETHERNET_H
#define SBS_ETHERNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_ETHERNET_HEADER 14u      /**< bytes: destination, source, type (IEEE 802.3 clause 3) */
#define SBS_ETHERNET_FRAME_MAX 1514u /**< bytes without the frame check sequence */
#define SBS_ETHERNET_ADDRESS_SIZE 6u

/** What an interface does. */
typedef struct sbs_ethernet_ops {
    /** Begins the oldest received frame; @p out_len: its bytes without the frame check sequence, SBS_ETHERNET_HEADER to
     *  SBS_ETHERNET_FRAME_MAX. Others, and damaged ones, are dropped by the driver. SBS_OK; SBS_PENDING: none is there;
     *  SBS_ERR_NETWORK: the controller failed and was started anew. */
    sbs_status (*receive_begin)(void *ctx, size_t *out_len);
    /** Reads the frame's next @p len bytes; together at most its length. */
    void (*receive)(void *ctx, uint8_t *buffer, size_t len);
    /** Ends the frame and drops what was not read of it. */
    void (*receive_end)(void *ctx);

    /** Begins a frame of @p len bytes, at most SBS_ETHERNET_FRAME_MAX; a short one is padded by driver or controller.
     *  SBS_OK; SBS_PENDING: no room at present; SBS_ERR_NETWORK. */
    sbs_status (*send_begin)(void *ctx, size_t len);
    /** Writes the frame's next @p len bytes; together exactly its length. */
    void (*send)(void *ctx, const uint8_t *data, size_t len);
    /** Sends the frame. */
    void (*send_end)(void *ctx);

    /** Whether the cable is plugged in, as far as the controller knows. */
    bool (*link_up)(void *ctx);
} sbs_ethernet_ops;

/** An interface: its functions and their context. */
typedef struct sbs_ethernet {
    const sbs_ethernet_ops *ops;
    void *ctx;
    uint8_t address[SBS_ETHERNET_ADDRESS_SIZE];
} sbs_ethernet;

#ifdef __cplusplus
}
#endif
#endif
