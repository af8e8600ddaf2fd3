/* SPDX-License-Identifier: Apache-2.0 */
/* Names with several addresses, and answers that do not fit into a packet of UDP. */
#include <lwip/stats.h>
#include <lwip/tcp.h>
#include <string.h>

#include "rig.h"

#define DNS_PORT 53u
#define CUT 0x02 /* TC */
#define RECORDS_MAX 6u

static const uint8_t dead = 250, other = 1; /* last bytes of addresses; .250 answers nothing */

/* ---- the name server ------------------------------------------------------------------------------------------ */

static bool take_question(rig *self, peer_packet *out) {
    while (peer_take(&self->peer, PEER_UDP, out)) {
        if (out->to_port == DNS_PORT) {
            return true;
        }
    }
    return false;
}

/* An answer with @p aliases CNAMEs of 62 bytes, and an A record for each of @p hosts. */
static size_t make_answer(const uint8_t *question, size_t len, unsigned aliases, const char *hosts, uint8_t *out) {
    memcpy(out, question, len);
    out[2] = 0x81;
    out[3] = 0x80;
    out[7] = (uint8_t)(aliases + strlen(hosts));
    for (unsigned i = 0; i < aliases; i++) {
        memcpy(out + len, (const uint8_t[]){0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 50, 48}, 13);
        memset(out + len + 13, 'a', 48);
        out[len + 61] = 0;
        len += 62;
    }
    for (; *hosts != '\0'; hosts++) {
        memcpy(out + len, (const uint8_t[]){0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 77, 0, (uint8_t)*hosts}, 16);
        len += 16;
    }
    return len;
}

static void answer_udp(rig *self, const peer_packet *question, const char *hosts, uint8_t flags) {
    uint8_t packet[512];
    size_t len = make_answer(question->data, question->len, 0, hosts, packet);
    packet[2] |= flags;
    peer_send_udp(&self->peer, DNS_PORT, DEVICE_ADDRESS, question->from_port, packet, len);
    peer_run(&self->peer, 20);
}

