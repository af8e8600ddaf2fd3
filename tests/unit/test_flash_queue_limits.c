/* SPDX-License-Identifier: Apache-2.0 */
/* What the queue on flash holds and for how long; damage, a full queue, and values at their limits. */
#include <stdio.h>
#include <string.h>

#include "flash_sim.h"
#include "sbs/count.h"
#include "sbs/flash_queue.h"
#include "sbs/identity.h"
#include "test.h"

#define ITEMS 10000u
#define PAYLOAD 96u /* a vital sign with identifier, subject, device, code and value */

typedef struct rig {
    flash_sim sim;
    sbs_flash_queue flash_queue;
    sbs_queue queue;
    sbs_flash_queue_policy policy;
} rig;

static void mount(rig *r) {
    sbs_flash_queue_config config = {.policy = r->policy};
    flash_sim_boot(&r->sim);
    assert_int_equal(sbs_flash_queue_mount(&r->flash_queue, &r->sim.flash, &config), SBS_OK);
    r->queue = sbs_flash_queue_port(&r->flash_queue);
}

static void set_up(rig *r, uint32_t sector_size, uint32_t sectors, uint32_t unit, sbs_flash_queue_policy policy) {
    memset(r, 0, sizeof *r);
    flash_sim_init(&r->sim, sector_size, sectors, unit, 1);
    r->policy = policy;
    mount(r);
}

/* A device that has run for two weeks and knows its clock. */
static sbs_queue_meta typical(uint64_t n) {
    return (sbs_queue_meta){.uptime_ms = UINT64_C(1209600000) + n * 1000u,
                            .utc_s = INT64_C(1767225600) + (int64_t)n,
                            .boot_id = 300,
                            .lane = 1,
                            .zone_minutes = 120,
                            .format = 1};
}

static sbs_status append(rig *r, uint64_t n, size_t len, uint64_t *out_id) {
    uint8_t payload[512];
    memset(payload, (int)(n & 0xFFu), sizeof payload);
    memcpy(payload, &n, sizeof n);
    sbs_queue_meta meta = typical(n);
    return r->queue.ops->append(r->queue.ctx, &meta, payload, len, out_id);
}

static sbs_queue_counters counters_of(rig *r) {
    sbs_queue_counters counters;
    r->queue.ops->counters(r->queue.ctx, &counters);
    return counters;
}

static void deliver(rig *r, uint64_t id) {
    assert_int_equal(r->queue.ops->mark_attempt(r->queue.ctx, id), SBS_OK);
    assert_int_equal(r->queue.ops->settle(r->queue.ctx, id, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_OK);
}

static uint32_t drain(rig *r) {
    uint32_t count = 0;
    uint64_t after = 0;
    sbs_queue_item item;
    while (r->queue.ops->next(r->queue.ctx, after, &item) == SBS_OK) {
        deliver(r, item.id);
        after = item.id;
        count++;
    }
    return count;
}

static uint32_t fill(rig *r, size_t len) {
    uint64_t id = 0;
    uint32_t count = 0;
    sbs_status status;
    while ((status = append(r, count, len, &id)) == SBS_OK) {
        count++;
    }
    assert_int_equal(status, SBS_ERR_BUFFER);
    return count;
}

static void report_wear(rig *r, const char *what) {
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < r->sim.flash.sector_count; i++) {
        uint32_t told = flash_sim_header_erased(&r->sim, i);
        assert_int_equal(told, r->sim.erased[i]);
        least = told < least ? told : least;
        most = told > most ? told : most;
    }
    print_message("flash queue: %s: each sector erased %u to %u times\n", what, (unsigned)least, (unsigned)most);
    assert_true(most - least <= 1);
}

/* What a meter keeps of a vital sign: identifier by the PHD guide, subject, device, value. Time, zone, lane and format
 * (code and unit) are in the meta. */
