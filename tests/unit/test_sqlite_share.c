/* SPDX-License-Identifier: Apache-2.0 */
/* What each of several engines sees of one queue. */
#include <string.h>

#include "sbs/date.h"
#include "sbs/forward_share.h"
#include "sqlite_rig.h"
#include "test.h"

#define VIEWS 3u

static sbs_forward_share share;
static sbs_queue views[VIEWS];

static int set_up(void **state) {
    if (rig_set_up(state) != 0 || sbs_forward_share_open(&share, &rig.port, 8, VIEWS) != SBS_OK) {
        return -1;
    }
    for (size_t i = 0; i < VIEWS; i++) {
        views[i] = sbs_forward_view_port(sbs_forward_share_view(&share, i));
    }
    return 0;
}

static int tear_down(void **state) {
    sbs_forward_share_close(&share);
    return rig_tear_down(state);
}

/* An item of a lane, with an identity whose bytes are all @p identity; 0: it was named here. */
static uint64_t add(uint32_t lane, uint8_t identity) {
    static uint8_t content[SBS_SQLITE_HASH_SIZE];
    uint8_t hash[SBS_SQLITE_HASH_SIZE];
    const sbs_queue_meta meta = {.utc_s = 1, .lane = lane, .zone_minutes = SBS_ZONE_UNKNOWN};
    sbs_sqlite_facts facts = {.type = "Observation"};
    sbs_sqlite_repeat repeat;
    uint64_t id = 0;
    memset(hash, identity, sizeof hash);
    content[0]++;
    if (identity != 0) {
        facts.identity = hash;
        facts.content = content;
    }
    assert_int_equal(sbs_sqlite_queue_add(&rig.queue, &meta, &facts, "text", 4, &id, &repeat), SBS_OK);
    return id;
}

/* What a view is told above an id, 0: nothing; read, as an engine does that takes it. */
static uint64_t take(unsigned view, uint64_t after) {
    sbs_queue_item item;
    char text[8];
    size_t len;
    sbs_status status = views[view].ops->next(views[view].ctx, after, &item);
    if (status == SBS_ERR_NOT_FOUND) {
        return 0;
    }
    assert_int_equal(status, SBS_OK);
    assert_int_equal(views[view].ops->read(views[view].ctx, item.id, 0, text, sizeof text, &len), SBS_OK);
    return item.id;
}

static void settle(unsigned view, uint64_t id, sbs_queue_fate fate) {
    assert_int_equal(views[view].ops->settle(views[view].ctx, id, fate, NULL, NULL), SBS_OK);
}

static void commit(void) {
    bool undone;
    assert_int_equal(sbs_forward_share_commit(&share, true, false, &undone), SBS_OK);
    assert_false(undone);
}

static void an_item_is_one_views(void **state) {
    (void)state;
    uint64_t first = add(0, 0);
    uint64_t second = add(0, 0);
    assert_int_equal(take(0, 0), first);
    assert_int_equal(take(1, 0), second);
    assert_int_equal(take(2, 0), 0);
    assert_int_equal(take(0, 0), first); /* again, as long as it is not settled */
    assert_int_equal(views[2].ops->mark_attempt(views[2].ctx, first), SBS_ERR_NOT_FOUND);
    settle(0, first, SBS_QUEUE_DELIVERED);
    assert_int_equal(take(0, 0), 0);
    commit();
    assert_int_equal(rig_counters().delivered, 1);
}

static void a_lane_is_one_views_and_keeps_its_order(void **state) {
    (void)state;
    uint64_t a1 = add(7, 0);
    uint64_t b1 = add(8, 0);
    uint64_t a2 = add(7, 0);
    uint64_t a3 = add(7, 0);
    assert_int_equal(take(0, 0), a1);
    assert_int_equal(take(1, 0), b1);
    assert_int_equal(take(1, b1), 0);
    assert_int_equal(take(0, a1), a2); /* with the first in one request */
    settle(0, a1, SBS_QUEUE_DELIVERED);
    assert_int_equal(take(1, b1), 0); /* the second is under way */
    settle(0, a2, SBS_QUEUE_DELIVERED);
    assert_int_equal(take(1, b1), a3);
    commit();
}

/* A view that looks only behind the first of a lane may not take the second. */
static void what_stands_before_goes_before(void **state) {
    (void)state;
    uint64_t a1 = add(7, 0);
    uint64_t a2 = add(7, 0);
    assert_int_equal(take(1, a1), 0);
    assert_int_equal(take(0, 0), a1);
    assert_int_equal(take(0, a1), a2);
}

