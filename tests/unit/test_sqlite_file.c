/* SPDX-License-Identifier: Apache-2.0 */
/* The queue's file: who may read it, whose it is, several threads and processes. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

/* ---- the file -------------------------------------------------------------------------------------------------- */

static void assert_private(const char *suffix) {
    char name[300];
    struct stat file;
    (void)snprintf(name, sizeof name, "%s%s", rig.path, suffix);
    assert_int_equal(stat(name, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
}

static void nobody_else_reads_the_files(void **state) {
    (void)state;
    rig_append("a");
    assert_private("");
    assert_private("-wal");
    assert_private("-shm");
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(chmod(rig.path, 0644), 0);
    rig_reopen();
    rig_append("b");
    assert_private("");
    assert_private("-wal");
}

static void a_link_is_not_followed(void **state) {
    (void)state;
    char target[300];
    sbs_sqlite_queue_close(&rig.queue);
    (void)snprintf(target, sizeof target, "%s.real", rig.path);
    assert_int_equal(rename(rig.path, target), 0);
    assert_int_equal(symlink(target, rig.path), 0);
    assert_int_equal(sbs_sqlite_queue_open(&rig.queue, &rig.config, &rig.port), SBS_ERR_STORAGE);
}

static bool holds_secret(const char *name) {
    size_t len;
    bool found = false;
    char *bytes = test_folder_load(rig.folder, name, &len);
    for (size_t at = 0; at + 6 <= len; at++) {
        found = found || memcmp(bytes + at, "secret", 6) == 0;
    }
    free(bytes);
    return found;
}

static void nothing_delivered_is_left_in_the_file(void **state) {
    (void)state;
    uint64_t id = rig_append("a secret of a patient");
    assert_true(holds_secret("queue.db-wal"));
    assert_int_equal(rig_settle(id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_false(holds_secret("queue.db-wal")); /* nothing waits */
    sbs_sqlite_queue_close(&rig.queue);
    assert_false(holds_secret("queue.db"));
}

static void nothing_delivered_is_left_in_the_log_after_a_group_or_a_close(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    uint64_t first = rig_append("a secret of a patient");
    uint64_t second = rig_append("another secret");
    assert_int_equal(sbs_sqlite_queue_open(&other, &rig.config, &other_port), SBS_OK);
    assert_int_equal(rig_settle(first, SBS_QUEUE_DEAD, "refused"), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(rig_settle(second, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_remove_dead(&rig.queue, first), SBS_OK);
    assert_true(holds_secret("queue.db-wal"));
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_false(holds_secret("queue.db-wal"));
    first = rig_append("a secret of a patient");
    (void)rig_append("stays");
    assert_int_equal(rig_settle(first, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
    assert_true(holds_secret("queue.db-wal"));
    sbs_sqlite_queue_close(&rig.queue);
    assert_false(holds_secret("queue.db-wal")); /* though the other has it open */
    sbs_sqlite_queue_close(&other);
    assert_false(holds_secret("queue.db"));
}

/* Refused, byte for byte as it was, and with the mode that it had. */
static void assert_refused_untouched(sbs_status expected) {
    size_t before_len, after_len;
    struct stat file;
    assert_int_equal(chmod(rig.path, 0644), 0);
    char *before = test_folder_load(rig.folder, "queue.db", &before_len);
    assert_int_equal(sbs_sqlite_queue_open(&rig.queue, &rig.config, &rig.port), expected);
    char *after = test_folder_load(rig.folder, "queue.db", &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    assert_int_equal(stat(rig.path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0644);
    free(before);
    free(after);
}

static void a_newer_file_is_left_alone(void **state) {
    (void)state;
    rig_append("a");
    sbs_sqlite_queue_close(&rig.queue);
    rig_tamper("PRAGMA user_version = 3");
    assert_refused_untouched(SBS_ERR_VERSION);
}

static void write_file(const void *bytes, size_t len) {
    FILE *file = fopen(rig.path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void something_elses_file_is_left_alone(void **state) {
    (void)state;
    char text[5000];
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0);
    rig_tamper("CREATE TABLE photo (id)");
    assert_refused_untouched(SBS_ERR_FORMAT);
    memset(text, 't', sizeof text);
    write_file(text, sizeof text);
    assert_refused_untouched(SBS_ERR_FORMAT);
    write_file("short", 5);
    assert_refused_untouched(SBS_ERR_FORMAT);
}

static void a_moved_file_takes_no_more(void **state) {
    (void)state;
    char elsewhere[300];
    uint64_t id;
    rig_append("a");
    (void)snprintf(elsewhere, sizeof elsewhere, "%s.old", rig.path);
    assert_int_equal(rename(rig.path, elsewhere), 0);
    assert_int_equal(rig_try_append("b", &id), SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&rig.queue), "the file was moved away or removed");
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    sbs_sqlite_queue_config wrong = rig.config;
    wrong.path = NULL;
    assert_int_equal(sbs_sqlite_queue_open(&other, &wrong, &other_port), SBS_ERR_ARGUMENT);
    wrong.path = "";
    assert_int_equal(sbs_sqlite_queue_open(&other, &wrong, &other_port), SBS_ERR_ARGUMENT);
    wrong.path = "/nonexistent/folder/queue.db";
    assert_int_equal(sbs_sqlite_queue_open(&other, &wrong, &other_port), SBS_ERR_STORAGE);
    sbs_sqlite_queue_close(&other);
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_ERR_STATE);
}

/* ---- several at once ------------------------------------------------------------------------------------------- */

#define THREADS 4
#define EACH 50

static void *append_many(void *ctx) {
    uint64_t *last = ctx;
    for (unsigned i = 0; i < EACH; i++) {
        uint64_t id = 0;
        if (rig_try_append("from a thread", &id) != SBS_OK || id <= *last) {
            return NULL;
        }
        *last = id;
    }
    return ctx;
}

static void threads_append_beside_a_reader(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    uint64_t last[THREADS] = {0};
    sbs_queue_item item = {0};
    unsigned settled = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, append_many, &last[i]), 0);
    }
    while (settled < THREADS * EACH) {
        if (rig_next(0, &item) == SBS_OK) {
            assert_int_equal(rig_mark(item.id), SBS_OK);
            assert_int_equal(rig_settle(item.id, SBS_QUEUE_DELIVERED, NULL), SBS_OK);
            settled++;
        }
    }
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(rig_counters().accepted, THREADS * EACH);
}

/* A program of its own that opens the queue, appends, and ends. */
static void append_in_process(void) {
    sbs_sqlite_queue other;
    sbs_queue other_port;
    bool good = sbs_sqlite_queue_open(&other, &rig.config, &other_port) == SBS_OK;
    for (unsigned i = 0; i < EACH && good; i++) {
        uint64_t id;
        good = other_port.ops->append(other_port.ctx, &rig_meta, "from a process", 14, &id) == SBS_OK;
    }
    sbs_sqlite_queue_close(&other);
    _exit(good ? 0 : 1);
}

static void processes_append_to_one_file(void **state) {
    (void)state;
    pid_t children[THREADS];
    sbs_queue_item item = {0};
    unsigned found = 0;
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(unlink(rig.path), 0); /* they make it, all at once */
    for (unsigned i = 0; i < THREADS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            append_in_process();
        }
        assert_true(children[i] > 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        int result;
        assert_int_equal(waitpid(children[i], &result, 0), children[i]);
        assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    }
    rig_reopen();
    while (rig_next(item.id, &item) == SBS_OK) {
        found++;
    }
    assert_int_equal(found, THREADS * EACH);
    assert_int_equal(rig_counters().waiting, THREADS * EACH);
}

static void another_process_is_waited_for_not_for_ever(void **state) {
    (void)state;
    sbs_sqlite_queue other;
    sbs_queue other_port;
    sbs_sqlite_queue_config impatient = rig.config;
    uint64_t id;
    impatient.busy_ms = 50;
    assert_int_equal(sbs_sqlite_queue_open(&other, &impatient, &other_port), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_ERR_STORAGE);
    assert_string_equal(sbs_sqlite_queue_error(&other), "database is locked");
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(other_port.ops->append(other_port.ctx, &rig_meta, "a", 1, &id), SBS_OK);
    sbs_sqlite_queue_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(nobody_else_reads_the_files),
        TEST(a_link_is_not_followed),
        TEST(nothing_delivered_is_left_in_the_file),
        TEST(nothing_delivered_is_left_in_the_log_after_a_group_or_a_close),
        TEST(a_newer_file_is_left_alone),
        TEST(something_elses_file_is_left_alone),
        TEST(a_moved_file_takes_no_more),
        TEST(wrong_arguments_are_refused),
        TEST(threads_append_beside_a_reader),
        TEST(processes_append_to_one_file),
        TEST(another_process_is_waited_for_not_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
