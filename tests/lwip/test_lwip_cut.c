/* SPDX-License-Identifier: Apache-2.0 */
/* Packets that end where lwIP would read on. */
#include <string.h>

#include "rig.h"
#include "sbs/count.h"

/* True if the device takes this for the answer to its SYN. */
static bool is_taken(rig *self, const uint8_t *options, size_t len) {
    peer_connection far;
    peer_packet packet;
    (void)rig_open(self, RIG_HOST);
    peer_run(&self->peer, 10);
    (void)rig_open(self, RIG_HOST);
    peer_run(&self->peer, 10);
    assert_true(peer_take_syn(&self->peer, RIG_PORT, &far));
    peer_send_options(&far, SYN | ACK, options, len);
    peer_run(&self->peer, 10);
    bool taken = peer_take(&self->peer, PEER_TCP, &packet) && packet.flags == ACK;
    self->stream.ops->close(self->stream.ctx);
    peer_run(&self->peer, 10);
    return taken;
}

static void a_segment_whose_options_are_whole_is_taken(void **state) {
    static const uint8_t whole[][8] = {
        {2, 4, 5, 0xB4, 1, 1, 1, 1},  /* a segment size */
        {2, 4, 5, 0xB4, 0, 77, 0, 0}, /* nothing counts behind the end */
        {30, 8, 0, 0, 0, 0, 0, 0},    /* one that nobody knows */
    };
    rig *self = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(whole); i++) {
        assert_true(is_taken(self, whole[i], sizeof whole[i]));
    }
}

static void a_segment_with_an_option_that_is_cut_is_dropped(void **state) {
    static const uint8_t cut[][8] = {
        {2, 4, 5, 0xB4, 1, 1, 1, 2},  /* the length is missing */
        {2, 4, 5, 0xB4, 1, 1, 30, 3}, /* a byte is missing */
        {30, 9, 0, 0, 0, 0, 0, 0},    /* longer than all */
        {30, 1, 0, 0, 0, 0, 0, 0},    /* shorter than itself */
        {30, 0, 0, 0, 0, 0, 0, 0},
    };
    rig *self = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(cut); i++) {
        assert_false(is_taken(self, cut[i], sizeof cut[i]));
    }
}

/* What the missing bytes would have said stands behind the frame here. */
static void a_question_of_arp_that_is_cut_is_not_answered(void **state) {
    rig *self = *state;
    for (size_t len = 14; len < 42; len++) {
        peer_ask_arp(&self->peer, len);
        peer_run(&self->peer, 10);
    }
    assert_int_equal(self->peer.arp_answers, 0);

    peer_ask_arp(&self->peer, 42);
    peer_run(&self->peer, 10);
    assert_int_equal(self->peer.arp_answers, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_segment_whose_options_are_whole_is_taken, rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(a_segment_with_an_option_that_is_cut_is_dropped, rig_set_up, rig_tear_down),
        cmocka_unit_test_setup_teardown(a_question_of_arp_that_is_cut_is_not_answered, rig_set_up, rig_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
