/* SPDX-License-Identifier: Apache-2.0 */
/* The stream's contract against a scripted peer: data, ends, errors. */
#include <string.h>

#include "rig.h"

static void fill(uint8_t *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
}

/* Every way to cut 200 bytes into equal segments, read in equal pieces: some of them. */
static void test_receives_any_split(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t sent[200], got[200];
    sbs_status status;
    fill(sent, sizeof sent);
    rig_connect(self, &far);
    for (size_t segment = 1; segment <= sizeof sent; segment = segment * 2 + segment % 3) {
        for (size_t piece = 1; piece <= sizeof got; piece = piece * 3 + 1) {
            size_t len = 0;
            for (size_t at = 0; at < sizeof sent; at += segment) {
                size_t part = sizeof sent - at < segment ? sizeof sent - at : segment;
                peer_send(&far, ACK | PSH, sent + at, part);
                if (at / segment % 16 == 15) { /* the peer's queue is short */
                    peer_run(&self->peer, 10);
                    len += rig_receive(self, got + len, sizeof got - len, piece, &status);
                    self->peer.from_device_count = 0;
                }
            }
            peer_run(&self->peer, 10);
            len += rig_receive(self, got + len, sizeof got - len, piece, &status);
            assert_int_equal(len, sizeof got);
            assert_memory_equal(got, sent, sizeof got);
            assert_int_equal(rig_receive(self, got, 1, 1, &status), 0);
            assert_status(status, SBS_PENDING);
            peer_run(&self->peer, 300); /* delayed acknowledgement */
            self->peer.from_device_count = 0;
        }
    }
}

static void test_waits_are_told_and_woken(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t byte;
    size_t len;
    assert_status(rig_open(self, RIG_HOST), SBS_PENDING);
    sbs_wait wait = self->stream.ops->waits_for(self->stream.ctx);
    assert_int_equal(wait.descriptor, -1);
    assert_int_equal(wait.events, SBS_WAIT_WRITE);
    assert_in_range(wait.timeout_ms, 9000, 10000);
    peer_run(&self->peer, 20);
    assert_int_equal(self->wakes, 0);
    assert_true(peer_accept(&self->peer, RIG_PORT, &far));
    assert_int_equal(self->wakes, 1);
    assert_status(rig_open(self, RIG_HOST), SBS_OK);
    assert_status(rig_open(self, RIG_HOST), SBS_ERR_STATE);
    assert_status(self->stream.ops->receive(self->stream.ctx, &byte, 1, &len), SBS_PENDING);
    wait = self->stream.ops->waits_for(self->stream.ctx);
    assert_int_equal(wait.events, SBS_WAIT_READ);
    assert_int_equal(wait.timeout_ms, SBS_WAIT_FOREVER);
    peer_send(&far, ACK | PSH, "x", 1);
    peer_run(&self->peer, 10);
    assert_int_equal(self->wakes, 2);
    assert_status(self->stream.ops->receive(self->stream.ctx, &byte, 1, &len), SBS_OK);
    assert_int_equal(byte, 'x');
}

/* The window is closed by what nobody reads and opens again as it is read. */
static void test_window_follows_reading(void **state) {
    rig *self = *state;
    peer_connection far;
    peer_packet packet;
    uint8_t data[1460] = {0}, got[4096];
    sbs_status status;
    rig_connect(self, &far);
    uint16_t full = far.window;
    assert_int_equal(full, 2 * 1460);
    peer_send(&far, ACK, data, sizeof data);
    peer_send(&far, ACK, data, sizeof data);
    peer_run(&self->peer, 300);
    uint16_t last = full;
    while (peer_take(&self->peer, PEER_TCP, &packet)) {
        last = packet.window;
    }
    assert_int_equal(last, 0);
    assert_int_equal(rig_receive(self, got, 1460, 1460, &status), 1460);
    assert_true(peer_take(&self->peer, PEER_TCP, &packet));
    assert_int_equal(packet.window, 1460);
    assert_int_equal(rig_receive(self, got, sizeof got, 100, &status), 1460);
    while (peer_take(&self->peer, PEER_TCP, &packet)) {
        last = packet.window;
    }
    assert_in_range(last, 3 * full / 4, full);
}

