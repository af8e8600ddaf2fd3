/* SPDX-License-Identifier: Apache-2.0 */
/* An Ethernet controller that is a file descriptor: the relay of tests/lab, or a tap device. */
#ifndef SBS_TEST_LINK_H
#define SBS_TEST_LINK_H

#include "sbs/ethernet.h"

typedef struct link_port {
    sbs_ethernet ethernet;
    int fd;
    uint8_t in[SBS_ETHERNET_FRAME_MAX + 4], out[SBS_ETHERNET_FRAME_MAX];
    size_t in_len, in_at, out_len, out_at;
} link_port;

/** Opens what the environment of tests/lab/lab names (SBS_LAB_LINK, SBS_LAB_DEVICE). False with a message on stderr. */
bool link_open(link_port *link);

void link_close(link_port *link);

/** Waits for a frame, at most so long. */
void link_wait(const link_port *link, uint32_t timeout_ms);

#endif
