/* SPDX-License-Identifier: Apache-2.0 */
/* A whole life of the application on the fake server: first start, provisioning, measurements, rotation, troubles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "test.h"

static meter_rig rig;

static int set_up(void **state) {
    (void)state;
    rig_init(&rig);
    rig_first_boot(&rig);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_free(&rig);
    return 0;
}

static void test_first_boot(void **state) {
    (void)state;
    assert_true(rig_saw(&rig, "state=starting queued=0 sent=0 refused=0 dead=0\n"));
    assert_true(rig_saw(&rig, "state=generating-key"));
    assert_true(rig_saw(&rig, "jwks: {\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\""));
    assert_true(rig_saw(&rig, "thumbprint: "));
}

static void test_measurements_arrive(void **state) {
    (void)state;
    rig_bring_up(&rig);
    assert_int_equal(rig.devices, 1);
    assert_non_null(strstr(rig.device, "\"code\":\"HTEST\""));
    assert_non_null(strstr(rig.device, "\"value\":\"52-54-00-FF-FE-12-34-56\""));
    rig_type(&rig, "measure 6\n");
    rig_await(&rig, "state=online queued=0 sent=6 refused=0 dead=0", 60000);
    assert_int_equal(rig_stored(&rig), 6);
    assert_true(rig_stored_once(&rig));
    assert_non_null(strstr(rig.observation, "\"code\":\"HTEST\""));
    assert_non_null(strstr(rig.observation, "\"reference\":\"Device/sbs-"));
    assert_string_equal(rig.ntp, "time.example");
    rig_clear(&rig);
    rig_type(&rig, "status\n");
    assert_true(rig_saw(&rig, "record=confirmed device=known"));
}

static void test_everything_survives_a_restart(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.network_up = false;
    rig_run(&rig, 10);
    rig_type(&rig, "measure 4\n");
    rig_run(&rig, 1000);
    assert_int_equal(rig_stored(&rig), 0);
    rig_clear(&rig);
    rig_boot(&rig);
    rig_run(&rig, 100);
    assert_true(rig_saw(&rig, "state=no-network queued=4"));
    assert_false(rig_saw(&rig, "generating-key"));
    rig.network_up = true;
    rig_await(&rig, "state=online queued=0 sent=4", 60000);
    assert_true(rig_stored_once(&rig));
    assert_int_equal(rig.devices, 1); /* not put again */
    rig_clear(&rig);
    rig_type(&rig, "status\n");
    assert_true(rig_saw(&rig, "record=confirmed device=known"));
    assert_true(rig_saw(&rig, "boot=2"));
}

static void test_unknown_time_is_held(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.now.utc_s = SBS_UTC_UNKNOWN;
    rig_clear(&rig);
    rig_await(&rig, "state=no-time", 1000);
    rig_type(&rig, "measure 2\n");
    rig_run(&rig, 600000);
    assert_int_equal(rig_stored(&rig), 0);
    rig.now.utc_s = 1700002000;
    rig_await(&rig, "state=online queued=0 sent=2", 10000);
    assert_non_null(strstr(rig.observation, SBS_SYSTEM_SEQUENCE));
    assert_non_null(strstr(rig.observation, "\"effectiveDateTime\":\"2023-11-14T22:36:4")); /* 600 s before */
}

/* A boot that measures before it knows the time, and finds no server: it never gets as far as a token. */
static void boot_without_server(void) {
    rig.now.utc_s = SBS_UTC_UNKNOWN;
    rig.fhir.discovery_status = 503;
    rig.fhir.discovery_times = 1000000;
    rig_boot(&rig);
    rig_await(&rig, "state=no-time", 10000);
    rig_type(&rig, "measure 1\n");
    rig_run(&rig, 600000);
}

static void set_clock(int64_t utc_s) {
    rig.now.utc_s = utc_s;
    rig_run(&rig, 60000);
}

/* The next boot, which finds the server after the device was switched off for a day and more. */
static void boot_later(void) {
    assert_int_equal(rig_stored(&rig), 0);
    rig.fhir.discovery_times = 0;
    rig.fhir.discovery_status = 0;
    rig.now.utc_s += 100000;
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=online queued=0 sent=1", 10000);
}