static void test_send_is_bounded_and_goes_on(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t data[20000], got[20000];
    uint8_t flags;
    size_t sent = 0, read = 0, part = 0;
    fill(data, sizeof data);
    rig_connect(self, &far);
    while (read < sizeof data) {
        while (sent < sizeof data) {
            sbs_status status = self->stream.ops->send(self->stream.ctx, data + sent, sizeof data - sent, &part);
            if (status == SBS_PENDING) {
                assert_int_equal(part, 0);
                assert_int_equal(self->stream.ops->waits_for(self->stream.ctx).events, SBS_WAIT_WRITE);
                assert_in_range(sent - read, 1460, 2 * 1460);
                break;
            }
            assert_status(status, SBS_OK);
            sent += part;
        }
        unsigned wakes = self->wakes;
        peer_run(&self->peer, 10);
        part = peer_read(&far, got + read, sizeof got - read, &flags);
        assert_true(part > 0);
        read += part;
        assert_int_equal(self->wakes, wakes + 1);
    }
    assert_memory_equal(got, data, sizeof data);
}

static void test_end_comes_after_the_data(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[64];
    uint8_t flags;
    sbs_status status;
    rig_connect(self, &far);
    peer_send(&far, ACK | PSH | FIN, "last words", 10);
    peer_run(&self->peer, 10);
    assert_int_equal(rig_receive(self, got, sizeof got, 3, &status), 10);
    assert_memory_equal(got, "last words", 10);
    assert_status(status, SBS_END);
    assert_int_equal(rig_receive(self, got, 1, 1, &status), 0);
    assert_status(status, SBS_END);
    assert_int_equal(rig_send(self, "still", 5), 5); /* the other direction is open */
    assert_int_equal(peer_read(&far, got, sizeof got, &flags), 5);
}

static void test_reset_after_data(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[64];
    sbs_status status;
    rig_connect(self, &far);
    peer_send(&far, ACK | PSH, "half", 4);
    peer_send(&far, RST | ACK, NULL, 0);
    peer_run(&self->peer, 10);
    assert_int_equal(rig_receive(self, got, sizeof got, 64, &status), 4);
    assert_status(status, SBS_ERR_TRUNCATED);
    assert_int_equal(self->stream.ops->last_code(self->stream.ctx), -14); /* ERR_RST */
    assert_int_equal(rig_receive(self, got, 1, 1, &status), 0);
    assert_status(status, SBS_ERR_STATE);
    assert_status(rig_open(self, RIG_HOST), SBS_ERR_STATE);
}

static void test_reset_while_sending(void **state) {
    rig *self = *state;
    peer_connection far;
    size_t len;
    rig_connect(self, &far);
    peer_send(&far, RST | ACK, NULL, 0);
    peer_run(&self->peer, 10);
    assert_status(self->stream.ops->send(self->stream.ctx, (const uint8_t *)"x", 1, &len), SBS_ERR_NETWORK);
}

