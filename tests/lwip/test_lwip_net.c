/* SPDX-License-Identifier: Apache-2.0 */
/* The network: address by DHCP, the cable, and the time of day from servers that cannot be trusted. */
#include <string.h>

#include "rig.h"
#include "sbs/count.h"

#define NTP_PORT 123u
#define EARLIEST_S INT64_C(1767225600) /* 2026-01-01 */
#define ERA_0 INT64_C(2208988800)      /* seconds from 1900 to 1970 */

static int64_t told_utc_s;
static unsigned told_count;

static void on_time(void *ctx, int64_t utc_s) {
    (void)ctx;
    told_utc_s = utc_s;
    ++told_count;
}

static const sbs_lwip_net_config dynamic = {.hostname = "meter-17", .earliest_s = EARLIEST_S, .on_time = on_time};

/* The network of the rig, started anew with another configuration. */
static void restart(rig *self, const sbs_lwip_net_config *config) {
    sbs_lwip_net_deinit(&self->net);
    self->peer.from_device_count = 0;
    told_count = 0;
    assert_status(sbs_lwip_net_init(&self->net, &self->peer.ethernet, config), SBS_OK);
    peer_run(&self->peer, 10);
}

static sbs_lwip_net_state state_of(rig *self) {
    sbs_lwip_net_state net_state;
    sbs_lwip_net_read_state(&self->net, &net_state);
    return net_state;
}

/* Lets time pass until the device sends a DHCP message, and answers it. */
static uint8_t next_dhcp(rig *self, uint32_t lease_s, bool refuse, uint32_t limit_ms) {
    for (uint32_t ms = 0; ms < limit_ms; ms += 100) {
        uint8_t type = peer_answer_dhcp(&self->peer, lease_s, refuse);
        if (type != 0) {
            return type;
        }
        peer_run(&self->peer, 100);
    }
    return 0;
}

static void get_address(rig *self, uint32_t lease_s) {
    assert_int_equal(next_dhcp(self, lease_s, false, 5000), 1);
    assert_int_equal(next_dhcp(self, lease_s, false, 5000), 3);
    peer_run(&self->peer, 20);
    assert_true(state_of(self).ready);
}

static void test_arguments(void **state) {
    rig *self = *state;
    sbs_lwip_net other;
    assert_status(sbs_lwip_net_init(&other, &self->peer.ethernet, &dynamic), SBS_ERR_STATE);
    assert_status(sbs_lwip_net_init(&other, NULL, &dynamic), SBS_ERR_ARGUMENT);
    assert_status(sbs_lwip_net_init(&other, &self->peer.ethernet, NULL), SBS_ERR_ARGUMENT);
    const sbs_lwip_net_config timeless = {.hostname = "x"};
    assert_status(sbs_lwip_net_init(&other, &self->peer.ethernet, &timeless), SBS_ERR_ARGUMENT);
    sbs_lwip_net_deinit(&other);
}

static void test_address_by_dhcp(void **state) {
    rig *self = *state;
    peer_packet packet;
    bool named = false;
    restart(self, &dynamic);
    assert_false(state_of(self).ready);
    assert_true(state_of(self).link_up);
    assert_int_equal(self->peer.from_device_count, 1);
    packet = self->peer.from_device[0];
    for (size_t i = 240; i + 8 < packet.len; i++) {
        named = named || memcmp(packet.data + i, "\x0C\x08meter-17", 10) == 0;
    }
    assert_true(named);
    get_address(self, 3600);
    sbs_lwip_net_state net_state = state_of(self);
    assert_memory_equal(net_state.address.bytes, ((uint8_t[]){10, 77, 0, 2}), 4);
    assert_memory_equal(net_state.netmask.bytes, ((uint8_t[]){255, 255, 255, 0}), 4);
    assert_memory_equal(net_state.gateway.bytes, ((uint8_t[]){10, 77, 0, 1}), 4);
    assert_memory_equal(net_state.name_server.bytes, ((uint8_t[]){10, 77, 0, 1}), 4);
}

