/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gateway with its queue on SQLite, the push engine, the client and a server: power is cut at every write, sync,
 * truncation and removal of a whole life, what was not synced is lost in part, and power goes again while it recovers;
 * with each item marked by itself, and with 8 or 64 marked in one commit and deliveries written late. A seeded sample
 * unless SBS_LONG is 1.
 */
#include <stdio.h>
#include <string.h>

#include "engine_rig.h"
#include "power_cut.h"
#include "sbs/count.h"
#include "sbs/forward_ahead.h"
#include "sbs/sqlite_queue.h"
#include "sqlite_cut_vfs.h"
#include "test.h"

#define RECORD_MAX 256u
#define LONG_SEEDS 2u
#define VARIANTS 4u

static struct {
    sbs_sqlite_queue queue;
    sbs_queue port;
    sbs_forward_ahead ahead;
    uint32_t depth; /* items marked in one commit */
    engine_rig rig;
    uint8_t record[RECORD_MAX]; /* of boots; it is set as a whole or not */
    size_t record_len;
    uint64_t seed;
    unsigned cuts, untimed;
} world;

static sbs_status record_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    (void)name;
    assert_true(size >= world.record_len);
    memcpy(buffer, world.record, world.record_len);
    *out_len = world.record_len;
    return world.record_len > 0 ? SBS_OK : SBS_ERR_NOT_FOUND;
}

static sbs_status record_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)ctx;
    (void)name;
    assert_true(len <= RECORD_MAX);
    memcpy(world.record, data, len);
    world.record_len = len;
    return SBS_OK;
}

static bool disk_is_off(void *ctx) {
    (void)ctx;
    return cut_vfs_is_off();
}

static bool disk_mount(void *ctx, sbs_queue *out_queue, sbs_storage *out_storage) {
    static const sbs_storage_ops ops = {.get = record_get, .set = record_set};
    const sbs_sqlite_queue_config config = {.path = "queue.db", .vfs = CUT_VFS, .checkpoint_pages = 20};
    (void)ctx;
    *out_storage = (sbs_storage){&ops, NULL};
    if (sbs_sqlite_queue_open(&world.queue, &config, &world.port) == SBS_OK && !cut_vfs_is_off()) {
        *out_queue = world.port;
        if (world.depth > 1) {
            assert_int_equal(sbs_forward_ahead_open(&world.ahead, &world.port, world.depth, out_queue), SBS_OK);
        }
        return true;
    }
    assert_true(cut_vfs_is_off());
    return false;
}

static void disk_unmount(void *ctx) {
    (void)ctx;
    sbs_forward_ahead_close(&world.ahead);
    sbs_sqlite_queue_close(&world.queue);
    if (cut_vfs_is_off()) {
        cut_vfs_restart(++world.seed * 7919u);
    }
}

/* All is durable, and nothing counts as tried that was not sent. */
static void disk_rest(void *ctx) {
    sbs_queue_row rows[ENGINE_ITEMS_MAX];
    size_t count = 0;
    (void)ctx;
    if (world.depth == 1) {
        return;
    }
    sbs_status status = sbs_forward_ahead_flush(&world.ahead, true);
    if (cut_vfs_is_off()) {
        return;
    }
    assert_int_equal(status, SBS_OK);
    assert_true(sbs_forward_ahead_is_durable(&world.ahead));
    assert_int_equal(world.port.ops->bulk->list(world.port.ctx, 0, rows, ENGINE_ITEMS_MAX, &count), SBS_OK);
    for (size_t i = 0; i < count; i++) {
        sbs_queue_item item;
        assert_int_equal(world.rig.queue.ops->next(world.rig.queue.ctx, rows[i].id - 1, &item), SBS_OK);
        assert_int_equal(item.attempts, rows[i].attempts);
    }
}

static const engine_disk disk = {disk_mount, disk_unmount, disk_is_off, disk_rest, NULL};

static void begin(sbs_write_mode mode, uint16_t batch_max, uint64_t seed) {
    cut_vfs_reset();
    world.record_len = 0;
    world.seed = seed;
    engine_init(&world.rig, &disk, mode, batch_max);
}

/* What was refused is kept with the reason. */
static void check_dead(void) {
    sbs_sqlite_dead dead = {.reason = ""};
    sbs_status status;
    while ((status = sbs_sqlite_queue_dead(&world.queue, dead.item.id, &dead)) == SBS_OK) {
        assert_string_equal(dead.reason, "refused");
    }
    assert_int_equal(status, SBS_ERR_NOT_FOUND);
}

