/* SPDX-License-Identifier: Apache-2.0 */
/* Names, and closing in every state: nothing that comes late may touch a stream that was closed, opened again or freed.
 */
#include <lwip/memp.h>
#include <lwip/stats.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define NAME "server.lab.test"
#define DNS_PORT 53u

/* Takes the device's question, without answering. */
static bool take_question(rig *self, peer_packet *out) {
    while (peer_take(&self->peer, PEER_UDP, out)) {
        if (out->to_port == DNS_PORT) {
            return true;
        }
    }
    return false;
}

/* Answers it: with PEER_ADDRESS, or with an error code (RFC 1035 section 4.1.1). */
static void answer(rig *self, const peer_packet *question, uint8_t code) {
    static const uint8_t record[] = {0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 77, 0, 1};
    uint8_t packet[512];
    size_t len = question->len;
    memcpy(packet, question->data, len);
    packet[2] = 0x81;
    packet[3] = (uint8_t)(0x80 | code);
    if (code == 0) {
        packet[7] = 1;
        memcpy(packet + len, record, sizeof record);
        len += sizeof record;
    }
    peer_send_udp(&self->peer, DNS_PORT, DEVICE_ADDRESS, question->from_port, packet, len);
    peer_run(&self->peer, 20);
}

/* Opens by name up to its question. Names are remembered by lwIP, so each test asks for one of its own. */
static void ask(rig *self, const char *host, peer_packet *question) {
    assert_status(rig_open(self, host), SBS_PENDING);
    assert_int_equal(self->stream.ops->waits_for(self->stream.ctx).events, SBS_WAIT_READ);
    peer_run(&self->peer, 20);
    assert_true(take_question(self, question));
}

