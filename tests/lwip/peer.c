/* SPDX-License-Identifier: Apache-2.0 */
#include "peer.h"

#include <string.h>

#include "rig.h"

#define STEP_MS 10u
#define ETHERNET_IP 0x0800u
#define ETHERNET_ARP 0x0806u
#define ICMP 1u
#define IP_AT 14u
#define TRANSPORT_AT 34u
#define WINDOW 8192u

static const uint8_t own_address[6] = {0x02, 0, 0, 0, 0, 1};
static const uint8_t device_address[6] = {0x02, 0, 0, 0, 0, 2};

static void put_16(uint8_t *out, uint32_t value) {
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static void put_32(uint8_t *out, uint32_t value) {
    put_16(out, value >> 16);
    put_16(out + 2, value);
}

static uint16_t get_16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t get_32(const uint8_t *bytes) {
    return (uint32_t)get_16(bytes) << 16 | get_16(bytes + 2);
}

static uint32_t sum_of(const uint8_t *bytes, size_t len) {
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += (uint32_t)bytes[i] << (i % 2 == 0 ? 8 : 0);
    }
    return sum;
}

static uint16_t checksum(uint32_t sum) {
    while (sum >> 16 != 0) {
        sum = (sum & 0xFFFFu) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* To the device: a place at the end of its queue. */
static peer_frame *add_frame(peer *self, size_t len) {
    assert_true(self->to_device_count < PEER_FRAMES && len <= SBS_ETHERNET_FRAME_MAX);
    peer_frame *frame = &self->to_device[(self->to_device_first + self->to_device_count++) % PEER_FRAMES];
    memset(frame, 0, sizeof *frame);
    frame->len = len;
    memcpy(frame->bytes, device_address, 6);
    memcpy(frame->bytes + 6, own_address, 6);
    return frame;
}

static void send_ip(peer *self, uint8_t protocol, uint32_t to, const uint8_t *data, size_t len, size_t checksum_at) {
    uint8_t *bytes = add_frame(self, TRANSPORT_AT + len)->bytes;
    uint8_t *ip = bytes + IP_AT;
    put_16(bytes + 12, ETHERNET_IP);
    ip[0] = 0x45;
    put_16(ip + 2, (uint32_t)(20 + len));
    ip[8] = 64;
    ip[9] = protocol;
    put_32(ip + 12, PEER_ADDRESS);
    put_32(ip + 16, to != 0 ? to : 0xFFFFFFFFu);
    put_16(ip + 10, checksum(sum_of(ip, 20)));
    memcpy(bytes + TRANSPORT_AT, data, len);
    put_16(bytes + TRANSPORT_AT + checksum_at,
           checksum(sum_of(ip + 12, 8) + protocol + (uint32_t)len + sum_of(data, len)));
}

void peer_send_udp(peer *self, uint16_t from_port, uint32_t to, uint16_t to_port, const uint8_t *data, size_t len) {
    uint8_t packet[SBS_ETHERNET_FRAME_MAX] = {0};
    put_16(packet, from_port);
    put_16(packet + 2, to_port);
    put_16(packet + 4, (uint32_t)(8 + len));
    memcpy(packet + 8, data, len);
    send_ip(self, PEER_UDP, to, packet, 8 + len, 6);
}

void peer_send(peer_connection *connection, uint8_t flags, const void *data, size_t len) {
    uint8_t packet[SBS_ETHERNET_FRAME_MAX] = {0};
    size_t header = (flags & SYN) != 0 ? 24 : 20;
    put_16(packet, connection->port);
    put_16(packet + 2, connection->device_port);
    put_32(packet + 4, connection->seq);
    put_32(packet + 8, connection->ack);
    packet[12] = (uint8_t)(header / 4 << 4);
    packet[13] = flags;
    put_16(packet + 14, WINDOW);
    if ((flags & SYN) != 0) {
        put_32(packet + 20, 0x02040000u | 1460u); /* maximum segment size */
    }
    if (len > 0) {
        memcpy(packet + header, data, len);
    }
    send_ip(connection->peer, PEER_TCP, DEVICE_ADDRESS, packet, header + len, 16);
    connection->seq += (uint32_t)len + ((flags & (SYN | FIN)) != 0 ? 1u : 0u);
}

static void answer_arp(peer *self, const uint8_t *question) {
    if (!self->answers_arp || get_16(question + 20) != 1 || get_32(question + 38) == get_32(question + 28)) {
        return;
    }
    uint8_t *bytes = add_frame(self, 60)->bytes;
    put_16(bytes + 12, ETHERNET_ARP);
    memcpy(bytes + 14, question + 14, 6);
    put_16(bytes + 20, 2);
    memcpy(bytes + 22, own_address, 6);
    memcpy(bytes + 28, question + 38, 4);
    memcpy(bytes + 32, question + 22, 10);
}

static void take_apart(peer *self, const uint8_t *bytes, size_t frame_len) {
    const uint8_t *ip = bytes + IP_AT;
    const uint8_t *transport = ip + 20;
    size_t len = get_16(ip + 2);
    assert_true(ip[0] == 0x45 && IP_AT + len <= frame_len && checksum(sum_of(ip, 20)) == 0);
    assert_true(self->from_device_count < PEER_FRAMES);
    peer_packet *packet = &self->from_device[self->from_device_count++];
    size_t header = ip[9] == PEER_TCP ? (size_t)(transport[12] >> 4) * 4 : 8;
    uint32_t pseudo = sum_of(ip + 12, 8) + ip[9] + (uint32_t)(len - 20);
    assert_true(checksum(pseudo + sum_of(transport, len - 20)) == 0);
    *packet = (peer_packet){.protocol = ip[9], .to = get_32(ip + 16), .len = len - 20 - header};
    packet->from_port = get_16(transport);
    packet->to_port = get_16(transport + 2);
    if (ip[9] == PEER_TCP) {
        packet->seq = get_32(transport + 4);
        packet->ack = get_32(transport + 8);
        packet->flags = transport[13] & 0x1F;
        packet->window = get_16(transport + 14);
    }
    memcpy(packet->data, transport + header, packet->len);
}

static sbs_status receive_begin(void *ctx, size_t *out_len) {
    peer *self = ctx;
    self->read = 0;
    *out_len = self->to_device_count != 0 ? self->to_device[self->to_device_first].len : 0;
    return self->to_device_count != 0 ? SBS_OK : SBS_PENDING;
}

static void receive(void *ctx, uint8_t *buffer, size_t len) {
    peer *self = ctx;
    memcpy(buffer, self->to_device[self->to_device_first].bytes + self->read, len);
    self->read += len;
}

static void receive_end(void *ctx) {
    peer *self = ctx;
    self->to_device_first = (self->to_device_first + 1) % PEER_FRAMES;
    --self->to_device_count;
}

static sbs_status send_begin(void *ctx, size_t len) {
    peer *self = ctx;
    if (self->blocked != 0) {
        --self->blocked;
        return SBS_PENDING;
    }
    assert_true(len <= SBS_ETHERNET_FRAME_MAX);
    self->sending.len = 0;
    return SBS_OK;
}

static void send_part(void *ctx, const uint8_t *data, size_t len) {
    peer *self = ctx;
    memcpy(self->sending.bytes + self->sending.len, data, len);
    self->sending.len += len;
}

static void send_end(void *ctx) {
    peer *self = ctx;
    uint16_t type = get_16(self->sending.bytes + 12);
    if (self->cable && type == ETHERNET_ARP) {
        answer_arp(self, self->sending.bytes);
    } else if (self->cable && type == ETHERNET_IP && self->sending.bytes[IP_AT + 9] != ICMP) {
        take_apart(self, self->sending.bytes, self->sending.len);
    }
}

static bool link_up(void *ctx) {
    const peer *self = ctx;
    return self->cable;
}

static const sbs_ethernet_ops ops = {receive_begin, receive, receive_end, send_begin, send_part, send_end, link_up};

void peer_init(peer *self, sbs_lwip_net *net) {
    static uint64_t last_ms = UINT64_C(1) << 33; /* a machine that has been up for months; lwIP's clock is global */
    memset(self, 0, sizeof *self);
    self->net = net;
    self->now_ms = last_ms += 3600000;
    self->cable = true;
    self->answers_arp = true;
    self->ethernet = (sbs_ethernet){.ops = &ops, .ctx = self};
    memcpy(self->ethernet.address, device_address, 6);
}

sbs_now peer_now(const peer *self) {
    return (sbs_now){.mono_ms = self->now_ms, .utc_s = SBS_UTC_UNKNOWN};
}

void peer_run(peer *self, uint32_t ms) {
    uint64_t ends_ms = self->now_ms + ms;
    do {
        self->now_ms += STEP_MS;
        while (sbs_lwip_poll(self->net, peer_now(self)) == 0) {
        }
    } while (self->now_ms < ends_ms);
}

bool peer_take(peer *self, uint8_t protocol, peer_packet *out) {
    while (self->from_device_count != 0) {
        *out = self->from_device[0];
        memmove(self->from_device, self->from_device + 1, --self->from_device_count * sizeof *self->from_device);
        if (out->protocol == protocol) {
            return true;
        }
    }
    return false;
}

bool peer_take_syn(peer *self, uint16_t port, peer_connection *out) {
    peer_packet packet;
    while (peer_take(self, PEER_TCP, &packet)) {
        if (packet.flags == SYN && packet.to_port == port) {
            *out = (peer_connection){self, port, packet.from_port, 0xFFFFF000u, packet.seq + 1, packet.window};
            return true;
        }
    }
    return false;
}

bool peer_accept(peer *self, uint16_t port, peer_connection *out) {
    peer_packet packet;
    if (!peer_take_syn(self, port, out)) {
        return false;
    }
    peer_send(out, SYN | ACK, NULL, 0);
    peer_run(self, STEP_MS);
    return peer_take(self, PEER_TCP, &packet) && packet.flags == ACK && packet.ack == out->seq;
}

size_t peer_read(peer_connection *connection, uint8_t *buffer, size_t size, uint8_t *out_flags) {
    peer_packet packet;
    size_t len = 0;
    *out_flags = 0;
    while (peer_take(connection->peer, PEER_TCP, &packet)) {
        *out_flags |= packet.flags;
        connection->window = packet.window;
        if (packet.from_port == connection->device_port && packet.seq == connection->ack && len + packet.len <= size) {
            memcpy(buffer + len, packet.data, packet.len);
            len += packet.len;
            connection->ack += (uint32_t)packet.len + ((packet.flags & FIN) != 0 ? 1u : 0u);
        }
    }
    if (len > 0 || (*out_flags & FIN) != 0) {
        peer_send(connection, ACK, NULL, 0);
        peer_run(connection->peer, STEP_MS);
    }
    return len;
}

static uint8_t dhcp_type(const uint8_t *message, size_t len) {
    for (size_t at = 240; at + 2 < len && message[at] != 255; at += 2u + message[at + 1]) {
        if (message[at] == 53) {
            return message[at + 2];
        }
    }
    return 0;
}

static size_t put_option(uint8_t *message, size_t at, uint8_t option, uint32_t value) {
    message[at] = option;
    message[at + 1] = 4;
    put_32(message + at + 2, value);
    return at + 6;
}

uint8_t peer_answer_dhcp(peer *self, uint32_t lease_s, bool refuse) {
    peer_packet packet;
    uint8_t answer[300] = {2, 1, 6};
    uint8_t type = 0;
    while (type == 0 && peer_take(self, PEER_UDP, &packet)) {
        type = packet.to_port == 67 ? dhcp_type(packet.data, packet.len) : 0;
    }
    if (type != 1 && type != 3) {
        return type;
    }
    memcpy(answer + 4, packet.data + 4, 4); /* transaction */
    put_32(answer + 16, refuse ? 0 : DEVICE_ADDRESS);
    memcpy(answer + 28, packet.data + 28, 6);
    put_32(answer + 236, 0x63825363u);
    memcpy(answer + 240, (const uint8_t[]){53, 1, 0}, 3);
    answer[242] = refuse ? 6 : type == 1 ? 2 : 5;
    size_t at = put_option(answer, 243, 54, PEER_ADDRESS);
    if (!refuse) {
        at = put_option(answer, at, 51, lease_s);
        at = put_option(answer, at, 1, 0xFFFFFF00u);
        for (size_t i = 0; i < 3; i++) {
            at = put_option(answer, at, (const uint8_t[]){3, 6, 42}[i], PEER_ADDRESS);
        }
    }
    answer[at] = 255;
    peer_send_udp(self, 67, 0, 68, answer, sizeof answer);
    peer_run(self, STEP_MS);
    return type;
}
