/* SPDX-License-Identifier: Apache-2.0 */
/* The port's operations. */
#include "sbs/sqlite_queue.h"

#include <stdlib.h>
#include <string.h>

#include "sqlite_internal.h"

#define EXPIRE_MAX 16u /* dead letters deleted beside a settlement */
#define PART_MAX (256u << 20)

/* ---- append -------------------------------------------------------------------------------------------------- */

/* Gives up the oldest item of a state. SBS_ERR_NOT_FOUND if there is none. */
static sbs_status give_up(sbs_sqlite_queue *queue, int state, const sqlite_state *change) {
    const sqlite3_int64 wanted = state;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_OLDEST, &wanted, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    sqlite3_int64 id = sqlite3_column_int64(row, 0);
    sqlite3_int64 len = sqlite3_column_int64(row, 1);
    (void)sqlite3_reset(row);
    return sbs_sqlite_delete(queue, id, len, *change);
}

/* Dead letters give way first, where bytes are short. */
static sbs_status give_way(sbs_sqlite_queue *queue, bool crowded) {
    static const sqlite_state nothing, dropped = {.dropped = 1, .waiting = -1};
    sbs_status status = crowded ? SBS_ERR_NOT_FOUND : give_up(queue, STATE_DEAD, &nothing);
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }
    if (queue->priv.config.policy == SBS_SQLITE_REFUSE) {
        return SBS_ERR_BUFFER;
    }
    status = give_up(queue, STATE_WAITING, &dropped);
    return status == SBS_ERR_NOT_FOUND ? SBS_ERR_BUFFER : status;
}

static sbs_status make_room(sbs_sqlite_queue *queue, size_t len, uint64_t *out_id) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    sbs_status status = SBS_OK;
    while (status == SBS_OK) {
        sqlite_state state;
        status = sbs_sqlite_state(queue, &state);
        if (status != SBS_OK) {
            return status;
        }
        bool crowded = state.waiting >= (sqlite3_int64)config->items_max;
        if (!crowded && (uint64_t)state.bytes + len <= config->bytes_max) {
            *out_id = (uint64_t)state.last_id + 1;
            return SBS_OK;
        }
        status = give_way(queue, crowded);
    }
    return status;
}

static sbs_status add(sbs_sqlite_queue *queue, const sbs_queue_meta *meta, const void *data, size_t len,
                      uint64_t *out_id) {
    sbs_sqlite_dead item = {.item = {.len = len, .meta = *meta}};
    sbs_status status = make_room(queue, len, &item.item.id);
    if (status != SBS_OK) {
        return status;
    }
    const sqlite_state change = {.accepted = 1, .waiting = 1, .bytes = (sqlite3_int64)len};
    status = sbs_sqlite_count(queue, &change);
    *out_id = item.item.id;
    return status == SBS_OK ? sbs_sqlite_put_item(queue, &item, STATE_WAITING, data) : status;
}

static sbs_status queue_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    sbs_sqlite_queue *queue = ctx;
    if (len > queue->priv.config.item_max || len > queue->priv.config.bytes_max) {
        return SBS_ERR_TOO_LARGE;
    }
    sbs_status status = sbs_sqlite_enter(queue);
    return status == SBS_OK ? sbs_sqlite_leave(queue, add(queue, meta, data, len, out_id)) : status;
}

/* ---- next, read ---------------------------------------------------------------------------------------------- */

static sbs_status find_next(sbs_sqlite_queue *queue, uint64_t after, sbs_queue_item *out_item) {
    const sqlite3_int64 id = (sqlite3_int64)after;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_NEXT, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status == SBS_OK) {
        status = sbs_sqlite_take_item(queue, row, out_item);
        (void)sqlite3_reset(row);
    }
    return status;
}

