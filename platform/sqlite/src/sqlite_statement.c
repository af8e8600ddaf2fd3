/* SPDX-License-Identifier: Apache-2.0 */
/* Statements, their failures, and what they may take. */
#include <errno.h>
#include <sys/statvfs.h>

#include "sbs/count.h"
#include "sqlite_internal.h"

#define TICK_STEPS 10000  /* of SQLite's machine between two looks at what a statement takes */
#define TICKS_MAX 5000u   /* no statement on a queue takes so many: the file makes it endless */
#define STOP_WAIT_MS 2000 /* for another process once the program is to end: what was sent is still to be settled */

_Static_assert(SQL_COUNT_OF <= SBS_SQLITE_STATEMENTS, "SBS_SQLITE_STATEMENTS is too small");

/* ---- failures and bounds ----------------------------------------------------------------------------------------- */

/* Why SQLite could not open a file beside one that is there. Where it may not make one it tries to find one, and only
 * that failure is known then: the file system says more. */
static int obstacle_beside(const sbs_sqlite_queue *queue) {
    struct statvfs disk;
    if (queue->priv.config.vfs != NULL || statvfs(queue->priv.config.path, &disk) != 0) {
        return 0;
    }
    if ((disk.f_flag & ST_RDONLY) != 0) {
        return EROFS;
    }

    int reason = sqlite3_system_errno(queue->priv.db);
    if (reason != ENOENT) {
        return reason;
    }

    /* Some file systems have no number of files that they could be full of. */
    return disk.f_files > 0 && disk.f_favail == 0 ? ENOSPC : 0;
}

/* What the system said when it refused a file; 0 where it is no such failure. */
static int system_error(const sbs_sqlite_queue *queue, int code) {
    if (code == SQLITE_READONLY_DIRECTORY) {
        return EACCES;
    }

    switch (code & 0xFF) {
    case SQLITE_CANTOPEN:
        if (queue->priv.db == NULL) {
            return errno; /* it was refused before SQLite had it */
        }
        return obstacle_beside(queue);
    case SQLITE_READONLY:
        return queue->priv.config.look_only ? EROFS : 0;
    default:
        return 0;
    }
}

sbs_status sbs_sqlite_fail(sbs_sqlite_queue *queue, int code) {
    queue->priv.os_error = system_error(queue, code);
    queue->priv.error = code;

    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT: /* an id is given a second time: the counters are behind the items */
        queue->priv.damaged = true;
        return SBS_ERR_STORAGE;
    case SQLITE_NOMEM:
        return SBS_ERR_MEMORY;
    case SQLITE_FULL:
        sbs_sqlite_note_full(queue);
        return SBS_ERR_STORAGE;
    case SQLITE_INTERRUPT:
    case SQLITE_BUSY:
        if (queue->priv.stopped) {
            return SBS_ERR_CANCELLED;
        }
        return SBS_ERR_STORAGE;
    default:
        return SBS_ERR_STORAGE;
    }
}

sbs_status sbs_sqlite_allow_missing(sbs_status status) {
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    return status;
}

bool sbs_sqlite_must_stop(sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    if (config->stop == NULL || !config->stop(config->stop_ctx)) {
        return false;
    }

    queue->priv.stopped = true;
    return true;
}

/* SQLite's progress handler: breaks the statement off if it says true. The first tick is no sign of a long statement,
 * because SQLite counts the steps of a prepared statement over all its runs. */
static int statement_takes_long(void *ctx) {
    sbs_sqlite_queue *queue = ctx;
    queue->priv.ticks++;

    /* Statements on tables that are being made take as long as there are items. */
    bool endless = queue->priv.ticks > TICKS_MAX && !queue->priv.unbounded;
    return endless || (queue->priv.ticks > 1 && sbs_sqlite_must_stop(queue));
}

/* SQLite's busy handler: pauses and says 1, or says 0 to give up. SQLite's own handler pauses in the same steps, but a
 * signal to the program does not end it. @p count: how often it was called for this lock before. */
static int wait_for_others(void *ctx, int count) {
    static const uint8_t pauses_ms[] = {1, 2, 5, 10, 15, 20, 25, 25, 25, 50, 50};
    sbs_sqlite_queue *queue = ctx;
    if (queue->priv.impatient) {
        return 0;
    }

    /* A program that is to end waits a short while still, to settle what it has sent. */
    int64_t most_ms = queue->priv.config.busy_ms;
    if (sbs_sqlite_must_stop(queue) && most_ms > STOP_WAIT_MS) {
        most_ms = STOP_WAIT_MS;
    }

    /* What the pauses before this one took: each of the table once, then the last one again and again. */
    size_t last = SBS_COUNT_OF(pauses_ms) - 1;
    size_t step = (size_t)count;
    int64_t waited_ms = 0;
    if (step > last) {
        waited_ms = (int64_t)(step - last) * pauses_ms[last];
        step = last;
    }

    for (size_t i = 0; i < step; i++) {
        waited_ms += pauses_ms[i];
    }
    if (waited_ms >= most_ms) {
        return 0;
    }

    int64_t pause_ms = most_ms - waited_ms;
    if (pause_ms > pauses_ms[step]) {
        pause_ms = pauses_ms[step];
    }

    (void)sqlite3_sleep((int)pause_ms);
    return 1;
}

void sbs_sqlite_bound(sbs_sqlite_queue *queue) {
    queue->priv.stopped = false;
    (void)sqlite3_busy_handler(queue->priv.db, wait_for_others, queue);
    sqlite3_progress_handler(queue->priv.db, TICK_STEPS, statement_takes_long, queue);
}

