/* SPDX-License-Identifier: Apache-2.0 */
#include "rig_stream.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "sbs/linux_stream.h"
#include "sbs/tls_stream.h"
#include "test.h"
#include "test_folder.h"
#include "tls_fixture.h"

#define LOOPBACK "127.0.0.1"
#define TRIES 3000u /* of 10 ms: a bound on a hang */

/* A program of peers and where they listen. */
typedef struct peers {
    pid_t pid;
    port_stream ports;
} peers;

static peers raw_peers, tls_peers;
static sbs_linux_stream tcp;
static sbs_tls_stream tls;
static sbs_tls_config config;
static char *folder;

static void peers_note(port_stream *ports, const char *name, uint16_t port) {
    const struct {
        const char *name;
        port_peer *peer;
    } all[] = {{"echo", &ports->echo},   {"closes", &ports->closes},      {"breaks", &ports->breaks},
               {"drips", &ports->drips}, {"silent", &ports->silent},      {"refuses", &ports->refuses},
               {"other", &ports->other}, {"untrusted", &ports->untrusted}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].name, name) == 0) {
            *all[i].peer = (port_peer){LOOPBACK, port};
        }
    }
}

/* Reads "NAME PORT" lines up to "ready"; false if they are not there yet. */
static bool peers_read(const char *log, port_stream *ports) {
    char name[32];
    unsigned port;
    bool is_ready = false;
    FILE *file = fopen(log, "r");
    if (file == NULL) {
        return false;
    }

    while (!is_ready && fscanf(file, "%31s", name) == 1) {
        is_ready = strcmp(name, "ready") == 0;
        if (!is_ready && fscanf(file, "%u", &port) == 1) {
            peers_note(ports, name, (uint16_t)port);
        }
    }

    (void)fclose(file);

    return is_ready;
}

static void peers_start(peers *which, const char *log_name, char *certificates) {
    char script[512], log[512];
    (void)snprintf(script, sizeof script, "%s/port/ours/peers.py", SBS_TEST_DATA_DIR);
    (void)snprintf(log, sizeof log, "%s/%s", folder, log_name);
    char python[] = "python3";
    char *arguments[] = {python, script, certificates, NULL};
    which->pid = test_program_start("/", log, arguments);

    unsigned tries = 0;

    while (!peers_read(log, &which->ports)) {
        assert_true(tries++ < TRIES);
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }

    /* No name at all, so that no resolver is asked. */
    which->ports.unknown = (port_peer){"no..name", 443};
}

static void peers_stop(const peers *which) {
    (void)kill(which->pid, SIGKILL);
    (void)waitpid(which->pid, NULL, 0);
}

void rig_stream_start(void) {
    char certificates[512];
    folder = test_folder_make(NULL);
    assert_int_equal(set_up_tls(NULL), 0);
    certificate_path(".", certificates, sizeof certificates);

    peers_start(&raw_peers, "raw.log", NULL);
    peers_start(&tls_peers, "tls.log", certificates);
    tls_peers.ports.untrusted.host = "localhost"; /* the name that its certificate has */
}

void rig_stream_stop(void) {
    peers_stop(&raw_peers);
    peers_stop(&tls_peers);
    (void)tear_down_tls(NULL);
    test_folder_remove(folder);
}

void rig_stream_tcp_open(port_stream *out) {
    *out = raw_peers.ports;
    sbs_linux_stream_init(&tcp, NULL, &out->stream);
}

void rig_stream_tcp_close(void) {
    sbs_linux_stream_deinit(&tcp);
}

void rig_stream_tls_open(port_stream *out) {
    sbs_stream raw;
    *out = tls_peers.ports;
    config.trust = &both;
    sbs_linux_stream_init(&tcp, NULL, &raw);
    assert_int_equal(sbs_tls_stream_init(&tls, &config, &raw, &out->stream), SBS_OK);
}

void rig_stream_tls_close(void) {
    sbs_tls_stream_deinit(&tls);
    sbs_linux_stream_deinit(&tcp);
}
