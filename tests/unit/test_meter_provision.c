/* SPDX-License-Identifier: Apache-2.0 */
/* Records that arrive over the console: tried, accepted, refused, given up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "sbs/count.h"
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

static void a_new_record_is_tried_before_it_replaces_the_old_one(void **state) {
    (void)state;
    rig_bring_up(&rig);
    meter_record record = rig_record();
    record.client_id = "device-2";
    record.kid_method = SBS_KID_LITERAL;
    record.kid = "mine";
    rig_register(&rig); /* its thumbprint, not "mine" */
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: trying", 1000);
    rig_await(&rig, "provision: restored by=server token request: the authorization server refused, invalid_client",
              200000);
    rig_await(&rig, "state=online", 60000);
    assert_string_equal(rig.meter.record.client_id, "device-1");
    snprintf(rig.kids[0], sizeof rig.kids[0], "mine");
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    rig_clear(&rig);
    rig_boot(&rig);
    rig_await(&rig, "state=online", 60000);
    assert_string_equal(rig.meter.record.client_id, "device-2");
}

static void a_trial_without_network_ends(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.network_up = false;
    meter_record record = rig_record();
    record.client_id = "device-2";
    rig_clear(&rig);
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: restored by=network", 600000);
    assert_string_equal(rig.meter.record.client_id, "device-1");
}

static void a_restart_during_a_trial_restores_the_old_record(void **state) {
    (void)state;
    rig_bring_up(&rig);
    meter_record record = rig_record();
    record.client_id = "device-2";
    rig_provision(&rig, &record);
    rig_boot(&rig);
    rig_run(&rig, 1000);
    assert_string_equal(rig.meter.record.client_id, "device-1");
}

static void a_first_record_stays_unconfirmed_until_a_token(void **state) {
    (void)state;
    meter_record record = rig_record();
    snprintf(rig.kids[0], sizeof rig.kids[0], "another");
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: stored", 1000);
    rig_await(&rig, "provision: unconfirmed by=server", 60000);
    rig_clear(&rig);
    rig_type(&rig, "status\n");
    assert_true(rig_saw(&rig, "record=unconfirmed"));
    rig_boot(&rig);
    rig_await(&rig, "state=refused", 60000);
    rig_register(&rig);
    rig_await(&rig, "provision: confirmed", 2 * 3600000);
}

static void a_record_that_is_wrong_is_refused_with_its_field(void **state) {
    (void)state;
    static uint8_t data[METER_RECORD_MAX];
    size_t len;
    meter_record record = rig_record();
    record.alg = SBS_RS384;
    rig_provision(&rig, &record);
    assert_true(rig_saw(&rig, "provision: error field=alg "));
    record = rig_record();
    record.ca[0].len--;
    rig_provision(&rig, &record);
    assert_true(rig_saw(&rig, "provision: error field=ca "));
    record = rig_record();
    record.fhir_base = "http://fhir.example";
    rig_provision(&rig, &record);
    assert_true(rig_saw(&rig, "provision: error field=fhir "));
    record = rig_record();
    assert_int_equal(meter_record_write(&record, data, sizeof data, &len), SBS_OK);
    data[20] ^= 1;
    rig_clear(&rig);
    rig_send(&rig, data, len);
    assert_true(rig_saw(&rig, "provision: error field=record a stored entry is damaged"));
    rig_run(&rig, 1000);
    assert_true(rig_saw(&rig, "state=unprovisioned"));
    assert_null(rig.meter.block);
}

static void an_intake_survives_any_lines(void **state) {
    (void)state;
    static const char *const lines[] = {
        "provision\n",
        "provision data 0 QUJD 00000000\n",
        "provision end\n",
        "provision begin\n",
        "provision begin x\n",
        "provision begin 4294967296\n",
        "provision begin 12289\n",
        "provision begin 15\n",
        "provision begin 16\n",
        "provision data 1 QUJD a3830348\n",
        "provision data 0 QUJD 00000000\n",
        "provision data 0 !!!! a3830348\n",
        "provision data 0 QUJD\n",
        "provision data 0 QUJD a3830348 x y\n",
        "provision end\n",
        "provision data 0 QUJD a3830348\n",
        "provision data 3 QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD 12345678\n",
        "measure 5\n",
        "rotate\n",
        "provision begin 20\n",
        "provision abort\n",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(lines); i++) {
        rig_type(&rig, lines[i]);
        rig_run(&rig, 10);
    }
    assert_true(rig_saw(&rig, "provision: error field=size"));
    assert_true(rig_saw(&rig, "provision: again 0"));
    assert_true(rig_saw(&rig, "provision: ok 3"));
    assert_true(rig_saw(&rig, "error: refused: not provisioned"));
    rig_clear(&rig);
    rig_type(&rig, "provision begin 20\n");
    rig_await(&rig, "provision: given up", 30000);
    assert_null(rig.meter.trial.intake);
    rig_bring_up(&rig);
}

static void a_newer_record_is_neither_used_nor_erased(void **state) {
    (void)state;
    static uint8_t data[METER_RECORD_MAX];
    uint8_t header[8];
    size_t len;
    rig_bring_up(&rig);
    const sbs_storage *storage = &rig.ports.storage;
    assert_int_equal(storage->ops->get(storage->ctx, "record", header, sizeof header, &len), SBS_OK);
    header[0]++;
    assert_int_equal(storage->ops->set(storage->ctx, "record", header, sizeof header), SBS_OK);
    rig_clear(&rig);
    rig_boot(&rig);
    rig_await(&rig, "state=newer-record", 1000);
    /* One that gives no token does not replace it. */
    meter_record record = rig_record();
    snprintf(rig.kids[0], sizeof rig.kids[0], "another");
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: restored", 200000);
    rig_await(&rig, "state=newer-record", 1000);
    assert_int_equal(storage->ops->get(storage->ctx, "record", data, sizeof data, &len), SBS_OK);
    assert_memory_equal(data, header, sizeof header);
}

#define PROVISION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The delay spreads a fleet that starts at once. Somebody waits for the answer to a record. */
static void a_record_is_tried_without_the_first_delay(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.first_delay_s = 3600;
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PROVISION(a_new_record_is_tried_before_it_replaces_the_old_one),
        PROVISION(a_trial_without_network_ends),
        PROVISION(a_restart_during_a_trial_restores_the_old_record),
        PROVISION(a_first_record_stays_unconfirmed_until_a_token),
        PROVISION(a_record_that_is_wrong_is_refused_with_its_field),
        PROVISION(an_intake_survives_any_lines),
        PROVISION(a_newer_record_is_neither_used_nor_erased),
        PROVISION(a_record_is_tried_without_the_first_delay),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