/* ---- prepared statements ----------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_prepare(sbs_sqlite_queue *queue) {
    static const char *const texts[] = {
#define SQLITE_QUEUE_TEXT(name, sql) sql,
        SQLITE_QUEUE_STATEMENTS(SQLITE_QUEUE_TEXT)
#undef SQLITE_QUEUE_TEXT
    };

    /* Who only looks at a file of version 1 reads through views, for which no statement that writes can be prepared. */
    for (unsigned i = 0; i < SQL_COUNT_OF; i++) {
        int code = sqlite3_prepare_v3(queue->priv.db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &queue->priv.statements[i], NULL);
        bool unused = code == SQLITE_ERROR && queue->priv.version == 1;
        if (code != SQLITE_OK && !unused) {
            return sbs_sqlite_fail(queue, sqlite3_extended_errcode(queue->priv.db));
        }
    }

    return SBS_OK;
}

void sbs_sqlite_finalize(sbs_sqlite_queue *queue) {
    for (unsigned i = 0; i < SQL_COUNT_OF; i++) {
        (void)sqlite3_finalize(queue->priv.statements[i]);
        queue->priv.statements[i] = NULL;
    }
}

sqlite3_stmt *sbs_sqlite_bind(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count) {
    sqlite3_stmt *statement = queue->priv.statements[which];
    queue->priv.ticks = 0;
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);

    /* Parameters that are not bound are NULL. */
    for (int i = 0; i < count; i++) {
        (void)sqlite3_bind_int64(statement, i + 1, values[i]);
    }

    return statement;
}

void sbs_sqlite_bind_time(sqlite3_stmt *statement, int parameter, int64_t utc_s) {
    if (utc_s != SBS_UTC_UNKNOWN) {
        (void)sqlite3_bind_int64(statement, parameter, utc_s);
    }
}

void sbs_sqlite_bind_text(sqlite3_stmt *statement, int parameter, const char *text) {
    if (text[0] != '\0') {
        (void)sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
    }
}

void sbs_sqlite_bind_number(sqlite3_stmt *statement, int parameter, sqlite3_int64 value) {
    if (value != 0) {
        (void)sqlite3_bind_int64(statement, parameter, value);
    }
}

int64_t sbs_sqlite_column_time(sqlite3_stmt *row, int column) {
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
        return sqlite3_column_int64(row, column);
    }
    return SBS_UTC_UNKNOWN;
}

sbs_status sbs_sqlite_row(sbs_sqlite_queue *queue, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return SBS_OK;
    }

    /* The reset may change what the connection tells of the failure. */
    int extended = sqlite3_extended_errcode(queue->priv.db);
    (void)sqlite3_reset(statement);
    if (code == SQLITE_DONE) {
        return SBS_ERR_NOT_FOUND;
    }

    return sbs_sqlite_fail(queue, extended);
}

sbs_status sbs_sqlite_done(sbs_sqlite_queue *queue, sqlite3_stmt *statement) {
    sbs_status status = sbs_sqlite_row(queue, statement);
    (void)sqlite3_reset(statement);
    return sbs_sqlite_allow_missing(status);
}

sbs_status sbs_sqlite_change(sbs_sqlite_queue *queue, sqlite3_stmt *statement) {
    sbs_status status = sbs_sqlite_done(queue, statement);
    if (status == SBS_OK && sqlite3_changes(queue->priv.db) == 0) {
        return SBS_ERR_NOT_FOUND;
    }
    return status;
}

sbs_status sbs_sqlite_run(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count) {
    return sbs_sqlite_done(queue, sbs_sqlite_bind(queue, which, values, count));
}

/* ---- SQL that is not prepared ------------------------------------------------------------------------------------ */

sbs_status sbs_sqlite_exec(sbs_sqlite_queue *queue, const char *sql) {
    queue->priv.ticks = 0;
    if (sqlite3_exec(queue->priv.db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return sbs_sqlite_fail(queue, sqlite3_extended_errcode(queue->priv.db));
    }
    return SBS_OK;
}

sbs_status sbs_sqlite_ask(sbs_sqlite_queue *queue, const char *sql, sqlite3_int64 *out) {
    sqlite3_stmt *statement = NULL;
    queue->priv.ticks = 0;
    int code = sqlite3_prepare_v2(queue->priv.db, sql, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        *out = sqlite3_column_int64(statement, 0);
    }

    (void)sqlite3_finalize(statement);

    if (code == SQLITE_ROW) {
        return SBS_OK;
    }
    if (code == SQLITE_DONE) {
        code = SQLITE_CORRUPT; /* a row that every queue has is missing */
    }

    return sbs_sqlite_fail(queue, code);
}

/* ---- what is told of a failure ----------------------------------------------------------------------------------- */

const char *sbs_sqlite_queue_error(const sbs_sqlite_queue *queue) {
    switch (queue->priv.error) {
    case SQLITE_OK:
        return "";
    case SQLITE_READONLY_DBMOVED:
        return "the file was moved away or removed";
    default:
        return sqlite3_errstr(queue->priv.error);
    }
}

bool sbs_sqlite_queue_is_damaged(const sbs_sqlite_queue *queue) {
    return (queue->priv.error & 0xFF) == SQLITE_CORRUPT;
}

bool sbs_sqlite_queue_is_busy(const sbs_sqlite_queue *queue) {
    int code = queue->priv.error & 0xFF;
    return code == SQLITE_BUSY || code == SQLITE_LOCKED;
}

int sbs_sqlite_queue_errno(const sbs_sqlite_queue *queue) {
    return queue->priv.os_error;
}
