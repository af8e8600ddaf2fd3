/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on SQLite: the port's contract, limits, groups, dead letters. */
#include <string.h>

#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"

/* ---- the contract ---------------------------------------------------------------------------------------------- */

static void items_come_in_order_with_what_was_given(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t first = rig_append("one");
    uint64_t second = rig_append("");
    assert_true(second > first);
    rig_reopen();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, first);
    assert_int_equal(item.len, 3);
    assert_int_equal(item.attempts, 0);
    assert_memory_equal(&item.meta.uptime_ms, &rig_meta.uptime_ms, sizeof rig_meta.uptime_ms);
    assert_int_equal(item.meta.utc_s, RIG_NOW);
    assert_int_equal(item.meta.boot_id, 2);
    assert_int_equal(item.meta.lane, 3);
    assert_int_equal(item.meta.zone_minutes, -90);
    assert_int_equal(item.meta.format, 4);
    rig_assert_reads(first, "one");
    assert_int_equal(rig_next(first, &item), SBS_OK);
    assert_int_equal(item.id, second);
    assert_int_equal(item.len, 0);
    rig_assert_reads(second, "");
    assert_int_equal(rig_next(second, &item), SBS_ERR_NOT_FOUND);
}

static void extreme_metas_are_kept(void **state) {
    (void)state;
    const sbs_queue_meta extreme = {UINT64_MAX, SBS_UTC_UNKNOWN, UINT32_MAX, UINT32_MAX, INT16_MIN, UINT16_MAX};
    sbs_queue_item item;
    uint64_t id;
    assert_int_equal(rig.port.ops->append(rig.port.ctx, &extreme, "x", 1, &id), SBS_OK);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_true(item.meta.uptime_ms == UINT64_MAX && item.meta.utc_s == SBS_UTC_UNKNOWN);
    assert_true(item.meta.boot_id == UINT32_MAX && item.meta.lane == UINT32_MAX);
    assert_true(item.meta.zone_minutes == INT16_MIN && item.meta.format == UINT16_MAX);
}

static void an_item_is_read_in_parts(void **state) {
    (void)state;
    char bytes[8];
    size_t len = 9;
    uint64_t id = rig_append("abcdefgh");
    for (size_t at = 0; at < 8; at++) {
        assert_int_equal(rig.port.ops->read(rig.port.ctx, id, at, bytes, 3, &len), SBS_OK);
        assert_int_equal(len, at < 6 ? 3 : 8 - at);
        assert_memory_equal(bytes, &"abcdefgh"[at], len);
    }
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id, 8, bytes, 3, &len), SBS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id, SIZE_MAX, bytes, 3, &len), SBS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id + 1, 0, bytes, 3, &len), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig.port.ops->read(rig.port.ctx, id + 1, 1, bytes, 3, &len), SBS_ERR_NOT_FOUND);
}

static void attempts_and_settlements_are_kept(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    assert_int_equal(rig_mark(b), SBS_OK);
    assert_int_equal(rig_mark(b), SBS_OK);
    assert_int_equal(rig_settle(a, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    rig_reopen();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, b);
    assert_int_equal(item.attempts, 2);
    assert_int_equal(rig_settle(a, SBS_QUEUE_DELIVERED, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_settle(a, SBS_QUEUE_DEAD, "x"), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_mark(a), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_settle(b, SBS_QUEUE_DEAD, "why"), SBS_OK);
    assert_int_equal(rig_settle(b, SBS_QUEUE_DELIVERED, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_mark(b), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_next(0, &item), SBS_ERR_NOT_FOUND);
    sbs_queue_counters count = rig_counters();
    assert_true(count.accepted == 2 && count.delivered == 1 && count.dead == 1 && count.waiting == 0);
}

static void attempts_saturate(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t id = rig_append("a");
    rig_tamper("UPDATE sbs_item SET attempts = 65534");
    assert_int_equal(rig_mark(id), SBS_OK);
    assert_int_equal(rig_mark(id), SBS_OK);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.attempts, 65535);
}

static void ids_are_not_used_again(void **state) {
    (void)state;
    uint64_t first = rig_append("a");
    assert_int_equal(rig_settle(first, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    rig_reopen();
    uint64_t epoch = 0;
    uint64_t again = 0;
    uint64_t id = 0;
    assert_int_equal(sbs_sqlite_queue_next_id(&rig.queue, &epoch, &id), SBS_OK);
    assert_int_equal(rig_append("b"), first + 1);
    assert_int_equal(id, first + 1);
    assert_int_equal(sbs_sqlite_queue_next_id(&rig.queue, &again, &id), SBS_OK);
    assert_true(again == epoch);
}

static void a_reason_must_fit(void **state) {
    (void)state;
    char reason[SBS_QUEUE_REASON_SIZE + 1];
    sbs_sqlite_dead dead;
    uint64_t id = rig_append("a");
    memset(reason, 'r', sizeof reason);
    reason[SBS_QUEUE_REASON_SIZE] = '\0';
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, reason), SBS_ERR_ARGUMENT);
    reason[SBS_QUEUE_REASON_SIZE - 1] = '\0';
    assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, reason), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_string_equal(dead.reason, reason);
}

/* ---- full ------------------------------------------------------------------------------------------------------ */

static void a_full_queue_refuses(void **state) {
    (void)state;
    uint64_t id = 99;
    rig.config.items_max = 2;
    rig_reopen();
    uint64_t first = rig_append("a");
    rig_append("b");
    assert_int_equal(rig_try_append("c", &id), SBS_ERR_BUFFER);
    assert_int_equal(rig_counters().waiting, 2);
    assert_int_equal(rig_settle(first, SBS_QUEUE_DEAD, "x"), SBS_OK);
    rig_append("c");
}

static void or_drops_the_oldest(void **state) {
    (void)state;
    sbs_queue_item item;
    rig.config.items_max = 2;
    rig.config.policy = SBS_SQLITE_DROP_OLDEST;
    rig_reopen();
    rig_append("a");
    uint64_t second = rig_append("b");
    rig_append("c");
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, second);
    assert_true(rig_counters().dropped == 1 && rig_counters().waiting == 2 && rig_counters().accepted == 3);
}

