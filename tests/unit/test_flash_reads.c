/* SPDX-License-Identifier: Apache-2.0 */
/* A read of the flash that fails, at each place of each operation: it is told, or it did not matter; nothing is lost.
 */
#include <string.h>

#include "flash_sim.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "test.h"

#define ITEMS 24u

typedef struct rig {
    flash_sim sim;
    sbs_flash flash; /* the simulated one, whose reads may fail */
    sbs_flash_ops ops;
    sbs_flash_queue memory;
    sbs_queue queue;
    sbs_flash_storage storage;
    sbs_storage port;
} rig;

static const flash_sim *under;
static unsigned fails_at, reads; /* the read that fails, counted from 1; 0: none */
static bool for_good;            /* and all behind it */

static sbs_status read_but_one(void *ctx, uint32_t address, void *buffer, size_t len) {
    reads++;
    if (reads == fails_at || (for_good && fails_at != 0 && reads > fails_at)) {
        return SBS_ERR_STORAGE;
    }
    return under->flash.ops->read(ctx, address, buffer, len);
}

static const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
static const sbs_queue_meta meta = {.utc_s = 1700000000, .zone_minutes = 60, .lane = 1};

static void begin(rig *r, const flash_sim *from) {
    memset(r, 0, sizeof *r);
    flash_sim_init(&r->sim, 512, 6, 4, 1);
    if (from != NULL) {
        flash_sim_copy(&r->sim, from);
    }
    under = &r->sim;
    r->flash = r->sim.flash;
    r->ops = *r->flash.ops;
    r->ops.read = read_but_one;
    r->flash.ops = &r->ops;
    fails_at = 0;
}

static sbs_status mount_queue(rig *r) {
    sbs_status status = sbs_flash_queue_mount(&r->memory, &r->flash, &config);
    r->queue = sbs_flash_queue_port(&r->memory);
    return status;
}

static uint32_t waiting(const rig *r) {
    sbs_queue_counters counters;
    r->queue.ops->counters(r->queue.ctx, &counters);
    return counters.waiting;
}

/* ---- the queue --------------------------------------------------------------------------------------------------- */

static uint64_t first_id;

static sbs_status do_mount(rig *r) {
    return mount_queue(r);
}

static sbs_status do_next(rig *r) {
    sbs_queue_item item;
    sbs_status status = r->queue.ops->next(r->queue.ctx, 0, &item);
    assert_true(status != SBS_OK || item.id == first_id);
    return status;
}

static sbs_status do_read(rig *r) {
    char text[16];
    size_t len = 0;
    sbs_status status = r->queue.ops->read(r->queue.ctx, first_id, 0, text, sizeof text, &len);
    assert_true(status != SBS_OK || (len == 10 && memcmp(text, "an item is", 10) == 0));
    return status;
}

static sbs_status do_append(rig *r) {
    uint64_t id;
    return r->queue.ops->append(r->queue.ctx, &meta, "an item is", 10, &id);
}

static sbs_status do_mark(rig *r) {
    return r->queue.ops->mark_attempt(r->queue.ctx, first_id);
}

static sbs_status do_deliver(rig *r) {
    return r->queue.ops->settle(r->queue.ctx, first_id, SBS_QUEUE_DELIVERED, NULL, NULL);
}

static sbs_status do_bury(rig *r) {
    return r->queue.ops->settle(r->queue.ctx, first_id, SBS_QUEUE_DEAD, "refused", NULL);
}