static sbs_status queue_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_leave_reading(queue, find_next(queue, after, out_item));
    if (status != SBS_ERR_DAMAGED) {
        return status;
    }
    status = sbs_sqlite_enter(queue);
    if (status == SBS_OK) {
        status = sbs_sqlite_leave(queue, sbs_sqlite_bury(queue, (sqlite3_int64)out_item->id, "damaged"));
    }
    return status == SBS_OK ? SBS_ERR_DAMAGED : status;
}

static void copy_blob(sqlite3_stmt *row, int column, void *buffer, size_t size, size_t *out_len) {
    const void *data = sqlite3_column_blob(row, column);
    size_t len = (size_t)sqlite3_column_bytes(row, column);
    *out_len = len < size ? len : size;
    if (*out_len > 0) {
        memcpy(buffer, data, *out_len);
    }
}

/* The start of an item is read with all of it, to check it. */
static sbs_status read_start(sbs_sqlite_queue *queue, sqlite3_int64 id, void *buffer, size_t size, size_t *out_len) {
    sbs_queue_item item;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_LOAD, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_take_item(queue, row, &item);
    if (status == SBS_OK) {
        copy_blob(row, COLUMN_DATA, buffer, size, out_len);
    }
    (void)sqlite3_reset(row);
    return status;
}

static sbs_status read_part(sbs_sqlite_queue *queue, sqlite3_int64 id, size_t offset, void *buffer, size_t size,
                            size_t *out_len) {
    const sqlite3_int64 values[] = {id, (sqlite3_int64)offset + 1, (sqlite3_int64)size};
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_PART, values, 3);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status == SBS_OK) {
        copy_blob(row, 0, buffer, size, out_len);
        (void)sqlite3_reset(row);
    }
    return status;
}

static sbs_status queue_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_sqlite_queue *queue = ctx;
    *out_len = 0;
    if (offset > PART_MAX) {
        offset = PART_MAX; /* behind the end of every item */
    }
    size = size < PART_MAX ? size : PART_MAX;
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = offset == 0 ? read_start(queue, (sqlite3_int64)id, buffer, size, out_len)
                         : read_part(queue, (sqlite3_int64)id, offset, buffer, size, out_len);
    return sbs_sqlite_leave_reading(queue, status);
}

/* ---- mark, settle -------------------------------------------------------------------------------------------- */

static sbs_status queue_mark_attempt(void *ctx, uint64_t id) {
    sbs_sqlite_queue *queue = ctx;
    const sqlite3_int64 key = (sqlite3_int64)id;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_sqlite_run(queue, SQL_MARK, &key, 1);
    if (status == SBS_OK && sqlite3_changes(queue->priv.db) == 0) {
        status = SBS_ERR_NOT_FOUND;
    }
    return sbs_sqlite_leave(queue, status);
}

static sbs_status deliver(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_FIND, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
    sqlite3_int64 len = sqlite3_column_int64(row, 0);
    bool waiting = sqlite3_column_int64(row, 1) == STATE_WAITING;
    (void)sqlite3_reset(row);
    return waiting ? sbs_sqlite_delete(queue, id, len, (sqlite_state){.delivered = 1, .waiting = -1})
                   : SBS_ERR_NOT_FOUND;
}

static sbs_status bury(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason) {
    sbs_status status = sbs_sqlite_bury(queue, id, reason);
    return status == SBS_OK ? sbs_sqlite_expire(queue, EXPIRE_MAX) : status;
}

static sbs_status queue_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason,
                               const char *server_words) {
    sbs_sqlite_queue *queue = ctx;
    (void)server_words;
    const char *words = reason != NULL ? reason : "";
    if (strlen(words) >= SBS_QUEUE_REASON_SIZE) {
        return SBS_ERR_ARGUMENT;
    }
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    status = fate == SBS_QUEUE_DELIVERED ? deliver(queue, (sqlite3_int64)id) : bury(queue, (sqlite3_int64)id, words);
    return sbs_sqlite_leave(queue, status);
}