static void ask(rig *self, const char *host, peer_packet *question) {
    assert_status(rig_open(self, host), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(take_question(self, question));
}

/* The device's next SYN to the port of the test, and to which host it went. */
static bool take_syn(rig *self, uint32_t host, peer_connection *out) {
    peer_packet packet;
    while (peer_take(&self->peer, PEER_TCP, &packet)) {
        if (packet.flags == SYN && packet.to == host && packet.to_port == RIG_PORT) {
            *out =
                (peer_connection){&self->peer, RIG_PORT, packet.from_port, 0xFFFFF000u, packet.seq + 1, packet.window};
            return true;
        }
    }
    return false;
}

static uint32_t left_ms(rig *self) {
    return self->stream.ops->waits_for(self->stream.ctx).timeout_ms;
}

static void accept_it(rig *self, const char *host, peer_connection *far) {
    peer_send(far, SYN | ACK, NULL, 0);
    peer_run(&self->peer, 20);
    assert_status(rig_open(self, host), SBS_OK);
}

/* ---- several addresses ---------------------------------------------------------------------------------------- */

static void test_a_dead_first_address_leaves_the_second_its_time(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection far;
    const char hosts[] = {(char)dead, (char)other, 0};
    ask(self, "a.lab.test", &question);
    answer_udp(self, &question, hosts, 0);
    assert_status(rig_open(self, "a.lab.test"), SBS_PENDING);
    assert_in_range(left_ms(self), 4900, 5000);
    peer_run(&self->peer, 5000);
    assert_true(take_syn(self, 0x0A4D00FAu, &far));
    assert_false(take_syn(self, PEER_ADDRESS, &far));
    assert_status(rig_open(self, "a.lab.test"), SBS_PENDING);
    assert_in_range(left_ms(self), 4900, 5000);
    peer_run(&self->peer, 20);
    assert_true(take_syn(self, PEER_ADDRESS, &far));
    accept_it(self, "a.lab.test", &far);

    /* The name is remembered, and what answered goes first. */
    self->stream.ops->close(self->stream.ctx);
    assert_status(rig_open(self, "a.lab.test"), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(take_syn(self, PEER_ADDRESS, &far));
    accept_it(self, "a.lab.test", &far);
}

static void test_a_refusal_goes_on_at_once(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection far;
    const char hosts[] = {(char)other, (char)other, (char)other, 0};
    ask(self, "b.lab.test", &question);
    answer_udp(self, &question, hosts, 0);
    for (unsigned i = 0; i < 3; i++) {
        assert_status(rig_open(self, "b.lab.test"), SBS_PENDING);
        peer_run(&self->peer, 20);
        assert_true(take_syn(self, PEER_ADDRESS, &far));
        peer_send(&far, RST | ACK, NULL, 0);
        peer_run(&self->peer, 20);
    }
    assert_status(rig_open(self, "b.lab.test"), SBS_ERR_REFUSED);
    assert_status(rig_open(self, "b.lab.test"), SBS_ERR_STATE);
}

static void test_all_addresses_dead_take_the_time_of_one(void **state) {
    rig *self = *state;
    peer_packet question;
    const char hosts[RECORDS_MAX + 1] = {(char)251, (char)252, (char)253, (char)254, (char)250, (char)249, 0};
    ask(self, "c.lab.test", &question);
    answer_udp(self, &question, hosts, 0);
    uint64_t began_ms = self->peer.now_ms;
    sbs_status status;
    while ((status = rig_open(self, "c.lab.test")) == SBS_PENDING) {
        assert_in_range(left_ms(self), 1, 2500); /* four are tried */
        peer_run(&self->peer, left_ms(self));
        self->peer.from_device_count = 0;
    }
    assert_status(status, SBS_ERR_TIMEOUT);
    assert_in_range(self->peer.now_ms - began_ms, 9900, 10300);
}

/* ---- by TCP --------------------------------------------------------------------------------------------------- */

/* Asks, has the answer cut, and takes the question that comes by TCP. */
static void ask_by_tcp(rig *self, const char *host, peer_packet *question, peer_connection *far) {
    uint8_t got[600], flags;
    ask(self, host, question);
    answer_udp(self, question, "", CUT);
    assert_true(peer_take_syn(&self->peer, DNS_PORT, far));
    peer_send(far, SYN | ACK, NULL, 0);
    peer_run(&self->peer, 20);
    size_t len = peer_read(far, got, sizeof got, &flags);
    assert_int_equal(len, question->len + 2);
    assert_int_equal(got[0] << 8 | got[1], question->len);
    assert_memory_equal(got + 2, question->data, question->len);
}

static size_t make_tcp(const peer_packet *question, unsigned aliases, const char *hosts, uint8_t *out) {
    size_t len = make_answer(question->data, question->len, aliases, hosts, out + 2);
    out[0] = (uint8_t)(len >> 8);
    out[1] = (uint8_t)len;
    return len + 2;
}

static void test_a_cut_answer_is_asked_for_by_tcp(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection server, far;
    uint8_t whole[1400];
    const char hosts[] = {(char)dead, (char)other, 0};
    static const size_t pieces[] = {1400, 300, 100, 1};
    static const char *const names[] = {"d1.lab.test", "d2.lab.test", "d3.lab.test", "d.4.lab.test"};
    for (unsigned i = 0; i < 4; i++) {
        ask_by_tcp(self, names[i], &question, &server);
        size_t len = make_tcp(&question, 9, hosts, whole);
        size_t first = pieces[i] == 1 ? 3 : len; /* cut within the length, then in pieces */
        for (size_t at = 0; at < len;) {
            size_t part = pieces[i] == 1 && at < first ? 1 : pieces[i] == 1 ? 200 : pieces[i];
            part = part > len - at ? len - at : part;
            peer_send(&server, ACK | PSH, whole + at, part);
            peer_run(&self->peer, 20);
            at += part;
        }
        self->peer.from_device_count = 0;
        assert_status(rig_open(self, names[i]), SBS_PENDING);
        assert_in_range(left_ms(self), 4900, 5000); /* both addresses are known */
        peer_run(&self->peer, 5000);
        assert_true(take_syn(self, i == 0 ? 0x0A4D00FAu : PEER_ADDRESS, &far));
        self->stream.ops->close(self->stream.ctx);
        self->peer.from_device_count = 0;
        self->tcp.priv.address = htonl(PEER_ADDRESS);
    }
}

static void test_an_address_that_fitted_in_will_do(void **state) {
    rig *self = *state;
    peer_packet question;
    peer_connection far;
    const char hosts[] = {(char)other, 0};
    ask(self, "e.lab.test", &question);
    answer_udp(self, &question, hosts, CUT);
    assert_status(rig_open(self, "e.lab.test"), SBS_PENDING);
    peer_run(&self->peer, 20);
    assert_true(take_syn(self, PEER_ADDRESS, &far));
}

enum { SILENT, REFUSES, HANGS_UP, NEVER_ENDS, TOO_LONG, TOO_SHORT, ANOTHER_ID, WAYS };

/* Makes of a whole answer what this server sends. */
static void spoil(uint8_t *whole, size_t *len, int way) {
    switch (way) {
    case HANGS_UP:
        *len = 1;
        break;
    case NEVER_ENDS:
        --*len;
        break;
    case TOO_LONG:
        memcpy(whole, "\x08\x01", 2);
        break;
    case TOO_SHORT:
        memcpy(whole, "\0\x0B", 2);
        break;
    default:
        whole[2] ^= 0x55;
        break;
    }
}

/* Whatever the server does, the name is given up in time, and nothing is left. */
static void test_a_name_server_that_fails_by_tcp_is_told(void **state) {
    static const char *const names[] = {"f0.lab.test", "f1.lab.test", "f2.lab.test", "f3.lab.test",
                                        "f4.lab.test", "f5.lab.test", "f6.lab.test"};
    rig *self = *state;
    for (int way = SILENT; way < WAYS; way++) {
        peer_packet question, again;
        peer_connection server;
        uint8_t whole[1400];
        const char hosts[] = {(char)other, 0};
        uint64_t began_ms = self->peer.now_ms;
        sbs_status status;
        ask(self, names[way], &question);
        answer_udp(self, &question, "", CUT);
        while ((status = rig_open(self, names[way])) == SBS_PENDING) {
            while (way != SILENT && peer_take_syn(&self->peer, DNS_PORT, &server)) {
                if (way == REFUSES) {
                    peer_send(&server, RST | ACK, NULL, 0);
                    continue;
                }
                peer_send(&server, SYN | ACK, NULL, 0);
                peer_run(&self->peer, 20);
                size_t len = make_tcp(&question, 9, hosts, whole);
                spoil(whole, &len, way);
                peer_send(&server, way == HANGS_UP ? FIN | ACK : ACK | PSH, whole, len);
            }
            peer_run(&self->peer, 100);
            assert_true(self->peer.now_ms - began_ms < 15000);
            if (take_question(self, &again)) {
                answer_udp(self, &again, "", CUT);
            }
        }
        assert_status(status, SBS_ERR_RESOLVE);
        self->stream.ops->close(self->stream.ctx);
        peer_run(&self->peer, 10000);
        self->peer.from_device_count = 0;
    }
}

/* What is not to our question is not believed, cut or not. */
static void test_a_forged_answer_takes_nothing(void **state) {
    rig *self = *state;
    peer_packet question, forged;
    peer_connection far;
    const char wrong[] = {(char)dead, (char)dead, 0}, right[] = {(char)other, 0};
    ask(self, "g.lab.test", &question);
    forged = question;
    forged.data[14] = 'x'; /* another name under the same id */
    answer_udp(self, &forged, wrong, 0);
    forged = question;
    forged.data[0] ^= 1; /* another id */
    answer_udp(self, &forged, wrong, CUT);
    assert_false(take_syn(self, 0x0A4D00FAu, &far));
    answer_udp(self, &question, right, 0);
    assert_status(rig_open(self, "g.lab.test"), SBS_PENDING);
    assert_in_range(left_ms(self), 9900, 10000); /* one address */
    peer_run(&self->peer, 20);
    assert_true(take_syn(self, PEER_ADDRESS, &far));
}

/* Answers cut off at every byte, and with every count of records: no read past the end (the sanitizers look). */
static void test_answers_that_end_early(void **state) {
    rig *self = *state;
    uint8_t packet[512];
    const char hosts[] = {(char)other, (char)dead, 0};
    for (unsigned i = 0; i < 60; i++) {
        char name[] = "h00.lab.test";
        peer_packet question;
        name[1] = (char)('0' + i / 10);
        name[2] = (char)('0' + i % 10);
        ask(self, name, &question);
        size_t len = make_answer(question.data, question.len, 1, hosts, packet);
        packet[7] = 255;
        peer_send_udp(&self->peer, DNS_PORT, DEVICE_ADDRESS, question.from_port, packet, len - i * len / 60);
        peer_run(&self->peer, 20);
        self->stream.ops->close(self->stream.ctx);
        peer_run(&self->peer, 10000);
        self->peer.from_device_count = 0;
    }
}

#define NAME_TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        NAME_TEST(test_a_dead_first_address_leaves_the_second_its_time),
        NAME_TEST(test_a_refusal_goes_on_at_once),
        NAME_TEST(test_all_addresses_dead_take_the_time_of_one),
        NAME_TEST(test_a_cut_answer_is_asked_for_by_tcp),
        NAME_TEST(test_an_address_that_fitted_in_will_do),
        NAME_TEST(test_a_name_server_that_fails_by_tcp_is_told),
        NAME_TEST(test_a_forged_answer_takes_nothing),
        NAME_TEST(test_answers_that_end_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
