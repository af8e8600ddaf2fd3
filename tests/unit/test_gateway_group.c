/* SPDX-License-Identifier: Apache-2.0 */
/* One transaction for a turn: the first commit behind an acceptance decides what the answers are. */
#include "sbs/gateway_group.h"

#include <string.h>

#include "test.h"

/* A queue whose commits do as they are told. */
static struct {
    unsigned begins, commits;
    sbs_status next_commit;
} fake;

static sbs_status fake_begin(void *ctx) {
    (void)ctx;
    fake.begins++;
    return SBS_OK;
}

static sbs_status fake_commit(void *ctx) {
    (void)ctx;
    sbs_status status = fake.next_commit;
    fake.commits++;
    fake.next_commit = SBS_OK;
    return status;
}

static const sbs_queue_bulk fake_bulk;
static const sbs_queue_ops fake_ops = {.begin = fake_begin, .commit = fake_commit, .bulk = &fake_bulk};
static sbs_gateway_group group;
static sbs_queue port;

static int set_up(void **state) {
    const sbs_queue inner = {&fake_ops, NULL};
    (void)state;
    memset(&fake, 0, sizeof fake);
    sbs_gateway_group_init(&group, &inner, &port);
    return 0;
}

static void the_end_of_a_turn_commits_what_was_accepted(void **state) {
    (void)state;
    sbs_gateway_group_expect(&group);
    assert_int_equal(sbs_gateway_group_end(&group), SBS_OK);
    assert_int_equal(fake.commits, 1);
}

static void a_commit_of_the_push_decides_for_what_was_accepted_before_it(void **state) {
    (void)state;
    sbs_gateway_group_expect(&group);
    fake.next_commit = SBS_ERR_STORAGE;
    assert_int_equal(port.ops->commit(port.ctx), SBS_ERR_STORAGE);
    assert_int_equal(sbs_gateway_group_end(&group), SBS_ERR_STORAGE); /* although the last commit went well */
    assert_int_equal(sbs_gateway_group_end(&group), SBS_OK);          /* the next turn is a new one */
}

static void what_was_kept_stays_kept_though_a_later_commit_fails(void **state) {
    (void)state;
    sbs_gateway_group_expect(&group);
    assert_int_equal(port.ops->commit(port.ctx), SBS_OK);
    fake.next_commit = SBS_ERR_STORAGE;
    assert_int_equal(port.ops->commit(port.ctx), SBS_ERR_STORAGE); /* the push's own */
    assert_int_equal(sbs_gateway_group_end(&group), SBS_OK);
}

static void without_an_acceptance_a_failure_is_the_pushs_own(void **state) {
    (void)state;
    fake.next_commit = SBS_ERR_STORAGE;
    assert_int_equal(port.ops->commit(port.ctx), SBS_ERR_STORAGE);
    sbs_gateway_group_expect(&group);
    assert_int_equal(sbs_gateway_group_end(&group), SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_end_of_a_turn_commits_what_was_accepted, set_up),
        cmocka_unit_test_setup(a_commit_of_the_push_decides_for_what_was_accepted_before_it, set_up),
        cmocka_unit_test_setup(what_was_kept_stays_kept_though_a_later_commit_fails, set_up),
        cmocka_unit_test_setup(without_an_acceptance_a_failure_is_the_pushs_own, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
