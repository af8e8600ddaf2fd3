/* SPDX-License-Identifier: Apache-2.0 */
#include "ram_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fails(ram_queue *queue) {
    queue->operations++;
    return queue->operations == queue->fail_at;
}

static struct ram_item *find(ram_queue *queue, uint64_t id) {
    return id == 0 || id > queue->count ? NULL : &queue->items[id - 1];
}

static sbs_status ram_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    ram_queue *queue = ctx;
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (queue->count >= RAM_QUEUE_MAX || len > RAM_QUEUE_BYTES) {
        abort();
    }
    struct ram_item *item = &queue->items[queue->count++];
    memset(item, 0, sizeof *item);
    item->item = (sbs_queue_item){.id = queue->count, .len = len, .meta = *meta};
    memcpy(item->data, data, len);
    *out_id = queue->count;
    return SBS_OK;
}

static sbs_status ram_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    ram_queue *queue = ctx;
    queue->looks++;
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (queue->lost != 0) {
        out_item->id = queue->lost;
        find(queue, queue->lost)->fate = RAM_DEAD;
        queue->lost = 0;
        return SBS_ERR_DAMAGED;
    }
    for (uint64_t id = after + 1; id <= queue->count; id++) {
        struct ram_item *item = &queue->items[id - 1];
        if (item->fate == RAM_WAITING) {
            *out_item = item->item;
            item->fate = item->damaged ? RAM_DEAD : RAM_WAITING;
            return item->damaged ? SBS_ERR_DAMAGED : SBS_OK;
        }
    }
    return SBS_ERR_NOT_FOUND;
}

static sbs_status ram_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    ram_queue *queue = ctx;
    const struct ram_item *item = find(queue, id);
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (item == NULL || item->fate != RAM_WAITING) {
        return SBS_ERR_NOT_FOUND;
    }
    /* One byte at a time: whoever reads must go on. */
    *out_len = offset < item->item.len && size > 0;
    memcpy(buffer, item->data + offset, *out_len);
    return SBS_OK;
}

static sbs_status ram_mark_attempt(void *ctx, uint64_t id) {
    ram_queue *queue = ctx;
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    struct ram_item *item = find(queue, id);
    if (item == NULL || item->fate != RAM_WAITING) {
        return SBS_ERR_NOT_FOUND;
    }
    item->item.attempts++;
    queue->marks += queue->before != NULL;
    return SBS_OK;
}

static sbs_status ram_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    ram_queue *queue = ctx;
    (void)words;
    struct ram_item *item = find(queue, id);
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (item == NULL || item->fate != RAM_WAITING) {
        return SBS_ERR_NOT_FOUND;
    }
    item->fate = fate == SBS_QUEUE_DELIVERED ? RAM_DELIVERED : RAM_DEAD;
    snprintf(item->reason, sizeof item->reason, "%s", reason != NULL ? reason : "");
    return SBS_OK;
}

static void ram_counters(void *ctx, sbs_queue_counters *out) {
    ram_queue *queue = ctx;
    *out = (sbs_queue_counters){
        .accepted = queue->count,
        .delivered = ram_queue_count(queue, RAM_DELIVERED),
        .dead = ram_queue_count(queue, RAM_DEAD),
        .waiting = ram_queue_count(queue, RAM_WAITING),
    };
}

static sbs_status ram_begin(void *ctx) {
    static struct ram_item before[RAM_QUEUE_MAX];
    ram_queue *queue = ctx;
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (queue->before == NULL) {
        memcpy(before, queue->items, queue->count * sizeof *before);
        queue->before = before;
        queue->marks = 0;
    }
    return SBS_OK;
}

void ram_queue_cut(ram_queue *queue) {
    if (queue->before != NULL) {
        memcpy(queue->items, queue->before, queue->count * sizeof *queue->items);
    }
    queue->before = NULL;
    queue->marks = 0;
}

static sbs_status ram_commit(void *ctx) {
    ram_queue *queue = ctx;
    if (fails(queue)) {
        ram_queue_cut(queue);
        return SBS_ERR_STORAGE;
    }
    queue->before = NULL;
    queue->marks = 0;
    queue->commits++;
    return SBS_OK;
}

static sbs_status ram_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    ram_queue *queue = ctx;
    struct ram_item *item = find(queue, id);
    if (fails(queue)) {
        return SBS_ERR_STORAGE;
    }
    if (item == NULL || item->fate != RAM_WAITING) {
        return SBS_ERR_NOT_FOUND;
    }
    item->item.failures = failures;
    item->item.failing_since_s = since_s;
    return SBS_OK;
}

static const sbs_queue_ops ops = {.append = ram_append,
                                  .next = ram_next,
                                  .read = ram_read,
                                  .mark_attempt = ram_mark_attempt,
                                  .settle = ram_settle,
                                  .counters = ram_counters};

static const sbs_queue_ops grouping_ops = {.append = ram_append,
                                           .next = ram_next,
                                           .read = ram_read,
                                           .mark_attempt = ram_mark_attempt,
                                           .settle = ram_settle,
                                           .counters = ram_counters,
                                           .begin = ram_begin,
                                           .commit = ram_commit,
                                           .note_failures = ram_note_failures};

void ram_queue_group(ram_queue *queue) {
    queue->queue.ops = &grouping_ops;
}

void ram_queue_init(ram_queue *queue) {
    memset(queue, 0, sizeof *queue);
    queue->queue = (sbs_queue){&ops, queue};
}

uint64_t ram_queue_add(ram_queue *queue, uint32_t lane, const char *text, int64_t utc_s) {
    uint64_t id = 0;
    const sbs_queue_meta meta = {.lane = lane, .utc_s = utc_s, .boot_id = 1, .zone_minutes = 0};
    if (ram_append(queue, &meta, text, strlen(text), &id) != SBS_OK) {
        abort();
    }
    return id;
}

unsigned ram_queue_count(const ram_queue *queue, ram_fate fate) {
    unsigned count = 0;
    for (unsigned i = 0; i < queue->count; i++) {
        count += queue->items[i].fate == fate;
    }
    return count;
}
