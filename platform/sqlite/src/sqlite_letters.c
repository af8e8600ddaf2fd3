/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask and do: single items, dead letters, the state of the whole. */
#include <stdio.h>
#include <string.h>

#include "sqlite_internal.h"

/* ---- looking ----------------------------------------------------------------------------------------------------- */

/* Fills in the identity, where one is known under the item's id. */
static sbs_status add_identity(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry) {
    sqlite3_int64 id = (sqlite3_int64)entry->item.id;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_IDENTITY, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return sbs_sqlite_allow_missing(status);
    }

    /* Another length is damage; the item is told without an identity. */
    const void *identity = sqlite3_column_blob(row, 0);
    if (identity != NULL && sqlite3_column_bytes(row, 0) == (int)SBS_SQLITE_HASH_SIZE) {
        memcpy(entry->identity, identity, SBS_SQLITE_HASH_SIZE);
        entry->has_identity = true;
    }

    (void)sqlite3_reset(row);
    return SBS_OK;
}

static sbs_status find_entry(sbs_sqlite_queue *queue, sqlite_statement which, uint64_t id, sbs_sqlite_entry *out) {
    if (id > SQLITE_ID_MAX) {
        return SBS_ERR_NOT_FOUND;
    }

    /* The identity has a statement of its own, because most items have none. */
    sqlite3_int64 key = (sqlite3_int64)id;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, which, &key, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    /* The row has all but the identity. */
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

static sbs_status find_known(sbs_sqlite_queue *queue, const uint8_t *identity, sbs_sqlite_known *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_KNOWN, NULL, 0);
    (void)sqlite3_bind_blob(row, 1, identity, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    /* What is there waits or is dead, whatever became of an earlier delivery. */
    *out = (sbs_sqlite_known){
        .id = (uint64_t)sqlite3_column_int64(row, 0),
        .state = SBS_SQLITE_DELIVERED,
        .delivered_s = sbs_sqlite_column_time(row, 2),
    };
    if (sqlite3_column_type(row, 3) == SQLITE_INTEGER) {
        out->state = sqlite3_column_int(row, 3) == STATE_DEAD ? SBS_SQLITE_IS_DEAD : SBS_SQLITE_WAITS;
    }

    (void)sqlite3_reset(row);
    return SBS_OK;
}

sbs_status sbs_sqlite_queue_known(sbs_sqlite_queue *queue, const uint8_t *identity, sbs_sqlite_known *out) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, find_known(queue, identity, out));
}

/* ---- why an item waits or is dead -------------------------------------------------------------------------------- */

/* As many whole characters of UTF-8 as fit. */
static int fitting_len(const char *words, size_t size) {
    size_t len = strlen(words);
    if (len >= size) {
        len = size - 1;

        /* Back to where a character begins. */
        while (len > 0 && ((unsigned char)words[len] & 0xC0) == 0x80) {
            len--;
        }
    }

    return (int)len;
}

/* Binds what the server said; nothing leaves NULL. */
static void bind_words(sqlite3_stmt *statement, int parameter, const char *words) {
    if (words != NULL && words[0] != '\0') {
        (void)sqlite3_bind_text(statement, parameter, words, fitting_len(words, SBS_QUEUE_WORDS_SIZE), SQLITE_STATIC);
    }
}

static bool is_mendable(const char *reason) {
    static const char operator_s[] = SBS_QUEUE_REASON_OPERATOR;
    return strncmp(reason, operator_s, sizeof operator_s - 1) == 0;
}

sbs_status sbs_sqlite_bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason, const char *words) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_BURY, &id, 1);
    sbs_sqlite_bind_time(statement, 2, sbs_sqlite_utc(queue));
    (void)sqlite3_bind_text(statement, 3, reason, -1, SQLITE_STATIC);
    (void)sqlite3_bind_int(statement, 4, is_mendable(reason));
    bind_words(statement, 5, words);
    sbs_status status = sbs_sqlite_change(queue, statement);
    if (status != SBS_OK) {
        return status;
    }

    /* `dead` counts what ever was set aside, `letters` what is there. */
    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters != NULL) {
        counters->dead++;
        counters->letters++;
        counters->waiting--;
    }

    return status;
}

static sbs_status note_trouble(sbs_sqlite_queue *queue, sqlite3_int64 id, uint16_t http_status, const char *reason,
                               const char *words) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_TROUBLE, &id, 1);
    sbs_sqlite_bind_time(statement, 2, sbs_sqlite_utc(queue));
    (void)sqlite3_bind_text(statement, 3, reason, fitting_len(reason, SBS_QUEUE_REASON_SIZE), SQLITE_STATIC);
    bind_words(statement, 4, words);
    sbs_sqlite_bind_number(statement, 5, http_status);
    return sbs_sqlite_change(queue, statement);
}

sbs_status sbs_sqlite_queue_note_trouble(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status, const char *reason,
                                         const char *words) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, note_trouble(queue, (sqlite3_int64)id, http_status, reason, words));
}

sbs_status sbs_sqlite_queue_note_http(sbs_sqlite_queue *queue, uint64_t id, uint16_t http_status) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 values[] = {(sqlite3_int64)id, http_status};
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_HTTP_STATUS, values, 2);
    return sbs_sqlite_leave(queue, sbs_sqlite_change(queue, statement));
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

