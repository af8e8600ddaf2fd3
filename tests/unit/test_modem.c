/* SPDX-License-Identifier: Apache-2.0 */
/* The modem's stream against a modem in the same process: what is carried, whatever is said between. */
#include <string.h>

#include "modem_rig.h"
#include "sbs/count.h"

static modem_rig r;

/* ---- all is well ------------------------------------------------------------------------------------------------- */

static void bytes_go_and_come(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.opened, 1);
        assert_int_equal(r.sim.closed, 1);
        assert_modem_is_clean(&r);
    }
}

static void result_lines_may_stand_before_the_ok(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.result_first = true;
        assert_modem_talks(&r);
    }
}

static void it_is_set_up_once(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        assert_modem_talks(&r);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.starts, 1);
        assert_int_equal(r.sim.opened, 2);
        assert_int_equal(r.sim.closed, 2);

        modem_sim_restart(&r.sim);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.starts, 2);
    }
}

static void pieces_of_any_size_are_joined(void **state) {
    static const size_t sizes[] = {1, 2, 3, 7, 63, 64, 65};
    (void)state;
    FOR_EACH_FORM(form) {
        for (size_t i = 0; i < SBS_COUNT_OF(sizes); i++) {
            modem_rig_make(&r, form);
            r.sim.read_max = sizes[i];
            r.sim.write_max = sizes[SBS_COUNT_OF(sizes) - 1u - i];
            assert_modem_talks(&r);
        }
    }
}

/* ---- buffers ----------------------------------------------------------------------------------------------------- */

static void buffers_of_any_size_will_do(void **state) {
    const size_t len = strlen(RIG_WORDS);
    const size_t sizes[] = {1, 2, len - 1u, len, len + 1u, RIG_BUFFER};
    (void)state;
    FOR_EACH_FORM(form) {
        for (size_t i = 0; i < SBS_COUNT_OF(sizes) * SBS_COUNT_OF(sizes); i++) {
            modem_rig_make(&r, form);
            r.config.send_size = sizes[i / SBS_COUNT_OF(sizes)];
            r.config.receive_size = sizes[i % SBS_COUNT_OF(sizes)];
            assert_modem_talks(&r);
        }
    }
}

static void a_full_send_buffer_is_not_yet(void **state) {
    size_t sent;
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    r.config.send_size = 8;
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    r.sim.silent = "CIPSEND";
    assert_int_equal(r.stream.ops->send(r.stream.ctx, (const uint8_t *)"123456789", 9, &sent), SBS_OK);
    assert_int_equal(sent, 8);
    assert_int_equal(r.stream.ops->send(r.stream.ctx, (const uint8_t *)"9", 1, &sent), SBS_PENDING);
    assert_int_equal(sent, 0);
}

/* ---- what a modem does with bytes -------------------------------------------------------------------------------- */

static void a_modem_that_takes_a_part_is_given_the_rest(void **state) {
    (void)state;
    for (uint32_t part = 1; part < 6; part++) {
        modem_rig_make(&r, RIG_SIMCOM);
        r.sim.accept_max = part;
        assert_modem_talks(&r);
    }
}

static void a_modem_without_room_is_asked_again(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM, RIG_QUECTEL, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        r.sim.refuse_sends = 3;
        uint64_t began_ms = modem_sim_ms;
        assert_modem_echoes(&r, RIG_WORDS);
        assert_true(modem_sim_ms - began_ms >= 600); /* three pauses */
    }
}

static void data_that_nobody_told_of_is_found(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.hides_data = true;
        assert_modem_talks(&r);
    }
}

static void an_ok_before_the_prompt_ends_nothing(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.ok_before_prompt = true;
        assert_modem_talks(&r);
    }
}

/* What was taken does not stay until the connection ends. */
static void what_was_received_is_wiped(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        assert_modem_echoes(&r, RIG_WORDS);
        assert_modem_is_clean(&r);
    }
}

static void more_than_was_asked_for_ends_it(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        uint8_t got[RIG_BUFFER];
        size_t len;
        modem_rig_make(&r, form);
        r.config.receive_size = 4;
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        r.sim.sends_more = true;
        assert_int_equal(modem_rig_send(&r, "12345678"), SBS_OK);
        assert_int_equal(modem_rig_receive(&r, got, sizeof got, &len), SBS_ERR_TRUNCATED);
    }
}

/* ---- what close() leaves ----------------------------------------------------------------------------------------- */

static void what_was_sent_last_goes_out_after_close(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.write_max = 5;
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        assert_int_equal(modem_rig_send(&r, "bye"), SBS_OK);
        r.stream.ops->close(r.stream.ctx);
        assert_int_equal(r.sim.closed, 0);
        assert_int_equal(modem_rig_tidy(&r), SBS_OK);

        assert_int_equal(r.sim.peer_got, 3);
        assert_int_equal(r.sim.closed, 1);
        assert_modem_is_clean(&r);
    }
}

static void the_next_open_hangs_up_first(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        assert_int_equal(modem_rig_send(&r, "left unread"), SBS_OK);
        r.stream.ops->close(r.stream.ctx);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.closed, 2);
    }
}

