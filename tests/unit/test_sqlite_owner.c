/* SPDX-License-Identifier: Apache-2.0 */
/* Whose queue it is, and who may push it. What needs a second user runs where the tests run as the superuser. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sqlite_rig.h"
#include "test.h"
#include "test_folder.h"

#define USER 65534 /* nobody */

static char lock_name[300];

static int set_up(void **state) {
    (void)rig_set_up(state);
    (void)snprintf(lock_name, sizeof lock_name, "%s.lock", rig.path);
    return 0;
}

static void need_superuser(void) {
    if (geteuid() != 0) {
        skip();
    }
    assert_int_equal(chmod(rig.folder, 0777), 0);
}

/* Gives the queue to the other user, as if that one had made it. */
static void give_queue(void) {
    sbs_sqlite_queue_close(&rig.queue);
    assert_int_equal(chown(rig.path, USER, USER), 0);
}

static uid_t owner_of(const char *suffix) {
    char name[300];
    struct stat file;
    (void)snprintf(name, sizeof name, "%s%s", rig.path, suffix);
    assert_int_equal(stat(name, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    return file.st_uid;
}

/* Runs @p act in a process of its own, of the other user if asked for; its result is the exit status. */
static int run_apart(int (*act)(void), bool as_user) {
    int result;
    pid_t child = fork();
    if (child == 0) {
        if (as_user && (setgid(USER) != 0 || setuid(USER) != 0)) {
            _exit(99);
        }
        _exit(act());
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static void another_users_queue_is_left_alone(void **state) {
    (void)state;
    uid_t owner = 0;
    size_t before_len, after_len;
    need_superuser();
    rig_append("a");
    give_queue();
    char *before = test_folder_load(rig.folder, "queue.db", &before_len);
    assert_int_equal(rig_open_again(), SBS_ERR_FORBIDDEN);
    assert_int_equal(sbs_sqlite_queue_owner(rig.path, &owner), SBS_OK);
    assert_int_equal(owner, USER);
    char *after = test_folder_load(rig.folder, "queue.db", &after_len);
    assert_int_equal(before_len, after_len);
    assert_memory_equal(before, after, before_len);
    free(before);
    free(after);
}

static void the_superuser_may_open_it_and_leaves_nothing_of_its_own(void **state) {
    (void)state;
    char page[4096];
    uint64_t kept;
    need_superuser();
    rig_append("a");
    give_queue();
    rig.config.any_owner = true;
    rig_reopen();
    rig_append("b");
    assert_int_equal(owner_of(""), USER);
    assert_int_equal(owner_of("-wal"), USER);
    assert_int_equal(owner_of("-shm"), USER);
    sbs_sqlite_queue_close(&rig.queue);

    memset(page, 0, sizeof page);
    FILE *file = fopen(rig.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fwrite(page, 1, sizeof page, file), sizeof page);
    assert_int_equal(fclose(file), 0);
    rig_reopen();
    assert_non_null(sbs_sqlite_queue_set_aside(&rig.queue, &kept));
    assert_int_equal(owner_of(""), USER); /* the new one */
}

static int open_queue(void) {
    sbs_sqlite_queue other;
    sbs_queue port;
    sbs_sqlite_queue_config config = rig.config;
    config.any_owner = true;
    sbs_status status = sbs_sqlite_queue_open(&other, &config, &port);
    sbs_sqlite_queue_close(&other);
    return -status;
}

static void nobody_else_may(void **state) {
    (void)state;
    need_superuser();
    rig_append("a");
    assert_int_equal(run_apart(open_queue, true), -SBS_ERR_FORBIDDEN);
    give_queue();
    assert_int_equal(run_apart(open_queue, true), 0);
}

static void an_owner_is_told_of_files_only(void **state) {
    (void)state;
    uid_t owner = 1;
    assert_int_equal(sbs_sqlite_queue_owner(rig.path, &owner), SBS_OK);
    assert_int_equal(owner, geteuid());
    assert_int_equal(sbs_sqlite_queue_owner(lock_name, &owner), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_sqlite_queue_owner(rig.folder, &owner), SBS_ERR_FORMAT);
    assert_int_equal(symlink(rig.path, lock_name), 0);
    assert_int_equal(sbs_sqlite_queue_owner(lock_name, &owner), SBS_ERR_FORMAT);
}

static int append_soon(void) {
    sbs_sqlite_queue other;
    sbs_queue port;
    uint64_t id;
    sbs_sqlite_queue_config config = rig.config;
    config.busy_ms = 20;
    if (sbs_sqlite_queue_open(&other, &config, &port) != SBS_OK) {
        return 1;
    }
    sbs_status status = port.ops->append(port.ctx, &rig_meta, "b", 1, &id);
    sbs_sqlite_queue_close(&other);
    return -status;
}

static void others_put_no_log_or_journal_beside_it(void **state) {
    (void)state;
    static const char *const suffixes[] = {"-wal", "-shm", "-journal"};
    char name[300];
    need_superuser();
    rig_append("a");
    for (size_t i = 0; i < SBS_COUNT_OF(suffixes); i++) {
        sbs_sqlite_queue_close(&rig.queue);
        (void)snprintf(name, sizeof name, "%s%s", rig.path, suffixes[i]);
        FILE *made = fopen(name, "w");
        assert_non_null(made);
        assert_int_equal(fclose(made), 0);
        assert_int_equal(chown(name, USER, USER), 0);
        assert_int_equal(rig_open_again(), SBS_ERR_FORBIDDEN);
        assert_int_equal(access(name, F_OK), 0);
        assert_int_equal(unlink(name), 0);
        rig_reopen();
    }
}

/* What ends a replacement that was interrupted is the owner's file, whoever opens the queue. */
static void others_put_nothing_in_its_place(void **state) {
    (void)state;
    char ready[300];
    need_superuser();
    uint64_t id = rig_append("a");
    sbs_sqlite_queue_close(&rig.queue);
    (void)snprintf(ready, sizeof ready, "%s.ready", rig.path);
    FILE *made = fopen(ready, "w");
    assert_non_null(made);
    assert_int_equal(fclose(made), 0);
    assert_int_equal(chown(ready, USER, USER), 0);
    rig.config.any_owner = true;
    assert_int_equal(rig_open_again(), SBS_ERR_STORAGE);
    assert_int_equal(unlink(ready), 0);
    rig_reopen();
    rig_assert_reads(id, "a");
}

/* SQLite's locks go when any descriptor of the file is closed that could be read: looking at the owner uses none. */
static void looking_at_the_owner_drops_no_lock(void **state) {
    (void)state;
    uid_t owner;
    sbs_sqlite_queue other;
    sbs_queue port;
    assert_int_equal(sbs_sqlite_queue_begin(&rig.queue), SBS_OK);
    (void)rig_append("a");
    assert_int_equal(sbs_sqlite_queue_owner(rig.path, &owner), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_open(&other, &rig.config, &port), SBS_OK);
    sbs_sqlite_queue_close(&other);
    assert_int_equal(run_apart(append_soon, false), -SBS_ERR_STORAGE);
    assert_int_equal(sbs_sqlite_queue_commit(&rig.queue), SBS_OK);
    assert_int_equal(run_apart(append_soon, false), 0);
}

/* ---- who pushes -------------------------------------------------------------------------------------------------- */

static int try_push(void) {
    sbs_sqlite_pusher pusher = {0};
    sbs_status status = sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL);
    sbs_sqlite_queue_unlock_pusher(&pusher);
    return -status;
}

static void one_process_pushes_at_a_time(void **state) {
    (void)state;
    sbs_sqlite_pusher pusher = {0};
    sbs_sqlite_pusher second = {0};
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL), SBS_OK);
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&second, rig.path, NULL), SBS_ERR_BUSY);
    assert_int_equal(run_apart(try_push, false), -SBS_ERR_BUSY);
    rig_reopen(); /* it does not depend on that */
    assert_int_equal(run_apart(try_push, false), -SBS_ERR_BUSY);
    sbs_sqlite_queue_unlock_pusher(&pusher);
    sbs_sqlite_queue_unlock_pusher(&pusher);
    assert_int_equal(run_apart(try_push, false), 0);
}

