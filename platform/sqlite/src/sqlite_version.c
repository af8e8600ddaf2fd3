/* SPDX-License-Identifier: Apache-2.0 */
/* What the file is, its tables, and those of an older version. */
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sqlite_internal.h"

/* ---- the tables as they must be ---------------------------------------------------------------------------------- */

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

static bool is_of_version(const schema_object *object, int version) {
    return version >= object->since && version <= object->until;
}

/* True if the row of the schema is one that we make, to the letter. */
static bool is_ours(sqlite3_stmt *row, int version) {
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        const schema_object *object = &objects[i];
        if (is_of_version(object, version) && column_is(row, 0, object->type) && column_is(row, 1, object->name) &&
            column_is(row, 2, object->table) && column_is(row, 3, object->sql)) {
            return true;
        }
    }

    return false;
}

/* True if the SQL of the row has the name of the table in it, in any case. */
static bool names_table(sqlite3_stmt *row, const char *table) {
    const char *sql = (const char *)sqlite3_column_text(row, 3);
    char pattern[32];
    (void)snprintf(pattern, sizeof pattern, "%%%s%%", table);
    return sql != NULL && sqlite3_strlike(pattern, sql, 0) == 0;
}

/* Others may add tables of their own, but nothing to ours; and no view or trigger, which could reach them. The columns
 * of a row may say something else than its SQL, and the SQL is what counts: it cannot touch what it does not name. */
static bool touches_ours(sqlite3_stmt *row) {
    /* Of every version, so that what an older one left is not taken for theirs. */
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        if (column_is(row, 1, objects[i].name) || column_is(row, 2, objects[i].table) ||
            names_table(row, objects[i].table)) {
            return true;
        }
    }

    return column_is(row, 0, "trigger") || column_is(row, 0, "view");
}

static size_t objects_of(int version) {
    size_t count = 0;
    for (size_t i = 0; i < OBJECT_COUNT; i++) {
        count += is_of_version(&objects[i], version);
    }
    return count;
}

/* Counts what is ours in the file. SBS_ERR_FORMAT if there is anything that touches it. */
static sbs_status count_ours(sbs_sqlite_queue *queue, int version, size_t *out_found) {
    sqlite3_stmt *row = NULL;
    int code =
        sqlite3_prepare_v2(queue->priv.db, "SELECT type, name, tbl_name, sql FROM sqlite_schema", -1, &row, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_step(row);
    }

    bool foreign = false;
    *out_found = 0;
    while (code == SQLITE_ROW) {
        if (is_ours(row, version)) {
            (*out_found)++;
        } else if (touches_ours(row)) {
            foreign = true;
        }
        code = sqlite3_step(row);
    }

    (void)sqlite3_finalize(row);

    if (code != SQLITE_DONE) {
        return sbs_sqlite_fail(queue, code);
    }
    if (foreign) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* The tables are those that we make, to the letter: in the place of one may stand a view that never ends, or one with a
 * column that is computed. The text is looked at before any statement runs on them. All must be there, once each. */
static sbs_status check_tables(sbs_sqlite_queue *queue) {
    size_t found = 0;
    sbs_status status = count_ours(queue, queue->priv.version, &found);
    if (status == SBS_OK && found != objects_of(queue->priv.version)) {
        return SBS_ERR_FORMAT;
    }
    return status;
}

bool sbs_sqlite_has_tables_of(sbs_sqlite_queue *queue, int version) {
    size_t found = 0;
    return count_ours(queue, version, &found) == SBS_OK && found > 0;
}

/* ---- which file it is -------------------------------------------------------------------------------------------- */

static sbs_status identify_in_transaction(sbs_sqlite_queue *queue) {
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

    /* An empty database may become a queue; one of somebody else is left alone. */
    if (application != SQLITE_QUEUE_APPLICATION) {
        if (application == 0 && version == 0 && tables == 0) {
            return SBS_ERR_NOT_FOUND;
        }
        return SBS_ERR_FORMAT;
    }

    if (version > SBS_SQLITE_QUEUE_VERSION) {
        return SBS_ERR_VERSION;
    }

    /* Our mark with a version that never was. */
    if (version < 1) {
        return sbs_sqlite_fail(queue, SQLITE_CORRUPT);
    }

    queue->priv.version = (int)version;
    return check_tables(queue);
}

/* In one transaction, because another process may be making the tables right now. */
sbs_status sbs_sqlite_identify(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_exec(queue, "BEGIN");
    if (status != SBS_OK) {
        return status;
    }

    status = identify_in_transaction(queue);
    (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    return status;
}

/* ---- making ------------------------------------------------------------------------------------------------------ */

/* Runs the SQL and commits, if what it made is what will be accepted: SQLite writes the text of changed tables itself.
 */
static sbs_status make_tables(sbs_sqlite_queue *queue, const char *sql) {
    queue->priv.unbounded = true;
    sbs_status status = sbs_sqlite_exec(queue, sql);
    queue->priv.unbounded = false;

    if (status == SBS_OK) {
        status = identify_in_transaction(queue);
    }
    if (status != SBS_OK) {
        return status;
    }
    if (queue->priv.version != SBS_SQLITE_QUEUE_VERSION) {
        return SBS_ERR_STORAGE;
    }

    queue->priv.made = true;
    return sbs_sqlite_exec(queue, "COMMIT");
}

sbs_status sbs_sqlite_make_current(sbs_sqlite_queue *queue) {
    sbs_status status = sbs_sqlite_exec(queue, "BEGIN IMMEDIATE");
    if (status != SBS_OK) {
        return status;
    }

    /* Now nobody else writes: what it is stays so. */
    status = identify_in_transaction(queue);
    if (status == SBS_ERR_NOT_FOUND && queue->priv.emptied) {
        status = make_tables(queue, SQLITE_QUEUE_SCHEMA SQLITE_QUEUE_LEAP);
    } else if (status == SBS_ERR_NOT_FOUND) {
        status = make_tables(queue, SQLITE_QUEUE_SCHEMA);
    } else {
        queue->priv.emptied = false; /* another process made them */
        if (status == SBS_OK && queue->priv.version < SBS_SQLITE_QUEUE_VERSION) {
            status = make_tables(queue, SQLITE_QUEUE_MIGRATION);
        }
    }

    if (sqlite3_get_autocommit(queue->priv.db) == 0) {
        (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL);
    }

    return status;
}