/* After each number of calls, and with each command half written. */
static void it_may_be_closed_at_any_moment(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        sbs_status status = SBS_PENDING;
        for (unsigned calls = 1; status == SBS_PENDING; calls++) {
            char host[] = RIG_HOST;
            uint64_t began_ms;
            modem_rig_make(&r, form);
            r.sim.write_max = 3;
            modem_rig_begin(&r);

            for (unsigned i = 0; i < calls && (i == 0 || status == SBS_PENDING); i++) {
                modem_sim_ms += 10;
                status = r.stream.ops->open(r.stream.ctx, host, RIG_PORT, modem_sim_now());
            }

            assert_true(status >= SBS_OK);
            r.stream.ops->close(r.stream.ctx);
            memset(host, '#', sizeof host - 1u); /* it is the caller's again */
            began_ms = modem_sim_ms;
            assert_modem_talks(&r);
            assert_int_equal(modem_sim_heard(&r.sim, "#"), 0);
            assert_int_equal(r.sim.opened, r.sim.closed);
            assert_true(modem_sim_ms - began_ms < 20000); /* no answer was waited for in vain */
        }
    }
}

static void a_poll_is_refused_while_it_is_open(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    assert_int_equal(sbs_modem_poll(&r.modem), SBS_ERR_STATE);
}

static void deinit_wipes(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    r.sim.silent = "CIPSEND";
    assert_int_equal(modem_rig_send(&r, "a secret"), SBS_OK);
    assert_memory_equal(r.send_buffer, "a secret", 8);
    sbs_modem_deinit(&r.modem);
    assert_modem_is_clean(&r);
    sbs_modem_deinit(&r.modem);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void a_host_that_would_be_a_command_is_refused(void **state) {
    static const char *const hosts[] = {"", "a\"b", "a\rAT+CFUN=0", "a b", "a\x7F"};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(hosts); i++) {
        modem_rig_make(&r, RIG_SIMCOM);
        modem_rig_begin(&r);
        assert_int_equal(r.stream.ops->open(r.stream.ctx, hosts[i], 443, modem_sim_now()), SBS_ERR_ARGUMENT);
        assert_int_equal(r.stream.ops->open(r.stream.ctx, "a", 0, modem_sim_now()), SBS_ERR_ARGUMENT);
        assert_int_equal(r.sim.log_len, 0);
    }
}

static void what_is_missing_is_told(void **state) {
    (void)state;
    for (unsigned i = 0; i < 10; i++) {
        modem_rig_make(&r, RIG_QUECTEL_SECURED);
        sbs_modem_config *c = &r.config;
        c->dialect = i == 0 ? NULL : c->dialect;
        c->serial.ops = i == 1 ? NULL : c->serial.ops;
        c->clock = i == 2 ? NULL : c->clock;
        c->send_buffer = i == 3 ? NULL : c->send_buffer;
        c->send_size = i == 4 ? 0 : c->send_size;
        c->receive_buffer = i == 5 ? NULL : c->receive_buffer;
        c->receive_size = i == 6 ? 0 : c->receive_size;
        c->certificate_name = i == 7 ? NULL : c->certificate_name;
        c->certificate_name = i == 8 ? "UFS:this-is-a-name-of-forty-one-bytes.pem" : c->certificate_name;
        c->certificate_name = i == 9 ? "a\"b" : c->certificate_name;
        assert_int_equal(sbs_modem_init(&r.modem, c, &r.stream), SBS_ERR_ARGUMENT);
    }
}

static void a_closed_one_is_mute(void **state) {
    uint8_t byte;
    size_t len = 9;
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    modem_rig_begin(&r);
    assert_int_equal(r.stream.ops->send(r.stream.ctx, (const uint8_t *)"a", 1, &len), SBS_ERR_STATE);
    assert_int_equal(r.stream.ops->receive(r.stream.ctx, &byte, 1, &len), SBS_ERR_STATE);
    assert_int_equal(len, 0);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    assert_int_equal(r.stream.ops->open(r.stream.ctx, RIG_HOST, RIG_PORT, modem_sim_now()), SBS_ERR_STATE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_go_and_come),
        cmocka_unit_test(result_lines_may_stand_before_the_ok),
        cmocka_unit_test(it_is_set_up_once),
        cmocka_unit_test(pieces_of_any_size_are_joined),
        cmocka_unit_test(buffers_of_any_size_will_do),
        cmocka_unit_test(a_full_send_buffer_is_not_yet),
        cmocka_unit_test(a_modem_that_takes_a_part_is_given_the_rest),
        cmocka_unit_test(a_modem_without_room_is_asked_again),
        cmocka_unit_test(data_that_nobody_told_of_is_found),
        cmocka_unit_test(an_ok_before_the_prompt_ends_nothing),
        cmocka_unit_test(what_was_received_is_wiped),
        cmocka_unit_test(more_than_was_asked_for_ends_it),
        cmocka_unit_test(what_was_sent_last_goes_out_after_close),
        cmocka_unit_test(the_next_open_hangs_up_first),
        cmocka_unit_test(it_may_be_closed_at_any_moment),
        cmocka_unit_test(a_poll_is_refused_while_it_is_open),
        cmocka_unit_test(deinit_wipes),
        cmocka_unit_test(a_host_that_would_be_a_command_is_refused),
        cmocka_unit_test(what_is_missing_is_told),
        cmocka_unit_test(a_closed_one_is_mute),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
