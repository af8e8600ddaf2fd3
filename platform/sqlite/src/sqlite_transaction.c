/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each operation is a transaction, or one of several in a group that is a transaction.
 *
 * An operation of a group has no savepoint, because most have nothing to undo when they fail for a cause that the
 * caller can go on from. One that has starts a part by itself. What fails for another cause undoes the group.
 */
#include "sqlite_internal.h"

/* Some failures (a full disk, no memory) end a transaction by themselves. */
static bool is_in_transaction(const sbs_sqlite_queue *queue) {
    return queue->priv.db != NULL && sqlite3_get_autocommit(queue->priv.db) == 0;
}

/* ---- start ------------------------------------------------------------------------------------------------------- */

/* Undoes the transaction. The failure that is the reason stays noted, whatever comes of undoing. */
static void undo_all(sbs_sqlite_queue *queue) {
    int code = queue->priv.error;
    if (is_in_transaction(queue)) {
        (void)sbs_sqlite_run(queue, SQL_ROLLBACK, NULL, 0);
    }
    queue->priv.error = code;
}

/* The lock, and a connection: after a replacement that failed there is none. */
static sbs_status take_lock(sbs_sqlite_queue *queue) {
    if (!queue->priv.open) {
        return SBS_ERR_STATE;
    }

    /* A thread that has a group under way gets it once more. */
    (void)pthread_mutex_lock(&queue->priv.lock);
    if (queue->priv.db == NULL && sbs_sqlite_connect(queue) != SBS_OK) {
        (void)pthread_mutex_unlock(&queue->priv.lock);
        return SBS_ERR_STORAGE;
    }

    queue->priv.stopped = false;
    return SBS_OK;
}

/* Gives the lock back, and sets a file aside that was found damaged meanwhile. */
static void give_lock(sbs_sqlite_queue *queue) {
    /* Within a group that waits for its end: the transaction is open. */
    if (queue->priv.damaged && !queue->priv.grouped && !queue->priv.config.look_only) {
        (void)sbs_sqlite_replace(queue);
    }
    (void)pthread_mutex_unlock(&queue->priv.lock);
}

/* What an operation of the group changes in the counters can be taken back. */
static sbs_status start_in_group(sbs_sqlite_queue *queue) {
    if (!is_in_transaction(queue)) {
        return SBS_ERR_STORAGE; /* an operation before this one undid the group */
    }

    queue->priv.part = false;
    queue->priv.changes_before = sqlite3_total_changes(queue->priv.db);
    return sbs_sqlite_read_state(queue, &queue->priv.state_before);
}

static sbs_status start_transaction(sbs_sqlite_queue *queue) {
    if (queue->priv.config.look_only) {
        return sbs_sqlite_fail(queue, SQLITE_READONLY);
    }

    /* Where the disk is nearly full the log must not grow. Within a transaction it could not be written back. */
    sbs_sqlite_spare_disk(queue);

    sbs_status status = sbs_sqlite_run(queue, SQL_BEGIN, NULL, 0);
    if (status != SBS_OK) {
        undo_all(queue); /* what is broken off may have begun */
        return status;
    }

    /* Only under the lock is it certain that the file is not being replaced. */
    if (sbs_sqlite_has_moved(queue)) {
        (void)sbs_sqlite_run(queue, SQL_ROLLBACK, NULL, 0);
        return sbs_sqlite_fail(queue, SQLITE_READONLY_DBMOVED);
    }

    queue->priv.writing = true;
    queue->priv.part = false;
    queue->priv.state_known = false;
    queue->priv.state_changed = false;

    return SBS_OK;
}

sbs_status sbs_sqlite_enter_reading(sbs_sqlite_queue *queue) {
    return take_lock(queue);
}

sbs_status sbs_sqlite_leave_reading(sbs_sqlite_queue *queue, sbs_status status) {
    give_lock(queue);
    return status;
}

