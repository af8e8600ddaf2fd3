/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions and groups. The counters are read once in a transaction, changed in memory, and written when it ends.
 *
 * An operation of a group has no savepoint, because most have nothing to undo when they fail for a cause that the
 * caller can go on from. One that has starts a part by itself. What fails for another cause undoes the group.
 */
#include "sqlite_internal.h"

#define COUNTER_MAX (INT64_C(1) << 62) /* with an item more it does not overflow */

/* Some failures (a full disk, no memory) end a transaction by themselves. */
static bool is_in_transaction(const sbs_sqlite_queue *queue) {
    return queue->priv.db != NULL && sqlite3_get_autocommit(queue->priv.db) == 0;
}

/* ---- the counters ---------------------------------------------------------------------------------------------- */

static int64_t column_time(sqlite3_stmt *row, int column) {
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
        return sqlite3_column_int64(row, column);
    }
    return SBS_UTC_UNKNOWN;
}

/* Counters that no queue can have are damage. */
static bool is_possible(sqlite3_stmt *row) {
    enum { EPOCH = 0, LAST_ID = 1, LOOKED_S = 11 };
    for (int i = EPOCH; i < LOOKED_S; i++) {
        sqlite3_int64 value = sqlite3_column_int64(row, i);
        bool in_range = i == EPOCH || (value >= 0 && (i == LAST_ID || value <= COUNTER_MAX));
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER || !in_range) {
            return false;
        }
    }
    return true;
}

bool sbs_sqlite_take_state(sqlite3_stmt *row, sbs_sqlite_state *out) {
    if (!is_possible(row)) {
        return false;
    }
    *out = (sbs_sqlite_state){
        .epoch = sqlite3_column_int64(row, 0),
        .last_id = sqlite3_column_int64(row, 1),
        .accepted = sqlite3_column_int64(row, 2),
        .delivered = sqlite3_column_int64(row, 3),
        .dead = sqlite3_column_int64(row, 4),
        .dropped = sqlite3_column_int64(row, 5),
        .waiting = sqlite3_column_int64(row, 6),
        .bytes = sqlite3_column_int64(row, 7),
        .letters = sqlite3_column_int64(row, 8),
        .expired = sqlite3_column_int64(row, 9),
        .seen = sqlite3_column_int64(row, 10),
        .looked_s = column_time(row, 11),
        .steady_s = column_time(row, 12),
    };
    return true;
}

static sbs_status load_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_STATE, NULL, 0);
    sbs_status status = sbs_sqlite_row(queue, row);
    bool possible = status == SBS_OK && sbs_sqlite_take_state(row, out);
    (void)sqlite3_reset(row);
    if (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && !possible)) {
        return sbs_sqlite_fail(queue, SQLITE_CORRUPT);
    }
    return status;
}

/* A program of version 1 that has the file open since before does not count all that this one does. */
static int64_t at_least_zero(int64_t value) {
    if (value > 0) {
        return value;
    }
    return 0;
}

sbs_status sbs_sqlite_save_state(sbs_sqlite_queue *queue) {
    const sbs_sqlite_state *state = &queue->priv.state;
    if (!queue->priv.state_changed) {
        return SBS_OK;
    }
    const sqlite3_int64 values[] = {state->epoch,
                                    state->last_id,
                                    state->accepted,
                                    state->delivered,
                                    state->dead,
                                    state->dropped,
                                    at_least_zero(state->waiting),
                                    at_least_zero(state->bytes),
                                    at_least_zero(state->letters),
                                    state->expired,
                                    at_least_zero(state->seen)};
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_SAVE, values, 11);
    sbs_sqlite_bind_time(statement, 12, state->looked_s);
    sbs_sqlite_bind_time(statement, 13, state->steady_s);
    return sbs_sqlite_done(queue, statement);
}

sbs_status sbs_sqlite_read_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out) {
    if (!queue->priv.writing) {
        return load_state(queue, out);
    }
    if (!queue->priv.state_known) {
        sbs_status status = load_state(queue, &queue->priv.state);
        if (status != SBS_OK) {
            return status;
        }
        queue->priv.state_known = true;
        queue->priv.expired_before = queue->priv.state.expired;
    }
    *out = queue->priv.state;
    return SBS_OK;
}

sbs_sqlite_state *sbs_sqlite_edit_state(sbs_sqlite_queue *queue, sbs_status *out_status) {
    sbs_sqlite_state unused;
    *out_status = sbs_sqlite_read_state(queue, &unused);
    if (*out_status != SBS_OK) {
        return NULL;
    }
    queue->priv.state_changed = true;
    return &queue->priv.state;
}

/* ---- start ----------------------------------------------------------------------------------------------------- */

/* The cause that was noted first stays. */
static void undo_all(sbs_sqlite_queue *queue) {
    int code = queue->priv.error;
    if (is_in_transaction(queue)) {
        (void)sbs_sqlite_run(queue, SQL_ROLLBACK, NULL, 0);
    }
    queue->priv.error = code;
}

static void mend(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged && !queue->priv.grouped) {
        (void)sbs_sqlite_replace(queue);
    }
}

static sbs_status take_lock(sbs_sqlite_queue *queue) {
    if (!queue->priv.open) {
        return SBS_ERR_STATE;
    }
    (void)pthread_mutex_lock(&queue->priv.lock);
    if (queue->priv.db == NULL && sbs_sqlite_connect(queue) != SBS_OK) {
        (void)pthread_mutex_unlock(&queue->priv.lock);
        return SBS_ERR_STORAGE; /* it was set aside, and no new one could be made */
    }
    queue->priv.stopped = false;
    return SBS_OK;
}

