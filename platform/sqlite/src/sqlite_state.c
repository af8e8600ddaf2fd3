/* SPDX-License-Identifier: Apache-2.0 */
/* The counters of the queue: read once in a transaction, changed in memory, written when it ends. And the clock. */
#include "sqlite_internal.h"

#define COUNTER_MAX (INT64_C(1) << 62) /* with an item more it does not overflow */
#define LATEST_S (INT64_C(1) << 40)    /* a time behind this is none */

/* ---- as they stand in a row -------------------------------------------------------------------------------------- */

/* Counters that no queue can have are damage. The epoch may be any number, the last id any that is not negative. */
static bool is_possible(sqlite3_stmt *row) {
    enum { EPOCH = 0, LAST_ID = 1, LOOKED_S = 11 };
    for (int i = EPOCH; i < LOOKED_S; i++) {
        sqlite3_int64 value = sqlite3_column_int64(row, i);

        bool in_range = i == EPOCH || (value >= 0 && (i == LAST_ID || value <= COUNTER_MAX));
        if (sqlite3_column_type(row, i) != SQLITE_INTEGER || !in_range) {
            return false;
        }
    }

    return true;
}

bool sbs_sqlite_take_state(sqlite3_stmt *row, sbs_sqlite_state *out) {
    if (!is_possible(row)) {
        return false;
    }

    *out = (sbs_sqlite_state){
        .epoch = sqlite3_column_int64(row, 0),
        .last_id = sqlite3_column_int64(row, 1),
        .accepted = sqlite3_column_int64(row, 2),
        .delivered = sqlite3_column_int64(row, 3),
        .dead = sqlite3_column_int64(row, 4),
        .dropped = sqlite3_column_int64(row, 5),
        .waiting = sqlite3_column_int64(row, 6),
        .bytes = sqlite3_column_int64(row, 7),
        .letters = sqlite3_column_int64(row, 8),
        .expired = sqlite3_column_int64(row, 9),
        .seen = sqlite3_column_int64(row, 10),
        .looked_s = sbs_sqlite_column_time(row, 11),
        .steady_s = sbs_sqlite_column_time(row, 12),
    };

    return true;
}

static sbs_status load_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_STATE, NULL, 0);
    sbs_status status = sbs_sqlite_row(queue, row);
    bool possible = status == SBS_OK && sbs_sqlite_take_state(row, out);
    (void)sqlite3_reset(row);

    /* Every queue has them, in one row. */
    if (status == SBS_ERR_NOT_FOUND || (status == SBS_OK && !possible)) {
        return sbs_sqlite_fail(queue, SQLITE_CORRUPT);
    }

    return status;
}

/* ---- within a transaction ---------------------------------------------------------------------------------------- */

sbs_status sbs_sqlite_read_state(sbs_sqlite_queue *queue, sbs_sqlite_state *out) {
    if (!queue->priv.writing) {
        return load_state(queue, out);
    }

    /* The first to ask in this transaction reads them. */
    if (!queue->priv.state_known) {
        sbs_status status = load_state(queue, &queue->priv.state);
        if (status != SBS_OK) {
            return status;
        }
        queue->priv.state_known = true;
        queue->priv.expired_before = queue->priv.state.expired;
    }

    *out = queue->priv.state;
    return SBS_OK;
}

sbs_sqlite_state *sbs_sqlite_edit_state(sbs_sqlite_queue *queue, sbs_status *out_status) {
    sbs_sqlite_state unused;
    *out_status = sbs_sqlite_read_state(queue, &unused);
    if (*out_status != SBS_OK) {
        return NULL;
    }

    queue->priv.state_changed = true;
    return &queue->priv.state;
}

/* A program of version 1 that has the file open since before it became version 2 does not count all that this one does:
 * what it deletes without counting would leave less than nothing here. */
static int64_t at_least_zero(int64_t value) {
    if (value > 0) {
        return value;
    }
    return 0;
}

sbs_status sbs_sqlite_save_state(sbs_sqlite_queue *queue) {
    if (!queue->priv.state_changed) {
        return SBS_OK;
    }

    const sbs_sqlite_state *state = &queue->priv.state;

    /* In the order of SQL_SAVE, of which the last two may be NULL. */
    sqlite3_int64 values[] = {state->epoch,
                              state->last_id,
                              state->accepted,
                              state->delivered,
                              state->dead,
                              state->dropped,
                              at_least_zero(state->waiting),
                              at_least_zero(state->bytes),
                              at_least_zero(state->letters),
                              state->expired,
                              at_least_zero(state->seen)};
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_SAVE, values, 11);
    sbs_sqlite_bind_time(statement, 12, state->looked_s);
    sbs_sqlite_bind_time(statement, 13, state->steady_s);

    return sbs_sqlite_done(queue, statement);
}

/* ---- the clock --------------------------------------------------------------------------------------------------- */

bool sbs_sqlite_is_time(int64_t utc_s) {
    return utc_s >= 0 && utc_s <= LATEST_S;
}

int64_t sbs_sqlite_utc(const sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    if (config->utc_now == NULL) {
        return SBS_UTC_UNKNOWN;
    }

    /* A clock that was never set may tell anything. */
    int64_t now_s = config->utc_now(config->utc_ctx);
    if (sbs_sqlite_is_time(now_s)) {
        return now_s;
    }

    return SBS_UTC_UNKNOWN;
}
