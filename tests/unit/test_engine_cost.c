/* SPDX-License-Identifier: Apache-2.0 */
/* What the push engine costs on a full queue of a device: reads of the flash for each item, however many wait. */
#include <stdio.h>
#include <string.h>

#include "flash_sim.h"
#include "push_setup.h"
#include "sbs/flash_queue.h"
#include "test.h"

#define PAYLOAD 96u
#define READS_MAX 120u

static struct {
    flash_sim sim;
    sbs_flash_queue flash_queue;
    sbs_queue queue;
    push_setup setup;
    uint8_t item[PAYLOAD];
} world;

/* The last digits. */
static sbs_status identify(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    (void)ctx;
    *out = (sbs_push_identity){.type = SBS_TEXT("Observation"),
                               .system = SBS_TEXT("urn:m"),
                               .value = {(const char *)item->data + PAYLOAD - 12, 12},
                               .write_mode = SBS_WRITE_IF_NONE_EXIST};
    return SBS_OK;
}

static void append(uint64_t number) {
    char payload[PAYLOAD + 1];
    const sbs_queue_meta meta = {.utc_s = 1700000000, .boot_id = 1, .lane = (uint32_t)number % 2, .zone_minutes = 60};
    uint64_t id = 0;
    (void)snprintf(payload, sizeof payload, "%096u", (unsigned)number);
    assert_int_equal(world.queue.ops->append(world.queue.ctx, &meta, payload, PAYLOAD, &id), SBS_OK);
}

static void begin(unsigned items, uint16_t batch_max) {
    const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};
    flash_sim_init(&world.sim, 4096, 64, 4, 1);
    assert_int_equal(sbs_flash_queue_mount(&world.flash_queue, &world.sim.flash, &config), SBS_OK);
    world.queue = sbs_flash_queue_port(&world.flash_queue);
    push_setup_init(&world.setup);
    world.setup.config.queue = &world.queue;
    world.setup.config.item = world.item;
    world.setup.config.item_size = sizeof world.item;
    world.setup.config.encoder.identify = identify;
    world.setup.config.batch_max = batch_max;
    for (unsigned number = 0; number < items; number++) {
        append(number);
    }
    assert_int_equal(sbs_flash_queue_mount(&world.flash_queue, &world.sim.flash, &config), SBS_OK);
}

/* Polls until so many were delivered; reads of the flash for each. */
static unsigned push(unsigned count) {
    uint64_t before = world.sim.reads;
    for (unsigned delivered = 0; delivered < count;) {
        sbs_wait wait;
        assert_int_equal(sbs_push_poll(&world.setup.push, world.setup.base.now, &wait), SBS_PENDING);
        sbs_push_event_kind kind = sbs_push_event_of(&world.setup.push)->kind;
        assert_in_range(kind, SBS_PUSH_NOTHING, SBS_PUSH_DELIVERED);
        delivered += kind == SBS_PUSH_DELIVERED;
    }
    unsigned reads = (unsigned)((world.sim.reads - before) / count);
    flash_sim_free(&world.sim);
    return reads;
}

static void reads_do_not_grow_with_what_waits(void **state) {
    (void)state;
    for (uint16_t batch_max = 1; batch_max <= 8; batch_max = (uint16_t)(batch_max + 7)) {
        begin(100, batch_max);
        unsigned few = push(96);
        begin(1900, batch_max);
        unsigned many = push(240);
        print_message("engine on flash, %u at a time: %u reads an item with 100 waiting, %u with 1900\n", batch_max,
                      few, many);
        assert_in_range(few, 1, READS_MAX);
        assert_in_range(many, 1, 2 * few);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_do_not_grow_with_what_waits)};
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
