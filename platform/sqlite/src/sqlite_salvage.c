/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be read of a damaged file. Ids are walked without the bytes, so that damage there costs only the items that
 * it hits. Where a page of ids is damaged the walk goes on behind it: the next ids are tried one by one, then at
 * growing distances, and the start of what answers is found by halving. The indexes tell ids a second time.
 */
#include <string.h>

#include "sqlite_internal.h"

#define ID_BLOCK (INT64_C(1) << 32)
#define ID_BLOCKS 0xFFFFFF  /* a random number of blocks */
#define NEAR_IDS 256        /* tried one by one behind damage */
#define LOOKS_MAX 400000u   /* at ids that do not answer, in all */
#define ITEMS_PER_STOP 256u /* between two questions whether the program is to end */

/* X(statement, SQL of version 1, SQL of version 2 or NULL for the same). NOT INDEXED walks the table itself. */
#define SALVAGE_STATEMENTS(X)                                                                                          \
    X(SEEK_ITEM, "SELECT id FROM sbs_item NOT INDEXED WHERE id >= ?1 ORDER BY id LIMIT 1", NULL)                       \
    X(SEEK_WAITING, "SELECT id FROM sbs_item INDEXED BY sbs_waiting WHERE state = 0 AND id >= ?1 ORDER BY id LIMIT 1", \
      NULL)                                                                                                            \
    X(SEEK_DEAD, "SELECT id FROM sbs_item INDEXED BY sbs_dead WHERE state = 1 AND id >= ?1 ORDER BY id LIMIT 1", NULL) \
    X(SEEK_SEEN, "SELECT 1 WHERE ?1 < 0", "SELECT id FROM sbs_seen NOT INDEXED WHERE id >= ?1 ORDER BY id LIMIT 1")    \
    X(LOAD_ITEM, "SELECT " ITEM_COLUMNS_1 ", 0, NULL, NULL, 0, NULL, NULL, NULL, NULL" ITEM_ROWS "WHERE i.id = ?1",    \
      "SELECT " ITEM_COLUMNS ITEM_ROWS "WHERE i.id = ?1")                                                              \
    X(LOAD_SEEN, "SELECT 1 WHERE ?1 < 0",                                                                              \
      "SELECT identity, content, delivered, delivered_s FROM sbs_seen WHERE id = ?1")                                  \
    X(LOAD_STATE, "SELECT " STATE_COLUMNS_1 ", 0, 0, 0, NULL, NULL FROM sbs_queue",                                    \
      "SELECT " STATE_COLUMNS " FROM sbs_queue")

typedef enum salvage_statement {
#define SALVAGE_NAME(name, first, second) name,
    SALVAGE_STATEMENTS(SALVAGE_NAME)
#undef SALVAGE_NAME
        SALVAGE_COUNT
} salvage_statement;

typedef struct salvage {
    sbs_sqlite_queue *from, *to;
    sqlite3_stmt *statements[SALVAGE_COUNT];
    sqlite3_int64 largest; /* id that was seen */
    sbs_sqlite_state kept; /* what was taken over, counted */
    unsigned looks;        /* of this walk that found damage */
    unsigned asked;        /* items since the program was asked whether it is to end */
} salvage;

/* ---- statements -------------------------------------------------------------------------------------------------- */

static void salvage_finalize(salvage *work) {
    for (unsigned i = 0; i < SALVAGE_COUNT; i++) {
        (void)sqlite3_finalize(work->statements[i]);
        work->statements[i] = NULL;
    }
}

/* False if the tables are not those of the version, or cannot be read. */
static bool salvage_prepare(salvage *work, int version) {
    if (!sbs_sqlite_has_tables_of(work->from, version)) {
        return false;
    }

    static const char *const texts[][2] = {
#define SALVAGE_TEXTS(name, first, second) {first, second},
        SALVAGE_STATEMENTS(SALVAGE_TEXTS)
#undef SALVAGE_TEXTS
    };

    /* Preparing reads the schema only, not the tables. */
    for (unsigned i = 0; i < SALVAGE_COUNT; i++) {
        const char *sql = texts[i][0];

        if (version > 1 && texts[i][1] != NULL) {
            sql = texts[i][1];
        }

        if (sqlite3_prepare_v2(work->from->priv.db, sql, -1, &work->statements[i], NULL) != SQLITE_OK) {
            salvage_finalize(work);
            return false;
        }
    }

    return true;
}

