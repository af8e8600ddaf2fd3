/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "test_folder.h"
#include "test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *folder, const char *log, char *const *arguments) {
    int input = open("/dev/null", O_RDONLY);
    if (chdir(folder) != 0 || input < 0 || dup2(input, STDIN_FILENO) < 0) {
        _exit(126);
    }
    int output = open(log != NULL ? log : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
        _exit(126);
    }
    (void)execvp(arguments[0], arguments);
    _exit(127);
}

pid_t test_program_start(const char *folder, const char *log, char *const *arguments) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) {
            _exit(126);
        }
        become(folder, log, arguments);
    }
    assert_true(pid > 0);
    return pid;
}

int test_program_wait(pid_t pid) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* What the script made for all test programs, as SBS_TEST_MADE has it: the name of its folder there is the script's. */
static bool copy_what_was_made(const char *script, char *folder) {
    const char *made = getenv("SBS_TEST_MADE");
    if (made == NULL) {
        return false;
    }
    char *from = NULL;
    assert_true(asprintf(&from, "%s/%s/.", made, script) > 0);

    char *const arguments[] = {"cp", "-Rp", from, folder, NULL};
    bool copied = access(from, R_OK | X_OK) == 0 && test_program_wait(test_program_start("/", NULL, arguments)) == 0;
    free(from);
    return copied;
}

char *test_folder_make(const char *script) {
    const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    char *folder = NULL;
    char *path = NULL;
    assert_true(asprintf(&folder, "%s/sbs-test-XXXXXX", base) > 0);
    assert_non_null(mkdtemp(folder));
    if (script != NULL && !copy_what_was_made(script, folder)) {
        assert_true(asprintf(&path, "%s/support/%s", SBS_TEST_DATA_DIR, script) > 0);
        char *const arguments[] = {path, folder, NULL};
        assert_int_equal(test_program_wait(test_program_start("/", NULL, arguments)), 0);
        free(path);
    }
    return folder;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void test_folder_remove(char *folder) {
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

char *test_folder_load(const char *folder, const char *name, size_t *out_len) {
    char *path = NULL;
    struct stat info;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *text = calloc(1, (size_t)info.st_size + 1);
    assert_non_null(text);
    *out_len = fread(text, 1, (size_t)info.st_size, file);
    assert_int_equal(*out_len, info.st_size);
    assert_int_equal(fclose(file), 0);
    free(path);
    return text;
}