sbs_status sbs_sqlite_enter(sbs_sqlite_queue *queue) {
    sbs_status status = take_lock(queue);
    if (status != SBS_OK) {
        return status;
    }

    if (queue->priv.grouped) {
        status = start_in_group(queue);
    } else {
        status = start_transaction(queue);
    }
    if (status != SBS_OK) {
        give_lock(queue);
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

/* ---- end --------------------------------------------------------------------------------------------------------- */

/* Failures because of what was asked: the caller can go on from them, and so can the group. */
static bool is_callers_affair(sbs_status status) {
    return status == SBS_ERR_NOT_FOUND || status == SBS_ERR_BUFFER || status == SBS_ERR_ARGUMENT ||
           status == SBS_ERR_DAMAGED;
}

/* Undoes the part, if the operation started one. False if it changed something that cannot be undone alone. */
static bool undo_part(sbs_sqlite_queue *queue) {
    if (!queue->priv.part) {
        return sqlite3_total_changes(queue->priv.db) == queue->priv.changes_before;
    }
    return is_in_transaction(queue) && sbs_sqlite_run(queue, SQL_UNDO, NULL, 0) == SBS_OK &&
           sbs_sqlite_run(queue, SQL_RELEASE, NULL, 0) == SBS_OK;
}

static sbs_status end_in_group(sbs_sqlite_queue *queue, sbs_status status) {
    if (status == SBS_OK && queue->priv.part) {
        status = sbs_sqlite_run(queue, SQL_RELEASE, NULL, 0);
    }
    if (status == SBS_OK) {
        return SBS_OK;
    }

    /* What cannot be undone alone takes the whole group with it. */
    if (!undo_part(queue) || !is_callers_affair(status)) {
        undo_all(queue);
    }

    queue->priv.state = queue->priv.state_before;
    return status;
}

static sbs_status end_transaction(sbs_sqlite_queue *queue, sbs_status status) {
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
    if (!queue->priv.erased) {
        return;
    }

    /* Most transactions have read the counters themselves. */
    if (!queue->priv.state_known && sbs_sqlite_read_state(queue, &queue->priv.state) != SBS_OK) {
        return;
    }

    /* Pages first: what they free is in the log, too. */
    if (queue->priv.state.waiting == 0) {
        sbs_sqlite_give_back(queue);
        sbs_sqlite_clear_log(queue);
        queue->priv.erased = false;
    }
}

sbs_status sbs_sqlite_leave(sbs_sqlite_queue *queue, sbs_status status) {
    if (queue->priv.grouped) {
        status = end_in_group(queue, status);
    } else {
        status = end_transaction(queue, status);
        if (status == SBS_OK) {
            clear_when_empty(queue);
        }
    }

    give_lock(queue);
    return status;
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

sbs_status sbs_sqlite_queue_begin(sbs_sqlite_queue *queue) {
    sbs_status status = take_lock(queue);
    if (status != SBS_OK) {
        return status;
    }
    if (queue->priv.grouped) {
        (void)pthread_mutex_unlock(&queue->priv.lock); /* the group under way has it once already */
        return SBS_OK;
    }

    status = start_transaction(queue);
    if (status != SBS_OK) {
        give_lock(queue);
        return status;
    }

    queue->priv.grouped = true; /* and the lock is kept */
    return SBS_OK;
}

static sbs_status end_group(sbs_sqlite_queue *queue, sbs_status status) {
    /* From here on it is a transaction like any other. */
    queue->priv.grouped = false;
    if (status == SBS_OK && !is_in_transaction(queue)) {
        status = SBS_ERR_STORAGE; /* a failure in it had undone it */
    }
    return sbs_sqlite_leave(queue, status);
}

sbs_status sbs_sqlite_queue_commit(sbs_sqlite_queue *queue) {
    if (!queue->priv.grouped) {
        return SBS_OK;
    }
    return end_group(queue, SBS_OK);
}

void sbs_sqlite_queue_undo(sbs_sqlite_queue *queue) {
    if (queue->priv.grouped) {
        (void)end_group(queue, SBS_ERR_CANCELLED);
    }
}
