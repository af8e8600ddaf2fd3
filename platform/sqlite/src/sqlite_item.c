/* SPDX-License-Identifier: Apache-2.0 */
/* Items as rows, and the counters that go with them. */
#include "sqlite_internal.h"

#include <string.h>

#include "sbs/crc32.h"

#define HEAD_SIZE 44u

int64_t sbs_sqlite_utc(const sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    return config->utc_now == NULL ? SBS_UTC_UNKNOWN : config->utc_now(config->utc_ctx);
}

/* ---- the counters -------------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_state(sbs_sqlite_queue *queue, sqlite_state *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_STATE, NULL, 0);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status == SBS_ERR_NOT_FOUND ? sbs_sqlite_fail(queue, SQLITE_CORRUPT) : status;
    }
    *out = (sqlite_state){
        .epoch = sqlite3_column_int64(row, 0),
        .last_id = sqlite3_column_int64(row, 1),
        .accepted = sqlite3_column_int64(row, 2),
        .delivered = sqlite3_column_int64(row, 3),
        .dead = sqlite3_column_int64(row, 4),
        .dropped = sqlite3_column_int64(row, 5),
        .waiting = sqlite3_column_int64(row, 6),
        .bytes = sqlite3_column_int64(row, 7),
    };
    (void)sqlite3_reset(row);
    return SBS_OK;
}

sbs_status sbs_sqlite_count(sbs_sqlite_queue *queue, const sqlite_state *change) {
    const sqlite3_int64 values[] = {change->accepted, change->delivered, change->dead,
                                    change->dropped,  change->waiting,   change->bytes};
    return sbs_sqlite_run(queue, SQL_COUNT, values, 6);
}

/* ---- rows ---------------------------------------------------------------------------------------------------- */

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
    return sbs_crc32(sbs_crc32(0, head, (size_t)(at - head)), data, item->len);
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
    };
    if (sqlite3_errcode(queue->priv.db) == SQLITE_NOMEM) {
        return sbs_sqlite_fail(queue, SQLITE_NOMEM);
    }
    bool whole = sqlite3_column_type(row, COLUMN_DATA) == SQLITE_BLOB && (size_t)len == out->len;
    return whole && item_checksum(out, data) == (uint32_t)sqlite3_column_int64(row, 10) ? SBS_OK : SBS_ERR_DAMAGED;
}

static sbs_status put_body(sbs_sqlite_queue *queue, sqlite3_int64 id, const void *data, size_t len) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_BODY, &id, 1);
    int code = sqlite3_bind_blob64(statement, 2, len > 0 ? data : "", len, SQLITE_STATIC);
    return code == SQLITE_OK ? sbs_sqlite_done(queue, statement) : sbs_sqlite_fail(queue, code);
}

sbs_status sbs_sqlite_put_item(sbs_sqlite_queue *queue, const sbs_sqlite_dead *item, int state, const void *data) {
    const sbs_queue_meta *meta = &item->item.meta;
    const sqlite3_int64 id = (sqlite3_int64)item->item.id;
    const sqlite3_int64 values[] = {id,
                                    state,
                                    item->item.attempts,
                                    (sqlite3_int64)item->item.len,
                                    (sqlite3_int64)meta->uptime_ms,
                                    meta->utc_s,
                                    meta->boot_id,
                                    meta->lane,
                                    meta->zone_minutes,
                                    meta->format,
                                    item_checksum(&item->item, data)};
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_ADD_ITEM, values, 11);
    if (state == STATE_DEAD) {
        if (item->utc_s != SBS_UTC_UNKNOWN) {
            (void)sqlite3_bind_int64(statement, 12, item->utc_s);
        }
        (void)sqlite3_bind_text(statement, 13, item->reason, -1, SQLITE_STATIC);
    }
    sbs_status status = sbs_sqlite_done(queue, statement);
    return status == SBS_OK ? put_body(queue, id, data, item->item.len) : status;
}

sbs_status sbs_sqlite_delete(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 len, sqlite_state change) {
    sbs_status status = sbs_sqlite_run(queue, SQL_DROP_ITEM, &id, 1);
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, SQL_DROP_BODY, &id, 1);
    }
    change.bytes = -len;
    queue->priv.erased = true;
    return status == SBS_OK ? sbs_sqlite_count(queue, &change) : status;
}

/* ---- dead letters -------------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_expire(sbs_sqlite_queue *queue, unsigned most) {
    int64_t now_s = sbs_sqlite_utc(queue);
    uint32_t keep_s = queue->priv.config.dead_keep_s;
    if (now_s == SBS_UTC_UNKNOWN || keep_s == UINT32_MAX) {
        return SBS_OK;
    }
    for (unsigned i = 0; i < most; i++) {
        const sqlite3_int64 before = now_s - keep_s;
        sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_EXPIRED, &before, 1);
        sbs_status status = sbs_sqlite_row(queue, row);
        if (status != SBS_OK) {
            return status == SBS_ERR_NOT_FOUND ? SBS_OK : status;
        }
        sqlite3_int64 id = sqlite3_column_int64(row, 0);
        sqlite3_int64 len = sqlite3_column_int64(row, 1);
        (void)sqlite3_reset(row);
        status = sbs_sqlite_delete(queue, id, len, (sqlite_state){0});
        if (status != SBS_OK) {
            return status;
        }
    }
    return SBS_OK;
}

sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason) {
    int64_t now_s = sbs_sqlite_utc(queue);
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_BURY, &id, 1);
    if (now_s != SBS_UTC_UNKNOWN) {
        (void)sqlite3_bind_int64(statement, 2, now_s);
    }
    (void)sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    sbs_status status = sbs_sqlite_done(queue, statement);
    if (status != SBS_OK) {
        return status;
    }
    if (sqlite3_changes(queue->priv.db) == 0) {
        return SBS_ERR_NOT_FOUND;
    }
    const sqlite_state change = {.dead = 1, .waiting = -1};
    return sbs_sqlite_count(queue, &change);
}
