/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Received frames, each in memory of its own size. Their sum is bounded: however much a peer sends, what TLS needs of a
 * shared heap is not eaten up by segments that nobody has read yet. The counts outlive the network, as frames may.
 */
#include <lwip/mem.h>
#include <stddef.h>

#include "lwip_internal.h"

typedef struct frame {
    struct pbuf_custom pbuf; /* first: lwIP gives back its address */
    uint32_t size;
    uint8_t bytes[]; /* two unused ones, so that the IP header behind the Ethernet header is aligned */
} frame;

#define PADDING 2u

static uint32_t held;
static uint32_t held_peak;

static void count_change(uint32_t added, uint32_t removed) {
    held = held + added - removed;
    if (held > held_peak) {
        held_peak = held;
    }
}

static void frame_release(struct pbuf *pbuf) {
    frame *self = (frame *)(void *)pbuf;
    count_change(0, self->size);
    mem_free(self);
}

static frame *frame_allocate(size_t len) {
    uint32_t size = (uint32_t)(sizeof(frame) + PADDING + len);
    if (held + size > SBS_LWIP_RECEIVED_MAX) {
        return NULL;
    }

    frame *self = mem_malloc((mem_size_t)size);
    if (self != NULL) {
        self->size = size;
        self->pbuf.custom_free_function = frame_release;
        count_change(size, 0);
    }

    return self;
}

sbs_status sbs_lwip_frame_receive(const sbs_ethernet *ethernet, struct pbuf **out_frame) {
    size_t len = 0;
    sbs_status status = ethernet->ops->receive_begin(ethernet->ctx, &len);

    *out_frame = NULL;
    if (status != SBS_OK) {
        return status;
    }

    if (len >= SBS_ETHERNET_HEADER && len <= SBS_ETHERNET_FRAME_MAX) {
        frame *self = frame_allocate(len);
        if (self != NULL) {
            uint8_t *start = self->bytes + PADDING;
            ethernet->ops->receive(ethernet->ctx, start, len);
            *out_frame = pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &self->pbuf, start, (u16_t)len);
        }
    }

    ethernet->ops->receive_end(ethernet->ctx);
    return SBS_OK;
}

bool sbs_lwip_frames_scarce(void) {
    return held + sizeof(frame) + PADDING + SBS_ETHERNET_FRAME_MAX > SBS_LWIP_RECEIVED_MAX;
}

uint32_t sbs_lwip_frames_size(uint32_t *out_peak) {
    *out_peak = held_peak;
    return held;
}
