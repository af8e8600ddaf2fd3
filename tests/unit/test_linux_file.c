/* SPDX-License-Identifier: Apache-2.0 */
/* Whole files, the system's CA file, the clocks and the wait of the loop. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sbs/linux_clock.h"
#include "sbs/linux_file.h"
#include "sbs/linux_loop.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"

static char *folder;

/* What CLOCK_REALTIME says; negative: the truth. */
static time_t wall_clock = -1;
static bool no_boottime;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out) {
    if (clock == CLOCK_BOOTTIME && no_boottime) {
        errno = EINVAL;
        return -1;
    }
    int result = __real_clock_gettime(clock, out);
    if (clock == CLOCK_REALTIME && wall_clock >= 0) {
        out->tv_sec = wall_clock;
    }
    return result;
}

static int set_up_group(void **state) {
    (void)state;
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    folder = test_folder_make("make_certificates.sh");
    return 0;
}

static int tear_down_group(void **state) {
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static const char *path_of(const char *name) {
    static char path[4096];
    assert_true(snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path);
    return path;
}

static void what_is_written_is_read(void **state) {
    static const size_t lengths[] = {0, 1, 4094, 4095, 4096, 4097, 8191, 8192, 100000};
    char *data = calloc(1, 100000);
    (void)state;
    assert_non_null(data);
    for (size_t i = 0; i < 100000; i++) {
        data[i] = (char)(i * 31 + i / 253);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(lengths); i++) {
        sbs_linux_blob blob;
        size_t len = lengths[i];
        assert_int_equal(sbs_linux_file_write(path_of("data"), data, len, SBS_LINUX_PUBLIC, true), SBS_OK);
        assert_int_equal(sbs_linux_file_read(path_of("data"), len, &blob), SBS_OK);
        assert_int_equal(blob.len, len);
        assert_memory_equal(blob.data, data, len);
        assert_int_equal(blob.data[len], 0);
        sbs_linux_blob_free(&blob);
        sbs_linux_blob_free(&blob);
        if (len > 0) {
            assert_int_equal(sbs_linux_file_read(path_of("data"), len - 1, &blob), SBS_ERR_TOO_LARGE);
            assert_null(blob.data);
        }
    }
    free(data);
}

static void failures_of_reading_are_told_apart(void **state) {
    sbs_linux_blob blob;
    (void)state;
    assert_int_equal(sbs_linux_file_read(path_of("missing"), 10, &blob), SBS_ERR_NOT_FOUND);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(sbs_linux_file_read(folder, 10, &blob), SBS_ERR_STORAGE);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(sbs_linux_file_read("/dev/zero", 100000, &blob), SBS_ERR_TOO_LARGE);
    assert_int_equal(sbs_linux_file_read("/dev/null", SIZE_MAX, &blob), SBS_ERR_ARGUMENT);
}

static void standard_input_is_a_file_too(void **state) {
    int ends[2];
    sbs_linux_blob blob;
    (void)state;
    int kept = dup(STDIN_FILENO);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(write(ends[1], "from a pipe", 11), 11);
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(sbs_linux_file_read("-", 100, &blob), SBS_OK);
    assert_string_equal(blob.data, "from a pipe");
    sbs_linux_blob_free(&blob);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(close(kept), 0);
    assert_int_equal(close(ends[0]), 0);
}

static mode_t mode_of(const char *name) {
    struct stat info;
    assert_int_equal(lstat(path_of(name), &info), 0);
    assert_true(S_ISREG(info.st_mode));
    return info.st_mode & 07777;
}

static void written_files_have_their_mode_and_replace_only_if_asked(void **state) {
    size_t len;
    (void)state;
    mode_t before = umask(0777);
    assert_int_equal(sbs_linux_file_write(path_of("key"), "first", 5, SBS_LINUX_PRIVATE, false), SBS_OK);
    assert_int_equal(sbs_linux_file_write(path_of("public"), "first", 5, SBS_LINUX_PUBLIC, false), SBS_OK);
    (void)umask(before);
    assert_int_equal(mode_of("key"), 0600);
    assert_int_equal(mode_of("public"), 0644);
    assert_int_equal(sbs_linux_file_write(path_of("key"), "second", 6, SBS_LINUX_PUBLIC, false), SBS_ERR_STATE);
    char *text = test_folder_load(folder, "key", &len);
    assert_string_equal(text, "first");
    free(text);
    assert_int_equal(mode_of("key"), 0600);
    assert_int_equal(chmod(path_of("key"), 0666), 0);
    assert_int_equal(sbs_linux_file_write(path_of("key"), "second", 6, SBS_LINUX_PRIVATE, true), SBS_OK);
    assert_int_equal(mode_of("key"), 0600);
    assert_int_equal(symlink("public", path_of("link")), 0);
    assert_int_equal(sbs_linux_file_write(path_of("link"), "new", 3, SBS_LINUX_PRIVATE, false), SBS_ERR_STATE);
    assert_int_equal(sbs_linux_file_write(path_of("link"), "new", 3, SBS_LINUX_PRIVATE, true), SBS_OK);
    assert_int_equal(mode_of("link"), 0600);
    text = test_folder_load(folder, "public", &len);
    assert_string_equal(text, "first");
    free(text);
}

static void paths_are_taken_as_they_are(void **state) {
    char long_path[5000];
    (void)state;
    memset(long_path, '/', sizeof long_path - 1);
    long_path[sizeof long_path - 2] = 'x';
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(sbs_linux_file_write("", "x", 1, SBS_LINUX_PRIVATE, false), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_linux_file_write(path_of(""), "x", 1, SBS_LINUX_PRIVATE, false), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_linux_file_write(long_path, "x", 1, SBS_LINUX_PRIVATE, false), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_linux_file_write(path_of("no/x"), "x", 1, SBS_LINUX_PRIVATE, false), SBS_ERR_STORAGE);
    assert_int_equal(errno, ENOENT);
    char *here = getcwd(NULL, 0);
    assert_non_null(here);
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(sbs_linux_file_write("relative", "x", 1, SBS_LINUX_PRIVATE, false), SBS_OK);
    assert_int_equal(chdir(here), 0);
    free(here);
    assert_int_equal(access(path_of("relative"), F_OK), 0);
}

static void a_pipe_is_written_into_and_not_replaced(void **state) {
    struct stat info;
    char back[8] = {0};
    (void)state;
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    int fd = open(path_of("fifo"), O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(sbs_linux_file_write(path_of("fifo"), "data", 4, SBS_LINUX_PRIVATE, false), SBS_ERR_STATE);
    assert_int_equal(sbs_linux_file_write(path_of("fifo"), "data", 4, SBS_LINUX_PRIVATE, true), SBS_OK);
    assert_int_equal(read(fd, back, sizeof back), 4);
    assert_string_equal(back, "data");
    assert_int_equal(stat(path_of("fifo"), &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    assert_int_equal(close(fd), 0);
    assert_int_equal(sbs_linux_file_write(folder, "data", 4, SBS_LINUX_PRIVATE, true), SBS_ERR_STORAGE);
}

static void the_ca_file_is_found(void **state) {
    sbs_tls_trust trust;
    size_t skipped = 9;
    (void)state;
    sbs_tls_trust_init(&trust);
    assert_int_equal(setenv("SSL_CERT_FILE", path_of("both.pem"), 1), 0);
    assert_string_equal(sbs_linux_ca_file(), path_of("both.pem"));
    assert_int_equal(sbs_linux_trust_load(&trust, NULL, &skipped), SBS_OK);
    assert_int_equal(trust.priv.count, 2);
    assert_int_equal(skipped, 0);
    assert_int_equal(sbs_linux_trust_load(&trust, path_of("self.crt"), NULL), SBS_OK);
    assert_int_equal(trust.priv.count, 3);
    assert_int_equal(sbs_linux_trust_load(&trust, path_of("rsa.key"), &skipped), SBS_ERR_FORMAT);
    assert_int_equal(sbs_linux_trust_load(&trust, path_of("large.bin"), &skipped), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_linux_trust_load(&trust, path_of("missing"), &skipped), SBS_ERR_NOT_FOUND);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    sbs_tls_trust_deinit(&trust);
    if (sbs_linux_ca_file() != NULL) {
        assert_int_equal(sbs_linux_trust_load(&trust, NULL, &skipped), SBS_OK);
        assert_true(trust.priv.count > 50);
        sbs_tls_trust_deinit(&trust);
    }
}

static void the_clock_knows_when_it_does_not_know(void **state) {
    (void)state;
    sbs_now first = sbs_linux_now();
    sbs_now second = sbs_linux_now();
    assert_true(second.mono_ms >= first.mono_ms && second.mono_ms - first.mono_ms < 10000);
    assert_true(llabs((long long)(first.utc_s - time(NULL))) <= 2);
    assert_true(sbs_linux_build_time() > 1700000000);
    wall_clock = (time_t)sbs_linux_build_time();
    assert_true(sbs_linux_now().utc_s == sbs_linux_build_time());
    wall_clock = (time_t)sbs_linux_build_time() - 1;
    assert_true(sbs_linux_now().utc_s == SBS_UTC_UNKNOWN);
    assert_true(sbs_linux_wall_clock() == wall_clock);
    wall_clock = 0;
    assert_true(sbs_linux_now().utc_s == SBS_UTC_UNKNOWN);
    wall_clock = -1;
}

static void the_clock_goes_on_where_boottime_is_refused(void **state) {
    (void)state;
    no_boottime = true;
    uint64_t first = sbs_linux_now().mono_ms;
    sbs_wait wait = {.timeout_ms = 20, .descriptor = -1};
    assert_int_equal(sbs_linux_wait(&wait), SBS_OK);
    assert_true(sbs_linux_now().mono_ms >= first + 19);
    no_boottime = false;
}

#define WRITES 300

static void *write_over_and_over(void *argument) {
    const char *text = argument; /* it begins with the file's name */
    char path[4096];
    size_t failures = 0;
    (void)snprintf(path, sizeof path, "%s/%.1s", folder, text);
    for (size_t i = 0; i < WRITES; i++) {
        sbs_linux_blob blob = {NULL, 0};
        failures += sbs_linux_file_write(path, text, strlen(text), SBS_LINUX_PRIVATE, true) != SBS_OK;
        failures += sbs_linux_file_read(path, 100, &blob) != SBS_OK || strcmp(blob.data, text) != 0;
        sbs_linux_blob_free(&blob);
    }
    return (void *)(failures == 0 ? text : NULL);
}

static void threads_that_write_do_not_disturb_each_other(void **state) {
    static char texts[2][20] = {"a: the first file", "b: the second file"};
    pthread_t threads[2];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_over_and_over, texts[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_ptr_equal(result, texts[i]);
    }
}

static uint64_t time_of_wait(uint32_t timeout_ms, uint8_t events, int fd, sbs_status expected) {
    sbs_wait wait = {.timeout_ms = timeout_ms, .events = events, .descriptor = fd};
    uint64_t before = sbs_linux_now().mono_ms;
    assert_int_equal(sbs_linux_wait(&wait), expected);
    return sbs_linux_now().mono_ms - before;
}

static void the_wait_ends_with_the_event_or_the_time(void **state) {
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_true(time_of_wait(50, SBS_WAIT_READ, ends[0], SBS_OK) >= 49);
    assert_true(time_of_wait(50, 0, -1, SBS_OK) >= 49);
    assert_true(time_of_wait(20000, SBS_WAIT_WRITE, ends[1], SBS_OK) < 10000);
    assert_true(time_of_wait(SBS_WAIT_FOREVER, SBS_WAIT_WRITE, ends[1], SBS_OK) < 10000);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(time_of_wait(SBS_WAIT_FOREVER, SBS_WAIT_READ, ends[0], SBS_OK) < 10000);
    assert_true(time_of_wait(SBS_WAIT_FOREVER, 0, -1, SBS_OK) < 10000);
    assert_true(time_of_wait(SBS_WAIT_FOREVER, SBS_WAIT_READ, -1, SBS_OK) < 10000);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
    assert_true(time_of_wait(SBS_WAIT_FOREVER, SBS_WAIT_READ, ends[0], SBS_ERR_ARGUMENT) < 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(failures_of_reading_are_told_apart),
        cmocka_unit_test(standard_input_is_a_file_too),
        cmocka_unit_test(written_files_have_their_mode_and_replace_only_if_asked),
        cmocka_unit_test(paths_are_taken_as_they_are),
        cmocka_unit_test(a_pipe_is_written_into_and_not_replaced),
        cmocka_unit_test(the_ca_file_is_found),
        cmocka_unit_test(the_clock_knows_when_it_does_not_know),
        cmocka_unit_test(the_clock_goes_on_where_boottime_is_refused),
        cmocka_unit_test(threads_that_write_do_not_disturb_each_other),
        cmocka_unit_test(the_wait_ends_with_the_event_or_the_time),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
