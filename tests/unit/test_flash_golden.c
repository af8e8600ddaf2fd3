/* SPDX-License-Identifier: Apache-2.0 */
/* What version 1 of queue and storage wrote on flash, byte for byte: every later version reads it. The images stand in
 * tests/vectors/flash_images.h, and what made them stands here. */
#include <string.h>

#include "../vectors/flash_images.h"
#include "flash_sim.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/flash_storage.h"
#include "test.h"

#define SECTOR_SIZE 512u
#define SECTORS 4u
#define UNIT 4u
#define ITEMS 7u

static const sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_REFUSE};

/* Each way in which a field is stored. */
static const sbs_queue_meta metas[ITEMS] = {
    {.utc_s = SBS_UTC_UNKNOWN, .zone_minutes = INT16_MIN},
    {1, 1700000000, 1, 1, 120, 1},
    {UINT64_C(0xFFFFFF), -1, 0xFFFF, 3, -690, 3},
    {UINT64_C(0x1000000), UINT32_MAX, 0x10000, 4, 765, 4},
    {UINT64_C(0x100000000), INT64_C(0x100000000), 0x1000000, 0x100, 7, 0x100},
    {UINT64_MAX, INT64_MAX, UINT32_MAX, UINT32_MAX, -1, UINT16_MAX},
    {2, 1700000001, 2, 2, 0, 2},
};

static size_t text_of(unsigned number, char out[24]) {
    static const char text[] = "what was measured then";
    size_t len = 3u * number + 1u;
    memcpy(out, text, len);
    return len;
}

static void mount_queue(flash_sim *sim, sbs_flash_queue *queue, sbs_queue *port) {
    assert_int_equal(sbs_flash_queue_mount(queue, &sim->flash, &config), SBS_OK);
    *port = sbs_flash_queue_port(queue);
}

static void load(flash_sim *sim, const uint8_t *image) {
    flash_sim_init(sim, SECTOR_SIZE, SECTORS, UNIT, 1);
    memcpy(sim->data, image, SECTOR_SIZE * SECTORS);
    memset(sim->programmed, 1, SECTOR_SIZE * SECTORS);
}

static void assert_queue(flash_sim *sim) {
    sbs_flash_queue queue;
    sbs_queue port;
    sbs_queue_counters counters;
    sbs_queue_item item = {.id = 0};
    mount_queue(sim, &queue, &port);
    port.ops->counters(port.ctx, &counters);
    assert_int_equal(counters.accepted, ITEMS);
    assert_int_equal(counters.delivered, 1);
    assert_int_equal(counters.dead, 1);
    assert_int_equal(counters.waiting, ITEMS - 2);
    for (unsigned i = 0; i < ITEMS; i++) {
        if (i == 1 || i == 6) { /* delivered, and dead */
            continue;
        }
        char text[24], got[24];
        size_t len = 0;
        assert_int_equal(port.ops->next(port.ctx, item.id, &item), SBS_OK);
        assert_int_equal(item.id, i + 1);
        assert_int_equal(item.attempts, i == 2 ? 2 : 0);
        assert_int_equal(item.len, text_of(i, text));
        assert_int_equal(port.ops->read(port.ctx, item.id, 0, got, sizeof got, &len), SBS_OK);
        assert_int_equal(len, item.len);
        assert_memory_equal(got, text, len);
        assert_int_equal(item.meta.uptime_ms, metas[i].uptime_ms);
        assert_int_equal(item.meta.utc_s, metas[i].utc_s);
        assert_int_equal(item.meta.boot_id, metas[i].boot_id);
        assert_int_equal(item.meta.lane, metas[i].lane);
        assert_int_equal(item.meta.zone_minutes, metas[i].zone_minutes);
        assert_int_equal(item.meta.format, metas[i].format);
    }
    assert_int_equal(port.ops->next(port.ctx, item.id, &item), SBS_ERR_NOT_FOUND);
}

static void a_queue_is_written_as_version_1_wrote_it(void **state) {
    flash_sim sim;
    sbs_flash_queue queue;
    sbs_queue port;
    (void)state;
    flash_sim_init(&sim, SECTOR_SIZE, SECTORS, UNIT, 1);
    mount_queue(&sim, &queue, &port);
    for (unsigned i = 0; i < ITEMS; i++) {
        char text[24];
        uint64_t id;
        size_t len = text_of(i, text);
        assert_int_equal(port.ops->append(port.ctx, &metas[i], text, len, &id), SBS_OK);
        assert_int_equal(id, i + 1);
    }
    assert_int_equal(port.ops->mark_attempt(port.ctx, 3), SBS_OK);
    assert_int_equal(port.ops->mark_attempt(port.ctx, 3), SBS_OK);
    assert_int_equal(port.ops->settle(port.ctx, 2, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
    assert_int_equal(port.ops->settle(port.ctx, 7, SBS_QUEUE_DEAD, "refused", "no subject"), SBS_OK);
    assert_memory_equal(sim.data, flash_queue_image_1, sizeof flash_queue_image_1);
    flash_sim_free(&sim);
}

static void a_queue_of_version_1_is_read(void **state) {
    flash_sim sim;
    (void)state;
    load(&sim, flash_queue_image_1);
    assert_queue(&sim);
    flash_sim_free(&sim);
}

static const char *const names[] = {"a", "its-0000000000000001", "record"};

static void storage_is_written_as_version_1_wrote_it(void **state) {
    flash_sim sim;
    sbs_flash_storage storage;
    (void)state;
    flash_sim_init(&sim, SECTOR_SIZE, SECTORS, UNIT, 1);
    assert_int_equal(sbs_flash_storage_mount(&storage, &sim.flash), SBS_OK);
    sbs_storage port = sbs_flash_storage_port(&storage);
    assert_int_equal(port.ops->set(port.ctx, names[0], (const uint8_t *)"first", 5), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, names[1], (const uint8_t *)"a key of the device", 19), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, names[2], (const uint8_t *)"", 0), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, "gone", (const uint8_t *)"x", 1), SBS_OK);
    assert_int_equal(port.ops->remove(port.ctx, "gone"), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, names[0], (const uint8_t *)"second", 6), SBS_OK);
    assert_memory_equal(sim.data, flash_storage_image_1, sizeof flash_storage_image_1);
    flash_sim_free(&sim);
}

static void storage_of_version_1_is_read(void **state) {
    static const char *const values[] = {"second", "a key of the device", ""};
    flash_sim sim;
    sbs_flash_storage storage;
    size_t len = 0;
    (void)state;
    load(&sim, flash_storage_image_1);
    assert_int_equal(sbs_flash_storage_mount(&storage, &sim.flash), SBS_OK);
    sbs_storage port = sbs_flash_storage_port(&storage);
    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        uint8_t got[32];
        assert_int_equal(port.ops->get(port.ctx, names[i], got, sizeof got, &len), SBS_OK);
        assert_int_equal(len, strlen(values[i]));
        assert_memory_equal(got, values[i], len);
    }
    assert_int_equal(port.ops->get(port.ctx, "gone", NULL, 0, &len), SBS_ERR_NOT_FOUND);
    flash_sim_free(&sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_queue_is_written_as_version_1_wrote_it),
        cmocka_unit_test(a_queue_of_version_1_is_read),
        cmocka_unit_test(storage_is_written_as_version_1_wrote_it),
        cmocka_unit_test(storage_of_version_1_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