static void a_typical_item_has_the_size_that_is_assumed(void **state) {
    (void)state;
    static const char subject[] = "Patient/3f1c7d2e", device[] = "Device/00A0F4FFFE123456";
    char text[160];
    size_t len = 0;
    sbs_writer out;
    sbs_phd_measurement measurement = {.device = UINT64_C(0x00A0F4FFFE123456),
                                       .patient = {subject + 8, sizeof subject - 9},
                                       .type = 150364,
                                       .time = {820454400, 0},
                                       .has_offset = true,
                                       .offset = 8};
    sbs_writer_init(&out, text, sizeof text);
    sbs_identity_put_phd(&out, &measurement);
    sbs_put_char(&out, '\0');
    sbs_put_string(&out, subject);
    sbs_put_char(&out, '\0');
    sbs_put_string(&out, device);
    sbs_put_char(&out, '\0');
    sbs_put_string(&out, "36.65");
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    print_message("flash queue: a typical item has %u bytes, %u are reckoned with\n", (unsigned)len, PAYLOAD);
    assert_true(len <= PAYLOAD && len >= PAYLOAD - 10u);
}

/* 256 KB: 2000 typical items, with a sector free; all of them are delivered in order across a restart. */
static void a_quarter_of_a_megabyte_holds_two_thousand_items(void **state) {
    (void)state;
    static const uint32_t units[] = {1, 2, 4, 8, 16, 32};
    for (size_t u = 0; u < SBS_COUNT_OF(units); u++) {
        static rig r;
        char what[64];
        set_up(&r, 4096, 64, units[u], SBS_FLASH_QUEUE_REFUSE);
        uint32_t held = fill(&r, PAYLOAD);
        assert_true(sbs_flash_log_free(&r.flash_queue.log) >= 1);
        print_message("flash queue: 256 KB, program unit %u: %u items of %u bytes, %u on the flash each\n",
                      (unsigned)units[u], (unsigned)held, PAYLOAD, (unsigned)(r.flash_queue.used / held));
        if (units[u] <= 4) {
            assert_true(held >= 2000);
        }
        mount(&r);
        assert_int_equal(counters_of(&r).waiting, held);
        if (units[u] != 4) {
            flash_sim_free(&r.sim);
            continue;
        }
        assert_int_equal(drain(&r), held);
        mount(&r);
        assert_int_equal(counters_of(&r).delivered, held);
        uint32_t again = fill(&r, PAYLOAD);
        assert_true(again >= 2000);
        assert_int_equal(drain(&r), again);
        (void)snprintf(what, sizeof what, "unit %u, filled and drained twice", (unsigned)units[u]);
        report_wear(&r, what);
        flash_sim_free(&r.sim);
    }
}

/* A full queue is drained in the worst order, with restarts, and takes one item for each that leaves. */
static void a_full_queue_keeps_moving(void **state) {
    (void)state;
    static rig r;
    set_up(&r, 1024, 16, 4, SBS_FLASH_QUEUE_REFUSE);
    uint32_t held = fill(&r, PAYLOAD);
    uint64_t id = 0;
    for (uint32_t round = 0; round < 200; round++) {
        sbs_queue_item item;
        uint64_t after = round % 2u ? 0 : counters_of(&r).accepted - held / 2u;
        assert_int_equal(r.queue.ops->next(r.queue.ctx, after, &item), SBS_OK);
        deliver(&r, item.id);
        if (round % 7u == 0) {
            mount(&r);
        }
        sbs_status status = append(&r, round, PAYLOAD, &id);
        assert_true(status == SBS_OK || status == SBS_ERR_BUFFER);
    }
    assert_true(counters_of(&r).waiting + 20u >= held);
    sbs_queue_counters counters = counters_of(&r);
    assert_int_equal(drain(&r), counters.waiting);
    flash_sim_free(&r.sim);
}

/* One attempt after the other on a full queue: there is always room for another mark. */
static void there_is_always_room_for_another_attempt(void **state) {
    (void)state;
    static rig r;
    set_up(&r, 512, 4, 4, SBS_FLASH_QUEUE_REFUSE);
    uint32_t held = fill(&r, 40);
    for (unsigned i = 1; i <= 400; i++) {
        sbs_queue_item item;
        assert_int_equal(r.queue.ops->mark_attempt(r.queue.ctx, 2), SBS_OK);
        assert_int_equal(r.queue.ops->next(r.queue.ctx, 1, &item), SBS_OK);
        assert_int_equal(item.attempts, i < SBS_FLASH_QUEUE_ATTEMPTS_MAX ? i : SBS_FLASH_QUEUE_ATTEMPTS_MAX);
    }
    mount(&r);
    assert_int_equal(counters_of(&r).waiting, held);
    flash_sim_free(&r.sim);
}

