/* SPDX-License-Identifier: Apache-2.0 */
/* How SQLite is told to keep the queue's file, and what it must not do even if somebody else's SQL asks for it. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sqlite_rig.h"
#include "test.h"

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

static bool rename_fails;
static unsigned replaced;                   /* how often another file was to take the queue's name */
static unsigned folder_syncs, syncs_before; /* syncs of its folder, and those before the last rename */

int __wrap_fsync(int fd) {
    struct stat file;
    folder_syncs += fstat(fd, &file) == 0 && S_ISDIR(file.st_mode);
    return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to) {
    bool of_queue = strcmp(to, rig.path) == 0;
    replaced += of_queue;
    syncs_before = folder_syncs;
    if (rename_fails && of_queue) {
        errno = EIO;
        return -1;
    }
    return __real_rename(from, to);
}

static int setting(int which) {
    int value = -1;
    assert_int_equal(sqlite3_db_config(rig.queue.priv.db, which, -1, &value), SQLITE_OK);
    return value;
}

static sqlite3_int64 pragma(const char *sql) {
    sqlite3_stmt *row = NULL;
    assert_int_equal(sqlite3_prepare_v2(rig.queue.priv.db, sql, -1, &row, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    sqlite3_int64 value = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row);
    return value;
}

static void a_file_is_kept_as_the_readme_says(void **state) {
    static const struct {
        const char *sql;
        sqlite3_int64 value;
    } pragmas[] = {
        {"PRAGMA page_size", 2048},
        {"PRAGMA auto_vacuum", 2 /* incremental */},
        {"PRAGMA synchronous", 2},
        {"PRAGMA secure_delete", 1},
        {"PRAGMA cell_size_check", 1},
        {"PRAGMA temp_store", 2 /* memory */},
        {"PRAGMA journal_size_limit", 16777216},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(pragmas); i++) {
        if (pragma(pragmas[i].sql) != pragmas[i].value) {
            fail_msg("%s is %lld", pragmas[i].sql, (long long)pragma(pragmas[i].sql));
        }
    }
}

/* What stands in a hostile file must not reach SQLite's own tables, nor call functions from its schema. */
static void nothing_writes_the_schema(void **state) {
    sqlite3 *db = rig.queue.priv.db;
    (void)state;
    assert_int_equal(setting(SQLITE_DBCONFIG_DEFENSIVE), 1);
    assert_int_equal(setting(SQLITE_DBCONFIG_TRUSTED_SCHEMA), 0);
    (void)sqlite3_exec(db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
    assert_int_not_equal(sqlite3_exec(db, "UPDATE sqlite_schema SET sql = sql", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_exec(db, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    rig_append("a");
}

/* The only row that says which ids were given, and how much there is. */
static void a_queue_without_its_row_is_damaged_and_saved(void **state) {
    uint64_t kept = 0;
    sbs_sqlite_dead dead;
    (void)state;
    for (int n = 0; n < 3; n++) {
        rig_append("a");
    }
    assert_int_equal(rig.port.ops->settle(rig.port.ctx, 2, SBS_QUEUE_DEAD, "refused", "no subject"), SBS_OK);
    rig_tamper("DELETE FROM sbs_queue");
    rig_reopen();
    assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(kept, 3);
    assert_int_equal(rig_counters().waiting, 2);
    assert_int_equal(sbs_sqlite_queue_dead(&rig.queue, 0, &dead), SBS_OK);
    assert_int_equal(dead.item.id, 2);
    assert_string_equal(dead.reason, "refused");
    assert_string_equal(dead.words, "no subject");
    assert_true(rig_append("b") > 3);
}

/* What was saved does not get its place: that is told, and the next time it does. */
static void a_replacement_that_fails_is_told_and_done_later(void **state) {
    (void)state;
    for (int n = 0; n < 3; n++) {
        rig_append("a");
    }
    rig_tamper("DELETE FROM sbs_queue");
    rename_fails = true;
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    rename_fails = false;
    rig_reopen();
    assert_int_equal(rig_counters().waiting, 3);
    assert_true(rig_append("b") > 3);
}

/* After a power cut the folder must show one of both, never the new file beside the old log. */
static void a_replacement_is_on_the_disk_before_and_after_it_has_its_name(void **state) {
    (void)state;
    rig_append("a");
    rig_tamper("DELETE FROM sbs_queue");
    folder_syncs = 0;
    rig_reopen();
    assert_int_equal(rig_counters().waiting, 1);
    assert_true(syncs_before > 0);
    assert_true(folder_syncs > syncs_before);
}

/* Else SQLite would apply to the new file what belongs to the old one. */
static void a_replacement_waits_for_its_log_to_go(void **state) {
    static const char *const suffixes[] = {"-wal", "-shm"};
    char beside[sizeof rig.path + 8];
    (void)state;
    rig_append("a");
    rig_tamper("DELETE FROM sbs_queue");
    rename_fails = true;
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    rename_fails = false;
    for (size_t i = 0; i < SBS_COUNT_OF(suffixes); i++) {
        (void)snprintf(beside, sizeof beside, "%s%s", rig.path, suffixes[i]);
        assert_int_equal(mkdir(beside, 0700), 0); /* no file can be removed there */
        replaced = 0;
        assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
        assert_int_equal(replaced, 0);
        assert_int_equal(rmdir(beside), 0);
    }
    rig_reopen();
    assert_int_equal(rig_counters().waiting, 1);
}

/* The checksum is made of as many bytes as the item says: they must be there, and be bytes. */
static void a_body_of_another_type_or_length_is_damage(void **state) {
    static const char *const changes[] = {"CAST(data AS TEXT)", "x'6162'", "x'61626364'", "x''", "7"};
    char sql[128];
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(changes); i++) {
        sbs_queue_item item;
        uint64_t id = rig_append("abc");
        (void)snprintf(sql, sizeof sql, "UPDATE sbs_body SET data = %s WHERE id = %llu", changes[i],
                       (unsigned long long)id);
        rig_tamper(sql);
        assert_int_equal(rig_next(0, &item), SBS_ERR_DAMAGED);
        assert_int_equal(item.id, id);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_kept_as_the_readme_says),
        TEST(nothing_writes_the_schema),
        TEST(a_queue_without_its_row_is_damaged_and_saved),
        TEST(a_replacement_that_fails_is_told_and_done_later),
        TEST(a_replacement_is_on_the_disk_before_and_after_it_has_its_name),
        TEST(a_replacement_waits_for_its_log_to_go),
        TEST(a_body_of_another_type_or_length_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
