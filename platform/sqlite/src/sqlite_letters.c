/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask and do: single items, dead letters, the state of the whole. */
#include <string.h>

#include "sqlite_internal.h"

/* ---- looking ---------------------------------------------------------------------------------------------------- */

static sbs_status add_identity(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry) {
    const sqlite3_int64 id = (sqlite3_int64)entry->item.id;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_IDENTITY, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        if (status == SBS_ERR_NOT_FOUND) {
            return SBS_OK;
        }
        return status;
    }
    const void *identity = sqlite3_column_blob(row, 0);
    if (identity != NULL && sqlite3_column_bytes(row, 0) == (int)SBS_SQLITE_HASH_SIZE) {
        memcpy(entry->identity, identity, SBS_SQLITE_HASH_SIZE);
        entry->has_identity = true;
    }
    (void)sqlite3_reset(row);
    return SBS_OK;
}

static sbs_status find_entry(sbs_sqlite_queue *queue, sqlite_statement which, uint64_t id, sbs_sqlite_entry *out) {
    const sqlite3_int64 key = (sqlite3_int64)id;
    if (id > SQLITE_ID_MAX) {
        return SBS_ERR_NOT_FOUND;
    }
    sqlite3_stmt *row = sbs_sqlite_bind(queue, which, &key, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_take_entry(queue, row, out);
    (void)sqlite3_reset(row);
    if (status != SBS_OK) {
        return status;
    }
    return add_identity(queue, out);
}

sbs_status sbs_sqlite_queue_find(sbs_sqlite_queue *queue, uint64_t id, sbs_sqlite_entry *out) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, find_entry(queue, SQL_LOAD, id, out));
}

sbs_status sbs_sqlite_queue_dead(sbs_sqlite_queue *queue, uint64_t after, sbs_sqlite_dead *out_dead) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, find_entry(queue, SQL_NEXT_DEAD, after, out_dead));
}

/* ---- changing --------------------------------------------------------------------------------------------------- */

static sbs_status revive(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sbs_queue_item item;
    sbs_status status = sbs_sqlite_check_item(queue, id, &item);
    if (status == SBS_OK) {
        status = sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_REVIVE, &id, 1));
    }
    if (status != SBS_OK) {
        return status;
    }
    sbs_sqlite_state *state = sbs_sqlite_edit_state(queue, &status);
    if (state != NULL) {
        state->waiting++;
        state->letters--;
    }
    return status;
}

sbs_status sbs_sqlite_queue_retry(sbs_sqlite_queue *queue, uint64_t id) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, revive(queue, (sqlite3_int64)id));
}

sbs_status sbs_sqlite_queue_note_http(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status) {
    const sqlite3_int64 values[] = {(sqlite3_int64)id, http_status};
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_HTTP_STATUS, values, 2)));
}

sbs_status sbs_sqlite_queue_note_trouble(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status, const char *reason,
                                         const char *words) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, sbs_sqlite_trouble(queue, (sqlite3_int64)id, http_status, reason, words));
}

static sbs_status remove_item(sbs_sqlite_queue *queue, sqlite3_int64 id, bool dead_only) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_FIND, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    sqlite3_int64 len = sbs_sqlite_take_len(row, 0);
    int state = sqlite3_column_int(row, 1);
    (void)sqlite3_reset(row);
    if (dead_only && state != STATE_DEAD) {
        return SBS_ERR_NOT_FOUND;
    }
    return sbs_sqlite_delete(queue, id, len, state);
}

sbs_status sbs_sqlite_queue_remove(sbs_sqlite_queue *queue, uint64_t id) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, remove_item(queue, (sqlite3_int64)id, false));
}

sbs_status sbs_sqlite_queue_remove_dead(sbs_sqlite_queue *queue, uint64_t id) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, remove_item(queue, (sqlite3_int64)id, true));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_queue_next_id(sbs_sqlite_queue *queue, uint64_t *out_epoch, uint64_t *out_id) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_leave_reading(queue, sbs_sqlite_read_state(queue, &state));
    if (status == SBS_OK) {
        *out_epoch = (uint64_t)state.epoch;
        *out_id = (uint64_t)state.last_id + 1;
    }
    return status;
}

static sbs_status find_oldest(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    const sqlite3_int64 wanted = STATE_WAITING;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_OLDEST, &wanted, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    out->oldest_s = SBS_UTC_UNKNOWN;
    if (status != SBS_OK) {
        if (status == SBS_ERR_NOT_FOUND) {
            return SBS_OK;
        }
        return status;
    }
    out->oldest_id = (uint64_t)sqlite3_column_int64(row, 0);
    if (sqlite3_column_type(row, 2) == SQLITE_INTEGER) {
        out->oldest_s = sqlite3_column_int64(row, 2);
    }
    (void)sqlite3_reset(row);
    return SBS_OK;
}

static sbs_status measure_file(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sqlite3_int64 size = 0;
    sqlite3_int64 pages = 0;
    sqlite3_int64 unused = 0;
    sbs_status status = sbs_sqlite_ask(queue, "PRAGMA page_size", &size);
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA page_count", &pages);
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_ask(queue, "PRAGMA freelist_count", &unused);
    }
    out->file_bytes = (uint64_t)(size * pages);
    out->free_bytes = (uint64_t)(size * unused);
    return status;
}

static sbs_status collect(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_read_state(queue, &state);
    if (status != SBS_OK) {
        return status;
    }
    *out = (sbs_sqlite_stats){
        .counters =
            {
                .accepted = (uint64_t)state.accepted,
                .delivered = (uint64_t)state.delivered,
                .dead = (uint64_t)state.dead,
                .dropped = (uint64_t)state.dropped,
                .waiting = state.waiting < UINT32_MAX ? (uint32_t)state.waiting : UINT32_MAX,
            },
        .bytes = (uint64_t)state.bytes,
        .letters = (uint64_t)state.letters,
        .expired = (uint64_t)state.expired,
        .seen = (uint64_t)state.seen,
    };
    return SBS_OK;
}

/* Between the two no other process can change anything. */
static sbs_status collect_at_once(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    bool alone = sqlite3_get_autocommit(queue->priv.db) != 0;
    sbs_status status = SBS_OK;
    if (alone) {
        status = sbs_sqlite_exec(queue, "BEGIN");
    }
    if (status == SBS_OK) {
        status = collect(queue, out);
    }
    if (status == SBS_OK) {
        status = find_oldest(queue, out);
    }
    if (status == SBS_OK) {
        status = measure_file(queue, out);
    }
    if (alone) {
        (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    }
    return status;
}

sbs_status sbs_sqlite_read_counters(sbs_sqlite_queue *queue, sbs_queue_counters *out) {
    sbs_sqlite_stats stats = {0};
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status == SBS_OK) {
        status = sbs_sqlite_leave_reading(queue, collect(queue, &stats));
        *out = stats.counters;
    }
    return status;
}

sbs_status sbs_sqlite_queue_stats(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, collect_at_once(queue, out));
}

uint64_t sbs_sqlite_queue_expired(const sbs_sqlite_queue *queue) {
    return queue->priv.expired;
}

const char *sbs_sqlite_queue_set_aside(const sbs_sqlite_queue *queue, uint64_t *out_kept) {
    *out_kept = queue->priv.kept;
    return queue->priv.set_aside;
}

uint64_t sbs_sqlite_queue_lost(const sbs_sqlite_queue *queue) {
    return queue->priv.lost;
}

bool sbs_sqlite_queue_is_damaged(const sbs_sqlite_queue *queue) {
    return (queue->priv.error & 0xFF) == SQLITE_CORRUPT;
}
