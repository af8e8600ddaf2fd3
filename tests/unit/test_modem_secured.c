/* SPDX-License-Identifier: Apache-2.0 */
/* TLS in the modem: no connection unless the modem confirms what it will check. */
#include <stdio.h>
#include <string.h>

#include "modem_rig.h"
#include "sbs/count.h"

static modem_rig r;

/* Nothing was opened, and so no byte of the program's can have left. */
static void assert_opened_nothing(sbs_status expected) {
    assert_int_equal(modem_rig_open(&r), expected);
    assert_int_equal(r.sim.opened, 0);
    assert_int_equal(modem_sim_heard(&r.sim, "OPEN=0,\"") + modem_sim_heard(&r.sim, "QSSLOPEN"), 0);
    assert_int_equal(r.sim.peer_got, 0);
    r.stream.ops->close(r.stream.ctx);
}

static void which_streams_are_secured(void **state) {
    (void)state;
    FOR_EACH_FORM(form) {
        modem_rig_make(&r, form);
        modem_rig_begin(&r);
        assert_int_equal(r.stream.ops->secured, form == RIG_SIMCOM_SECURED || form == RIG_QUECTEL_SECURED);
    }
}

static void a_simcom_is_told_this(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM_SECURED);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    assert_string_equal(r.sim.log, "AT\nATE0\nAT+CCLK?\nAT+CIPCLOSE=0\nAT+CCHSTOP\nAT+CCHSET=1,1\nAT+CCHSTART\n"
                                   "AT+CTZU=0\nAT+CTZU?\n"
                                   "AT+CSSLCFG=\"sslversion\",0,3\nAT+CSSLCFG=\"authmode\",0,1\n"
                                   "AT+CSSLCFG=\"ignorelocaltime\",0,0\nAT+CSSLCFG=\"cacert\",0,\"ca.pem\"\n"
                                   "AT+CSSLCFG=\"enableSNI\",0,1\nAT+CCHSSLCFG=0,0\nAT+CCHSSLCFG?\nAT+CSSLCFG?\n"
                                   "AT+CCLK=\"01/01/01,00:00:00+00\"\nAT+CCHOPEN=0,\"fhir.example\",443,2\n"
                                   "AT+CCLK=\"26/11/29,08:54:45+00\"\nAT+CCLK?\n"
                                   "AT+CCHOPEN=0,\"fhir.example\",443,2\n");
}

static void a_quectel_is_told_this(void **state) {
    static const char *const lines[] = {"\"sslversion\",1,3\n",
                                        "\"sslversion\",1\n",
                                        "\"seclevel\",1,1\n",
                                        "\"seclevel\",1\n",
                                        "\"cacert\",1,\"ca.pem\"\n",
                                        "\"cacert\",1\n",
                                        "\"sni\",1,1\n",
                                        "\"checkhost\",1,1\n",
                                        "\"checkhost\",1\n",
                                        "\"ignorelocaltime\",1,0\n",
                                        "\"ignorelocaltime\",1\n",
                                        "\"ignorecertchain\",1,0\n",
                                        "\"ignorecertchain\",1\n"};
    (void)state;
    modem_rig_make(&r, RIG_QUECTEL_SECURED);
    assert_int_equal(modem_rig_open(&r), SBS_OK);
    for (size_t i = 0; i < SBS_COUNT_OF(lines); i++) {
        assert_int_equal(modem_sim_heard(&r.sim, lines[i]), 1);
    }
    assert_int_equal(modem_sim_heard(&r.sim, "AT+QSSLOPEN=1,1,0,\"fhir.example\",443,0\n"), 2); /* one is the trial */
}

/* ---- a modem that does not confirm ------------------------------------------------------------------------------- */

typedef struct lie {
    modem_rig_form form;
    const char *asked, *answer;
} lie;

static const lie lies[] = {
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,0,0,120,\"ca.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,1,120,\"ca.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,4,1,0,120,\"ca.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,120,\"other.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,120,\"ca.pem.old\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,120,\"ca.pem\",\"\",\"\",0"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,120,\"ca.pem\",\"\",\"\""},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 1,3,1,0,120,\"ca.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", "+CSSLCFG: 0,3,1,0,\"ca.pem\",\"\",\"\",1"},
    {RIG_SIMCOM_SECURED, "AT+CSSLCFG?", ""},
    {RIG_SIMCOM_SECURED, "AT+CCHSSLCFG?", "+CCHSSLCFG: 0,1"},
    {RIG_SIMCOM_SECURED, "AT+CCHSSLCFG?", "+CCHSSLCFG: 0,"},
    {RIG_SIMCOM_SECURED, "AT+CCHSSLCFG?", "+CCHSSLCFG: 0,00"},
    {RIG_SIMCOM_SECURED, "AT+CTZU?", "+CTZU: 1"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"sslversion\",1", "+QSSLCFG: \"sslversion\",1,4"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"seclevel\",1", "+QSSLCFG: \"seclevel\",1,0"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"seclevel\",1", "+QSSLCFG: \"seclevel\",0,1"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"seclevel\",1", "+QSSLCFG: \"seclevel\",1,10"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"cacert\",1", "+QSSLCFG: \"cacert\",1,\"other.pem\""},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"sni\",1", "+QSSLCFG: \"sni\",1,0"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"checkhost\",1", "+QSSLCFG: \"checkhost\",1,0"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"checkhost\",1", ""},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"ignorelocaltime\",1", "+QSSLCFG: \"ignorelocaltime\",1,1"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"ignorecertchain\",1", "+QSSLCFG: \"ignorecertchain\",1,1"},
    {RIG_QUECTEL_SECURED, "AT+QSSLCFG=\"ignoreinvalidcertsign\",1", "+QSSLCFG: \"ignoreinvalidcertsign\",1,1"},
    {RIG_QUECTEL_SECURED, "AT+CTZU?", "+CTZU: 3"},
};

