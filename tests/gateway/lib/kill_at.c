/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD: the process dies by SIGKILL just before its operation number KILL_AT on files below the folder
 * KILL_UNDER: a write, sync, truncation, removal, renaming, or making of a file. KILL_AT=0: it lives. With KILL_COUNT
 * the number of operations stands in that file when the process ends by itself.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static unsigned long done;

static void count(const char *path) {
    const char *under = getenv("KILL_UNDER");
    const char *at = getenv("KILL_AT");
    if (under == NULL || at == NULL || strncmp(path, under, strlen(under)) != 0) {
        return;
    }
    if (++done == strtoul(at, NULL, 10)) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void count_descriptor(int descriptor) {
    char link[64], path[4096];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len > 0) {
        path[len] = '\0';
        count(path);
    }
}

/* @p name as seen from a folder's descriptor. */
static void count_at(int folder, const char *name) {
    if (name[0] == '/') {
        count(name);
    } else if (folder != AT_FDCWD) {
        count_descriptor(folder);
    }
}

__attribute__((destructor)) static void tell(void) {
    const char *path = getenv("KILL_COUNT");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "%lu\n", done);
        (void)fclose(file);
    }
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define WITH_DESCRIPTOR(type, name, parameters, arguments)                                                             \
    type name parameters {                                                                                             \
        count_descriptor(descriptor);                                                                                  \
        return REAL(name) arguments;                                                                                   \
    }

WITH_DESCRIPTOR(ssize_t, write, (int descriptor, const void *data, size_t len), (descriptor, data, len))
WITH_DESCRIPTOR(ssize_t, pwrite, (int descriptor, const void *data, size_t len, off_t at), (descriptor, data, len, at))
WITH_DESCRIPTOR(ssize_t, pwrite64, (int descriptor, const void *data, size_t len, off64_t at),
                (descriptor, data, len, at))
WITH_DESCRIPTOR(int, fsync, (int descriptor), (descriptor))
WITH_DESCRIPTOR(int, fdatasync, (int descriptor), (descriptor))
WITH_DESCRIPTOR(int, ftruncate, (int descriptor, off_t len), (descriptor, len))
WITH_DESCRIPTOR(int, ftruncate64, (int descriptor, off64_t len), (descriptor, len))
WITH_DESCRIPTOR(int, posix_fallocate, (int descriptor, off_t at, off_t len), (descriptor, at, len))
WITH_DESCRIPTOR(int, posix_fallocate64, (int descriptor, off64_t at, off64_t len), (descriptor, at, len))

int unlink(const char *path) {
    count(path);
    return REAL(unlink)(path);
}

int unlinkat(int folder, const char *name, int flags) {
    count_at(folder, name);
    return REAL(unlinkat)(folder, name, flags);
}

int rename(const char *from, const char *to) {
    count(to);
    return REAL(rename)(from, to);
}

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    count_at(to_folder, to);
    return REAL(renameat)(from_folder, from, to_folder, to);
}

int mkdir(const char *path, mode_t mode) {
    count(path);
    return REAL(mkdir)(path, mode);
}

static mode_t mode_of(int flags, va_list rest) {
    return (flags & O_CREAT) != 0 ? va_arg(rest, mode_t) : 0;
}

#define OPENING(name)                                                                                                  \
    int name(const char *path, int flags, ...) {                                                                       \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = mode_of(flags, rest);                                                                            \
        va_end(rest);                                                                                                  \
        if ((flags & O_CREAT) != 0) {                                                                                  \
            count(path);                                                                                               \
        }                                                                                                              \
        return REAL(name)(path, flags, mode);                                                                          \
    }

#define OPENING_AT(name)                                                                                               \
    int name(int folder, const char *path, int flags, ...) {                                                           \
        va_list rest;                                                                                                  \
        va_start(rest, flags);                                                                                         \
        mode_t mode = mode_of(flags, rest);                                                                            \
        va_end(rest);                                                                                                  \
        if ((flags & O_CREAT) != 0) {                                                                                  \
            count_at(folder, path);                                                                                    \
        }                                                                                                              \
        return REAL(name)(folder, path, flags, mode);                                                                  \
    }

OPENING(open)
OPENING(open64)
OPENING_AT(openat)
OPENING_AT(openat64)
