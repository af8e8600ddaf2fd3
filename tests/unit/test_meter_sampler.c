/* SPDX-License-Identifier: Apache-2.0 */
/* Measurements that another task takes: what passes between it and the application, in any order of their turns. */
#include <string.h>

#include "meter_rig.h"
#include "meter_sampler.h"
#include "test.h"

static meter_rig rig;
static meter_sampler sampler;
static int held, locked;

static void hold_sensor(bool hold) {
    held += hold ? 1 : -1;
    if (hold) {
        meter_sampler_pause(&sampler);
    }
}

static void lock_queue(void *ctx) {
    assert_ptr_equal(ctx, &locked);
    assert_int_equal(++locked, 1);
}

static void unlock_queue(void *ctx) {
    assert_ptr_equal(ctx, &locked);
    assert_int_equal(--locked, 0);
}

static const meter_tasks tasks = {hold_sensor, lock_queue, unlock_queue, &locked};

static int set_up(void **state) {
    (void)state;
    memset(&sampler, 0, sizeof sampler);
    held = locked = 0;
    rig_init(&rig);
    rig_first_boot(&rig);
    rig.meter.ports.tasks = &tasks;
    rig_bring_up(&rig);
    assert_int_equal(held, 0);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rig_free(&rig);
    return 0;
}

static bool exchange(void) {
    return meter_sampler_exchange(&sampler, &rig.meter);
}

/* The sensor's turns until nothing is asked for. */
static unsigned take_all(void) {
    unsigned taken = 0;
    while (meter_sampler_take(&sampler, rig.now.mono_ms)) {
        taken++;
    }
    return taken;
}

static void the_application_itself_takes_none(void **state) {
    (void)state;
    rig_type(&rig, "measure 3\n");
    rig_run(&rig, 5000);
    assert_int_equal(rig_stored(&rig), 0);

    assert_true(exchange());
    assert_int_equal(take_all(), 3);
    assert_false(exchange());
    rig_await(&rig, "state=online queued=0 sent=3 refused=0 dead=0", 60000);
    assert_int_equal(rig_stored(&rig), 3);
    assert_true(rig_stored_once(&rig));
    assert_non_null(strstr(rig.observation, "\"code\":\"HTEST\""));
}

/* All of one millisecond: each has a time stamp of its own. */
static void none_is_like_another(void **state) {
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        rig_type(&rig, "measure 20\n");
        (void)exchange();
        assert_int_equal(take_all(), 20);
        rig_run(&rig, 50);
    }

    rig_await(&rig, "queued=0 sent=100 refused=0 dead=0", 600000);
    assert_int_equal(rig_stored(&rig), 100);
    assert_true(rig_stored_once(&rig));
}

static void without_a_record_nothing_is_measured(void **state) {
    (void)state;
    rig_type(&rig, "measure 5\n");
    assert_true(exchange());
    rig_type(&rig, "reset erase\n");
    assert_int_equal(held, 1); /* for good */
    assert_int_equal(take_all(), 0);
    assert_false(exchange());
    assert_int_equal(take_all(), 0);
}

static void a_full_queue_is_told_once_and_counted(void **state) {
    (void)state;
    rig.network_up = false;
    rig_run(&rig, 10);
    rig_clear(&rig);
    for (unsigned round = 0; round < 20 && !rig_saw(&rig, "measurement refused"); round++) {
        rig_type(&rig, "measure 1000\n");
        (void)exchange();
        while (sampler.pending > 0) {
            (void)meter_sampler_take(&sampler, rig.now.mono_ms);
        }
        (void)exchange();
    }

    assert_true(rig_saw(&rig, "measurement refused"));
    assert_true(rig_saw(&rig, "state=storage-full"));
    rig_clear(&rig);
    rig_type(&rig, "measure 2\n");
    (void)exchange();
    assert_int_equal(take_all(), 0);
    (void)meter_sampler_take(&sampler, rig.now.mono_ms);
    (void)exchange();
    assert_false(rig_saw(&rig, "measurement refused"));
    assert_int_equal(sampler.refused, 0);
    assert_true(rig.meter.measuring.refused >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_application_itself_takes_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_is_like_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_record_nothing_is_measured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_is_told_once_and_counted, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
