/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tls_server.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGUMENTS_MAX 32

static pid_t start_program(const char *folder, const char *log, char *const *arguments) {
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int input = open("/dev/null", O_RDONLY);
    if (getppid() != parent || chdir(folder) != 0 || input < 0 || dup2(input, STDIN_FILENO) < 0) {
        _exit(126);
    }
    if (log != NULL) {
        int output = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
            _exit(126);
        }
    }
    (void)execvp(arguments[0], arguments);
    _exit(127);
}

char *tls_certificates_make(void) {
    const char *base = getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    char *folder = NULL;
    int status = -1;
    assert_true(asprintf(&folder, "%s/sbs-tls-XXXXXX", base) > 0);
    assert_non_null(mkdtemp(folder));
    char script[] = SBS_TEST_DATA_DIR "/support/make_certificates.sh";
    char *const arguments[] = {script, folder, NULL};
    pid_t pid = start_program("/", NULL, arguments);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return folder;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void tls_certificates_remove(char *folder) {
    (void)nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

static unsigned port_in(const char *path) {
    char line[256];
    unsigned port = 0;
    FILE *log = fopen(path, "r");
    while (log != NULL && port == 0 && fgets(line, sizeof line, log) != NULL) {
        (void)sscanf(line, "ACCEPT 127.0.0.1:%u", &port);
    }
    if (log != NULL) {
        (void)fclose(log);
    }
    return port;
}

void tls_server_start(tls_server *server, const char *folder, const char *const *arguments) {
    char *all[ARGUMENTS_MAX] = {"openssl", "s_server", "-accept", "127.0.0.1:0"};
    char log[4096];
    unsigned port = 0;
    for (size_t i = 0, count = 4; arguments[i] != NULL; ++i, ++count) {
        assert_true(count < ARGUMENTS_MAX - 1);
        all[count] = strdup(arguments[i]);
    }
    assert_true(snprintf(log, sizeof log, "%s/server.log", folder) < (int)sizeof log);
    (void)unlink(log);
    server->pid = start_program(folder, log, all);
    for (int i = 0; i < 1000 && port == 0; ++i) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        port = port_in(log);
    }
    for (size_t i = 4; all[i] != NULL; ++i) {
        free(all[i]);
    }
    assert_true(port > 0 && port <= 65535);
    server->port = (uint16_t)port;
}

void tls_server_stop(tls_server *server) {
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}
