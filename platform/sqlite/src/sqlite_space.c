/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Space: the log that holds what settled items were, pages that nothing uses, and a disk that is nearly full.
 *
 * SQLite cannot write the log back when the file would have to grow and the disk is full, and without that the log can
 * only grow: nothing can be marked or settled any more, and the queue can never be drained. So adding ends while what
 * the log may need is still there, and from then on the log is written back before each transaction.
 */
#include "sqlite_internal.h"

#define FREE_MIN (1 << 20)     /* bytes: less is left for the next items */
#define GIVEN_BACK (16 << 20)  /* bytes at a time */
#define REBUILT_MAX (16 << 20) /* bytes in use by a file that is written anew: they are held in memory meanwhile */

/* ---- a disk that is nearly full ---------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_ask_disk(sbs_sqlite_queue *queue, size_t len, sbs_sqlite_room *out) {
    int64_t needed = 2 * (int64_t)len; /* in the log, and in the file */
    int64_t spare = sbs_sqlite_spare_bytes(queue) - sbs_sqlite_missing_reserve(queue);
    *out = ROOM;
    if (spare >= needed) {
        return SBS_OK;
    }

    /* Pages that nothing uses take the item without the file growing. */
    sbs_sqlite_space space = {0};
    sbs_status status = sbs_sqlite_measure(queue, &space);
    if (status != SBS_OK) {
        return status;
    }

    if (spare + space.unused * space.page >= needed) {
        *out = ROOM;
    } else if (spare + space.pages * space.page >= needed) {
        *out = ROOM_BY_DELETING;
    } else {
        *out = NO_ROOM;
    }

    return SBS_OK;
}

sbs_status sbs_sqlite_refuse_full(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_fail(queue, SQLITE_FULL);
    queue->priv.full_told = true;
    return status;
}

void sbs_sqlite_spare_disk(sbs_sqlite_queue *queue) {
    (void)sbs_sqlite_give_reserve(queue);

    int64_t spare = sbs_sqlite_spare_bytes(queue);
    if (!queue->priv.full && spare >= 0) {
        return;
    }

    (void)sqlite3_wal_checkpoint_v2(queue->priv.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    /* No item is to be given up for a log that is only long. It keeps its place on the disk unless all that is held in
     * reserve is free without it: others may take what it gives back. */
    bool drops = queue->priv.config.policy == SBS_SQLITE_DROP_OLDEST;
    if (drops && spare < 0 && spare + 2 * sbs_sqlite_log_size(queue) >= 0) {
        sbs_sqlite_clear_log(queue);
    }

    /* A quota, say, is nothing that the file system tells: there, it may still be used up where room is told. */
    if (queue->priv.full_told && sbs_sqlite_spare_bytes(queue) >= 0) {
        queue->priv.full = false;
        queue->priv.full_told = false;
    }
}

/* ---- the log and the free pages ---------------------------------------------------------------------------------- */

void sbs_sqlite_clear_log(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue)) {
        return;
    }

    queue->priv.impatient = true; /* the next one may do it */
    (void)sqlite3_wal_checkpoint_v2(queue->priv.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    queue->priv.impatient = false;
}

sbs_status sbs_sqlite_measure(sbs_sqlite_queue *queue, sbs_sqlite_space *out) {
    sbs_status status = sbs_sqlite_ask(queue, "PRAGMA page_size", &out->page);
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA page_count", &out->pages);
    }
    if (status != SBS_OK) {
        return status;
    }

    return sbs_sqlite_ask(queue, "PRAGMA freelist_count", &out->unused);
}

/* A file that version 1 made cannot give single pages back: it is written anew, once, when nearly all of it is free. */
static void shrink(sbs_sqlite_queue *queue, const sbs_sqlite_space *space) {
    sqlite3_int64 mode = 0; /* 0: no single pages */
    if (sbs_sqlite_ask(queue, "PRAGMA auto_vacuum", &mode) != SBS_OK) {
        return;
    }

    queue->priv.ticks = 0;
    if (mode == 0) {
        if ((space->pages - space->unused) * space->page <= REBUILT_MAX) {
            (void)sqlite3_exec(queue->priv.db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;", NULL, NULL, NULL);
        }
        return;
    }

    char sql[64];
    (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA incremental_vacuum(%d)", (int)(GIVEN_BACK / space->page));
    (void)sqlite3_exec(queue->priv.db, sql, NULL, NULL, NULL);
}

void sbs_sqlite_give_back(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue)) {
        return;
    }

    int code = queue->priv.error;
    sbs_sqlite_space space = {0};
    queue->priv.impatient = true; /* whoever drains it next may do it */
    if (sbs_sqlite_measure(queue, &space) == SBS_OK && space.unused * space.page >= FREE_MIN) {
        shrink(queue, &space);
    }

    queue->priv.impatient = false;
    queue->priv.error = code; /* nothing that anybody asked for failed */
}
