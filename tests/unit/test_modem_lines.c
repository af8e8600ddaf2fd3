/* SPDX-License-Identifier: Apache-2.0 */
/* What a modem says at the wrong place, cut short, late or not at all. */
#include <stdlib.h>
#include <string.h>

#include "modem_rig.h"
#include "sbs/count.h"

static modem_rig r;

/* Said unasked, and of no consequence. */
static const char *const asides[] = {
    "+CIPRXGET: 1,0",
    "+CCHEVENT: 0,RECV EVENT",
    "+QIURC: \"recv\",0",
    "+QSSLURC: \"recv\",0",
    "+IPCLOSE: 0,0",
    "+CIPRXGET: 1,1",
    "+IPCLOSE: 1,1",
    "+CREG: 1",
    "+CEREG: 5",
    "+CMTI: \"SM\",3",
    "SMS DONE",
    "PB DONE",
    "RING",
    "NO CARRIER",
    "+CPIN: READY",
    "+CTZV: 29/11/26,08:54:45,+04",
    "+CME ERROR",
    "OKAY",
    "ERRORS",
    "",
    "+CIPSEND:",
    "+CCHRECV: LEN",
    "+QIRD:",
    ("a line that is longer than the hundred and twenty-eight bytes that are read of one, which some modems do say: "
     "+CSSLCFG: 0,3,1,0,120,\"ca.pem\",\"\",\"\",1 OK ERROR RDY")};

/* Said when the connection or all is over. */
static const char *const ends[] = {"+IPCLOSE: 0,1",
                                   "+IPCLOSE: 0,3",
                                   "+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY",
                                   "+CCH_PEER_CLOSED: 0",
                                   "+CCH_RECV_CLOSED: 0,1",
                                   "+QIURC: \"closed\",0",
                                   "+QSSLURC: \"closed\",0",
                                   "+QIURC: \"pdpdeact\",1",
                                   "RDY",
                                   "*ATREADY: 1",
                                   "AT+CIPSEND=0,5", /* an echo: it started, and nobody saw it */
                                   "POWERED DOWN",
                                   "NORMAL POWER DOWN"};

/* In how many places of a conversation something can be said: before each line and prompt. */
static size_t places(modem_rig_form form) {
    modem_rig_make(&r, form);
    r.sim.says = "";
    r.sim.says_at = SIZE_MAX;
    assert_modem_talks(&r);
    return r.sim.pieces;
}

static void asides_may_stand_anywhere(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        size_t count = places(form);
        assert_true(count > 15);
        for (size_t i = 0; i < SBS_COUNT_OF(asides) * count; i++) {
            modem_rig_make(&r, form);
            r.sim.says = asides[i / count];
            r.sim.says_at = i % count;
            assert_modem_talks(&r);
        }
    }
}

/* One conversation, which may fail, and then one that must not. */
static void assert_recovers(void) {
    (void)(modem_rig_open(&r) == SBS_OK && modem_rig_echoes(&r, RIG_WORDS));
    r.stream.ops->close(r.stream.ctx);
    assert_int_equal(modem_rig_tidy(&r), SBS_OK);
    assert_modem_is_clean(&r);
    r.sim.says = NULL;
    if (modem_rig_open(&r) != SBS_OK) { /* what was said at the very end is seen now */
        r.stream.ops->close(r.stream.ctx);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
    }
    assert_modem_echoes(&r, RIG_WORDS);
    r.stream.ops->close(r.stream.ctx);
}

static void after_any_end_it_can_be_opened_again(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        size_t count = places(form);
        for (size_t i = 0; i < SBS_COUNT_OF(ends) * count; i++) {
            modem_rig_make(&r, form);
            r.sim.says = ends[i / count];
            r.sim.says_at = i % count;
            assert_recovers();
        }
    }
}

