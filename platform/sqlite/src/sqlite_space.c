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

typedef struct file_space {
    sqlite3_int64 page, pages, unused; /* bytes; how many; how many of these nothing uses */
    sqlite3_int64 mode;                /* 0: pages cannot be given back one by one */
} file_space;

static sbs_status measure(sbs_sqlite_queue *queue, file_space *out) {
    sbs_status status = sbs_sqlite_ask(queue, "PRAGMA freelist_count", &out->unused);
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA page_size", &out->page);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA page_count", &out->pages);
    }
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_ask(queue, "PRAGMA auto_vacuum", &out->mode);
}

/* A file that version 1 made is written anew, once, when nearly all of it is free. */
static void shrink(sbs_sqlite_queue *queue, const file_space *space) {
    char sql[64];
    if (space->mode == 0 && (space->pages - space->unused) * space->page > REBUILT_MAX) {
        return;
    }
    (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA incremental_vacuum(%d)", (int)(GIVEN_BACK / space->page));
    const char *rebuild = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM;";
    queue->priv.ticks = 0;
    (void)sqlite3_exec(queue->priv.db, space->mode == 0 ? rebuild : sql, NULL, NULL, NULL);
}

void sbs_sqlite_give_back(sbs_sqlite_queue *queue) {
    int code = queue->priv.error;
    file_space space = {0};
    if (queue->priv.damaged || sbs_sqlite_has_moved(queue)) {
        return;
    }
    if (measure(queue, &space) == SBS_OK && space.unused * space.page >= FREE_MIN) {
        queue->priv.impatient = true; /* whoever drains it next may do it */
        shrink(queue, &space);
        queue->priv.impatient = false;
    }
    queue->priv.error = code; /* nothing that anybody asked for failed */
}
