/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "queue_model.h"
#include "test.h"

#define PAYLOAD_MAX 256u

void model_init(queue_model *model, uint32_t sector_size, uint32_t sectors, uint32_t unit, uint64_t seed) {
    memset(model, 0, sizeof *model);
    flash_sim_init(&model->sim, sector_size, sectors, unit, seed);
}

void model_free(queue_model *model) {
    flash_sim_free(&model->sim);
}

void model_clone(queue_model *to, const queue_model *from) {
    flash_sim sim = to->sim;
    memcpy(to->items, from->items, from->item_count * sizeof *from->items);
    to->item_count = from->item_count;
    to->accepted = from->accepted;
    to->settled = from->settled;
    to->sim = sim;
    flash_sim_copy(&to->sim, &from->sim);
}

sbs_queue_meta model_meta(uint32_t index) {
    return (sbs_queue_meta){.uptime_ms = 1000u + index * UINT64_C(777),
                            .utc_s = index % 3u ? INT64_C(1767225600) + index : SBS_UTC_UNKNOWN,
                            .boot_id = 7u + index / 100u,
                            .lane = index % 5u,
                            .zone_minutes = (int16_t)(index % 2u ? 60 : -570),
                            .format = 1};
}

static void make_payload(uint32_t index, uint16_t len, uint8_t out[PAYLOAD_MAX]) {
    for (uint32_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(index * 29u + i * 3u);
    }
    memcpy(out, &index, sizeof index);
}

static void assert_meta(const sbs_queue_meta *got, const sbs_queue_meta *expected) {
    assert_true(got->uptime_ms == expected->uptime_ms);
    assert_true(got->utc_s == expected->utc_s);
    assert_int_equal(got->boot_id, expected->boot_id);
    assert_int_equal(got->lane, expected->lane);
    assert_int_equal(got->zone_minutes, expected->zone_minutes);
    assert_int_equal(got->format, expected->format);
}

/* Which item of the model this is, by its bytes. */
static model_item *identify(queue_model *model, const sbs_queue_item *item) {
    uint8_t got[PAYLOAD_MAX], expected[PAYLOAD_MAX];
    uint32_t index = 0;
    size_t len = 0;
    sbs_status status = model->queue.ops->read(model->queue.ctx, item->id, 0, got, sizeof got, &len);
    if (status != SBS_OK || len < sizeof index) {
        fail_msg("read of item %u: status %d (%s)", (unsigned)item->id, status, model->where);
    }
    memcpy(&index, got, sizeof index);
    assert_true(index < model->item_count);
    model_item *known = &model->items[index];
    assert_int_equal(len, known->len);
    assert_int_equal(item->len, known->len);
    make_payload(index, known->len, expected);
    assert_memory_equal(got, expected, len);
    sbs_queue_meta meta = model_meta(index);
    assert_meta(&item->meta, &meta);
    return known;
}

static void see_waiting(queue_model *model) {
    sbs_queue_item item;
    uint64_t after = 0;
    sbs_status status;
    while ((status = model->queue.ops->next(model->queue.ctx, after, &item)) == SBS_OK) {
        assert_true(item.id > after);
        after = item.id;
        model_item *known = identify(model, &item);
        if (!(known->allowed & ITEM_WAITING)) {
            fail_msg("item %u is back (%s)", (unsigned)item.id, model->where);
        }
        assert_true(known->seen != ITEM_WAITING);
        assert_true(known->id == 0 || known->id == item.id || (known->allowed & ITEM_ABSENT));
        known->id = item.id;
        known->seen = ITEM_WAITING;
        if (item.attempts < known->attempts_least || item.attempts > known->attempts_most) {
            fail_msg("item %u: %u attempts (%s)", (unsigned)item.id, item.attempts, model->where);
        }
        known->attempts_seen = item.attempts;
    }
    if (status != SBS_ERR_NOT_FOUND) {
        fail_msg("next: status %d, id %u (%s)", status, (unsigned)item.id, model->where);
    }
}

