/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that the application takes for a record suffices at its limits: client_ids, tokens, URLs, subjects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "sbs/count.h"
#include "test.h"

static meter_rig rig;
static char client_id[METER_CLIENT_ID_MAX + 1], token[20000], url[METER_URL_MAX], document[24000];

static char *fill(char *out, size_t len, char c) {
    memset(out, c, len);
    out[len] = '\0';
    return out;
}

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

static void grant(size_t len) {
    int used = snprintf(token, sizeof token, "{\"token_type\":\"bearer\",\"expires_in\":300,\"access_token\":\"tok-");
    memset(token + used, 't', len - 4);
    memcpy(token + used + len - 4, "\"}", 3);
    rig.fhir.token_body = token;
}

static void assert_works(const meter_record *record) {
    rig_clear(&rig);
    rig_provision(&rig, record);
    rig_await(&rig, "provision: confirmed", 200000);
    rig_await(&rig, "device: registered", 60000);
    rig_clear(&rig);
    rig_type(&rig, "measure 2\n");
    rig_await(&rig, "state=online queued=0", 60000);
    rig_run(&rig, 400000); /* the token is renewed */
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=online queued=0", 60000);
}

static void a_long_client_id_has_the_memory_it_needs(void **state) {
    (void)state;
    static const size_t lens[] = {8, 1024, 1800, 2048, 2500, METER_CLIENT_ID_MAX};
    rig_type(&rig, "rotate RS384\n"); /* the longer signature */
    for (size_t i = 0; i < SBS_COUNT_OF(lens); i++) {
        meter_record record = rig_record();
        record.client_id = fill(client_id, lens[i], 'c');
        grant(4096);
        assert_works(&record);
        if (lens[i] < 1024) {
            continue;
        }
        memset(client_id, '%', lens[i]); /* three bytes each in the form */
        assert_works(&record);
        print_message("client_id %zu: work %zu, body %zu bytes\n", lens[i], rig.meter.session.work_size,
                      rig.meter.session.body_size);
    }
}

static void long_urls_and_scopes_have_the_memory_they_need(void **state) {
    (void)state;
    static char scope[METER_SCOPE_MAX];
    meter_record record = rig_record();
    size_t used = (size_t)snprintf(url, sizeof url, "https://auth.example/token?");
    fill(url + used, METER_URL_MAX - 1 - used, 'q');
    record.token_policy = METER_TOKEN_FIXED;
    record.token_url = url;
    record.client_id = fill(client_id, 2048, 'c');
    used = 0;
    while (used + 28 < sizeof scope - 1) {
        used += (size_t)snprintf(scope + used, sizeof scope - used, "%ssystem/Observation.cruds", used > 0 ? " " : "");
    }
    record.scope = scope;
    grant(2048);
    rig.fhir.token_body = token;
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
}

/* What only the server decides may be too much; the device says so and goes on as before. */
static void too_much_is_refused_and_tried_again(void **state) {
    (void)state;
    meter_record record = rig_record();
    grant(6400); /* more than there is at first, and not too much */
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    assert_int_equal(rig.fhir.tokens, 2);
    assert_int_equal(rig.meter.session.work_size, METER_WORK_MIN + METER_WORK_EXTRA);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=online queued=0 sent=1", 60000);
    rig_clear(&rig);
    record.client_id = "device-2";
    grant(16000);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: restored by=server token request: the buffer is too small", 200000);
    grant(400);
    rig_await(&rig, "state=online", 2 * 3600000);
}

/* A document of about this size, with a value in every 32 bytes. */
static void describe(size_t size) {
    size_t used = (size_t)snprintf(document, sizeof document,
                                   "{\"token_endpoint\":\"https://auth.example/token\",\"capabilities\":[\"x\"");
    while (used + 32 < size) {
        used += (size_t)snprintf(document + used, sizeof document - used, ",\"%029zu\"", used);
    }
    snprintf(document + used, sizeof document - used, "]}");
    rig.fhir.discovery_body = document;
}

static void a_large_discovery_document_is_read_at_the_second_try(void **state) {
    (void)state;
    meter_record record = rig_record();
    describe(1200);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    assert_int_equal(rig.fhir.discoveries, 1);
    describe(8192);
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    assert_int_equal(rig.fhir.discoveries, 3);
    describe(20000);
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: restored by=server discovery: ", 200000);
    print_message("%s", strstr(rig.console, "provision: restored"));
}

static void the_longest_subject_fits_an_observation(void **state) {
    (void)state;
    char subject[METER_SUBJECT_MAX + 1], patient[METER_PATIENT_MAX + 1], system[METER_PATIENT_SYSTEM_MAX + 1];
    for (unsigned mode = SBS_WRITE_PUT; mode <= SBS_WRITE_PLAIN; mode++) {
        meter_record record = rig_record();
        fill(subject, METER_SUBJECT_MAX, 'A');
        subject[METER_SUBJECT_MAX - 64 - 1] = '/';
        record.subject = subject;
        record.patient = fill(patient, METER_PATIENT_MAX, '"');
        record.patient_system = fill(system, METER_PATIENT_SYSTEM_MAX, '"');
        record.write_mode = (uint8_t)mode;
        grant(400);
        if (mode == SBS_WRITE_PLAIN) {
            continue; /* stored under one key by the fake server */
        }
        assert_works(&record);
        assert_true(rig.meter.session.body_size <= METER_BODY_MAX);
        record.patient = record.patient_system = NULL;
        assert_works(&record);
        record.subject = NULL;
        assert_works(&record);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_long_client_id_has_the_memory_it_needs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_urls_and_scopes_have_the_memory_they_need, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_much_is_refused_and_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_large_discovery_document_is_read_at_the_second_try, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_subject_fits_an_observation, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
