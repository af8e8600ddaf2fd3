/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue on SQLite deletes by age: from a clock that is known, that goes on steadily, and so that it is told.
 */
#include <stdlib.h>

#include "sbs/count.h"
#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"

#define DAY 86400

/* In memory: hundreds of days need no disk. */
static int set_up(void **state) {
    (void)rig_set_up(state);
    sbs_sqlite_queue_close(&rig.queue);
    cut_vfs_register();
    rig.config.path = "queue.db";
    rig.config.vfs = CUT_VFS;
    rig_reopen();
    return 0;
}

static void days_pass(unsigned days) {
    for (unsigned i = 0; i < days; i++) {
        rig.now_s += DAY;
        rig_reopen();
    }
}

static uint64_t add_letter(const char *reason) {
    uint64_t id = rig_append("a");
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, reason), SBS_OK);
    return id;
}

static bool is_there(uint64_t id) {
    sbs_sqlite_entry found;
    sbs_status status = sbs_sqlite_queue_find(&rig.queue, id, &found);
    assert_true(status == SBS_OK || status == SBS_ERR_NOT_FOUND);
    return status == SBS_OK;
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

static void a_dead_letter_goes_when_its_time_is_over_and_that_is_told(void **state) {
    (void)state;
    sbs_sqlite_stats stats;
    uint64_t id = add_letter("refused");
    days_pass(30);
    assert_true(is_there(id));
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 0);
    days_pass(1);
    assert_false(is_there(id));
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 1);
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 0);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.expired == 1 && stats.letters == 0 && stats.counters.dead == 1);
}

static void a_jump_of_the_clock_deletes_nothing(void **state) {
    (void)state;
    uint64_t id = add_letter("refused");
    rig.now_s += 40 * DAY;
    for (int i = 0; i < 20; i++) { /* as many commands as there are */
        rig.now_s += 3600;
        rig_reopen();
        uint64_t other = add_letter("refused");
        assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, other), SBS_OK);
        assert_true(is_there(id));
    }
    rig.now_s = RIG_NOW + DAY; /* put right */
    rig_reopen();
    days_pass(28);
    assert_true(is_there(id));
    days_pass(4);
    assert_false(is_there(id));
}

static void after_a_pause_ages_count_again(void **state) {
    (void)state;
    uint64_t id = add_letter("refused");
    rig.now_s += 40 * DAY; /* the machine was off */
    rig_reopen();
    assert_true(is_there(id));
    days_pass(1);
    assert_false(is_there(id));
}

static void a_clock_that_was_set_back_deletes_nothing(void **state) {
    (void)state;
    uint64_t id = add_letter("refused");
    rig.now_s -= 400 * DAY;
    rig_reopen();
    rig.now_s += 400 * DAY;
    rig_reopen();
    assert_true(is_there(id));
}

static void without_a_clock_nothing_is_too_old(void **state) {
    (void)state;
    uint64_t id = add_letter("refused");
    days_pass(20);
    rig.now_s = SBS_UTC_UNKNOWN;
    rig_reopen();
    (void)add_letter("refused");
    assert_true(is_there(id));
    rig.config.utc_now = NULL;
    rig_reopen();
    (void)add_letter("refused");
    assert_true(is_there(id));
}

static void a_clock_out_of_its_mind_is_none(void **state) {
    (void)state;
    static const int64_t times[] = {INT64_MAX, INT64_MIN + 1, -1, INT64_C(1) << 41};
    uint64_t id = add_letter("refused");
    for (size_t i = 0; i < SBS_COUNT_OF(times); i++) {
        rig.now_s = times[i];
        rig_reopen();
        (void)add_letter("refused");
        assert_true(is_there(id));
    }
}

static void what_an_operator_can_mend_stays(void **state) {
    (void)state;
    sbs_sqlite_entry found;
    uint64_t mendable = add_letter(SBS_QUEUE_REASON_OPERATOR ": 403");
    uint64_t other = add_letter("refused");
    days_pass(50);
    assert_false(is_there(other));
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, mendable, &found), SBS_OK);
    assert_true(found.mendable);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, mendable), SBS_OK);
    assert_int_equal(rig_settle(mendable, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    days_pass(31);
    assert_false(is_there(mendable));
}

static void a_queue_of_version_1_is_not_cleared_at_the_first_look(void **state) {
    (void)state;
    size_t len;
    char *bytes = rig_version_1(&len);
    sbs_sqlite_queue_close(&rig.queue);
    cut_vfs_reset();
    cut_vfs_put("queue.db", bytes, len);
    free(bytes);
    rig.now_s = 1764000000 + 60 * DAY;
    rig_reopen();
    assert_true(is_there(4));
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 0);
    days_pass(1);
    assert_false(is_there(4));
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 1);
}

/* ---- identities -------------------------------------------------------------------------------------------------- */

static void a_delivered_identity_is_known_for_90_days(void **state) {
    (void)state;
    uint64_t id;
    uint64_t waiting;
    assert_int_equal(rig_add("w", 2, 1, &waiting), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    days_pass(50);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    days_pass(90);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_DELIVERED);
    days_pass(1);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_add("w", 2, 1, &id), SBS_SQLITE_WAITS);
    assert_int_equal(sbs_sqlite_queue_expired(&rig.queue), 0); /* no letter */
}

static void one_delivered_without_a_clock_is_dated_later(void **state) {
    (void)state;
    uint64_t id;
    rig.now_s = SBS_UTC_UNKNOWN;
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    rig.now_s = RIG_NOW + DAY;
    rig_reopen();
    days_pass(90);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_DELIVERED);
    days_pass(1);
    assert_int_equal(rig_add("a", 1, 1, &id), SBS_SQLITE_NEW);
}

static void a_process_that_goes_on_forgets_them_too(void **state) {
    (void)state;
    uint64_t id;
    sbs_sqlite_stats stats;
    for (uint8_t i = 0; i < 200; i++) {
        assert_int_equal(rig_add("a", i, 1, &id), SBS_SQLITE_NEW);
        assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    }
    for (unsigned i = 0; i < 100 * 64; i++) { /* 64 operations a day */
        rig.now_s += DAY / 64;
        id = rig_append("b");
        assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    }
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_int_equal(stats.seen, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_dead_letter_goes_when_its_time_is_over_and_that_is_told),
        TEST(a_jump_of_the_clock_deletes_nothing),
        TEST(after_a_pause_ages_count_again),
        TEST(a_clock_that_was_set_back_deletes_nothing),
        TEST(without_a_clock_nothing_is_too_old),
        TEST(a_clock_out_of_its_mind_is_none),
        TEST(what_an_operator_can_mend_stays),
        TEST(a_queue_of_version_1_is_not_cleared_at_the_first_look),
        TEST(a_delivered_identity_is_known_for_90_days),
        TEST(one_delivered_without_a_clock_is_dated_later),
        TEST(a_process_that_goes_on_forgets_them_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
