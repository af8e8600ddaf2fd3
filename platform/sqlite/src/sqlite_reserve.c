/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* fallocate */
/*
 * The reserve: a file beside the queue that takes room while there is some, so that the queue can be opened and drained
 * once other programs have filled the disk. It is given up for that alone. What adds items makes it, and leaves as much
 * as it gave as long as it is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqlite_internal.h"

#define TIGHT (1 << 20) /* bytes: with less than that free it is given up, or with this part of a small disk */
#define TIGHT_PART 32
#define RESERVE_PART 16 /* of the file system, at most */
#define ROOM_FOR_IT 4   /* so many times must it fit before it is made */

static bool name_reserve(const sbs_sqlite_queue *queue, char *out, size_t size) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    return config->reserve_bytes > 0 && config->vfs == NULL &&
           snprintf(out, size, "%s.reserve", config->path) < (int)size;
}

static int64_t reserve_size(const sbs_sqlite_queue *queue, int64_t all) {
    int64_t size = queue->priv.config.reserve_bytes;
    if (size > INT32_MAX) {
        size = INT32_MAX; /* what every system has a size for */
    }
    if (all / RESERVE_PART < size) {
        size = all / RESERVE_PART;
    }
    return size;
}

/* Takes the room without writing it; a file system that cannot do so has no reserve. */
static bool fill_reserve(int fd, const char *path, int64_t size) {
    uid_t owner;
    bool given = geteuid() != 0 ||
                 (sbs_sqlite_queue_owner(path, &owner) == SBS_OK && (owner == 0 || fchown(fd, owner, (gid_t)-1) == 0));
    return given && fallocate(fd, 0, 0, (off_t)size) == 0;
}

static bool make_reserve(const char *name, const char *path, int64_t size) {
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno == EEXIST;
    }

    bool made = fill_reserve(fd, path, size);
    (void)close(fd);
    if (!made) {
        (void)unlink(name);
    }

    return made;
}

void sbs_sqlite_keep_reserve(sbs_sqlite_queue *queue) {
    char name[SQLITE_PATH_SIZE];
    int64_t all;
    if (queue->priv.reserve_asked || queue->priv.config.look_only || !name_reserve(queue, name, sizeof name)) {
        return;
    }

    int64_t unused = sbs_sqlite_free_bytes(queue, &all);
    int64_t size = reserve_size(queue, all);
    queue->priv.reserved = access(name, F_OK) == 0;
    queue->priv.reserve_asked = queue->priv.reserved || unused == INT64_MAX;

    /* Where there is no room the next one who adds looks again; what cannot be made at all is tried once. */
    if (!queue->priv.reserve_asked && unused / ROOM_FOR_IT >= size) {
        queue->priv.reserved = make_reserve(name, queue->priv.config.path, size);
        queue->priv.reserve_asked = true;
    }
}

bool sbs_sqlite_give_reserve(sbs_sqlite_queue *queue) {
    char name[SQLITE_PATH_SIZE];
    struct stat file;
    int64_t all;
    if (queue->priv.config.look_only || !name_reserve(queue, name, sizeof name)) {
        return false;
    }

    /* A folder, or a link, is none of ours. */
    int64_t unused = sbs_sqlite_free_bytes(queue, &all);
    if (unused >= TIGHT || unused >= all / TIGHT_PART || lstat(name, &file) != 0 || !S_ISREG(file.st_mode)) {
        return false;
    }

    queue->priv.reserved = false;
    queue->priv.reserve_asked = false;
    return unlink(name) == 0;
}

int64_t sbs_sqlite_missing_reserve(const sbs_sqlite_queue *queue) {
    int64_t all;
    int64_t unused = sbs_sqlite_free_bytes(queue, &all);
    if (queue->priv.config.reserve_bytes == 0 || queue->priv.reserved || unused == INT64_MAX) {
        return 0;
    }

    return reserve_size(queue, all);
}
