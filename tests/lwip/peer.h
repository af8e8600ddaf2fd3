/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other side of an Ethernet cable, in the same process: whatever the device's stack sends is taken apart here, and
 * a test answers it packet by packet, with a clock of its own.
 */
#ifndef SBS_TEST_PEER_H
#define SBS_TEST_PEER_H

#include "sbs/ethernet.h"
#include "sbs/lwip_net.h"

#define PEER_FRAMES 96u

#define PEER_ADDRESS 0x0A4D0001u   /* 10.77.0.1: router, name server, time server, host */
#define DEVICE_ADDRESS 0x0A4D0002u /* 10.77.0.2 */

enum { PEER_TCP = 6, PEER_UDP = 17 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/** A packet from the device. */
typedef struct peer_packet {
    uint8_t protocol, flags;
    uint32_t to;
    uint16_t from_port, to_port, window;
    uint32_t seq, ack;
    size_t len;
    uint8_t data[SBS_ETHERNET_FRAME_MAX];
} peer_packet;

typedef struct peer_frame {
    size_t len;
    uint8_t bytes[SBS_ETHERNET_FRAME_MAX];
} peer_frame;

typedef struct peer {
    sbs_ethernet ethernet;
    sbs_lwip_net *net;
    uint64_t now_ms;
    bool cable, answers_arp;
    unsigned blocked; /* so many frames find no room in the controller */
    peer_frame to_device[PEER_FRAMES];
    size_t to_device_first, to_device_count, read;
    peer_packet from_device[PEER_FRAMES];
    size_t from_device_count;
    peer_frame sending;
} peer;

/** A TCP connection as the peer sees it. */
typedef struct peer_connection {
    peer *peer;
    uint16_t port, device_port;
    uint32_t seq, ack; /* ours, and the next that we expect */
    uint16_t window;   /* what the device allowed last */
} peer_connection;

/** Prepares the peer; @p net is polled by peer_run(). */
void peer_init(peer *peer, sbs_lwip_net *net);

/** Lets so much time pass in steps of 10 ms, at least one step. */
void peer_run(peer *peer, uint32_t ms);

sbs_now peer_now(const peer *peer);

/** Takes the device's next packet of a protocol, others before it are dropped. False: it sent none. */
bool peer_take(peer *peer, uint8_t protocol, peer_packet *out);

/** Sends a UDP packet to the device (@p to 0: broadcast). */
void peer_send_udp(peer *peer, uint16_t from_port, uint32_t to, uint16_t to_port, const uint8_t *data, size_t len);

/** Sends a segment of the connection; the sequence number moves on. */
void peer_send(peer_connection *connection, uint8_t flags, const void *data, size_t len);

/** Takes the device's SYN; answers nothing. */
bool peer_take_syn(peer *peer, uint16_t port, peer_connection *out);

/** Takes the device's SYN and completes the handshake. */
bool peer_accept(peer *peer, uint16_t port, peer_connection *out);

/** Takes what the device sent in order, acknowledging it; at most @p size bytes. @p out_flags: all flags seen. */
size_t peer_read(peer_connection *connection, uint8_t *buffer, size_t size, uint8_t *out_flags);

/** Answers the device's next DHCP message: an offer or an acknowledgement of DEVICE_ADDRESS, or a refusal. Returns the
 * type of the message, 0 if there was none. */
uint8_t peer_answer_dhcp(peer *peer, uint32_t lease_s, bool refuse);

#endif
