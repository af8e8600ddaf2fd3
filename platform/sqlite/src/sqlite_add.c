/* SPDX-License-Identifier: Apache-2.0 */
/* Adding: repeats, room, and the item itself. */
#include <stdio.h>
#include <string.h>

#include "sqlite_internal.h"

/* ---- repeats ---------------------------------------------------------------------------------------------------- */

/* What is known under an identity and a content; SBS_ERR_NOT_FOUND: nothing. Where other content of the same identity
 * came after it, and was delivered or waits, that is what the server has or gets: the same again is a change back. */
static sbs_status look_up_seen(sbs_sqlite_queue *queue, const sbs_sqlite_facts *facts, sqlite3_int64 *out_id,
                               sbs_sqlite_repeat *out) {
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_REPEAT, NULL, 0);
    (void)sqlite3_bind_blob(row, 1, facts->identity, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(row, 2, facts->content, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }

    *out_id = sqlite3_column_int64(row, 0);
    bool delivered = sqlite3_column_int64(row, 1) != 0;
    bool there = sqlite3_column_type(row, 2) == SQLITE_INTEGER;
    *out = sqlite3_column_int64(row, 2) == STATE_DEAD ? SBS_SQLITE_IS_DEAD : SBS_SQLITE_WAITS;
    if (!there) {
        *out = delivered ? SBS_SQLITE_DELIVERED : SBS_SQLITE_NEW;
    }
    (void)sqlite3_reset(row);
    return SBS_OK;
}

/* An identity whose item is gone without having been delivered, or cannot be read any more, is no promise to anybody:
 * it is forgotten, and what comes is new. */
static sbs_status find_repeat(sbs_sqlite_queue *queue, const sbs_sqlite_facts *facts, uint64_t *out_id,
                              sbs_sqlite_repeat *out) {
    sqlite3_int64 id = 0;
    sbs_queue_item item;
    *out = SBS_SQLITE_NEW;
    if (facts == NULL || facts->identity == NULL) {
        return SBS_OK;
    }
    sbs_status status = look_up_seen(queue, facts, &id, out);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    *out_id = (uint64_t)id;
    if (*out == SBS_SQLITE_DELIVERED) {
        return SBS_OK;
    }
    if (*out != SBS_SQLITE_NEW) {
        status = sbs_sqlite_check_item(queue, id, &item);
    }
    if (*out == SBS_SQLITE_NEW || status == SBS_ERR_DAMAGED) {
        *out = SBS_SQLITE_NEW;
        return sbs_sqlite_forget(queue, id);
    }
    return status;
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

/* Gives up the oldest item of a state. SBS_ERR_NOT_FOUND if there is none. */
static sbs_status give_up(sbs_sqlite_queue *queue, int state) {
    const sqlite3_int64 wanted = state;
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_OLDEST, &wanted, 1);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return status;
    }
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

/* Dead letters give way first, where bytes are short. */
static sbs_status give_way(sbs_sqlite_queue *queue, bool crowded) {
    sbs_status status = SBS_ERR_NOT_FOUND;
    if (!crowded) {
        status = give_up(queue, STATE_DEAD);
    }
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }
    if (queue->priv.config.policy == SBS_SQLITE_REFUSE) {
        return SBS_ERR_BUFFER;
    }
    status = give_up(queue, STATE_WAITING);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_ERR_BUFFER;
    }
    return status;
}

static sbs_status make_room(sbs_sqlite_queue *queue, size_t len) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    sbs_sqlite_state state;
    for (;;) {
        sbs_status status = sbs_sqlite_read_state(queue, &state);
        if (status != SBS_OK) {
            return status;
        }
        bool crowded = state.waiting >= (int64_t)config->items_max;
        if (state.last_id == SQLITE_ID_MAX) {
            return SBS_ERR_BUFFER;
        }
        if (!crowded && (uint64_t)state.bytes + len <= config->bytes_max) {
            return SBS_OK;
        }

        status = sbs_sqlite_begin_part(queue);
        if (status == SBS_OK) {
            status = give_way(queue, crowded);
        }
        if (status != SBS_OK) {
            return status;
        }
    }
}

