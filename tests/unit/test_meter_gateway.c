/* SPDX-License-Identifier: Apache-2.0 */
/* A record for a gateway: the device posts with its secret, by http where the record says so, and asks for no token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "sbs/count.h"
#include "test.h"

#define OTHER_SECRET "tok-9876543210zyxwvutsrqponmlkjihgfedcbaZYE"
#define BUILT_S 1600000000

static meter_rig rig;

static int set_up(void **state) {
    (void)state;
    rig_init(&rig);
    rig_first_boot(&rig);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_false(rig_saw(&rig, "tok-"));
    rig_free(&rig);
    return 0;
}

static void bring_up(const meter_record *record) {
    rig_provision(&rig, record);
    rig_await(&rig, "provision: confirmed", 60000);
    rig_await(&rig, "state=online", 60000);
}

static bool was_sent(const char *text) {
    return fake_find(rig.fhir.last, rig.fhir.last_len, text) != NULL;
}

static void measure(unsigned count, const char *state) {
    char line[32];
    snprintf(line, sizeof line, "measure %u\n", count);
    rig_clear(&rig);
    rig_type(&rig, line);
    rig_await(&rig, state, 60000);
}

/* ---- what goes over the line ------------------------------------------------------------------------------------- */

static void a_gateway_gets_observations_and_its_secret_alone(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    bring_up(&record);
    assert_int_equal(rig.fhir.server.requests, 1); /* what confirmed the record: a batch of nothing */
    assert_true(was_sent("POST /r4 HTTP/1.1\r\nHost: gateway.example:8080\r\n"));
    assert_true(was_sent("\r\n\r\n{\"resourceType\":\"Bundle\",\"type\":\"batch\"}"));
    assert_int_equal(rig_stored(&rig), 0);

    measure(3, "state=online queued=0 sent=3");
    assert_true(was_sent("POST /r4/Observation HTTP/1.1\r\n"));
    assert_true(was_sent("\r\nIf-None-Exist: identifier="));
    assert_true(was_sent("\r\nAuthorization: Bearer " RIG_SECRET "\r\n\r\n{"));
    assert_false(was_sent("If-None-Match"));
    assert_int_equal(rig.fhir.server.requests, 4);
    assert_int_equal(rig.fhir.discoveries + rig.fhir.tokens + rig.devices, 0);
    assert_true(rig_stored(&rig) == 3 && rig_stored_once(&rig));
    assert_null(strstr(rig.observation, "Device/"));
    assert_int_equal(rig.plain_opens, rig.fhir.server.opens);

    rig_clear(&rig);
    rig_type(&rig, "status\nstats\nqueue\njwk\nhelp\n");
    assert_true(rig_saw(&rig, "record=confirmed"));
}

static void a_gateway_with_tls_is_no_other(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    record.fhir_base = "https://gateway.example/r4";
    record.ca[0].der = rig_ca;
    record.ca[0].len = rig_ca_len;
    record.ca_count = 1;
    bring_up(&record);
    measure(1, "state=online queued=0 sent=1");
    assert_int_equal(rig.plain_opens, 0);
    assert_int_equal(rig.fhir.discoveries + rig.fhir.tokens + rig.devices, 0);
}

static void a_record_lasts_over_a_restart(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    bring_up(&record);
    rig_clear(&rig);
    rig_boot(&rig);
    rig_await(&rig, "state=online", 60000);
    measure(1, "queued=0 sent=1");
    assert_true(was_sent("\r\nAuthorization: Bearer " RIG_SECRET "\r\n"));
}

/* ---- each once --------------------------------------------------------------------------------------------------- */

static void a_lost_answer_is_made_good_by_a_repeat(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    bring_up(&record);
    rig.fhir.lost_answers = 1;
    measure(2, "state=online queued=0 sent=2");
    assert_int_equal(rig.fhir.creates, 3);
    assert_true(rig_stored(&rig) == 2 && rig_stored_once(&rig));
    assert_true(rig_saw(&rig, "dead=0"));
}