static void thousands_are_stored_and_forwarded(void **state) {
    (void)state;
    static rig r;
    uint64_t id = 0, last = 0;
    set_up(&r, 4096, 16, 4, SBS_FLASH_QUEUE_REFUSE);
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_int_equal(append(&r, i, PAYLOAD, &id), SBS_OK);
        assert_true(id > last);
        last = id;
        if (i % 50u == 49u) {
            assert_int_equal(drain(&r), 50);
        }
        if (i % 5000u == 4999u) {
            mount(&r);
        }
    }
    sbs_queue_counters counters = counters_of(&r);
    assert_int_equal(counters.accepted, ITEMS);
    assert_int_equal(counters.delivered, ITEMS);
    assert_int_equal(counters.waiting, 0);
    report_wear(&r, "64 KB, unit 4, 10000 items stored and forwarded");
    flash_sim_free(&r.sim);
}

/* Ids go on after everything was settled, also when nothing of it is left on the flash. */
static void ids_are_not_used_again(void **state) {
    (void)state;
    static rig r;
    uint64_t id = 0, last = 0;
    set_up(&r, 512, 3, 8, SBS_FLASH_QUEUE_REFUSE);
    for (uint32_t i = 0; i < 300; i++) {
        mount(&r);
        assert_int_equal(append(&r, i, 50, &id), SBS_OK);
        assert_int_equal(id, last + 1u);
        last = id;
        deliver(&r, id);
    }
    flash_sim_free(&r.sim);
}

/* An item that stays while thousands pass: it goes round with the ring, and states behind the window are looked up. */
static void one_item_stays_while_thousands_pass(void **state) {
    (void)state;
    static rig r;
    sbs_queue_item item;
    uint64_t id = 0;
    set_up(&r, 1024, 8, 4, SBS_FLASH_QUEUE_REFUSE);
    assert_int_equal(append(&r, 0, PAYLOAD, &id), SBS_OK);
    assert_int_equal(r.queue.ops->mark_attempt(r.queue.ctx, id), SBS_OK);
    for (uint32_t i = 1; i < 3 * SBS_FLASH_QUEUE_WINDOW; i++) {
        assert_int_equal(append(&r, i, 30, &id), SBS_OK);
        if (i % 8u == 0) {
            assert_int_equal(r.queue.ops->next(r.queue.ctx, 1, &item), SBS_OK);
            assert_int_equal(item.id, id - 7u);
            for (uint64_t n = id - 7u; n <= id; n++) {
                deliver(&r, n);
                assert_int_equal(r.queue.ops->settle(r.queue.ctx, n, SBS_QUEUE_DELIVERED, NULL, NULL),
                                 SBS_ERR_NOT_FOUND);
            }
        }
        if (i % 1000u == 0) {
            mount(&r);
            assert_int_equal(counters_of(&r).waiting, 1);
        }
    }
    assert_int_equal(r.queue.ops->next(r.queue.ctx, 0, &item), SBS_OK);
    assert_int_equal(item.id, 1);
    assert_int_equal(item.attempts, 1);
    deliver(&r, 1);
    mount(&r);
    assert_int_equal(drain(&r), 7);
    flash_sim_free(&r.sim);
}

