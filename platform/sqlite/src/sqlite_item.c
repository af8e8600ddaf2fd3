/* SPDX-License-Identifier: Apache-2.0 */
/* Items and identities as rows, and the counters that go with them. */
#include <stdio.h>
#include <string.h>

#include "sqlite_internal.h"

#define HEAD_SIZE 44u

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        *at = (uint8_t)(value >> (8 * i));
        at++;
    }
    return at;
}

/* Over all that decides what is sent: the id, the meta and the bytes. */
static uint32_t item_checksum(const sbs_queue_item *item, const void *data) {
    uint8_t head[HEAD_SIZE];
    uint8_t *at = put_number(head, item->id, 8);
    at = put_number(at, item->len, 8);
    at = put_number(at, item->meta.uptime_ms, 8);
    at = put_number(at, (uint64_t)item->meta.utc_s, 8);
    at = put_number(at, item->meta.boot_id, 4);
    at = put_number(at, item->meta.lane, 4);
    at = put_number(at, (uint16_t)item->meta.zone_minutes, 2);
    at = put_number(at, item->meta.format, 2);

    uint32_t crc = sbs_sqlite_checksum(0, head, (size_t)(at - head));
    return sbs_sqlite_checksum(crc, data, item->len);
}

static void copy_text(sqlite3_stmt *row, int column, char *out, size_t size) {
    const char *text = (const char *)sqlite3_column_text(row, column);
    if (text == NULL) {
        text = "";
    }
    (void)snprintf(out, size, "%s", text);
}

sbs_status sbs_sqlite_take_item(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_queue_item *out) {
    const void *data = sqlite3_column_blob(row, COLUMN_DATA);
    int len = sqlite3_column_bytes(row, COLUMN_DATA);
    *out = (sbs_queue_item){
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .attempts = (uint16_t)sqlite3_column_int64(row, 2),
        .len = (size_t)sqlite3_column_int64(row, 3),
        .meta =
            {
                .uptime_ms = (uint64_t)sqlite3_column_int64(row, 4),
                .utc_s = sqlite3_column_int64(row, 5),
                .boot_id = (uint32_t)sqlite3_column_int64(row, 6),
                .lane = (uint32_t)sqlite3_column_int64(row, 7),
                .zone_minutes = (int16_t)sqlite3_column_int64(row, 8),
                .format = (uint16_t)sqlite3_column_int64(row, 9),
            },
        .failures = (uint16_t)sqlite3_column_int64(row, COLUMN_FAILURES),
        .failing_since_s = sbs_sqlite_column_time(row, COLUMN_FAILING_SINCE_S),
    };

    /* SQLite gives NULL for bytes that it has no memory for: that is no damage. */
    if (sqlite3_errcode(queue->priv.db) == SQLITE_NOMEM) {
        return sbs_sqlite_fail(queue, SQLITE_NOMEM);
    }

    /* The bytes must be there, as many as were added, and the same. */
    bool whole = sqlite3_column_type(row, COLUMN_DATA) == SQLITE_BLOB && (size_t)len == out->len;
    if (whole && item_checksum(out, data) == (uint32_t)sqlite3_column_int64(row, 10)) {
        return SBS_OK;
    }

    return SBS_ERR_DAMAGED;
}

sbs_status sbs_sqlite_take_entry(sbs_sqlite_queue *queue, sqlite3_stmt *row, sbs_sqlite_entry *out) {
    memset(out, 0, sizeof *out);
    sbs_status status = sbs_sqlite_take_item(queue, row, &out->item);
    if (status != SBS_OK && status != SBS_ERR_DAMAGED) {
        return status;
    }

    /* A damaged item is told with all that can be read of it. */
    out->damaged = status == SBS_ERR_DAMAGED;
    out->dead = sqlite3_column_int64(row, 1) == STATE_DEAD;
    out->mendable = sqlite3_column_int64(row, COLUMN_MENDABLE) != 0;
    out->utc_s = sbs_sqlite_column_time(row, COLUMN_DEAD_S);
    out->arrived_s = sbs_sqlite_column_time(row, COLUMN_ARRIVED_S);
    out->http_status = (uint16_t)sqlite3_column_int64(row, COLUMN_HTTP_STATUS);

    copy_text(row, COLUMN_TYPE, out->type, sizeof out->type);
    copy_text(row, COLUMN_SOURCE, out->source, sizeof out->source);
    copy_text(row, COLUMN_REASON, out->reason, sizeof out->reason);
    copy_text(row, COLUMN_WORDS, out->words, sizeof out->words);

    return SBS_OK;
}

sbs_status sbs_sqlite_check_item(sbs_sqlite_queue *queue, sqlite3_int64 id, sbs_queue_item *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_LOAD, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_sqlite_take_item(queue, row, out);
    (void)sqlite3_reset(row);
    return status;
}

