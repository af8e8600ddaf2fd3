/* SPDX-License-Identifier: Apache-2.0 */
/* Space: the log that holds what settled items were, and pages that nothing uses. */
#include "sqlite_internal.h"

#define FREE_MIN (1 << 20)     /* bytes: less is left for the next items */
#define GIVEN_BACK (16 << 20)  /* bytes at a time */
#define REBUILT_MAX (16 << 20) /* bytes in use by a file that is written anew: they are held in memory meanwhile */

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
