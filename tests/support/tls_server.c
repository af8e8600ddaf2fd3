/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tls_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"
#include "test_folder.h"

#define ARGUMENTS_MAX 32
#define OWN_ARGUMENTS 4u

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

/* The server chooses a free port and tells it when it listens. */
static unsigned wait_for_port(const char *log) {
    unsigned port = 0;
    for (int i = 0; i < 3000 && port == 0; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        port = port_in(log);
    }
    assert_true(port > 0 && port <= 65535);
    return port;
}

void tls_server_start(tls_server *server, const char *folder, const char *const *arguments) {
    char *all[ARGUMENTS_MAX] = {"openssl", "s_server", "-accept", "127.0.0.1:0"};
    char *log = NULL;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert_true(i + OWN_ARGUMENTS < ARGUMENTS_MAX - 1);
        all[i + OWN_ARGUMENTS] = strdup(arguments[i]);
    }
    assert_true(asprintf(&log, "%s/server.log", folder) > 0);
    (void)unlink(log);
    server->pid = test_program_start(folder, log, all);
    server->port = (uint16_t)wait_for_port(log);
    for (size_t i = OWN_ARGUMENTS; all[i] != NULL; i++) {
        free(all[i]);
    }
    free(log);
}

void tls_server_stop(tls_server *server) {
    if (server->pid > 0) {
        (void)kill(server->pid, SIGKILL);
        (void)waitpid(server->pid, NULL, 0);
        server->pid = 0;
    }
}
