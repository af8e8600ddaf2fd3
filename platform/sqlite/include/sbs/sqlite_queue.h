/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sqlite_queue.h
 * The durable queue (queue.h) in an SQLite database, for Linux: a gateway pushes while other programs append.
 *
 * - Every operation is one transaction in the write-ahead log with synchronous=FULL: durable when it returns. Several
 *   may be grouped between sbs_sqlite_queue_begin() and _commit(); they are durable when the latter returns.
 * - Any number of processes may have the file open; sbs_sqlite_pusher keeps the pushing to one of them. Within a
 *   process one sbs_sqlite_queue may be used by all threads.
 * - The files (FILE, FILE-wal, FILE-shm) have mode 0600 and belong to one user. Settled items are overwritten with
 *   zeros in the database (secure_delete). The log beside it is cut to nothing when no item waits any more and when the
 *   queue is closed (but see config.keep_log), unless another process is using it just then; what the medium keeps of
 *   the blocks is not overwritten. Space that is free is given back, a part at a time, when no item waits.
 * - Each item has a checksum. A file that SQLite finds damaged is set aside with all its data as
 *   FILE.damaged-YYYYMMDDTHHMMSSZ, what can still be read of it is taken over into a new file, and the program can ask
 *   whether that happened. An empty file is a new queue, unless its log or the note of a pusher is still beside it:
 * then it was one that lost its content, which is told in the same way.
 * - Dead items are kept as dead letters: for a time, and as long as the bytes are not needed for new items.
 * - What was added with an identity is remembered while it is there and for a time after its delivery, so that the same
 *   again is told as a repeat.
 *
 * PRAGMA application_id is 0x73627351 ("sbsQ"), user_version the version of the schema (sqlite_schema.h).
 */
#ifndef SBS_SQLITE_QUEUE_H
#define SBS_SQLITE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "sbs/queue.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sqlite3;
struct sqlite3_stmt;

/** Version of the schema. A file of a newer one is refused and left as it is. One of version 1 is brought to this one
 * when it is opened, in one transaction; older programs refuse it from then on. */
#define SBS_SQLITE_QUEUE_VERSION 2

#define SBS_SQLITE_STATEMENTS 64    /**< room for prepared statements */
#define SBS_SQLITE_HASH_SIZE 20u    /**< bytes of an identity and of a content hash */
#define SBS_SQLITE_TYPE_SIZE 65u    /**< of a resource type, with the NUL */
#define SBS_SQLITE_SOURCE_SIZE 128u /**< of the name of a source device, with the NUL */

/** Bytes of the pages of a new file, unless the configuration says 1024. */
#define SBS_SQLITE_PAGE_BYTES 2048u

/** What append() does when the queue is full. */
typedef enum sbs_sqlite_policy {
    SBS_SQLITE_REFUSE,     /**< SBS_ERR_BUFFER */
    SBS_SQLITE_DROP_OLDEST /**< gives up the oldest unsettled items, counted as dropped */
} sbs_sqlite_policy;

