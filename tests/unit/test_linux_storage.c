/* SPDX-License-Identifier: Apache-2.0 */
/* Records as files: what is stored comes back, and what is damaged, planted or interrupted is noticed. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sbs/linux_storage.h"
#include "test.h"
#include "test_folder.h"

static char *folder;
static sbs_linux_storage files;
static sbs_storage storage;

/* Every call that changes the disk passes through here. */
static struct {
    unsigned calls;
    unsigned fail_at; /* the call with this number fails; 0: none does */
    bool all_after;   /* and every later one: the power is gone */
    int error;
    char trace[64]; /* what was done, one letter a call */
    size_t trace_len;
} fault;

static bool fails(char letter) {
    ++fault.calls;
    if (fault.trace_len + 1 < sizeof fault.trace) {
        fault.trace[fault.trace_len++] = letter;
        fault.trace[fault.trace_len] = '\0';
    }
    if (fault.fail_at == 0 || fault.calls < fault.fail_at || (fault.calls > fault.fail_at && !fault.all_after)) {
        return false;
    }
    errno = fault.error;
    return true;
}

static void arm(unsigned fail_at, bool all_after, int error) {
    memset(&fault, 0, sizeof fault);
    fault.fail_at = fail_at;
    fault.all_after = all_after;
    fault.error = error;
}

