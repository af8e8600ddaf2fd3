/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of storage: our stores pass, each broken one is refused, and the template fails as it says. */
#include "broken.h"
#include "my_storage.h"
#include "rig_storage.h"
#include "run.h"
#include "sbs/count.h"

static void the_store_on_flash_holds(void **state) {
    port_storage port;
    (void)state;
    rig_storage_flash_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_storage(&suite, &port), 1); /* versions belong to the log, not to a record */
    rig_storage_flash_close();
}

static void the_store_in_files_holds(void **state) {
    port_storage port;
    (void)state;
    rig_storage_linux_open(&port);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_storage(&suite, &port), 1); /* no power to take away */
    rig_storage_linux_close();
}

/* The broken one over the store that can be checked so. */
static void assert_refused(const broken_storage *how) {
    static const struct {
        void (*open)(port_storage *out);
        void (*close)(void);
    } stores[] = {{rig_storage_flash_open, rig_storage_flash_close}, {rig_storage_linux_open, rig_storage_linux_close}};
    char result = 'n';

    for (size_t i = 0; i < SBS_COUNT_OF(stores) && result == 'n'; i++) {
        port_storage sound, broken;
        stores[i].open(&sound);
        broken_storage_make(how, &sound, &broken);
        port_suite suite = run_begin(how->sentence);
        unsigned failures = port_suite_storage(&suite, &broken);
        stores[i].close();

        result = run_result(how->sentence);
        assert_int_equal(failures, run_results.failed);
    }

    if (result != 'F') {
        fail_msg("passed although %s: %s", how->what, how->sentence);
    }
}

static void each_broken_store_is_refused(void **state) {
    (void)state;
    run_is_quiet = true;
    for (size_t i = 0; i < broken_storage_count; i++) {
        assert_refused(&broken_storages[i]);
    }

    run_is_quiet = false;
}

static void each_check_can_fail(void **state) {
    port_storage port;
    (void)state;
    run_is_quiet = true;
    rig_storage_flash_open(&port);
    port_suite suite = run_begin(NULL);
    (void)port_suite_storage(&suite, &port);
    rig_storage_flash_close();
    run_is_quiet = false;

    run_assert_each_is_broken(broken_storages, sizeof broken_storages[0], broken_storage_count);
}

/* It stores nothing, and says so. */
static void the_template_fails(void **state) {
    my_storage storage;
    port_storage port = {0};
    (void)state;
    my_storage_init(&storage, &port.storage);

    run_is_quiet = true;
    port_suite suite = run_begin(NULL);
    unsigned failures = port_suite_storage(&suite, &port);
    assert_int_equal(run_results.ok, 0);
    assert_int_equal(failures, run_results.failed);
    assert_string_equal(run_came("an empty record is a record"), "SBS_ERR_STORAGE: the storage failed");

    /* Mounted, it has no record and takes none. */
    storage.is_mounted = true;
    suite = run_begin(NULL);
    failures = port_suite_storage(&suite, &port);
    run_is_quiet = false;
    assert_int_equal(run_results.ok, 1);
    assert_int_equal(run_result("a record that is not there is not found"), 'o');
    assert_string_equal(run_came("an empty record is a record"), "SBS_ERR_UNSUPPORTED: not supported");
    assert_true(failures >= 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_store_on_flash_holds),     cmocka_unit_test(the_store_in_files_holds),
        cmocka_unit_test(each_broken_store_is_refused), cmocka_unit_test(each_check_can_fail),
        cmocka_unit_test(the_template_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