static void all_meta_comes_back(void **state) {
    (void)state;
    static const sbs_queue_meta metas[] = {
        {0, SBS_UTC_UNKNOWN, 0, 0, INT16_MIN, 0},
        {UINT64_MAX, INT64_MAX, UINT32_MAX, UINT32_MAX, INT16_MAX, UINT16_MAX},
        {0xFFFFFF, -1, 255, 3, -840, 3},
        {0x1000000, 0, 256, 4, 840, 4},
        {0xFFFFFFFF, INT64_C(0xFFFFFFFF), 65535, 255, 345, 255},
        {UINT64_C(0x100000000), INT64_C(0x100000000), 65536, 256, 346, 256},
        {UINT64_C(0x10000000000), INT64_C(0x10000000000), 0xFFFFFF, 65535, -1, 65535},
        {1, INT64_MIN + 1, 0x1000000, 65536, -32767, 1},
    };
    static rig r;
    set_up(&r, 512, 8, 1, SBS_FLASH_QUEUE_REFUSE);
    for (size_t i = 0; i < SBS_COUNT_OF(metas); i++) {
        uint64_t id = 0;
        sbs_queue_item item;
        assert_int_equal(r.queue.ops->append(r.queue.ctx, &metas[i], "x", i % 2u, &id), SBS_OK);
        assert_int_equal(r.queue.ops->next(r.queue.ctx, id - 1u, &item), SBS_OK);
        assert_int_equal(item.len, i % 2u);
        assert_true(item.meta.uptime_ms == metas[i].uptime_ms);
        assert_true(item.meta.utc_s == metas[i].utc_s);
        assert_int_equal(item.meta.boot_id, metas[i].boot_id);
        assert_int_equal(item.meta.lane, metas[i].lane);
        assert_int_equal(item.meta.zone_minutes, metas[i].zone_minutes);
        assert_int_equal(item.meta.format, metas[i].format);
    }
    flash_sim_free(&r.sim);
}

static void sizes_and_arguments_have_limits(void **state) {
    (void)state;
    static rig r;
    uint8_t got[512];
    char reason[SBS_QUEUE_REASON_SIZE + 1u];
    size_t len = 0;
    uint64_t id = 0;
    set_up(&r, 512, 4, 4, SBS_FLASH_QUEUE_REFUSE);
    size_t most = sbs_flash_queue_max(&r.flash_queue);
    assert_int_equal(append(&r, 1, most, &id), SBS_OK);
    assert_int_equal(append(&r, 2, 500, &id), SBS_ERR_TOO_LARGE);
    assert_int_equal(r.queue.ops->read(r.queue.ctx, 1, most - 2u, got, sizeof got, &len), SBS_OK);
    assert_int_equal(len, 2);
    assert_int_equal(r.queue.ops->read(r.queue.ctx, 1, most, got, sizeof got, &len), SBS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(r.queue.ops->read(r.queue.ctx, 2, 0, got, sizeof got, &len), SBS_ERR_NOT_FOUND);
    assert_int_equal(r.queue.ops->settle(r.queue.ctx, 2, SBS_QUEUE_DEAD, NULL, NULL), SBS_ERR_NOT_FOUND);
    assert_int_equal(r.queue.ops->mark_attempt(r.queue.ctx, 0), SBS_ERR_NOT_FOUND);
    memset(reason, 'r', sizeof reason);
    reason[SBS_QUEUE_REASON_SIZE] = '\0';
    assert_int_equal(r.queue.ops->settle(r.queue.ctx, 1, SBS_QUEUE_DEAD, reason, NULL), SBS_ERR_ARGUMENT);
    reason[SBS_QUEUE_REASON_SIZE - 1u] = '\0';
    assert_int_equal(r.queue.ops->settle(r.queue.ctx, 1, SBS_QUEUE_DEAD, reason, NULL), SBS_OK);
    mount(&r);
    assert_int_equal(counters_of(&r).dead, 1);
    flash_sim_free(&r.sim);
}

/* The text of the newest mark on the flash. */
static void read_last_mark(rig *r, char text[SBS_QUEUE_REASON_SIZE]) {
    sbs_flash_log_cursor cursor = {0};
    sbs_flash_log_record record, last = {0};
    while (sbs_flash_log_next(&r->flash_queue.log, &cursor, &record) == SBS_OK) {
        last = record;
    }
    assert_int_equal(last.type, 4);
    assert_true(last.len < SBS_QUEUE_REASON_SIZE);
    memset(text, 0, SBS_QUEUE_REASON_SIZE);
    assert_int_equal(sbs_flash_log_read(&r->flash_queue.log, &last, 0, text, last.len), SBS_OK);
}

/* Reason and words as one text, the words cut to the room there is and never inside a character. */
static void words_stand_behind_the_reason(void **state) {
    (void)state;
    static rig r;
    static const struct {
        const char *reason, *words, *kept;
    } cases[] = {
        {"refused", "no such patient", "refused: no such patient"},
        {"refused", NULL, "refused"},
        {"refused", "", "refused"},
        {NULL, "no such patient", "no such patient"},
        {"", "no such patient", "no such patient"},
        {NULL, NULL, ""},
        {"the server refused it, and what it said is longer than the room", "for it",
         "the server refused it, and what it said is longer than the room"},
        {"the server refused it", "a sentence that goes on for longer than there is",
         "the server refused it: a sentence that goes on for longer than "},
        {"the server refused it", "a sentence that goes on for longer tha\xC3\xA9n",
         "the server refused it: a sentence that goes on for longer tha\xC3\xA9"},
        {"the server refused it", "a sentence that goes on for longer than\xC3\xA9",
         "the server refused it: a sentence that goes on for longer than"},
        {"the server refused it", "a sentence that goes on for longer th\xF0\x9F\x98\x80",
         "the server refused it: a sentence that goes on for longer th"},
    };
    set_up(&r, 1024, 8, 4, SBS_FLASH_QUEUE_REFUSE);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        char text[SBS_QUEUE_REASON_SIZE];
        uint64_t id = 0;
        assert_int_equal(append(&r, i, 20, &id), SBS_OK);
        assert_int_equal(r.queue.ops->settle(r.queue.ctx, id, SBS_QUEUE_DEAD, cases[i].reason, cases[i].words), SBS_OK);
        read_last_mark(&r, text);
        assert_string_equal(text, cases[i].kept);
    }
    flash_sim_free(&r.sim);
}