/* In the middle of anything, which no modem does: nothing hangs, and the next connection is sound. */
static void a_line_in_the_middle_of_another_does_no_lasting_harm(void **state) {
    static const char *const said[] = {"+CIPRXGET: 1,0", "+QIURC: \"closed\",0", "RDY", "+CREG: 1"};
    const size_t step = getenv("SBS_LONG") != NULL && getenv("SBS_LONG")[0] == '1' ? 1 : 19; /* of the bytes */
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.says = "";
        r.sim.says_at_byte = true;
        r.sim.says_at = SIZE_MAX;
        assert_modem_talks(&r);
        size_t count = r.sim.bytes;
        for (size_t i = 0; i < SBS_COUNT_OF(said) * count; i += step) {
            modem_rig_make(&r, form);
            r.sim.says = said[i / count];
            r.sim.says_at = i % count;
            r.sim.says_at_byte = true;
            assert_recovers();
        }
    }
}

/* ---- ends -------------------------------------------------------------------------------------------------------- */

static void what_came_is_read_before_the_end(void **state) {
    static const struct {
        const char *says;
        sbs_status status;
        modem_rig_form form;
    } rows[] = {
        {"+IPCLOSE: 0,1", SBS_END, RIG_SIMCOM},
        {"+IPCLOSE: 0,3", SBS_ERR_TRUNCATED, RIG_SIMCOM},
        {"+CIPEVENT: NETWORK CLOSED UNEXPECTEDLY", SBS_ERR_TRUNCATED, RIG_SIMCOM},
        {"+CCH_PEER_CLOSED: 0", SBS_ERR_TRUNCATED, RIG_SIMCOM_SECURED},
        {"+QIURC: \"closed\",0", SBS_ERR_TRUNCATED, RIG_QUECTEL},
        {"+QSSLURC: \"closed\",0", SBS_ERR_TRUNCATED, RIG_QUECTEL_SECURED},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        uint8_t got[RIG_BUFFER];
        size_t len, sent;
        modem_rig_make(&r, rows[i].form);
        r.config.receive_size = 4;
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        modem_sim_peer_send(&r.sim, "the last words");
        modem_sim_say(&r.sim, rows[i].says);

        char all[32] = "";
        sbs_status status;
        while ((status = modem_rig_receive(&r, got, sizeof got, &len)) == SBS_OK) {
            strncat(all, (const char *)got, len);
        }

        assert_int_equal(status, rows[i].status);
        assert_string_equal(all, "the last words");
        assert_true(r.stream.ops->send(r.stream.ctx, got, 1, &sent) < SBS_OK);
    }
}

static void nothing_is_sent_into_a_connection_that_ended(void **state) {
    size_t sent;
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    modem_sim_say(&r.sim, "+IPCLOSE: 0,1");
    assert_int_equal(r.stream.ops->send(r.stream.ctx, (const uint8_t *)"a", 1, &sent), SBS_ERR_NETWORK);
    assert_int_equal(sent, 0);
    assert_int_equal(modem_sim_heard(&r.sim, "CIPSEND"), 0);
}

/* The modem starts anew while it hands over data: what it says then is not taken for them. */
static void a_start_in_the_middle_of_data_gives_none(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        for (size_t cut = 0; cut < 12; cut++) {
            uint8_t got[RIG_BUFFER];
            size_t len;
            modem_rig_make(&r, form);
            assert_int_equal(modem_rig_open(&r), SBS_OK);
            modem_sim_peer_send(&r.sim, "0123456789abcdef");
            r.sim.cut_data = cut + 1u;
            assert_int_equal(modem_rig_receive(&r, got, sizeof got, &len), SBS_ERR_TIMEOUT);
            assert_int_equal(len, 0);
            r.stream.ops->close(r.stream.ctx);
            assert_modem_talks(&r);
        }
    }
}

static void a_start_is_told_at_once(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        uint8_t byte;
        size_t len;
        modem_rig_make(&r, form);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        modem_sim_restart(&r.sim);
        assert_int_equal(r.stream.ops->receive(r.stream.ctx, &byte, 1, &len), SBS_ERR_TRUNCATED);
        assert_int_equal(r.sim.log_len, 0); /* nothing was asked */
    }
}

