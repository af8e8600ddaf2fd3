/* SPDX-License-Identifier: Apache-2.0 */
#include "resolution.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sbs/config.h"

/* Owned by the stream and the thread together; the one who lets go last frees it. */
struct sbs_linux_resolution {
    atomic_int owners;
    atomic_bool done;
    int event_fd;
    int code; /* of getaddrinfo; valid once done */
    struct addrinfo *list;
    char host[SBS_HOST_SIZE];
    char service[6];
};

/* A getaddrinfo() that hangs cannot be stopped, only waited for: so many of them at a time, in all the process. */
#define THREADS_MAX 16
static atomic_int threads;

static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};

static void resolution_finish(struct sbs_linux_resolution *resolution, int code) {
    uint64_t one = 1;
    resolution->code = code;
    atomic_store(&resolution->done, true);

    /* An eventfd's first write cannot fail: there is room for it. */
    ssize_t written = write(resolution->event_fd, &one, sizeof one);
    (void)written;
}

static void *resolution_run(void *argument) {
    struct sbs_linux_resolution *resolution = argument;
    int code = getaddrinfo(resolution->host, resolution->service, &hints, &resolution->list);

    resolution_finish(resolution, code);
    atomic_fetch_sub(&threads, 1);
    sbs_resolution_release(resolution);
    return NULL;
}

/* The thread takes no signals: handlers run where the program expects them. */
static bool thread_start(struct sbs_linux_resolution *resolution) {
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    if (pthread_attr_init(&attributes) != 0) {
        return false;
    }

    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);

    /* The thread's share is taken first: it may be over before pthread_create returns. */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    atomic_fetch_add(&resolution->owners, 1);
    int error = pthread_create(&thread, &attributes, resolution_run, resolution);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attributes);

    /* No thread came that would let go of it. */
    if (error != 0) {
        atomic_fetch_sub(&resolution->owners, 1);
    }
    return error == 0;
}

static bool thread_start_counted(struct sbs_linux_resolution *resolution) {
    if (atomic_fetch_add(&threads, 1) < THREADS_MAX && thread_start(resolution)) {
        return true;
    }

    atomic_fetch_sub(&threads, 1);
    return false;
}

static bool resolution_take_literal(struct sbs_linux_resolution *resolution) {
    struct addrinfo numeric = hints;

    numeric.ai_flags |= AI_NUMERICHOST;
    if (getaddrinfo(resolution->host, resolution->service, &numeric, &resolution->list) != 0) {
        resolution->list = NULL;
        return false; /* a name, which takes time */
    }

    resolution_finish(resolution, 0);
    return true;
}

static void service_put_port(char service[6], uint16_t port) {
    char digits[6];
    size_t count = 0;

    for (unsigned rest = port; rest != 0; rest /= 10) {
        digits[count++] = (char)('0' + rest % 10);
    }

    for (size_t i = 0; i < count; i++) {
        service[i] = digits[count - 1 - i];
    }
    service[count] = '\0';
}

sbs_status sbs_resolution_start(const char *host, uint16_t port, struct sbs_linux_resolution **out_resolution) {
    size_t len = strlen(host);
    *out_resolution = NULL;
    if (len >= SBS_HOST_SIZE) {
        errno = ENAMETOOLONG;
        return SBS_ERR_RESOLVE;
    }

    struct sbs_linux_resolution *resolution = calloc(1, sizeof *resolution);
    if (resolution == NULL) {
        return SBS_ERR_MEMORY;
    }

    memcpy(resolution->host, host, len + 1);
    service_put_port(resolution->service, port);
    atomic_init(&resolution->owners, 1);
    atomic_init(&resolution->done, false);

    resolution->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (resolution->event_fd < 0 || (!resolution_take_literal(resolution) && !thread_start_counted(resolution))) {
        sbs_resolution_release(resolution);
        return SBS_ERR_MEMORY;
    }

    *out_resolution = resolution;
    return SBS_OK;
}

int sbs_resolution_descriptor(const struct sbs_linux_resolution *resolution) {
    return resolution->event_fd;
}

sbs_status sbs_resolution_result(struct sbs_linux_resolution *resolution, const struct addrinfo **out_list,
                                 int32_t *out_code) {
    if (!atomic_load(&resolution->done)) {
        return SBS_PENDING;
    }

    *out_list = resolution->list;
    *out_code = resolution->code;
    if (resolution->code == 0) {
        return SBS_OK;
    }

    if (resolution->code == EAI_MEMORY) {
        return SBS_ERR_MEMORY;
    }

    return SBS_ERR_RESOLVE;
}

void sbs_resolution_release(struct sbs_linux_resolution *resolution) {
    if (resolution == NULL || atomic_fetch_sub(&resolution->owners, 1) != 1) {
        return;
    }

    if (atomic_load(&resolution->done) && resolution->list != NULL) {
        freeaddrinfo(resolution->list);
    }
    if (resolution->event_fd >= 0) { /* -1 where there was none to be had */
        (void)close(resolution->event_fd);
    }
    free(resolution);
}