/* What an operation of the group changes in the counters can be taken back. */
static sbs_status start_in_group(sbs_sqlite_queue *queue) {
    if (!is_in_transaction(queue)) {
        return SBS_ERR_STORAGE;
    }
    queue->priv.part = false;
    queue->priv.changes_before = sqlite3_total_changes(queue->priv.db);
    return sbs_sqlite_read_state(queue, &queue->priv.state_before);
}

static sbs_status start(sbs_sqlite_queue *queue) {
    if (queue->priv.grouped) {
        return start_in_group(queue);
    }

    sbs_status status = sbs_sqlite_run(queue, SQL_BEGIN, NULL, 0);
    if (status != SBS_OK) {
        undo_all(queue); /* what is broken off may have begun */
        return status;
    }
    if (sbs_sqlite_has_moved(queue)) {
        (void)sbs_sqlite_run(queue, SQL_ROLLBACK, NULL, 0);
        return sbs_sqlite_fail(queue, SQLITE_READONLY_DBMOVED);
    }
    queue->priv.writing = true;
    queue->priv.part = queue->priv.state_known = queue->priv.state_changed = false;
    return SBS_OK;
}

sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue) {
    return take_lock(queue);
}

sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status) {
    mend(queue);
    (void)pthread_mutex_unlock(&queue->priv.lock);
    return status;
}

sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue) {
    sbs_status status = take_lock(queue);
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

sbs_status sbs_sqlite_begin_part(sbs_sqlite_queue *queue) {
    if (!queue->priv.grouped || queue->priv.part) {
        return SBS_OK; /* a transaction of its own is undone as a whole */
    }
    sbs_status status = sbs_sqlite_run(queue, SQL_SAVEPOINT, NULL, 0);
    queue->priv.part = status == SBS_OK;
    return status;
}

/* ---- end ------------------------------------------------------------------------------------------------------- */

static bool is_callers_affair(sbs_status status) {
    return status == SBS_ERR_NOT_FOUND || status == SBS_ERR_BUFFER || status == SBS_ERR_ARGUMENT ||
           status == SBS_ERR_DAMAGED;
}

static void undo_in_group(sbs_sqlite_queue *queue, sbs_status status) {
    if (queue->priv.part) {
        bool undone = is_in_transaction(queue) && sbs_sqlite_run(queue, SQL_UNDO, NULL, 0) == SBS_OK &&
                      sbs_sqlite_run(queue, SQL_RELEASE, NULL, 0) == SBS_OK;
        if (!undone || !is_callers_affair(status)) {
            undo_all(queue);
        }
    } else if (!is_callers_affair(status) || sqlite3_total_changes(queue->priv.db) != queue->priv.changes_before) {
        undo_all(queue);
    }
    queue->priv.state = queue->priv.state_before;
}

static sbs_status end_in_group(sbs_sqlite_queue *queue, sbs_status status) {
    if (status == SBS_OK && queue->priv.part) {
        status = sbs_sqlite_run(queue, SQL_RELEASE, NULL, 0);
    }
    if (status != SBS_OK) {
        undo_in_group(queue, status);
    }
    return status;
}

static sbs_status end_alone(sbs_sqlite_queue *queue, sbs_status status) {
    if (status == SBS_OK) {
        status = sbs_sqlite_save_state(queue);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, SQL_COMMIT, NULL, 0);
    }
    if (status != SBS_OK) {
        undo_all(queue);
    } else if (queue->priv.state_changed) {
        queue->priv.expired += (uint64_t)(queue->priv.state.expired - queue->priv.expired_before);
    }
    queue->priv.writing = false;
    return status;
}

/* When no item waits, nothing of those that did is to be left in the log. */
static void clear_when_empty(sbs_sqlite_queue *queue) {
    sbs_sqlite_state state = queue->priv.state;
    if (!queue->priv.erased) {
        return;
    }
    if (!queue->priv.state_known && load_state(queue, &state) != SBS_OK) {
        return;
    }
    if (state.waiting == 0) {
        sbs_sqlite_give_back(queue);
        sbs_sqlite_clear_log(queue);
        queue->priv.erased = false;
    }
}

sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status) {
    if (queue->priv.grouped) {
        status = end_in_group(queue, status);
    } else {
        status = end_alone(queue, status);
        if (status == SBS_OK) {
            clear_when_empty(queue);
        }
    }
    mend(queue);
    (void)pthread_mutex_unlock(&queue->priv.lock);
    return status;
}

/* ---- groups ---------------------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_queue_begin(sbs_sqlite_queue *queue) {
    sbs_status status = take_lock(queue);
    if (status != SBS_OK) {
        return status;
    }
    if (queue->priv.grouped) {
        (void)pthread_mutex_unlock(&queue->priv.lock);
        return SBS_OK;
    }

    status = start(queue);
    if (status != SBS_OK) {
        mend(queue);
        (void)pthread_mutex_unlock(&queue->priv.lock);
        return status;
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
    if (queue->priv.grouped) {
        return end_group(queue, SBS_OK);
    }
    return SBS_OK;
}

void sbs_sqlite_queue_undo(sbs_sqlite_queue *queue) {
    if (queue->priv.grouped) {
        (void)end_group(queue, SBS_ERR_CANCELLED);
    }
}