/** Zero means the default. What it points to must outlive the queue. */
typedef struct sbs_sqlite_queue_config {
    const char *path;
    sbs_sqlite_policy policy;
    uint32_t items_max;   /**< unsettled items; default 1 000 000 */
    uint64_t bytes_max;   /**< of all items together, dead ones too; default 1 GiB */
    uint32_t item_max;    /**< bytes of one item; default 16 MiB, at most 256 MiB */
    uint32_t dead_keep_s; /**< how long dead letters are kept; default 30 days, UINT32_MAX: without limit */
    uint32_t seen_keep_s; /**< how long a delivered identity is known; default 90 days, UINT32_MAX: for ever */
    uint32_t seen_max;    /**< most identities that are known, then the oldest delivered one is forgotten; default
                               1 000 000 */
    uint32_t busy_ms;     /**< longest wait for another process; default 5 000; sbs_sqlite_queue_set_busy_ms() */
    uint32_t page_bytes;  /**< of a page, where the file is made: 1024 or 2048, the default. 1024 writes half as much
                               for an item that comes and goes alone, and takes up to half more processor time for
                               items in groups */
    uint32_t checkpoint_pages; /**< the log is written back after so many pages of 4 KiB; default 1 000 */
    /**
     * The time, or SBS_UTC_UNKNOWN unless it is known to be right (the kernel's clock is synchronised, or a server's
     * authenticated Date agreed): ages are counted from it. NULL: nothing is deleted by age. Even so a jump deletes
     * nothing: for a day after the time went on by more than 7 days between two looks, no age counts.
     */
    int64_t (*utc_now)(void *ctx);
    void *utc_ctx;
    /** True when the program is to end: waiting for another process and long statements stop then. Called from within
     * every operation; those of usual length are not cut short. NULL: never. */
    bool (*stop)(void *ctx);
    void *stop_ctx;
    /**
     * Bytes of FILE.reserve, which the first add() makes where the disk has room for it four times over, at most a
     * sixteenth of the file system. It is given up where less than a megabyte is free and the queue could not be opened
     * or drained, and made anew once there is room; adding never takes what it gave. 0: none.
     */
    uint32_t reserve_bytes;
    /** A process that adds few items leaves the log: it syncs twice and not five times. Closing leaves the log after at
     * most 16 items, where it has less than 1 MiB and nothing that was deleted, unless this process made the file. FILE
     * alone does not hold all items then: FILE-wal belongs to it. */
    bool keep_log;
    bool any_owner;  /**< the superuser may open a queue of another user; new files go to that user then */
    bool look_only;  /**< opens a file that cannot be written, as on a read-only file system: nothing is locked, made,
                          mended or deleted; what writes fails with SBS_ERR_STORAGE */
    const char *vfs; /**< name of a registered SQLite VFS; NULL: the system's. Files of others are not set aside. */
} sbs_sqlite_queue_config;

/** What is known of an item that is added, beside its meta. */
typedef struct sbs_sqlite_facts {
    const uint8_t *identity; /**< hash of what makes it the same measurement, SBS_SQLITE_HASH_SIZE bytes; NULL: none,
                                  it is never a repeat */
    const uint8_t *content;  /**< hash of what it says, of the same size; NULL only with identity */
    const char *type;        /**< of the resource, shorter than SBS_SQLITE_TYPE_SIZE; NULL: not told */
    const char *source;      /**< the device that it came from, shorter than SBS_SQLITE_SOURCE_SIZE; NULL: not told */
    bool only_same;          /**< other content under the same identity is not stored: SBS_SQLITE_DIFFERS */
    uint16_t rule;           /**< how its id is derived, kept and told as meta.format; 0 is that of version 1 */
} sbs_sqlite_facts;

/** What sbs_sqlite_queue_add() found. All but the first: a repeat, nothing was stored. */
typedef enum sbs_sqlite_repeat {
    SBS_SQLITE_NEW = 0,   /**< stored */
    SBS_SQLITE_WAITS,     /**< the same waits */
    SBS_SQLITE_IS_DEAD,   /**< the same is a dead letter */
    SBS_SQLITE_DELIVERED, /**< the same was delivered */
    SBS_SQLITE_DIFFERS    /**< other content came under its identity last, and facts.only_same is set */
} sbs_sqlite_repeat;

