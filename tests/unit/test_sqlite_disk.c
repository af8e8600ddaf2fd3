/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on SQLite when the disk is full: what is in it can still be sent and settled. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "sqlite_cut_vfs.h"
#include "sqlite_rig.h"
#include "test.h"

#define ITEMS 200u
#define MANY 20000u
#define GROUP 50u /* what the reserve of so small a disk has room for */
#define DISK "size=6m"

static char large[650];

static int set_up(void **state) {
    memset(large, 'x', sizeof large - 1);
    return rig_set_up(state);
}

/* The disk of a test that failed goes with it. */
static int tear_down(void **state) {
    sbs_sqlite_queue_close(&rig.queue);
    (void)umount2(rig.folder, MNT_DETACH);
    return rig_tear_down(state);
}

/* Sends all that waits, as a push does that goes on after a failure; tells how many operations failed. */
static unsigned drain(unsigned most_failures) {
    sbs_queue_item item;
    unsigned failures = 0;
    while (failures <= most_failures && rig_next(0, &item) == SBS_OK) {
        if (rig_mark(item.id) != SBS_OK || rig_settle(item.id, SBS_QUEUE_DELIVERED, NULL) != SBS_OK) {
            failures++;
        }
    }
    return failures;
}

/* The log is written back in place of growing once it could not grow: one failure at the most tells that. */
static void what_waits_is_settled_on_a_full_disk(void **state) {
    (void)state;
    cut_vfs_register();
    rig.config.path = "queue.db";
    rig.config.vfs = CUT_VFS;
    rig_reopen();
    for (unsigned i = 0; i < ITEMS; i++) {
        rig_append(large);
    }
    rig_reopen();

    cut_vfs_limit(cut_vfs_size() + 60000);
    assert_true(drain(1) <= 1);
    assert_int_equal(rig_counters().waiting, 0);
    assert_int_equal(rig_counters().delivered, ITEMS);
    assert_true(rig.queue.priv.full); /* nobody tells of this disk whether there is room again */
}

/* ---- a disk of its own ------------------------------------------------------------------------------------------- */

static void fill_disk(unsigned *out_accepted) {
    uint64_t id;
    sbs_status status;
    *out_accepted = 0;
    while ((status = rig_try_append(large, &id)) == SBS_OK) {
        (*out_accepted)++;
    }
    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&rig.queue), "database or disk is full");
}

static void assert_drained(unsigned accepted) {
    assert_int_equal(drain(0), 0);
    assert_int_equal(rig_counters().waiting, 0);
    assert_int_equal(rig_counters().delivered, accepted);
    rig_append("there is room again");
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0);
}

/* Alone and in groups, by the process that filled the disk and by the next one. */
static void fill_and_drain(void) {
    for (int i = 0; i < 4; i++) {
        unsigned accepted;
        rig_reopen();
        if (i % 2 == 1) {
            uint64_t id;
            assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
            while (rig_try_append(large, &id) == SBS_OK) {
                if (id % ITEMS == 0) {
                    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
                    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
                }
            }
            sbs_sqlite_queue_undo(&rig.queue); /* the failure of the disk undid the last group */
        }
        fill_disk(&accepted);
        accepted = rig_counters().waiting;
        assert_true(accepted > ITEMS);
        if (i >= 2) {
            rig_reopen();
        }
        assert_drained(accepted);
    }
}

/* Only the superuser can make such a disk. */
static void mount_disk(void) {
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0);
    if (mount("tmpfs", rig.folder, "tmpfs", 0, DISK) != 0) {
        assert_true(errno == EPERM || errno == EACCES || errno == ENODEV);
        skip();
    }
}

static void a_queue_that_filled_its_disk_is_drained(void **state) {
    (void)state;
    mount_disk();
    fill_and_drain();
}

/* Takes all that is left of the disk. */
static void write_filler(const char *path) {
    static const char block[4096];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    setbuf(file, NULL);
    while (fwrite(block, 1, sizeof block, file) == sizeof block) {
    }
    (void)fclose(file);
}

/* Else a service that runs for months writes the log back at each operation once a disk was full for a minute. */
static void a_disk_that_was_full_is_forgotten_once_there_is_room(void **state) {
    char filler[300];
    uint64_t id;
    (void)state;
    mount_disk();
    rig_reopen();
    (void)snprintf(filler, sizeof filler, "%s/filler", rig.folder);

    rig_append(large);
    write_filler(filler);
    assert_int_equal(rig_try_append(large, &id), SBS_ERR_STORAGE);
    assert_true(rig.queue.priv.full);
    assert_int_equal(rig_try_append(large, &id), SBS_ERR_STORAGE);
    assert_true(rig.queue.priv.full);
    assert_int_equal(unlink(filler), 0);
    rig_append(large);
    assert_false(rig.queue.priv.full);

    /* The same where it was a write that failed. */
    rig_reopen();
    write_filler(filler);
    assert_int_equal(rig_mark(1), SBS_ERR_STORAGE);
    assert_true(rig.queue.priv.full);
    assert_int_equal(unlink(filler), 0);
    rig_append(large);
    assert_false(rig.queue.priv.full);
    sbs_sqlite_queue_close(&rig.queue);
}

