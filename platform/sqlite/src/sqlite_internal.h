/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sqlite_internal.h
 * What the files of the queue share, from the lowest to the highest: each calls only those that stand before it.
 *
 * Unless a function says something else, a sbs_status is SBS_OK, or SBS_ERR_STORAGE, SBS_ERR_MEMORY or
 * SBS_ERR_CANCELLED as sbs_sqlite_fail() derives it from SQLite's code; and the caller is inside a transaction.
 */
#ifndef SBS_SQLITE_INTERNAL_H
#define SBS_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "sbs/sqlite_queue.h"
#include "sqlite_schema.h"

/** The prepared statements: SQL_BEGIN, SQL_COMMIT and so on. */
typedef enum sqlite_statement {
#define SQLITE_QUEUE_NAME(name, sql) SQL_##name,
    SQLITE_QUEUE_STATEMENTS(SQLITE_QUEUE_NAME)
#undef SQLITE_QUEUE_NAME
        SQL_COUNT_OF
} sqlite_statement;

/** The column `state` of an item. */
enum { STATE_WAITING = 0, STATE_DEAD = 1 };

#define SQLITE_ID_MAX INT64_MAX
#define SQLITE_PATH_SIZE 4096
#define SQLITE_ITEM_MAX (256 << 20)
#define SQLITE_CACHE_SIZE 65536 /* bytes of an item that are kept between next() and read() */

/* ---- sqlite_disk.c: room on the disk ----------------------------------------------------------------------------- */

/** Bytes of the log as it lies on the disk; 0 without one. */
int64_t sbs_sqlite_log_size(const sbs_sqlite_queue *queue);

/** Bytes that the file system has for this user, and @p out_all that it has in all; INT64_MAX if nobody knows. */
int64_t sbs_sqlite_free_bytes(const sbs_sqlite_queue *queue, int64_t *out_all);

/** Bytes of the disk that adding may take; negative: so many are missing. What is in the log may be needed a second
 * time when it is written back. INT64_MAX if nobody knows. */
int64_t sbs_sqlite_spare_bytes(const sbs_sqlite_queue *queue);

/** Notes that a write failed because the disk is full. */
void sbs_sqlite_note_full(sbs_sqlite_queue *queue);

/* ---- sqlite_checksum.c: the CRC-32 of an item -------------------------------------------------------------------- */

/** The same as sbs_crc32(), faster. */
uint32_t sbs_sqlite_checksum(uint32_t crc, const void *data, size_t len);

/* ---- sqlite_statement.c: running SQL, its failures and its bounds ------------------------------------------------ */

/** Notes SQLite's code of a failure and gives the status for it. Damage is noted, too: queue->priv.damaged. */
sbs_status sbs_sqlite_fail(sbs_sqlite_queue *queue, int code);

/** What was looked for may be missing: SBS_ERR_NOT_FOUND becomes SBS_OK, every other status stays. */
sbs_status sbs_sqlite_allow_missing(sbs_status status);

/** Asks the program whether it is to end, and notes that it is. */
bool sbs_sqlite_must_stop(sbs_sqlite_queue *queue);

/** Bounds what every statement of the connection may take, in steps and in waiting for other processes. */
void sbs_sqlite_bound(sbs_sqlite_queue *queue);

/** Prepares all statements. */
sbs_status sbs_sqlite_prepare(sbs_sqlite_queue *queue);

/** Frees them. Legal if only some of them, or none, were prepared. */
void sbs_sqlite_finalize(sbs_sqlite_queue *queue);

