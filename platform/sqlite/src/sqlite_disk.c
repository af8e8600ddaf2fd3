/* SPDX-License-Identifier: Apache-2.0 */
/* How much room the disk has for the queue. */
#include <sys/statvfs.h>

#include "sqlite_internal.h"

#define RESERVE (4 << 20) /* bytes that adding leaves: a large group, twice */
#define RESERVE_PART 8    /* of the file system, at most */

int64_t sbs_sqlite_log_size(const sbs_sqlite_queue *queue) {
    sqlite3_file *file = NULL;
    sqlite3_int64 size = 0;
    if (queue->priv.db == NULL) {
        return 0;
    }

    (void)sqlite3_file_control(queue->priv.db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
    if (file == NULL || file->pMethods == NULL || file->pMethods->xFileSize(file, &size) != SQLITE_OK) {
        return 0;
    }

    return size;
}

int64_t sbs_sqlite_spare_bytes(const sbs_sqlite_queue *queue) {
    struct statvfs disk;
    if (queue->priv.config.vfs != NULL || statvfs(queue->priv.config.path, &disk) != 0) {
        return INT64_MAX;
    }

    /* Some file systems tell no size, or one that is none. */
    uint64_t block = disk.f_frsize;
    if (block == 0 || disk.f_blocks == 0 || disk.f_blocks > (uint64_t)INT64_MAX / block) {
        return INT64_MAX;
    }

    int64_t reserve = RESERVE;
    int64_t part = (int64_t)(disk.f_blocks / RESERVE_PART * block);
    if (part < reserve) {
        reserve = part;
    }

    return (int64_t)(disk.f_bavail * block) - reserve - sbs_sqlite_log_size(queue);
}

void sbs_sqlite_note_full(sbs_sqlite_queue *queue) {
    queue->priv.full = true;
    queue->priv.full_told = sbs_sqlite_spare_bytes(queue) < 0;
}
