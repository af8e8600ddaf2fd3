/* SPDX-License-Identifier: Apache-2.0 */
/* Troubles of clock and storage that must not outlast their cause, and a reset of a damaged device. */
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

/* 1700000000 is 22:13:20; the server's clock is 20 minutes ahead, and it takes assertions by its own only. */
static void a_server_ahead_does_not_make_the_own_time_wrong(void **state) {
    (void)state;
    rig.refusal = "Content-Type: application/json\r\nDate: Tue, 14 Nov 2023 22:33:20 GMT\r\n";
    rig_bring_up(&rig);
    assert_int_equal(rig.token_refusals, 1);
    assert_true(rig.meter.life.bound_s >= 1700000000 && rig.meter.life.bound_s < 1700001000);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "state=online queued=0 sent=1", 60000);
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=online", 60000);
    assert_false(rig_saw(&rig, "no-time"));
}

/* The other way round the server's time is the bound: an own clock that is ahead may not raise it. */
static void a_clock_ahead_does_not_raise_the_bound(void **state) {
    (void)state;
    rig.now.utc_s += 1200;
    rig.fhir.date = "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    rig.refusal = "Content-Type: application/json\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    rig_bring_up(&rig);
    assert_int_equal(rig.token_refusals, 1);
    assert_true(rig.meter.life.bound_s < 1700001000);
}

/* Nobody compares the own clock with anything while a token lasts: what is delivered then confirms no time. */
static void a_wrong_time_while_a_token_lasts(void **state) {
    (void)state;
    rig.fhir.date = "";
    rig_bring_up(&rig);
    rig_await(&rig, "state=online", 60000);
    rig.now.utc_s += 5 * 31556952;
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "queued=0 sent=1", 60000);
    rig_run(&rig, 1000);
    assert_true(rig.meter.life.bound_s < 1700001000);
    rig.now.utc_s -= 5 * 31556952;
    rig_clear(&rig);
    rig_type(&rig, "measure 1\n");
    rig_await(&rig, "queued=0 sent=2", 60000);
    assert_false(rig_saw(&rig, "no-time"));
}

/* A server that takes assertions from the future still tells its own time. */
static void a_date_holds_the_bound_back(void **state) {
    (void)state;
    rig.now.utc_s += 31556952;
    rig.fhir.date = "Date: Tue, 14 Nov 2023 22:33:20 GMT\r\n";
    rig_bring_up(&rig);
    rig_await(&rig, "state=online", 60000);
    assert_int_equal(rig.meter.life.bound_s, 1700001200);
}

/* The time server is asked each hour; one that told a time before the bound is asked sooner, but not at each poll. */
static void a_wrong_time_is_asked_for_again(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig.doubts = 0;
    rig.now.utc_s = 1699000000;
    rig_run(&rig, 600000);
    assert_true(rig.doubts >= 5 && rig.doubts <= 20);
    rig.now.utc_s = SBS_UTC_UNKNOWN; /* nobody told one: it is being asked for */
    rig.doubts = 0;
    rig_run(&rig, 600000);
    assert_int_equal(rig.doubts, 0);
}

