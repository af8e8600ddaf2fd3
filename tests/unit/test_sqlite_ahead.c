/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing a queue on SQLite with marks ahead and deliveries written late: what is told is on the disk, what was not
 * sent is not marked at an orderly end, and a cut of the power or a full disk loses nothing and stores nothing twice.
 */
#include "assertions.h"
#include "power_cut.h"
#include "sqlite_cut_vfs.h"
#include "sqlite_drain.h"
#include "test.h"
#include "wipe_record.h"

#define ITEMS DRAIN_ITEMS

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void what_is_told_is_on_the_disk(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    sbs_status status = SBS_PENDING;
    unsigned told = 0;
    unsigned most = 0;
    while (status == SBS_PENDING) {
        status = drain_poll();
        sbs_queue_counters counters;
        world.queue.ops->counters(world.queue.ctx, &counters);
        for (unsigned id = 1, safe = 0; id <= ITEMS; id++) {
            safe += world.safe[id];
            assert_true(safe <= counters.delivered);
            told = safe;
        }
        most = world.pending_count > most ? world.pending_count : most;
        assert_in_range(drain_marked(), 0, 16);
    }
    assert_int_equal(told, ITEMS);
    assert_in_range(most, 2, 9);
    assert_in_range(world.durables, ITEMS / 8, ITEMS / 8 + 2);
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void what_is_told_waits_a_second_at_most(void **state) {
    (void)state;
    drain_begin(64, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    while (world.pending_count == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_int_equal(world.durables, 0);
    world.now.mono_ms += 1000;
    assert_int_equal(drain_poll(), SBS_PENDING);
    assert_int_equal(world.durables, 1);
    assert_true(world.safe[1]);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* The first mark stands for eight; at an orderly end only what was sent has one. */
static void what_was_not_sent_is_not_marked_at_the_end(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    while (world.pending_count < 3) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_int_equal(drain_marked(), 8);
    assert_int_equal(sbs_forward_fan_close(&world.push), SBS_OK);
    assert_int_equal(drain_marked(), 0);
    assert_true(world.safe[3]);
    sbs_forward_server_close(&world.server);
    world.running = false;
    assert_int_equal(drain_stop(), SBS_OK);
}

/* Targets name patients, and its lines point to the token. */
static void what_a_push_knew_goes_with_it(void **state) {
    static const char secret[] = "a secret of thirty-two characters";
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    assert_int_equal(drain_poll(), SBS_PENDING);
    sbs_forward_line *line = world.push.priv.lines[0];
    strcpy(line->target, secret);
    strcpy(line->push.priv.engine.priv.target, secret);
    wipe_record_begin(secret, sizeof secret);
    assert_int_equal(sbs_forward_fan_close(&world.push), SBS_OK);
    assert_int_equal(wipe_record_found_in(sizeof(sbs_forward_push)), 1);
    assert_int_equal(wipe_record_found_in(sizeof(sbs_forward_line)), 1);
    wipe_record_begin(NULL, 0);
    assert_int_equal(world.push.priv.poller, -1);
    world.push.priv.poller = 0;
    assert_true(test_is_zero(&world.push, sizeof world.push));

    sbs_forward_server_close(&world.server);
    assert_true(test_is_zero(&world.server, sizeof world.server));
    world.running = false;
    assert_int_equal(drain_stop(), SBS_OK);
}

/* Nor while all wait for the network. */
static void nothing_is_marked_while_all_wait(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    while (world.pending_count < 3) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    world.fhir[0].close_each = true;
    world.fhir[0].server.open_fails = SBS_ERR_UNREACHABLE;
    while (world.waits == 0) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    assert_int_equal(drain_poll(), SBS_PENDING); /* the wait begins */
    assert_int_equal(drain_marked(), 0);
    assert_int_equal(world.pending_count, 0);
    assert_true(drain_run());
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void plain_writes_are_marked_one_by_one(void **state) {
    (void)state;
    drain_begin(64, SBS_FORWARD_PLAIN, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING) {
        status = drain_poll();
        assert_in_range(drain_marked(), 0, 2);
        assert_in_range(world.pending_count, 0, 1);
    }
    drain_assert_each_once(ITEMS);
    assert_int_equal(drain_stop(), SBS_OK);
}

/* What was told and is not on the disk did not happen; it is found on the server when it comes again. */
static void a_full_disk_undoes_what_was_told(void **state) {
    (void)state;
    drain_begin(8, SBS_FORWARD_PUT, 1, ITEMS, 1, 3);
    assert_true(drain_start());
    while (world.pending_count < 5) {
        assert_int_equal(drain_poll(), SBS_PENDING);
    }
    cut_vfs_limit(cut_vfs_size());
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING) {
        status = drain_poll();
    }
    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_int_equal(world.undone, 1);
    assert_false(world.safe[1]);
    cut_vfs_limit(0);
    world.now.mono_ms += 10000;
    while (!drain_run()) {
    }
    assert_int_equal(drain_poll(), SBS_OK);
    drain_assert_each_once(ITEMS);
    assert_true(world.safe[ITEMS]);
    assert_int_equal(drain_stop(), SBS_OK);
}

static void begin_variant(unsigned variant) {
    static const uint16_t depths[] = {1, 8, 64};
    static const sbs_forward_mode modes[] = {SBS_FORWARD_PUT, SBS_FORWARD_IF_NONE_EXIST};
    drain_begin(depths[variant % 3], modes[variant / 3 % 2], variant < 6 ? 1 : 5, ITEMS, 1, 3);
}

static void each_item_is_stored_once_whatever_is_cut(void **state) {
    unsigned cuts = 0;
    unsigned stride = cut_is_long() ? 1 : 11;
    (void)state;
    for (unsigned variant = 0; variant < 12; variant++) {
        unsigned operations = drain_live(0, 1, begin_variant, variant);
        assert_true(operations > 15);
        for (unsigned at = 1 + variant % stride; at <= operations; at += stride) {
            cuts += drain_live(at, variant * 1000 + at, begin_variant, variant);
        }
    }
    assert_true(cuts > 12);
    print_message("marks ahead: power cuts tried %u, lost 0, twice 0\n", cuts);
}

static int set_up(void **state) {
    cut_vfs_register();
    return fake_setup_group(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_on_the_disk),
        cmocka_unit_test(what_is_told_waits_a_second_at_most),
        cmocka_unit_test(what_was_not_sent_is_not_marked_at_the_end),
        cmocka_unit_test(what_a_push_knew_goes_with_it),
        cmocka_unit_test(nothing_is_marked_while_all_wait),
        cmocka_unit_test(plain_writes_are_marked_one_by_one),
        cmocka_unit_test(a_full_disk_undoes_what_was_told),
        cmocka_unit_test(each_item_is_stored_once_whatever_is_cut),
    };
    return cmocka_run_group_tests(tests, set_up, fake_teardown_group);
}