/* What is not seen may be settled, or never accepted; where both are possible the number of accepted items tells. */
static void judge_unseen(queue_model *model, uint64_t accepted, uint32_t waiting) {
    uint64_t present = waiting;
    for (uint32_t i = 0; i < model->item_count; i++) {
        model_item *item = &model->items[i];
        uint8_t others = item->allowed & (uint8_t)~ITEM_WAITING;
        if (item->seen != 0) {
            continue;
        }
        if (others == 0) {
            fail_msg("item %u is lost (%s)", (unsigned)item->id, model->where);
        }
        item->seen = others & ITEM_ABSENT ? ITEM_ABSENT : others;
        present += item->seen != ITEM_ABSENT;
    }
    for (uint32_t i = 0; i < model->item_count && present < accepted; i++) {
        model_item *item = &model->items[i];
        uint8_t settled = item->allowed & (ITEM_DELIVERED | ITEM_DEAD);
        if (item->seen == ITEM_ABSENT && settled != 0) {
            item->seen = settled;
            present++;
        }
    }
    assert_int_equal(accepted, present);
}

void model_compare(queue_model *model) {
    sbs_queue_counters counters;
    uint32_t waiting = 0;
    for (uint32_t i = 0; i < model->item_count; i++) {
        model->items[i].seen = 0;
    }
    see_waiting(model);
    for (uint32_t i = 0; i < model->item_count; i++) {
        waiting += model->items[i].seen == ITEM_WAITING;
    }
    model->queue.ops->counters(model->queue.ctx, &counters);
    assert_int_equal(counters.waiting, waiting);
    judge_unseen(model, counters.accepted, waiting);
    assert_int_equal(counters.delivered + counters.dead, counters.accepted - waiting);
    assert_int_equal(counters.dropped, 0);
}

void model_mount(queue_model *model) {
    sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    sbs_status status = sbs_flash_queue_mount(&model->flash_queue, &model->sim.flash, &config);
    if (status != SBS_OK) {
        fail_msg("mount: status %d (%s)", status, model->where);
    }
    model->queue = sbs_flash_queue_port(&model->flash_queue);
    model_compare(model);
}

/* A call that returned decides everything that was open. */
static void decide(queue_model *model) {
    for (uint32_t i = 0; i < model->item_count; i++) {
        model_item *item = &model->items[i];
        item->allowed = item->seen;
        item->attempts_least = item->attempts_most = item->attempts_seen;
    }
}

sbs_status model_append(queue_model *model, uint16_t len) {
    uint8_t payload[PAYLOAD_MAX];
    uint32_t index = model->item_count;
    assert_true(index < MODEL_ITEMS_MAX);
    make_payload(index, len, payload);
    sbs_queue_meta meta = model_meta(index);
    model->items[model->item_count++] =
        (model_item){.len = len, .allowed = ITEM_ABSENT | ITEM_WAITING, .seen = ITEM_ABSENT};
    uint64_t id = 0;
    sbs_status status = model->queue.ops->append(model->queue.ctx, &meta, payload, len, &id);
    if (status != SBS_OK) {
        model->item_count--;
        assert_int_equal(status, SBS_ERR_BUFFER);
        return status;
    }
    for (uint32_t i = 0; i < index; i++) {
        assert_true(model->items[i].id < id || model->items[i].seen == ITEM_ABSENT);
    }
    model->items[index].id = id;
    model->items[index].seen = ITEM_WAITING;
    model->accepted++;
    decide(model);
    return SBS_OK;
}

model_item *model_waiting(queue_model *model, uint32_t n) {
    for (uint32_t i = 0; i < model->item_count; i++) {
        if (model->items[i].seen == ITEM_WAITING && n-- == 0) {
            return &model->items[i];
        }
    }
    return NULL;
}

uint32_t model_waiting_count(const queue_model *model) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->item_count; i++) {
        count += model->items[i].seen == ITEM_WAITING;
    }
    return count;
}

static void must(queue_model *model, const char *what, sbs_status status) {
    if (status != SBS_OK) {
        fail_msg("%s: status %d (%s)", what, status, model->where);
    }
}

void model_attempt(queue_model *model, model_item *item) {
    item->attempts_most++;
    must(model, "mark_attempt", model->queue.ops->mark_attempt(model->queue.ctx, item->id));
    item->attempts_seen++;
    decide(model);
}

void model_settle(queue_model *model, model_item *item, sbs_queue_fate fate, const char *reason) {
    uint8_t state = fate == SBS_QUEUE_DELIVERED ? ITEM_DELIVERED : ITEM_DEAD;
    item->allowed |= state;
    must(model, "settle", model->queue.ops->settle(model->queue.ctx, item->id, fate, reason, NULL));
    item->seen = state;
    model->settled++;
    decide(model);
    assert_int_equal(model->queue.ops->settle(model->queue.ctx, item->id, fate, NULL, NULL), SBS_ERR_NOT_FOUND);
}