/* A gateway compares content: what is dated later has one time, however often, and whenever, it is sent. */
static void a_repeat_has_the_same_bytes(void **state) {
    (void)state;
    static char first[sizeof rig.observation];
    meter_record record = rig_gateway_record();
    bring_up(&record);
    rig.now.utc_s = SBS_UTC_UNKNOWN;
    rig_run(&rig, 10);
    rig.now.mono_ms += 777;
    measure(1, "measuring");
    rig_run(&rig, 1000);
    assert_int_equal(rig.fhir.creates, 0);

    for (unsigned i = 0; i < 5; i++) {
        /* Behind the time in which nothing is repeated, at another place in a second, by a clock that was set by one.
         */
        rig.now.mono_ms += 7300;
        rig.now.utc_s = 1700000000 + (int64_t)(rig.now.mono_ms / 1000) + i % 2;
        rig.fhir.lost_answers = 1;
        rig_type(&rig, "push\n");
        for (unsigned creates = rig.fhir.creates; rig.fhir.creates == creates;) {
            rig_run(&rig, 1);
        }

        assert_non_null(strstr(rig.observation, "effectiveDateTime"));
        if (i == 0) {
            memcpy(first, rig.observation, sizeof first);
        }
        assert_string_equal(rig.observation, first);
    }

    rig_clear(&rig);
    rig_boot(&rig);
    rig_await(&rig, "queued=0 sent=1", 600000);
    assert_string_equal(rig.observation, first);
    assert_int_equal(rig_stored(&rig), 1);
}

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void a_wrong_secret_restores_the_record_before(void **state) {
    (void)state;
    rig_bring_up(&rig);
    meter_record record = rig_gateway_record();
    record.secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: restored by=server FHIR request: ", 200000);
    assert_int_equal(rig.fhir.unauthorized, 1);
    rig_await(&rig, "state=online", 60000);
    assert_string_equal(rig.meter.record.client_id, "device-1");
    assert_false(rig_saw(&rig, record.secret));
}

static unsigned refusals;

static unsigned refuse(const char *json, size_t len) {
    (void)json, (void)len;
    if (refusals == 0) {
        return 0;
    }
    refusals--;
    return 401;
}

/* The rights may be given back: it looks again by itself, with the same secret, and counts nothing as given up. */
static void a_secret_that_ended_is_an_operators_matter(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    bring_up(&record);
    rig.fhir.verdict = refuse;
    refusals = 3;
    measure(1, "state=refused");
    rig_await(&rig, "error step=\"FHIR request\"", 1000);
    rig_await(&rig, "queued=0 sent=1", 4 * 3600000);
    assert_int_equal(rig.fhir.tokens, 0);
}

static void hostile_records_are_refused(void **state) {
    static const struct {
        const char *base, *secret, *field;
    } cases[] = {
        {"http://gateway.example:8080/r4", NULL, "fhir"},
        {"ftp://gateway.example/r4", RIG_SECRET, "fhir"},
        {"http://gateway.example/r4?x", RIG_SECRET, "fhir"},
        {"https://gateway.example/r4", RIG_SECRET, "ca"},
        {"http://gateway.example/r4", "", "gateway-secret"},
        {"http://gateway.example/r4", "tok-", "gateway-secret"},
        {"http://gateway.example/r4", RIG_SECRET "A", "gateway-secret"},
        {"http://gateway.example/r4", "tok-0123456789abcdefghijklmnopqrstuvwxyzAB\r", "gateway-secret"},
        {"http://gateway.example/r4", "tok-0123456789abcdefghijklmnopqrstuvwxyzAB ", "gateway-secret"},
        {"http://gateway.example/r4", "tok-0123456789abcdefghijklmnopqrstuvwxyzAB+", "gateway-secret"},
        {"http://gateway.example/r4", "tok-0123456789abcdefghijklmnopqrstuvwxyzABF", "gateway-secret"},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char expected[64];
        meter_record record = rig_gateway_record();
        record.fhir_base = cases[i].base;
        record.secret = cases[i].secret;
        rig_clear(&rig);
        rig_provision(&rig, &record);
        snprintf(expected, sizeof expected, "provision: error field=%s ", cases[i].field);
        if (!rig_saw(&rig, expected)) {
            fail_msg("case %zu: %s", i, rig.console);
        }
    }
    assert_int_equal(rig.fhir.server.opens, 0);
    assert_null(rig.meter.block);
}

