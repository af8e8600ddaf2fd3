/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pusher at a time. The lock is on a file of its own beside the queue, because the queue's file may be replaced
 * under who pushes. It is never removed: who waits for it and who makes a new one would hold two. Its time is that of
 * the last note.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sqlite_internal.h"

#define NOTE_SIZE 1 /* bytes: one was written */

/* What the superuser makes beside the queue of another is given to that one. A file that is linked elsewhere, or has
 * content, is not of that kind. */
static bool give_to_owner(int fd, uid_t owner) {
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        return false;
    }

    /* It is right as it is, unless the superuser has just made it. */
    if (geteuid() != 0 || file.st_uid == owner) {
        return true;
    }

    return file.st_nlink == 1 && file.st_size <= NOTE_SIZE && fchown(fd, owner, (gid_t)-1) == 0;
}

static bool is_of_another(int fd, uid_t owner) {
    struct stat file;
    return fstat(fd, &file) == 0 && file.st_uid != owner && file.st_uid != 0;
}

/* How long ago the last pusher noted itself; UINT64_MAX: none ever did. A time that lies ahead is from another clock
 * and counts as now. */
static uint64_t idle_ms(int fd) {
    struct stat file;
    struct timespec now;
    if (fstat(fd, &file) != 0 || file.st_size == 0 || clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return UINT64_MAX;
    }

    /* In milliseconds of the wall clock: the note may be from before the last start of the machine. */
    int64_t age_ms =
        ((int64_t)now.tv_sec - file.st_mtim.tv_sec) * 1000 + (now.tv_nsec - file.st_mtim.tv_nsec) / 1000000;
    if (age_ms < 0) {
        return 0;
    }

    return (uint64_t)age_ms;
}

static sbs_status open_lock(const char *path, uid_t owner, int *out_fd) {
    char name[SQLITE_PATH_SIZE];
    if (snprintf(name, sizeof name, "%s.lock", path) >= (int)sizeof name) {
        return SBS_ERR_ARGUMENT;
    }

    int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) {
        if (errno == EACCES) {
            return SBS_ERR_FORBIDDEN;
        }
        return SBS_ERR_STORAGE;
    }

    /* Who made it in a folder of many could lock everybody out. */
    if (is_of_another(fd, owner)) {
        (void)close(fd);
        errno = EPERM;
        return SBS_ERR_FORBIDDEN;
    }

    /* Else the owner could not push any more once the superuser did. */
    if (!give_to_owner(fd, owner)) {
        (void)close(fd);
        return SBS_ERR_STORAGE;
    }

    *out_fd = fd;
    return SBS_OK;
}

sbs_status sbs_sqlite_queue_lock_pusher(sbs_sqlite_pusher *pusher, const char *path, uint64_t *out_idle_ms) {
    uid_t owner;
    sbs_status status = sbs_sqlite_queue_owner(path, &owner);
    if (status != SBS_OK) {
        return status;
    }
    if (owner != geteuid() && geteuid() != 0) {
        return SBS_ERR_FORBIDDEN; /* a lock of ours would lock its owner out */
    }

    int fd = -1;
    status = open_lock(path, owner, &fd);
    if (status != SBS_OK) {
        return status;
    }

    /* It is not waited for: who has it may push for hours. */
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        status = SBS_ERR_STORAGE;
        if (errno == EWOULDBLOCK) {
            status = SBS_ERR_BUSY;
        }
        (void)close(fd);
        return status;
    }

    /* Now it is ours. */
    if (out_idle_ms != NULL) {
        *out_idle_ms = idle_ms(fd);
    }

    sbs_sqlite_queue_unlock_pusher(pusher);
    pusher->priv.lock = fd + 1;
    return SBS_OK;
}

void sbs_sqlite_queue_touch_pusher(const sbs_sqlite_pusher *pusher) {
    if (pusher->priv.lock > 0) {
        ssize_t written = pwrite(pusher->priv.lock - 1, "\n", NOTE_SIZE, 0);
        (void)written; /* a note that fails costs a little waiting */
    }
}

void sbs_sqlite_queue_unlock_pusher(sbs_sqlite_pusher *pusher) {
    if (pusher->priv.lock > 0) {
        (void)close(pusher->priv.lock - 1);
    }
    pusher->priv.lock = 0;
}