static void test_lease_is_renewed_and_lost(void **state) {
    rig *self = *state;
    peer_connection far;
    restart(self, &dynamic);
    get_address(self, 240);
    rig_connect(self, &far);
    self->peer.from_device_count = 0;
    for (unsigned i = 0; i < 5; i++) { /* renewed at half of the lease, the connection goes on */
        assert_int_equal(next_dhcp(self, 240, false, 190000), 3);
        assert_true(state_of(self).ready);
        assert_int_equal(rig_send(self, "on", 2), 2);
        peer_run(&self->peer, 10);
        uint8_t got[8], flags;
        assert_int_equal(peer_read(&far, got, sizeof got, &flags), 2);
    }
    assert_int_equal(next_dhcp(self, 240, true, 190000), 3); /* refused: the address is gone, and the connection */
    assert_false(state_of(self).ready);
    uint8_t byte;
    sbs_status status;
    assert_int_equal(rig_receive(self, &byte, 1, 1, &status), 0);
    assert_status(status, SBS_ERR_UNREACHABLE);
    get_address(self, 240);
}

static void test_no_dhcp_server_for_a_while(void **state) {
    rig *self = *state;
    restart(self, &dynamic);
    for (unsigned i = 0; i < 300; i++) {
        peer_run(&self->peer, 1000);
        self->peer.from_device_count = 0;
    }
    assert_status(rig_open(self, RIG_HOST), SBS_ERR_UNREACHABLE);
    assert_int_equal(next_dhcp(self, 3600, false, 65000), 1); /* it asks about once a minute */
    assert_int_equal(next_dhcp(self, 3600, false, 5000), 3);
    assert_true(state_of(self).ready);
}

static void test_cable(void **state) {
    rig *self = *state;
    restart(self, &dynamic);
    get_address(self, 3600);
    self->peer.cable = false;
    peer_run(&self->peer, 300);
    assert_false(state_of(self).link_up);
    assert_false(state_of(self).ready);
    self->peer.from_device_count = 0;
    self->peer.cable = true;
    peer_run(&self->peer, 300);
    assert_true(state_of(self).link_up);
    assert_int_equal(next_dhcp(self, 3600, false, 5000), 3); /* asks for the old address first */
    assert_true(state_of(self).ready);
}

/* --- time --- */

static bool take_question(rig *self, peer_packet *out) {
    while (peer_take(&self->peer, PEER_UDP, out)) {
        if (out->to_port == NTP_PORT) {
            return out->len == 48 && (out->data[0] & 7) == 3;
        }
    }
    return false;
}

typedef struct reply {
    uint8_t leap, stratum, mode;
    int64_t utc_s;
    bool wrong_origin, cut;
    uint16_t port;
} reply;

static const reply good = {.stratum = 2, .mode = 4, .utc_s = EARLIEST_S + 1000, .port = NTP_PORT};

static void put_seconds(uint8_t *out, int64_t utc_s) {
    uint32_t seconds = (uint32_t)(utc_s + ERA_0);
    for (unsigned i = 0; i < 4; i++) {
        out[i] = (uint8_t)(seconds >> (24 - 8 * i));
    }
}

static void answer(rig *self, const peer_packet *question, reply form) {
    uint8_t packet[48] = {0};
    packet[0] = (uint8_t)(form.leap << 6 | 4 << 3 | form.mode);
    packet[1] = form.stratum;
    memcpy(packet + 24, question->data + 40, 8);
    packet[24] ^= form.wrong_origin ? 1 : 0;
    if (form.utc_s != 0) {
        put_seconds(packet + 32, form.utc_s);
        put_seconds(packet + 40, form.utc_s);
    }
    peer_send_udp(&self->peer, form.port, DEVICE_ADDRESS, question->from_port, packet, form.cut ? 47 : 48);
    peer_run(&self->peer, 20);
}

/* Lets time pass until the device asks; returns how long that took. */
static uint32_t wait_for_question(rig *self, uint32_t limit_ms, peer_packet *out) {
    for (uint32_t ms = 0; ms < limit_ms; ms += 100) {
        if (take_question(self, out)) {
            return ms;
        }
        peer_run(&self->peer, 100);
    }
    fail_msg("no question for the time within %u ms", (unsigned)limit_ms);
    return 0;
}