/* ---- time and keys ----------------------------------------------------------------------------------------------- */

static void without_tls_the_time_is_not_waited_for(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    record.unknown_time = SBS_UNKNOWN_TIME_SEND;
    rig.now.utc_s = SBS_UTC_UNKNOWN;
    bring_up(&record);
    measure(2, "state=online queued=0 sent=2");
    assert_null(strstr(rig.observation, "effectiveDateTime"));
    assert_true(rig_stored_once(&rig));

    record.fhir_base = "https://gateway.example/r4";
    record.ca[0].der = rig_ca;
    record.ca[0].len = rig_ca_len;
    record.ca_count = 1;
    rig_provision(&rig, &record);
    rig_await(&rig, "state=no-time", 1000);
}

/* Its clock may be wrong, and without TLS anybody can speak for it. */
static void a_gateway_says_nothing_about_the_time(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    rig.fhir.date = "Date: Sat, 14 Nov 2026 22:13:20 GMT\r\n";
    rig.now.utc_s = 1999999999;
    bring_up(&record);
    measure(1, "state=online queued=0 sent=1");
    assert_int_equal(rig.meter.life.bound_s, BUILT_S);
}

static void a_next_key_waits_for_a_record_with_tokens(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    bring_up(&record);
    psa_key_id_t current = rig.meter.keys.current;
    rig_type(&rig, "rotate\n");
    assert_true(rig_saw(&rig, "next-thumbprint: "));
    rig_run(&rig, 2 * 3600000);
    assert_int_equal(rig.meter.keys.current, current);
    assert_true(rig.meter.keys.next != PSA_KEY_ID_NULL);
    assert_int_equal(rig.fhir.server.requests, 1);

    record = rig_record();
    rig_provision(&rig, &record);
    rig_await(&rig, "rotate: the next key is the current one now", 600000);
}

/* ---- what stays -------------------------------------------------------------------------------------------------- */

static sbs_status scrub(void *ctx) {
    return sbs_flash_storage_scrub(&((meter_rig *)ctx)->storage);
}

static bool flash_holds(const char *text) {
    const flash_sim *sim = &rig.storage_flash.sim;
    return fake_find(sim->data, sim->size, text) != NULL;
}

static void the_secret_of_a_record_that_was_replaced_is_erased(void **state) {
    (void)state;
    meter_record record = rig_gateway_record();
    rig.meter.ports.scrub = scrub;
    bring_up(&record);
    assert_true(flash_holds(RIG_SECRET));
    record.secret = OTHER_SECRET;
    rig_clear(&rig);
    bring_up(&record);
    assert_true(flash_holds(OTHER_SECRET));
    assert_false(flash_holds(RIG_SECRET));
}

#define GATEWAY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        GATEWAY(a_gateway_gets_observations_and_its_secret_alone),
        GATEWAY(a_gateway_with_tls_is_no_other),
        GATEWAY(a_record_lasts_over_a_restart),
        GATEWAY(a_lost_answer_is_made_good_by_a_repeat),
        GATEWAY(a_repeat_has_the_same_bytes),
        GATEWAY(a_wrong_secret_restores_the_record_before),
        GATEWAY(a_secret_that_ended_is_an_operators_matter),
        GATEWAY(hostile_records_are_refused),
        GATEWAY(without_tls_the_time_is_not_waited_for),
        GATEWAY(a_gateway_says_nothing_about_the_time),
        GATEWAY(a_next_key_waits_for_a_record_with_tokens),
        GATEWAY(the_secret_of_a_record_that_was_replaced_is_erased),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
