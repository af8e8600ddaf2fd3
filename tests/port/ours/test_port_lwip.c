/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of streams on the superloop of lwIP. The peers are in the same process and act while the suite waits. */
#include <string.h>

#include "rig.h"
#include "run.h"

enum { ECHO = 1, CLOSES, BREAKS, DRIPS, SILENT, REFUSES }; /* ports of the peers */

static rig *device;
static peer_connection far; /* the connection that is open, of the device's newest SYN */

static size_t drips_left; /* bytes that are still to come one by one */

static sbs_now far_now(void) {
    return peer_now(&device->peer);
}

/* What a peer does when the first byte, or any, has come. */
static void far_answer(const peer_packet *packet) {
    size_t text = strlen(port_stream_text);
    far.ack += (uint32_t)packet->len;

    switch (far.port) {
    case ECHO:
        peer_send(&far, ACK | PSH, packet->data, packet->len);
        break;
    case CLOSES:
        peer_send(&far, ACK | PSH | FIN, port_stream_text, text);
        break;
    case BREAKS:
        peer_send(&far, RST | ACK, NULL, 0);
        break;
    case DRIPS:
        drips_left = text;
        break;
    default:
        break;
    }
}

static void far_accept(const peer_packet *packet) {
    drips_left = 0;
    far = (peer_connection){&device->peer, packet->to_port,  packet->from_port,
                            0xFFFFF000u,   packet->seq + 1u, packet->window};
    if (far.port == REFUSES) {
        peer_send(&far, RST | ACK, NULL, 0);
    } else {
        peer_send(&far, SYN | ACK, NULL, 0);
    }
}

/* The device closes: nothing of that connection stays with it. */
static void far_forget(const peer_packet *packet) {
    peer_connection gone = {
        &device->peer, packet->to_port, packet->from_port, packet->ack, packet->seq + (uint32_t)packet->len + 1u,
        packet->window};
    peer_send(&gone, RST | ACK, NULL, 0);
}

static void far_drip(void) {
    if (drips_left == 0) {
        return;
    }

    peer_send(&far, ACK | PSH, port_stream_text + strlen(port_stream_text) - drips_left, 1);
    drips_left--;
    if (drips_left == 0) {
        peer_send(&far, ACK | FIN, NULL, 0);
    }
}

static void far_act(const sbs_wait *wait) {
    peer_packet packet;
    (void)wait;
    peer_run(&device->peer, 10);

    while (peer_take(&device->peer, PEER_TCP, &packet)) {
        if ((packet.flags & RST) != 0) {
            continue;
        }

        if ((packet.flags & FIN) != 0) {
            far_forget(&packet);
        } else if ((packet.flags & SYN) != 0) {
            far_accept(&packet);
        } else if (packet.len > 0 && packet.from_port == far.device_port && packet.seq == far.ack &&
                   far.port != SILENT) {
            far_answer(&packet);
        }
    }

    far_drip();
    peer_run(&device->peer, 10);
}

static void tcp_of_lwip_holds(void **state) {
    device = *state;
    const port_stream port = {.stream = device->stream,
                              .echo = {RIG_HOST, ECHO},
                              .closes = {RIG_HOST, CLOSES},
                              .breaks = {RIG_HOST, BREAKS},
                              .drips = {RIG_HOST, DRIPS},
                              .silent = {RIG_HOST, SILENT},
                              .refuses = {RIG_HOST, REFUSES},
                              .unknown = {"nobody.invalid", ECHO}}; /* no name server answers */
    port_suite suite = run_begin(NULL);
    suite.now = far_now;
    suite.wait = far_act;

    run_assert_sound(port_suite_stream(&suite, &port), 3); /* it is not secured */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tcp_of_lwip_holds, rig_set_up, rig_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
