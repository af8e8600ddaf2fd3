/* SPDX-License-Identifier: Apache-2.0 */
/* A queue that is looked at where nothing can be written, and why one cannot be opened. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

static void look(void) {
    rig.config.look_only = true;
    rig_reopen();
}

/* Writes a file beside the queue with these bytes. */
static void copy_to(const char *name, const char *bytes, size_t len) {
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", rig.folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static unsigned files_in_folder(void) {
    unsigned count = 0;
    DIR *folder = opendir(rig.folder);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count;
}

static void assert_nothing_changed(const char *bytes, size_t len, unsigned files) {
    size_t found_len;
    char *found = test_folder_load(rig.folder, strrchr(rig.path, '/') + 1, &found_len);
    assert_int_equal(found_len, len);
    assert_memory_equal(found, bytes, len);
    free(found);
    assert_int_equal(files_in_folder(), files);
}

/* ---- looking --------------------------------------------------------------------------------------------------- */

static void what_is_there_is_told_and_nothing_is_written(void **state) {
    (void)state;
    sbs_queue_item item;
    sbs_sqlite_dead dead;
    sbs_sqlite_stats stats;
    uint64_t id;
    size_t len;
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    assert_int_equal(rig_settle(a, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    sbs_sqlite_queue_close(&rig.queue);
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);

    look();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, b);
    rig_assert_reads(b, "b");
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_string_equal(dead.reason, "refused");
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.counters.waiting == 1 && stats.letters == 1);

    assert_int_equal(rig_try_append("c", &id), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), EROFS);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_ERR_STORAGE);
    assert_int_equal(rig_mark(b), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, a), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_remove(&rig.queue, b), SBS_ERR_STORAGE);
    sbs_sqlite_queue_close(&rig.queue);
    assert_nothing_changed(bytes, len, 1);
    free(bytes);
}

/* What was not written back yet, as a power cut before the file system became read-only leaves it. */
static void what_is_in_the_log_is_told_too(void **state) {
    (void)state;
    sbs_queue_item item;
    size_t len;
    size_t log_len;
    rig_reopen(); /* the tables are in the file itself */
    uint64_t id = rig_append("only in the log");
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);
    char *log = test_folder_load(rig.folder, "queue.db-wal", &log_len);
    assert_true(log_len > 0);
    sbs_sqlite_queue_close(&rig.queue);
    copy_to("a %31 b?.db", bytes, len);
    copy_to("a %31 b?.db-wal", log, log_len);
    (void)snprintf(rig.path, sizeof rig.path, "%s/a %%31 b?.db", rig.folder);

    look();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, id);
    rig_assert_reads(id, "only in the log");
    sbs_sqlite_queue_close(&rig.queue);
    assert_nothing_changed(bytes, len, 3);

    /* Without the log, under a name that is no plain URI. */
    copy_to("a %31 b?.db-wal", "", 0);
    look();
    assert_int_equal(rig_next(0, &item), SBS_ERR_NOT_FOUND);
    sbs_sqlite_queue_close(&rig.queue);
    assert_nothing_changed(bytes, len, 3);
    free(bytes);
    free(log);
}

static void damage_is_told_and_left(void **state) {
    (void)state;
    sbs_queue_item item;
    size_t len;
    uint64_t a = rig_append("a");
    uint64_t b = rig_append("b");
    uint64_t kept;
    sbs_sqlite_queue_close(&rig.queue);
    rig_tamper("UPDATE sbs_body SET data = x'78' WHERE id = 1");
    char *bytes = test_folder_load(rig.folder, "queue.db", &len);

    look();
    assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
    assert_int_equal(item.id, a);
    assert_int_equal(rig_next(a, &item), SBS_OK);
    assert_int_equal(item.id, b);
    sbs_sqlite_queue_close(&rig.queue);
    assert_nothing_changed(bytes, len, 1);

    /* The file as a whole: half of it is gone. */
    rig_write(bytes, len / 2);
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    assert_true(sbs_sqlite_queue_is_damaged(&rig.queue));
    assert_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_nothing_changed(bytes, len / 2, 1);
    free(bytes);
}

