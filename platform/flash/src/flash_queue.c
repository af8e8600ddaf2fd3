/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/flash_queue.h"

#include <string.h>

#include "flash_format.h"
#include "flash_queue_meta.h"
#include "flash_queue_state.h"
#include "sbs/count.h"

#define ID_MAX ((UINT64_C(1) << 48) - 1u)
#define DAMAGED_WORD "damaged"
#define DAMAGED_LEN (sizeof DAMAGED_WORD - 1u)

/* ---- compaction ---- */

/* The item is on its way out, as one that was dropped or lost: the caller counts which. */
static void move_leaves_behind(sbs_flash_queue *queue, const sbs_flash_queue_place *item) {
    sbs_flash_queue_forget(queue, item->number, sbs_flash_log_extent(&queue->log, item->record.len));
}

/* A copy goes on, or the item is given up; either way the record is of no more use. */
static sbs_status move_waiting(sbs_flash_queue *queue, const sbs_flash_queue_place *item) {
    if (queue->dropping) {
        queue->dropped++; /* known for sure with the checkpoint that ends the compaction */
        move_leaves_behind(queue, item);
        return SBS_OK;
    }

    uint8_t attempts = 0;
    sbs_status status = sbs_flash_queue_attempts_copied(queue, item, &attempts);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_flash_log_move(&queue->log, &item->record, attempts);
    if (status == SBS_ERR_DAMAGED) {
        queue->lost++;
        queue->lost_id = item->id;
        move_leaves_behind(queue, item);
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    /* The copy is an item of its own, with the next number; the record of before counts as settled. */
    queue->moved_max = sbs_flash_larger(item->id, queue->moved_max);
    sbs_flash_queue_add(queue);
    sbs_flash_queue_set_settled(queue, item->number);
    return SBS_OK;
}

/* Only unsettled items go on, with their attempts. Marks are needed no longer than the items before them. */
static sbs_status move_record(void *ctx, const sbs_flash_log_record *record) {
    sbs_flash_queue *queue = ctx;
    if (queue->copying == NULL) { /* room is made by compact_queue() only */
        return SBS_ERR_STORAGE;
    }
    if (record->type != TYPE_ITEM) {
        return SBS_OK;
    }

    sbs_flash_queue_place item = {*record, queue->oldest + queue->copying->moved++, sbs_flash_queue_id(queue, record)};

    /* What is settled stays behind: its mark goes with it, or went before. */
    bool settled = false;
    sbs_status status = sbs_flash_queue_settled(queue, item.number, &settled);
    if (status != SBS_OK || settled) {
        return status;
    }

    return move_waiting(queue, &item);
}

sbs_status sbs_flash_queue_mount(sbs_flash_queue *queue, const sbs_flash *flash, const sbs_flash_queue_config *config) {
    sbs_flash_log_owner owner = {.content = SBS_FLASH_QUEUE_CONTENT,
                                 .version = SBS_FLASH_QUEUE_VERSION,
                                 .state = sbs_flash_queue_save,
                                 .move = move_record,
                                 .ctx = queue};
    memset(queue, 0, sizeof *queue);
    queue->config = *config;
#ifdef SBS_THREADS
    if (config->lock == NULL || config->unlock == NULL) {
        return SBS_ERR_ARGUMENT;
    }
#endif

    sbs_status status = sbs_flash_log_mount(&queue->log, flash, &owner);
    if (status != SBS_OK) {
        return status;
    }

    return sbs_flash_queue_load(queue);
}

/* After a compaction that failed or gave up items, what was known before may not be so on the flash. */
static sbs_status reload_after(sbs_flash_queue *queue, sbs_status status) {
    sbs_status loaded = sbs_flash_queue_load(queue);

    return status == SBS_OK ? loaded : status;
}

/* Gives up the oldest sector. Before that, what is known is compared with what stands there. */
static sbs_status compact_queue(sbs_flash_queue *queue) {
    sbs_flash_queue_batch batch;
    batch.moved = batch.count = 0;

    sbs_status status = sbs_flash_queue_verify(queue);
    if (status != SBS_OK) {
        if (queue->stale) {
            status = SBS_OK; /* all is read anew, and that may go well */
        }
        return reload_after(queue, status);
    }

    /* The log calls back with each record of the sector; memory for what is learnt of them stands on this stack. */
    queue->copying = &batch;
    status = sbs_flash_log_compact(&queue->log);
    queue->copying = NULL;
    if (status != SBS_OK) {
        return reload_after(queue, status);
    }

    /* The items of the sector are gone, so the first number on the flash is a later one. */
    queue->oldest += batch.moved;
    sbs_flash_queue_raise_front(queue, queue->oldest);
    return SBS_OK;
}

/* ---- room ---- */

/* What is kept free for marks while the last sector but the free one is filled with items. */
static uint32_t spare_for_marks(const sbs_flash_queue *queue) {
    return sbs_flash_log_usable(&queue->log) / 4u;
}

/* Bytes of items that fit, each sector filled with ones of this size. */
static uint64_t queue_capacity(const sbs_flash_queue *queue, uint32_t extent) {
    uint32_t usable = sbs_flash_log_usable(&queue->log);

    return (uint64_t)(queue->log.flash->sector_count - 1u) * (usable / extent * extent) - spare_for_marks(queue);
}

/* True if the items alone leave no room for another. */
static bool queue_is_full(const sbs_flash_queue *queue, uint32_t extent) {
    return queue->full || queue->used + (uint64_t)extent > queue_capacity(queue, extent);
}

/* Room for a record, so that appending it only programs; once round the ring at most. */
static sbs_status reserve_record(sbs_flash_queue *queue, size_t len, size_t keep) {
    for (uint32_t steps = 0; steps <= queue->log.flash->sector_count + 1u; steps++) {
        if (!sbs_flash_log_is_crowded(&queue->log, len, keep)) {
            sbs_status status = sbs_flash_log_reserve(&queue->log, len, keep);
            if (status == SBS_ERR_STORAGE) {
                return reload_after(queue, status);
            }
            return status;
        }

        sbs_status status = compact_queue(queue);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_ERR_BUFFER;
}

/* Room for a mark with its text, or else without. */
static sbs_status reserve_mark(sbs_flash_queue *queue, size_t *len) {
    sbs_status status = reserve_record(queue, *len, 0);
    if (status != SBS_ERR_BUFFER || *len == 0) {
        return status;
    }

    *len = 0; /* what became of an item matters more than why */
    return reserve_record(queue, 0, 0);
}

/* Gives up the items of the oldest sector, which then is erased without copying. */
static sbs_status drop_oldest_sector(sbs_flash_queue *queue) {
    queue->dropping = true;
    sbs_status status = compact_queue(queue);
    queue->dropping = false;

    return status;
}

/* Where all but an eighth is wanted, compacting moves sector after sector to gain little, and wears the flash: then a
 * sector is given up instead. */
static bool must_drop(const sbs_flash_queue *queue, size_t len, uint32_t extent) {
    return queue->config.policy == SBS_FLASH_QUEUE_DROP_OLDEST &&
           queue->used > queue_capacity(queue, extent) / 8u * 7u &&
           sbs_flash_log_is_crowded(&queue->log, len, spare_for_marks(queue));
}

/* Room for an item by the policy. */
static sbs_status make_room(sbs_flash_queue *queue, size_t len) {
    uint32_t extent = sbs_flash_log_extent(&queue->log, len);
    if (extent + spare_for_marks(queue) > sbs_flash_log_usable(&queue->log)) {
        return SBS_ERR_TOO_LARGE;
    }

    for (uint32_t tries = 0; tries <= queue->log.flash->sector_count; tries++) {
        /* Room without giving anything up, if there is a way. */
        if (!must_drop(queue, len, extent) && !queue_is_full(queue, extent)) {
            sbs_status status = reserve_record(queue, len, spare_for_marks(queue));
            if (status != SBS_ERR_BUFFER) {
                return status;
            }
        }

        /* Remembered, so that each append to a full queue does not copy all round the ring. */
        if (queue->config.policy != SBS_FLASH_QUEUE_DROP_OLDEST) {
            queue->full = true;
            return SBS_ERR_BUFFER;
        }
        sbs_status status = drop_oldest_sector(queue);
        if (status != SBS_OK) {
            return status;
        }
    }

    return SBS_ERR_BUFFER;
}

/* ---- items ---- */

/* Ids may lie only so far apart. */
static bool ids_may_go_on(const sbs_flash_queue *queue) {
    return queue->last_id < queue->base + SBS_FLASH_QUEUE_ID_SPAN;
}

static sbs_status check_next_id(sbs_flash_queue *queue) {
    if (queue->last_id == ID_MAX) {
        return SBS_ERR_BUFFER;
    }
    if (ids_may_go_on(queue)) {
        return SBS_OK;
    }

    /* The smallest one of before may have been settled. */
    uint32_t present = 0;
    sbs_status status = sbs_flash_queue_measure(queue, &present);
    if (status != SBS_OK) {
        return status;
    }

    return ids_may_go_on(queue) ? SBS_OK : SBS_ERR_BUFFER;
}

static sbs_status append_item(sbs_flash_queue *queue, const sbs_queue_meta *meta, const void *data, size_t len,
                              uint64_t *out_id) {
    if (len > UINT16_MAX - QUEUE_META_MAX) {
        return SBS_ERR_TOO_LARGE;
    }
    sbs_status status = check_next_id(queue);
    if (status != SBS_OK) {
        return status;
    }

    /* The meta stands in front of the bytes, in as few as its values need. */
    uint8_t head[QUEUE_META_MAX];
    sbs_flash_log_part parts[2] = {{head, sbs_flash_queue_meta_encode(meta, head)}, {data, len}};
    status = make_room(queue, parts[0].len + len);
    if (status != SBS_OK) {
        return status;
    }

    uint64_t id = queue->last_id + 1u;
    sbs_flash_log_record record = {.type = TYPE_ITEM, .key = (uint32_t)id & SBS_FLASH_LOG_KEY_MAX};
    status = sbs_flash_log_append(&queue->log, &record, parts, SBS_COUNT_OF(parts));
    if (status != SBS_OK) {
        return status;
    }

    /* The id is used from now on only: a failed append does not skip it. */
    queue->last_id = id;
    queue->waiting++;
    sbs_flash_queue_add(queue);
    queue->used += sbs_flash_log_extent(&queue->log, record.len);
    *out_id = id;
    return SBS_OK;
}

/* Writes a mark for which there is room. */
static sbs_status append_mark(sbs_flash_queue *queue, uint8_t type, uint64_t id, uint8_t aux, const char *text,
                              size_t len) {
    sbs_flash_log_part part = {text, len};
    sbs_flash_log_record record = {.type = type, .key = (uint32_t)id & SBS_FLASH_LOG_KEY_MAX, .aux = aux};

    sbs_status status = sbs_flash_log_append(&queue->log, &record, &part, len > 0 ? 1u : 0u);
    if (status == SBS_ERR_STORAGE) {
        return reload_after(queue, status);
    }

    return status;
}

static sbs_status settle_item(sbs_flash_queue *queue, uint64_t id, sbs_queue_fate fate, const char *text, size_t len) {
    sbs_status status = reserve_mark(queue, &len); /* first, as making room gives items other places */
    if (status != SBS_OK) {
        return status;
    }

    sbs_flash_queue_place item;
    status = sbs_flash_queue_locate(queue, id, &item);
    if (status != SBS_OK) {
        return status;
    }
    status = append_mark(queue, TYPE_SETTLED, id, (uint8_t)fate, text, len);
    if (status != SBS_OK) {
        return status;
    }

    /* The mark is there: now it may be counted. Items are mostly settled in their order, so the next one is near. */
    queue->delivered += fate == SBS_QUEUE_DELIVERED;
    queue->dead += fate == SBS_QUEUE_DEAD;
    sbs_flash_queue_note(&queue->settled_near, &item);
    sbs_flash_queue_forget(queue, item.number, sbs_flash_log_extent(&queue->log, item.record.len));
    return SBS_OK;
}

static sbs_status mark_item(sbs_flash_queue *queue, uint64_t id) {
    size_t none = 0;
    sbs_status status = reserve_mark(queue, &none);
    if (status != SBS_OK) {
        return status;
    }

    sbs_flash_queue_place item;
    status = sbs_flash_queue_locate(queue, id, &item);
    if (status != SBS_OK) {
        return status;
    }
    uint8_t attempts = 0;
    status = sbs_flash_queue_attempts(queue, &item, &attempts);
    if (status != SBS_OK || attempts == SBS_FLASH_QUEUE_ATTEMPTS_MAX) {
        return status;
    }

    queue->attempted_max = sbs_flash_larger(id, queue->attempted_max);
    return append_mark(queue, TYPE_ATTEMPT, id, (uint8_t)(attempts + 1u), NULL, 0);
}

static sbs_status read_meta(sbs_flash_queue *queue, const sbs_flash_log_record *record, sbs_queue_meta *out,
                            size_t *out_size) {
    sbs_status status = sbs_flash_log_check(&queue->log, record);
    if (status != SBS_OK) {
        return status;
    }

    /* The fields end where the first two bytes say; a short item has fewer bytes than the most that they may take. */
    uint8_t head[QUEUE_META_MAX] = {0};
    status = sbs_flash_log_read(&queue->log, record, 0, head, sbs_flash_smaller(record->len, sizeof head));
    if (status != SBS_OK) {
        return status;
    }

    *out_size = QUEUE_META_MIN + sbs_flash_queue_meta_size(head);
    if (*out_size > record->len) {
        return SBS_ERR_DAMAGED;
    }
    sbs_flash_queue_meta_decode(head, out);
    return SBS_OK;
}

/* A mark goes to the flash where the id is known, so that a loss is reported once; only then it is among the dead. */
static sbs_status report_lost(sbs_flash_queue *queue, sbs_queue_item *out_item) {
    uint64_t id = queue->lost_id;
    if (id == 0) {
        sbs_status status = sbs_flash_queue_missing(queue, &id);
        if (status != SBS_OK) {
            return status;
        }
    }

    if (id != 0) {
        size_t len = DAMAGED_LEN;
        sbs_status status = reserve_mark(queue, &len);
        if (status == SBS_OK) {
            status = append_mark(queue, TYPE_SETTLED, id, SBS_QUEUE_DEAD, DAMAGED_WORD, len);
        }
        if (status != SBS_OK) {
            return status;
        }
    }

    out_item->id = id;
    queue->dead++;
    queue->lost_id = 0;
    queue->lost--;
    return SBS_ERR_DAMAGED;
}

static sbs_status next_item(sbs_flash_queue *queue, uint64_t after, sbs_queue_item *out_item) {
    memset(out_item, 0, sizeof *out_item);
    if (queue->lost > 0) {
        return report_lost(queue, out_item);
    }

    sbs_flash_queue_place item;
    sbs_status status = sbs_flash_queue_find_next(queue, after, &item);
    if (status != SBS_OK) {
        return status;
    }
    out_item->id = item.id;
    sbs_flash_queue_note(&queue->near, &item);

    /* A damaged item is settled as it is reported, so that it is reported once. */
    size_t meta_size = 0;
    status = read_meta(queue, &item.record, &out_item->meta, &meta_size);
    if (status == SBS_ERR_DAMAGED) {
        sbs_status settled = settle_item(queue, item.id, SBS_QUEUE_DEAD, DAMAGED_WORD, DAMAGED_LEN);
        return settled == SBS_OK ? SBS_ERR_DAMAGED : settled;
    }
    if (status != SBS_OK) {
        return status;
    }

    uint8_t attempts = 0;
    status = sbs_flash_queue_attempts(queue, &item, &attempts);
    out_item->attempts = attempts;
    out_item->len = item.record.len - meta_size;
    return status;
}

static sbs_status read_item(sbs_flash_queue *queue, uint64_t id, size_t offset, void *buffer, size_t size,
                            size_t *out_len) {
    *out_len = 0;
    sbs_flash_queue_place item;
    sbs_status status = sbs_flash_queue_locate(queue, id, &item);
    if (status != SBS_OK) {
        return status;
    }

    sbs_queue_meta meta;
    size_t meta_size = 0;
    status = read_meta(queue, &item.record, &meta, &meta_size);
    if (status != SBS_OK || offset >= item.record.len - meta_size) {
        return status;
    }

    size_t len = sbs_flash_smaller(size, item.record.len - meta_size - offset);
    status = sbs_flash_log_read(&queue->log, &item.record, meta_size + offset, buffer, len);
    if (status == SBS_OK) {
        *out_len = len;
    }

    return status;
}

/* ---- what an item is settled with ---- */

/* The length without a character of UTF-8 of which only the beginning is there. */
static size_t cut_between(const char *text, size_t len, char next) {
    while (len > 0 && ((unsigned char)next & 0xC0u) == 0x80u) {
        next = text[--len];
    }

    return len;
}

/* `reason: words` in out, without a NUL; the words cut to the room there is, between characters. */
static sbs_status join_reason(char out[SBS_QUEUE_REASON_SIZE], const char *reason, const char *words, size_t *out_len) {
    bool both = reason != NULL && reason[0] != '\0' && words != NULL && words[0] != '\0';
    const char *texts[] = {reason, both ? ": " : NULL, words};
    size_t len = 0;

    for (size_t i = 0; i < SBS_COUNT_OF(texts); i++) {
        for (const char *at = texts[i]; at != NULL && *at != '\0'; at++) {
            if (len == SBS_QUEUE_REASON_SIZE - 1u) {
                *out_len = cut_between(out, len, *at);
                return i == 0 ? SBS_ERR_ARGUMENT : SBS_OK; /* a reason is never cut */
            }
            out[len++] = *at;
        }
    }

    *out_len = len;
    return SBS_OK;
}

/* ---- the port's operations, each under the lock ---- */

static void lock_queue(sbs_flash_queue *queue) {
    if (queue->config.lock != NULL) {
        queue->config.lock(queue->config.lock_ctx);
    }
}

static void unlock_queue(sbs_flash_queue *queue) {
    if (queue->config.unlock != NULL) {
        queue->config.unlock(queue->config.lock_ctx);
    }
}

/* Begins an operation. False: another one is under way, of a task that no lock has kept out. */
static bool enter_queue(sbs_flash_queue *queue, sbs_status *out_status) {
    lock_queue(queue);
    if (queue->entered) {
        unlock_queue(queue);
        *out_status = SBS_ERR_STATE;
        return false;
    }

    queue->entered = true;
    *out_status = SBS_OK;
    if (queue->stale) {
        *out_status = sbs_flash_queue_load(queue);
    }

    return true;
}

static void leave_queue(sbs_flash_queue *queue) {
    queue->entered = false;
    unlock_queue(queue);
}

static sbs_status queue_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    sbs_status status;
    if (!enter_queue(ctx, &status)) {
        return status;
    }

    if (status == SBS_OK) {
        status = append_item(ctx, meta, data, len, out_id);
    }

    leave_queue(ctx);
    return status;
}

static sbs_status queue_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    sbs_status status;
    if (!enter_queue(ctx, &status)) {
        return status;
    }

    if (status == SBS_OK) {
        status = next_item(ctx, after, out_item);
    }

    leave_queue(ctx);
    return status;
}

