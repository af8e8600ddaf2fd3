/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue on SQLite writes to a disk for an item, and how often it waits for the disk. */
#include <stdio.h>
#include <string.h>

#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"

#define ITEM_BYTES 650u
#define ITEMS 320u
#define GROUP 32u
#define PROCESSES 40u

static char text[ITEM_BYTES + 1];

/* A new queue on the disk that counts. */
static void use_disk(uint32_t page_bytes) {
    sbs_sqlite_queue_close(&rig.queue);
    cut_vfs_register();
    cut_vfs_reset();
    memset(text, 'x', ITEM_BYTES);
    rig.config.path = "queue.db";
    rig.config.vfs = CUT_VFS;
    rig.config.page_bytes = page_bytes;
    rig_reopen();
}

/* An identity of its own, as scattered as a hash is. */
static void name_item(uint32_t n, uint8_t identity[SBS_SQLITE_HASH_SIZE]) {
    uint32_t value = n * 2654435761u;
    for (size_t i = 0; i < SBS_SQLITE_HASH_SIZE; i++) {
        value = value * 1664525u + 1013904223u;
        identity[i] = (uint8_t)(value >> 24);
    }
}

static sbs_status add_item(uint32_t n) {
    uint8_t identity[SBS_SQLITE_HASH_SIZE];
    uint8_t content[SBS_SQLITE_HASH_SIZE] = {1};
    const sbs_sqlite_facts facts = {
        .identity = identity, .content = content, .type = "Observation", .source = "scale-1", .rule = 1};
    sbs_sqlite_repeat repeat;
    uint64_t id;
    name_item(n, identity);
    return sbs_sqlite_queue_add(&rig.queue, &rig_meta, &facts, text, ITEM_BYTES, &id, &repeat);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* Adds, marks and settles all items, @p group of them in a transaction; tells the bytes for each. */
static size_t write_lives(uint32_t page_bytes, unsigned group) {
    sbs_queue_item item;
    use_disk(page_bytes);
    cut_vfs_arm(0);
    for (uint32_t n = 0; n < ITEMS; n += group) {
        assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
        for (unsigned i = 0; i < group; i++) {
            assert_int_equal(add_item(n + i), SBS_OK);
        }
        assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);

        assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
        for (unsigned i = 0; i < group; i++) {
            assert_int_equal(rig_mark(n + i + 1), SBS_OK);
        }
        assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);

        assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
        while (rig_next(0, &item) == SBS_OK) {
            assert_int_equal(rig_settle(item.id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
        }
        assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    }
    return cut_vfs_written() / ITEMS;
}

static void an_item_writes_few_bytes(void **state) {
    (void)state;
    size_t small_alone = write_lives(1024, 1);
    size_t small_group = write_lives(1024, GROUP);
    size_t large_alone = write_lives(2048, 1);
    size_t large_group = write_lives(2048, GROUP);
    printf("bytes to the disk for an item of %u that comes and goes: alone %zu, in groups of %u %zu; with pages of "
           "2 KiB %zu, %zu\n",
           ITEM_BYTES, small_alone, GROUP, small_group, large_alone, large_group);
    assert_true(small_alone <= 30000);
    assert_true(large_alone <= 50000);
    assert_true(small_group <= 5500 && large_group <= 5500);
}

static void other_pages_than_those_are_refused(void **state) {
    (void)state;
    rig.config.page_bytes = 4096;
    assert_int_equal(rig_open_again(), SBS_ERR_ARGUMENT);
}

/* ---- syncs ------------------------------------------------------------------------------------------------------ */

static unsigned add_as_process(uint32_t n) {
    cut_vfs_arm(0);
    rig_reopen();
    assert_int_equal(add_item(n), SBS_OK);
    sbs_sqlite_queue_close(&rig.queue);
    return cut_vfs_syncs();
}

static void a_process_that_adds_waits_for_one_sync(void **state) {
    (void)state;
    use_disk(0);
    rig_reopen();
    assert_int_equal(add_as_process(1), 4);
    rig.config.keep_log = true;
    assert_int_equal(add_as_process(2), 2); /* the log is new */
    for (uint32_t n = 3; n <= PROCESSES; n++) {
        assert_int_equal(add_as_process(n), 1); /* and SQLite's own VFS syncs the folder once */
    }

    /* Who settles leaves nothing of it in a log. */
    rig_reopen();
    assert_int_equal(rig_counters().waiting, PROCESSES);
    assert_int_equal(rig_settle(1, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    sbs_sqlite_queue_close(&rig.queue);
    size_t all = cut_vfs_size();
    rig_reopen();
    sbs_sqlite_stats stats;
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_int_equal(all, stats.file_bytes);
}

/* Until the log is long: who opens it reads all of it. */
static void the_log_that_is_left_is_bounded(void **state) {
    (void)state;
    size_t largest = 0;
    use_disk(0);
    rig.config.keep_log = true;
    for (uint32_t n = 0; n < 300; n++) {
        (void)add_as_process(n);
        size_t size = cut_vfs_size();
        largest = size > largest ? size : largest;
    }
    rig_reopen();
    assert_int_equal(rig_counters().waiting, 300);
    assert_true(largest < (1u << 20) + 300 * 2 * ITEM_BYTES + 65536);
}

/* One process after another, with the power cut in one of them: what was accepted is there. */
static void a_log_that_is_left_loses_nothing(void **state) {
    (void)state;
    unsigned cuts = 0;
    for (unsigned at = 1; at <= 60; at++) {
        uint32_t accepted = 0;
        use_disk(0);
        rig.config.keep_log = true;
        rig_reopen();
        cut_vfs_arm(at);
        while (!cut_vfs_is_off() && accepted < 50) {
            if (rig_open_again() == SBS_OK && add_item(accepted) == SBS_OK) {
                accepted++;
            }
            sbs_sqlite_queue_close(&rig.queue);
        }
        cut_vfs_restart(at);
        rig_reopen();
        uint32_t waiting = rig_counters().waiting;
        assert_true(waiting == accepted || waiting == accepted + 1);
        cuts++;
    }
    printf("power cuts of processes that leave their log %u, lost 0\n", cuts);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(an_item_writes_few_bytes),
        TEST(other_pages_than_those_are_refused),
        TEST(a_process_that_adds_waits_for_one_sync),
        TEST(the_log_that_is_left_is_bounded),
        TEST(a_log_that_is_left_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