static void start_with_time(rig *self, peer_packet *question) {
    restart(self, &dynamic);
    get_address(self, 36000);
    (void)wait_for_question(self, 1000, question);
    assert_int_equal(state_of(self).time, SBS_LWIP_TIME_ASKING);
    assert_memory_equal(state_of(self).time_server.bytes, ((uint8_t[]){10, 77, 0, 1}), 4);
}

static void test_time_is_told(void **state) {
    rig *self = *state;
    peer_packet question, next;
    start_with_time(self, &question);
    answer(self, &question, good);
    assert_int_equal(told_count, 1);
    assert_int_equal(told_utc_s, good.utc_s);
    assert_int_equal(state_of(self).time, SBS_LWIP_TIME_KNOWN);
    answer(self, &question, good); /* twice: once is enough */
    assert_int_equal(told_count, 1);
    assert_in_range(wait_for_question(self, 3700000, &next), 3500000, 3600100);
    assert_memory_not_equal(next.data + 40, question.data + 40, 8);
    sbs_lwip_net_ask_time(&self->net); /* one is under way: nothing more is sent */
    peer_run(&self->peer, 100);
    assert_false(take_question(self, &next));
}

static void test_time_is_asked_when_wanted(void **state) {
    rig *self = *state;
    peer_packet question;
    start_with_time(self, &question);
    answer(self, &question, good);
    sbs_lwip_net_ask_time(&self->net);
    assert_int_equal(wait_for_question(self, 1000, &question), 100);
}

/* The half of what the way took is added. */
static void test_time_on_a_slow_way(void **state) {
    rig *self = *state;
    peer_packet question;
    start_with_time(self, &question);
    peer_run(&self->peer, 4000);
    answer(self, &question, good);
    assert_int_equal(told_utc_s, good.utc_s + 2);
}

/* What nobody may believe: the question stays open, and the true answer still counts. */
static void test_forged_answers_are_ignored(void **state) {
    rig *self = *state;
    peer_packet question;
    const reply forged[] = {
        {.stratum = 2, .mode = 4, .utc_s = EARLIEST_S + 9, .port = NTP_PORT, .wrong_origin = true},
        {.stratum = 2, .mode = 3, .utc_s = EARLIEST_S + 9, .port = NTP_PORT},
        {.stratum = 2, .mode = 5, .utc_s = EARLIEST_S + 9, .port = NTP_PORT},
        {.stratum = 2, .mode = 4, .utc_s = EARLIEST_S + 9, .port = NTP_PORT, .cut = true},
        {.stratum = 2, .mode = 4, .utc_s = EARLIEST_S + 9, .port = NTP_PORT + 1},
        {.stratum = 0, .mode = 4, .utc_s = EARLIEST_S + 9, .port = NTP_PORT, .wrong_origin = true},
    };
    start_with_time(self, &question);
    for (size_t i = 0; i < SBS_COUNT_OF(forged); i++) {
        answer(self, &question, forged[i]);
        assert_int_equal(told_count, 0);
        assert_int_equal(state_of(self).time, SBS_LWIP_TIME_ASKING);
    }
    answer(self, &question, good);
    assert_int_equal(told_count, 1);
    assert_int_equal(told_utc_s, good.utc_s);
}

/* Answers that are the server's, and of no use. */
static void test_unusable_answers(void **state) {
    rig *self = *state;
    peer_packet question;
    const struct {
        reply form;
        sbs_lwip_time_state state;
        uint32_t pause_min_ms;
    } cases[] = {
        {{.stratum = 0, .mode = 4, .utc_s = EARLIEST_S, .port = NTP_PORT}, SBS_LWIP_TIME_REFUSED, 48000},
        {{.stratum = 2, .leap = 3, .mode = 4, .utc_s = EARLIEST_S, .port = NTP_PORT}, SBS_LWIP_TIME_REFUSED, 3000},
        {{.stratum = 16, .mode = 4, .utc_s = EARLIEST_S, .port = NTP_PORT}, SBS_LWIP_TIME_REFUSED, 3000},
        {{.stratum = 2, .mode = 4, .utc_s = 0, .port = NTP_PORT}, SBS_LWIP_TIME_REFUSED, 3000},
        {{.stratum = 2, .mode = 4, .utc_s = EARLIEST_S - 1, .port = NTP_PORT}, SBS_LWIP_TIME_INCREDIBLE, 3000},
        {{.stratum = 2, .mode = 4, .utc_s = EARLIEST_S + 51 * INT64_C(31556952), .port = NTP_PORT},
         SBS_LWIP_TIME_INCREDIBLE,
         3000},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        start_with_time(self, &question);
        answer(self, &question, cases[i].form);
        assert_int_equal(told_count, 0);
        assert_int_equal(state_of(self).time, cases[i].state);
        assert_in_range(wait_for_question(self, 100000, &question), cases[i].pause_min_ms - 100,
                        cases[i].pause_min_ms * 5 / 3 + 200);
        answer(self, &question, good);
        assert_int_equal(told_count, 1);
    }
}

