/* SPDX-License-Identifier: Apache-2.0 */
/** @file sqlite_internal.h What the files of the queue share. */
#ifndef SBS_SQLITE_INTERNAL_H
#define SBS_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "sbs/sqlite_queue.h"
#include "sqlite_schema.h"

typedef enum sqlite_statement {
#define SQLITE_QUEUE_NAME(name, sql) SQL_##name,
    SQLITE_QUEUE_STATEMENTS(SQLITE_QUEUE_NAME)
#undef SQLITE_QUEUE_NAME
        SQL_COUNT_OF
} sqlite_statement;

enum { STATE_WAITING = 0, STATE_DEAD = 1 };

#define SQLITE_ID_MAX INT64_MAX
#define SQLITE_PATH_SIZE 4096
#define SQLITE_ITEM_MAX (256 << 20)
#define SQLITE_CACHE_SIZE 65536 /* bytes of an item that are kept between next() and read() */

/* ---- sqlite_statement.c ---- */

/** Notes SQLite's code of a failure and gives the status for it. */
sbs_status sbs_sqlite_fail(sbs_sqlite_queue *queue, int code);

/** Bounds what every statement of the connection may take, in steps and in waiting for others. */
void sbs_sqlite_bound(sbs_sqlite_queue *queue);

/** Prepares all statements. */
sbs_status sbs_sqlite_prepare(sbs_sqlite_queue *queue);
void sbs_sqlite_finalize(sbs_sqlite_queue *queue);

/** A statement, reset, its first parameters bound to @p count numbers. */
sqlite3_stmt *sbs_sqlite_bind(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Binds a time, or NULL for SBS_UTC_UNKNOWN. */
void sbs_sqlite_bind_time(sqlite3_stmt *statement, int parameter, int64_t utc_s);

/** Steps to a row: SBS_OK; SBS_ERR_NOT_FOUND if there is none (the statement is reset then, and after errors). */
sbs_status sbs_sqlite_row(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Runs a bound statement without rows to its end and resets it. */
sbs_status sbs_sqlite_done(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** The same; SBS_ERR_NOT_FOUND if it changed no row. */
sbs_status sbs_sqlite_change(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Binds, runs and resets. */
sbs_status sbs_sqlite_run(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Runs SQL that is not prepared. */
sbs_status sbs_sqlite_exec(sbs_sqlite_queue *queue, const char *sql);

/** The number that the first row of such SQL begins with. */
sbs_status sbs_sqlite_ask(sbs_sqlite_queue *queue, const char *sql, sqlite3_int64 *out);

/* ---- sqlite_transaction.c ---- */

/** Takes the lock and starts a transaction, or an operation of the group. */
sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue);

/** Ends it: durable if @p status is SBS_OK, else undone; sets a damaged file aside; gives the lock back. */
sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status);

/** The same for what only reads: the lock, and no transaction of its own. */
sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue);
sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status);

/** From here on the operation can be undone alone, also within a group. */
sbs_status sbs_sqlite_begin_part(sbs_sqlite_queue *queue);

/** Takes the counters from a row with STATE_COLUMNS. False if no queue can have them: that is damage. */
bool sbs_sqlite_take_state(sqlite3_stmt *row, sbs_sqlite_state *out);

/** Writes the counters, if they were changed. */
sbs_status sbs_sqlite_save_state(sbs_sqlite_queue *queue);

/** The counters, as the transaction has changed them so far. */
sbs_status sbs_sqlite_read_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out);

/** The same to be changed: written when the transaction ends. NULL if they cannot be read; the status is in
 * @p out_status. Only between sbs_sqlite_enter() and _leave(). */
sbs_sqlite_state *sbs_sqlite_edit_state(sbs_sqlite_queue *queue, sbs_status *out_status);

/* ---- sqlite_checksum.c ---- */

/** sbs_crc32(), faster. */
uint32_t sbs_sqlite_checksum(uint32_t crc, const void *data, size_t len);

/* ---- sqlite_item.c ---- */

/** Fills @p out from the row of a statement with ITEM_COLUMNS. SBS_ERR_DAMAGED if the checksum is wrong. */
sbs_status sbs_sqlite_take_item(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_queue_item *out);

/** The same with all that stands in the row; a wrong checksum is no fault but told in it. */
sbs_status sbs_sqlite_take_entry(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_sqlite_entry *out);

