/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters, and ids to come. */
#include <stdio.h>

#include "sqlite_internal.h"

static sbs_status find_dead(sbs_sqlite_queue *queue, uint64_t after, sbs_sqlite_dead *out_dead) {
    const sqlite3_int64 id = (sqlite3_int64)after;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_NEXT_DEAD, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_take_item(queue, row, &out_dead->item);
    sbs_sqlite_take_death(row, out_dead);
    (void)sqlite3_reset(row);
    return status == SBS_ERR_DAMAGED ? SBS_OK : status;
}

void sbs_sqlite_take_death(sqlite3_stmt *row, sbs_sqlite_dead *out) {
    const unsigned char *reason = sqlite3_column_text(row, COLUMN_REASON);
    bool dated = sqlite3_column_type(row, COLUMN_DEAD_S) == SQLITE_INTEGER;
    out->utc_s = dated ? sqlite3_column_int64(row, COLUMN_DEAD_S) : SBS_UTC_UNKNOWN;
    (void)snprintf(out->reason, sizeof out->reason, "%s", reason != NULL ? (const char *)reason : "");
}

sbs_status sbs_sqlite_queue_dead(sbs_sqlite_queue *queue, uint64_t after, sbs_sqlite_dead *out_dead) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    return status == SBS_OK ? sbs_sqlite_leave_reading(queue, find_dead(queue, after, out_dead)) : status;
}

/* The length of a dead letter. SBS_ERR_NOT_FOUND if there is none under the id. */
static sbs_status look_up(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 *out_len) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_FIND, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    *out_len = sqlite3_column_int64(row, 0);
    bool dead = sqlite3_column_int64(row, 1) == STATE_DEAD;
    (void)sqlite3_reset(row);
    return dead ? SBS_OK : SBS_ERR_NOT_FOUND;
}

static sbs_status check(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sbs_queue_item item;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_LOAD, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status == SBS_OK) {
        status = sbs_sqlite_take_item(queue, row, &item);
        (void)sqlite3_reset(row);
    }
    return status;
}

static sbs_status revive(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    const sqlite_state change = {.waiting = 1};
    sbs_status status = check(queue, id);
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, SQL_REVIVE, &id, 1);
    }
    if (status == SBS_OK && sqlite3_changes(queue->priv.db) == 0) {
        status = SBS_ERR_NOT_FOUND;
    }
    return status == SBS_OK ? sbs_sqlite_count(queue, &change) : status;
}

sbs_status sbs_sqlite_queue_retry(sbs_sqlite_queue *queue, uint64_t id) {
    sbs_status status = sbs_sqlite_enter(queue);
    return status == SBS_OK ? sbs_sqlite_leave(queue, revive(queue, (sqlite3_int64)id)) : status;
}

sbs_status sbs_sqlite_queue_remove_dead(sbs_sqlite_queue *queue, uint64_t id) {
    sqlite3_int64 len;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = look_up(queue, (sqlite3_int64)id, &len);
    if (status == SBS_OK) {
        status = sbs_sqlite_delete(queue, (sqlite3_int64)id, len, (sqlite_state){0});
    }
    return sbs_sqlite_leave(queue, status);
}

sbs_status sbs_sqlite_queue_next_id(sbs_sqlite_queue *queue, uint64_t *out_epoch, uint64_t *out_id) {
    sqlite_state state;
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_leave_reading(queue, sbs_sqlite_state(queue, &state));
    if (status == SBS_OK) {
        *out_epoch = (uint64_t)state.epoch;
        *out_id = (uint64_t)state.last_id + 1;
    }
    return status;
}

const char *sbs_sqlite_queue_set_aside(const sbs_sqlite_queue *queue, uint64_t *out_kept) {
    *out_kept = queue->priv.kept;
    return queue->priv.set_aside;
}