/** Gives a statement, reset, with @p values bound to its first @p count parameters and NULL to all others. */
sqlite3_stmt *sbs_sqlite_bind(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Binds a time; SBS_UTC_UNKNOWN leaves NULL. */
void sbs_sqlite_bind_time(sqlite3_stmt *statement, int parameter, int64_t utc_s);

/** Binds a text that lives until the statement was run; "" leaves NULL. */
void sbs_sqlite_bind_text(sqlite3_stmt *statement, int parameter, const char *text);

/** Binds a number; 0 leaves NULL. */
void sbs_sqlite_bind_number(sqlite3_stmt *statement, int parameter, sqlite3_int64 value);

/** Reads a time from a column; NULL is SBS_UTC_UNKNOWN. */
int64_t sbs_sqlite_column_time(sqlite3_stmt *row, int column);

/** Steps to the next row: SBS_OK, and the caller resets the statement when he has read it. SBS_ERR_NOT_FOUND if there
 * is none; then, and after an error, the statement is reset. */
sbs_status sbs_sqlite_row(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Runs a bound statement without rows to its end and resets it. */
sbs_status sbs_sqlite_done(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** The same; SBS_ERR_NOT_FOUND if it changed no row. */
sbs_status sbs_sqlite_change(sbs_sqlite_queue *queue, sqlite3_stmt *statement);

/** Binds, runs and resets a statement without rows. */
sbs_status sbs_sqlite_run(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count);

/** Runs SQL that is not prepared. Needs no transaction. */
sbs_status sbs_sqlite_exec(sbs_sqlite_queue *queue, const char *sql);

/** Reads the number that the first row of such SQL begins with. Needs no transaction. */
sbs_status sbs_sqlite_ask(sbs_sqlite_queue *queue, const char *sql, sqlite3_int64 *out);

/* ---- sqlite_state.c: the counters, and the program's clock ------------------------------------------------------- */

/** Takes the counters from a row with STATE_COLUMNS. False if no queue can have them: that is damage. */
bool sbs_sqlite_take_state(sqlite3_stmt *row, sbs_sqlite_state *out);

/** Reads the counters, as the transaction has changed them so far; without one that writes, those of the file. */
sbs_status sbs_sqlite_read_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out);

/** Gives the counters to be changed; they are written when the transaction ends. NULL if they cannot be read: the
 * status is in @p out_status. Only between sbs_sqlite_enter() and _leave(). */
sbs_sqlite_state *sbs_sqlite_edit_state(sbs_sqlite_queue *queue, sbs_status *out_status);

/** Writes the counters, if they were changed. */
sbs_status sbs_sqlite_save_state(sbs_sqlite_queue *queue);

/** The time that the program tells; SBS_UTC_UNKNOWN if it tells none, or one that cannot be. */
int64_t sbs_sqlite_utc(const sbs_sqlite_queue *queue);

/** True for a time that can be one of a clock: differences between two of them do not overflow. */
bool sbs_sqlite_is_time(int64_t utc_s);

/* ---- sqlite_item.c: rows of items and identities ----------------------------------------------------------------- */

/** Fills @p out from the row of a statement with ITEM_COLUMNS. SBS_ERR_DAMAGED if the checksum is wrong. */
sbs_status sbs_sqlite_take_item(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_queue_item *out);

/** Fills @p out with all that stands in such a row. A wrong checksum is no failure; out->damaged tells it. */
sbs_status sbs_sqlite_take_entry(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_sqlite_entry *out);

/** Reads the length of an item from a column; 0 where a damaged file has a number that no length can be. */
sqlite3_int64 sbs_sqlite_take_len(sqlite3_stmt *row, int column);

/** Loads the item with an id and checks its bytes. SBS_ERR_NOT_FOUND; SBS_ERR_DAMAGED. */
sbs_status sbs_sqlite_check_item(sbs_sqlite_queue *queue, sqlite3_int64 id, sbs_queue_item *out);

/** Writes an item with its bytes, entry->item.len at @p data. The counters stay as they are. */
sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_entry *entry, const void *data);

/** Writes an identity under an id. The counters stay as they are. */
sbs_status sbs_sqlite_put_seen(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *identity, const void *content,
                               bool delivered, int64_t delivered_s);

/** Deletes an item of a state with its bytes and its identity, and changes the counters for that. */
sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, int state);

/** Deletes the item that is in the first row of a bound statement, which tells id and length; a dead letter counts as
 * expired. SBS_ERR_NOT_FOUND if there is no row. */
sbs_status sbs_sqlite_delete_first(sbs_sqlite_queue *queue, sqlite3_stmt *row, int state);

/** Deletes the identity under an id, if there is one, and changes the counters for that. */
sbs_status sbs_sqlite_forget(sbs_sqlite_queue *queue, sqlite3_int64 id);

