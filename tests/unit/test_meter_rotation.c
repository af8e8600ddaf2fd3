/* SPDX-License-Identifier: Apache-2.0 */
/* The next key: introduced beside the current one, in use once the server knows it, never a lock-out. */
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
    rig_register(&rig);
    meter_record record = rig_record();
    rig_provision(&rig, &record);
    rig_await(&rig, "device: registered", 60000);
    rig_clear(&rig);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_free(&rig);
    return 0;
}

static bool exists(psa_key_id_t id) {
    return meter_keys_alg(id) != 0;
}

static void measure(void) {
    unsigned stored = rig_stored(&rig);
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=online queued=0", 60000);
    assert_int_equal(rig_stored(&rig), stored + 1);
}

static void a_key_that_the_server_does_not_know_does_no_harm(void **state) {
    (void)state;
    psa_key_id_t current = rig.meter.keys.current;
    rig_type(&rig, "rotate\n");
    assert_true(rig_saw(&rig, "jwks: {\"keys\":[{"));
    assert_true(rig_saw(&rig, "},{\"kty\":\"EC\""));
    assert_true(rig_saw(&rig, "next-thumbprint: "));
    rig_await(&rig, "rotate: the next key is not accepted yet: the authorization server refused", 60000);
    for (unsigned hour = 0; hour < 24; hour++) { /* a token lives five minutes */
        rig_run(&rig, 3600000);
        measure();
    }
    assert_int_equal(rig.meter.keys.current, current);
    assert_in_range(rig.token_refusals, 24, 24 * 4 + 10);
    assert_true(rig.fhir.tokens <= 2 * (24 * 4 + 10) + 24);
}

static void a_key_that_the_server_knows_is_used(void **state) {
    (void)state;
    psa_key_id_t current = rig.meter.keys.current, next;
    rig_type(&rig, "rotate\n");
    next = rig.meter.keys.next;
    rig_register(&rig);
    rig_await(&rig, "rotate: the next key is the current one now", 60000);
    assert_int_equal(rig.token_refusals, 0);
    assert_int_equal(rig.meter.keys.current, next);
    assert_string_equal(rig.last_kid, rig.kids[1]);
    measure();
    assert_true(exists(current));
    rig_boot(&rig);
    rig_run(&rig, 100);
    assert_int_equal(rig.meter.keys.current, next);
    assert_true(exists(current));
    rig_await(&rig, "rotate: the old key is destroyed", 400000);
    assert_false(exists(current));
    rig_run(&rig, 400000);
    measure();
    assert_string_equal(rig.last_kid, rig.kids[1]);
    rig_type(&rig, "status\n");
    assert_true(rig_saw(&rig, "rotation=none"));
}

static void a_pending_rotation_survives_a_restart(void **state) {
    (void)state;
    rig_type(&rig, "rotate\n");
    psa_key_id_t next = rig.meter.keys.next;
    rig_boot(&rig);
    rig_await(&rig, "rotate: the next key is not accepted yet", 60000);
    rig_register(&rig);
    rig_await(&rig, "rotate: the next key is the current one now", 120000);
    assert_int_equal(rig.meter.keys.current, next);
}

static void a_rotation_can_be_aborted(void **state) {
    (void)state;
    rig_type(&rig, "rotate\n");
    psa_key_id_t next = rig.meter.keys.next;
    rig_clear(&rig);
    rig_type(&rig, "rotate abort\n");
    assert_false(exists(next));
    assert_false(rig_saw(&rig, "next-thumbprint"));
    rig_clear(&rig);
    rig_type(&rig, "rotate abort\n");
    assert_true(rig_saw(&rig, "error: rotate: not found"));
    rig_register(&rig);
    rig_run(&rig, 3600000);
    measure();
    assert_int_equal(rig.token_refusals, 0);
    rig_type(&rig, "rotate\n");
    assert_true(rig.meter.keys.next > next); /* ids are not used again */
}