/* Beyond February 2036 the 32 bits begin anew (RFC 4330 section 3). */
static void test_next_era(void **state) {
    rig *self = *state;
    peer_packet question;
    reply late = good;
    late.utc_s = INT64_C(2085978496) + 5; /* the era begins */
    start_with_time(self, &question);
    answer(self, &question, late);
    assert_int_equal(told_utc_s, late.utc_s);
}

/* Pauses double, up to 16 times the first, and are spread by a quarter. */
static void test_silence_is_asked_less_and_less(void **state) {
    rig *self = *state;
    peer_packet question;
    start_with_time(self, &question);
    for (uint32_t pause_ms = 4000; pause_ms <= 128000; pause_ms *= 2) {
        uint32_t expected = pause_ms < 64000 ? pause_ms : 64000;
        peer_run(&self->peer, 5000); /* the answer's time limit */
        assert_int_equal(state_of(self).time, SBS_LWIP_TIME_SILENT);
        assert_in_range(wait_for_question(self, 100000, &question), expected * 3 / 4 - 200, expected * 5 / 4 + 200);
    }
    answer(self, &question, good);
    assert_int_equal(told_count, 1);
}

static void test_time_waits_for_the_network(void **state) {
    rig *self = *state;
    peer_packet question;
    start_with_time(self, &question);
    self->peer.cable = false;
    peer_run(&self->peer, 30000);
    assert_int_equal(state_of(self).time, SBS_LWIP_TIME_IDLE);
    self->peer.cable = true;
    peer_run(&self->peer, 300);
    assert_int_equal(next_dhcp(self, 3600, false, 5000), 3);
    assert_in_range(wait_for_question(self, 1000, &question), 0, 300);
    answer(self, &question, good);
    assert_int_equal(told_count, 1);
}

/* Without a server that DHCP names, nobody is asked; a configured name goes before. */
static void test_server_by_name(void **state) {
    rig *self = *state;
    sbs_lwip_net_config named = dynamic;
    peer_packet question;
    bool asked = false;
    named.time_server = "time.lab.test";
    restart(self, &named);
    get_address(self, 36000);
    while (peer_take(&self->peer, PEER_UDP, &question)) {
        asked = asked || (question.to_port == 53 && memcmp(question.data + 12, "\4time\3lab\4test", 14) == 0);
    }
    assert_true(asked);
    peer_run(&self->peer, 9000); /* lwIP gives up after seven seconds */
    assert_int_equal(state_of(self).time, SBS_LWIP_TIME_UNNAMED);
    named.time_server = "10.77.0.1";
    restart(self, &named);
    get_address(self, 36000);
    (void)wait_for_question(self, 1000, &question);
    answer(self, &question, good);
    assert_int_equal(told_count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
        T(test_arguments),
        T(test_address_by_dhcp),
        T(test_lease_is_renewed_and_lost),
        T(test_no_dhcp_server_for_a_while),
        T(test_cable),
        T(test_time_is_told),
        T(test_time_is_asked_when_wanted),
        T(test_time_on_a_slow_way),
        T(test_forged_answers_are_ignored),
        T(test_unusable_answers),
        T(test_next_era),
        T(test_silence_is_asked_less_and_less),
        T(test_time_waits_for_the_network),
        T(test_server_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