static void one_that_is_killed_pushes_no_more(void **state) {
    (void)state;
    int ends[2];
    char ready;
    int result;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        sbs_sqlite_pusher pusher = {0};
        bool held = sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL) == SBS_OK;
        if (!held || write(ends[1], "x", 1) != 1) {
            _exit(1);
        }
        for (;;) {
            (void)pause();
        }
    }
    assert_true(child > 0);
    assert_int_equal(read(ends[0], &ready, 1), 1);
    assert_int_equal(try_push(), -SBS_ERR_BUSY);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(try_push(), 0);
    assert_int_equal(close(ends[0]) + close(ends[1]), 0);
}

static void the_next_one_hears_when_it_was_pushed(void **state) {
    (void)state;
    sbs_sqlite_pusher pusher = {0};
    uint64_t idle_ms = 0;
    sbs_sqlite_queue_touch_pusher(&pusher); /* without effect */
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, &idle_ms), SBS_OK);
    assert_true(idle_ms == UINT64_MAX);
    sbs_sqlite_queue_touch_pusher(&pusher);
    sbs_sqlite_queue_unlock_pusher(&pusher);
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, &idle_ms), SBS_OK);
    assert_true(idle_ms < 600000);
    sbs_sqlite_queue_unlock_pusher(&pusher);
}