static void what_is_passed_over_is_free(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t first = add(0, 0);
    uint64_t second = add(0, 0);
    assert_int_equal(views[0].ops->next(views[0].ctx, 0, &item), SBS_OK);
    assert_int_equal(item.id, first);
    assert_int_equal(take(0, first), second);
    assert_int_equal(take(1, 0), first);
}

static void what_is_released_others_take(void **state) {
    (void)state;
    uint64_t first = add(0, 0);
    uint64_t second = add(0, 0);
    assert_int_equal(take(0, 0), first);
    assert_int_equal(take(0, first), second);
    sbs_forward_view_keep(sbs_forward_share_view(&share, 0), first);
    sbs_forward_view_release(sbs_forward_share_view(&share, 0));
    assert_int_equal(take(1, 0), second);
    assert_int_equal(take(0, 0), first);
}

static void one_identifier_is_taken_once(void **state) {
    (void)state;
    uint64_t first = add(0, 5);
    uint64_t second = add(0, 5);
    uint64_t other = add(0, 6);
    assert_int_equal(take(0, 0), first);
    assert_int_equal(take(0, first), other); /* not even by the same view */
    assert_int_equal(take(1, 0), 0);
    settle(0, first, SBS_QUEUE_DELIVERED);
    assert_int_equal(take(1, 0), second);
    commit();
}

static void what_has_no_known_identifier_goes_alone(void **state) {
    (void)state;
    uint64_t first = rig_append("a");
    uint64_t second = rig_append("b");
    assert_int_equal(take(0, 0), first);
    assert_int_equal(take(1, 0), 0);
    settle(0, first, SBS_QUEUE_DELIVERED);
    assert_int_equal(take(1, 0), second);
    commit();
}

static void what_is_too_large_for_one_is_anothers(void **state) {
    (void)state;
    sbs_forward_share_view(&share, 1)->item_max = 3;
    uint64_t first = add(0, 0);
    assert_int_equal(take(1, 0), 0);
    assert_false(sbs_forward_share_has_work(&share, 3));
    assert_true(sbs_forward_share_has_work(&share, 4));
    assert_int_equal(take(0, 0), first);
    assert_false(sbs_forward_share_has_work(&share, 4));
}

static void what_others_do_with_the_queue_is_seen(void **state) {
    (void)state;
    uint64_t first = add(0, 0);
    uint64_t second = add(0, 0);
    uint64_t third = add(0, 0);
    assert_int_equal(take(0, 0), first);
    settle(0, first, SBS_QUEUE_DEAD);
    commit();
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, second), SBS_OK);
    assert_int_equal(take(1, 0), third);
    assert_int_equal(take(0, third), 0);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, first), SBS_OK); /* under its old id */
    uint64_t fourth = add(0, 0);
    assert_int_equal(take(1, third), fourth);
    assert_int_equal(take(0, fourth), 0); /* the end is known again */
    assert_int_equal(take(0, 0), first);
}

/* What an engine settles may have been removed meanwhile: the item behind it in the list has another fate. */
static void settling_what_is_gone_leaves_the_next_item_waiting(void **state) {
    (void)state;
    uint64_t first = add(0, 0);
    uint64_t gone = add(0, 0);
    uint64_t next = add(0, 0);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, gone), SBS_OK);
    assert_int_equal(take(0, 0), first);
    assert_int_equal(take(0, first), next);
    assert_int_equal(views[0].ops->mark_attempt(views[0].ctx, gone), SBS_ERR_NOT_FOUND);
    assert_int_equal(views[0].ops->settle(views[0].ctx, gone, SBS_QUEUE_DEAD, "refused", NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(take(0, first), next);
    assert_int_equal(take(1, 0), 0); /* nor has the view lost it to another one */
    commit();
    assert_int_equal(rig_counters().waiting, 2);
}

/* More than are listed at a time, and than are swept at a time. */
static void a_long_queue_is_gone_through(void **state) {
    (void)state;
    uint64_t last = 0;
    for (unsigned i = 0; i < 1500; i++) {
        (void)add(i % 5, 0);
    }
    for (unsigned i = 0; i < 1500; i++) {
        uint64_t id = take(i % VIEWS, 0);
        assert_true(id > last);
        last = id;
        settle(i % VIEWS, id, SBS_QUEUE_DELIVERED);
        if (i % 7 == 0) {
            commit();
        }
    }
    commit();
    assert_int_equal(take(0, 0), 0);
    assert_int_equal(rig_counters().waiting, 0);
    assert_in_range(share.priv.size, 1, 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_item_is_one_views, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lane_is_one_views_and_keeps_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_stands_before_goes_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_passed_over_is_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_released_others_take, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_identifier_is_taken_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_no_known_identifier_goes_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_large_for_one_is_anothers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_others_do_with_the_queue_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settling_what_is_gone_leaves_the_next_item_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_queue_is_gone_through, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