/** All that is told of an item. */
typedef struct sbs_sqlite_entry {
    sbs_queue_item item;
    bool dead;            /**< a dead letter, else it waits */
    bool damaged;         /**< its checksum is wrong */
    bool mendable;        /**< a dead letter whose reason begins with SBS_QUEUE_REASON_OPERATOR: never deleted by age */
    bool has_identity;    /**< @c identity says something */
    int64_t utc_s;        /**< when it was set aside, or failed last, or SBS_UTC_UNKNOWN */
    int64_t arrived_s;    /**< when it was added, or SBS_UTC_UNKNOWN */
    uint16_t http_status; /**< of the answer for which it was set aside, or waits; 0: none was told */
    uint8_t identity[SBS_SQLITE_HASH_SIZE];
    char type[SBS_SQLITE_TYPE_SIZE];     /**< "": not told */
    char source[SBS_SQLITE_SOURCE_SIZE]; /**< "": not told */
    char reason[SBS_QUEUE_REASON_SIZE];  /**< of a dead letter, or why the item still waits, "" if it did not fail;
                                              bytes of a file: sanitise before they are shown */
    char words[SBS_QUEUE_WORDS_SIZE];    /**< what the server said, the same; "": nothing */
} sbs_sqlite_entry;

/** A dead letter. */
typedef sbs_sqlite_entry sbs_sqlite_dead;

/** The state of the whole queue. */
typedef struct sbs_sqlite_stats {
    sbs_queue_counters counters;
    uint64_t bytes;      /**< of all items, dead ones too */
    uint64_t letters;    /**< dead letters that are there */
    uint64_t expired;    /**< dead letters deleted by age or for room, since the file was made */
    uint64_t seen;       /**< identities that are remembered */
    uint64_t oldest_id;  /**< of the items that wait; 0: none waits */
    int64_t oldest_s;    /**< when that one was added, or SBS_UTC_UNKNOWN */
    uint64_t file_bytes; /**< of the database without its log */
    uint64_t free_bytes; /**< of these: in use by nothing */
} sbs_sqlite_stats;

/** What is there of one source. */
typedef struct sbs_sqlite_source {
    char source[SBS_SQLITE_SOURCE_SIZE]; /**< bytes of a file: sanitise before they are shown; "": not told */
    uint64_t waiting;
    uint64_t letters; /**< dead letters that are there */
    int64_t oldest_s; /**< when the first of those that wait was added, or SBS_UTC_UNKNOWN */
} sbs_sqlite_source;

/** The counters as the file has them. */
typedef struct sbs_sqlite_state {
    int64_t epoch, last_id, accepted, delivered, dead, dropped, waiting, bytes, letters, expired, seen;
    int64_t looked_s, steady_s; /* SBS_UTC_UNKNOWN: NULL */
} sbs_sqlite_state;

/** Place it anywhere; it must not move while it is open. */
typedef struct sbs_sqlite_queue {
    struct {
        struct sqlite3 *db;
        struct sqlite3_stmt *statements[SBS_SQLITE_STATEMENTS];
        sbs_sqlite_queue_config config;
        pthread_mutex_t lock;
        bool open, grouped;
        bool writing;       /* a transaction that writes is under way */
        bool part;          /* within a group: an operation that can be undone alone */
        bool erased;        /* an item was deleted since the log was cleared */
        bool damaged;       /* SQLite said so; the file is to be set aside */
        bool stopped;       /* config.stop said so */
        bool unbounded;     /* a statement on tables that were checked, which takes as long as there are items */
        bool impatient;     /* another process is not waited for */
        bool full;          /* the disk was, and had no room since */
        bool made;          /* by this connection: the tables */
        bool reserve_asked; /* whether there is a reserve, or can be one, is known */
        bool reserved;      /* there was one */
        bool full_told;     /* and the file system tells when it has room again */
        bool emptied;       /* the file was a queue and has no byte now; its tables are being made */
        bool state_known;   /* the transaction has read the counters */
        bool state_changed; /* and they are to be written */
        sbs_sqlite_state state, state_before; /* now, and at the start of the operation */
        int64_t expired_before;               /* at the start of the transaction */
        int changes_before;                   /* of the connection, the same */
        int version;                          /* of the file */
        int error;                            /* SQLite's extended code of the last failure */
        int os_error;                         /* the system's with it, or 0 */
        uint32_t added;                       /* items, since it was opened */
        uint32_t ticks;                       /* of the statement that runs */
        uint32_t turns;                       /* operations since ages were looked at */
        char *set_aside;                      /* path of a damaged file, or NULL */
        uint64_t kept;                        /* items taken over from it */
        uint64_t lost;                        /* those that were not; UINT64_MAX: unknown */
        uint64_t expired;                     /* dead letters deleted since it was opened */
        uint64_t cached_id;                   /* the item that next() told last; 0: its bytes are not at hand */
        size_t cached_len;
        char *cached; /* of CACHE_SIZE bytes, or NULL */
    } priv;
} sbs_sqlite_queue;