static void what_is_no_lock_is_not_opened(void **state) {
    (void)state;
    sbs_sqlite_pusher pusher = {0};
    char other[300];
    (void)snprintf(other, sizeof other, "%s/none", rig.folder);
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, other, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(symlink(other, lock_name), 0);
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL), SBS_ERR_STORAGE);
    assert_int_not_equal(access(other, F_OK), 0);
    assert_int_equal(unlink(lock_name), 0);
    assert_int_equal(mkfifo(lock_name, 0600), 0);
    assert_int_equal(sbs_sqlite_queue_lock_pusher(&pusher, rig.path, NULL), SBS_ERR_STORAGE);
}

static void the_superuser_locks_nobody_out(void **state) {
    (void)state;
    need_superuser();
    assert_int_equal(run_apart(try_push, true), -SBS_ERR_FORBIDDEN); /* nor does another user */
    assert_int_not_equal(access(lock_name, F_OK), 0);
    give_queue();
    assert_int_equal(try_push(), 0);
    assert_int_equal(owner_of(".lock"), USER);
    assert_int_equal(run_apart(try_push, true), 0);
    assert_int_equal(chown(lock_name, 0, 0), 0); /* as an older program left it */
    assert_int_equal(run_apart(try_push, true), -SBS_ERR_FORBIDDEN);
    assert_int_equal(try_push(), 0);
    assert_int_equal(run_apart(try_push, true), 0);
}

/* In a folder of many somebody may make it first, and hold it for ever. */
static void a_lock_of_another_user_is_not_taken(void **state) {
    (void)state;
    need_superuser();
    FILE *made = fopen(lock_name, "w");
    assert_non_null(made);
    assert_int_equal(fclose(made), 0);
    assert_int_equal(chmod(lock_name, 0666), 0);
    assert_int_equal(chown(lock_name, USER, USER), 0);
    assert_int_equal(try_push(), -SBS_ERR_FORBIDDEN);
    assert_int_equal(chown(lock_name, 1, 1), 0);
    give_queue();
    assert_int_equal(run_apart(try_push, true), -SBS_ERR_FORBIDDEN);
}

/* A name that leads to something else is not given away with it. */
static void a_lock_that_is_something_else_is_given_to_nobody(void **state) {
    (void)state;
    char secret[300];
    struct stat file;
    need_superuser();
    give_queue();
    (void)snprintf(secret, sizeof secret, "%s/secret", rig.folder);
    FILE *made = fopen(secret, "w");
    assert_non_null(made);
    assert_int_equal(fclose(made), 0);
    assert_int_equal(link(secret, lock_name), 0);
    assert_int_equal(try_push(), -SBS_ERR_STORAGE);
    assert_int_equal(stat(secret, &file), 0);
    assert_int_equal(file.st_uid, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, rig_tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(another_users_queue_is_left_alone),
        TEST(the_superuser_may_open_it_and_leaves_nothing_of_its_own),
        TEST(nobody_else_may),
        TEST(an_owner_is_told_of_files_only),
        TEST(others_put_no_log_or_journal_beside_it),
        TEST(others_put_nothing_in_its_place),
        TEST(looking_at_the_owner_drops_no_lock),
        TEST(one_process_pushes_at_a_time),
        TEST(one_that_is_killed_pushes_no_more),
        TEST(the_next_one_hears_when_it_was_pushed),
        TEST(what_is_no_lock_is_not_opened),
        TEST(the_superuser_locks_nobody_out),
        TEST(a_lock_of_another_user_is_not_taken),
        TEST(a_lock_that_is_something_else_is_given_to_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