/* The operator replaced the old key instead of adding the new one. */
static void a_server_that_knows_only_the_next_key_gets_it(void **state) {
    (void)state;
    rig_type(&rig, "rotate\n");
    rig_register(&rig);
    snprintf(rig.kids[0], sizeof rig.kids[0], "gone");
    rig.meter.rotation.retry_ms = UINT64_MAX; /* as if it had just been tried */
    sbs_client_drop_token(&rig.meter.session.client);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=refused", 60000);
    rig.meter.rotation.retry_ms = rig.now.mono_ms + 60000;
    rig_await(&rig, "rotate: the next key is the current one now", 120000);
    rig_await(&rig, "state=online queued=0 sent=1", 60000);
}

static void a_rotation_changes_the_algorithm(void **state) {
    (void)state;
    rig_type(&rig, "rotate RS384\n");
    assert_true(rig_saw(&rig, "\"kty\":\"RSA\""));
    rig_register(&rig);
    rig_await(&rig, "rotate: the next key is the current one now", 60000);
    measure();
    assert_int_equal(meter_keys_alg(rig.meter.keys.current), SBS_RS384);
    rig_clear(&rig);
    rig_type(&rig, "rotate XS384\n");
    assert_true(rig_saw(&rig, "error: usage: rotate"));
}

/* A kid that the server gave belongs to the key that it was given for. */
static void a_literal_kid_stays_with_its_key(void **state) {
    (void)state;
    meter_record record = rig_record();
    record.kid_method = SBS_KID_LITERAL;
    record.kid = "given";
    snprintf(rig.kids[0], sizeof rig.kids[0], "given");
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    rig_type(&rig, "rotate\n");
    assert_true(rig_saw(&rig, "\"kid\":\"given\""));
    rig_await(&rig, "rotate: the next key is not accepted yet", 60000);
    rig_run(&rig, 600000);
    measure();
    assert_string_equal(rig.last_kid, "given");
    rig_register(&rig);
    rig_type(&rig, "push\n");
    rig_await(&rig, "rotate: the next key is the current one now", 60000);
    assert_string_equal(rig.last_kid, rig.kids[1]);
    rig_boot(&rig);
    rig_run(&rig, 400000);
    measure();
    assert_string_equal(rig.last_kid, rig.kids[1]);
}

static void before_provisioning_the_key_is_replaced_at_once(void **state) {
    (void)state;
    rig_free(&rig);
    rig_init(&rig);
    rig_first_boot(&rig);
    psa_key_id_t first = rig.meter.keys.current;
    rig_type(&rig, "rotate\n");
    assert_int_not_equal(rig.meter.keys.current, first);
    assert_int_equal(rig.meter.keys.next, PSA_KEY_ID_NULL);
    rig_run(&rig, 1000);
    assert_false(exists(first));
}

/* Network trouble says nothing of the key. */
static void trouble_during_a_try_changes_nothing(void **state) {
    (void)state;
    rig_type(&rig, "rotate\n");
    rig_register(&rig);
    rig.fhir.token_status = 503;
    rig_await(&rig, "rotate: the next key is not accepted yet: the server asks to try later", 60000);
    measure();
    rig_await(&rig, "rotate: the next key is the current one now", 120000);
    rig_type(&rig, "rotate\n");
    rig_await(&rig, "next-thumbprint", 100);
    rig_run(&rig, 15000);
    rig.network_up = false;
    rig_run(&rig, 100000);
    rig.network_up = true;
    rig_run(&rig, 100000);
    measure();
}

#define ROTATION(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        ROTATION(a_key_that_the_server_does_not_know_does_no_harm),
        ROTATION(a_key_that_the_server_knows_is_used),
        ROTATION(a_pending_rotation_survives_a_restart),
        ROTATION(a_rotation_can_be_aborted),
        ROTATION(a_server_that_knows_only_the_next_key_gets_it),
        ROTATION(a_rotation_changes_the_algorithm),
        ROTATION(a_literal_kid_stays_with_its_key),
        ROTATION(before_provisioning_the_key_is_replaced_at_once),
        ROTATION(trouble_during_a_try_changes_nothing),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