static void test_what_a_boot_without_a_server_left_is_dated(void **state) {
    (void)state;
    rig_bring_up(&rig);
    boot_without_server();
    set_clock(1700002000);
    boot_later();
    assert_non_null(strstr(rig.observation, "\"effectiveDateTime\":\"2023-11-14T22:36:4"));
}

/* A time server that told a wrong time first. */
static void test_what_a_boot_left_is_dated_by_its_last_clock(void **state) {
    (void)state;
    rig_bring_up(&rig);
    boot_without_server();
    set_clock(1800000000); /* years ahead */
    set_clock(1700002000); /* a minute later */
    boot_later();
    assert_non_null(strstr(rig.observation, "\"effectiveDateTime\":\"2023-11-14T22:35:4"));
}

static void test_a_wrong_time_is_none(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.now.utc_s = 1699000000; /* before the time that the server has confirmed */
    rig_clear(&rig);
    rig_await(&rig, "state=no-time", 1000);
    rig.now.utc_s = 1700001000;
    rig_await(&rig, "state=online", 10000);
}

static void test_no_network_and_back(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.network_up = false;
    rig_clear(&rig);
    rig_await(&rig, "state=no-network", 100);
    rig_type(&rig, "measure 3\n");
    rig_run(&rig, 3600000);
    rig.network_up = true;
    rig_await(&rig, "state=online queued=0 sent=3", 5000); /* at once */
    assert_true(rig_stored_once(&rig));
}

static void test_server_trouble(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.fhir.fhir_status = 503;
    rig.fhir.fhir_times = 6;
    rig_clear(&rig);
    rig_type(&rig, "measure 2\n");
    rig_await(&rig, "state=server-trouble queued=2", 10000);
    assert_true(rig_saw(&rig, "error step=\"FHIR request\" cause=\"the server asks to try later\" http=503"));
    rig_await(&rig, "state=online queued=0 sent=2", 600000);
    assert_true(rig_stored_once(&rig));
}

static void test_refused_and_accepted_again(void **state) {
    (void)state;
    rig_bring_up(&rig);
    snprintf(rig.kids[0], sizeof rig.kids[0], "another");
    rig_run(&rig, 400000); /* until the token has expired */
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=refused queued=1", 10000);
    assert_true(rig_saw(&rig, "oauth=invalid_client"));
    rig_run(&rig, 7200000);
    assert_true(rig.token_refusals < 20);
    rig_register(&rig);
    rig_await(&rig, "state=online queued=0 sent=1", 2 * 3600000);
}

/* The token endpoint moves: discovery tells, on the same host; another host is refused. */
static void test_token_endpoint_moves(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.fhir.token_status = 404;
    rig_run(&rig, 400000);
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    unsigned discoveries = rig.fhir.discoveries;
    rig_await(&rig, "state=refused queued=1", 10000);
    rig_await(&rig, "state=online queued=0", 200000);
    assert_int_equal(rig.fhir.discoveries, discoveries + 1);
    rig.fhir.token_status = 404;
    rig_run(&rig, 400000);
    rig.fhir.discovery_body = "{\"token_endpoint\":\"https://other.example/token\"}";
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "discovery names another token host than before", 400000);
    rig.fhir.discovery_body = NULL;
    rig_await(&rig, "state=online queued=0", 7200000);
    assert_true(rig_stored_once(&rig));
}

/* A handshake that found no memory is tried again from discovery on, which leaves it more. */
static void test_out_of_memory(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig_run(&rig, 400000);
    rig_clear(&rig);
    unsigned discoveries = rig.fhir.discoveries;
    rig.fhir.server.open_fails = SBS_ERR_MEMORY;
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=server-trouble queued=1", 10000);
    rig_await(&rig, "state=online queued=0", 60000);
    assert_int_equal(rig.fhir.discoveries, discoveries + 1);
}

static void test_push_command_tries_at_once(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.fhir.fhir_status = 503;
    rig.fhir.fields = "Retry-After: 3000\r\n";
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=server-trouble", 10000);
    rig_run(&rig, 1000);
    rig_type(&rig, "push\n");
    rig_await(&rig, "state=online queued=0 sent=1", 20000);
}