/** Deletes the identity whose id is in the first row of a bound statement. SBS_ERR_NOT_FOUND if there is no row. */
sbs_status sbs_sqlite_forget_first(sbs_sqlite_queue *queue, sqlite3_stmt *row);

/* ---- sqlite_version.c: which file it is, and making its tables --------------------------------------------------- */

/** Finds out what the file is. SBS_OK: a queue of priv.version with the tables of that version. SBS_ERR_NOT_FOUND:
 * empty, its tables are to be made. SBS_ERR_FORMAT, SBS_ERR_VERSION: not ours to touch. Without a transaction. */
sbs_status sbs_sqlite_identify(sbs_sqlite_queue *queue);

/** True if each table and index of ours that is there is one of this version, and nothing touches them: statements on
 * what a damaged file has left of them end. */
bool sbs_sqlite_has_tables_of(sbs_sqlite_queue *queue, int version);

/** Makes the tables, or brings those of an older version to this one, unless another process did so meanwhile; then
 * priv.emptied becomes false. Without a transaction. */
sbs_status sbs_sqlite_make_current(sbs_sqlite_queue *queue);

/* ---- sqlite_file.c: the connection to a file, its modes and its owner -------------------------------------------- */

/** Opens the connection to the queue's path: modes, version, pragmas, schema, statements. Errors are those of
 * sbs_sqlite_queue_open(); after SBS_ERR_STORAGE queue->priv.damaged tells whether the file is damaged. */
sbs_status sbs_sqlite_connect_plainly(sbs_sqlite_queue *queue);

/** Bounds what the connection may do: nothing in the file is trusted until its tables were compared with the schema. */
void sbs_sqlite_guard(sbs_sqlite_queue *queue);

/** Closes the connection. Legal if there is none. */
void sbs_sqlite_disconnect(sbs_sqlite_queue *queue);

/** True if the file is not the one at the path any more. */
bool sbs_sqlite_has_moved(const sbs_sqlite_queue *queue);

/** Whether this process may open the file at the path. SBS_ERR_FORBIDDEN: it is another user's, or its log or journal
 * is. SBS_ERR_STORAGE: there
 * is none, or it cannot be looked at. */
sbs_status sbs_sqlite_check_owner(const sbs_sqlite_queue *queue);

/** True if the file at the path is there and has no byte. */
bool sbs_sqlite_is_empty(const char *path);

/** True if the log beside the file at the path holds something, which then belongs to what the queue holds. */
bool sbs_sqlite_has_log(const char *path);

/** The size of the pages of a queue of ours, told by what stands behind its first one; 0: it cannot be told. */
sqlite3_int64 sbs_sqlite_guess_page(const char *head, size_t len);

/** True if what is left of a file that SQLite does not know as a database shows that it was a queue. */
bool sbs_sqlite_was_ours(sbs_sqlite_queue *queue);

/* ---- sqlite_reserve.c: room that is kept for opening and draining ------------------------------------------------ */

/** Makes the reserve, where the configuration says so and the disk has room. Costs nothing the second time. */
void sbs_sqlite_keep_reserve(sbs_sqlite_queue *queue);

/** Gives it up where the disk is full. True if there was one. */
bool sbs_sqlite_give_reserve(sbs_sqlite_queue *queue);

/** What adding must leave because the reserve was given up, or never made: bytes. */
int64_t sbs_sqlite_missing_reserve(const sbs_sqlite_queue *queue);

/* ---- sqlite_look.c: a file that cannot be written ---------------------------------------------------------------- */

/** The same for config.look_only. */
sbs_status sbs_sqlite_connect_to_look(sbs_sqlite_queue *queue);

/* ---- sqlite_space.c: the log, and pages that nothing uses -------------------------------------------------------- */

/** The size of the database without its log. */
typedef struct sbs_sqlite_space {
    sqlite3_int64 page;   /* bytes of one */
    sqlite3_int64 pages;  /* how many there are */
    sqlite3_int64 unused; /* how many of these nothing uses */
} sbs_sqlite_space;

/** Measures it. Needs no transaction. */
sbs_status sbs_sqlite_measure(sbs_sqlite_queue *queue, sbs_sqlite_space *out);