/* It starts anew instead of each command, seen or (no RDY came through) not, or behind its answer. */
static void a_start_at_any_command_is_set_up_again(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        assert_modem_talks(&r);
        unsigned count = r.sim.commands;
        for (unsigned i = 3; i < 3u * count; i++) {
            modem_rig_make(&r, form);
            r.sim.restart_at = i % 3u < 2u ? i / 3u : 0;
            r.sim.mute_start = i % 3u == 1u;
            r.sim.restart_after = i % 3u == 2u ? i / 3u : 0;
            bool well = false;
            for (unsigned tries = 0; tries < 4u && !(well && r.sim.starts > 1); tries++) {
                well = modem_rig_open(&r) == SBS_OK && modem_rig_echoes(&r, RIG_WORDS);
                r.stream.ops->close(r.stream.ctx);
            }
            assert_true(well);
            assert_int_equal(modem_sim_heard(&r.sim, "ATE0"), 1); /* since it started */
        }
    }
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static void why_it_was_not_opened_is_told(void **state) {
    static const struct {
        modem_rig_form form;
        int code;
        sbs_status status;
    } rows[] = {{RIG_SIMCOM, 1, SBS_ERR_UNREACHABLE},
                {RIG_SIMCOM, 10, SBS_ERR_TIMEOUT},
                {RIG_SIMCOM, 11, SBS_ERR_RESOLVE},
                {RIG_SIMCOM, 4, SBS_ERR_NETWORK},
                {RIG_SIMCOM_SECURED, 5, SBS_ERR_TIMEOUT},
                {RIG_SIMCOM_SECURED, 13, SBS_ERR_RESOLVE},
                {RIG_SIMCOM_SECURED, 15, SBS_ERR_TLS},
                {RIG_SIMCOM_SECURED, 9, SBS_ERR_UNREACHABLE},
                {RIG_SIMCOM_SECURED, 19, SBS_ERR_UNVERIFIED},
                {RIG_SIMCOM_SECURED, 14, SBS_ERR_NETWORK},
                {RIG_QUECTEL, 565, SBS_ERR_RESOLVE},
                {RIG_QUECTEL, 566, SBS_ERR_NETWORK},
                {RIG_QUECTEL, 569, SBS_ERR_TIMEOUT},
                {RIG_QUECTEL_SECURED, 566, SBS_ERR_NETWORK},
                {RIG_QUECTEL_SECURED, 561, SBS_ERR_UNREACHABLE}};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        modem_rig_make(&r, rows[i].form);
        r.sim.open_code = rows[i].code;
        assert_int_equal(modem_rig_open(&r), rows[i].status);
        assert_int_equal(r.stream.ops->last_code(r.stream.ctx), rows[i].code);
        r.stream.ops->close(r.stream.ctx);

        r.sim.open_code = 0;
        assert_modem_talks(&r);
    }
}

/* It may have started, or lost its network, and nobody heard of it. Not at once: each time wears its flash. */
static void who_goes_on_refusing_is_set_up_anew(void **state) {
    static const int codes[] = {
        [RIG_SIMCOM] = 4, [RIG_SIMCOM_SECURED] = 15, [RIG_QUECTEL] = 566, [RIG_QUECTEL_SECURED] = 566};
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.open_code = codes[form];
        for (unsigned refused = 0; refused < 8; refused++) {
            r.sim.log[0] = '\0';
            r.sim.log_len = 0;
            assert_true(modem_rig_open(&r) < SBS_OK);
            r.stream.ops->close(r.stream.ctx);
            assert_int_equal(modem_sim_heard(&r.sim, "ATE0"), refused % 4u == 0);
        }

        r.sim.open_code = 0;
        assert_modem_talks(&r);
    }
}

static void no_network_is_told_and_asked_for_again(void **state) {
    static const struct {
        modem_rig_form form;
        const char *command;
    } rows[] = {{RIG_SIMCOM, "NETOPEN"},
                {RIG_SIMCOM_SECURED, "CCHSTART"},
                {RIG_QUECTEL, "QIACT"},
                {RIG_QUECTEL_SECURED, "QIACT"}};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        modem_rig_make(&r, rows[i].form);
        r.sim.refuse = rows[i].command;
        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNREACHABLE);
        r.stream.ops->close(r.stream.ctx);
        r.sim.refuse = NULL;
        assert_modem_talks(&r);
    }
}