/**
 * Opens the queue in config->path, which is made if it is missing, and deletes dead letters whose time is over.
 * @return SBS_OK; SBS_ERR_ARGUMENT; SBS_ERR_VERSION (a newer program's file: untouched); SBS_ERR_FORMAT (something
 * else's file, or one whose tables are not those of the schema: untouched); SBS_ERR_FORBIDDEN (another user's file, see
 * sbs_sqlite_queue_owner(): untouched); SBS_ERR_CANCELLED (config.stop); SBS_ERR_MEMORY; SBS_ERR_STORAGE. After an
 * error nothing needs to be closed.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_open(sbs_sqlite_queue *queue, const sbs_sqlite_queue_config *config,
                                               sbs_queue *out_queue);

/**
 * Sets how long the operations that begin from now on wait for another process, in place of config.busy_ms: what is
 * left of a deadline, say. 0: they do not wait. Waits itself for the operation of another thread that is under way.
 * Without effect if the queue is not open.
 */
void sbs_sqlite_queue_set_busy_ms(sbs_sqlite_queue *queue, uint32_t busy_ms);

/** Most bytes that one item may have, whatever else the queue holds. The queue must be open. */
size_t sbs_sqlite_queue_item_max(const sbs_sqlite_queue *queue);

/** Closes the file; a group that was not committed is undone. Legal after a failed open, and twice. */
void sbs_sqlite_queue_close(sbs_sqlite_queue *queue);

/** Whose file is at @p path, without opening it. SBS_ERR_NOT_FOUND; SBS_ERR_FORMAT: no regular file; SBS_ERR_STORAGE:
 * it cannot be looked at. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_owner(const char *path, uid_t *out_owner);

/**
 * The port's semantics and errors are those of queue.h, and:
 * - append(): as sbs_sqlite_queue_add() without facts. SBS_ERR_BUFFER also after the last id, 2^63 - 1. SBS_ERR_STORAGE
 *   also if the disk is nearly full (what is left is for draining the queue) and no item may give way, another process
 *   held the file for longer than busy_ms, or the file was moved away. An append that failed because the disk did may
 *   come back if the power goes in that moment.
 * - next(): a damaged item becomes a dead letter with the reason "damaged".
 * - read(): dead items can be read too.
 * - settle(): SBS_ERR_ARGUMENT if the reason does not fit. Words are cut to SBS_QUEUE_WORDS_SIZE.
 * - begin(), commit(): the functions below. An operation that fails for another cause than its arguments, the item or
 *   a full queue undoes the whole group: all that follows fails, and commit() with it.
 */

/**
 * Starts a group: the operations until sbs_sqlite_queue_commit() are done together or not at all, and no other thread
 * or process writes meanwhile. SBS_OK without effect if one is under way; SBS_ERR_STORAGE; SBS_ERR_MEMORY.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_begin(sbs_sqlite_queue *queue);

/** Ends the group durably; SBS_OK without one. On an error none of it was done. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_commit(sbs_sqlite_queue *queue);

/** Ends the group undone. */
void sbs_sqlite_queue_undo(sbs_sqlite_queue *queue);