static sqlite3_stmt *salvage_bind(salvage *work, salvage_statement which, sqlite3_int64 id) {
    /* Each statement has the bounds of one, however many there are. */
    work->from->priv.ticks = 0;
    (void)sqlite3_reset(work->statements[which]);
    (void)sqlite3_bind_int64(work->statements[which], 1, id);
    return work->statements[which];
}

/* ---- walking ----------------------------------------------------------------------------------------------------- */

/* The smallest id from @p least on: SQLITE_ROW, SQLITE_DONE if there is none, or anything else for damage. */
static int seek_id(salvage *work, salvage_statement which, sqlite3_int64 least, sqlite3_int64 *out_id) {
    sqlite3_stmt *row = salvage_bind(work, which, least);
    int code = sqlite3_step(row);
    if (code == SQLITE_ROW) {
        *out_id = sqlite3_column_int64(row, 0);
        if (*out_id < least) {
            code = SQLITE_CORRUPT; /* a damaged page leads backwards, and the walk would not end */
        }
    }

    (void)sqlite3_reset(row);
    return code;
}

/* True if ids can be looked up from @p least on. Each one that cannot is counted, because looking costs time. */
static bool answers(salvage *work, salvage_statement which, sqlite3_int64 least) {
    sqlite3_int64 id;
    int code = seek_id(work, which, least, &id);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
        return true;
    }

    work->looks++;
    return false;
}

/* Where to go on behind @p bad, step by step: from the first id that answers. *out_bad is the last one that did not. 0:
 * there is none, or too many were tried. */
static sqlite3_int64 leap_damage(salvage *work, salvage_statement which, sqlite3_int64 *out_bad) {
    sqlite3_int64 step = 1;
    for (unsigned tried = 0; *out_bad != SQLITE_ID_MAX && work->looks < LOOKS_MAX; tried++) {
        sqlite3_int64 next = SQLITE_ID_MAX;
        if (*out_bad <= SQLITE_ID_MAX - step) {
            next = *out_bad + step;
        }

        if (answers(work, which, next)) {
            return next;
        }
        *out_bad = next;

        /* One by one near the damage, then at doubled distances. */
        if (tried + 1 == NEAR_IDS) {
            step = NEAR_IDS;
        } else if (tried >= NEAR_IDS && step <= SQLITE_ID_MAX / 2) {
            step *= 2;
        }
    }

    return 0;
}

/* Where ids answer again behind one that does not; 0: nowhere. */
static sqlite3_int64 skip_damage(salvage *work, salvage_statement which, sqlite3_int64 bad) {
    sqlite3_int64 good = leap_damage(work, which, &bad);
    if (good == 0) {
        return 0;
    }

    /* Between the two lies the first id that answers: halving finds it. */
    while (good - bad > 1) {
        sqlite3_int64 middle = bad + (good - bad) / 2;
        if (answers(work, which, middle)) {
            good = middle;
        } else {
            bad = middle;
        }
    }

    return good;
}

/* Asks the program whether it is to end, once in a number of items. */
static bool salvage_must_stop(salvage *work) {
    work->asked++;
    return work->asked % ITEMS_PER_STOP == 0 && sbs_sqlite_must_stop(work->from);
}

typedef sbs_status (*copy_one)(salvage *work, sqlite3_int64 id);

