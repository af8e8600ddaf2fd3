/* SPDX-License-Identifier: Apache-2.0 */
/* Many items at once: what waits, without its bytes, and marks of a whole range. */
#include <string.h>

#include "sqlite_internal.h"

#define KEY_UNKNOWN 1u /* of items of which nobody knows whether another has their identifier */

/* What comes from outside is known by its identifier, and what this queue named itself is like nothing else. Version 1
 * kept no identifiers: its items count as alike, so that no two of them are ever under way together. */
static uint64_t take_key(sqlite3_stmt *row) {
    enum { NO_TYPE = 4, IDENTITY = 5 };
    const void *identity = sqlite3_column_blob(row, IDENTITY);
    uint64_t key = 0;
    if (identity != NULL && sqlite3_column_bytes(row, IDENTITY) >= (int)sizeof key) {
        memcpy(&key, identity, sizeof key);
        return key;
    }

    if (sqlite3_column_int64(row, NO_TYPE) != 0) {
        return KEY_UNKNOWN;
    }
    return 0;
}

static void take_row(sqlite3_stmt *row, sbs_queue_row *out) {
    *out = (sbs_queue_row){
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .len = (size_t)sbs_sqlite_take_len(row, 1),
        .lane = (uint32_t)sqlite3_column_int64(row, 2),
        .attempts = (uint16_t)sqlite3_column_int64(row, 3),
        .key = take_key(row),
    };
}

static sbs_status list_rows(sbs_sqlite_queue *queue, uint64_t after, sbs_queue_row *rows, size_t max,
                            size_t *out_count) {
    if (after >= SQLITE_ID_MAX) {
        return SBS_OK;
    }

    sqlite3_int64 values[] = {(sqlite3_int64)after, (sqlite3_int64)max};
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_LIST, values, 2);
    sbs_status status = SBS_OK;

    while (*out_count < max && (status = sbs_sqlite_row(queue, row)) == SBS_OK) {
        take_row(row, &rows[*out_count]);
        (*out_count)++;
    }

    (void)sqlite3_reset(row);
    return sbs_sqlite_allow_missing(status);
}

static sbs_status bulk_list(void *ctx, uint64_t after, sbs_queue_row *rows, size_t max, size_t *out_count) {
    sbs_sqlite_queue *queue = ctx;
    *out_count = 0;

    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_sqlite_leave_reading(queue, list_rows(queue, after, rows, max, out_count));
}

static sbs_status bulk_mark_fresh(void *ctx, uint64_t first, uint64_t last) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 values[] = {(sqlite3_int64)first, (sqlite3_int64)last};
    return sbs_sqlite_leave(queue, sbs_sqlite_run(queue, SQL_MARK_FRESH, values, 2));
}

static sbs_status bulk_unmark(void *ctx, uint64_t id) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 key = (sqlite3_int64)id;
    return sbs_sqlite_leave(queue, sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_UNMARK, &key, 1)));
}

const sbs_queue_bulk sbs_sqlite_bulk = {.list = bulk_list, .mark_fresh = bulk_mark_fresh, .unmark = bulk_unmark};
