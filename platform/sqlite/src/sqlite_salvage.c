/* SPDX-License-Identifier: Apache-2.0 */
/* What can be read of a damaged file: from its start up to the damage, from its end back to it, and between the two
 * whatever answers when it is asked for by its id. */
#include <string.h>

#include "sqlite_internal.h"

#define PROBES_MAX 1000000
#define ID_BLOCK (1ll << 32)
#define ID_BLOCKS 0xFFFFFF /* a random number of blocks */

typedef struct salvage {
    sbs_sqlite_queue *from, *to;
    sqlite3_int64 largest; /* id that was seen */
    sqlite3_int64 waiting, bytes;
    int code;      /* of the last look-up */
    bool readable; /* its schema at least */
} salvage;

/* Copies the item of a row, unless its checksum is wrong. The row is read before anything is written. */
static sbs_status copy_row(salvage *work, sqlite3_stmt *row) {
    sbs_sqlite_dead item;
    int state = sqlite3_column_int(row, 1);
    memset(&item, 0, sizeof item);
    if (sbs_sqlite_take_item(work->from, row, &item.item) != SBS_OK) {
        return SBS_OK;
    }
    sbs_sqlite_take_death(row, &item);
    sbs_status status = sbs_sqlite_put_item(work->to, &item, state, sqlite3_column_blob(row, COLUMN_DATA));
    if (status == SBS_OK) {
        work->to->priv.kept++;
        work->waiting += state == STATE_WAITING;
        work->bytes += (sqlite3_int64)item.item.len;
    }
    return status;
}

/* Looks one row up and copies it. False in @p out_more at the end of the table or at the damage. */
static sbs_status copy_one(salvage *work, sqlite_statement which, sqlite3_int64 *id, bool *out_more) {
    sqlite3_stmt *row = sbs_sqlite_bind(work->from, which, id, 1);
    work->code = sqlite3_step(row);
    *out_more = work->code == SQLITE_ROW;
    sbs_status status = SBS_OK;
    if (*out_more) {
        *id = sqlite3_column_int64(row, 0);
        work->largest = *id > work->largest ? *id : work->largest;
        status = copy_row(work, row);
    }
    (void)sqlite3_reset(row);
    return status;
}

/* Walks from @p *id until the end or the damage, or until @p limit is met. Leaves the last id that was read. */
static sbs_status walk(salvage *work, sqlite_statement which, sqlite3_int64 *id, sqlite3_int64 limit) {
    bool more = true;
    sbs_status status = SBS_OK;
    while (status == SBS_OK && more && (which == SQL_AFTER || *id > limit + 1)) {
        status = copy_one(work, which, id, &more);
    }
    return status;
}

static sbs_status probe(salvage *work, sqlite3_int64 first, sqlite3_int64 end) {
    sbs_status status = SBS_OK;
    bool more;
    for (sqlite3_int64 i = 0; i < PROBES_MAX && first + i < end && status == SBS_OK; i++) {
        sqlite3_int64 id = first + i;
        status = copy_one(work, SQL_LOAD, &id, &more);
    }
    return status;
}

static sbs_status copy_items(salvage *work) {
    sqlite3_int64 from_start = 0;
    sqlite3_int64 from_end = INT64_MAX;
    sbs_status status = walk(work, SQL_AFTER, &from_start, 0);
    if (status != SBS_OK || work->code == SQLITE_DONE) {
        return status;
    }
    status = walk(work, SQL_BEFORE, &from_end, from_start);
    return status == SBS_OK ? probe(work, from_start + 1, from_end) : status;
}

/* Ids go on where they were; if that cannot be read, somewhere far behind all that were seen. */
static sbs_status restore_state(salvage *work) {
    sqlite_state state;
    if (!work->readable || sbs_sqlite_state(work->from, &state) != SBS_OK || state.last_id < work->largest) {
        sbs_status status = sbs_sqlite_state(work->to, &state);
        if (status != SBS_OK) {
            return status;
        }
        state.last_id = (work->largest / ID_BLOCK + 1 + (state.epoch & ID_BLOCKS)) * ID_BLOCK;
        state.accepted = (sqlite3_int64)work->to->priv.kept;
    }
    const sqlite3_int64 values[] = {state.epoch,     state.last_id, state.accepted,
                                    state.delivered, state.dead,    state.dropped};
    const sqlite_state kept = {.waiting = work->waiting, .bytes = work->bytes};
    sbs_status status = sbs_sqlite_run(work->to, SQL_RESTORE, values, 6);
    return status == SBS_OK ? sbs_sqlite_count(work->to, &kept) : status;
}

sbs_status sbs_sqlite_salvage(sbs_sqlite_queue *from, sbs_sqlite_queue *to) {
    bool prepared = from->priv.statements[SQL_COUNT_OF - 1] != NULL;
    salvage work = {.from = from, .to = to, .readable = prepared || sbs_sqlite_prepare(from) == SBS_OK};
    sbs_status status = sbs_sqlite_run(to, SQL_BEGIN, NULL, 0);
    status = status == SBS_OK && work.readable ? copy_items(&work) : status;
    status = status == SBS_OK ? restore_state(&work) : status;
    return status == SBS_OK ? sbs_sqlite_run(to, SQL_COMMIT, NULL, 0) : status;
}