/* Reads everything; returns how many items were reported damaged. */
static uint32_t read_all(rig *r, bool seen[16]) {
    sbs_queue_item item;
    uint64_t after = 0;
    uint32_t damaged = 0;
    sbs_status status;
    while ((status = r->queue.ops->next(r->queue.ctx, after, &item)) != SBS_ERR_NOT_FOUND) {
        uint64_t stored = 0;
        size_t len = 0;
        if (status == SBS_ERR_DAMAGED) {
            damaged++;
            continue;
        }
        assert_int_equal(status, SBS_OK);
        assert_int_equal(r->queue.ops->read(r->queue.ctx, item.id, 0, &stored, sizeof stored, &len), SBS_OK);
        assert_true(stored == item.id);
        seen[item.id] = true;
        after = item.id;
    }
    return damaged;
}

/* Each bit of a queue with waiting and settled items, flipped: nothing is lost without being reported, no bytes are
 * wrong, nothing settled comes back. */
static void each_bit_may_flip(void **state) {
    (void)state;
    static rig r, copy;
    uint64_t id = 0;
    uint32_t reported = 0;
    set_up(&r, 512, 5, 2, SBS_FLASH_QUEUE_REFUSE);
    set_up(&copy, 512, 5, 2, SBS_FLASH_QUEUE_REFUSE);
    for (uint64_t n = 1; n <= 14; n++) {
        assert_int_equal(append(&r, n, 24, &id), SBS_OK);
    }
    for (uint64_t n = 2; n <= 12; n += 5) {
        deliver(&r, n);
    }
    for (uint32_t bit = 0; bit < r.sim.size * 8u; bit++) {
        bool seen[16] = {false};
        flash_sim_copy(&copy.sim, &r.sim);
        flash_sim_flip(&copy.sim, bit / 8u, bit % 8u);
        mount(&copy);
        uint32_t damaged = read_all(&copy, seen);
        uint32_t missing = 0;
        for (uint64_t n = 1; n <= 14; n++) {
            assert_false(seen[n] && n % 5u == 2u);
            missing += n % 5u != 2u && !seen[n];
        }
        assert_int_equal(damaged, missing);
        assert_true(missing <= 1);
        reported += damaged;
        assert_int_equal(counters_of(&copy).dead, damaged);
        assert_int_equal(counters_of(&copy).waiting, 11u - damaged);
        if (damaged > 0) { /* without, nothing was written: all would be as just now */
            mount(&copy);
            assert_int_equal(read_all(&copy, seen), 0); /* reported once */
        }
    }
    assert_true(reported > 0);
    print_message("flash queue: bits flipped one by one: %u items reported damaged, none wrong, none back\n",
                  (unsigned)reported);
    flash_sim_free(&r.sim);
    flash_sim_free(&copy.sim);
}

