/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a unit test, whose main() the linker calls __real_main. A fault in it has reset the board and is told here. The
 * argument skip=NAME:NAME leaves out tests that take an emulator minutes.
 */
#include <stdbool.h>
#include <string.h>

#include "sbs/baremetal_fault.h"
#include "sbs/baremetal_heap.h"
#include "sbs/baremetal_print.h"
#include "sbs/baremetal_stack.h"
#include "sbs/semihosting_emulation_only.h"
#include "test.h"

#define EXIT_FAULT 77
#define TESTS_MAX 64

int __real_main(void);
int __wrap_main(void);
int __real__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);
int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown);

static bool is_skipped(const char *name) {
    static char skip[256];
    size_t len = strlen(name);
    if (!sbs_semihosting_argument("skip", skip, sizeof skip)) {
        return false;
    }
    for (const char *at = skip; *at != '\0'; at += strcspn(at, ":"), at += *at == ':') {
        if (strncmp(at, name, len) == 0 && strcspn(at, ":") == len) {
            return true;
        }
    }
    return false;
}

int __wrap__cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests, size_t count,
                                   CMFixtureFunction setup, CMFixtureFunction teardown) {
    static struct CMUnitTest chosen[TESTS_MAX];
    size_t chosen_count = 0;
    if (count > TESTS_MAX) {
        return __real__cmocka_run_group_tests(name, tests, count, setup, teardown);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_skipped(tests[i].name)) {
            sbs_baremetal_print("skipped: %s\n", tests[i].name);
        } else {
            chosen[chosen_count++] = tests[i];
        }
    }
    return __real__cmocka_run_group_tests(name, chosen, chosen_count, setup, teardown);
}

int __wrap_main(void) {
    if (sbs_baremetal_last_fault() != NULL) {
        sbs_baremetal_print_last_fault();
        return EXIT_FAULT;
    }
    int failed = __real_main();
    sbs_baremetal_print("used: stack %zu of %zu, heap %zu of %zu\n", sbs_baremetal_stack_high_water(),
                        sbs_baremetal_stack_size(), sbs_baremetal_heap().high_water, sbs_baremetal_heap().size);
    return failed;
}
