/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when memory is short: received frames stay within their share, nothing deadlocks, nothing is lost. */
#include <lwip/tcp.h>
#include <string.h>

#include "rig.h"

static sbs_lwip_net_state state_of(rig *self) {
    sbs_lwip_net_state net_state;
    sbs_lwip_net_read_state(&self->net, &net_state);
    return net_state;
}

/* A peer that sends a window full of single bytes costs fifty times the memory of one that does not. */
static void test_tiny_segments_stay_in_their_share(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[4096], sent[2000];
    uint8_t flags;
    sbs_status status;
    size_t len = 0;
    rig_connect(self, &far);
    uint32_t first = far.seq;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 11);
        peer_send(&far, ACK, &sent[i], 1);
        if (i % 32 == 31) {
            peer_run(&self->peer, 10);
            self->peer.from_device_count = 0;
        }
    }
    peer_run(&self->peer, 10);
    self->peer.from_device_count = 0;
    sbs_lwip_net_state full = state_of(self);
    assert_true(full.received_size <= SBS_LWIP_RECEIVED_MAX);
    assert_true(full.received_size > SBS_LWIP_RECEIVED_MAX / 2);

    assert_non_null(self->tcp.priv.pcb->refused_data);

    /* Our own sending goes on meanwhile: acknowledgements get through. */
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(rig_send(self, "request", 7), 7);
        peer_run(&self->peer, 10);
        assert_int_equal(peer_read(&far, got, sizeof got, &flags), 7);
    }

    /* The segment that was not taken is there at once, not with lwIP's next timer. */
    len = rig_receive(self, got, sizeof got, 100, &status);
    assert_null(self->tcp.priv.pcb->refused_data);

    /* The peer sends again what was not taken, as it must. */
    for (unsigned tries = 0; len < sizeof sent && tries < 100; tries++) {
        len += rig_receive(self, got + len, sizeof got - len, 100, &status);
        assert_status(status, SBS_PENDING);
        peer_run(&self->peer, 300);
        self->peer.from_device_count = 0;
        if (len < sizeof sent) {
            len += rig_receive(self, got + len, sizeof got - len, 100, &status);
            far.seq = first + (uint32_t)len;
            size_t part = sizeof sent - len < 500 ? sizeof sent - len : 500;
            peer_send(&far, ACK | PSH, sent + len, part);
            peer_run(&self->peer, 10);
        }
    }
    assert_int_equal(len, sizeof sent);
    assert_memory_equal(got, sent, sizeof sent);
}

/* Each stream may hold one frame whatever the others hold; the share of all of them is kept. */
static void test_streams_share(void **state) {
    enum { STREAMS = 4 };
    static const uint8_t data[1460] = {7};
    static sbs_lwip_stream tcp[STREAMS];
    rig *self = *state;
    peer_connection far[STREAMS];
    sbs_stream streams[STREAMS];
    uint8_t got[1460];
    size_t len;
    unsigned arrived = 0;
    for (unsigned i = 0; i < STREAMS; i++) {
        sbs_lwip_stream_init(&tcp[i], NULL, &streams[i]);
        assert_status(streams[i].ops->open(&tcp[i], RIG_HOST, RIG_PORT, peer_now(&self->peer)), SBS_PENDING);
        peer_run(&self->peer, 20);
        assert_true(peer_accept(&self->peer, RIG_PORT, &far[i]));
        assert_status(streams[i].ops->open(&tcp[i], RIG_HOST, RIG_PORT, peer_now(&self->peer)), SBS_OK);
    }
    for (unsigned i = 0; i < STREAMS; i++) {
        peer_send(&far[i], ACK | PSH, data, sizeof data);
    }
    peer_run(&self->peer, 10);
    assert_in_range(state_of(self).received_size, 3 * sizeof data, SBS_LWIP_RECEIVED_MAX);
    assert_int_equal(state_of(self).frames_dropped, 1);
    for (unsigned i = 0; i < STREAMS; i++) {
        sbs_status status = streams[i].ops->receive(&tcp[i], got, sizeof got, &len);
        if (status == SBS_PENDING) { /* sent again, as there is room now */
            far[i].seq -= (uint32_t)sizeof data;
            peer_send(&far[i], ACK | PSH, data, sizeof data);
            peer_run(&self->peer, 10);
            status = streams[i].ops->receive(&tcp[i], got, sizeof got, &len);
        }
        arrived += status == SBS_OK && len == sizeof data ? 1u : 0u;
        sbs_lwip_stream_deinit(&tcp[i]);
    }
    assert_int_equal(arrived, STREAMS);
}

/* The end of the stream hides behind a segment that was not taken at first. */
static void test_end_behind_a_segment_that_waits(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[4096];
    sbs_status status;
    unsigned sent = 0;
    rig_connect(self, &far);
    while (state_of(self).received_size + 2200 < SBS_LWIP_RECEIVED_MAX) {
        peer_send(&far, ACK, "y", 1);
        peer_run(&self->peer, 10);
        self->peer.from_device_count = 0;
        ++sent;
    }
    peer_send(&far, ACK, got, 600);
    peer_send(&far, ACK | FIN, "z", 1);
    peer_run(&self->peer, 10);
    size_t len = rig_receive(self, got, sizeof got, sizeof got, &status);
    if (len < sent + 601) { /* the last one did not fit: once more */
        far.seq -= 2;
        peer_send(&far, ACK | FIN, "z", 1);
        peer_run(&self->peer, 300);
        len += rig_receive(self, got + len, sizeof got - len, 64, &status);
    }
    assert_int_equal(len, sent + 601);
    assert_int_equal(got[len - 1], 'z');
    assert_status(status, SBS_END);
}

