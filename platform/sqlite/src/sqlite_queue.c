/* SPDX-License-Identifier: Apache-2.0 */
/* The port's operations, opening and closing. */
#include "sbs/sqlite_queue.h"

#include <stdlib.h>
#include <string.h>

#include "sbs/text.h"
#include "sqlite_internal.h"

#define AGE_AT_OPEN 1024u
#define AGE_AT_DEATH 16u
#define KEPT_LOG_ITEMS 16u
#define KEPT_LOG_MAX (1 << 20) /* bytes: the next one reads all of it */

/* ---- what next() just had ---------------------------------------------------------------------------------------- */

/* Keeps the bytes of an item for read(): the next one to read an item is who was told of it by next(). They are given
 * once, so that they need not be looked up and checked a second time. */
static void cache_body(sbs_sqlite_queue *queue, const sbs_queue_item *item, sqlite3_stmt *row) {
    queue->priv.cached_id = 0;
    if (item->len > SQLITE_CACHE_SIZE) {
        return;
    }
    if (queue->priv.cached == NULL) {
        queue->priv.cached = malloc(SQLITE_CACHE_SIZE);
    }

    /* Without memory for it read() asks the file. */
    if (queue->priv.cached == NULL) {
        return;
    }

    /* SQLite gives no pointer for an empty item. */
    if (item->len > 0) {
        memcpy(queue->priv.cached, sqlite3_column_blob(row, COLUMN_DATA), item->len);
    }

    queue->priv.cached_len = item->len;
    queue->priv.cached_id = item->id;
}

static void free_cache(sbs_sqlite_queue *queue) {
    if (queue->priv.cached != NULL) {
        sbs_wipe(queue->priv.cached, SQLITE_CACHE_SIZE);
        free(queue->priv.cached);
    }
    queue->priv.cached = NULL;
    queue->priv.cached_id = 0;
}

/* ---- next -------------------------------------------------------------------------------------------------------- */

static sbs_status find_next(sbs_sqlite_queue *queue, uint64_t after, sbs_queue_item *out_item) {
    if (after >= SQLITE_ID_MAX) {
        return SBS_ERR_NOT_FOUND;
    }

    sqlite3_int64 id = (sqlite3_int64)after;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_NEXT, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    /* It is checked here, before anybody sends it. */
    status = sbs_sqlite_take_item(queue, row, out_item);
    if (status == SBS_OK) {
        cache_body(queue, out_item, row);
    }

    (void)sqlite3_reset(row);
    return status;
}

static sbs_status queue_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_sqlite_leave_reading(queue, find_next(queue, after, out_item));
    if (status != SBS_ERR_DAMAGED || queue->priv.config.look_only) {
        return status;
    }

    /* A damaged item is told once: from then on it is a dead letter. */
    status = sbs_sqlite_enter(queue);
    if (status == SBS_OK) {
        status = sbs_sqlite_leave(queue, sbs_sqlite_bury(queue, (sqlite3_int64)out_item->id, "damaged", NULL));
    }
    if (status != SBS_OK) {
        return status;
    }

    return SBS_ERR_DAMAGED;
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

static size_t smaller_of(size_t a, size_t b) {
    return a < b ? a : b;
}

static void copy_part(const void *data, size_t len, void *buffer, size_t size, size_t *out_len) {
    *out_len = smaller_of(len, size);
    if (*out_len > 0) {
        memcpy(buffer, data, *out_len);
    }
}

/* The start of an item is read with all of it, to check it. */
static sbs_status read_start(sbs_sqlite_queue *queue, sqlite3_int64 id, void *buffer, size_t size, size_t *out_len) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_LOAD, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    sbs_queue_item item;
    status = sbs_sqlite_take_item(queue, row, &item);
    if (status == SBS_OK) {
        copy_part(sqlite3_column_blob(row, COLUMN_DATA), item.len, buffer, size, out_len);
    }

    (void)sqlite3_reset(row);
    return status;
}

static sbs_status read_part(sbs_sqlite_queue *queue, sqlite3_int64 id, size_t offset, void *buffer, size_t size,
                            size_t *out_len) {
    sqlite3_int64 values[] = {id, (sqlite3_int64)offset + 1, (sqlite3_int64)size}; /* SQL counts bytes from 1 */
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_PART, values, 3);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    const void *data = sqlite3_column_blob(row, 0);
    copy_part(data, (size_t)sqlite3_column_bytes(row, 0), buffer, size, out_len);
    (void)sqlite3_reset(row);

    return SBS_OK;
}