static void a_failing_device_is_told(void **state) {
    (void)state;
    static rig r;
    sbs_queue_item item;
    uint64_t id = 0;
    set_up(&r, 512, 4, 4, SBS_FLASH_QUEUE_REFUSE);
    assert_int_equal(append(&r, 1, 30, &id), SBS_OK);
    r.sim.failing = true;
    assert_int_equal(append(&r, 2, 30, &id), SBS_ERR_STORAGE);
    assert_int_equal(r.queue.ops->settle(r.queue.ctx, 1, SBS_QUEUE_DELIVERED, NULL, NULL), SBS_ERR_STORAGE);
    assert_int_equal(r.queue.ops->next(r.queue.ctx, 0, &item), SBS_ERR_STORAGE);
    r.sim.failing = false;
    assert_int_equal(r.queue.ops->next(r.queue.ctx, 0, &item), SBS_OK);
    assert_int_equal(append(&r, 2, 30, &id), SBS_OK);
    assert_int_equal(id, 2);
    assert_int_equal(drain(&r), 2);
    flash_sim_free(&r.sim);
}

/* For each size of item as many as its capacity says, to the last byte. */
static void a_queue_is_full_at_its_capacity(void **state) {
    (void)state;
    static rig r;
    unsigned exact = 0;
    for (size_t len = 8; len <= 200; len++) {
        uint64_t id = 0;
        set_up(&r, 512, 5, 1, SBS_FLASH_QUEUE_REFUSE);
        assert_int_equal(append(&r, 0, len, &id), SBS_OK);
        uint32_t extent = r.flash_queue.used;
        uint32_t usable = sbs_flash_log_usable(&r.flash_queue.log);
        uint32_t capacity = 4u * (usable / extent * extent) - usable / 4u;
        unsigned count = 1;
        while (append(&r, count, len, &id) == SBS_OK) {
            count++;
        }
        if (count != capacity / extent) {
            fail_msg("%zu bytes: %u items, not %u", len, count, (unsigned)(capacity / extent));
        }
        exact += capacity % extent == 0;
        flash_sim_free(&r.sim);
    }
    assert_true(exact > 0);
}

static int depth;

static void count_lock(void *ctx) {
    assert_int_equal(++*(int *)ctx, 1);
}

static void count_unlock(void *ctx) {
    assert_int_equal(--*(int *)ctx, 0);
}

static void each_operation_holds_the_lock(void **state) {
    (void)state;
    static rig r;
    uint64_t id = 0;
    sbs_flash_queue_config config = {.lock = count_lock, .unlock = count_unlock, .lock_ctx = &depth};
    set_up(&r, 512, 4, 4, SBS_FLASH_QUEUE_REFUSE);
    assert_int_equal(sbs_flash_queue_mount(&r.flash_queue, &r.sim.flash, &config), SBS_OK);
    assert_int_equal(append(&r, 1, 30, &id), SBS_OK);
    assert_int_equal(depth, 0);
    assert_int_equal(append(&r, 1, 500, &id), SBS_ERR_TOO_LARGE);
    assert_int_equal(depth, 0);

    /* Once for what is there, once for what is not. */
    for (uint64_t which = 1; which <= 2; which++) {
        sbs_status expected = which == 1 ? SBS_OK : SBS_ERR_NOT_FOUND;
        sbs_queue_item item;
        sbs_queue_counters counters;
        uint8_t bytes[30];
        size_t len;
        assert_int_equal(r.queue.ops->next(r.queue.ctx, which - 1, &item), expected);
        assert_int_equal(depth, 0);
        assert_int_equal(r.queue.ops->read(r.queue.ctx, which, 0, bytes, sizeof bytes, &len), expected);
        assert_int_equal(depth, 0);
        assert_int_equal(r.queue.ops->mark_attempt(r.queue.ctx, which), expected);
        assert_int_equal(depth, 0);
        r.queue.ops->counters(r.queue.ctx, &counters);
        assert_int_equal(depth, 0);
        assert_int_equal(r.queue.ops->settle(r.queue.ctx, which, SBS_QUEUE_DELIVERED, NULL, NULL), expected);
        assert_int_equal(depth, 0);
    }
    flash_sim_free(&r.sim);
}

