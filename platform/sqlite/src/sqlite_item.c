/* SPDX-License-Identifier: Apache-2.0 */
/* Items as rows, and the counters that go with them. */
#include <stdio.h>
#include <string.h>

#include "sqlite_internal.h"

#define HEAD_SIZE 44u

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static uint8_t *put_number(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

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
    return sbs_sqlite_checksum(sbs_sqlite_checksum(0, head, (size_t)(at - head)), data, item->len);
}

static int64_t column_time(sqlite3_stmt *row, int column) {
    if (sqlite3_column_type(row, column) == SQLITE_INTEGER) {
        return sqlite3_column_int64(row, column);
    }
    return SBS_UTC_UNKNOWN;
}

static void copy_text(sqlite3_stmt *row, int column, char *out, size_t size) {
    const unsigned char *text = sqlite3_column_text(row, column);
    (void)snprintf(out, size, "%s", text != NULL ? (const char *)text : "");
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
        .failing_since_s = column_time(row, COLUMN_FAILING_SINCE_S),
    };
    if (sqlite3_errcode(queue->priv.db) == SQLITE_NOMEM) {
        return sbs_sqlite_fail(queue, SQLITE_NOMEM);
    }
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

    out->damaged = status == SBS_ERR_DAMAGED;
    out->dead = sqlite3_column_int64(row, 1) == STATE_DEAD;
    out->mendable = sqlite3_column_int64(row, COLUMN_MENDABLE) != 0;
    out->utc_s = column_time(row, COLUMN_DEAD_S);
    out->arrived_s = column_time(row, COLUMN_ARRIVED_S);
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
    if (status == SBS_OK) {
        status = sbs_sqlite_take_item(queue, row, out);
        (void)sqlite3_reset(row);
    }
    return status;
}

sqlite3_int64 sbs_sqlite_take_len(sqlite3_stmt *row, int column) {
    sqlite3_int64 len = sqlite3_column_int64(row, column);
    if (len >= 0 && len <= SQLITE_ITEM_MAX) {
        return len;
    }
    return 0;
}

/* ---- writing ---------------------------------------------------------------------------------------------------- */

static sbs_status put_body(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *data, size_t len) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_BODY, &id, 1);
    int code = sqlite3_bind_blob64(statement, 2, len > 0 ? data : "", len, SQLITE_STATIC);
    if (code == SQLITE_OK) {
        return sbs_sqlite_done(queue, statement);
    }
    return sbs_sqlite_fail(queue, code);
}

static void bind_text(sqlite3_stmt *statement, int parameter, const char *text) {
    if (text[0] != '\0') {
        (void)sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
    }
}

static void bind_number(sqlite3_stmt *statement, int parameter, sqlite3_int64 value) {
    if (value != 0) {
        (void)sqlite3_bind_int64(statement, parameter, value);
    }
}

sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_entry *entry, const void *data) {
    enum { DEAD_S = 12, REASON, MENDABLE, WORDS, HTTP_STATUS, FAILURES, FAILING_SINCE_S, TYPE, SOURCE, ARRIVED_S };
    const sbs_queue_item *item = &entry->item;
    const sqlite3_int64 id = (sqlite3_int64)item->id;
    const sqlite3_int64 values[] = {id,
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
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_ITEM, values, 11);

    if (entry->dead || entry->reason[0] != '\0') {
        sbs_sqlite_bind_time(statement, DEAD_S, entry->utc_s);
        (void)sqlite3_bind_text(statement, REASON, entry->reason, -1, SQLITE_STATIC);
        bind_text(statement, WORDS, entry->words);
        bind_number(statement, HTTP_STATUS, entry->http_status);
    }
    (void)sqlite3_bind_int(statement, MENDABLE, entry->dead && entry->mendable);
    (void)sqlite3_bind_int(statement, FAILURES, item->failures);
    if (item->failures != 0) {
        sbs_sqlite_bind_time(statement, FAILING_SINCE_S, item->failing_since_s);
    }
    bind_text(statement, TYPE, entry->type);
    bind_text(statement, SOURCE, entry->source);
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

sbs_status sbs_sqlite_forget(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sbs_status status = sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_DROP_SEEN, &id, 1));
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }
    sbs_sqlite_state *state = sbs_sqlite_edit_state(queue, &status);
    if (state != NULL) {
        state->seen -= state->seen > 0;
    }
    return status;
}

sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, int state) {
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
    if (counters != NULL) {
        counters->bytes -= len;
        counters->letters -= state == STATE_DEAD;
        counters->waiting -= state == STATE_WAITING;
        counters->dropped += state == STATE_WAITING;
        queue->priv.erased = true;
        queue->priv.cached_id = 0;
    }
    return status;
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

/* As many whole characters of UTF-8 as fit. */
static int fitting_len(const char *words, size_t size) {
    size_t len = strlen(words);
    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)words[len] & 0xC0) == 0x80) {
            len--;
        }
    }
    return (int)len;
}

sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason, const char *words) {
    static const char operator_s[] = SBS_QUEUE_REASON_OPERATOR;
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_BURY, &id, 1);
    sbs_sqlite_bind_time(statement, 2, sbs_sqlite_utc(queue));
    (void)sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 4, strncmp(reason, operator_s, sizeof operator_s - 1) == 0);
    if (words != NULL && words[0] != '\0') {
        (void)sqlite3_bind_text(statement, 5, words, fitting_len(words, SBS_QUEUE_WORDS_SIZE), SQLITE_STATIC);
    }
    sbs_status status = sbs_sqlite_change(queue, statement);
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state *state = sbs_sqlite_edit_state(queue, &status);
    if (state != NULL) {
        state->dead++;
        state->letters++;
        state->waiting--;
    }
    return status;
}

sbs_status sbs_sqlite_trouble(sbs_sqlite_queue *queue, sqlite3_int64 id, uint16_t http_status, const char *reason,
                              const char *words) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_TROUBLE, &id, 1);
    sbs_sqlite_bind_time(statement, 2, sbs_sqlite_utc(queue));
    (void)sqlite3_bind_text(statement, 3, reason, fitting_len(reason, SBS_QUEUE_REASON_SIZE), SQLITE_STATIC);
    if (words != NULL && words[0] != '\0') {
        (void)sqlite3_bind_text(statement, 4, words, fitting_len(words, SBS_QUEUE_WORDS_SIZE), SQLITE_STATIC);
    }
    bind_number(statement, 5, http_status);
    return sbs_sqlite_change(queue, statement);
}
