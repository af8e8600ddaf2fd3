/* SPDX-License-Identifier: Apache-2.0 */
/* How much an operation of the queue on flash reads, whatever happened before: so many walks over what stands on the
 * flash, and no more. The histories are those in which an item stays for good while others pass. */
#include <string.h>

#include "flash_sim.h"
#include "sbs/flash_queue.h"
#include "test.h"

#define SECTOR 4096u
#define SECTORS 32u
#define UNIT 4u
#define WINDOW SBS_FLASH_QUEUE_WINDOW
#define LEARNT_IN_A_WALK 128u
#define REST 300u /* sector headers, the item itself, and what was written since the last look */
#define LOOK_EACH 64u

/* Most walks of one operation. Giving up a sector costs a walk for 128 of its items, and one before it. */
#define NEXT_WALKS 2u
#define READ_WALKS 1u
#define MARK_WALKS 2u
#define SETTLE_WALKS 1u
#define MOUNT_WALKS 6u
#define SECTOR_WALKS 4u

static flash_sim sim;
static sbs_flash_queue flash_queue;
static sbs_queue queue;
static sbs_flash_queue_policy policy;

/* ---- what one walk reads ----------------------------------------------------------------------------------------- */

typedef struct contents {
    uint64_t reads; /* of one walk */
    uint32_t items;
} contents;

static uint32_t since_look = LOOK_EACH;

static contents look(void) {
    static contents out;
    static uint32_t first;
    if (first == flash_queue.log.first && ++since_look < LOOK_EACH) {
        return out;
    }
    first = flash_queue.log.first;
    since_look = 0;
    out = (contents){0};
    sbs_flash_log_cursor cursor = {0};
    sbs_flash_log_record record;
    uint64_t before = sim.reads;
    sbs_status status;
    while ((status = sbs_flash_log_next(&flash_queue.log, &cursor, &record)) != SBS_ERR_NOT_FOUND) {
        if (status == SBS_OK && record.type != 2) {
            assert_int_equal(sbs_flash_log_check(&flash_queue.log, &record), SBS_OK);
        }
        out.items += status == SBS_OK && record.type == 2;
    }
    out.reads = sim.reads - before;
    sim.reads = before;
    return out;
}

static void assert_walks(const char *what, uint64_t before, const contents *seen, uint64_t most) {
    uint64_t reads = sim.reads > before ? sim.reads - before : 0;
    most += seen->items > WINDOW ? seen->items / LEARNT_IN_A_WALK : 0;
    if (reads > most * seen->reads + REST) {
        fail_msg("%s: %llu reads; a walk takes %llu, at most %llu are allowed", what, (unsigned long long)reads,
                 (unsigned long long)seen->reads, (unsigned long long)most);
    }
}

/* ---- operations, each within its bound --------------------------------------------------------------------------- */

static void mount(void) {
    sbs_flash_queue_config config = {.policy = policy};
    flash_sim_boot(&sim);
    uint64_t before = sim.reads;
    assert_int_equal(sbs_flash_queue_mount(&flash_queue, &sim.flash, &config), SBS_OK);
    uint64_t after = sim.reads;
    queue = sbs_flash_queue_port(&flash_queue);
    since_look = LOOK_EACH;
    contents seen = look();
    /* finding the log takes what it holds, byte by byte, twice */
    uint64_t finding = 4u * SECTOR * 2u / UNIT + SECTORS * 8u;
    sim.reads = after;
    assert_walks("mount", before + finding, &seen, MOUNT_WALKS + seen.items / LEARNT_IN_A_WALK);
}

static uint64_t append(const void *data, size_t len) {
    sbs_queue_meta meta = {.utc_s = SBS_UTC_UNKNOWN, .boot_id = 1, .lane = 1};
    uint64_t id = 0;
    contents seen = look();
    uint32_t first = flash_queue.log.first;
    uint64_t before = sim.reads;
    assert_int_equal(queue.ops->append(queue.ctx, &meta, data, len, &id), SBS_OK);
    assert_walks("append", before, &seen, (uint64_t)SECTOR_WALKS * (flash_queue.log.first - first));
    return id;
}