static void test_reset_before_it_was_seen_open(void **state) {
    rig *self = *state;
    peer_connection far;
    assert_status(rig_open(self, RIG_HOST), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(peer_accept(&self->peer, RIG_PORT, &far));
    peer_send(&far, RST | ACK, NULL, 0);
    peer_run(&self->peer, 10);
    assert_status(rig_open(self, RIG_HOST), SBS_ERR_NETWORK);
}

static void test_refused(void **state) {
    rig *self = *state;
    peer_connection far;
    assert_status(rig_open(self, RIG_HOST), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(peer_take_syn(&self->peer, RIG_PORT, &far));
    peer_send(&far, RST | ACK, NULL, 0);
    peer_run(&self->peer, 10);
    assert_status(rig_open(self, RIG_HOST), SBS_ERR_REFUSED);
}

/* Returns what open() says in the end, and how long that took. */
static sbs_status open_to_the_end(rig *self, const char *host, uint64_t *out_ms) {
    uint64_t began_ms = self->peer.now_ms;
    sbs_status status;
    while ((status = rig_open(self, host)) == SBS_PENDING) {
        peer_run(&self->peer, 100);
        self->peer.from_device_count = 0;
    }
    *out_ms = self->peer.now_ms - began_ms;
    return status;
}

static void test_silence_is_told_apart(void **state) {
    rig *self = *state;
    uint64_t ms;
    assert_status(open_to_the_end(self, RIG_HOST, &ms), SBS_ERR_TIMEOUT); /* it answers to ARP */
    assert_in_range(ms, 5000, 10100);
    self->stream.ops->close(self->stream.ctx);
    assert_status(open_to_the_end(self, "192.0.2.1", &ms), SBS_ERR_TIMEOUT); /* behind the router */
    self->stream.ops->close(self->stream.ctx);
    self->peer.answers_arp = false;
    assert_status(open_to_the_end(self, "10.77.0.9", &ms), SBS_ERR_UNREACHABLE); /* nobody there */
    assert_in_range(ms, 5000, 10100);
    self->stream.ops->close(self->stream.ctx);
    self->peer.cable = false;
    peer_run(&self->peer, 300);
    assert_status(open_to_the_end(self, RIG_HOST, &ms), SBS_ERR_UNREACHABLE);
    assert_int_equal(ms, 0);
    self->stream.ops->close(self->stream.ctx);
    assert_status(open_to_the_end(self, "2001:db8::1", &ms), SBS_ERR_UNREACHABLE);
}

static void test_no_acknowledgement_ever(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got;
    sbs_status status = SBS_PENDING;
    rig_connect(self, &far);
    assert_int_equal(rig_send(self, "anyone?", 7), 7);
    for (unsigned s = 0; s < 1200 && status == SBS_PENDING; s++) {
        peer_run(&self->peer, 1000);
        self->peer.from_device_count = 0;
        (void)rig_receive(self, &got, 1, 1, &status);
    }
    assert_status(status, SBS_ERR_TIMEOUT);
}

static void test_usage(void **state) {
    rig *self = *state;
    uint8_t byte = 0;
    size_t len;
    assert_status(rig_open(self, ""), SBS_ERR_ARGUMENT);
    assert_status(self->stream.ops->open(self->stream.ctx, RIG_HOST, 0, peer_now(&self->peer)), SBS_ERR_ARGUMENT);
    assert_status(self->stream.ops->send(self->stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    assert_status(self->stream.ops->receive(self->stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    assert_false(self->stream.ops->secured);
    self->stream.ops->close(self->stream.ctx);
    self->stream.ops->close(self->stream.ctx);
}

/* The controller has no room now and then: nothing is lost, and it takes no half second. */
static void test_busy_controller(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[16];
    uint8_t flags;
    rig_connect(self, &far);
    for (unsigned blocked = 1; blocked < 5; blocked++) {
        self->peer.blocked = blocked;
        assert_int_equal(rig_send(self, "blocked", 7), 7);
        peer_run(&self->peer, 100);
        assert_int_equal(peer_read(&far, got, sizeof got, &flags), 7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        T(test_receives_any_split),
        T(test_waits_are_told_and_woken),
        T(test_window_follows_reading),
        T(test_send_is_bounded_and_goes_on),
        T(test_end_comes_after_the_data),
        T(test_reset_after_data),
        T(test_reset_while_sending),
        T(test_reset_before_it_was_seen_open),
        T(test_refused),
        T(test_silence_is_told_apart),
        T(test_no_acknowledgement_ever),
        T(test_usage),
        T(test_busy_controller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