static void test_full_flash(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.network_up = false;
    rig_run(&rig, 10);
    rig_clear(&rig);
    rig_type(&rig, "measure 600\n");
    rig_await(&rig, "state=storage-full", 60000);
    rig_run(&rig, 10000);
    assert_true(rig_saw(&rig, "measurement refused: the buffer is too small"));
    sbs_queue_counters counters;
    rig.meter.queue.ops->counters(rig.meter.queue.ctx, &counters);
    assert_int_equal(counters.accepted + rig.meter.measuring.refused, 600);
    assert_true(rig.meter.measuring.refused > 0);
    rig.fhir.stored_count = 0;
    rig.network_up = true;
    rig_clear(&rig);
    for (unsigned i = 0; i < 20 && counters.waiting > 0; i++) { /* the fake server's memory is small */
        rig_run(&rig, 20);
        assert_true(rig_stored_once(&rig));
        rig.fhir.stored_count = 0;
        rig.meter.queue.ops->counters(rig.meter.queue.ctx, &counters);
    }
    rig_await(&rig, "state=online queued=0", 60000);
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=online queued=0", 60000);
}

static void test_drop_oldest(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.drop_oldest = true;
    rig_provision(&rig, &record);
    rig_await(&rig, "device: registered", 60000);
    rig.network_up = false;
    rig_run(&rig, 10);
    rig_type(&rig, "measure 600\n");
    rig_run(&rig, 60000);
    assert_int_equal(rig.meter.measuring.refused, 0);
    rig_clear(&rig);
    rig_type(&rig, "queue\n");
    assert_true(rig_saw(&rig, "accepted=600"));
    assert_false(rig_saw(&rig, "dropped=0"));
}

static void test_interval(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.interval_s = 60;
    rig_provision(&rig, &record);
    rig_await(&rig, "device: registered", 60000);
    rig_run(&rig, 10 * 60000);
    assert_in_range(rig_stored(&rig), 9, 11);
    rig_type(&rig, "interval 0\n");
    unsigned stored = rig_stored(&rig);
    rig_run(&rig, 10 * 60000);
    assert_int_equal(rig_stored(&rig), stored);
}

static void test_device_refused(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.scope = "system/Observation.cu"; /* the server would have to grant more */
    rig.fhir.token_body =
        "{\"access_token\":\"tok-1\",\"token_type\":\"bearer\",\"scope\":\"system/Observation.cu\",\"expires_in\":300}";
    rig_provision(&rig, &record);
    rig_await(&rig, "device: not registered", 60000);
    rig_type(&rig, "measure 2\n");
    rig_await(&rig, "state=online queued=0 sent=2", 60000);
    assert_null(strstr(rig.observation, "\"device\""));
}

static void test_if_none_exist(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.write_mode = SBS_WRITE_IF_NONE_EXIST;
    rig_provision(&rig, &record);
    rig_await(&rig, "device: registered", 60000);
    rig_type(&rig, "measure 2\n");
    rig_await(&rig, "state=online queued=0 sent=2", 60000);
    assert_int_equal(rig.fhir.creates, 2);
}

static void test_console_abuse(void **state) {
    (void)state;
    uint32_t random = 5;
    rig_bring_up(&rig);
    for (unsigned i = 0; i < 100000; i++) {
        random = random * 1664525u + 1013904223u;
        char c = "status jwk measure 1 queue push rotate stats help\n\n\n\r\b\x03 interval 5"[(random >> 16) % 62];
        meter_feed(&rig.meter, i % 7 == 0 ? (char)(random >> 24) : c);
    }
    rig_type(&rig, "\x03rotate abort\ninterval 0\n");
    rig_clear(&rig);
    rig_type(&rig, "\nnonsense\nreset\nreset now\nmeasure 0x\nmeasure 1001\ninterval\ninterval x\na b c d e f g\n");
    assert_true(rig_saw(&rig, "error: unknown command, 'help' lists them"));
    assert_true(rig_saw(&rig, "error: usage: reset erase"));
    assert_true(rig_saw(&rig, "error: usage: measure"));
    assert_true(rig_saw(&rig, "error: usage: interval"));
    assert_false(rig.rebooting);
    for (unsigned i = 0; i < 500; i++) {
        rig_type(&rig, "x");
    }
    rig_type(&rig, "\n");
    assert_true(rig_saw(&rig, "error: the line is too long"));
}