static sbs_status queue_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    sbs_status status;
    if (!enter_queue(ctx, &status)) {
        return status;
    }

    if (status == SBS_OK) {
        status = read_item(ctx, id, offset, buffer, size, out_len);
    }

    leave_queue(ctx);
    return status;
}

static sbs_status queue_mark_attempt(void *ctx, uint64_t id) {
    sbs_status status;
    if (!enter_queue(ctx, &status)) {
        return status;
    }

    if (status == SBS_OK) {
        status = mark_item(ctx, id);
    }

    leave_queue(ctx);
    return status;
}

static sbs_status queue_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    char text[SBS_QUEUE_REASON_SIZE];
    size_t len = 0;
    if (join_reason(text, reason, words, &len) != SBS_OK) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status;
    if (!enter_queue(ctx, &status)) {
        return status;
    }

    if (status == SBS_OK) {
        status = settle_item(ctx, id, fate, text, len);
    }

    leave_queue(ctx);
    return status;
}

static void queue_counters(void *ctx, sbs_queue_counters *out) {
    sbs_flash_queue *queue = ctx;
    lock_queue(queue);

    out->accepted = queue->last_id;
    out->delivered = queue->delivered;
    out->dead = queue->dead + queue->lost;
    out->dropped = queue->dropped;
    out->waiting = queue->waiting;

    unlock_queue(queue);
}

sbs_queue sbs_flash_queue_port(sbs_flash_queue *queue) {
    static const sbs_queue_ops ops = {.append = queue_append,
                                      .next = queue_next,
                                      .read = queue_read,
                                      .mark_attempt = queue_mark_attempt,
                                      .settle = queue_settle,
                                      .counters = queue_counters};

    return (sbs_queue){.ops = &ops, .ctx = queue};
}

size_t sbs_flash_queue_max(const sbs_flash_queue *queue) {
    uint32_t unit = queue->log.flash->program_unit;
    size_t most = (sbs_flash_log_usable(&queue->log) - spare_for_marks(queue)) / unit * unit - unit;
    if (most <= RECORD_HEADER_SIZE + QUEUE_META_MAX) {
        return 0;
    }

    return most - RECORD_HEADER_SIZE - QUEUE_META_MAX;
}
