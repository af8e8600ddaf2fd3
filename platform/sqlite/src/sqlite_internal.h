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

/** What the one row of sbs_queue holds. */
typedef struct sqlite_state {
    sqlite3_int64 epoch, last_id, accepted, delivered, dead, dropped, waiting, bytes;
} sqlite_state;

/* ---- sqlite_statement.c ---- */

/** Notes SQLite's code of a failure and gives the status for it. */
sbs_status sbs_sqlite_fail(sbs_sqlite_queue *queue, int code);

/** Prepares all statements. */
sbs_status sbs_sqlite_prepare(sbs_sqlite_queue *queue);
void sbs_sqlite_finalize(sbs_sqlite_queue *queue);

/** A statement, reset, its first parameters bound to @p count numbers. */
sqlite3_stmt *sbs_sqlite_bind(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Steps to a row: SBS_OK; SBS_ERR_NOT_FOUND if there is none (the statement is reset then, and after errors). */
sbs_status sbs_sqlite_row(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Runs a bound statement without rows to its end and resets it. */
sbs_status sbs_sqlite_done(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Binds, runs and resets. */
sbs_status sbs_sqlite_run(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Takes the lock and starts a transaction, or a part of the group. */
sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue);

/** Ends it: durable if @p status is SBS_OK, else undone; sets a damaged file aside; gives the lock back. */
sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status);

/** The same for what only reads: the lock, and no transaction of its own. */
sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue);
sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status);

/* ---- sqlite_item.c ---- */

sbs_status sbs_sqlite_state(sbs_sqlite_queue *queue, sqlite_state *out);

/** Adds to the counters. */
sbs_status sbs_sqlite_count(sbs_sqlite_queue *queue, const sqlite_state *change);

/** Fills @p out from the row of a statement with ITEM_COLUMNS. SBS_ERR_DAMAGED if the checksum is wrong. */
sbs_status sbs_sqlite_take_item(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_queue_item *out);

/** The time and reason of a dead letter's row. */
void sbs_sqlite_take_death(sqlite3_stmt *row, sbs_sqlite_dead *out);

/** Writes an item in the given state; @p data has item->len bytes. */
sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_dead *item, int state, const void *data);

/** Deletes an item and counts what @p change says, and its bytes. */
sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, sqlite_state change);

/** Makes a waiting item a dead letter. SBS_ERR_NOT_FOUND. */
sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason);

/** Deletes dead letters whose time is over, @p most of them. */
sbs_status sbs_sqlite_expire(sbs_sqlite_queue *queue, unsigned most);

/** The time that the program tells. */
int64_t sbs_sqlite_utc(const sbs_sqlite_queue *queue);

/* ---- sqlite_file.c ---- */

/** Opens the connection to the queue's path: modes, version, pragmas, schema, statements. Without the lock. A damaged
 * file of ours is replaced. Errors of sbs_sqlite_queue_open(). */
sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue);
/** The same without replacing; queue->priv.damaged tells. */
sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue);
void sbs_sqlite_disconnect(sbs_sqlite_queue *queue);

/** Writes the log back and cuts it to nothing, unless somebody else is using it: it holds what settled items were. */
void sbs_sqlite_clear_log(sbs_sqlite_queue *queue);

/** True if the file is not the one at the path any more. */
bool sbs_sqlite_has_moved(const sbs_sqlite_queue *queue);

/* ---- sqlite_damage.c ---- */

/** Sets the damaged file aside and opens a new one with what can be read of the old. Without a transaction. */
sbs_status sbs_sqlite_replace(sbs_sqlite_queue *queue);

/** Ends a replacement of @p path that was interrupted. */
sbs_status sbs_sqlite_finish_replacing(const char *path);

/* ---- sqlite_salvage.c ---- */

/** Copies what can be read of @p from into the new, empty @p to, and counts it in to->priv.kept. */
sbs_status sbs_sqlite_salvage(sbs_sqlite_queue *from, sbs_sqlite_queue *to);

#endif