/** What the disk says to an item. */
typedef enum sbs_sqlite_room {
    ROOM,             /* for it, and for all that draining the queue may need after it */
    ROOM_BY_DELETING, /* there may be, once items are deleted */
    NO_ROOM           /* not even in the pages of all items */
} sbs_sqlite_room;

/** Whether the disk has room for an item of @p len bytes. Pages that nothing uses count as room. */
sbs_status sbs_sqlite_ask_disk(sbs_sqlite_queue *queue, size_t len, sbs_sqlite_room *out);

/** Notes that an item was not tried because the disk has no room for it: SQLITE_FULL. Gives SBS_ERR_STORAGE. */
sbs_status sbs_sqlite_refuse_full(sbs_sqlite_queue *queue);

/** Writes the log back where the disk is nearly full, so that the log need not grow. Without a transaction. */
void sbs_sqlite_spare_disk(sbs_sqlite_queue *queue);

/** Writes the log back and cuts it to nothing, unless somebody else is using it: it holds what settled items were.
 * Without a transaction. */
void sbs_sqlite_clear_log(sbs_sqlite_queue *queue);

/** Gives a part of the free space back to the file system, where it is worth it. Without a transaction. */
void sbs_sqlite_give_back(sbs_sqlite_queue *queue);

/* ---- sqlite_mend.c: a file without its first page ---------------------------------------------------------------- */

/** Opens a copy of @p from in memory that has the first page of a new queue. False if that gives no queue;
 * @p out_mended, zero before, is to be disconnected either way. */
bool sbs_sqlite_mend(sbs_sqlite_queue *from, sbs_sqlite_queue *out_mended);

/* ---- sqlite_salvage.c: what can be read of a damaged file -------------------------------------------------------- */

/** Copies what can be read of @p from into the new, empty @p to. to->priv.kept counts that, to->priv.lost what could
 * not be read. */
sbs_status sbs_sqlite_salvage(sbs_sqlite_queue *from, sbs_sqlite_queue *to);

/* ---- sqlite_damage.c: replacing a damaged file ------------------------------------------------------------------- */

/** Opens the connection as sbs_sqlite_connect_plainly(), finishes a replacement that was interrupted, and replaces a
 * damaged file of ours. Without a transaction. */
sbs_status sbs_sqlite_connect(sbs_sqlite_queue *queue);

/** Sets the damaged file aside and opens a new one with what can be read of the old. Without a transaction. */
sbs_status sbs_sqlite_replace(sbs_sqlite_queue *queue);

/* ---- sqlite_transaction.c: operations as transactions ------------------------------------------------------------ */

/** Takes the lock and starts a transaction, or an operation of the group. After SBS_OK sbs_sqlite_leave() must follow.
 */
sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue);

/** Ends it: durable if @p status is SBS_OK, else undone. Sets a damaged file aside; gives the lock back. Gives @p
 * status, or why what was to be durable is not. */
sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status);

/** The same for what only reads: the lock, and no transaction of its own. */
sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue);
sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status);

/** From here on the operation can be undone alone, also within a group. */
sbs_status sbs_sqlite_begin_part(sbs_sqlite_queue *queue);

/* ---- sqlite_age.c: what is deleted by age ------------------------------------------------------------------------ */

/** Looks at the clock and deletes what is too old, @p most of each kind. */
sbs_status sbs_sqlite_age(sbs_sqlite_queue *queue, unsigned most);

/** Called at each operation of the usual kind: does the same once in a number of calls. */
sbs_status sbs_sqlite_age_sometimes(sbs_sqlite_queue *queue);

/* ---- sqlite_letters.c: single items, dead letters, the whole ----------------------------------------------------- */

/** Makes a waiting item a dead letter. SBS_ERR_NOT_FOUND: no such item waits. */
sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason, const char *words);

/** Reads the port's counters. Takes the lock itself. */
sbs_status sbs_sqlite_read_counters(sbs_sqlite_queue *queue, sbs_queue_counters *out);

/* ---- sqlite_bulk.c: many items at once --------------------------------------------------------------------------- */

/** The port's bulk operations. */
extern const sbs_queue_bulk sbs_sqlite_bulk;

/* ---- sqlite_add.c: adding items ---------------------------------------------------------------------------------- */

/** The port's append(). */
sbs_status sbs_sqlite_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id);

#endif
