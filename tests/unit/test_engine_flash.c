/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device with its queue and its record of boots on raw flash, the push engine, the client and a server: power is cut
 * at every program and erase operation of a whole life, in every way that flash can tear, and again while it recovers.
 * A seeded sample unless SBS_LONG is 1.
 */
#include <stdio.h>
#include <string.h>

#include "engine_rig.h"
#include "power_cut.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "test.h"

#define SECTOR 512u
#define QUEUE_SECTORS 4u /* small, so that the ring goes round */
#define STORAGE_SECTORS 3u

/* A region of the one device. */
typedef struct flash_part {
    sbs_flash flash;
    const sbs_flash *whole;
    uint32_t at;
} flash_part;

static struct {
    flash_sim sim;
    flash_part queue_part, storage_part;
    sbs_flash_queue queue;
    sbs_flash_storage storage;
    engine_rig rig;
    unsigned untimed;
} world;

static sbs_status part_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    const flash_part *part = ctx;
    return part->whole->ops->read(part->whole->ctx, part->at + address, buffer, len);
}

static sbs_status part_program(void *ctx, uint32_t address, const void *data, size_t len) {
    const flash_part *part = ctx;
    return part->whole->ops->program(part->whole->ctx, part->at + address, data, len);
}

static sbs_status part_erase(void *ctx, uint32_t address) {
    const flash_part *part = ctx;
    return part->whole->ops->erase(part->whole->ctx, part->at + address);
}

static void make_part(flash_part *part, uint32_t first, uint32_t count) {
    static const sbs_flash_ops ops = {part_read, part_program, part_erase};
    *part = (flash_part){.flash = world.sim.flash, .whole = &world.sim.flash, .at = first * SECTOR};
    part->flash.ops = &ops;
    part->flash.ctx = part;
    part->flash.sector_count = count;
}

static bool disk_mount(void *ctx, sbs_queue *out_queue, sbs_storage *out_storage) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    (void)ctx;
    assert_int_equal(sbs_flash_storage_mount(&world.storage, &world.storage_part.flash), SBS_OK);
    assert_int_equal(sbs_flash_queue_mount(&world.queue, &world.queue_part.flash, &config), SBS_OK);
    *out_queue = sbs_flash_queue_port(&world.queue);
    *out_storage = sbs_flash_storage_port(&world.storage);
    return true;
}

/* What is not stable reads differently from now on; a cut that is due stays. */
static void disk_unmount(void *ctx) {
    uint64_t cut_at = world.sim.cut_at;
    (void)ctx;
    flash_sim_boot(&world.sim);
    world.sim.cut_at = cut_at;
    memset(&world.queue, 0xA5, sizeof world.queue);
    memset(&world.storage, 0xA5, sizeof world.storage);
}

static bool disk_is_off(void *ctx) {
    (void)ctx;
    return false; /* it jumps */
}

static const engine_disk disk = {disk_mount, disk_unmount, disk_is_off, NULL, NULL};

static void recover(void *ctx) {
    (void)ctx;
    assert_true(engine_boot(&world.rig));
}

static bool step(void *ctx) {
    (void)ctx;
    return engine_step(&world.rig) == ENGINE_MORE;
}

static const cut_scenario life = {.ctx = NULL, .sim = &world.sim, .recover = recover, .step = step};

typedef struct variant {
    sbs_write_mode mode;
    uint16_t batch_max;
    uint32_t unit;
} variant;

static const variant variants[] = {
    {SBS_WRITE_IF_NONE_EXIST, 1, 4}, {SBS_WRITE_PUT, 1, 8}, {SBS_WRITE_IF_NONE_EXIST, 4, 1}, {SBS_WRITE_PUT, 4, 16}};
#define VARIANTS SBS_COUNT_OF(variants)

static void begin(const variant *v, uint64_t seed) {
    flash_sim_init(&world.sim, SECTOR, QUEUE_SECTORS + STORAGE_SECTORS, v->unit, seed);
    make_part(&world.queue_part, 0, QUEUE_SECTORS);
    make_part(&world.storage_part, QUEUE_SECTORS, STORAGE_SECTORS);
    engine_init(&world.rig, &disk, v->mode, v->batch_max);
}

static void end(void) {
    engine_check(&world.rig);
    world.untimed += engine_untimed(&world.rig);
    engine_lose_power(&world.rig);
    flash_sim_free(&world.sim);
}

/* A life without cuts; how many operations it has. */
static unsigned whole_life(const variant *v) {
    begin(v, 1);
    assert_true(cut_run(&life));
    assert_int_equal(engine_untimed(&world.rig), 0);
    unsigned operations = (unsigned)world.sim.operations;
    end();
    return operations;
}

/* With a cut at an operation, and (again > 0) at one after it. */
static void cut_life(const variant *v, unsigned at, flash_sim_tear tear, unsigned again) {
    begin(v, at * 8u + tear);
    (void)snprintf(world.rig.where, sizeof world.rig.where, "mode %d, batch %u, unit %u: cut at %u, tear %d, again %u",
                   (int)v->mode, v->batch_max, (unsigned)v->unit, at, (int)tear, again);
    flash_sim_cut_after(&world.sim, at, tear, UINT32_MAX);
    const unsigned cuts[] = {again, 0};
    for (unsigned i = 0; !cut_run(&life); i++) {
        engine_lose_power(&world.rig);
        assert_true(i < 2);
        if (cuts[i] > 0) {
            flash_sim_cut_after(&world.sim, cuts[i], tear, UINT32_MAX);
        }
    }
    end();
}

static void each_item_arrives_once_whatever_is_cut(void **state) {
    unsigned total = 0;
    (void)state;
    for (size_t v = 0; v < VARIANTS; v++) {
        unsigned operations = whole_life(&variants[v]);
        assert_true(operations > 100);
        total += operations;
        unsigned stride = cut_is_long() ? 1 : 5;
        for (unsigned at = 1 + (unsigned)v % stride; at <= operations; at += stride) {
            for (unsigned tear = 0; tear < FLASH_SIM_TEARS; tear++) {
                if (!cut_is_long() && tear != at % FLASH_SIM_TEARS) {
                    continue;
                }
                cut_life(&variants[v], at, (flash_sim_tear)tear, 0);
                cut_life(&variants[v], at, (flash_sim_tear)tear, 1 + (at * 5u + tear) % 13u);
            }
        }
    }
    assert_true(cuts_tried > total / 5);
    print_message("engine on flash: operations of %u lives %u, power cuts tried %llu, lost 0, twice 0, "
                  "sent without a time that was lost %u\n",
                  (unsigned)VARIANTS, total, (unsigned long long)cuts_tried, world.untimed);
}

static void begin_variant(unsigned number) {
    begin(&variants[number], 1);
}

static bool live(void) {
    return cut_run(&life);
}

static void each_item_arrives_once_whatever_the_connection_does(void **state) {
    static const engine_life lives = {begin_variant, live, end, VARIANTS};
    (void)state;
    unsigned runs = engine_break_connections(&world.rig, &lives, cut_is_long() ? 7 : 311);
    print_message("engine on flash: lives with a fault of the connection %u, lost 0, twice 0\n", runs);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_arrives_once_whatever_is_cut),
        cmocka_unit_test(each_item_arrives_once_whatever_the_connection_does),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
