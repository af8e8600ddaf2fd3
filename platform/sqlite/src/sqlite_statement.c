/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared statements and transactions. */
#include "sqlite_internal.h"

_Static_assert(SQL_COUNT_OF <= SBS_SQLITE_STATEMENTS, "SBS_SQLITE_STATEMENTS is too small");

sbs_status sbs_sqlite_fail(sbs_sqlite_queue *queue, int code) {
    queue->priv.error = code;
    switch (code & 0xFF) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        queue->priv.damaged = true;
        return SBS_ERR_STORAGE;
    case SQLITE_NOMEM:
        return SBS_ERR_MEMORY;
    default:
        return SBS_ERR_STORAGE;
    }
}

sbs_status sbs_sqlite_prepare(sbs_sqlite_queue *queue) {
    static const char *const texts[] = {
#define SQLITE_QUEUE_TEXT(name, sql) sql,
        SQLITE_QUEUE_STATEMENTS(SQLITE_QUEUE_TEXT)
#undef SQLITE_QUEUE_TEXT
    };
    for (unsigned i = 0; i < SQL_COUNT_OF; i++) {
        int code = sqlite3_prepare_v3(queue->priv.db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                      &queue->priv.statements[i], NULL);
        if (code != SQLITE_OK) {
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
    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    for (int i = 0; i < count; i++) {
        (void)sqlite3_bind_int64(statement, i + 1, values[i]);
    }
    return statement;
}

sbs_status sbs_sqlite_row(sbs_sqlite_queue *queue, sqlite3_stmt *statement) {
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        return SBS_OK;
    }
    if (code == SQLITE_DONE) {
        (void)sqlite3_reset(statement);
        return SBS_ERR_NOT_FOUND;
    }
    code = sqlite3_extended_errcode(queue->priv.db);
    (void)sqlite3_reset(statement);
    return sbs_sqlite_fail(queue, code);
}

sbs_status sbs_sqlite_done(sbs_sqlite_queue *queue, sqlite3_stmt *statement) {
    sbs_status status = sbs_sqlite_row(queue, statement);
    (void)sqlite3_reset(statement);
    return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
}

sbs_status sbs_sqlite_run(sbs_sqlite_queue *queue, sqlite_statement which, const sqlite3_int64 *values, int count) {
    return sbs_sqlite_done(queue, sbs_sqlite_bind(queue, which, values, count));
}

/* ---- transactions -------------------------------------------------------------------------------------------- */

/* Some failures (a full disk, no memory) end a transaction by themselves. */
static bool is_in_transaction(const sbs_sqlite_queue *queue) {
    return queue->priv.db != NULL && sqlite3_get_autocommit(queue->priv.db) == 0;
}

static sbs_status start(sbs_sqlite_queue *queue) {
    if (queue->priv.grouped) {
        return is_in_transaction(queue) ? sbs_sqlite_run(queue, SQL_SAVEPOINT, NULL, 0) : SBS_ERR_STORAGE;
    }
    sbs_status status = sbs_sqlite_run(queue, SQL_BEGIN, NULL, 0);
    if (status == SBS_OK && sbs_sqlite_has_moved(queue)) {
        (void)sbs_sqlite_run(queue, SQL_ROLLBACK, NULL, 0);
        return sbs_sqlite_fail(queue, SQLITE_READONLY_DBMOVED);
    }
    return status;
}

static void undo(sbs_sqlite_queue *queue) {
    int code = queue->priv.error;
    if (is_in_transaction(queue)) {
        (void)sbs_sqlite_run(queue, queue->priv.grouped ? SQL_UNDO : SQL_ROLLBACK, NULL, 0);
    }
    if (queue->priv.grouped && is_in_transaction(queue)) {
        (void)sbs_sqlite_run(queue, SQL_RELEASE, NULL, 0);
    }
    queue->priv.error = code;
}

static void mend(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged && !queue->priv.grouped) {
        (void)sbs_sqlite_replace(queue);
    }
}

static sbs_status lock(sbs_sqlite_queue *queue) {
    if (!queue->priv.open) {
        return SBS_ERR_STATE;
    }
    (void)pthread_mutex_lock(&queue->priv.lock);
    if (queue->priv.db == NULL && sbs_sqlite_connect(queue) != SBS_OK) {
        (void)pthread_mutex_unlock(&queue->priv.lock);
        return SBS_ERR_STORAGE; /* it was set aside, and no new one could be made */
    }
    return SBS_OK;
}

sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue) {
    return lock(queue);
}

sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status) {
    mend(queue);
    (void)pthread_mutex_unlock(&queue->priv.lock);
    return status;
}

sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue) {
    sbs_status status = lock(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = start(queue);
    if (status != SBS_OK) {
        mend(queue);
        (void)pthread_mutex_unlock(&queue->priv.lock);
    }
    return status;
}

/* When no item waits, nothing of those that did is to be left in the log. */
static void clear_when_empty(sbs_sqlite_queue *queue) {
    sqlite_state state;
    if (queue->priv.erased && !queue->priv.grouped && sbs_sqlite_state(queue, &state) == SBS_OK && state.waiting == 0) {
        sbs_sqlite_clear_log(queue);
        queue->priv.erased = false;
    }
}

sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status) {
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, queue->priv.grouped ? SQL_RELEASE : SQL_COMMIT, NULL, 0);
    }
    if (status != SBS_OK) {
        undo(queue);
    } else {
        clear_when_empty(queue);
    }
    mend(queue);
    (void)pthread_mutex_unlock(&queue->priv.lock);
    return status;
}

sbs_status sbs_sqlite_queue_begin(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    if (queue->priv.grouped) {
        return sbs_sqlite_leave(queue, SBS_ERR_STATE);
    }
    queue->priv.grouped = true; /* and the lock is kept */
    return SBS_OK;
}

static sbs_status end_group(sbs_sqlite_queue *queue, sbs_status status) {
    queue->priv.grouped = false;
    if (status == SBS_OK && !is_in_transaction(queue)) {
        status = SBS_ERR_STORAGE; /* a failure in it had undone it */
    }
    return sbs_sqlite_leave(queue, status);
}

sbs_status sbs_sqlite_queue_commit(sbs_sqlite_queue *queue) {
    return queue->priv.grouped ? end_group(queue, SBS_OK) : SBS_ERR_STATE;
}

void sbs_sqlite_queue_undo(sbs_sqlite_queue *queue) {
    if (queue->priv.grouped) {
        (void)end_group(queue, SBS_ERR_CANCELLED);
    }
}

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