static void a_setting_that_reads_back_otherwise_stops_it(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(lies); i++) {
        modem_rig_make(&r, lies[i].form);
        r.sim.instead_of = lies[i].asked;
        r.sim.instead = lies[i].answer;
        assert_opened_nothing(SBS_ERR_UNVERIFIED);

        r.sim.instead_of = NULL; /* with a better firmware, say */
        assert_modem_talks(&r);
    }
}

/* Of all the commands between start and open each one is refused; only what some models do not know may be. */
static void a_setting_that_is_refused_stops_it(void **state) {
    static const char *const settings[] = {"CTZU",       "CCLK=",          "sslversion",  "authmode", "ignorelocaltime",
                                           "cacert",     "enableSNI",      "CCHSSLCFG=0", "CTZU?",    "CSSLCFG?",
                                           "CCHSSLCFG?", "seclevel\",1,1", "sni\",1,1",   "checkhost"};
    (void)state;
    for (size_t i = 0; i < 2u * SBS_COUNT_OF(settings); i++) {
        modem_rig_form form = i % 2u == 0 ? RIG_SIMCOM_SECURED : RIG_QUECTEL_SECURED;
        modem_rig_make(&r, form);
        assert_int_equal(modem_rig_open(&r), SBS_OK);
        bool is_told = modem_sim_heard(&r.sim, settings[i / 2u]) > 0;
        modem_rig_make(&r, form);
        r.sim.refuse = settings[i / 2u];
        if (is_told) {
            assert_opened_nothing(SBS_ERR_UNVERIFIED);
        }
    }

    modem_rig_make(&r, RIG_QUECTEL_SECURED);
    r.sim.refuse = "ignorecertchain";
    assert_modem_talks(&r);
}

static void a_clock_that_was_not_set_stops_it(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        r.sim.instead_of = "AT+CCLK?";
        r.sim.instead = "+CCLK: \"80/01/06,00:00:11+00\"";
        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNVERIFIED);
        assert_int_equal(r.sim.opened, 0);
    }
}

/* ---- the trial --------------------------------------------------------------------------------------------------- */

/* It confirms all settings, and takes any server. */
static void a_modem_that_checks_nothing_is_found_out(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        r.sim.checks_nothing = true;
        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNVERIFIED);
        assert_int_equal(r.sim.opened, 1);
        r.stream.ops->close(r.stream.ctx);
        assert_int_equal(modem_rig_tidy(&r), SBS_OK);
        assert_int_equal(r.sim.peer_got, 0);

        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNVERIFIED); /* and again */
        assert_int_equal(r.sim.peer_got, 0);
        r.stream.ops->close(r.stream.ctx);
        r.sim.checks_nothing = false;
        assert_modem_talks(&r);
    }
}

static void it_is_tried_once_for_each_start(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        assert_modem_talks(&r);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.refused, 1);
        modem_sim_restart(&r.sim);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.refused, 2);

        modem_rig_make(&r, forms[i]);
        r.config.no_trial = true;
        assert_modem_talks(&r);
        assert_int_equal(r.sim.refused, 0);
    }
}

/* It fails for another reason than it has to: that is told, and the next open() tries again. */
static void a_trial_without_a_network_shows_nothing(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM_SECURED);
    r.sim.open_code = 13;
    assert_int_equal(modem_rig_open(&r), SBS_ERR_RESOLVE);
    r.stream.ops->close(r.stream.ctx);
    r.sim.open_code = 0;
    assert_modem_talks(&r);
    assert_int_equal(r.sim.refused, 1);
}

/* Some codes are those of a bad certificate and of a server that is away. */
static void a_trial_counts_once_the_server_is_reached(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        r.sim.checks_nothing = true;
        r.sim.open_code = i == 0 ? 15 : 566;
        assert_int_not_equal(modem_rig_open(&r), SBS_OK);
        r.stream.ops->close(r.stream.ctx);

        r.sim.open_code = 0; /* it is back, and the modem is seen to take it */
        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNVERIFIED);
        assert_int_equal(r.sim.peer_got, 0);
    }
}

/* The hour ends as soon as the modem has heard this of the time, which is 08:59:59. */
static const char *hour_ends_at;