/* Closing with a share that is used up is as graceful as without: what was sent arrives, and then the end. */
static void test_close_with_a_full_share(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[64];
    uint8_t flags;
    rig_connect(self, &far);
    for (unsigned i = 0; i < 80; i++) {
        peer_send(&far, ACK, "y", 1);
        peer_run(&self->peer, 10);
        self->peer.from_device_count = 0;
    }
    assert_true(state_of(self).received_size + 1600 > SBS_LWIP_RECEIVED_MAX);
    assert_int_equal(rig_send(self, "goodbye", 7), 7);
    self->stream.ops->close(self->stream.ctx);
    peer_run(&self->peer, 10);
    assert_int_equal(peer_read(&far, got, sizeof got, &flags), 7);
    assert_int_equal(flags & (FIN | RST), FIN);
    assert_int_equal(state_of(self).received_size, 0);
}

/* The heap is used up by somebody else (TLS) at every point of an exchange, and comes back after a while. */
static void test_heap_empty_for_a_while(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[4096];
    uint8_t flags;
    for (unsigned after = 1; after < 12; after++) {
        size_t len = 0, part;
        sbs_status status;
        rig_connect(self, &far);
        rig_fail_allocations(after);
        for (unsigned i = 0; i < 100 && len < 5; i++) {
            if (i == 20) {
                rig_fail_allocations(0);
            }
            if (len == 0) {
                status = self->stream.ops->send(self->stream.ctx, (const uint8_t *)"quest", 5, &part);
                assert_true(status == SBS_OK || status == SBS_PENDING || status == SBS_ERR_MEMORY);
                if (status == SBS_ERR_MEMORY) { /* nothing was under way that would give memory back */
                    break;
                }
                len = part;
            }
            peer_run(&self->peer, 100);
        }
        rig_fail_allocations(0);
        if (len != 0) {
            peer_run(&self->peer, 1000);
            assert_int_equal(peer_read(&far, got, sizeof got, &flags), 5);
        }
        self->stream.ops->close(self->stream.ctx);
        peer_run(&self->peer, 1000);
        peer_send(&far, RST | ACK, NULL, 0);
        peer_run(&self->peer, 10);
        self->peer.from_device_count = 0;
    }
}

static void test_no_heap_at_all(void **state) {
    rig *self = *state;
    peer_connection far;
    size_t len;
    sbs_status status;
    rig_fail_allocations(1);
    status = rig_open(self, RIG_HOST);
    assert_true(status == SBS_ERR_MEMORY);
    self->stream.ops->close(self->stream.ctx);
    rig_fail_allocations(0);
    rig_connect(self, &far);
    rig_fail_allocations(1);
    assert_status(self->stream.ops->send(self->stream.ctx, (const uint8_t *)"x", 1, &len), SBS_ERR_MEMORY);
    self->stream.ops->close(self->stream.ctx);
    peer_run(&self->peer, 10000); /* lwIP's timers run meanwhile and are not lost */
    rig_fail_allocations(0);
    self->peer.from_device_count = 0;
    rig_connect(self, &far);
}

/* Less room than the message: a part of it is taken. */
static void test_send_takes_what_fits(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t data[2920] = {0}, got[4096];
    uint8_t flags;
    rig_connect(self, &far);
    rig_limit_allocations(600);
    size_t sent = rig_send(self, data, sizeof data);
    assert_int_equal(sent, 365); /* halved three times */
    rig_limit_allocations(0);
    peer_run(&self->peer, 1000);
    assert_int_equal(peer_read(&far, got, sizeof got, &flags), sent);
}

/* Frames that find no memory are lost, counted, and sent again by the peer. */
static void test_frames_without_memory_are_counted(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[16];
    sbs_status status;
    rig_connect(self, &far);
    uint32_t dropped = state_of(self).frames_dropped;
    rig_fail_allocations(1);
    peer_send(&far, ACK | PSH, "again", 5);
    peer_run(&self->peer, 10);
    assert_int_equal(state_of(self).frames_dropped, dropped + 1);
    assert_int_equal(rig_receive(self, got, sizeof got, 16, &status), 0);
    rig_fail_allocations(0);
    far.seq -= 5;
    peer_send(&far, ACK | PSH, "again", 5);
    peer_run(&self->peer, 10);
    assert_int_equal(rig_receive(self, got, sizeof got, 16, &status), 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        T(test_tiny_segments_stay_in_their_share),
        T(test_streams_share),
        T(test_end_behind_a_segment_that_waits),
        T(test_close_with_a_full_share),
        T(test_heap_empty_for_a_while),
        T(test_no_heap_at_all),
        T(test_send_takes_what_fits),
        T(test_frames_without_memory_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
