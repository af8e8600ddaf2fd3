/* SPDX-License-Identifier: Apache-2.0 */
/* What the file is, its tables, and those of an older version. */
#include <string.h>

#include "sbs/count.h"
#include "sqlite_internal.h"

/* ---- whose file it is ------------------------------------------------------------------------------------------- */

typedef struct schema_object {
    int since, until; /* versions */
    const char *type, *name, *table, *sql;
} schema_object;

static const schema_object objects[] = {
#define SQLITE_QUEUE_OBJECT(since, until, type, name, table, sql) {since, until, type, name, table, sql},
    SQLITE_QUEUE_OBJECTS(SQLITE_QUEUE_OBJECT)
#undef SQLITE_QUEUE_OBJECT
};

#define OBJECT_COUNT SBS_COUNT_OF(objects)

static bool column_is(sqlite3_stmt *row, int column, const char *text) {
    const unsigned char *found = sqlite3_column_text(row, column);
    return found != NULL && strcmp((const char *)found, text) == 0;
}

/* An object of ours is told by its number; one of somebody else by OBJECT_COUNT. */
static size_t find_object(sqlite3_stmt *row, int version) {
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        const schema_object *object = &objects[i];
        if (version >= object->since && version <= object->until && column_is(row, 0, object->type) &&
            column_is(row, 1, object->name) && column_is(row, 2, object->table) && column_is(row, 3, object->sql)) {
            return i;
        }
    }
    return OBJECT_COUNT;
}

/* Others may add tables of their own, but nothing to ours. */
static bool touches_ours(sqlite3_stmt *row) {
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        if (column_is(row, 1, objects[i].name) || column_is(row, 2, objects[i].table)) {
            return true;
        }
    }
    return column_is(row, 0, "trigger") || column_is(row, 0, "view");
}

static size_t objects_of(int version) {
    size_t count = 0;
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        count += version >= objects[i].since && version <= objects[i].until;
    }
    return count;
}

/* The tables are those that we make, to the letter: in the place of one may stand a view that never ends, or one with a
 * column that is computed. The text is looked at before any statement runs on them. */
static sbs_status check_tables(sbs_sqlite_queue *queue) {
    sqlite3_stmt *row = NULL;
    size_t found = 0;
    bool foreign = false;
    int code =
        sqlite3_prepare_v2(queue->priv.db, "SELECT type, name, tbl_name, sql FROM sqlite_schema", -1, &row, NULL);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(row);
        if (code != SQLITE_ROW) {
            break;
        }
        bool ours = find_object(row, queue->priv.version) < OBJECT_COUNT;
        found += ours;
        foreign = foreign || (!ours && touches_ours(row));
    }
    (void)sqlite3_finalize(row);
    if (code != SQLITE_DONE) {
        return sbs_sqlite_fail(queue, code);
    }
    if (found == objects_of(queue->priv.version) && !foreign) {
        return SBS_OK;
    }
    return SBS_ERR_FORMAT;
}

static sbs_status identify(sbs_sqlite_queue *queue) {
    sqlite3_int64 application = 0;
    sqlite3_int64 version = 0;
    sqlite3_int64 tables = 0;
    sbs_status status = sbs_sqlite_ask(queue, "PRAGMA application_id", &application);
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA user_version", &version);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (status != SBS_OK) {
        return status;
    }

    if (application != SQLITE_QUEUE_APPLICATION) {
        if (application == 0 && version == 0 && tables == 0) {
            return SBS_ERR_NOT_FOUND;
        }
        return SBS_ERR_FORMAT;
    }
    if (version > SBS_SQLITE_QUEUE_VERSION) {
        return SBS_ERR_VERSION;
    }
    if (version < 1) {
        return sbs_sqlite_fail(queue, SQLITE_CORRUPT);
    }
    queue->priv.version = (int)version;
    return check_tables(queue);
}

/* Another process may be making the tables right now. */
sbs_status sbs_sqlite_identify(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_exec(queue, "BEGIN");
    if (status != SBS_OK) {
        return status;
    }
    status = identify(queue);
    (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    return status;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* What is made must be what will be accepted: SQLite writes the text of changed tables itself. */
static sbs_status make(sbs_sqlite_queue *queue, const char *sql) {
    queue->priv.unbounded = true;
    sbs_status status = sbs_sqlite_exec(queue, sql);
    queue->priv.unbounded = false;
    if (status == SBS_OK) {
        status = identify(queue);
    }
    if (status == SBS_OK && queue->priv.version != SBS_SQLITE_QUEUE_VERSION) {
        status = SBS_ERR_STORAGE;
    }
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_exec(queue, "COMMIT");
}

sbs_status sbs_sqlite_make_current(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_exec(queue, "BEGIN IMMEDIATE");
    if (status != SBS_OK) {
        return status;
    }
    status = identify(queue);
    if (status == SBS_ERR_NOT_FOUND) {
        status = make(queue, SQLITE_QUEUE_SCHEMA);
    } else if (status == SBS_OK && queue->priv.version < SBS_SQLITE_QUEUE_VERSION) {
        status = make(queue, SQLITE_QUEUE_MIGRATION);
    }
    if (sqlite3_get_autocommit(queue->priv.db) == 0) {
        (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}