ssize_t __real_write(int fd, const void *data, size_t len);
int __real_fsync(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_close(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int fd, const char *name, int flags);
ssize_t __wrap_write(int fd, const void *data, size_t len);
int __wrap_fsync(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_close(int fd);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_unlinkat(int fd, const char *name, int flags);

/* A disk that is full takes a part first. */
ssize_t __wrap_write(int fd, const void *data, size_t len) {
    if (fails('w')) {
        return len > 1 ? __real_write(fd, data, len / 2) : -1;
    }
    return __real_write(fd, data, len);
}

int __wrap_fsync(int fd) {
    struct stat info;
    bool is_folder = fstat(fd, &info) == 0 && S_ISDIR(info.st_mode);
    return fails(is_folder ? 'F' : 'f') ? -1 : __real_fsync(fd);
}

int __wrap_fchmod(int fd, mode_t mode) {
    return fails('m') ? -1 : __real_fchmod(fd, mode);
}

int __wrap_close(int fd) {
    int result = __real_close(fd);
    return fails('c') ? -1 : result;
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to) {
    return fails('r') ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int fd, const char *name, int flags) {
    return fails('u') ? -1 : __real_unlinkat(fd, name, flags);
}

static unsigned pauses; /* no time passes in them */
static bool is_short_of_time;

int __real_nanosleep(const struct timespec *wanted, struct timespec *left);
int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left);

int __wrap_nanosleep(const struct timespec *wanted, struct timespec *left) {
    pauses++;
    return is_short_of_time ? 0 : __real_nanosleep(wanted, left);
}

static int set_up(void **state) {
    (void)state;
    arm(0, false, 0);
    folder = test_folder_make(NULL);
    assert_int_equal(sbs_linux_storage_open(&files, folder, &storage), SBS_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arm(0, false, 0);
    sbs_linux_storage_close(&files);
    sbs_linux_storage_close(&files);
    test_folder_remove(folder);
    return 0;
}

static sbs_status set(const char *name, const void *data, size_t len) {
    return storage.ops->set(storage.ctx, name, data, len);
}

static sbs_status get(const char *name, void *buffer, size_t size, size_t *out_len) {
    return storage.ops->get(storage.ctx, name, buffer, size, out_len);
}

static sbs_status drop(const char *name) {
    return storage.ops->remove(storage.ctx, name);
}

static const char *path_of(const char *name) {
    static char path[4096];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

static void write_file(const char *name, const void *data, size_t len) {
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void what_is_stored_comes_back(void **state) {
    static const size_t lengths[] = {0, 1, 255, 256, 257, 511, 512, 513, 4096, SBS_LINUX_RECORD_MAX};
    uint8_t *data = malloc(SBS_LINUX_RECORD_MAX + 1);
    uint8_t *back = malloc(SBS_LINUX_RECORD_MAX + 1);
    (void)state;
    assert_true(data != NULL && back != NULL);
    for (size_t i = 0; i <= SBS_LINUX_RECORD_MAX; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(lengths); i++) {
        size_t len = 1234;
        assert_int_equal(set("record", data, lengths[i]), SBS_OK);
        assert_int_equal(get("record", back, lengths[i], &len), SBS_OK);
        assert_int_equal(len, lengths[i]);
        assert_memory_equal(back, data, len);
        if (len > 0) {
            back[len - 1] = 0x5a;
            assert_int_equal(get("record", back, len - 1, &len), SBS_ERR_BUFFER);
            assert_int_equal(len, lengths[i]);
            assert_int_equal(back[len - 1], 0x5a);
        }
    }
    assert_int_equal(set("record", data, SBS_LINUX_RECORD_MAX + 1), SBS_ERR_ARGUMENT);
    assert_int_equal(drop("record"), SBS_OK);
    assert_int_equal(drop("record"), SBS_ERR_NOT_FOUND);
    size_t len = 9;
    assert_int_equal(get("record", back, 10, &len), SBS_ERR_NOT_FOUND);
    assert_int_equal(len, 0);
    free(data);
    free(back);
}

static void names_are_strict(void **state) {
    static const char *const good[] = {"a", "0", "_x", "a-b_c9", "abcdefghijklmnopqrstuvwxyz01234"};
    static const char *const bad[] = {"",  "-a",  "A",    ".",    "..", "a.b",   "a/b",
                                      "/", "a b", "a\nb", "../a", "é",  "a.new", "abcdefghijklmnopqrstuvwxyz012345"};
    uint8_t byte = 1;
    size_t len;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        assert_int_equal(set(good[i], &byte, 1), SBS_OK);
        assert_int_equal(get(good[i], &byte, 1, &len), SBS_OK);
        assert_int_equal(drop(good[i]), SBS_OK);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(set(bad[i], &byte, 1), SBS_ERR_ARGUMENT);
        assert_int_equal(get(bad[i], &byte, 1, &len), SBS_ERR_ARGUMENT);
        assert_int_equal(drop(bad[i]), SBS_ERR_ARGUMENT);
    }
}

static void nobody_else_may_read(void **state) {
    struct stat info;
    (void)state;
    mode_t before = umask(0);
    assert_int_equal(set("record", "x", 1), SBS_OK);
    (void)umask(before);
    assert_int_equal(stat(path_of("record"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(chmod(path_of("record"), 0666), 0);
    assert_int_equal(set("record", "y", 1), SBS_OK);
    assert_int_equal(stat(path_of("record"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

/* The file with these bytes is reported as damaged and stays as it is. */
static void check_damaged(const uint8_t *bytes, size_t len) {
    uint8_t back[64] = {1};
    const uint8_t zeros[sizeof back] = {0};
    size_t back_len = 5, file_len;
    write_file("record", bytes, len);
    assert_int_equal(get("record", back, sizeof back, &back_len), SBS_ERR_DAMAGED);
    assert_int_equal(back_len, 0);
    assert_memory_equal(back, zeros, sizeof back);
    char *file = test_folder_load(folder, "record", &file_len);
    assert_int_equal(file_len, len);
    assert_memory_equal(file, bytes, len);
    free(file);
}

static void every_wrong_bit_is_found(void **state) {
    size_t len;
    (void)state;
    assert_int_equal(set("record", "sixteen bytes...", 16), SBS_OK);
    uint8_t *file = (uint8_t *)test_folder_load(folder, "record", &len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        check_damaged(file, len);
        file[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    for (size_t cut = 0; cut < len; cut++) {
        check_damaged(file, cut);
    }
    /* One byte more: the NUL behind the file's bytes. */
    check_damaged(file, len + 1);
    write_file("other", file, len);
    assert_int_equal(get("other", NULL, 0, &len), SBS_ERR_DAMAGED);
    free(file);
}

static uint32_t crc_of(const uint8_t *data, size_t len, uint32_t crc) {
    for (size_t i = 0; i < len * 8; i++) {
        uint32_t bit = ((uint32_t)data[i / 8] >> (i % 8)) ^ crc;
        crc = (crc >> 1) ^ ((bit & 1u) != 0 ? 0xedb88320u : 0u);
    }
    return crc;
}

static void a_newer_version_is_told_from_damage(void **state) {
    uint8_t file[] = {'S', 'B', 'S', 'R', SBS_LINUX_STORAGE_FORMAT + 1, 9, 9, 9, 0, 0, 0, 0, 'n', 'e', 'w'};
    uint8_t back[16];
    size_t len;
    (void)state;
    assert_int_equal(~crc_of((const uint8_t *)"123456789", 9, ~0u), 0xcbf43926u);
    uint32_t crc = crc_of((const uint8_t *)"record", 7, ~0u);
    crc = ~crc_of(file + 12, 3, crc_of(file, 8, crc));
    for (unsigned i = 0; i < 4; i++) {
        file[8 + i] = (uint8_t)(crc >> (8 * i));
    }
    write_file("record", file, sizeof file);
    assert_int_equal(get("record", back, sizeof back, &len), SBS_ERR_VERSION);
}

static void links_and_devices_are_not_followed(void **state) {
    uint8_t back[8];
    size_t len;
    (void)state;
    write_file("target.txt", "untouched", 9);
    assert_int_equal(symlink("target.txt", path_of("link")), 0);
    assert_int_equal(get("link", back, sizeof back, &len), SBS_ERR_STORAGE);
    assert_int_equal(sbs_linux_storage_error(&files), ELOOP);
    assert_int_equal(symlink("target.txt", path_of("record.new")), 0);
    assert_int_equal(set("record", "data", 4), SBS_OK);
    assert_int_equal(set("link", "data", 4), SBS_OK);
    char *text = test_folder_load(folder, "target.txt", &len);
    assert_string_equal(text, "untouched");
    free(text);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_int_equal(get("fifo", back, sizeof back, &len), SBS_ERR_STORAGE);
    assert_int_equal(mkdir(path_of("folder"), 0700), 0);
    assert_int_equal(get("folder", back, sizeof back, &len), SBS_ERR_STORAGE);
    assert_int_equal(set("folder", "data", 4), SBS_ERR_STORAGE);
}

static int error_of_opening(const char *path) {
    sbs_linux_storage opened;
    sbs_storage port;
    sbs_status status = sbs_linux_storage_open(&opened, path, &port);
    int error = sbs_linux_storage_error(&opened);
    sbs_linux_storage_close(&opened);
    assert_int_equal(status, error == 0 ? SBS_OK : SBS_ERR_STORAGE);
    return error;
}

static void the_folder_must_be_ours_alone(void **state) {
    struct stat info;
    (void)state;
    assert_int_equal(error_of_opening(path_of("made")), 0);
    assert_int_equal(stat(path_of("made"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(error_of_opening(path_of("made")), 0);
    assert_int_equal(error_of_opening(path_of("missing/made")), ENOENT);
    write_file("file", "x", 1);
    assert_int_equal(error_of_opening(path_of("file")), ENOTDIR);
    assert_int_equal(symlink("made", path_of("link")), 0);
    assert_int_not_equal(error_of_opening(path_of("link")), 0);
    assert_int_equal(chmod(path_of("made"), 0770), 0);
    assert_int_equal(error_of_opening(path_of("made")), EPERM);
    assert_int_equal(chmod(path_of("made"), 0755), 0);
    assert_int_equal(error_of_opening(path_of("made")), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path_of("made"), 12345, 12345), 0);
        assert_int_equal(error_of_opening(path_of("made")), EPERM);
    }
}

static void data_is_durable_before_it_has_the_name(void **state) {
    (void)state;
    arm(0, false, 0);
    assert_int_equal(set("record", "data", 4), SBS_OK);
    /* A leftover removed, then mode, header, data, fsync, close, rename, fsync of the folder. */
    assert_string_equal(fault.trace, "umwwfcrF");
    arm(0, false, 0);
    assert_int_equal(drop("record"), SBS_OK);
    assert_string_equal(fault.trace, "uF");
}

static void a_new_folder_is_durable_before_a_record_in_it(void **state) {
    sbs_linux_storage own;
    sbs_storage port;
    (void)state;
    arm(0, false, 0);
    assert_int_equal(sbs_linux_storage_open(&own, path_of("new"), &port), SBS_OK);
    assert_string_equal(fault.trace, "Fc"); /* of the folder above it */
    sbs_linux_storage_close(&own);

    arm(0, false, 0);
    assert_int_equal(sbs_linux_storage_open(&own, path_of("new"), &port), SBS_OK);
    assert_string_equal(fault.trace, ""); /* it was there */
    sbs_linux_storage_close(&own);

    arm(1, false, EIO);
    assert_int_equal(sbs_linux_storage_open(&own, path_of("newer"), &port), SBS_ERR_STORAGE);
    assert_int_equal(sbs_linux_storage_error(&own), EIO);
    arm(1, false, EINVAL); /* a file system that cannot be asked */
    assert_int_equal(sbs_linux_storage_open(&own, path_of("newest"), &port), SBS_OK);
    sbs_linux_storage_close(&own);
}

static void a_signal_is_no_failure(void **state) {
    (void)state;
    assert_int_equal(set("record", "data", 4), SBS_OK);
    for (size_t at = 0; at < strlen("umwwfcrF"); at++) {
        char letter = "umwwfcrF"[at];
        arm((unsigned)at + 1, false, EINTR);
        if (letter == 'w' || letter == 'f' || letter == 'F') {
            assert_int_equal(set("record", "data", 4), SBS_OK);
        }
    }
}

static void a_lock_that_is_never_given_back_is_a_failure(void **state) {
    (void)state;
    int fd = open(folder, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    is_short_of_time = true;
    pauses = 0;
    assert_int_equal(set("record", "data", 4), SBS_ERR_STORAGE);
    is_short_of_time = false;
    assert_int_equal(sbs_linux_storage_error(&files), ETIMEDOUT);
    assert_true(pauses >= 100); /* it was waited for */

    assert_int_equal(flock(fd, LOCK_UN), 0);
    assert_int_equal(set("record", "data", 4), SBS_OK);
    assert_int_equal(close(fd), 0);
}

static void check_old_or_new(const char *old_data, const char *new_data, sbs_status status) {
    char back[64] = {0};
    size_t len;
    arm(0, false, 0);
    assert_int_equal(get("record", back, sizeof back - 1, &len), SBS_OK);
    bool is_new = strcmp(back, new_data) == 0;
    assert_true(is_new || strcmp(back, old_data) == 0);
    assert_true(is_new || status != SBS_OK);
    assert_int_equal(set("record", old_data, strlen(old_data)), SBS_OK);
    assert_int_equal(access(path_of("record.new"), F_OK), -1);
}

static void an_interrupted_set_leaves_the_old_or_the_new(void **state) {
    static const int errors[] = {EIO, ENOSPC, EDQUOT};
    (void)state;
    assert_int_equal(set("record", "the old record", 14), SBS_OK);
    for (size_t kind = 0; kind < 2 * SBS_COUNT_OF(errors); kind++) {
        bool power_cut = kind % 2 != 0;
        sbs_status status;
        unsigned failures = 0;
        unsigned at = 0;
        do {
            arm(++at, power_cut, errors[kind / 2]);
            status = set("record", "a new record, and longer", 24);
            bool reached = fault.calls >= at;
            if (status != SBS_OK) {
                assert_int_equal(status, SBS_ERR_STORAGE);
                assert_int_equal(sbs_linux_storage_error(&files), errors[kind / 2]);
                ++failures;
            }
            check_old_or_new("the old record", "a new record, and longer", status);
            if (!reached) {
                break;
            }
        } while (true);
        assert_true(failures >= 5);
    }
}

static void a_failed_remove_is_told(void **state) {
    (void)state;
    assert_int_equal(set("record", "data", 4), SBS_OK);
    arm(1, false, EIO);
    assert_int_equal(drop("record"), SBS_ERR_STORAGE);
    arm(2, false, EIO);
    assert_int_equal(drop("record"), SBS_ERR_STORAGE);
    assert_int_equal(sbs_linux_storage_error(&files), EIO);
    /* A folder that cannot be synchronised on its own is no failure. */
    arm(0, false, 0);
    assert_int_equal(set("record", "data", 4), SBS_OK);
    arm(2, false, EINVAL);
    assert_int_equal(drop("record"), SBS_OK);
}

#define WRITERS 3
#define WRITES 60

static void write_many(unsigned writer) {
    sbs_linux_storage own;
    sbs_storage port;
    uint8_t data[1000];
    bool failed = sbs_linux_storage_open(&own, folder, &port) != SBS_OK;
    memset(data, (int)('a' + writer), sizeof data);
    for (unsigned i = 0; i < WRITES && !failed; i++) {
        failed = port.ops->set(port.ctx, "shared", data, 100 * writer + i + 1) != SBS_OK;
    }
    _exit(failed ? 1 : 0);
}

static void processes_do_not_disturb_each_other(void **state) {
    pid_t pids[WRITERS];
    uint8_t back[1000];
    size_t len;
    (void)state;
    assert_int_equal(set("shared", "a", 1), SBS_OK);
    for (unsigned i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            write_many(i);
        }
    }
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(get("shared", back, sizeof back, &len), SBS_OK);
        assert_true(len >= 1);
        for (size_t at = 1; at < len; at++) {
            assert_int_equal(back[at], back[0]);
        }
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        assert_int_equal(test_program_wait(pids[i]), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_stored_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_else_may_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_wrong_bit_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_version_is_told_from_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_and_devices_are_not_followed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_folder_must_be_ours_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_is_durable_before_it_has_the_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_new_folder_is_durable_before_a_record_in_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_is_no_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lock_that_is_never_given_back_is_a_failure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interrupted_set_leaves_the_old_or_the_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failed_remove_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(processes_do_not_disturb_each_other, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
