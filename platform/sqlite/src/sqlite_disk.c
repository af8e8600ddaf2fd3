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

int64_t sbs_sqlite_free_bytes(const sbs_sqlite_queue *queue, int64_t *out_all) {
    struct statvfs disk;
    *out_all = INT64_MAX;
    if (queue->priv.config.vfs != NULL || statvfs(queue->priv.config.path, &disk) != 0) {
        return INT64_MAX;
    }

    /* Some file systems tell no size, or one that is none. */
    uint64_t block = disk.f_frsize;
    if (block == 0 || disk.f_blocks == 0 || disk.f_blocks > (uint64_t)INT64_MAX / block ||
        disk.f_bavail > disk.f_blocks) {
        return INT64_MAX;
    }

    *out_all = (int64_t)(disk.f_blocks * block);
    return (int64_t)(disk.f_bavail * block);
}

int64_t sbs_sqlite_spare_bytes(const sbs_sqlite_queue *queue) {
    int64_t all;
    int64_t unused = sbs_sqlite_free_bytes(queue, &all);
    if (unused == INT64_MAX) {
        return INT64_MAX;
    }

    int64_t reserve = RESERVE;
    int64_t part = all / RESERVE_PART;
    if (part < reserve) {
        reserve = part;
    }

    return unused - reserve - sbs_sqlite_log_size(queue);
}

sbs_status sbs_sqlite_queue_check_disk(const sbs_sqlite_queue *queue, uint64_t keep_free, uint64_t *out_free) {
    int64_t all;
    int64_t unused = sbs_sqlite_free_bytes(queue, &all);
    bool known = unused != INT64_MAX;
    if (out_free != NULL) {
        *out_free = known ? (uint64_t)unused : UINT64_MAX;
    }

    if (known && (uint64_t)unused < keep_free) {
        return SBS_ERR_BUFFER;
    }

    return SBS_OK;
}

void sbs_sqlite_note_full(sbs_sqlite_queue *queue) {
    queue->priv.full = true;
    queue->priv.full_told = sbs_sqlite_spare_bytes(queue) < 0;
}
