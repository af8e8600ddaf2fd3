/* SPDX-License-Identifier: Apache-2.0 */
/* A whole life of the application on the fake server: first start, provisioning, measurements, rotation, troubles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meter_rig.h"

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

static void provision(void) {
    meter_record record = rig_record();
    rig_provision(&rig, &record);
    rig_await(&rig, "provision: confirmed", 60000);
    rig_await(&rig, "device: registered", 60000);
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
    provision();
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first_boot, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_measurements_arrive, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