/* So many are appended and half of them delivered that the log has gone round its ring. */
static void make_old(rig *r) {
    begin(r, NULL);
    assert_int_equal(mount_queue(r), SBS_OK);
    for (unsigned i = 0; i < 4 * ITEMS; i++) {
        sbs_queue_item item;
        assert_int_equal(do_append(r), SBS_OK);
        if (i >= ITEMS / 2) {
            assert_int_equal(r->queue.ops->next(r->queue.ctx, 0, &item), SBS_OK);
            assert_int_equal(r->queue.ops->mark_attempt(r->queue.ctx, item.id), SBS_OK);
            assert_int_equal(r->queue.ops->settle(r->queue.ctx, item.id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
        }
    }
    sbs_queue_item item;
    assert_int_equal(r->queue.ops->next(r->queue.ctx, 0, &item), SBS_OK);
    first_id = item.id;
    assert_true(r->memory.log.head > 6);
}

static void run_each_operation_of_the_queue(void) {
    static const struct {
        sbs_status (*run)(rig *r);
        int change; /* of the items that wait */
    } operations[] = {{do_mount, 0}, {do_next, 0},     {do_read, 0}, {do_append, 1},
                      {do_mark, 0},  {do_deliver, -1}, {do_bury, -1}};
    static rig old, r;
    make_old(&old);
    uint32_t before = waiting(&old);
    for (size_t i = 0; i < SBS_COUNT_OF(operations); i++) {
        unsigned told = 0;
        for (unsigned at = 1;; at++) {
            begin(&r, &old.sim);
            if (operations[i].run != do_mount) {
                assert_int_equal(mount_queue(&r), SBS_OK);
            }
            reads = 0;
            fails_at = at;
            sbs_status status = operations[i].run(&r);
            fails_at = 0;
            if (reads < at) { /* it came to none */
                assert_int_equal(status, SBS_OK);
                flash_sim_free(&r.sim);
                break;
            }
            assert_true(status == SBS_ERR_STORAGE || status == SBS_OK);
            told += status == SBS_ERR_STORAGE;

            /* The device works again: all is there, and the operation was done, or not. */
            assert_int_equal(mount_queue(&r), SBS_OK);
            uint32_t after = waiting(&r);
            assert_true(after == before + (uint32_t)operations[i].change || (status != SBS_OK && after == before));
            for (uint32_t n = 0; n < after; n++) {
                sbs_queue_item item;
                assert_int_equal(r.queue.ops->next(r.queue.ctx, 0, &item), SBS_OK);
                assert_int_equal(r.queue.ops->settle(r.queue.ctx, item.id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
            }
            flash_sim_free(&r.sim);
        }
        assert_true(told > 0);
    }
    flash_sim_free(&old.sim);
}

static void each_operation_of_the_queue(void **state) {
    (void)state;
    run_each_operation_of_the_queue();
}

/* It is not asked for ever. */
static void each_operation_ends_on_a_flash_that_stays_broken(void **state) {
    (void)state;
    for_good = true;
    run_each_operation_of_the_queue();
    for_good = false;
}

/* ---- storage ----------------------------------------------------------------------------------------------------- */

static sbs_status mount_storage(rig *r) {
    sbs_status status = sbs_flash_storage_mount(&r->storage, &r->flash);
    r->port = sbs_flash_storage_port(&r->storage);
    return status;
}

static sbs_status do_get(rig *r) {
    uint8_t got[64];
    size_t len = 0;
    sbs_status status = r->port.ops->get(r->port.ctx, "one", got, sizeof got, &len);
    assert_true(status != SBS_OK || (len == 40 && got[0] == 0x11 && got[39] == 0x11));
    return status;
}

static sbs_status do_set(rig *r) {
    uint8_t value[40];
    memset(value, 0x11, sizeof value);
    return r->port.ops->set(r->port.ctx, "one", value, sizeof value);
}

static sbs_status do_set_secret(rig *r) {
    uint8_t value[40];
    memset(value, 0x11, sizeof value);
    const sbs_flash_log_part part = {value, sizeof value};
    return sbs_flash_storage_set_secret(&r->storage, "one", &part, 1);
}

static sbs_status do_remove(rig *r) {
    return r->port.ops->remove(r->port.ctx, "two");
}

static sbs_status do_scrub(rig *r) {
    return sbs_flash_storage_scrub(&r->storage);
}

static void each_operation_of_the_storage(void **state) {
    static sbs_status (*const operations[])(rig * r) = {mount_storage, do_get,    do_set,
                                                        do_set_secret, do_remove, do_scrub};
    static rig old, r;
    uint8_t value[40];
    (void)state;
    begin(&old, NULL);
    assert_int_equal(mount_storage(&old), SBS_OK);
    for (unsigned i = 0; i < 60; i++) {
        memset(value, (int)i, sizeof value);
        assert_int_equal(old.port.ops->set(old.port.ctx, i % 2 != 0 ? "one" : "two", value, sizeof value), SBS_OK);
    }
    assert_int_equal(do_set_secret(&old), SBS_OK);
    for (size_t i = 0; i < SBS_COUNT_OF(operations); i++) {
        unsigned told = 0;
        for (unsigned at = 1;; at++) {
            begin(&r, &old.sim);
            if (operations[i] != mount_storage) {
                assert_int_equal(mount_storage(&r), SBS_OK);
            }
            reads = 0;
            fails_at = at;
            sbs_status status = operations[i](&r);
            fails_at = 0;
            if (reads < at) {
                assert_int_equal(status, SBS_OK);
                flash_sim_free(&r.sim);
                break;
            }
            assert_true(status == SBS_ERR_STORAGE || status == SBS_OK);
            told += status == SBS_ERR_STORAGE;
            assert_int_equal(mount_storage(&r), SBS_OK);
            assert_int_equal(do_get(&r), SBS_OK);
            flash_sim_free(&r.sim);
        }
        assert_true(told > 0);
    }
    flash_sim_free(&old.sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_of_the_queue),
        cmocka_unit_test(each_operation_ends_on_a_flash_that_stays_broken),
        cmocka_unit_test(each_operation_of_the_storage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