/* The identity that was delivered longest ago gives way where there are too many. */
static sbs_status make_room_for_identity(sbs_sqlite_queue *queue) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_read_state(queue, &state);
    if (status != SBS_OK || state.seen < (int64_t)queue->priv.config.seen_max) {
        return status;
    }
    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_OLDEST_SEEN, NULL, 0);
    status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        if (status == SBS_ERR_NOT_FOUND) {
            return SBS_OK;
        }
        return status;
    }
    sqlite3_int64 id = sqlite3_column_int64(row, 0);
    (void)sqlite3_reset(row);
    return sbs_sqlite_forget(queue, id);
}

/* ---- the item ---------------------------------------------------------------------------------------------------- */

static sbs_status remember(sbs_sqlite_queue *queue, uint64_t id, const sbs_sqlite_facts *facts) {
    if (facts == NULL || facts->identity == NULL) {
        return SBS_OK;
    }
    sbs_status status = make_room_for_identity(queue);
    if (status == SBS_OK) {
        status = sbs_sqlite_put_seen(queue, (sqlite3_int64)id, facts->identity, facts->content, false, SBS_UTC_UNKNOWN);
    }
    if (status != SBS_OK) {
        return status;
    }
    sbs_sqlite_state *state = sbs_sqlite_edit_state(queue, &status);
    if (state != NULL) {
        state->seen++;
    }
    return status;
}

static sbs_status store(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts,
                        const void *data) {
    sbs_status status = make_room(queue, entry->item.len);
    if (status != SBS_OK) {
        return status;
    }
    sbs_sqlite_state *state = sbs_sqlite_edit_state(queue, &status);
    if (state == NULL) {
        return status;
    }
    entry->item.id = (uint64_t)++state->last_id;
    state->accepted++;
    state->waiting++;
    state->bytes += (int64_t)entry->item.len;

    status = sbs_sqlite_put_item(queue, entry, data);
    if (status != SBS_OK) {
        return status;
    }
    return remember(queue, entry->item.id, facts);
}

static bool take_name(const char *name, char *out, size_t size) {
    return name == NULL || snprintf(out, size, "%s", name) < (int)size;
}

static bool take_facts(sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts) {
    if (facts == NULL) {
        return true;
    }
    entry->item.meta.format = facts->rule;
    return (facts->identity == NULL || facts->content != NULL) &&
           take_name(facts->type, entry->type, sizeof entry->type) &&
           take_name(facts->source, entry->source, sizeof entry->source);
}

static sbs_status add(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts, const void *data,
                      sbs_sqlite_repeat *out_repeat) {
    sbs_status status = find_repeat(queue, facts, &entry->item.id, out_repeat);
    if (status != SBS_OK || *out_repeat != SBS_SQLITE_NEW) {
        return status;
    }
    return store(queue, entry, facts, data);
}

sbs_status sbs_sqlite_queue_add(sbs_sqlite_queue *queue, const sbs_queue_meta *meta, const sbs_sqlite_facts *facts,
                                const void *data, size_t len, uint64_t *out_id, sbs_sqlite_repeat *out_repeat) {
    sbs_sqlite_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.item.len = len;
    entry.item.meta = *meta;
    *out_repeat = SBS_SQLITE_NEW;
    if (!take_facts(&entry, facts)) {
        return SBS_ERR_ARGUMENT;
    }
    if (len > queue->priv.config.item_max || len > queue->priv.config.bytes_max) {
        return SBS_ERR_TOO_LARGE;
    }

    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }
    entry.arrived_s = sbs_sqlite_utc(queue);
    status = sbs_sqlite_leave(queue, add(queue, &entry, facts, data, out_repeat));
    if (status == SBS_OK) {
        *out_id = entry.item.id;
    }
    return status;
}

sbs_status sbs_sqlite_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    sbs_sqlite_repeat never;
    return sbs_sqlite_queue_add(ctx, meta, NULL, data, len, out_id, &never);
}