static void queue_counters(void *ctx, sbs_queue_counters *out) {
    sbs_sqlite_queue *queue = ctx;
    sqlite_state state = {0};
    if (sbs_sqlite_enter_reading(queue) == SBS_OK) {
        (void)sbs_sqlite_leave_reading(queue, sbs_sqlite_state(queue, &state));
    }
    *out = (sbs_queue_counters){
        .accepted = (uint64_t)state.accepted,
        .delivered = (uint64_t)state.delivered,
        .dead = (uint64_t)state.dead,
        .dropped = (uint64_t)state.dropped,
        .waiting = (uint32_t)state.waiting,
    };
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

static void fill_defaults(sbs_sqlite_queue_config *config) {
    config->items_max = config->items_max != 0 ? config->items_max : 1000000u;
    config->bytes_max = config->bytes_max != 0 ? config->bytes_max : 1u << 30;
    config->item_max = config->item_max != 0 ? config->item_max : 16u << 20;
    config->dead_keep_s = config->dead_keep_s != 0 ? config->dead_keep_s : 30u * 86400u;
    config->busy_ms = config->busy_ms != 0 ? config->busy_ms : 5000u;
    config->checkpoint_pages = config->checkpoint_pages != 0 ? config->checkpoint_pages : 1000u;
}

static bool make_lock(pthread_mutex_t *lock) {
    pthread_mutexattr_t attributes;
    if (pthread_mutexattr_init(&attributes) != 0) {
        return false;
    }
    /* A group keeps it, and each operation within takes it again. */
    bool made = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE) == 0 &&
                pthread_mutex_init(lock, &attributes) == 0;
    (void)pthread_mutexattr_destroy(&attributes);
    return made;
}

/* Dead letters that were set aside without a clock get their time now, then those whose time is over go. A failure
 * costs no more than their place. */
static void tidy(sbs_sqlite_queue *queue) {
    const sqlite3_int64 now_s = sbs_sqlite_utc(queue);
    if (now_s == SBS_UTC_UNKNOWN || sbs_sqlite_enter(queue) != SBS_OK) {
        return;
    }
    sbs_status status = sbs_sqlite_run(queue, SQL_DATE_DEAD, &now_s, 1);
    (void)sbs_sqlite_leave(queue, status == SBS_OK ? sbs_sqlite_expire(queue, UINT32_MAX) : status);
}

sbs_status sbs_sqlite_queue_open(sbs_sqlite_queue *queue, const sbs_sqlite_queue_config *config, sbs_queue *out_queue) {
    static const sbs_queue_ops ops = {.append = queue_append,
                                      .next = queue_next,
                                      .read = queue_read,
                                      .mark_attempt = queue_mark_attempt,
                                      .settle = queue_settle,
                                      .counters = queue_counters};
    memset(queue, 0, sizeof *queue);
    queue->priv.config = *config;
    fill_defaults(&queue->priv.config);
    if (config->path == NULL || config->path[0] == '\0' || config->item_max > PART_MAX) {
        return SBS_ERR_ARGUMENT;
    }
    if (!make_lock(&queue->priv.lock)) {
        return SBS_ERR_MEMORY;
    }
    queue->priv.open = true;
    sbs_status status = sbs_sqlite_connect(queue);
    if (status != SBS_OK) {
        sbs_sqlite_queue_close(queue);
        return status;
    }
    tidy(queue);
    *out_queue = (sbs_queue){&ops, queue};
    return SBS_OK;
}

void sbs_sqlite_queue_close(sbs_sqlite_queue *queue) {
    if (!queue->priv.open) {
        return;
    }
    sbs_sqlite_queue_undo(queue);
    queue->priv.open = false;
    if (queue->priv.db != NULL) { /* SQLite removes the log if nobody else has the file, but only then */
        sbs_sqlite_clear_log(queue);
    }
    sbs_sqlite_disconnect(queue);
    free(queue->priv.set_aside);
    queue->priv.set_aside = NULL;
    (void)pthread_mutex_destroy(&queue->priv.lock);
}