static void bytes_are_limited_and_dead_letters_give_way(void **state) {
    (void)state;
    sbs_sqlite_dead dead;
    uint64_t id;
    rig.config.bytes_max = 10;
    rig_reopen();
    uint64_t first = rig_append("12345");
    rig_append("12345");
    assert_int_equal(rig_try_append("1", &id), SBS_ERR_BUFFER);
    assert_int_equal(rig_try_append("12345678901", &id), SBS_ERR_TOO_LARGE);
    assert_int_equal(rig_settle(first, SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    rig_append("123");
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_ERR_NOT_FOUND);
    rig_append("45");
    assert_int_equal(rig_try_append("1", &id), SBS_ERR_BUFFER);
    assert_true(rig_counters().dead == 1 && rig_counters().dropped == 0 && rig_counters().waiting == 3);
}

static void an_item_has_a_largest_size(void **state) {
    (void)state;
    uint64_t id;
    rig.config.item_max = 4;
    rig_reopen();
    rig_append("1234");
    assert_int_equal(rig_try_append("12345", &id), SBS_ERR_TOO_LARGE);
}

/* As the header says. */
static void what_is_not_configured_has_its_default(void **state) {
    const sbs_sqlite_queue_config *used = &rig.queue.priv.config;
    (void)state;
    assert_int_equal(used->items_max, 1000000);
    assert_int_equal(used->bytes_max, 1 << 30);
    assert_int_equal(used->item_max, 16 << 20);
    assert_int_equal(used->dead_keep_s, 30 * 86400);
    assert_int_equal(used->seen_keep_s, 90 * 86400);
    assert_int_equal(used->seen_max, 1000000);
    assert_int_equal(used->busy_ms, 5000);
    assert_int_equal(used->checkpoint_pages, 1000);
    assert_int_equal(used->page_bytes, 2048);
}

static void an_item_may_be_read_byte_by_byte(void **state) {
    static const char text[] = "some text";
    (void)state;
    uint64_t id = rig_append(text);
    for (size_t at = 0; at < sizeof text; at++) {
        char read[2] = {0, '!'};
        size_t len = 9;
        assert_int_equal(rig.port.ops->read(rig.port.ctx, id, at, read, 1, &len), SBS_OK);
        assert_int_equal(len, at < sizeof text - 1);
        assert_int_equal(read[0], text[at]);
        assert_int_equal(read[1], '!');
    }
}

static void a_full_disk_refuses_and_loses_nothing(void **state) {
    (void)state;
    char large[3000];
    unsigned accepted = 0;
    uint64_t id;
    sbs_queue_item item = {0};
    cut_vfs_register();
    rig.config.path = "queue.db";
    rig.config.vfs = CUT_VFS;
    rig_reopen();
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    cut_vfs_limit(cut_vfs_size() + 200000);
    sbs_status status;
    while ((status = rig_try_append(large, &id)) == SBS_OK) {
        accepted++;
    }
    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&rig.queue), "database or disk is full");
    assert_true(accepted > 5);
    rig_reopen();
    for (unsigned i = 0; i < accepted; i++) {
        assert_int_equal(rig_next(item.id, &item), SBS_OK);
    }
    assert_int_equal(rig_next(item.id, &item), SBS_ERR_NOT_FOUND);
    cut_vfs_limit(0);
    rig_append(large);
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