/** A length of an item; 0 where a damaged file has none that can be. */
sqlite3_int64 sbs_sqlite_take_len(sqlite3_stmt *row, int column);

/** Loads the item with an id. SBS_ERR_NOT_FOUND; SBS_ERR_DAMAGED. */
sbs_status sbs_sqlite_check_item(sbs_sqlite_queue *queue, sqlite3_int64 id, sbs_queue_item *out);

/** Writes an item; @p data has entry->item.len bytes. Counts nothing. */
sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_entry *entry, const void *data);

/** Remembers an identity. Counts nothing. */
sbs_status sbs_sqlite_put_seen(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *identity, const void *content,
                               bool delivered, int64_t delivered_s);

/** Deletes an item of a state with its bytes and its identity, and counts what follows from that. */
sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, int state);

/** Forgets an identity, if there is one under the id. */
sbs_status sbs_sqlite_forget(sbs_sqlite_queue *queue, sqlite3_int64 id);

/** Makes a waiting item a dead letter. SBS_ERR_NOT_FOUND. */
sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason, const char *words);

/** Keeps why an item waits. SBS_ERR_NOT_FOUND. */
sbs_status sbs_sqlite_trouble(sbs_sqlite_queue *queue, sqlite3_int64 id, uint16_t http_status, const char *reason,
                              const char *words);

/* ---- sqlite_add.c ---- */

/** The port's append(). */
sbs_status sbs_sqlite_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id);

/* ---- sqlite_letters.c ---- */

/** The port's counters, where they can be read. */
sbs_status sbs_sqlite_read_counters(sbs_sqlite_queue *queue, sbs_queue_counters *out);

/* ---- sqlite_age.c ---- */

/** The time that the program tells, if it is a plausible one. */
int64_t sbs_sqlite_utc(const sbs_sqlite_queue *queue);

/** Looks at the clock and deletes what is too old, @p most of each kind. */
sbs_status sbs_sqlite_age(sbs_sqlite_queue *queue, unsigned most);

/** The same now and then: called at each operation of the usual kind. */
sbs_status sbs_sqlite_age_sometimes(sbs_sqlite_queue *queue);

/* ---- sqlite_file.c ---- */

/** Opens the connection to the queue's path: modes, version, pragmas, schema, statements. Without the lock. A damaged
 * file of ours is replaced. Errors of sbs_sqlite_queue_open(). */
sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue);
/** The same without replacing; queue->priv.damaged tells. */
sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue);
void sbs_sqlite_disconnect(sbs_sqlite_queue *queue);

/** True if the file is not the one at the path any more. */
bool sbs_sqlite_has_moved(const sbs_sqlite_queue *queue);

/* ---- sqlite_version.c ---- */

/** What the file is, in one moment: SBS_OK: a queue of priv.version with the tables of that version. SBS_ERR_NOT_FOUND:
 * empty, to be made. SBS_ERR_FORMAT, SBS_ERR_VERSION: not ours to touch. */
sbs_status sbs_sqlite_identify(sbs_sqlite_queue *queue);

/** Makes the tables, or brings those of an older version to this one, unless another process did meanwhile. */
sbs_status sbs_sqlite_make_current(sbs_sqlite_queue *queue);

/* ---- sqlite_space.c ---- */

/** Writes the log back and cuts it to nothing, unless somebody else is using it: it holds what settled items were. */
void sbs_sqlite_clear_log(sbs_sqlite_queue *queue);

/** Gives a part of the free space back to the file system, where it is worth it. Without a transaction. */
void sbs_sqlite_give_back(sbs_sqlite_queue *queue);

/* ---- sqlite_damage.c ---- */

/** Sets the damaged file aside and opens a new one with what can be read of the old. Without a transaction. */
sbs_status sbs_sqlite_replace(sbs_sqlite_queue *queue);

/** Ends a replacement of @p path that was interrupted. */
sbs_status sbs_sqlite_finish_replacing(const char *path);

/* ---- sqlite_salvage.c ---- */

/** Copies what can be read of @p from into the new, empty @p to, and counts it in to->priv.kept,
 * and what could not be in to->priv.lost. */
sbs_status sbs_sqlite_salvage(sbs_sqlite_queue *from, sbs_sqlite_queue *to);

#endif
