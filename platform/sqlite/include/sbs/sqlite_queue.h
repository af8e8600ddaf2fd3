/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sqlite_queue.h
 * The durable queue (queue.h) in an SQLite database, for Linux: a gateway pushes while other programs append.
 *
 * - Every operation is one transaction in the write-ahead log with synchronous=FULL: durable when it returns. Several
 *   may be grouped between sbs_sqlite_queue_begin() and _commit(); they are durable when the latter returns.
 * - Any number of processes may have the file open. Within a process one sbs_sqlite_queue may be used by all threads.
 * - The files (FILE, FILE-wal, FILE-shm) have mode 0600. Settled items are overwritten with zeros in the database
 *   (secure_delete). The log beside it is cut to nothing when no item waits any more and when the queue is closed,
 * unless another process is using it just then; what the medium keeps of the blocks is not overwritten.
 * - Each item has a checksum. A file that SQLite finds damaged is set aside with all its data as
 *   FILE.damaged-YYYYMMDDTHHMMSSZ, what can still be read of it is taken over into a new file, and the program can ask
 *   whether that happened.
 * - Dead items are kept as dead letters: for a time, and as long as the bytes are not needed for new items.
 *
 * PRAGMA application_id is 0x73627351 ("sbsQ"), user_version the version of the schema (sqlite_schema.h).
 */
#ifndef SBS_SQLITE_QUEUE_H
#define SBS_SQLITE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>

#include "sbs/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_stmt;

/** Version of the schema; a file of a newer one is refused and left as it is, older ones will always be read. */
#define SBS_SQLITE_QUEUE_VERSION 1

#define SBS_SQLITE_STATEMENTS 32 /**< room for prepared statements */

/** What append() does when the queue is full. */
typedef enum sbs_sqlite_policy {
    SBS_SQLITE_REFUSE,     /**< SBS_ERR_BUFFER */
    SBS_SQLITE_DROP_OLDEST /**< gives up the oldest unsettled items, counted as dropped */
} sbs_sqlite_policy;

/** Zero means the default. What it points to must outlive the queue. */
typedef struct sbs_sqlite_queue_config {
    const char *path;
    sbs_sqlite_policy policy;
    uint32_t items_max;        /**< unsettled items; default 1 000 000 */
    uint64_t bytes_max;        /**< of all items together, dead ones too; default 1 GiB */
    uint32_t item_max;         /**< bytes of one item; default 16 MiB, at most 256 MiB */
    uint32_t dead_keep_s;      /**< how long dead letters are kept; default 30 days, UINT32_MAX: without limit */
    uint32_t busy_ms;          /**< longest wait for another process; default 5 000 */
    uint32_t checkpoint_pages; /**< the log is written back after so many pages of 4 KiB; default 1 000 */
    /** The time for dead letters, or SBS_UTC_UNKNOWN. NULL: they have none and are kept without limit of time. */
    int64_t (*utc_now)(void *ctx);
    void *utc_ctx;
    const char *vfs; /**< name of a registered SQLite VFS; NULL: the system's. Files of others are not set aside. */
} sbs_sqlite_queue_config;

/** A dead letter. */
typedef struct sbs_sqlite_dead {
    sbs_queue_item item;
    int64_t utc_s; /**< when it was set aside, or SBS_UTC_UNKNOWN */
    char reason[SBS_QUEUE_REASON_SIZE];
} sbs_sqlite_dead;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_sqlite_queue {
    struct {
        struct sqlite3 *db;
        struct sqlite3_stmt *statements[SBS_SQLITE_STATEMENTS];
        sbs_sqlite_queue_config config;
        pthread_mutex_t lock;
        bool open, grouped;
        bool erased;     /* an item was deleted since the log was cleared */
        bool damaged;    /* SQLite said so; the file is to be set aside */
        int error;       /* SQLite's extended code of the last failure */
        char *set_aside; /* path of a damaged file, or NULL */
        uint64_t kept;   /* items taken over from it */
    } priv;
} sbs_sqlite_queue;

/**
 * Opens the queue in config->path, which is made if it is missing, and deletes dead letters whose time is over.
 * @return SBS_OK; SBS_ERR_ARGUMENT; SBS_ERR_VERSION (a newer program's file: untouched); SBS_ERR_FORMAT (something
 * else's file: untouched); SBS_ERR_MEMORY; SBS_ERR_STORAGE. After an error nothing needs to be closed.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_open(sbs_sqlite_queue *queue, const sbs_sqlite_queue_config *config,
                                               sbs_queue *out_queue);

/** Closes the file; a group that was not committed is undone. Legal after a failed open, and twice. */
void sbs_sqlite_queue_close(sbs_sqlite_queue *queue);

/**
 * The port's semantics and errors are those of queue.h, and:
 * - append(): SBS_ERR_STORAGE also if the disk is full, another process held the file for longer than busy_ms, or the
 *   file was moved away. An append that failed because the disk did may come back if the power goes in that moment.
 * - next(): a damaged item becomes a dead letter with the reason "damaged".
 * - read(): dead items can be read too.
 * - settle(): SBS_ERR_ARGUMENT if the reason does not fit.
 */

/**
 * Starts a group: the operations until sbs_sqlite_queue_commit() are done together or not at all, and no other thread
 * or process writes meanwhile. SBS_ERR_STATE if one is under way; SBS_ERR_STORAGE; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_begin(sbs_sqlite_queue *queue);

/** Ends the group durably. On an error none of it was done. SBS_ERR_STATE without a group. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_commit(sbs_sqlite_queue *queue);

/** Ends the group undone. */
void sbs_sqlite_queue_undo(sbs_sqlite_queue *queue);

/** What identifies an item that has no identifier: a random number made with the file, and the id that the next
 * append() in the same group will give. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_next_id(sbs_sqlite_queue *queue, uint64_t *out_epoch, uint64_t *out_id);

/** The dead letter with the smallest id above @p after (0: the first). SBS_ERR_NOT_FOUND at the end. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_dead(sbs_sqlite_queue *queue, uint64_t after, sbs_sqlite_dead *out_dead);

/**
 * Puts a dead letter back among the items to send, under its old id. What was set aside at its first attempt counts as
 * never tried, so that "already there" is again told as a possible collision. Counters: `dead` stays.
 * SBS_ERR_NOT_FOUND; SBS_ERR_DAMAGED if its checksum is wrong; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_retry(sbs_sqlite_queue *queue, uint64_t id);

/** Deletes a dead letter. SBS_ERR_NOT_FOUND; SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_remove_dead(sbs_sqlite_queue *queue, uint64_t id);

/** Where a damaged file was set aside since the queue was opened, and how many items could be taken over from it; NULL
 * if none was. Valid until the queue is closed. */
const char *sbs_sqlite_queue_set_aside(const sbs_sqlite_queue *queue, uint64_t *out_kept);

/** SQLite's words for the last failure, "" if there was none. They hold nothing of an item. Static. */
const char *sbs_sqlite_queue_error(const sbs_sqlite_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
