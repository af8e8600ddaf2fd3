/* SPDX-License-Identifier: Apache-2.0 */
/* Items on flash whose record headers are beyond reading: each is reported once, under its id, and counted as dead. */
#include <string.h>

#include "flash_sim.h"
#include "sbs/flash_queue.h"
#include "test.h"

#define SECTOR 1024u
#define SECTORS 6u
#define ITEMS 12u

static flash_sim sim;
static sbs_flash_queue flash_queue;
static sbs_queue queue;

static void mount(void) {
    sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    flash_sim_boot(&sim);
    assert_int_equal(sbs_flash_queue_mount(&flash_queue, &sim.flash, &config), SBS_OK);
    queue = sbs_flash_queue_port(&flash_queue);
}

static void append(uint64_t number) {
    sbs_queue_meta meta = {.uptime_ms = 1000, .utc_s = 1700000000, .boot_id = 1, .lane = 1};
    uint64_t data[2] = {UINT64_C(0xC0FFEE00C0FFEE00), number};
    uint64_t id = 0;
    assert_int_equal(queue.ops->append(queue.ctx, &meta, data, sizeof data, &id), SBS_OK);
    assert_int_equal(id, number);
}

/* Spoils the header of the item's record beyond repair. */
static void spoil(uint64_t number) {
    uint64_t data[2] = {UINT64_C(0xC0FFEE00C0FFEE00), number};
    for (uint32_t at = 32; at + sizeof data <= sim.size; at++) {
        if (memcmp(sim.data + at, data, sizeof data) == 0) {
            for (uint32_t back = 16; back <= 22; back++) { /* 11 bytes of meta, 11 of header */
                sim.data[at - back] ^= 0x5A;
            }
            return;
        }
    }
    fail_msg("item %u is not on the flash", (unsigned)number);
}

static void settle(uint64_t id) {
    assert_int_equal(queue.ops->settle(queue.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
}

/* Walks the queue; returns how many are reported as damaged, their ids in @p out, and how many wait. */
static unsigned walk(uint64_t out[ITEMS], unsigned *out_waiting) {
    sbs_queue_item item;
    uint64_t after = 0;
    unsigned damaged = 0;
    sbs_status status;
    *out_waiting = 0;
    while ((status = queue.ops->next(queue.ctx, after, &item)) != SBS_ERR_NOT_FOUND) {
        if (status == SBS_ERR_DAMAGED) {
            assert_true(damaged < ITEMS);
            out[damaged++] = item.id;
            continue;
        }
        assert_int_equal(status, SBS_OK);
        after = item.id;
        ++*out_waiting;
    }
    return damaged;
}

static void assert_counts(unsigned waiting, unsigned delivered, unsigned dead) {
    sbs_queue_counters counters;
    queue.ops->counters(queue.ctx, &counters);
    assert_int_equal(counters.accepted, ITEMS);
    assert_int_equal(counters.waiting, waiting);
    assert_int_equal(counters.delivered, delivered);
    assert_int_equal(counters.dead, dead);
}

static void each_is_reported_once_under_its_id(void **state) {
    uint64_t ids[ITEMS];
    unsigned waiting = 0;
    (void)state;
    flash_sim_init(&sim, SECTOR, SECTORS, 4, 1);
    mount();
    for (uint64_t number = 1; number <= ITEMS; number++) {
        append(number);
    }
    settle(3);
    settle(8);
    spoil(5);
    spoil(9);
    mount();
    assert_int_equal(walk(ids, &waiting), 2);
    assert_int_equal(ids[0], 5);
    assert_int_equal(ids[1], 9);
    assert_int_equal(waiting, ITEMS - 4);
    assert_counts(ITEMS - 4, 2, 2);
    for (unsigned again = 0; again < 3; again++) {
        mount();
        assert_int_equal(walk(ids, &waiting), 0);
        assert_int_equal(waiting, ITEMS - 4);
        assert_counts(ITEMS - 4, 2, 2);
    }
    assert_int_equal(queue.ops->settle(queue.ctx, 5, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_ERR_NOT_FOUND);
    flash_sim_free(&sim);
}

/* The first of all is not between others: nothing tells that it was there, but the number. */
static void one_whose_id_is_not_certain_is_reported_without(void **state) {
    uint64_t ids[ITEMS];
    unsigned waiting = 0;
    (void)state;
    flash_sim_init(&sim, SECTOR, SECTORS, 4, 1);
    mount();
    for (uint64_t number = 1; number <= ITEMS; number++) {
        append(number);
    }
    spoil(1);
    mount();
    assert_int_equal(walk(ids, &waiting), 1);
    assert_int_equal(ids[0], 0);
    assert_int_equal(waiting, ITEMS - 1);
    assert_counts(ITEMS - 1, 0, 1);
    flash_sim_free(&sim);
}

static unsigned reads, fails_at; /* the read that fails, counted from 1 */

static sbs_status read_but_one(void *ctx, uint32_t address, void *buffer, size_t len) {
    if (++reads == fails_at) {
        return SBS_ERR_STORAGE;
    }
    return sim.flash.ops->read(ctx, address, buffer, len);
}

/* A flash that fails while the id is looked for: that is told, and the id is found once it works again. */
static void a_read_that_fails_does_not_cost_the_id(void **state) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    unsigned told = 0;
    (void)state;
    for (fails_at = 1;; fails_at++) {
        uint64_t ids[ITEMS];
        unsigned waiting = 0;
        sbs_queue_item item;
        flash_sim_init(&sim, SECTOR, SECTORS, 4, 1);
        mount();
        for (uint64_t number = 1; number <= ITEMS; number++) {
            append(number);
        }
        spoil(5);
        sbs_flash flash = sim.flash;
        sbs_flash_ops ops = *flash.ops;
        ops.read = read_but_one;
        flash.ops = &ops;
        reads = fails_at; /* none of those of the mount */
        assert_int_equal(sbs_flash_queue_mount(&flash_queue, &flash, &config), SBS_OK);
        reads = 0;
        sbs_status status = queue.ops->next(queue.ctx, 0, &item);
        if (status == SBS_ERR_DAMAGED) {
            assert_int_equal(item.id, 5);
        } else {
            told += status == SBS_ERR_STORAGE;
            assert_int_equal(walk(ids, &waiting), 1);
            assert_int_equal(ids[0], 5);
        }
        assert_counts(ITEMS - 1, 0, 1);
        flash_sim_free(&sim);
        if (reads < fails_at) {
            break;
        }
    }
    assert_true(told > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_reported_once_under_its_id),
        cmocka_unit_test(one_whose_id_is_not_certain_is_reported_without),
        cmocka_unit_test(a_read_that_fails_does_not_cost_the_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