/* A flash during whose work another task gets its turn. */
static rig meeting;
static unsigned refused, served;

static void another_task(void) {
    sbs_queue queue = meeting.queue;
    sbs_queue_meta meta = typical(9);
    sbs_queue_item item;
    uint8_t byte = 0;
    uint64_t id;
    size_t len;
    const sbs_status got[] = {queue.ops->append(queue.ctx, &meta, &byte, 1, &id), queue.ops->next(queue.ctx, 0, &item),
                              queue.ops->read(queue.ctx, 1, 0, &byte, 1, &len), queue.ops->mark_attempt(queue.ctx, 1),
                              queue.ops->settle(queue.ctx, 1, SBS_QUEUE_DELIVERED, NULL, NULL)};

    for (size_t i = 0; i < SBS_COUNT_OF(got); i++) {
        refused += got[i] == SBS_ERR_STATE;
        served += got[i] == SBS_OK;
    }
}

static sbs_status interrupted_read(void *ctx, uint32_t address, void *buffer, size_t len) {
    another_task();
    return meeting.sim.flash.ops->read(ctx, address, buffer, len);
}

static sbs_status interrupted_program(void *ctx, uint32_t address, const void *data, size_t len) {
    another_task();
    return meeting.sim.flash.ops->program(ctx, address, data, len);
}

static void tasks_that_meet_without_a_lock_are_told(void **state) {
    (void)state;
    uint64_t id = 0;
    set_up(&meeting, 512, 4, 4, SBS_FLASH_QUEUE_REFUSE);
    const sbs_flash_ops ops = {interrupted_read, interrupted_program, meeting.sim.flash.ops->erase};
    sbs_flash interrupted = meeting.sim.flash;
    interrupted.ops = &ops;
    meeting.flash_queue.log.flash = &interrupted;

    assert_int_equal(append(&meeting, 1, 30, &id), SBS_OK);
    assert_int_equal(meeting.queue.ops->mark_attempt(meeting.queue.ctx, 1), SBS_OK);
    assert_true(refused > 0);
    assert_int_equal(served, 0);

    meeting.flash_queue.log.flash = &meeting.sim.flash;
    assert_int_equal(counters_of(&meeting).accepted, 1);
    assert_int_equal(counters_of(&meeting).waiting, 1);
    flash_sim_free(&meeting.sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_typical_item_has_the_size_that_is_assumed),
        cmocka_unit_test(a_quarter_of_a_megabyte_holds_two_thousand_items),
        cmocka_unit_test(a_full_queue_keeps_moving),
        cmocka_unit_test(there_is_always_room_for_another_attempt),
        cmocka_unit_test(thousands_are_stored_and_forwarded),
        cmocka_unit_test(ids_are_not_used_again),
        cmocka_unit_test(one_item_stays_while_thousands_pass),
        cmocka_unit_test(all_meta_comes_back),
        cmocka_unit_test(sizes_and_arguments_have_limits),
        cmocka_unit_test(words_stand_behind_the_reason),
        cmocka_unit_test(each_bit_may_flip),
        cmocka_unit_test(a_failing_device_is_told),
        cmocka_unit_test(a_queue_is_full_at_its_capacity),
        cmocka_unit_test(each_operation_holds_the_lock),
        cmocka_unit_test(tasks_that_meet_without_a_lock_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