/* Copies all that one statement finds. Ends without an error where nothing more can be found. */
static sbs_status salvage_walk(salvage *work, salvage_statement which, copy_one copy) {
    sqlite3_int64 at = 1;
    work->looks = 0;
    while (at != 0) {
        sqlite3_int64 id = 0;
        int code = seek_id(work, which, at, &id);
        if (code == SQLITE_DONE) {
            return SBS_OK;
        }

        /* Damage: the walk goes on behind it. */
        if (code != SQLITE_ROW) {
            at = skip_damage(work, which, at);
            continue;
        }

        /* A large file takes minutes. */
        if (salvage_must_stop(work)) {
            return SBS_ERR_CANCELLED;
        }

        if (id > work->largest) {
            work->largest = id;
        }

        /* A failure here is one of the new file, and ends all. */
        sbs_status status = copy(work, id);
        if (status != SBS_OK || id == SQLITE_ID_MAX) {
            return status;
        }
        at = id + 1;
    }

    return SBS_OK;
}

/* ---- copying ----------------------------------------------------------------------------------------------------- */

/* SBS_OK: the item was taken over already, as the indexes tell it a second time. SBS_ERR_NOT_FOUND: it was not. */
static sbs_status find_copy(salvage *work, sqlite3_int64 id) {
    sqlite3_stmt *row = sbs_sqlite_bind(work->to, SQL_FIND, &id, 1);
    sbs_status status = sbs_sqlite_row(work->to, row);
    (void)sqlite3_reset(row);
    return status;
}

static void count_copy(salvage *work, const sbs_sqlite_entry *entry) {
    work->to->priv.kept++;
    work->kept.bytes += (int64_t)entry->item.len;
    if (entry->dead) {
        work->kept.letters++;
    } else {
        work->kept.waiting++;
    }
}

/* What stands in the row, unless its checksum is wrong or it cannot be read. */
static sbs_status copy_row(salvage *work, sqlite3_stmt *row) {
    sbs_sqlite_entry entry;
    if (sqlite3_step(row) != SQLITE_ROW || sbs_sqlite_take_entry(work->from, row, &entry) != SBS_OK || entry.damaged) {
        return SBS_OK;
    }

    sbs_status status = sbs_sqlite_put_item(work->to, &entry, sqlite3_column_blob(row, COLUMN_DATA));
    if (status == SBS_OK) {
        count_copy(work, &entry);
    }

    return status;
}

static sbs_status copy_item(salvage *work, sqlite3_int64 id) {
    sbs_status status = find_copy(work, id);
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    sqlite3_stmt *row = salvage_bind(work, LOAD_ITEM, id);
    status = copy_row(work, row);
    (void)sqlite3_reset(row);
    return status;
}

/* What identifies an item that could not be taken over is left out: it may be added again. */
static sbs_status copy_seen_row(salvage *work, sqlite3_int64 id, sqlite3_stmt *row) {
    int size = (int)SBS_SQLITE_HASH_SIZE;
    if (sqlite3_step(row) != SQLITE_ROW || sqlite3_column_bytes(row, 0) != size ||
        sqlite3_column_bytes(row, 1) != size) {
        return SBS_OK;
    }

    /* What was delivered needs no item. */
    bool delivered = sqlite3_column_int64(row, 2) != 0;
    if (!delivered) {
        sbs_status status = find_copy(work, id);
        if (status != SBS_OK) {
            return sbs_sqlite_allow_missing(status);
        }
    }

    work->kept.seen++;
    return sbs_sqlite_put_seen(work->to, id, sqlite3_column_blob(row, 0), sqlite3_column_blob(row, 1), delivered,
                               sbs_sqlite_column_time(row, 3));
}