static sbs_status read_item(sbs_sqlite_queue *queue, uint64_t id, size_t offset, void *buffer, size_t size,
                            size_t *out_len) {
    if (offset == 0 && id != 0 && id == queue->priv.cached_id) {
        queue->priv.cached_id = 0;
        copy_part(queue->priv.cached, queue->priv.cached_len, buffer, size, out_len);
        return SBS_OK;
    }

    /* All else comes from the file; what is behind the start was checked with the start. */
    if (offset == 0) {
        return read_start(queue, (sqlite3_int64)id, buffer, size, out_len);
    }

    return read_part(queue, (sqlite3_int64)id, offset, buffer, size, out_len);
}

static sbs_status queue_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_sqlite_queue *queue = ctx;
    *out_len = 0;
    offset = smaller_of(offset, SQLITE_ITEM_MAX); /* which is behind the end of every item */
    size = smaller_of(size, SQLITE_ITEM_MAX);

    sbs_status status = sbs_sqlite_enter_reading(queue);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_sqlite_leave_reading(queue, read_item(queue, id, offset, buffer, size, out_len));
}

/* ---- mark -------------------------------------------------------------------------------------------------------- */

static sbs_status queue_mark_attempt(void *ctx, uint64_t id) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 key = (sqlite3_int64)id;
    return sbs_sqlite_leave(queue, sbs_sqlite_change(queue, sbs_sqlite_bind(queue, SQL_MARK, &key, 1)));
}

static sbs_status queue_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    sbs_sqlite_queue *queue = ctx;
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    sqlite3_int64 values[] = {(sqlite3_int64)id, failures};
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_FAILURES, values, 2);
    sbs_sqlite_bind_time(statement, 3, since_s);

    return sbs_sqlite_leave(queue, sbs_sqlite_change(queue, statement));
}

/* ---- settle ------------------------------------------------------------------------------------------------------ */

/* Deletes the row of an item that waits, and tells how long it was. SBS_ERR_NOT_FOUND. */
static sbs_status drop_waiting(sbs_sqlite_queue *queue, sqlite3_int64 id, sqlite3_int64 *out_len) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_DELIVER, &id, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    *out_len = sbs_sqlite_take_len(row, 0);
    return sbs_sqlite_done(queue, row); /* the change is whole only when the statement came to its end */
}

/* Its identity is known from now on as one that was delivered. */
static sbs_status note_delivery(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sqlite3_stmt *statement = sbs_sqlite_bind(queue, SQL_DELIVERED, &id, 1);
    sbs_sqlite_bind_time(statement, 2, sbs_sqlite_utc(queue));
    return sbs_sqlite_done(queue, statement);
}

static sbs_status settle_delivered(sbs_sqlite_queue *queue, sqlite3_int64 id) {
    sqlite3_int64 len = 0;
    sbs_status status = drop_waiting(queue, id, &len);
    if (status == SBS_OK) {
        status = sbs_sqlite_run(queue, SQL_DROP_BODY, &id, 1);
    }
    if (status == SBS_OK) {
        status = note_delivery(queue, id);
    }
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters == NULL) {
        return status;
    }

    /* Its bytes may be in the log still. */
    counters->delivered++;
    counters->waiting--;
    counters->bytes -= len;
    queue->priv.erased = true;
    queue->priv.cached_id = 0;

    return sbs_sqlite_age_sometimes(queue);
}

static sbs_status settle_dead(sbs_sqlite_queue *queue, sqlite3_int64 id, const char *reason, const char *words) {
    sbs_status status = sbs_sqlite_bury(queue, id, reason, words);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_sqlite_age(queue, AGE_AT_DEATH);
}

static sbs_status queue_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_sqlite_queue *queue = ctx;
    if (reason == NULL) {
        reason = "";
    }
    if (strlen(reason) >= SBS_QUEUE_REASON_SIZE) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    /* Both are one transaction: a cut leaves the item waiting, and it is sent again. */
    if (fate == SBS_QUEUE_DELIVERED) {
        status = settle_delivered(queue, (sqlite3_int64)id);
    } else {
        status = settle_dead(queue, (sqlite3_int64)id, reason, words);
    }

    return sbs_sqlite_leave(queue, status);
}

/* ---- the rest of the port ---------------------------------------------------------------------------------------- */

static void queue_counters(void *ctx, sbs_queue_counters *out) {
    if (sbs_sqlite_read_counters(ctx, out) != SBS_OK) {
        memset(out, 0, sizeof *out);
    }
}

static sbs_status queue_begin(void *ctx) {
    return sbs_sqlite_queue_begin(ctx);
}