static void a_storage_failure_without_a_record_recovers(void **state) {
    (void)state;
    rig.queue_flash.sim.failing = true;
    rig_boot_failing(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=storage-failed", 1000);
    rig.queue_flash.sim.failing = false;
    rig_await(&rig, "state=unprovisioned", 10000);
}

/* Whichever read of a start fails once, the key is not taken for lost, nor the next one for destroyed. */
static void one_failed_read_loses_nothing(void **state) {
    (void)state;
    rig_bring_up(&rig);
    rig_type(&rig, "rotate\n");
    psa_key_id_t current = rig.meter.keys.current, next = rig.meter.keys.next;
    snprintf(rig.kids[0], sizeof rig.kids[0], "%s", rig.last_kid); /* the server does not know the next one */
    bool failed = true;
    for (uint64_t i = 1; failed; i++) {
        rig_boot(&rig);
        rig_clear(&rig);
        rig.reads = 0;
        rig.failing_read = i;
        rig_run(&rig, 4); /* the start alone */
        failed = rig.reads >= i;
        rig.failing_read = 0;
        rig_await(&rig, "state=online", 60000);
        assert_false(rig_saw(&rig, "key-lost"));
        assert_int_equal(rig.meter.keys.current, current);
        assert_int_equal(rig.meter.keys.next, next);
    }
}

static bool exists(psa_key_id_t id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    bool found = psa_get_key_attributes(id, &attributes) == PSA_SUCCESS;
    psa_reset_key_attributes(&attributes);
    return found;
}

/* @p list: what stands where the list of keys was. */
static void reset_with_list(const uint8_t *list, size_t len) {
    rig_bring_up(&rig);
    rig_type(&rig, "rotate\n");
    assert_true(exists(rig.meter.keys.current) && exists(rig.meter.keys.next));
    psa_key_id_t next = rig.meter.keys.next;
    assert_int_equal(rig.ports.storage.ops->set(rig.ports.storage.ctx, "keys", list, len), SBS_OK);
    rig_boot(&rig);
    rig_await(&rig, "state=storage-failed", 1000);
    rig_type(&rig, "reset erase\n");
    assert_true(rig_saw(&rig, "reset: all erased"));
    for (psa_key_id_t id = 1; id <= next + 1; id++) {
        assert_false(exists(id));
    }
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=unprovisioned", 10000);
}

static void a_reset_with_a_damaged_list_leaves_no_key(void **state) {
    static const uint8_t damaged[] = {1, 2, 3};
    (void)state;
    reset_with_list(damaged, sizeof damaged);
}

static void a_reset_with_a_newer_list_leaves_no_key(void **state) {
    static const uint8_t newer[40] = {2};
    (void)state;
    reset_with_list(newer, sizeof newer);
}

/* The bytes of the key itself: what is no key any more can still be erased. */
static void reset_with_key(bool flipped) {
    static const uint8_t no_key[] = {0, 0, 0, 0, 'x'};
    rig_bring_up(&rig);
    const char name[] = "its-0000000000000001";
    if (flipped) {
        flash_sim *sim = &rig.storage_flash.sim;
        for (uint32_t at = 0; at + sizeof name < sim->size; at++) {
            if (memcmp(sim->data + at, name, sizeof name - 1) == 0) {
                flash_sim_flip(sim, at + 60, 0);
            }
        }
    } else {
        assert_int_equal(rig.ports.storage.ops->set(rig.ports.storage.ctx, name, no_key, sizeof no_key), SBS_OK);
    }
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=key-lost", 10000);
    rig_type(&rig, "reset erase\n");
    assert_true(rig_saw(&rig, "reset: all erased"));
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=unprovisioned", 10000);
}

static void a_reset_with_a_flipped_key_leaves_no_key(void **state) {
    (void)state;
    reset_with_key(true);
}

/* The next key, too: a bit away from the whole is as good as the whole. */
static void a_damaged_next_key_is_destroyed(void **state) {
    static const uint8_t no_key[] = {0, 0, 0, 0, 'x'};
    uint8_t left[8];
    size_t len;
    (void)state;
    const sbs_storage *storage = &rig.ports.storage;
    rig_bring_up(&rig);
    rig_type(&rig, "rotate\n");
    const char name[] = "its-0000000000000002";
    assert_int_equal(storage->ops->set(storage->ctx, name, no_key, sizeof no_key), SBS_OK);
    rig_boot(&rig);
    rig_clear(&rig);
    rig_await(&rig, "state=online", 60000);
    assert_int_equal(rig.meter.keys.next, PSA_KEY_ID_NULL);
    assert_int_equal(storage->ops->get(storage->ctx, name, left, sizeof left, &len), SBS_ERR_NOT_FOUND);
}

static void a_reset_with_a_key_that_is_none_leaves_no_key(void **state) {
    (void)state;
    reset_with_key(false);
}

#define TROUBLE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TROUBLE(a_server_ahead_does_not_make_the_own_time_wrong),
        TROUBLE(a_clock_ahead_does_not_raise_the_bound),
        TROUBLE(a_wrong_time_while_a_token_lasts),
        TROUBLE(a_date_holds_the_bound_back),
        TROUBLE(a_wrong_time_is_asked_for_again),
        TROUBLE(a_storage_failure_without_a_record_recovers),
        TROUBLE(one_failed_read_loses_nothing),
        TROUBLE(a_reset_with_a_damaged_list_leaves_no_key),
        TROUBLE(a_reset_with_a_newer_list_leaves_no_key),
        TROUBLE(a_reset_with_a_flipped_key_leaves_no_key),
        TROUBLE(a_reset_with_a_key_that_is_none_leaves_no_key),
        TROUBLE(a_damaged_next_key_is_destroyed),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
