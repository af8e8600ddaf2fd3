/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <lwip/memp.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <psa/crypto.h>
#include <stdlib.h>
#include <string.h>

#define EARLIEST_S 1767225600 /* 2026-01-01 */

static unsigned allocations_left; /* before they fail; 0: they never do */
static size_t largest;            /* allocation that succeeds; 0: any */

void *rig_allocate(size_t count, size_t size);
void rig_release(void *memory);

void *rig_allocate(size_t count, size_t size) {
    if (allocations_left == 1 || (largest != 0 && count * size > largest)) {
        return NULL;
    }
    allocations_left -= allocations_left != 0 ? 1u : 0u;
    return calloc(count, size);
}

void rig_release(void *memory) {
    free(memory);
}

void rig_fail_allocations(unsigned after) {
    allocations_left = after;
}

void rig_limit_allocations(size_t size) {
    largest = size;
}

static void wake(void *ctx) {
    rig *self = ctx;
    ++self->wakes;
}

int rig_set_up(void **state) {
    static rig self;
    const sbs_lwip_net_config config = {
        .address = {{10, 77, 0, 2}},
        .netmask = {{255, 255, 255, 0}},
        .gateway = {{10, 77, 0, 1}},
        .name_server = {{10, 77, 0, 1}},
        .earliest_s = EARLIEST_S,
    };
    const sbs_lwip_stream_config stream_config = {.wake = wake, .wake_ctx = &self};
    memset(&self, 0, sizeof self);
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    peer_init(&self.peer, &self.net);
    assert_status(sbs_lwip_net_init(&self.net, &self.peer.ethernet, &config), SBS_OK);
    sbs_lwip_stream_init(&self.tcp, &stream_config, &self.stream);
    peer_run(&self.peer, 10);
    self.peer.from_device_count = 0;
    *state = &self;
    return 0;
}

static unsigned used(memp_t pool) {
    return (unsigned)memp_pools[pool]->stats->used;
}

int rig_tear_down(void **state) {
    rig *self = *state;
    sbs_lwip_net_state net_state;
    rig_fail_allocations(0);
    rig_limit_allocations(0);
    sbs_lwip_stream_deinit(&self->tcp);
    while (tcp_active_pcbs != NULL) {
        tcp_abort(tcp_active_pcbs); /* closing, and the peer may have gone */
    }
    while (tcp_tw_pcbs != NULL) {
        tcp_abort(tcp_tw_pcbs);
    }
    self->peer.cable = true;
    peer_run(&self->peer, 30000); /* the DNS client forgets what nobody answered */
    sbs_lwip_net_read_state(&self->net, &net_state);
    sbs_lwip_net_deinit(&self->net);
    assert_int_equal(net_state.received_size, 0);
    assert_int_equal(used(MEMP_TCP_PCB) + used(MEMP_TCP_SEG) + used(MEMP_UDP_PCB) + used(MEMP_PBUF), 0);
    assert_int_equal(lwip_stats.mem.used, 0);
    return 0;
}

sbs_status rig_open(rig *self, const char *host) {
    return self->stream.ops->open(self->stream.ctx, host, RIG_PORT, peer_now(&self->peer));
}

void rig_connect(rig *self, peer_connection *out) {
    assert_status(rig_open(self, RIG_HOST), SBS_PENDING);
    peer_run(&self->peer, 20); /* ARP first */
    assert_true(peer_accept(&self->peer, RIG_PORT, out));
    assert_status(rig_open(self, RIG_HOST), SBS_OK);
}

size_t rig_send(rig *self, const void *data, size_t len) {
    size_t sent = 0;
    assert_status(self->stream.ops->send(self->stream.ctx, data, len, &sent), SBS_OK);
    assert_in_range(sent, 1, len);
    return sent;
}

size_t rig_receive(rig *self, uint8_t *buffer, size_t size, size_t piece, sbs_status *out_status) {
    size_t len = 0;
    size_t part = 0;
    for (;;) {
        size_t room = size - len < piece ? size - len : piece;
        if (room == 0) {
            *out_status = SBS_OK;
            return len;
        }
        *out_status = self->stream.ops->receive(self->stream.ctx, buffer + len, room, &part);
        if (*out_status != SBS_OK) {
            assert_int_equal(part, 0);
            return len;
        }
        assert_in_range(part, 1, room);
        len += part;
    }
}