static void a_group_is_done_together_or_not(void **state) {
    (void)state;
    sbs_queue_item item;
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(rig.port.ops->begin(rig.port.ctx), SBS_OK);
    uint64_t id = rig_append("a");
    assert_int_equal(rig_mark(id), SBS_OK);
    assert_int_equal(rig_mark(id + 1), SBS_ERR_NOT_FOUND); /* undoes itself only */
    sbs_sqlite_queue_undo(&rig.queue);
    assert_int_equal(rig_next(0, &item), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    id = rig_append("b");
    assert_int_equal(rig_mark(id), SBS_OK);
    assert_int_equal(rig_mark(id + 1), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    rig_reopen();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.attempts, 1);
    rig_assert_reads(item.id, "b");
}

/* ---- dead letters ---------------------------------------------------------------------------------------------- */

static void dead_letters_are_listed_retried_and_removed(void **state) {
    (void)state;
    sbs_sqlite_dead dead;
    sbs_queue_item item;
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    assert_int_equal(rig_settle(a, SBS_QUEUE_DEAD, "refused: no status"), SBS_OK);
    rig.now_s += 60;
    assert_int_equal(rig_settle(b, SBS_QUEUE_DEAD, NULL), SBS_OK);
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_int_equal(dead.item.id, a);
    assert_string_equal(dead.reason, "refused: no status");
    assert_int_equal(dead.utc_s, RIG_NOW);
    rig_assert_reads(a, "a");
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, a, &dead), SBS_OK);
    assert_true(dead.item.id == b && dead.utc_s == RIG_NOW + 60 && dead.reason[0] == '\0');
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, b, &dead), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_remove_dead(&rig.queue, a), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_remove_dead(&rig.queue, a), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, a), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, b), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, b), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_remove_dead(&rig.queue, b), SBS_ERR_NOT_FOUND);
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, b);
    assert_int_equal(rig_counters().waiting, 1);
}

static void a_retry_forgets_a_single_attempt_only(void **state) {
    (void)state;
    sbs_queue_item item;
    uint64_t id = rig_append("a");
    for (unsigned attempts = 1; attempts <= 2; attempts++) {
        for (unsigned i = 0; i < attempts; i++) {
            assert_int_equal(rig_mark(id), SBS_OK);
        }
        assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, "x"), SBS_OK);
        assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
        assert_int_equal(rig_next(0, &item), SBS_OK);
        assert_int_equal(item.attempts, attempts == 1 ? 0 : 2);
    }
}

/* What something else stood in the way of was never stored, however often it was tried. */
static void a_retry_of_a_collision_is_a_first_attempt(void **state) {
    (void)state;
    sbs_queue_item item;
    static const char *const reasons[] = {"already there, or refused", "already there at the first attempt", "already"};
    for (size_t i = 0; i < 3; i++) {
        uint64_t id = rig_append("a");
        for (unsigned mark = 0; mark < 3; mark++) {
            assert_int_equal(rig_mark(id), SBS_OK);
        }
        assert_int_equal(rig_settle(id, SBS_QUEUE_DEAD, reasons[i]), SBS_OK);
        assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, id), SBS_OK);
        assert_int_equal(rig_next(id - 1, &item), SBS_OK);
        assert_int_equal(item.id, id);
        assert_int_equal(item.attempts, i < 2 ? 0 : 3);
    }
}

static void dead_letters_are_kept_for_their_time(void **state) {
    (void)state;
    sbs_sqlite_dead dead;
    rig.config.dead_keep_s = 100;
    rig_reopen();
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    uint64_t c = rig_append("c");
    assert_int_equal(rig_settle(a, SBS_QUEUE_DEAD, "x"), SBS_OK);
    rig.now_s = SBS_UTC_UNKNOWN;
    assert_int_equal(rig_settle(b, SBS_QUEUE_DEAD, "x"), SBS_OK);
    rig.now_s = RIG_NOW + 100;
    rig_reopen(); /* b is dated now */
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_int_equal(dead.item.id, a);
    rig.now_s++;
    assert_int_equal(rig_settle(c, SBS_QUEUE_DEAD, "x"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_true(dead.item.id == b && dead.utc_s == RIG_NOW + 100);
    rig.now_s = RIG_NOW + 1000;
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(items_come_in_order_with_what_was_given),
        TEST(extreme_metas_are_kept),
        TEST(an_item_is_read_in_parts),
        TEST(attempts_and_settlements_are_kept),
        TEST(attempts_saturate),
        TEST(ids_are_not_used_again),
        TEST(a_reason_must_fit),
        TEST(a_full_queue_refuses),
        TEST(or_drops_the_oldest),
        TEST(bytes_are_limited_and_dead_letters_give_way),
        TEST(an_item_has_a_largest_size),
        TEST(what_is_not_configured_has_its_default),
        TEST(an_item_may_be_read_byte_by_byte),
        TEST(a_full_disk_refuses_and_loses_nothing),
        TEST(a_group_is_done_together_or_not),
        TEST(dead_letters_are_listed_retried_and_removed),
        TEST(a_retry_forgets_a_single_attempt_only),
        TEST(a_retry_of_a_collision_is_a_first_attempt),
        TEST(dead_letters_are_kept_for_their_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
