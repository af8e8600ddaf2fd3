/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_ram.h"

#include <stdlib.h>
#include <string.h>

/* The first item with an id above @p after; the count if there is none. The ids grow. */
static size_t index_behind(const sbs_forward_ram *ram, uint64_t after) {
    size_t index = 0;
    while (index < ram->count && ram->items[index].item.id <= after) {
        index++;
    }

    return index;
}

/* The place of this item; the count if it is not there. */
static size_t index_of(const sbs_forward_ram *ram, uint64_t id) {
    if (id == 0) {
        return ram->count;
    }

    size_t index = index_behind(ram, id - 1);
    if (index < ram->count && ram->items[index].item.id == id) {
        return index;
    }

    return ram->count;
}

static sbs_forward_ram_item *ram_find(sbs_forward_ram *ram, uint64_t id) {
    size_t index = index_of(ram, id);
    return index < ram->count ? &ram->items[index] : NULL;
}

static void item_free(sbs_forward_ram_item *item) {
    sbs_wipe(item->data, item->item.len); /* it tells of patients */
    free(item->data);
    free(item->name);
    free(item->fault);
    *item = (sbs_forward_ram_item){0};
}

static char *copy_text(sbs_text text) {
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        return NULL;
    }

    if (text.len > 0) {
        memcpy(copy, text.ptr, text.len);
    }

    copy[text.len] = '\0';
    return copy;
}

sbs_status sbs_forward_ram_add(sbs_forward_ram *ram, const sbs_queue_meta *meta, sbs_text data, sbs_text name,
                               const char *fault, uint64_t *out_id) {
    /* One alone may be larger than the limit: else it could never go. */
    bool full = ram->count > 0 && (data.len > SBS_FORWARD_RAM_BYTES || ram->bytes > SBS_FORWARD_RAM_BYTES - data.len);
    if (ram->count == SBS_FORWARD_RAM_ITEMS || full) {
        return SBS_ERR_BUFFER;
    }

    sbs_forward_ram_item *item = &ram->items[ram->count];
    *item = (sbs_forward_ram_item){.item = {.len = data.len, .meta = *meta}};

    item->data = copy_text(data);
    item->name = copy_text(name);
    if (fault != NULL) {
        item->fault = copy_text(sbs_text_of(fault));
    }
    if (item->data == NULL || item->name == NULL || (fault != NULL && item->fault == NULL)) {
        item_free(item);
        return SBS_ERR_MEMORY;
    }

    /* Only now is it an item: before, nothing counted it. */
    ram->last_id++;
    item->item.id = ram->last_id;
    *out_id = item->item.id;
    ram->count++;
    ram->bytes += data.len;
    ram->counters.accepted++;
    ram->counters.waiting++;
    return SBS_OK;
}

const sbs_forward_ram_item *sbs_forward_ram_find(const sbs_forward_ram *ram, uint64_t id) {
    size_t index = index_of(ram, id);
    return index < ram->count ? &ram->items[index] : NULL;
}

void sbs_forward_ram_free(sbs_forward_ram *ram) {
    for (size_t i = 0; i < ram->count; i++) {
        item_free(&ram->items[i]);
    }

    *ram = (sbs_forward_ram){0};
}

/* ---- the port --------------------------------------------------------------------------------------------------- */

static sbs_status ram_append(void *ctx, const sbs_queue_meta *meta, const void *data, size_t len, uint64_t *out_id) {
    return sbs_forward_ram_add(ctx, meta, (sbs_text){data, len}, (sbs_text){"", 0}, NULL, out_id);
}

static sbs_status ram_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    const sbs_forward_ram *ram = ctx;
    size_t index = index_behind(ram, after);
    if (index == ram->count) {
        return SBS_ERR_NOT_FOUND;
    }

    *out_item = ram->items[index].item;
    return SBS_OK;
}

static sbs_status ram_read(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    const sbs_forward_ram_item *item = ram_find(ctx, id);

    *out_len = 0;
    if (item == NULL) {
        return SBS_ERR_NOT_FOUND;
    }
    if (offset >= item->item.len) {
        return SBS_OK;
    }

    *out_len = item->item.len - offset;
    if (*out_len > size) {
        *out_len = size;
    }
    memcpy(buffer, item->data + offset, *out_len);
    return SBS_OK;
}

static sbs_status ram_mark_attempt(void *ctx, uint64_t id) {
    sbs_forward_ram_item *item = ram_find(ctx, id);
    if (item == NULL) {
        return SBS_ERR_NOT_FOUND;
    }

    if (item->item.attempts < UINT16_MAX) {
        item->item.attempts++;
    }

    return SBS_OK;
}

static sbs_status ram_settle(void *ctx, uint64_t id, sbs_queue_fate fate, const char *reason, const char *words) {
    sbs_forward_ram *ram = ctx;
    sbs_forward_ram_item *item = ram_find(ram, id);
    (void)words; /* who wants them listens to the events */

    if (item == NULL) {
        return SBS_ERR_NOT_FOUND;
    }
    /* As any queue does: one that stores reasons has no room for longer ones. */
    if (reason != NULL && strlen(reason) >= SBS_QUEUE_REASON_SIZE) {
        return SBS_ERR_ARGUMENT;
    }

    ram->counters.delivered += fate == SBS_QUEUE_DELIVERED;
    ram->counters.dead += fate == SBS_QUEUE_DEAD;
    ram->counters.waiting--;
    ram->bytes -= item->item.len;
    item_free(item);

    /* The others keep their order. */
    size_t index = (size_t)(item - ram->items);
    ram->count--;
    memmove(item, item + 1, (ram->count - index) * sizeof *item);
    return SBS_OK;
}

static void ram_counters(void *ctx, sbs_queue_counters *out) {
    const sbs_forward_ram *ram = ctx;
    *out = ram->counters;
}

static sbs_status ram_note_failures(void *ctx, uint64_t id, uint16_t failures, int64_t since_s) {
    sbs_forward_ram_item *item = ram_find(ctx, id);
    if (item == NULL) {
        return SBS_ERR_NOT_FOUND;
    }

    item->item.failures = failures;
    item->item.failing_since_s = since_s;
    return SBS_OK;
}

sbs_queue sbs_forward_ram_port(sbs_forward_ram *ram) {
    static const sbs_queue_ops ops = {
        .append = ram_append,
        .next = ram_next,
        .read = ram_read,
        .mark_attempt = ram_mark_attempt,
        .settle = ram_settle,
        .counters = ram_counters,
        .note_failures = ram_note_failures,
    };
    return (sbs_queue){&ops, ram};
}