static sbs_status revive_letter(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sbs_queue_item item;
    sbs_status status = sbs_sqlite_check_item(queue, id, &item);
    if (status == SBS_OK) {
        status = sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_REVIVE, &id, 1));
    }
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters != NULL) {
        counters->waiting++;
        counters->letters--;
    }

    return status;
}

sbs_status sbs_sqlite_queue_retry(sbs_sqlite_queue *queue, uint64_t id) {
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave(queue, revive_letter(queue, (sqlite3_int64)id));
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

    /* Who removes dead letters must not hit an item that was put back meanwhile. */
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
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state state;
    status = sbs_sqlite_leave_reading(queue, sbs_sqlite_read_state(queue, &state));
    if (status == SBS_OK) {
        *out_epoch = (uint64_t)state.epoch;
        *out_id = (uint64_t)state.last_id + 1;
    }

    return status;
}

static sbs_status find_oldest(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sqlite3_int64 wanted = STATE_WAITING;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_OLDEST, &wanted, 1);
    out->oldest_s = SBS_UTC_UNKNOWN;
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return sbs_sqlite_allow_missing(status);
    }

    out->oldest_id = (uint64_t)sqlite3_column_int64(row, 0);
    out->oldest_s = sbs_sqlite_column_time(row, 2);
    (void)sqlite3_reset(row);

    return SBS_OK;
}

static sbs_status measure_file(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sbs_sqlite_space space = {0};
    sbs_status status = sbs_sqlite_measure(queue, &space);
    out->file_bytes = (uint64_t)(space.page * space.pages);
    out->free_bytes = (uint64_t)(space.page * space.unused);
    return status;
}

static sbs_status collect_counters(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_read_state(queue, &state);
    if (status != SBS_OK) {
        return status;
    }

    /* The port counts those that wait in 32 bits. */
    uint32_t waiting = UINT32_MAX;
    if (state.waiting < UINT32_MAX) {
        waiting = (uint32_t)state.waiting;
    }

    *out = (sbs_sqlite_stats){
        .counters =
            {
                .accepted = (uint64_t)state.accepted,
                .delivered = (uint64_t)state.delivered,
                .dead = (uint64_t)state.dead,
                .dropped = (uint64_t)state.dropped,
                .waiting = waiting,
            },
        .bytes = (uint64_t)state.bytes,
        .letters = (uint64_t)state.letters,
        .expired = (uint64_t)state.expired,
        .seen = (uint64_t)state.seen,
    };

    return SBS_OK;
}

/* Who is told of each source. */
typedef struct source_listener {
    void (*tell)(void *ctx, const sbs_sqlite_source *source);
    void *ctx;
} source_listener;

static sbs_status tell_sources(sbs_sqlite_queue *queue, const source_listener *listener) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_SOURCES, NULL, 0);
    sbs_status status = sbs_sqlite_row(queue, row);

    while (status == SBS_OK) {
        sbs_sqlite_source found = {
            .waiting = (uint64_t)sqlite3_column_int64(row, 1),
            .letters = (uint64_t)sqlite3_column_int64(row, 2),
            .oldest_s = sbs_sqlite_column_time(row, 3),
        };
        const char *name = (const char *)sqlite3_column_text(row, 0);
        (void)snprintf(found.source, sizeof found.source, "%s", name != NULL ? name : "");

        listener->tell(listener->ctx, &found);
        status = sbs_sqlite_row(queue, row);
    }

    return sbs_sqlite_allow_missing(status);
}

/* All of one moment: in a transaction no other process can change anything between two of the questions. */
static sbs_status collect_stats(sbs_sqlite_queue *queue, sbs_sqlite_stats *out, const source_listener *listener) {
    bool alone = sqlite3_get_autocommit(queue->priv.db) != 0; /* else a group is under way, which is one already */
    sbs_status status = SBS_OK;
    if (alone) {
        status = sbs_sqlite_exec(queue, "BEGIN");
    }

    if (status == SBS_OK) {
        status = collect_counters(queue, out);
    }
    if (status == SBS_OK) {
        status = find_oldest(queue, out);
    }
    if (status == SBS_OK) {
        status = measure_file(queue, out);
    }
    if (status == SBS_OK && listener != NULL) {
        status = tell_sources(queue, listener);
    }

    if (alone) {
        (void)sqlite3_exec(queue->priv.db, "ROLLBACK", NULL, NULL, NULL); /* nothing was written */
    }

    return status;
}

sbs_status sbs_sqlite_read_counters(sbs_sqlite_queue *queue, sbs_queue_counters *out) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_stats stats = {0};
    status = sbs_sqlite_leave_reading(queue, collect_counters(queue, &stats));
    *out = stats.counters;
    return status;
}

sbs_status sbs_sqlite_queue_stats(sbs_sqlite_queue *queue, sbs_sqlite_stats *out) {
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, collect_stats(queue, out, NULL));
}

sbs_status sbs_sqlite_queue_survey(sbs_sqlite_queue *queue, sbs_sqlite_stats *out,
                                   void (*tell)(void *ctx, const sbs_sqlite_source *source), void *ctx) {
    const source_listener listener = {tell, ctx};
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_leave_reading(queue, collect_stats(queue, out, &listener));
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