static void a_connection_that_is_gone_is_found_out(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        uint8_t got[RIG_BUFFER];
        size_t len;
        modem_rig_make(&r, form);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        r.sim.open = false; /* and nobody told */
        assert_int_equal(modem_rig_send(&r, "hello"), SBS_OK);
        assert_int_equal(modem_rig_receive(&r, got, sizeof got, &len), SBS_ERR_TRUNCATED);
    }
}

/* ---- silence ----------------------------------------------------------------------------------------------------- */

static void a_modem_that_is_not_there_is_told_in_time(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.silent = "AT";
        assert_int_equal(modem_rig_open(&r), SBS_ERR_TIMEOUT);
        assert_in_range(modem_sim_ms, 5000, 30000);
        r.stream.ops->close(r.stream.ctx);
        r.sim.silent = NULL;
        assert_modem_talks(&r);
    }
}

/* Each command in turn gets no answer; afterwards the modem is set up anew. */
static void each_command_may_go_unanswered(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        char log[MODEM_SIM_LOG];
        modem_rig_make(&r, form);
        assert_modem_talks(&r);
        memcpy(log, r.sim.log, sizeof log);
        for (char *command = strtok(log, "\n"); command != NULL; command = strtok(NULL, "\n")) {
            modem_rig_make(&r, form);
            r.sim.silent = command;
            (void)(modem_rig_open(&r) == SBS_OK && modem_rig_echoes(&r, RIG_WORDS));
            r.stream.ops->close(r.stream.ctx);
            r.sim.silent = NULL;
            assert_modem_talks(&r);
        }
    }
}

/* The program was started anew while the modem waited for bytes behind a prompt. */
static void a_modem_that_waits_for_bytes_is_filled_up(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        r.sim.payload_left = r.sim.asked = 1500;
        r.sim.payload_kind = 'f';
        assert_modem_talks(&r);
    }
}

static void answers_to_earlier_commands_do_not_count(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        for (size_t i = 0; i < 3u; i++) { /* before the answer to AT, ATE0, AT+CCLK? */
            modem_rig_make(&r, form);
            r.sim.says = "OK";
            r.sim.says_at = i;
            assert_modem_talks(&r);
        }
    }
}

static void a_line_that_is_gone_is_told(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    r.sim.gone = true;
    size_t len;
    uint8_t byte;
    assert_int_equal(r.stream.ops->receive(r.stream.ctx, &byte, 1, &len), SBS_ERR_NETWORK);
    r.stream.ops->close(r.stream.ctx);
    r.sim.gone = false;
    assert_modem_talks(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asides_may_stand_anywhere),
        cmocka_unit_test(after_any_end_it_can_be_opened_again),
        cmocka_unit_test(a_line_in_the_middle_of_another_does_no_lasting_harm),
        cmocka_unit_test(what_came_is_read_before_the_end),
        cmocka_unit_test(nothing_is_sent_into_a_connection_that_ended),
        cmocka_unit_test(a_start_in_the_middle_of_data_gives_none),
        cmocka_unit_test(a_start_is_told_at_once),
        cmocka_unit_test(a_start_at_any_command_is_set_up_again),
        cmocka_unit_test(why_it_was_not_opened_is_told),
        cmocka_unit_test(who_goes_on_refusing_is_set_up_anew),
        cmocka_unit_test(no_network_is_told_and_asked_for_again),
        cmocka_unit_test(a_connection_that_is_gone_is_found_out),
        cmocka_unit_test(a_modem_that_is_not_there_is_told_in_time),
        cmocka_unit_test(each_command_may_go_unanswered),
        cmocka_unit_test(a_modem_that_waits_for_bytes_is_filled_up),
        cmocka_unit_test(answers_to_earlier_commands_do_not_count),
        cmocka_unit_test(a_line_that_is_gone_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
