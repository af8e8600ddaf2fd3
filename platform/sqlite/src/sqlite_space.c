/* SPDX-License-Identifier: Apache-2.0 */
/* Space: the log that holds what settled items were, and pages that nothing uses. */
#include "sqlite_internal.h"

#define FREE_PAGES_MIN 256     /* fewer are left for the next items */
#define FREE_PAGES_MOST 4096   /* given back at a time */
#define REBUILT_PAGES_MAX 4096 /* in use by a file that is written anew: it is held in memory meanwhile */

void sbs_sqlite_clear_log(sbs_sqlite_queue *queue) {
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue)) {
        return;
    }
    queue->priv.impatient = true; /* the next one may do it */
    (void)sqlite3_wal_checkpoint_v2(queue->priv.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    queue->priv.impatient = false;
}

/* A file made by version 1 cannot give pages back one by one: once, when nearly all of it is free, it is written anew.
 */
static void rebuild(sbs_sqlite_queue *queue, sqlite3_int64 used) {
    if (used > REBUILT_PAGES_MAX) {
        return;
    }
    (void)sqlite3_exec(queue->priv.db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;", NULL, NULL, NULL);
}

void sbs_sqlite_give_back(sbs_sqlite_queue *queue) {
    int code = queue->priv.error;
    sqlite3_int64 unused = 0;
    sqlite3_int64 pages = 0;
    sqlite3_int64 mode = 0;
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue) ||
        sbs_sqlite_ask(queue, "PRAGMA freelist_count", &unused) != SBS_OK || unused < FREE_PAGES_MIN ||
        sbs_sqlite_ask(queue, "PRAGMA auto_vacuum", &mode) != SBS_OK ||
        sbs_sqlite_ask(queue, "PRAGMA page_count", &pages) != SBS_OK) {
        return;
    }

    queue->priv.ticks = 0;
    queue->priv.impatient = true; /* whoever drains it next may do it */
    if (mode == 0) {
        rebuild(queue, pages - unused);
    } else {
        char sql[64];
        (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA incremental_vacuum(%d)", FREE_PAGES_MOST);
        (void)sqlite3_exec(queue->priv.db, sql, NULL, NULL, NULL);
    }
    queue->priv.impatient = false;
    queue->priv.error = code; /* nothing that anybody asked for failed */
}
