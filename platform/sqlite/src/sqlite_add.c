/* SPDX-License-Identifier: Apache-2.0 */
/* Adding: repeats, room, and the item itself. */
#include <stdio.h>
#include <string.h>

#include "sqlite_internal.h"

/* ---- repeats ----------------------------------------------------------------------------------------------------- */

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

    /* The item may be there still, waiting or dead; if not, only its delivery makes this a repeat. */
    *out_id = sqlite3_column_int64(row, 0);
    bool delivered = sqlite3_column_int64(row, 1) != 0;
    bool there = sqlite3_column_type(row, 2) == SQLITE_INTEGER;
    int state = sqlite3_column_int(row, 2);
    (void)sqlite3_reset(row);

    if (there && state == STATE_DEAD) {
        *out = SBS_SQLITE_IS_DEAD;
    } else if (there) {
        *out = SBS_SQLITE_WAITS;
    } else if (delivered) {
        *out = SBS_SQLITE_DELIVERED;
    } else {
        *out = SBS_SQLITE_NEW;
    }

    return SBS_OK;
}

/* Whether it is a repeat, and of which item. An identity whose item is gone without having been delivered, or cannot be
 * read any more, does not make one: it is forgotten, so that what comes is stored as new. */
static sbs_status find_repeat(sbs_sqlite_queue *queue, const sbs_sqlite_facts *facts, uint64_t *out_id,
                              sbs_sqlite_repeat *out) {
    *out = SBS_SQLITE_NEW;
    if (facts == NULL || facts->identity == NULL) {
        return SBS_OK;
    }

    sqlite3_int64 id = 0;
    sbs_status status = look_up_seen(queue, facts, &id, out);
    if (status != SBS_OK) {
        return sbs_sqlite_allow_missing(status);
    }

    /* What was delivered is a repeat without another look: its bytes are gone. */
    *out_id = (uint64_t)id;
    if (*out == SBS_SQLITE_DELIVERED) {
        return SBS_OK;
    }

    /* Else the item itself must be whole, for it is to be sent in place of this one. */
    if (*out != SBS_SQLITE_NEW) {
        sbs_queue_item item;
        status = sbs_sqlite_check_item(queue, id, &item);
    }
    if (*out == SBS_SQLITE_NEW || status == SBS_ERR_DAMAGED) {
        *out = SBS_SQLITE_NEW;
        return sbs_sqlite_forget(queue, id);
    }

    return status;
}

/* Whether other content is known under the identity, where that is not to be stored. The later one counts: what was
 * found to be the same is not asked. */
static sbs_status find_different(sbs_sqlite_queue *queue, const sbs_sqlite_facts *facts, uint64_t *out_id,
                                 sbs_sqlite_repeat *out) {
    if (facts == NULL || facts->identity == NULL || !facts->only_same) {
        return SBS_OK;
    }

    sqlite3_stmt *row = sbs_sqlite_bind(queue, SQL_DIFFERENT, NULL, 0);
    (void)sqlite3_bind_blob(row, 1, facts->identity, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    (void)sqlite3_bind_blob(row, 2, facts->content, (int)SBS_SQLITE_HASH_SIZE, SQLITE_STATIC);
    sbs_status status = sbs_sqlite_row(queue, row);
    if (status != SBS_OK) {
        return sbs_sqlite_allow_missing(status);
    }

    *out_id = (uint64_t)sqlite3_column_int64(row, 0);
    *out = SBS_SQLITE_DIFFERS;
    (void)sqlite3_reset(row);
    return SBS_OK;
}

/* ---- room -------------------------------------------------------------------------------------------------------- */

/* Deletes the oldest item of a state. SBS_ERR_NOT_FOUND if there is none. */
static sbs_status give_up_oldest(sbs_sqlite_queue *queue, sqlite3_int64 state) {
    return sbs_sqlite_delete_first(queue, sbs_sqlite_bind(queue, SQL_OLDEST, &state, 1), (int)state);
}

/* Deletes one item: a dead letter where bytes are short, else, if the policy says so, one that waits. @p crowded: too
 * many wait, and a dead letter less would not help. SBS_ERR_BUFFER if nothing may go. */
static sbs_status make_room_by_one(sbs_sqlite_queue *queue, bool crowded) {
    /* Where too many wait, only one that waits makes room. */
    if (!crowded) {
        sbs_status status = give_up_oldest(queue, STATE_DEAD);
        if (status != SBS_ERR_NOT_FOUND) {
            return status;
        }
    }

    if (queue->priv.config.policy == SBS_SQLITE_REFUSE) {
        return SBS_ERR_BUFFER;
    }

    sbs_status status = give_up_oldest(queue, STATE_WAITING);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_ERR_BUFFER;
    }

    return status;
}

static sbs_status make_room(sbs_sqlite_queue *queue, size_t len) {
    const sbs_sqlite_queue_config *config = &queue->priv.config;
    for (;;) {
        sbs_sqlite_state state;
        sbs_status status = sbs_sqlite_read_state(queue, &state);
        if (status != SBS_OK) {
            return status;
        }

        /* The last id was given: nothing is added any more. */
        if (state.last_id == SQLITE_ID_MAX) {
            return SBS_ERR_BUFFER;
        }

        bool crowded = state.waiting >= (int64_t)config->items_max;
        if (!crowded && (uint64_t)state.bytes + len <= config->bytes_max) {
            return SBS_OK;
        }

        /* What was deleted comes back if there is no room in the end. */
        status = sbs_sqlite_begin_part(queue);
        if (status == SBS_OK) {
            status = make_room_by_one(queue, crowded);
        }
        if (status != SBS_OK) {
            return status;
        }
    }
}