static sbs_status queue_commit(void *ctx) {
    return sbs_sqlite_queue_commit(ctx);
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static void fill_default(uint32_t *value, uint32_t otherwise) {
    if (*value == 0) {
        *value = otherwise;
    }
}

static void fill_defaults(sbs_sqlite_queue_config *config) {
    fill_default(&config->items_max, 1000000u);
    fill_default(&config->item_max, 16u << 20);
    fill_default(&config->dead_keep_s, 30u * 86400u);
    fill_default(&config->seen_keep_s, 90u * 86400u);
    fill_default(&config->seen_max, 1000000u);
    fill_default(&config->busy_ms, 5000u);
    fill_default(&config->checkpoint_pages, 1000u);
    fill_default(&config->page_bytes, SBS_SQLITE_PAGE_BYTES);

    if (config->bytes_max == 0) {
        config->bytes_max = 1u << 30;
    }
}

static bool has_possible_pages(const sbs_sqlite_queue_config *config) {
    return config->page_bytes == SBS_SQLITE_PAGE_BYTES || config->page_bytes == SBS_SQLITE_PAGE_BYTES / 2;
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

/* Deletes what is too old. It waits for no other process, and a failure is none of opening: what stays goes later. */
static void delete_old(sbs_sqlite_queue *queue) {
    if (queue->priv.config.look_only || sbs_sqlite_utc(queue) == SBS_UTC_UNKNOWN) {
        return;
    }

    queue->priv.impatient = true;
    sbs_status status = sbs_sqlite_enter(queue);
    queue->priv.impatient = false;

    if (status == SBS_OK) {
        (void)sbs_sqlite_leave(queue, sbs_sqlite_age(queue, AGE_AT_OPEN));
    }
}

sbs_status sbs_sqlite_queue_open(sbs_sqlite_queue *queue, const sbs_sqlite_queue_config *config, sbs_queue *out_queue) {
    static const sbs_queue_ops ops = {
        .append = sbs_sqlite_append,
        .next = queue_next,
        .read = queue_read,
        .mark_attempt = queue_mark_attempt,
        .settle = queue_settle,
        .counters = queue_counters,
        .begin = queue_begin,
        .commit = queue_commit,
        .note_failures = queue_note_failures,
        .bulk = &sbs_sqlite_bulk,
    };

    memset(queue, 0, sizeof *queue);
    queue->priv.config = *config;
    fill_defaults(&queue->priv.config);

    if (config->path == NULL || config->path[0] == '\0' || config->item_max > SQLITE_ITEM_MAX ||
        !has_possible_pages(&queue->priv.config)) {
        return SBS_ERR_ARGUMENT;
    }
    if (!make_lock(&queue->priv.lock)) {
        return SBS_ERR_MEMORY;
    }

    /* From here on closing undoes all of it. */
    queue->priv.open = true;
    sbs_status status = sbs_sqlite_connect(queue);
    if (status != SBS_OK) {
        sbs_sqlite_queue_close(queue);
        return status;
    }

    delete_old(queue);
    *out_queue = (sbs_queue){&ops, queue};
    return SBS_OK;
}

void sbs_sqlite_queue_set_busy_ms(sbs_sqlite_queue *queue, uint32_t busy_ms) {
    if (!queue->priv.open) {
        return;
    }

    (void)pthread_mutex_lock(&queue->priv.lock);
    queue->priv.config.busy_ms = busy_ms;
    (void)pthread_mutex_unlock(&queue->priv.lock);
}

size_t sbs_sqlite_queue_item_max(const sbs_sqlite_queue *queue) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    if (config->bytes_max < config->item_max) {
        return (size_t)config->bytes_max;
    }
    return config->item_max;
}

/* SQLite removes the log if nobody else has the file, but only then. */
static void close_log(sbs_sqlite_queue *queue) {
    bool few = queue->priv.added <= KEPT_LOG_ITEMS && sbs_sqlite_log_size(queue) < KEPT_LOG_MAX;
    bool kept = queue->priv.config.keep_log && few && !queue->priv.erased && !queue->priv.made && !queue->priv.full;
    if (!kept) {
        sbs_sqlite_clear_log(queue);
        return;
    }

    (void)sqlite3_db_config(queue->priv.db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void sbs_sqlite_queue_close(sbs_sqlite_queue *queue) {
    if (!queue->priv.open) {
        return;
    }

    /* A group that was not committed is not done. */
    sbs_sqlite_queue_undo(queue);
    queue->priv.open = false;
    if (queue->priv.db != NULL && !queue->priv.config.look_only) {
        close_log(queue);
    }

    sbs_sqlite_disconnect(queue);

    free_cache(queue);
    free(queue->priv.set_aside);
    queue->priv.set_aside = NULL;
    (void)pthread_mutex_destroy(&queue->priv.lock);
}