sqlite3_int64 sbs_sqlite_take_len(sqlite3_stmt *row, int column) {
    sqlite3_int64 len = sqlite3_column_int64(row, column);
    if (len >= 0 && len <= SQLITE_ITEM_MAX) {
        return len;
    }
    return 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static sbs_status put_body(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *data, size_t len) {
    if (len == 0) {
        data = ""; /* NULL would be no bytes at all, where the column wants an empty blob */
    }

    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_BODY, &id, 1);
    int code = sqlite3_bind_blob64(statement, 2, data, len, SQLITE_STATIC);
    if (code != SQLITE_OK) {
        return sbs_sqlite_fail(queue, code);
    }

    return sbs_sqlite_done(queue, statement);
}

sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_entry *entry, const void *data) {
    enum { DEAD_S = 12, REASON, MENDABLE, WORDS, HTTP_STATUS, FAILURES, FAILING_SINCE_S, TYPE, SOURCE, ARRIVED_S };
    const sbs_queue_item *item = &entry->item;
    sqlite3_int64 id = (sqlite3_int64)item->id;
    sqlite3_int64 values[] = {id,
                              entry->dead ? STATE_DEAD : STATE_WAITING,
                              item->attempts,
                              (sqlite3_int64)item->len,
                              (sqlite3_int64)item->meta.uptime_ms,
                              item->meta.utc_s,
                              item->meta.boot_id,
                              item->meta.lane,
                              item->meta.zone_minutes,
                              item->meta.format,
                              item_checksum(item, data)};

    /* What is not bound below stays NULL: not known, or not told. */
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_ITEM, values, 11);

    /* An item that waits has a reason, too, if it failed before. */
    if (entry->dead || entry->reason[0] != '\0') {
        sbs_sqlite_bind_time(statement, DEAD_S, entry->utc_s);
        (void)sqlite3_bind_text(statement, REASON, entry->reason, -1, SQLITE_STATIC);
        sbs_sqlite_bind_text(statement, WORDS, entry->words);
        sbs_sqlite_bind_number(statement, HTTP_STATUS, entry->http_status);
    }

    (void)sqlite3_bind_int(statement, MENDABLE, entry->dead && entry->mendable);
    (void)sqlite3_bind_int(statement, FAILURES, item->failures);
    if (item->failures != 0) {
        sbs_sqlite_bind_time(statement, FAILING_SINCE_S, item->failing_since_s);
    }

    sbs_sqlite_bind_text(statement, TYPE, entry->type);
    sbs_sqlite_bind_text(statement, SOURCE, entry->source);
    sbs_sqlite_bind_time(statement, ARRIVED_S, entry->arrived_s);

    sbs_status status = sbs_sqlite_done(queue, statement);
    if (status != SBS_OK) {
        return status;
    }

    return put_body(queue, id, data, item->len);
}

sbs_status sbs_sqlite_put_seen(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *identity, const void *content,
                               bool delivered, int64_t delivered_s) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_SEEN, &id, 1);
    (void)sqlite3_bind_blob(statement, 2, identity, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(statement, 3, content, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 4, delivered);
    sbs_sqlite_bind_time(statement, 5, delivered_s);
    return sbs_sqlite_done(queue, statement);
}

/* ---- deleting ---------------------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_forget(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sbs_status status = sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_DROP_SEEN, &id, 1));
    if (status != SBS_OK) {
        return sbs_sqlite_allow_missing(status);
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters != NULL && counters->seen > 0) {
        counters->seen--;
    }

    return status;
}

sbs_status sbs_sqlite_forget_first(sbs_sqlite_queue *queue, sqlite3_stmt *row) {
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 id = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return sbs_sqlite_forget(queue, id);
}

sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, int state) {
    /* An item is in three tables. */
    sbs_status status = sbs_sqlite_run(queue, SQL_DROP_ITEM, &id, 1);
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, SQL_DROP_BODY, &id, 1);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_forget(queue, id);
    }
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters == NULL) {
        return status;
    }

    /* One that waited has not been sent: it counts as dropped. */
    counters->bytes -= len;

    if (state == STATE_DEAD) {
        counters->letters--;
    }
    if (state == STATE_WAITING) {
        counters->waiting--;
        counters->dropped++;
    }

    queue->priv.erased = true;
    queue->priv.cached_id = 0;
    return SBS_OK;
}

sbs_status sbs_sqlite_delete_first(sbs_sqlite_queue *queue, sqlite3_stmt *row, int state) {
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    /* The row is given up before it is deleted: SQLite must not go on reading there. */
    sqlite3_int64 id = sqlite3_column_int64(row, 0);
    sqlite3_int64 len = sbs_sqlite_take_len(row, 1);
    (void)sqlite3_reset(row);
    status = sbs_sqlite_delete(queue, id, len, state);
    if (status != SBS_OK || state != STATE_DEAD) {
        return status;
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters != NULL) {
        counters->expired++;
    }

    return status;
}