static void end(void) {
    engine_check(&world.rig);
    check_dead();
    world.untimed += engine_untimed(&world.rig);
    engine_lose_power(&world.rig);
}

/* To the end (true), or to the cut. */
static bool live(void) {
    engine_state state = engine_boot(&world.rig) ? ENGINE_MORE : ENGINE_OFF;
    while (state == ENGINE_MORE) {
        state = engine_step(&world.rig);
    }
    world.cuts += state == ENGINE_OFF;
    return state == ENGINE_DONE;
}

static unsigned whole_life(sbs_write_mode mode, uint16_t batch_max) {
    begin(mode, batch_max, 1);
    cut_vfs_arm(0);
    assert_true(live());
    unsigned operations = cut_vfs_operations();
    assert_int_equal(engine_untimed(&world.rig), 0);
    end();
    return operations;
}

static void cut_life(sbs_write_mode mode, uint16_t batch_max, unsigned at, unsigned again, uint64_t seed) {
    begin(mode, batch_max, seed);
    (void)snprintf(world.rig.where, sizeof world.rig.where, "mode %d, batch %u, marks %u: cut at %u, again %u, seed %u",
                   (int)mode, batch_max, world.depth, at, again, (unsigned)seed);
    cut_vfs_arm(at);
    const unsigned cuts[] = {again, 0};
    for (unsigned i = 0; !live(); i++) {
        engine_lose_power(&world.rig);
        assert_true(i < 2);
        cut_vfs_arm(cuts[i]);
    }
    end();
}

static sbs_write_mode mode_of(unsigned variant) {
    return variant % 2 == 0 ? SBS_WRITE_IF_NONE_EXIST : SBS_WRITE_PUT;
}

static uint16_t batch_of(unsigned variant) {
    return variant < 2 ? 1 : 4;
}

/* Returns how many operations the lives have that were cut. */
static unsigned cut_lives(uint32_t depth, unsigned stride) {
    unsigned total = 0;
    world.depth = depth;
    world.cuts = 0;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        sbs_write_mode mode = mode_of(variant);
        uint16_t batch_max = batch_of(variant);
        unsigned operations = whole_life(mode, batch_max);
        assert_true(operations > 150);
        total += operations;
        for (unsigned at = 1 + variant % stride; at <= operations; at += stride) {
            for (uint64_t seed = 1; seed <= (cut_is_long() ? LONG_SEEDS : 1); seed++) {
                cut_life(mode, batch_max, at, 0, seed * 1000 + at);
                cut_life(mode, batch_max, at, 1 + (at * 5u) % 17u, seed * 2000 + at);
            }
        }
    }
    return total;
}

static void each_item_arrives_once_whatever_is_cut(void **state) {
    static const struct {
        uint32_t depth;
        unsigned stride;
    } lives[] = {{1, 29}, {8, 29}, {64, 43}};
    (void)state;
    cut_vfs_register();
    for (unsigned i = 0; i < SBS_COUNT_OF(lives); i++) {
        unsigned stride = cut_is_long() ? 1 : lives[i].stride;
        unsigned total = cut_lives(lives[i].depth, stride);
        assert_true(world.cuts > total / stride);
        print_message(
            "engine on SQLite, %u marked in a commit: operations of %u lives %u, power cuts tried %u, lost 0, "
            "twice 0, sent without a time that was lost %u\n",
            lives[i].depth, VARIANTS, total, world.cuts, world.untimed);
    }
    cut_vfs_reset();
}

static void begin_variant(unsigned number) {
    world.depth = number < VARIANTS ? 1 : 8;
    begin(mode_of(number % VARIANTS), batch_of(number % VARIANTS), 1);
    cut_vfs_arm(0);
}

static void each_item_arrives_once_whatever_the_connection_does(void **state) {
    static const engine_life lives = {begin_variant, live, end, 2 * VARIANTS};
    (void)state;
    cut_vfs_register();
    unsigned runs = engine_break_connections(&world.rig, &lives, cut_is_long() ? 23 : 1409);
    print_message("engine on SQLite: lives with a fault of the connection %u, lost 0, twice 0\n", runs);
    cut_vfs_reset();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_arrives_once_whatever_is_cut),
        cmocka_unit_test(each_item_arrives_once_whatever_the_connection_does),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