/**
 * Appends an item, unless it is a repeat: the same identity and content waits, is a dead letter, or was delivered and
 * is still remembered. Other content under the same identity is stored. An item that was removed, dropped or deleted by
 * age is forgotten: it may be added again.
 * @param facts  NULL: as the port's append().
 * @param out_id of the new item, or of the earlier one.
 * @return as append(); SBS_ERR_ARGUMENT if a fact does not fit.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_add(sbs_sqlite_queue *queue, const sbs_queue_meta *meta,
                                              const sbs_sqlite_facts *facts, const void *data, size_t len,
                                              uint64_t *out_id, sbs_sqlite_repeat *out_repeat);

/** What tells this file's own identifiers from those of others: a random number made with the file; and the id that the
 * next append() in the same group will give. A copy of the file has the same number. SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_next_id(sbs_sqlite_queue *queue, uint64_t *out_epoch, uint64_t *out_id);

/** What is known under an identity. */
typedef struct sbs_sqlite_known {
    uint64_t id;             /**< of the item that came last under it */
    sbs_sqlite_repeat state; /**< SBS_SQLITE_WAITS, _IS_DEAD or _DELIVERED */
    int64_t delivered_s;     /**< or SBS_UTC_UNKNOWN */
} sbs_sqlite_known;

/** What came last under an identity of SBS_SQLITE_HASH_SIZE bytes, and is there or was delivered. SBS_ERR_NOT_FOUND;
 * SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_known(sbs_sqlite_queue *queue, const uint8_t *identity,
                                                sbs_sqlite_known *out);

/** An item that waits or a dead letter, by its id. SBS_ERR_NOT_FOUND; SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_find(sbs_sqlite_queue *queue, uint64_t id, sbs_sqlite_entry *out);

/** The dead letter with the smallest id above @p after (0: the first). SBS_ERR_NOT_FOUND at the end. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_dead(sbs_sqlite_queue *queue, uint64_t after, sbs_sqlite_dead *out_dead);

/** Keeps with a dead letter the HTTP status of the answer for which it was set aside. SBS_ERR_NOT_FOUND. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_note_http(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status);

/**
 * Keeps with an item that waits why it does, and the time. sbs_sqlite_queue_find() tells it until the next failure, a
 * settlement or a retry of the dead letter that it became. Within a group it is done with that.
 * @param http_status of the answer, 0: there was none.
 * @param reason one sentence, cut to SBS_QUEUE_REASON_SIZE.
 * @param words what the server said, cut to SBS_QUEUE_WORDS_SIZE; NULL or "": nothing.
 * @return SBS_ERR_NOT_FOUND: no such item waits; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_note_trouble(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status,
                                                       const char *reason, const char *words);

/**
 * Puts a dead letter back among the items to send, under its old id. What was set aside at its first attempt counts as
 * never tried, so that "already there" is again told as a possible collision; what was held against it is forgotten.
 * Counters: `dead` stays. SBS_ERR_NOT_FOUND; SBS_ERR_DAMAGED if its checksum is wrong; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_retry(sbs_sqlite_queue *queue, uint64_t id);

/**
 * Deletes an item that waits (counted as dropped) or a dead letter, for good: its identity is forgotten. One that is
 * being sent may be removed too: the server may have it then, and who sends it finds it settled (SBS_ERR_NOT_FOUND).
 * SBS_ERR_NOT_FOUND; SBS_ERR_STORAGE.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_remove(sbs_sqlite_queue *queue, uint64_t id);

/** The same for a dead letter only; SBS_ERR_NOT_FOUND for an item that waits. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_remove_dead(sbs_sqlite_queue *queue, uint64_t id);

/** The state of the whole queue, of one moment. Costs the same however much there is. SBS_ERR_STORAGE. */
SBS_NODISCARD sbs_status sbs_sqlite_queue_stats(sbs_sqlite_queue *queue, sbs_sqlite_stats *out);