/* Room on the disk: where the policy gives up the oldest items, their pages take the new one. */
static sbs_status make_room_on_disk(sbs_sqlite_queue *queue, size_t len) {
    for (;;) {
        sbs_sqlite_room room;
        sbs_status status = sbs_sqlite_ask_disk(queue, len, &room);
        if (status != SBS_OK || room == ROOM) {
            return status;
        }

        /* Nothing is deleted in vain. */
        if (room == NO_ROOM || queue->priv.config.policy == SBS_SQLITE_REFUSE) {
            return sbs_sqlite_refuse_full(queue);
        }

        status = sbs_sqlite_begin_part(queue);
        if (status == SBS_OK) {
            status = make_room_by_one(queue, false);
        }
        if (status == SBS_ERR_BUFFER) {
            return sbs_sqlite_refuse_full(queue); /* no item is left, and what was deleted comes back */
        }
        if (status != SBS_OK) {
            return status;
        }
    }
}

/* What is given up for the queue's bounds makes room on the disk, too. Where nothing that waits is given up, a disk
 * without room is told before a dead letter goes. */
static sbs_status make_all_room(sbs_sqlite_queue *queue, size_t len) {
    bool disk_first = queue->priv.config.policy == SBS_SQLITE_REFUSE;
    sbs_status status = SBS_OK;
    if (disk_first) {
        status = make_room_on_disk(queue, len);
    }

    if (status == SBS_OK) {
        status = make_room(queue, len);
    }
    if (status != SBS_OK || disk_first) {
        return status;
    }

    return make_room_on_disk(queue, len);
}

/* The identity that was delivered longest ago gives way where there are too many. */
static sbs_status make_room_for_identity(sbs_sqlite_queue *queue) {
    sbs_sqlite_state state;
    sbs_status status = sbs_sqlite_read_state(queue, &state);
    if (status != SBS_OK || state.seen < (int64_t)queue->priv.config.seen_max) {
        return status;
    }

    status = sbs_sqlite_forget_first(queue, sbs_sqlite_bind(queue, SQL_OLDEST_SEEN, NULL, 0));
    return sbs_sqlite_allow_missing(status);
}

/* ---- the item ---------------------------------------------------------------------------------------------------- */

static sbs_status store_identity(sbs_sqlite_queue *queue, uint64_t id, const sbs_sqlite_facts *facts) {
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

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);

    if (counters != NULL) {
        counters->seen++;
    }

    return status;
}

static sbs_status store_item(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts,
                             const void *data) {
    sbs_status status = make_all_room(queue, entry->item.len);
    if (status != SBS_OK) {
        return status;
    }

    sbs_sqlite_state *counters = sbs_sqlite_edit_state(queue, &status);
    if (counters == NULL) {
        return status;
    }

    /* A failure from here on takes the counters back with the transaction. */
    queue->priv.added++;
    counters->last_id++;
    counters->accepted++;
    counters->waiting++;
    counters->bytes += (int64_t)entry->item.len;
    entry->item.id = (uint64_t)counters->last_id;

    status = sbs_sqlite_put_item(queue, entry, data);
    if (status != SBS_OK) {
        return status;
    }

    return store_identity(queue, entry->item.id, facts);
}

static bool take_name(const char *name, char *out, size_t size) {
    return name == NULL || snprintf(out, size, "%s", name) < (int)size;
}

/* False if one does not fit. */
static bool take_facts(sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts) {
    if (facts == NULL) {
        return true;
    }

    entry->item.meta.format = facts->rule;
    return (facts->identity == NULL || facts->content != NULL) &&
           take_name(facts->type, entry->type, sizeof entry->type) &&
           take_name(facts->source, entry->source, sizeof entry->source);
}

static sbs_status add_entry(sbs_sqlite_queue *queue, sbs_sqlite_entry *entry, const sbs_sqlite_facts *facts,
                            const void *data, sbs_sqlite_repeat *out_repeat) {
    sbs_status status = find_repeat(queue, facts, &entry->item.id, out_repeat);
    if (status == SBS_OK && *out_repeat == SBS_SQLITE_NEW) {
        status = find_different(queue, facts, &entry->item.id, out_repeat);
    }
    if (status != SBS_OK || *out_repeat != SBS_SQLITE_NEW) {
        return status;
    }
    return store_item(queue, entry, facts, data);
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
    if (len > sbs_sqlite_queue_item_max(queue)) {
        return SBS_ERR_TOO_LARGE;
    }

    sbs_sqlite_keep_reserve(queue);
    sbs_status status = sbs_sqlite_enter(queue);
    if (status != SBS_OK) {
        return status;
    }

    /* The time is asked for under the lock, so that items that arrive later have no earlier one. */
    entry.arrived_s = sbs_sqlite_utc(queue);
    status = sbs_sqlite_leave(queue, add_entry(queue, &entry, facts, data, out_repeat));
    if (status == SBS_OK) {
        *out_id = entry.item.id;
    }

    return status;
}

sbs_status sbs_sqlite_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    sbs_sqlite_repeat never;
    return sbs_sqlite_queue_add(ctx, meta, NULL, data, len, out_id, &never);
}
