/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* renameat2, O_TMPFILE */
#include "atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int sbs_write_all(int fd, const void *data, size_t len) {
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t written = write(fd, at, len);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? errno : EIO;
        }
        at += written;
        len -= (size_t)written;
    }
    return 0;
}

static int fill(int fd, const sbs_file_content *content, mode_t mode) {
    int error = fchmod(fd, mode) == 0 ? 0 : errno;
    if (error == 0) {
        error = sbs_write_all(fd, content->head, content->head_len);
    }
    if (error == 0) {
        error = sbs_write_all(fd, content->body, content->body_len);
    }
    if (error == 0 && fsync(fd) != 0) {
        error = errno;
    }
    return error;
}

static int fill_and_close(int fd, const sbs_file_content *content, mode_t mode) {
    int error = fill(fd, content, mode);
    return close(fd) != 0 && error == 0 ? errno : error;
}

/* A file without a name gets it when it is whole: nothing is left behind if the process ends before. False where the
 * file system or a missing /proc cannot do that. */
static bool make_nameless(int folder_fd, const char *name, const sbs_file_content *content, mode_t mode,
                          int *out_error) {
    char path[32];
    int fd = openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    *out_error = fill(fd, content, mode);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (*out_error == 0 && linkat(AT_FDCWD, path, folder_fd, name, AT_SYMLINK_FOLLOW) != 0) {
        *out_error = errno;
    }
    (void)close(fd); /* fsync has told of every failure */
    return *out_error == 0 || *out_error == EEXIST;
}

/* Some file systems know no exchange with a condition; link() refuses to replace on those that have links. */
static int put_new_in_place(int folder_fd, const char *temporary, const char *name) {
    if (renameat2(folder_fd, temporary, folder_fd, name, RENAME_NOREPLACE) == 0) {
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return errno;
    }
    if (linkat(folder_fd, temporary, folder_fd, name, 0) != 0) {
        return errno;
    }
    (void)unlinkat(folder_fd, temporary, 0);
    return 0;
}

static int put_in_place(int folder_fd, const char *temporary, const char *name, bool overwrite) {
    if (!overwrite) {
        return put_new_in_place(folder_fd, temporary, name);
    }
    return renameat(folder_fd, temporary, folder_fd, name) == 0 ? 0 : errno;
}

int sbs_sync_folder(int folder_fd) {
    /* EINVAL: a file system that keeps its folders without being asked to, or cannot be asked. */
    return fsync(folder_fd) == 0 || errno == EINVAL ? 0 : errno;
}

int sbs_atomic_replace(int folder_fd, const char *name, const char *temporary, const sbs_file_content *content,
                       mode_t mode, bool overwrite) {
    int error = 0;
    if (!overwrite && make_nameless(folder_fd, name, content, mode, &error)) {
        return error != 0 ? error : sbs_sync_folder(folder_fd);
    }
    /* What an interrupted write left behind. */
    (void)unlinkat(folder_fd, temporary, 0);
    int fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    error = fill_and_close(fd, content, mode);
    if (error == 0) {
        error = put_in_place(folder_fd, temporary, name, overwrite);
    }
    if (error != 0) {
        (void)unlinkat(folder_fd, temporary, 0);
        return error;
    }
    return sbs_sync_folder(folder_fd);
}