/* What version 1 did not know is told as unknown. */
static void an_older_version_is_told_and_not_brought_up(void **state) {
    (void)state;
    size_t len;
    sbs_queue_item item;
    sbs_sqlite_entry found;
    sbs_sqlite_stats stats;
    uint64_t id;
    char *bytes = rig_version_1(&len);
    sbs_sqlite_queue_close(&rig.queue);
    rig_write(bytes, len);

    look();
    assert_int_equal(rig_next(0, &item), SBS_OK);
    assert_int_equal(item.id, 2);
    rig_assert_reads(2, "waiting");
    assert_int_equal(sbs_sqlite_queue_find(&rig.queue, 4, &found), SBS_OK);
    assert_string_equal(found.reason, "refused: 422 unknown code");
    assert_true(found.dead && !found.damaged && !found.mendable && !found.has_identity);
    assert_true(found.arrived_s == SBS_UTC_UNKNOWN && found.words[0] == '\0' && found.source[0] == '\0');
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 4, &found), SBS_OK);
    assert_int_equal(found.item.id, 5);
    assert_int_equal(sbs_sqlite_queue_stats(&rig.queue, &stats), SBS_OK);
    assert_true(stats.counters.waiting == 4 && stats.letters == 2 && stats.oldest_id == 2 && stats.seen == 0);

    assert_int_equal(rig_try_append("c", &id), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), EROFS);
    assert_int_equal(rig_settle(2, SBS_QUEUE_DELIVERED, NULL), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_retry(&rig.queue, 4), SBS_ERR_STORAGE);
    sbs_sqlite_queue_close(&rig.queue);
    assert_nothing_changed(bytes, len, 1);
    free(bytes);
}

/* ---- why one cannot be opened ----------------------------------------------------------------------------------- */

static void assert_refused(const char *path, int reason) {
    rig.config.path = path;
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), reason);
    assert_false(sbs_sqlite_queue_is_busy(&rig.queue));
}

static void the_system_s_reason_is_kept(void **state) {
    (void)state;
    char path[300];
    rig_append("a");
    (void)snprintf(path, sizeof path, "%s/link.db", rig.folder);
    assert_int_equal(symlink(rig.path, path), 0);
    assert_refused(path, ELOOP);
    (void)snprintf(path, sizeof path, "%s/nowhere/queue.db", rig.folder);
    assert_refused(path, ENOENT);
    assert_refused(rig.folder, EISDIR);
    rig.config.path = rig.path;
    rig_reopen();
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), 0);

    /* A folder stands where the log is to be. */
    sbs_sqlite_queue_close(&rig.queue);
    (void)snprintf(path, sizeof path, "%s-wal", rig.path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), EISDIR);
    assert_int_equal(rmdir(path), 0);
    rig_reopen();
}

static void a_file_that_another_holds_is_busy(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue port;
    uint64_t id;
    assert_int_equal(sbs_sqlite_queue_open(&other, &rig.config, &port), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&other), SBS_OK);
    sbs_sqlite_queue_set_busy_ms(&rig.queue, 1);
    assert_int_equal(rig_try_append("a", &id), SBS_ERR_STORAGE);
    assert_true(sbs_sqlite_queue_is_busy(&rig.queue));
    assert_int_equal(sbs_sqlite_queue_errno(&rig.queue), 0);
    sbs_sqlite_queue_close(&other);
    rig_append("a");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_is_there_is_told_and_nothing_is_written),
        TEST(what_is_in_the_log_is_told_too),
        TEST(damage_is_told_and_left),
        TEST(an_older_version_is_told_and_not_brought_up),
        TEST(the_system_s_reason_is_kept),
        TEST(a_file_that_another_holds_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