static void test_output_stays_apart_from_typing(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig_type(&rig, "measure 1\n");
    rig_clear(&rig);
    rig_type(&rig, "sta");
    rig_await(&rig, "state=online queued=0 sent=1 refused=0 dead=0\nsta", 10000);
    rig_type(&rig, "tus\n");
    assert_true(rig_saw(&rig, "record=confirmed"));
}

static void test_no_secret_and_no_patient_on_the_console(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.subject = "Patient/secret-patient";
    record.patient = "secret-value";
    rig_provision(&rig, &record);
    rig_type(&rig, "measure 2\n");
    rig_await(&rig, "state=online queued=0 sent=2", 60000);
    rig_type(&rig, "status\nqueue\nstats\njwk\nhelp\n");
    assert_false(rig_saw(&rig, "secret-"));
    assert_false(rig_saw(&rig, "tok-1"));
    assert_true(rig_saw(&rig, "rig=1"));
}

static void test_reset(void **state) {
    (void)state;
    rig_bring_up(&rig);
    psa_key_id_t id = rig.meter.keys.current;
    uint64_t epoch = rig.meter.life.epoch;
    rig_type(&rig, "measure 3\n");
    rig_type(&rig, "reset erase\n");
    assert_true(rig.rebooting);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    assert_int_not_equal(psa_get_key_attributes(id, &attributes), PSA_SUCCESS);
    rig_clear(&rig);
    rig_boot(&rig);
    rig_await(&rig, "state=unprovisioned queued=0 sent=0", 1000);
    assert_true(rig_saw(&rig, "generating-key"));
    assert_true(rig.meter.life.epoch != epoch);
    assert_int_equal(rig.meter.life.boot_id, 1);
}

static void test_storage_failure_recovers(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.queue_flash.sim.failing = true;
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_run(&rig, 100);
    assert_true(rig_saw(&rig, "measurement refused: the storage failed"));
    rig.queue_flash.sim.failing = false;
    rig_run(&rig, 20000);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "sent=1", 60000);
    rig.storage_flash.sim.failing = true;
    rig_clear(&rig);
    rig_boot_failing(&rig);
    rig_await(&rig, "state=storage-failed", 1000);
    rig.storage_flash.sim.failing = false;
    rig_await(&rig, "state=online", 60000);
}

static void test_ports_without_extras(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.ports.time_server = NULL;
    rig.ports.work = NULL;
    rig.ports.stats = NULL;
    meter_deinit(&rig.meter);
    meter_init(&rig.meter, &rig.ports);
    rig_clear(&rig);
    rig_type(&rig, "stats\n");
    rig_await(&rig, "state=online", 60000);
    assert_true(rig_saw(&rig, "uptime_ms="));
}

#define LIFE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        LIFE(test_first_boot),
        LIFE(test_measurements_arrive),
        LIFE(test_everything_survives_a_restart),
        LIFE(test_unknown_time_is_held),
        LIFE(test_what_a_boot_without_a_server_left_is_dated),
        LIFE(test_what_a_boot_left_is_dated_by_its_last_clock),
        LIFE(test_a_wrong_time_is_none),
        LIFE(test_no_network_and_back),
        LIFE(test_server_trouble),
        LIFE(test_refused_and_accepted_again),
        LIFE(test_token_endpoint_moves),
        LIFE(test_out_of_memory),
        LIFE(test_push_command_tries_at_once),
        LIFE(test_full_flash),
        LIFE(test_drop_oldest),
        LIFE(test_interval),
        LIFE(test_device_refused),
        LIFE(test_if_none_exist),
        LIFE(test_console_abuse),
        LIFE(test_output_stays_apart_from_typing),
        LIFE(test_no_secret_and_no_patient_on_the_console),
        LIFE(test_reset),
        LIFE(test_storage_failure_recovers),
        LIFE(test_ports_without_extras),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