/**
 * The same, and what is there of each source, in the order of their names: @p tell is called for each, within a
 * transaction, and must not call the queue. Takes longer the more items there are, about 0.3 s for a million. On an
 * error what was told does not count. SBS_ERR_STORAGE; SBS_ERR_CANCELLED (config.stop).
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_survey(sbs_sqlite_queue *queue, sbs_sqlite_stats *out,
                                                 void (*tell)(void *ctx, const sbs_sqlite_source *source), void *ctx);

/**
 * Whether the file system has more than @p keep_free bytes for this user: who takes items from others asks before he
 * takes one. Adding by itself leaves only what draining needs.
 * @param out_free those that are free, UINT64_MAX where nobody knows; may be NULL.
 * @return SBS_OK; SBS_ERR_BUFFER: less is free.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_check_disk(const sbs_sqlite_queue *queue, uint64_t keep_free,
                                                     uint64_t *out_free);

/** How many dead letters this queue has deleted, by age or for room, since it was opened. */
uint64_t sbs_sqlite_queue_expired(const sbs_sqlite_queue *queue);

/** Where a damaged file was set aside since the queue was opened, and how many items could be taken over from it; NULL
 * if none was. Valid until the queue is closed. */
const char *sbs_sqlite_queue_set_aside(const sbs_sqlite_queue *queue, uint64_t *out_kept);

/** How many items of a damaged file that was set aside could not be taken over; UINT64_MAX: nobody knows. */
uint64_t sbs_sqlite_queue_lost(const sbs_sqlite_queue *queue);

/** True if the last failure was a damaged file. What writes next sets it aside. */
bool sbs_sqlite_queue_is_damaged(const sbs_sqlite_queue *queue);

/** True if the last failure was another process that held the file for too long. */
bool sbs_sqlite_queue_is_busy(const sbs_sqlite_queue *queue);

/** The errno with which the system refused a file in the last failure; ELOOP, EISDIR: a link or a folder has the name.
 * 0: it was another failure. */
int sbs_sqlite_queue_errno(const sbs_sqlite_queue *queue);

/** SQLite's words for the last failure, "" if there was none. They hold nothing of an item. Static. */
const char *sbs_sqlite_queue_error(const sbs_sqlite_queue *queue);

/* ---- one pusher at a time ---------------------------------------------------------------------------------------- */

/** The right to push a queue, kept by a lock on FILE.lock: held until it is given back or the process ends. Zero: not
 * held. It does not depend on whether the queue is open. */
typedef struct sbs_sqlite_pusher {
    struct {
        int lock; /* descriptor + 1 */
    } priv;
} sbs_sqlite_pusher;

/**
 * Takes the right to push the queue at @p path, which must be there. FILE.lock has mode 0600 and belongs to whom the
 * queue belongs, also if the superuser takes it.
 * @param out_idle_ms milliseconds since a pusher noted itself last; UINT64_MAX if none ever did; may be NULL.
 * @return SBS_OK; SBS_ERR_BUSY: another process pushes; SBS_ERR_FORBIDDEN: it is the queue of another user, or
 * FILE.lock belongs to another user, or cannot be opened; SBS_ERR_NOT_FOUND: no queue; SBS_ERR_FORMAT:
 * no file; SBS_ERR_ARGUMENT: the name is too long; SBS_ERR_STORAGE. errno tells more.
 */
SBS_NODISCARD sbs_status sbs_sqlite_queue_lock_pusher(sbs_sqlite_pusher *pusher, const char *path,
                                                      uint64_t *out_idle_ms);

/** Notes that the queue is pushed right now, for the next one who takes it. Without effect unless it is held. */
void sbs_sqlite_queue_touch_pusher(const sbs_sqlite_pusher *pusher);

/** Gives it back. Legal at any time. */
void sbs_sqlite_queue_unlock_pusher(sbs_sqlite_pusher *pusher);

#ifdef __cplusplus
}
#endif
#endif
