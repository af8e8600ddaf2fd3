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
        if (written < 0) {
            return errno;
        }
        if (written == 0) {
            return EIO; /* nothing was written and nothing says why: another try would not end */
        }

        at += written;
        len -= (size_t)written;
    }

    return 0;
}

/* A signal may end it on network file systems. No other failure is tried again: the kernel may have dropped the pages
 * that it could not write, and the next fsync would call them safe. */
static int file_sync(int fd) {
    while (fsync(fd) != 0) {
        if (errno != EINTR) {
            return errno;
        }
    }

    return 0;
}

static int file_fill(int fd, const sbs_file_content *content, mode_t mode) {
    if (fchmod(fd, mode) != 0) {
        return errno;
    }

    int error = sbs_write_all(fd, content->head, content->head_len);
    if (error == 0) {
        error = sbs_write_all(fd, content->body, content->body_len);
    }
    if (error != 0) {
        return error;
    }

    return file_sync(fd);
}

static int file_fill_and_close(int fd, const sbs_file_content *content, mode_t mode) {
    int error = file_fill(fd, content, mode);
    if (close(fd) != 0 && error == 0) {
        return errno; /* some file systems tell only here that the disk is full */
    }

    return error;
}

/* A file without a name gets it when it is whole: nothing is left behind if the process ends before. False where the
 * file system or a missing /proc cannot do that. */
static bool file_make_nameless(int folder_fd, const char *name, const sbs_file_content *content, mode_t mode,
                               int *out_error) {
    char path[32];
    int fd = openat(folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }

    *out_error = file_fill(fd, content, mode);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (*out_error == 0 && linkat(AT_FDCWD, path, folder_fd, name, AT_SYMLINK_FOLLOW) != 0) {
        *out_error = errno;
    }
    (void)close(fd); /* fsync has told of every failure */
    return *out_error == 0 || *out_error == EEXIST;
}

/* Some file systems know no exchange with a condition; link() refuses to replace on those that have links. */
static int file_name_new(int folder_fd, const char *temporary, const char *name) {
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

static int file_name(int folder_fd, const char *temporary, const char *name, bool overwrite) {
    if (!overwrite) {
        return file_name_new(folder_fd, temporary, name);
    }
    if (renameat(folder_fd, temporary, folder_fd, name) != 0) {
        return errno;
    }

    return 0;
}

int sbs_sync_folder(int folder_fd) {
    int error = file_sync(folder_fd);
    if (error == EINVAL) {
        return 0; /* a file system that keeps its folders without being asked to, or cannot be asked */
    }

    return error;
}

int sbs_atomic_replace(int folder_fd, const char *name, const char *temporary, const sbs_file_content *content,
                       mode_t mode, bool overwrite) {
    int error = 0;
    if (!overwrite && file_make_nameless(folder_fd, name, content, mode, &error)) {
        if (error != 0) {
            return error;
        }

        return sbs_sync_folder(folder_fd);
    }

    /* What an interrupted write left behind. */
    (void)unlinkat(folder_fd, temporary, 0);
    int fd = openat(folder_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }

    error = file_fill_and_close(fd, content, mode);
    if (error == 0) {
        error = file_name(folder_fd, temporary, name, overwrite);
    }
    if (error != 0) {
        (void)unlinkat(folder_fd, temporary, 0);
        return error;
    }

    /* The new name is there; it outlives a power cut once the folder is on the disk, too. */
    return sbs_sync_folder(folder_fd);
}