static void test_name(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection far;
    ask(self, "a." NAME, &question);
    answer(self, &question, 0);
    assert_int_equal(self->wakes, 1);
    assert_status(rig_open(self, "a." NAME), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(peer_accept(&self->peer, RIG_PORT, &far));
    assert_status(rig_open(self, "a." NAME), SBS_OK);
}

/* RFC 5452: neither ids nor ports may be guessed. */
static void test_questions_are_random(void **state) {
    rig *self = *state;
    peer_packet question;
    uint16_t ids[6], ports[6];
    char host[] = "r0." NAME;
    unsigned steps = 0;
    for (unsigned i = 0; i < 6; i++) {
        host[1] = (char)('0' + i);
        ask(self, host, &question);
        ids[i] = (uint16_t)(question.data[0] << 8 | question.data[1]);
        ports[i] = question.from_port;
        answer(self, &question, 3);
        self->stream.ops->close(self->stream.ctx);
    }
    for (unsigned i = 1; i < 6; i++) {
        steps += (uint16_t)(ids[i] - ids[i - 1]) < 16 ? 1u : 0u;
        steps += (uint16_t)(ports[i] - ports[i - 1]) < 16 ? 1u : 0u;
    }
    assert_in_range(steps, 0, 1);
}

static void test_sequence_numbers_are_random(void **state) {
    rig *self = *state;
    peer_connection far;
    uint32_t last = 0;
    unsigned near = 0;
    for (unsigned i = 0; i < 6; i++) {
        rig_connect(self, &far);
        near += i > 0 && far.ack - last < 1u << 20 ? 1u : 0u;
        last = far.ack;
        peer_send(&far, RST | ACK, NULL, 0);
        peer_run(&self->peer, 10);
        self->stream.ops->close(self->stream.ctx);
    }
    assert_in_range(near, 0, 1);
}

static void test_no_such_name_and_refused_question(void **state) {
    rig *self = *state;
    peer_packet question;
    for (unsigned i = 0; i < 2; i++) {
        ask(self, "b." NAME, &question);
        answer(self, &question, i == 0 ? 3 : 5);
        assert_status(rig_open(self, "b." NAME), SBS_ERR_RESOLVE);
        self->stream.ops->close(self->stream.ctx);
    }
    ask(self, "b." NAME, &question); /* and it is found once it exists */
    answer(self, &question, 0);
    assert_status(rig_open(self, "b." NAME), SBS_PENDING);
}

static void test_silent_name_server(void **state) {
    rig *self = *state;
    sbs_status status;
    uint64_t began_ms = self->peer.now_ms;
    while ((status = rig_open(self, "c." NAME)) == SBS_PENDING) {
        peer_run(&self->peer, 100);
    }
    assert_status(status, SBS_ERR_RESOLVE);
    assert_in_range(self->peer.now_ms - began_ms, 5000, 10100);
}

static void test_answer_after_close(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection far;
    ask(self, "d." NAME, &question);
    self->stream.ops->close(self->stream.ctx);
    assert_status(rig_open(self, RIG_HOST), SBS_PENDING); /* the same stream, elsewhere */
    answer(self, &question, 3);
    assert_true(peer_accept(&self->peer, RIG_PORT, &far));
    assert_status(rig_open(self, RIG_HOST), SBS_OK);
}

static void test_answer_after_the_stream_is_gone(void **state) {
    rig *self = *state;
    peer_packet question;
    sbs_stream stream;
    sbs_lwip_stream *short_lived = malloc(sizeof *short_lived);
    sbs_lwip_stream_init(short_lived, NULL, &stream);
    assert_status(stream.ops->open(stream.ctx, "e." NAME, RIG_PORT, peer_now(&self->peer)), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(take_question(self, &question));
    sbs_lwip_stream_deinit(short_lived);
    memset(short_lived, 0xA5, sizeof *short_lived);
    free(short_lived);
    answer(self, &question, 0);
}

/* More questions than lwIP keeps, none of them answered: the ones behind wait, and succeed once there is room. */
static void test_many_given_up_questions(void **state) {
    rig *self = *state;
    peer_packet question;
    char host[] = "f0." NAME;
    for (unsigned i = 0; i < 8; i++) {
        host[1] = (char)('0' + i);
        assert_status(rig_open(self, host), SBS_PENDING);
        peer_run(&self->peer, 20);
        self->stream.ops->close(self->stream.ctx);
    }
    sbs_status status = rig_open(self, "g." NAME);
    assert_status(status, SBS_PENDING);
    assert_in_range(self->stream.ops->waits_for(self->stream.ctx).timeout_ms, 1, 100);
    bool asked = false;
    for (unsigned i = 0; i < 90 && !asked; i++) {
        assert_status(rig_open(self, "g." NAME), SBS_PENDING);
        peer_run(&self->peer, 100);
        while (take_question(self, &question)) {
            asked = asked || memcmp(question.data + 12, "\1g", 2) == 0;
        }
    }
    assert_true(asked);
}

/* States in which a stream is closed. */
typedef enum place {
    BEFORE_OPEN,
    CONNECTING,
    CONNECTED_UNSEEN,
    OPEN,
    UNREAD,
    UNSENT,
    PEER_ENDED,
    PEER_RESET,
    LINK_DOWN,
    PLACES
} place;

static void go_to(rig *self, place where, peer_connection *far) {
    static const uint8_t data[1000] = {1};
    if (where == BEFORE_OPEN) {
        return;
    }
    if (where == CONNECTING || where == CONNECTED_UNSEEN) {
        assert_status(rig_open(self, RIG_HOST), SBS_PENDING);
        peer_run(&self->peer, 20);
        assert_true(where == CONNECTING ? peer_take_syn(&self->peer, RIG_PORT, far)
                                        : peer_accept(&self->peer, RIG_PORT, far));
        return;
    }
    rig_connect(self, far);
    if (where == UNREAD) {
        peer_send(far, ACK | PSH, data, sizeof data);
    } else if (where == UNSENT) {
        (void)rig_send(self, data, sizeof data);
    } else if (where == PEER_ENDED) {
        peer_send(far, ACK | FIN, NULL, 0);
    } else if (where == PEER_RESET) {
        peer_send(far, ACK | RST, NULL, 0);
    } else if (where == LINK_DOWN) {
        self->peer.cable = false;
    }
    peer_run(&self->peer, 300);
}

static void test_close_everywhere_and_open_again(void **state) {
    rig *self = *state;
    peer_connection far, next;
    uint8_t got[2000];
    uint8_t flags;
    sbs_status status;
    for (unsigned where = 0; where < PLACES; where++) {
        memset(&far, 0, sizeof far);
        go_to(self, (place)where, &far);
        self->stream.ops->close(self->stream.ctx);
        self->peer.cable = true;
        peer_run(&self->peer, 300);
        if (where != BEFORE_OPEN) { /* whatever the peer still says reaches nobody */
            peer_send(&far, where == CONNECTING ? SYN | ACK : ACK | PSH, "late", where == CONNECTING ? 0 : 4);
            peer_run(&self->peer, 10);
        }
        self->peer.from_device_count = 0;
        rig_connect(self, &next);
        peer_send(&next, ACK | PSH, "fresh", 5);
        peer_run(&self->peer, 10);
        assert_int_equal(rig_receive(self, got, sizeof got, sizeof got, &status), 5);
        assert_memory_equal(got, "fresh", 5);
        assert_int_equal(rig_send(self, "too", 3), 3);
        assert_int_equal(peer_read(&next, got, sizeof got, &flags), 3);
        self->stream.ops->close(self->stream.ctx);
        peer_run(&self->peer, 10);
        assert_int_equal(peer_read(&next, got, sizeof got, &flags), 0);
        assert_int_equal(flags & (FIN | RST), FIN);
        peer_send(&next, ACK | FIN, NULL, 0);
        peer_run(&self->peer, 10);
    }
}

/* What was sent before close() arrives, and then the end of the stream, although something was not read. */
static void test_close_is_graceful(void **state) {
    rig *self = *state;
    peer_connection far;
    uint8_t got[64];
    uint8_t flags;
    rig_connect(self, &far);
    peer_send(&far, ACK | PSH, "never read", 10);
    peer_run(&self->peer, 10);
    self->peer.from_device_count = 0;
    assert_int_equal(rig_send(self, "goodbye", 7), 7);
    self->stream.ops->close(self->stream.ctx);
    peer_run(&self->peer, 10);
    assert_int_equal(peer_read(&far, got, sizeof got, &flags), 7);
    assert_memory_equal(got, "goodbye", 7);
    assert_int_equal(flags & (FIN | RST), FIN);
}

/* A network that swallows everything: however often it is tried, old connections do not use up the new ones' room. */
static void test_forlorn_connections_make_room(void **state) {
    rig *self = *state;
    peer_connection far;
    for (unsigned i = 0; i < 30; i++) {
        rig_connect(self, &far);
        (void)rig_send(self, "swallowed", 9);
        self->stream.ops->close(self->stream.ctx);
        peer_run(&self->peer, 2000);
        self->peer.from_device_count = 0;
        assert_in_range(memp_pools[MEMP_TCP_PCB]->stats->used, 0, 3);
    }
    /* Closed too quickly to know that they are forlorn: the pool is full, and the oldest goes. */
    for (unsigned i = 0; i < 30; i++) {
        rig_connect(self, &far);
        self->stream.ops->close(self->stream.ctx);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        T(test_name),
        T(test_questions_are_random),
        T(test_sequence_numbers_are_random),
        T(test_no_such_name_and_refused_question),
        T(test_silent_name_server),
        T(test_answer_after_close),
        T(test_answer_after_the_stream_is_gone),
        T(test_many_given_up_questions),
        T(test_close_everywhere_and_open_again),
        T(test_close_is_graceful),
        T(test_forlorn_connections_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
