/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of queues: ours pass, and each broken one is refused. */
#include "broken.h"
#include "rig_queue.h"
#include "run.h"

static void the_queue_on_flash_holds(void **state) {
    port_queue port;
    (void)state;
    rig_queue_flash_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_queue(&suite, &port), 5); /* no groups, no failures */
    rig_queue_flash_close();
}

static void the_queue_in_sqlite_holds(void **state) {
    port_queue port;
    (void)state;
    rig_queue_sqlite_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_queue(&suite, &port), 0);
    rig_queue_sqlite_close();
}

static void the_queue_in_ram_holds(void **state) {
    port_queue port;
    (void)state;
    rig_queue_ram_open(&port);
    port_suite suite = run_begin(NULL);

    /* It has no size of its own, no groups, and forgets. */
    run_assert_sound(port_suite_queue(&suite, &port), 12);
    rig_queue_ram_close();
}

static void each_broken_queue_is_refused(void **state) {
    (void)state;
    run_is_quiet = true;
    for (size_t i = 0; i < broken_queue_count; i++) {
        const broken_queue *how = &broken_queues[i];
        port_queue sound, broken;
        rig_queue_sqlite_open(&sound);
        broken_queue_make(how, &sound, &broken);
        port_suite suite = run_begin(how->sentence);
        unsigned failures = port_suite_queue(&suite, &broken);
        rig_queue_sqlite_close();

        assert_int_equal(failures, run_results.failed);
        if (run_result(how->sentence) != 'F') {
            fail_msg("passed although %s: %s", how->what, how->sentence);
        }
    }

    run_is_quiet = false;
}

static void each_check_can_fail(void **state) {
    port_queue port;
    (void)state;
    run_is_quiet = true;
    rig_queue_ram_open(&port);
    port_suite suite = run_begin(NULL);
    (void)port_suite_queue(&suite, &port);
    rig_queue_ram_close();
    run_is_quiet = false;

    run_assert_each_is_broken(broken_queues, sizeof broken_queues[0], broken_queue_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_queue_on_flash_holds), cmocka_unit_test(the_queue_in_sqlite_holds),
        cmocka_unit_test(the_queue_in_ram_holds),   cmocka_unit_test(each_broken_queue_is_refused),
        cmocka_unit_test(each_check_can_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
