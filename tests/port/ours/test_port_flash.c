/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of flash: the simulated one passes, in many geometries, and each broken one is refused. The one of an
 * emulator's host is checked on the boards (tests/boards). */
#include "broken.h"
#include "flash_sim.h"
#include "run.h"
#include "sbs/count.h"

static flash_sim sim;

static bool sim_restart(void *ctx) {
    (void)ctx;
    flash_sim_boot(&sim);
    return true;
}

static void simulated_flash_holds_in_each_geometry(void **state) {
    static const uint32_t geometries[][3] = {{256, 3, 1},  {256, 5, 32},  {512, 3, 2},   {1024, 4, 4},
                                             {2048, 3, 8}, {4096, 3, 16}, {65536, 3, 4}, {288, 3, 32}};
    (void)state;

    for (size_t i = 0; i < SBS_COUNT_OF(geometries); i++) {
        flash_sim_init(&sim, geometries[i][0], geometries[i][1], geometries[i][2], i);
        port_flash port = {.flash = sim.flash, .restart = sim_restart};
        port_suite suite = run_begin(NULL);

        run_assert_sound(port_suite_flash(&suite, &port), 0);
        flash_sim_free(&sim);
    }
}

static void each_broken_flash_is_refused(void **state) {
    (void)state;
    run_is_quiet = true;
    for (size_t i = 0; i < broken_flash_count; i++) {
        const broken_flash *how = &broken_flashes[i];
        port_flash port;
        broken_flash_make(how, &port);
        port_suite suite = run_begin(how->sentence);

        unsigned failures = port_suite_flash(&suite, &port);
        assert_int_equal(failures, run_results.failed);
        if (run_result(how->sentence) != 'F') {
            fail_msg("passed although %s: %s", how->what, how->sentence);
        }
    }

    run_is_quiet = false;
}

static void what_is_not_broken_passes(void **state) {
    port_flash port;
    (void)state;
    broken_flash_make(NULL, &port);
    port_suite suite = run_begin(NULL);
    run_is_quiet = true;
    unsigned failures = port_suite_flash(&suite, &port);
    run_is_quiet = false;

    assert_int_equal(failures, 0);
    run_assert_each_is_broken(broken_flashes, sizeof broken_flashes[0], broken_flash_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(simulated_flash_holds_in_each_geometry),
        cmocka_unit_test(each_broken_flash_is_refused),
        cmocka_unit_test(what_is_not_broken_passes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
