/* SPDX-License-Identifier: Apache-2.0 */
/* A full queue on flash that drops its oldest: which go, what that costs, and power lost on the way. */
#include <string.h>

#include "flash_sim.h"
#include "sbs/flash_queue.h"
#include "test.h"

#define PAYLOAD 96u

static flash_sim sim;
static sbs_flash_queue flash_queue;
static sbs_queue queue;

static void mount(void) {
    sbs_flash_queue_config config = {.policy = SBS_FLASH_QUEUE_DROP_OLDEST};
    flash_sim_boot(&sim);
    assert_int_equal(sbs_flash_queue_mount(&flash_queue, &sim.flash, &config), SBS_OK);
    queue = sbs_flash_queue_port(&flash_queue);
}

static void set_up(uint32_t sector_size, uint32_t sectors) {
    flash_sim_init(&sim, sector_size, sectors, 4, 1);
    mount();
}

static uint64_t append(void) {
    static const uint8_t payload[PAYLOAD] = {7};
    sbs_queue_meta meta = {.utc_s = 1767225600, .boot_id = 300, .lane = 1, .zone_minutes = 120, .format = 1};
    uint64_t id = 0;
    assert_int_equal(queue.ops->append(queue.ctx, &meta, payload, sizeof payload, &id), SBS_OK);
    return id;
}

static void deliver(uint64_t id) {
    assert_int_equal(queue.ops->mark_attempt(queue.ctx, id), SBS_OK);
    assert_int_equal(queue.ops->settle(queue.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
}

static sbs_queue_counters counters_now(void) {
    sbs_queue_counters counters;
    queue.ops->counters(queue.ctx, &counters);
    return counters;
}

/* All that wait are those accepted last, one after the other. */
static void assert_the_newest_wait(uint64_t last) {
    sbs_queue_item item = {0};
    sbs_queue_counters counters = counters_now();
    uint64_t expected = counters.dropped;
    assert_int_equal(counters.waiting + counters.dropped, last);
    while (queue.ops->next(queue.ctx, item.id, &item) == SBS_OK) {
        assert_int_equal(item.id, ++expected);
    }
    assert_int_equal(expected, last);
}

static void the_oldest_go(void **state) {
    (void)state;
    uint64_t previous = 0;
    set_up(1024, 6);
    for (uint32_t i = 1; i <= 500; i++) {
        assert_int_equal(append(), i);
        if (i % 61u == 0) {
            mount();
        }
        sbs_queue_counters counters = counters_now();
        assert_true(counters.dropped >= previous);
        previous = counters.dropped;
        assert_the_newest_wait(i);
    }
    assert_true(previous > 400);
    mount();
    assert_int_equal(counters_now().dropped, previous);
    flash_sim_free(&sim);
}

/* A sector that is given up is erased, and nothing is copied; an append looks a few times through what there is. */
static void it_wears_no_more_than_the_appends_do(void **state) {
    (void)state;
    enum { SECTORS = 32, ITEMS = 4000 };
    uint64_t most_reads = 0, erased = 0;
    uint32_t waiting = 0;
    set_up(4096, SECTORS);
    for (uint32_t i = 1; i <= ITEMS; i++) {
        uint64_t before = sim.reads;
        (void)append();
        most_reads = sim.reads - before > most_reads ? sim.reads - before : most_reads;
        waiting = counters_now().waiting > waiting ? counters_now().waiting : waiting;
    }
    for (uint32_t i = 0; i < SECTORS; i++) {
        erased += sim.erased[i];
        assert_in_range(sim.erased[i], sim.erased[0] - 1u, sim.erased[0] + 1u);
    }
    const uint32_t in_sector = waiting / (SECTORS - 1u);
    assert_true(counters_now().dropped > ITEMS / 2u);
    assert_in_range(erased, ITEMS / (in_sector + 2u), ITEMS / in_sector + SECTORS);
    assert_in_range(most_reads, waiting, waiting * 10u);
    flash_sim_free(&sim);
}

/* What waits for long goes on while its sectors are used again, as long as there is room. */
static void nothing_is_dropped_where_room_can_be_made(void **state) {
    (void)state;
    enum { STUCK = 5 };
    set_up(1024, 6);
    for (uint32_t i = 0; i < STUCK; i++) {
        (void)append();
    }
    for (uint32_t i = 0; i < 1000; i++) {
        deliver(append());
    }
    sbs_queue_counters counters = counters_now();
    assert_int_equal(counters.dropped, 0);
    assert_int_equal(counters.waiting, STUCK);
    assert_int_equal(counters.delivered, 1000);
    flash_sim_free(&sim);
}

static bool append_until(uint64_t operation, flash_sim_tear tear) {
    if (setjmp(sim.power_cut) != 0) {
        return false;
    }
    flash_sim_cut_after(&sim, operation, tear, UINT32_MAX);
    (void)append();
    return true;
}

/* The old state or the new one: after a cut a sector's items are all there, or all counted as dropped. */
static void power_is_lost_while_a_sector_is_given_up(void **state) {
    (void)state;
    static flash_sim full;
    set_up(1024, 6);
    flash_sim_init(&full, 1024, 6, 4, 1);
    uint64_t last = 0;
    while (counters_now().dropped == 0) {
        flash_sim_copy(&full, &sim);
        last = append();
    }
    last--;
    unsigned cuts = 0;
    for (unsigned tear = 0; tear < FLASH_SIM_TEARS; tear++) {
        bool done = false;
        for (uint64_t operation = 1; !done; operation++, cuts++) {
            flash_sim_copy(&sim, &full);
            mount();
            done = append_until(operation, (flash_sim_tear)tear);
            mount();
            uint64_t accepted = counters_now().waiting + counters_now().dropped;
            assert_in_range(accepted, done ? last + 1u : last, last + 1u);
            assert_the_newest_wait(accepted);
            for (unsigned i = 0; i < 40; i++) {
                assert_int_equal(append(), ++accepted);
            }
            assert_the_newest_wait(accepted);
        }
    }
    assert_true(cuts > 4u * FLASH_SIM_TEARS);
    flash_sim_free(&full);
    flash_sim_free(&sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go),
        cmocka_unit_test(it_wears_no_more_than_the_appends_do),
        cmocka_unit_test(nothing_is_dropped_where_room_can_be_made),
        cmocka_unit_test(power_is_lost_while_a_sector_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
