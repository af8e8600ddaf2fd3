/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* ppoll() */
#include "gateway_senses.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 4096u
#define READS_MAX 16u /* of one descriptor in a turn */

static int senses_open_signals(void) {
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The folder, as the log comes and goes. */
static int senses_open_files(const char *folder) {
    int files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (files >= 0 && inotify_add_watch(files, folder, IN_MODIFY) < 0) {
        (void)close(files);
        return -1;
    }
    return files;
}

static int senses_open_network(void) {
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;

    int network = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (network >= 0 && bind(network, (const struct sockaddr *)&address, sizeof address) != 0) {
        (void)close(network);
        return -1;
    }
    return network;
}

void gateway_senses_open(gateway_senses *senses, const char *folder) {
    senses->signals = senses_open_signals();
    senses->files = senses_open_files(folder);
    senses->network = senses_open_network();
}

void gateway_senses_close(gateway_senses *senses) {
    const int descriptors[] = {senses->signals, senses->files, senses->network};
    for (size_t i = 0; i < sizeof descriptors / sizeof descriptors[0]; i++) {
        if (descriptors[i] >= 0) {
            (void)close(descriptors[i]);
        }
    }
    *senses = (gateway_senses){-1, -1, -1};
}

/* ---- what came -------------------------------------------------------------------------------------------------- */

static void senses_read_signals(int descriptor, gateway_sensed *out) {
    struct signalfd_siginfo info;
    while (read(descriptor, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            out->reload = true;
        } else {
            out->stop = true;
        }
    }
}

/* True if a file whose name ends so was written. */
static bool senses_read_files(int descriptor, const char *ending) {
    _Alignas(struct inotify_event) char buffer[READ_SIZE];
    bool found = false;

    for (unsigned reads = 0; reads < READS_MAX; reads++) {
        ssize_t len = read(descriptor, buffer, sizeof buffer);
        if (len <= 0) {
            break;
        }

        for (size_t at = 0; at + sizeof(struct inotify_event) <= (size_t)len;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)(buffer + at);
            size_t name = event->len > 0 ? strlen(event->name) : 0;
            size_t end = strlen(ending);
            found |=
                (event->mask & IN_Q_OVERFLOW) != 0 || (name >= end && strcmp(event->name + name - end, ending) == 0);
            at += sizeof *event + event->len;
        }
    }

    return found;
}

static bool senses_read_network(int descriptor) {
    char buffer[READ_SIZE];
    bool found = false;

    for (unsigned reads = 0; reads < READS_MAX; reads++) {
        ssize_t len = recv(descriptor, buffer, sizeof buffer, MSG_TRUNC);
        if (len < 0 && errno != ENOBUFS) {
            break;
        }
        found = true;
    }

    return found;
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static void senses_add(struct pollfd *entries, size_t *inout_count, int descriptor, short events) {
    if (descriptor >= 0 && events != 0) {
        entries[(*inout_count)++] = (struct pollfd){.fd = descriptor, .events = events};
    }
}

static bool senses_came(const struct pollfd *entries, size_t count, int descriptor) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].fd == descriptor && entries[i].revents != 0) {
            return true;
        }
    }
    return false;
}

void gateway_senses_wait(gateway_senses *senses, const sbs_wait *waits, size_t count, gateway_sensed *out) {
    struct pollfd entries[GATEWAY_WAITS_MAX + 3];
    size_t used = 0;
    uint32_t limit_ms = SBS_WAIT_FOREVER;
    *out = (gateway_sensed){0};

    senses_add(entries, &used, senses->signals, POLLIN);
    senses_add(entries, &used, senses->files, POLLIN);
    senses_add(entries, &used, senses->network, POLLIN);
    for (size_t i = 0; i < count && i < GATEWAY_WAITS_MAX; i++) {
        short events = 0;
        events = (short)(events | ((waits[i].events & SBS_WAIT_READ) != 0 ? POLLIN : 0));
        events = (short)(events | ((waits[i].events & SBS_WAIT_WRITE) != 0 ? POLLOUT : 0));
        senses_add(entries, &used, waits[i].descriptor, events);
        limit_ms = waits[i].timeout_ms < limit_ms ? waits[i].timeout_ms : limit_ms;
    }

    int limit = limit_ms > (uint32_t)INT_MAX ? INT_MAX : (int)limit_ms;
    if (poll(entries, used, limit) <= 0) {
        return;
    }

    for (size_t i = 0; i < count && i < GATEWAY_WAITS_MAX; i++) {
        if (waits[i].descriptor >= 0 && senses_came(entries, used, waits[i].descriptor)) {
            out->ready |= 1u << i;
        }
    }

    if (senses_came(entries, used, senses->signals)) {
        senses_read_signals(senses->signals, out);
    }
    if (senses_came(entries, used, senses->files)) {
        out->files = senses_read_files(senses->files, "-wal");
    }
    if (senses_came(entries, used, senses->network)) {
        out->network = senses_read_network(senses->network);
    }
}

bool gateway_senses_linger(const sbs_wait *wait, uint64_t micros) {
    struct pollfd entry = {.fd = wait->descriptor, .events = POLLIN};
    const struct timespec limit = {.tv_sec = 0, .tv_nsec = (long)micros * 1000};
    return wait->descriptor >= 0 && ppoll(&entry, 1, &limit, NULL) > 0;
}