static sbs_status next(uint64_t after, sbs_queue_item *out) {
    contents seen = look();
    uint64_t before = sim.reads;
    sbs_status status = queue.ops->next(queue.ctx, after, out);
    assert_walks("next", before, &seen, NEXT_WALKS);
    return status;
}

static void attempt(uint64_t id) {
    uint8_t byte = 0;
    size_t len = 0;
    contents seen = look();
    uint64_t before = sim.reads;
    assert_int_equal(queue.ops->read(queue.ctx, id, 0, &byte, 1, &len), SBS_OK);
    assert_walks("read", before, &seen, READ_WALKS);

    uint32_t first = flash_queue.log.first;
    before = sim.reads;
    assert_int_equal(queue.ops->mark_attempt(queue.ctx, id), SBS_OK);
    assert_walks("mark_attempt", before, &seen, MARK_WALKS + SECTOR_WALKS * (flash_queue.log.first - first));
}

static void deliver(uint64_t id) {
    attempt(id);
    contents seen = look();
    uint32_t first = flash_queue.log.first;
    uint64_t before = sim.reads;
    assert_int_equal(queue.ops->settle(queue.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
    assert_walks("settle", before, &seen, SETTLE_WALKS + SECTOR_WALKS * (flash_queue.log.first - first));
}

static void set_up(sbs_flash_queue_policy which) {
    policy = which;
    flash_sim_init(&sim, SECTOR, SECTORS, UNIT, 1);
    mount();
}

static const uint8_t measurement[41] = {7};

/* Others come and are delivered behind one that stays. */
static void pass(uint64_t stays, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        sbs_queue_item item;
        uint64_t id = append(measurement, sizeof measurement);
        assert_int_equal(next(0, &item), SBS_OK);
        assert_int_equal(item.id, stays);
        assert_int_equal(next(stays, &item), SBS_OK);
        assert_int_equal(item.id, id);
        deliver(id);
        if (i % 16u == 0) {
            assert_int_equal(next(stays, &item), SBS_ERR_NOT_FOUND);
        }
    }
}

static uint32_t waiting(void) {
    sbs_queue_counters counters;
    queue.ops->counters(queue.ctx, &counters);
    return counters.waiting;
}

/* ---- histories --------------------------------------------------------------------------------------------------- */

static void one_that_is_held_for_good(void **state) {
    (void)state;
    sbs_queue_item item;
    set_up(SBS_FLASH_QUEUE_REFUSE);
    uint64_t held = append(measurement, sizeof measurement);
    pass(held, WINDOW + WINDOW / 4u);
    mount();
    pass(held, 20);
    assert_int_equal(waiting(), 1);
    assert_int_equal(next(0, &item), SBS_OK);
    assert_int_equal(item.attempts, 0);
    deliver(held);
    mount();
    assert_int_equal(waiting(), 0);
    flash_sim_free(&sim);
}

static void one_that_was_sent_and_is_never_answered(void **state) {
    (void)state;
    sbs_queue_item item;
    set_up(SBS_FLASH_QUEUE_DROP_OLDEST);
    uint64_t held = append(measurement, sizeof measurement);
    for (uint32_t i = 1; i <= 270; i++) {
        attempt(held);
        pass(held, 3);
        assert_int_equal(next(0, &item), SBS_OK);
        assert_int_equal(item.attempts, i < SBS_FLASH_QUEUE_ATTEMPTS_MAX ? i : SBS_FLASH_QUEUE_ATTEMPTS_MAX);
    }
    mount();
    deliver(held);
    assert_int_equal(waiting(), 0);
    flash_sim_free(&sim);
}

/* Years: millions of ids lie between the one that stays and the newest. */
static void millions_passed(void **state) {
    (void)state;
    set_up(SBS_FLASH_QUEUE_REFUSE);
    uint64_t held = append(measurement, sizeof measurement);
    pass(held, 3);
    flash_queue.last_id += 12000000u;
    flash_queue.delivered += 12000000u;
    pass(held, 200);
    mount();
    assert_int_equal(waiting(), 1);
    pass(held, 3);
    deliver(held);
    assert_int_equal(waiting(), 0);
    assert_int_equal(append(measurement, sizeof measurement), 12000000u + 208u);
    mount();
    assert_int_equal(waiting(), 1);
    flash_sim_free(&sim);
}

/* Each second one stays, until nothing follows by id; then they go, in their order. */
static void many_stay_and_go_at_last(void **state) {
    (void)state;
    enum { STAY = 900 };
    static uint64_t stays[STAY];
    sbs_queue_item item;
    set_up(SBS_FLASH_QUEUE_REFUSE);
    for (uint32_t i = 0; i < STAY; i++) {
        stays[i] = append(measurement, sizeof measurement);
        if (i % 3u == 0) {
            attempt(stays[i]);
        }
        deliver(append(measurement, sizeof measurement));
    }
    mount();
    assert_int_equal(waiting(), STAY);
    for (uint32_t i = 0; i < 300; i++) {
        deliver(append(measurement, sizeof measurement));
    }
    mount();
    for (uint32_t i = 0; i < STAY; i++) {
        assert_int_equal(next(i > 0 ? stays[i - 1u] : 0, &item), SBS_OK);
        assert_int_equal(item.id, stays[i]);
        assert_int_equal(item.attempts, i % 3u == 0);
        deliver(stays[i]);
        if (i % 100u == 0) {
            mount();
        }
    }
    mount();
    assert_int_equal(waiting(), 0);
    assert_int_equal(next(0, &item), SBS_ERR_NOT_FOUND);
    flash_sim_free(&sim);
}

/* Small ones, of which more fit on the flash than there are bits. */
static void small_ones_behind_one_that_stays(void **state) {
    (void)state;
    sbs_queue_item item;
    set_up(SBS_FLASH_QUEUE_REFUSE);
    uint64_t held = append("", 0);
    for (uint32_t i = 0; i < 2u * WINDOW; i++) {
        uint64_t id = append("", 0);
        assert_int_equal(queue.ops->settle(queue.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
    }
    assert_int_equal(next(0, &item), SBS_OK);
    assert_int_equal(item.id, held);
    assert_int_equal(next(held, &item), SBS_ERR_NOT_FOUND);
    mount();
    assert_int_equal(waiting(), 1);
    deliver(held);
    enum { MANY = WINDOW + WINDOW / 2u };
    uint64_t last = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        last = append("", 0);
    }
    mount();
    assert_int_equal(waiting(), MANY);
    item.id = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        assert_int_equal(next(item.id, &item), SBS_OK);
    }
    assert_int_equal(item.id, last);
    flash_sim_free(&sim);
}

/* ---- logs that this version does not write ----------------------------------------------------------------------- */

static uint64_t forged_id;

static void forged_state(void *ctx, uint8_t out[SBS_FLASH_LOG_STATE_SIZE]) {
    (void)ctx;
    memset(out, 0, SBS_FLASH_LOG_STATE_SIZE);
    memcpy(out, &forged_id, 6); /* little-endian, as all hosts of this test are */
}

static void forge(sbs_flash_log *log, uint8_t type, uint64_t id) {
    static const uint8_t meta[2 + 4] = {0};
    sbs_flash_log_part part = {meta, sizeof meta};
    sbs_flash_log_record record = {.type = type, .key = (uint32_t)id & SBS_FLASH_LOG_KEY_MAX};
    assert_int_equal(sbs_flash_log_append(log, &record, &part, type == 2 ? 1u : 0u), SBS_OK);
}

static void set_up_forged(sbs_flash_log *log) {
    sbs_flash_log_owner owner = {
        .content = SBS_FLASH_QUEUE_CONTENT, .version = SBS_FLASH_QUEUE_VERSION, .state = forged_state};
    policy = SBS_FLASH_QUEUE_REFUSE;
    forged_id = 0;
    flash_sim_init(&sim, SECTOR, SECTORS, UNIT, 1);
    assert_int_equal(sbs_flash_log_mount(log, &sim.flash, &owner), SBS_OK);
}

/* More small items than there are bits, of an earlier version. */
static void more_items_than_there_are_bits(void **state) {
    (void)state;
    enum { ITEMS = 2 * WINDOW + 100 };
    static sbs_flash_log log;
    sbs_queue_item item = {0};
    set_up_forged(&log);
    for (forged_id = 1; forged_id <= ITEMS; forged_id++) {
        forge(&log, 2, forged_id);
    }
    mount();
    assert_int_equal(waiting(), ITEMS);
    for (uint64_t id = 1; id <= ITEMS; id++) {
        contents seen = look();
        uint64_t before = sim.reads;
        assert_int_equal(queue.ops->next(queue.ctx, id > 1 ? id - 2u : 0, &item), SBS_OK);
        assert_walks("next", before, &seen, NEXT_WALKS);
        assert_int_equal(item.id, id == 1 ? 1 : id - 1u); /* the one before stays until now */
        if (id > 1) {
            assert_int_equal(queue.ops->settle(queue.ctx, id - 1u, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
        }
    }
    assert_int_equal(waiting(), 1);
    mount();
    assert_int_equal(next(0, &item), SBS_OK);
    assert_int_equal(item.id, ITEMS);
    flash_sim_free(&sim);
}

/* Ids as far apart as can be, in no order, and all settled but one: nothing can be learnt of two of them at once. */
static void ids_without_any_order(void **state) {
    (void)state;
    enum { ITEMS = 1500 };
    static sbs_flash_log log;
    sbs_queue_item item = {0};
    set_up_forged(&log);
    forged_id = 8000000;
    for (uint64_t i = 0; i < ITEMS; i++) {
        forge(&log, 2, 1u + i * 4999u % 7999993u);
    }
    for (uint64_t i = 0; i < ITEMS; i++) {
        if (i != 777) {
            forge(&log, 4, 1u + i * 4999u % 7999993u);
        }
    }
    forge(&log, 2, forged_id);
    mount();
    assert_true(flash_queue.lost > 0); /* the counters do not say where the others are */
    flash_queue.lost = 0;
    assert_int_equal(next(0, &item), SBS_OK);
    assert_int_equal(item.id, 1u + 777u * 4999u % 7999993u);
    deliver(item.id);
    assert_int_equal(next(0, &item), SBS_OK);
    assert_int_equal(item.id, forged_id);
    flash_sim_free(&sim);
}

/* ---- damage while it runs ---------------------------------------------------------------------------------------- */

/* A header that cannot be read any more would shift what is known of all behind it. */
static void a_record_that_goes_while_it_runs(void **state) {
    (void)state;
    sbs_queue_item item = {0};
    uint64_t id = 0;
    set_up(SBS_FLASH_QUEUE_REFUSE);
    for (uint32_t i = 0; i < 40; i++) {
        id = append(measurement, sizeof measurement);
        if (id % 2u == 0) {
            deliver(id);
        }
    }
    assert_int_equal(next(0, &item), SBS_OK);
    sbs_flash_log_cursor cursor = {0};
    sbs_flash_log_record record;
    do {
        assert_int_equal(sbs_flash_log_next(&flash_queue.log, &cursor, &record), SBS_OK);
    } while (record.type != 2 || record.key != 11);
    uint8_t *header = sim.data + record.sector % SECTORS * SECTOR + record.offset;
    for (unsigned i = 0; i < 7; i++) {
        header[i] ^= 0x5A;
    }

    uint64_t told = 0, after = 0;
    uint32_t seen = 0, failed = 0;
    sbs_status status;
    while ((status = queue.ops->next(queue.ctx, after, &item)) != SBS_ERR_NOT_FOUND) {
        if (status == SBS_ERR_DAMAGED) {
            told = item.id;
        } else if (status == SBS_ERR_STORAGE) {
            assert_true(++failed < 3); /* all is read anew */
        } else {
            assert_int_equal(status, SBS_OK);
            assert_int_equal(item.id % 2u, 1);
            after = item.id;
            seen++;
        }
    }
    assert_int_equal(seen, 19);
    assert_int_equal(told, 11);
    flash_sim_free(&sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_is_held_for_good),
        cmocka_unit_test(one_that_was_sent_and_is_never_answered),
        cmocka_unit_test(millions_passed),
        cmocka_unit_test(many_stay_and_go_at_last),
        cmocka_unit_test(small_ones_behind_one_that_stays),
        cmocka_unit_test(more_items_than_there_are_bits),
        cmocka_unit_test(ids_without_any_order),
        cmocka_unit_test(a_record_that_goes_while_it_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
