/* SPDX-License-Identifier: Apache-2.0 */
/* The suite of keys: PSA's keys pass, each broken one is refused, and the template fails as it says. */
#include <string.h>

#include "broken.h"
#include "my_key.h"
#include "run.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/psa_key.h"

static psa_key_id_t p384;
static sbs_psa_key p384_state;
static sbs_key p384_key;

static int set_up_keys(void **state) {
    (void)state;
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &p384), SBS_OK);
    sbs_psa_key_init(&p384_state, p384, &p384_key);
    broken_skip_ms = run_skip_ms;

    return 0;
}

static int tear_down_keys(void **state) {
    (void)state;
    assert_int_equal(psa_destroy_key(p384), PSA_SUCCESS);
    return 0;
}

static void a_p384_key_of_psa_holds(void **state) {
    port_suite suite = run_begin(NULL);
    (void)state;
    run_assert_sound(port_suite_key(&suite, &p384_key), 0);
}

static void an_rsa_key_of_psa_holds(void **state) {
    sbs_psa_key psa;
    sbs_key key;
    psa_key_id_t id;
    (void)state;
    assert_int_equal(sbs_psa_key_generate(SBS_RS384, 2048, PSA_KEY_ID_NULL, &id), SBS_OK);
    sbs_psa_key_init(&psa, id, &key);
    port_suite suite = run_begin(NULL);

    run_assert_sound(port_suite_key(&suite, &key), 0);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

/* What a target without clocks gives. */
static void a_key_is_checked_without_clocks(void **state) {
    port_suite suite = run_begin(NULL);
    (void)state;
    suite.now = NULL;
    suite.wait = NULL;
    run_assert_sound(port_suite_key(&suite, &p384_key), 1);
}

static void each_broken_key_is_refused(void **state) {
    (void)state;
    run_is_quiet = true;
    for (size_t i = 0; i < broken_key_count; i++) {
        const broken_key *how = &broken_keys[i];
        sbs_key key;
        broken_key_make(how, &p384_key, &key);
        port_suite suite = run_begin(how->sentence);

        unsigned failures = port_suite_key(&suite, &key);
        assert_int_equal(failures, run_results.failed);
        if (run_result(how->sentence) != 'F') {
            fail_msg("passed although %s: %s", how->what, how->sentence);
        }
    }

    run_is_quiet = false;
}

/* It signs nothing, and says so. */
static void the_template_fails(void **state) {
    my_key template;
    sbs_key key;
    (void)state;
    my_key_init(&template, 1, &key);
    port_suite suite = run_begin(NULL);
    run_is_quiet = true;
    unsigned failures = port_suite_key(&suite, &key);
    run_is_quiet = false;

    assert_int_equal(run_results.ok, 0);
    assert_int_equal(failures, run_results.count);

    for (unsigned i = 0; i < run_results.count; i++) {
        assert_non_null(strstr(run_results.came[i], "SBS_ERR_UNSUPPORTED"));
    }

    run_assert_each_is_broken(broken_keys, sizeof broken_keys[0], broken_key_count);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_p384_key_of_psa_holds),
        cmocka_unit_test(an_rsa_key_of_psa_holds),
        cmocka_unit_test(a_key_is_checked_without_clocks),
        cmocka_unit_test(each_broken_key_is_refused),
        cmocka_unit_test(the_template_fails),
    };

    return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