static void where_the_oldest_give_way_a_tight_disk_takes_what_is_new(void **state) {
    unsigned accepted;
    (void)state;
    mount_disk();
    rig_reopen();
    fill_disk(&accepted);

    /* Alone and in groups, twice as many bytes as the disk has. */
    rig.config.policy = SBS_SQLITE_DROP_OLDEST;
    rig_reopen();
    uint64_t last = 0;
    for (unsigned i = 0; i < MANY; i++) {
        if (i >= ITEMS && i % GROUP == 0) {
            assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
            assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
        }
        last = rig_append(large);
    }
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);

    rig_reopen();
    sbs_queue_counters count = rig_counters();
    sbs_sqlite_entry entry;
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, last, &entry), SBS_OK);
    assert_true(!entry.dead && !entry.damaged && entry.item.len == strlen(large));
    assert_int_equal(count.accepted, accepted + MANY);
    assert_int_equal(count.waiting + count.dropped, count.accepted);
    assert_true(count.dropped > ITEMS);
    assert_true(count.waiting > MANY / 5); /* most of the disk: none goes for a log that is only long */
    assert_int_equal(drain(0), 0);
    sbs_sqlite_queue_close(&rig.queue);
}

static void where_nothing_that_could_go_makes_room_nothing_goes(void **state) {
    char filler[300];
    uint64_t id;
    (void)state;
    mount_disk();
    rig.config.policy = SBS_SQLITE_DROP_OLDEST;
    rig_reopen();
    (void)snprintf(filler, sizeof filler, "%s/filler", rig.folder);
    write_filler(filler);
    assert_int_equal(rig_try_append(large, &id), SBS_ERR_STORAGE); /* nothing waits */
    assert_string_equal(sbs_sqlite_queue_error(&rig.queue), "database or disk is full");

    assert_int_equal(unlink(filler), 0);
    for (unsigned i = 0; i < ITEMS; i++) {
        rig_append(large);
    }
    write_filler(filler);
    assert_int_equal(rig_try_append(large, &id), SBS_ERR_STORAGE);
    assert_int_equal(rig_counters().waiting, ITEMS);
    assert_int_equal(rig_counters().dropped, 0);
    sbs_sqlite_queue_close(&rig.queue);
}

/* Others filled the disk to the last byte while nobody had the queue open: without a reserve it cannot be opened. */
static void what_others_filled_is_drained_with_the_reserve(void **state) {
    char filler[300];
    char reserve[300];
    uint64_t id;
    (void)state;
    mount_disk();
    (void)snprintf(filler, sizeof filler, "%s/filler", rig.folder);
    (void)snprintf(reserve, sizeof reserve, "%s.reserve", rig.path);
    rig.config.reserve_bytes = 8 << 20;
    rig_reopen();
    for (unsigned i = 0; i < ITEMS; i++) {
        rig_append(large);
    }
    assert_int_equal(access(reserve, F_OK), 0);
    sbs_sqlite_queue_close(&rig.queue);
    write_filler(filler);

    rig.config.reserve_bytes = 0;
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    assert_int_equal(access(reserve, F_OK), 0);

    rig.config.reserve_bytes = 8 << 20;
    rig_reopen();
    assert_int_not_equal(access(reserve, F_OK), 0);
    assert_int_equal(rig_try_append(large, &id), SBS_ERR_STORAGE); /* what it gave is for draining */
    assert_int_equal(drain(0), 0);
    assert_int_equal(rig_counters().waiting, 0);
    assert_int_equal(rig_counters().delivered, ITEMS);

    /* Where there is room again the next who adds makes it anew. */
    assert_int_equal(unlink(filler), 0);
    rig_append(large);
    assert_int_equal(access(reserve, F_OK), 0);
    sbs_sqlite_queue_close(&rig.queue);
}

/* The same for a service that has the queue open. */
static void an_open_queue_gives_its_reserve_up(void **state) {
    char filler[300];
    char reserve[300];
    (void)state;
    mount_disk();
    (void)snprintf(filler, sizeof filler, "%s/filler", rig.folder);
    (void)snprintf(reserve, sizeof reserve, "%s.reserve", rig.path);
    rig.config.reserve_bytes = 8 << 20;
    rig_reopen();
    for (unsigned i = 0; i < ITEMS; i++) {
        rig_append(large);
    }
    sbs_sqlite_queue_close(&rig.queue);
    rig_reopen(); /* with an empty log, which has to grow */
    write_filler(filler);
    assert_int_equal(drain(0), 0);
    assert_int_equal(rig_counters().waiting, 0);
    assert_int_not_equal(access(reserve, F_OK), 0);
    sbs_sqlite_queue_close(&rig.queue);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_waits_is_settled_on_a_full_disk),
        TEST(a_queue_that_filled_its_disk_is_drained),
        TEST(where_the_oldest_give_way_a_tight_disk_takes_what_is_new),
        TEST(where_nothing_that_could_go_makes_room_nothing_goes),
        TEST(what_others_filled_is_drained_with_the_reserve),
        TEST(an_open_queue_gives_its_reserve_up),
        TEST(a_disk_that_was_full_is_forgotten_once_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