static sbs_status copy_seen(salvage *work, sqlite3_int64 id) {
    sqlite3_stmt *row = salvage_bind(work, LOAD_SEEN, id);
    sbs_status status = copy_seen_row(work, id, row);
    (void)sqlite3_reset(row);
    return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Far behind all ids that were seen, as others may have been given that are seen no more. */
static sqlite3_int64 leap_ids(sqlite3_int64 largest, sqlite3_int64 epoch) {
    sqlite3_int64 block = largest / ID_BLOCK + 1 + (epoch & ID_BLOCKS);
    if (block < SQLITE_ID_MAX / ID_BLOCK) {
        return block * ID_BLOCK;
    }
    return largest + (SQLITE_ID_MAX - largest) / 2;
}

/* The counters of the damaged file. False if they cannot be read, or cannot be. */
static bool load_old_state(salvage *work, sbs_sqlite_state *out) {
    sqlite3_stmt *row = salvage_bind(work, LOAD_STATE, 0);
    bool loaded = sqlite3_step(row) == SQLITE_ROW && sbs_sqlite_take_state(row, out) && out->last_id >= work->largest;
    (void)sqlite3_reset(row);
    return loaded;
}

/* Ids go on where they were; if that cannot be read, somewhere else. */
static sbs_status restore_state(salvage *work, bool readable) {
    sbs_status status;
    sbs_sqlite_state *state = sbs_sqlite_edit_state(work->to, &status);
    if (state == NULL) {
        return status;
    }

    /* What the old counters knew of, and is not there, is lost. */
    uint64_t kept = work->to->priv.kept;
    sbs_sqlite_state old;
    if (readable && load_old_state(work, &old)) {
        uint64_t counted = (uint64_t)old.waiting + (uint64_t)old.letters;
        work->to->priv.lost = 0;
        if (counted > kept) {
            work->to->priv.lost = counted - kept;
        }
        *state = old; /* with its epoch: the ids are still those of this queue */
    } else {
        work->to->priv.lost = UINT64_MAX;
        state->last_id = leap_ids(work->largest, state->epoch);
        state->accepted = (int64_t)kept;
    }

    /* What is there is counted anew. */
    state->waiting = work->kept.waiting;
    state->bytes = work->kept.bytes;
    state->letters = work->kept.letters;
    state->seen = work->kept.seen;

    return sbs_sqlite_save_state(work->to);
}

/* The table of items first; the indexes find those whose page in it cannot be reached. */
static sbs_status copy_all(salvage *work) {
    sbs_status status = salvage_walk(work, SEEK_ITEM, copy_item);
    if (status == SBS_OK) {
        status = salvage_walk(work, SEEK_WAITING, copy_item);
    }
    if (status == SBS_OK) {
        status = salvage_walk(work, SEEK_DEAD, copy_item);
    }
    if (status != SBS_OK) {
        return status;
    }

    return salvage_walk(work, SEEK_SEEN, copy_seen);
}

/* SQLite opens no file that is shorter than its header says, as a power cut leaves one: unless the schema may be
 * written, which is a mode for repairs. What is cut off is then found damaged page by page. Nothing is written here. */
static void allow_short_file(sbs_sqlite_queue *from) {
    (void)sqlite3_db_config(from->priv.db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    (void)sqlite3_db_config(from->priv.db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
    (void)sqlite3_exec(from->priv.db, "PRAGMA query_only = ON", NULL, NULL, NULL);
}

sbs_status sbs_sqlite_salvage(sbs_sqlite_queue *from, sbs_sqlite_queue *to) {
    salvage work = {.from = from, .to = to};
    sbs_sqlite_queue mended;
    memset(&mended, 0, sizeof mended);
    allow_short_file(from);

    bool readable = salvage_prepare(&work, 2) || salvage_prepare(&work, 1);
    bool known = true; /* whether the counters that can be read are the last ones */

    /* A copy in memory shows nothing of what is in the log alone. */
    if (!readable && sbs_sqlite_mend(from, &mended)) {
        work.from = &mended;
        readable = salvage_prepare(&work, 2);
        known = !sbs_sqlite_has_log(from->priv.config.path);
    }

    sbs_status status = sbs_sqlite_run(to, SQL_BEGIN, NULL, 0);
    to->priv.writing = status == SBS_OK;

    /* All in one transaction: nobody sees half of it. */
    if (status == SBS_OK && readable) {
        status = copy_all(&work);
    }
    if (status == SBS_OK) {
        status = restore_state(&work, readable && known);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_run(to, SQL_COMMIT, NULL, 0);
    }

    to->priv.writing = false;
    salvage_finalize(&work);
    sbs_sqlite_disconnect(&mended);
    return status;
}