static sbs_now clock_at_the_end_of_an_hour(void) {
    static bool ended;
    bool begins = r.sim.commands == 0;
    sbs_now now = modem_sim_now();
    if (begins || strncmp(r.sim.line, hour_ends_at, strlen(hour_ends_at)) == 0 ||
        modem_sim_heard(&r.sim, hour_ends_at) > 0) {
        ended = !begins;
    }

    now.utc_s = 1795942799 + ended;
    return now;
}

static void an_hour_may_end_while_the_clock_is_set(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    static const char *const points[] = {"AT+CCLK=\"26/11/29,0", "AT+CCLK=\"26/11/29,08:59:5",
                                         "AT+CCLK=\"26/11/29,08:59:59+00\""};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms) * SBS_COUNT_OF(points); i++) {
        modem_rig_make(&r, forms[i % SBS_COUNT_OF(forms)]);
        r.config.clock = clock_at_the_end_of_an_hour;
        r.sim.write_max = 1;
        hour_ends_at = points[i / SBS_COUNT_OF(forms)];
        assert_modem_talks(&r);
        assert_int_equal(clock_at_the_end_of_an_hour().utc_s, 1795942800); /* it did */
        assert_string_equal(r.sim.clock, "26/11/29,08:59:59+00");
    }
}

static void without_a_time_nothing_is_opened(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        modem_sim_utc = SBS_UTC_UNKNOWN;
        assert_opened_nothing(SBS_ERR_NO_TIME);
        assert_int_equal(r.sim.log_len, 0);
    }
}

static void where_no_name_is_compared_the_certificate_is_pinned(void **state) {
    (void)state;
    modem_rig_make(&r, RIG_SIMCOM_SECURED);
    r.config.pinned = false;
    assert_opened_nothing(SBS_ERR_UNVERIFIED);
    assert_int_equal(r.sim.log_len, 0);
}

/* The settings are asked for before each connection, not only before the first one. */
static void each_connection_is_confirmed(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        assert_modem_talks(&r);
        size_t got = r.sim.peer_got;
        r.sim.instead_of = i == 0 ? "AT+CSSLCFG?" : "AT+QSSLCFG=\"seclevel\",1";
        r.sim.instead = "+CREG: 1";
        assert_int_equal(modem_rig_open(&r), SBS_ERR_UNVERIFIED);
        assert_int_equal(r.sim.opened, 1);
        assert_int_equal(r.sim.peer_got, got);
    }
}

/* ---- the certificate --------------------------------------------------------------------------------------------- */

static void the_certificate_is_put_into_the_modem(void **state) {
    static const modem_rig_form forms[] = {RIG_SIMCOM_SECURED, RIG_QUECTEL_SECURED};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        modem_rig_make(&r, forms[i]);
        r.config.certificate = RIG_CERTIFICATE;
        r.config.certificate_len = strlen(RIG_CERTIFICATE);
        assert_modem_talks(&r);
        assert_int_equal(r.sim.file_len, strlen(RIG_CERTIFICATE));
        assert_memory_equal(r.sim.file, RIG_CERTIFICATE, r.sim.file_len);

        /* Once for each start of the modem. */
        assert_modem_talks(&r);
        assert_int_equal(modem_sim_heard(&r.sim, i == 0 ? "CCERTDOWN" : "QFUPL"), 1);
        modem_sim_restart(&r.sim);
        r.sim.file_len = 0;
        assert_modem_talks(&r);
        assert_memory_equal(r.sim.file, RIG_CERTIFICATE, strlen(RIG_CERTIFICATE));
    }
}

static void a_modem_that_does_not_take_it_is_not_trusted(void **state) {
    static const struct {
        modem_rig_form form;
        const char *command;
    } rows[] = {{RIG_SIMCOM_SECURED, "CCERTDOWN"}, {RIG_QUECTEL_SECURED, "QFUPL"}};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        modem_rig_make(&r, rows[i].form);
        r.config.certificate = RIG_CERTIFICATE;
        r.config.certificate_len = strlen(RIG_CERTIFICATE);
        r.sim.refuse = rows[i].command;
        assert_opened_nothing(SBS_ERR_UNVERIFIED);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_streams_are_secured),
        cmocka_unit_test(a_simcom_is_told_this),
        cmocka_unit_test(a_quectel_is_told_this),
        cmocka_unit_test(a_setting_that_reads_back_otherwise_stops_it),
        cmocka_unit_test(a_setting_that_is_refused_stops_it),
        cmocka_unit_test(a_clock_that_was_not_set_stops_it),
        cmocka_unit_test(a_modem_that_checks_nothing_is_found_out),
        cmocka_unit_test(it_is_tried_once_for_each_start),
        cmocka_unit_test(a_trial_without_a_network_shows_nothing),
        cmocka_unit_test(a_trial_counts_once_the_server_is_reached),
        cmocka_unit_test(an_hour_may_end_while_the_clock_is_set),
        cmocka_unit_test(without_a_time_nothing_is_opened),
        cmocka_unit_test(where_no_name_is_compared_the_certificate_is_pinned),
        cmocka_unit_test(each_connection_is_confirmed),
        cmocka_unit_test(the_certificate_is_put_into_the_modem),
        cmocka_unit_test(a_modem_that_does_not_take_it_is_not_trusted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
