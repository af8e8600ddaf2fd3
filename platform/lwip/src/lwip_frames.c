/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Received frames, each in memory of its own size. Their sum is bounded: however much a peer sends, what TLS needs of a
 * shared heap is not eaten up by segments that nobody has read yet. The counts outlive the network, as frames may.
 *
 * lwIP 2.2.1 looks behind a short frame: at the length of a TCP option whose kind is the frame's last byte, and at a
 * whole ARP header however much of it came. It finds zeros there, which are in the frame's memory.
 */
#include <lwip/mem.h>
#include <stddef.h>
#include <string.h>

#include "lwip_internal.h"

typedef struct frame {
    struct pbuf_custom pbuf; /* first: lwIP gives back its address */
    uint32_t size;
    uint8_t bytes[]; /* two unused ones, so that the IP header behind the Ethernet header is aligned */
} frame;

#define PADDING 2u
#define FRAME_LEAST 60u /* without its checksum: a shorter one is none that a controller should let pass */
#define BEHIND 1u

/* The bytes of a frame with what lwIP may look at behind it. */
static size_t frame_room(size_t len) {
    if (len < FRAME_LEAST) {
        len = FRAME_LEAST;
    }
    return len + BEHIND;
}

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
    uint32_t size = (uint32_t)(sizeof(frame) + PADDING + frame_room(len));
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
            memset(start + len, 0, frame_room(len) - len);
            *out_frame = pbuf_alloced_custom(PBUF_RAW, (u16_t)len, PBUF_REF, &self->pbuf, start, (u16_t)len);
        }
    }

    ethernet->ops->receive_end(ethernet->ctx);
    return SBS_OK;
}

bool sbs_lwip_frames_scarce(void) {
    return held + sizeof(frame) + PADDING + SBS_ETHERNET_FRAME_MAX + BEHIND > SBS_LWIP_RECEIVED_MAX;
}

uint32_t sbs_lwip_frames_size(uint32_t *out_peak) {
    *out_peak = held_peak;
    return held;
}
