/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pushing a queue on SQLite with marks ahead and deliveries written late: what is told is on the disk, what was not
 * sent is not marked at an orderly end, and a cut of the power or a full disk loses nothing and stores nothing twice.
 */
#include <stdio.h>
#include <string.h>

#include "fake_fhir.h"
#include "keys.h"
#include "power_cut.h"
#include "sbs/count.h"
#include "sbs/forward_push.h"
#include "sbs/sqlite_queue.h"
#include "sqlite_cut_vfs.h"
#include "test.h"

#define ITEMS 24u

static struct {
    fake_fhir fhir;
    sbs_tls_trust trust;
    sbs_forward_server server;
    sbs_sqlite_queue db;
    sbs_queue queue;
    sbs_forward_push push;
    sbs_forward_push_config config;
    sbs_now now;
    unsigned stored[ITEMS + 1];  /* times, by id */
    uint64_t pending[2 * ITEMS]; /* told, and not known to be durable */
    unsigned pending_count, undone, durables, waits;
    bool safe[ITEMS + 1]; /* told and durable */
    bool running;
} world;

/* ---- the server -------------------------------------------------------------------------------------------------- */

static bool use_fake(void *ctx, sbs_stream *stream, bool secured) {
    (void)ctx;
    if (secured) {
        *stream = world.fhir.server.stream;
    }
    return true;
}

static uint64_t id_in(const char *json, size_t len) {
    const char *value = fake_find(json, len, "\"value\":\"n");
    assert_non_null(value);
    uint64_t id = 0;
    for (value += 10; *value >= '0' && *value <= '9'; value++) {
        id = 10 * id + (uint64_t)(*value - '0');
    }
    assert_in_range(id, 1, ITEMS);
    return id;
}

static void note_stored(const char *json, size_t len) {
    world.stored[id_in(json, len)]++;
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void note_event(void *ctx, const sbs_forward_event *event) {
    (void)ctx;
    assert_int_not_equal(event->push->kind, SBS_PUSH_COLLISION);
    assert_int_not_equal(event->push->kind, SBS_PUSH_DEAD);
    world.waits += event->push->kind >= SBS_PUSH_DEFERRED;
    if (event->push->kind <= SBS_PUSH_REPLACED) {
        assert_in_range(world.pending_count, 0, 2 * ITEMS - 1);
        world.pending[world.pending_count++] = event->push->id;
    }
}

static void note_durable(void *ctx) {
    (void)ctx;
    world.durables++;
    for (unsigned i = 0; i < world.pending_count; i++) {
        world.safe[world.pending[i]] = true;
    }
    world.pending_count = 0;
}

static void note_undone(void *ctx) {
    (void)ctx;
    world.undone++;
    world.pending_count = 0;
}

/* ---- lives ------------------------------------------------------------------------------------------------------- */

static bool open_queue(void) {
    const sbs_sqlite_queue_config config = {.path = "queue.db", .vfs = CUT_VFS, .checkpoint_pages = 20};
    return sbs_sqlite_queue_open(&world.db, &config, &world.queue) == SBS_OK && !cut_vfs_is_off();
}

static bool start(void) {
    if (!open_queue()) {
        return false;
    }

    sbs_forward_part part;
    const sbs_forward_server_config config = {
        .fhir_base = "https://fhir.example/r4/",
        .client_id = "device-1",
        .scope = "system/Observation.cu",
        .key = &fake_quick_key,
        .trust = &world.trust,
        .wrap = use_fake,
    };
    assert_int_equal(sbs_forward_server_open(&world.server, &config, &part), SBS_OK);
    world.config.server = &world.server;
    world.config.queue = &world.queue;
    assert_int_equal(sbs_forward_push_open(&world.push, &world.config), SBS_OK);
    world.running = true;
    return true;
}

static sbs_status stop(void) {
    sbs_status status = SBS_OK;
    if (world.running) {
        status = sbs_forward_push_close(&world.push);
        sbs_forward_server_close(&world.server);
    }
    world.running = false;
    sbs_sqlite_queue_close(&world.db);
    return status;
}

static void add(unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char text[160];
        uint64_t id = 0;
        const sbs_queue_meta meta = {.utc_s = 1, .lane = i % 3, .zone_minutes = SBS_ZONE_UNKNOWN};
        int len = snprintf(
            text, sizeof text,
            "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"urn:x\",\"value\":\"n%u\"}]}", i + 1);
        assert_int_equal(world.queue.ops->append(world.queue.ctx, &meta, text, (size_t)len, &id), SBS_OK);
        assert_int_equal(id, i + 1);
    }
}

/* A queue with so many items, pushed with so many marked at a time. */
static void begin(uint16_t depth, sbs_forward_mode mode, uint16_t batch_max, unsigned count) {
    cut_vfs_reset();
    memset(&world, 0, sizeof world);
    sbs_tls_trust_init(&world.trust);
    fake_fhir_init(&world.fhir);
    world.fhir.on_stored = note_stored;
    world.now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    world.config = (sbs_forward_push_config){
        .mode = mode,
        .trust_mode = true,
        .mark_ahead = depth,
        .batch_max = batch_max,
        .pushed_ms = UINT64_MAX,
        .event = note_event,
        .durable = note_durable,
        .undone = note_undone,
    };
    assert_true(open_queue());
    add(count);
    sbs_sqlite_queue_close(&world.db);
    cut_vfs_arm(0);
}

static sbs_status poll(void) {
    sbs_wait wait;
    sbs_status status = sbs_forward_push_poll(&world.push, world.now, &wait);
    world.now.mono_ms += wait.timeout_ms < 60000 ? wait.timeout_ms : 60000;
    return status;
}

/* To the end, or to the cut: false. */
static bool run(void) {
    sbs_status status = SBS_PENDING;
    for (unsigned polls = 0; status == SBS_PENDING && !cut_vfs_is_off(); polls++) {
        assert_true(polls < 20000);
        status = poll();
    }
    return !cut_vfs_is_off();
}

static unsigned marked(void) {
    sbs_queue_row rows[ITEMS];
    size_t count = 0;
    unsigned found = 0;
    assert_int_equal(world.queue.ops->bulk->list(world.queue.ctx, 0, rows, ITEMS, &count), SBS_OK);
    for (size_t i = 0; i < count; i++) {
        found += rows[i].attempts > 0;
    }
    return found;
}

static void assert_each_once(unsigned count) {
    sbs_queue_counters counters;
    world.queue.ops->counters(world.queue.ctx, &counters);
    assert_int_equal(counters.waiting, 0);
    assert_int_equal(counters.delivered, count);
    for (unsigned id = 1; id <= count; id++) {
        if (world.stored[id] != 1) {
            fail_msg("item %u was stored %u times", id, world.stored[id]);
        }
    }
}

/* ---- tests ------------------------------------------------------------------------------------------------------- */

static void what_is_told_is_on_the_disk(void **state) {
    (void)state;
    begin(8, SBS_FORWARD_PUT, 1, ITEMS);
    assert_true(start());
    sbs_status status = SBS_PENDING;
    unsigned told = 0;
    unsigned most = 0;
    while (status == SBS_PENDING) {
        status = poll();
        sbs_queue_counters counters;
        world.queue.ops->counters(world.queue.ctx, &counters);
        for (unsigned id = 1, safe = 0; id <= ITEMS; id++) {
            safe += world.safe[id];
            assert_true(safe <= counters.delivered);
            told = safe;
        }
        most = world.pending_count > most ? world.pending_count : most;
        assert_in_range(marked(), 0, 16);
    }
    assert_int_equal(told, ITEMS);
    assert_in_range(most, 2, 9);
    assert_in_range(world.durables, ITEMS / 8, ITEMS / 8 + 2);
    assert_each_once(ITEMS);
    assert_int_equal(stop(), SBS_OK);
}

static void what_is_told_waits_a_second_at_most(void **state) {
    (void)state;
    begin(64, SBS_FORWARD_PUT, 1, ITEMS);
    assert_true(start());
    while (world.pending_count == 0) {
        assert_int_equal(poll(), SBS_PENDING);
    }
    assert_int_equal(world.durables, 0);
    world.now.mono_ms += 1000;
    assert_int_equal(poll(), SBS_PENDING);
    assert_int_equal(world.durables, 1);
    assert_true(world.safe[1]);
    assert_int_equal(stop(), SBS_OK);
}

/* The first mark stands for eight; at an orderly end only what was sent has one. */
static void what_was_not_sent_is_not_marked_at_the_end(void **state) {
    (void)state;
    begin(8, SBS_FORWARD_PUT, 1, ITEMS);
    assert_true(start());
    while (world.pending_count < 3) {
        assert_int_equal(poll(), SBS_PENDING);
    }
    assert_int_equal(marked(), 8);
    assert_int_equal(sbs_forward_push_close(&world.push), SBS_OK);
    assert_int_equal(marked(), 0);
    assert_true(world.safe[3]);
    sbs_forward_server_close(&world.server);
    world.running = false;
    assert_int_equal(stop(), SBS_OK);
}

/* Nor while all wait for the network. */
static void nothing_is_marked_while_all_wait(void **state) {
    (void)state;
    begin(8, SBS_FORWARD_PUT, 1, ITEMS);
    assert_true(start());
    while (world.pending_count < 3) {
        assert_int_equal(poll(), SBS_PENDING);
    }
    world.fhir.close_each = true;
    world.fhir.server.open_fails = SBS_ERR_UNREACHABLE;
    while (world.waits == 0) {
        assert_int_equal(poll(), SBS_PENDING);
    }
    assert_int_equal(poll(), SBS_PENDING); /* the wait begins */
    assert_int_equal(marked(), 0);
    assert_int_equal(world.pending_count, 0);
    assert_true(run());
    assert_each_once(ITEMS);
    assert_int_equal(stop(), SBS_OK);
}

static void plain_writes_are_marked_one_by_one(void **state) {
    (void)state;
    begin(64, SBS_FORWARD_PLAIN, 1, ITEMS);
    assert_true(start());
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING) {
        status = poll();
        assert_in_range(marked(), 0, 2);
        assert_in_range(world.pending_count, 0, 1);
    }
    assert_each_once(ITEMS);
    assert_int_equal(stop(), SBS_OK);
}

/* What was told and is not on the disk did not happen; it is found on the server when it comes again. */
static void a_full_disk_undoes_what_was_told(void **state) {
    (void)state;
    begin(8, SBS_FORWARD_PUT, 1, ITEMS);
    assert_true(start());
    while (world.pending_count < 5) {
        assert_int_equal(poll(), SBS_PENDING);
    }
    cut_vfs_limit(cut_vfs_size());
    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING) {
        status = poll();
    }
    assert_int_equal(status, SBS_ERR_STORAGE);
    assert_int_equal(world.undone, 1);
    assert_false(world.safe[1]);
    cut_vfs_limit(0);
    world.now.mono_ms += 10000;
    while (!run()) {
    }
    assert_int_equal(poll(), SBS_OK);
    assert_each_once(ITEMS);
    assert_true(world.safe[ITEMS]);
    assert_int_equal(stop(), SBS_OK);
}

/* ---- power ------------------------------------------------------------------------------------------------------- */

/* What was told as durable is never sent again. */
static void assert_safe_is_gone(void) {
    for (unsigned id = 1; id <= ITEMS; id++) {
        sbs_sqlite_entry entry;
        if (world.safe[id]) {
            assert_int_equal(sbs_sqlite_queue_find(&world.db, id, &entry), SBS_ERR_NOT_FOUND);
        }
    }
}

static unsigned live(uint16_t depth, sbs_forward_mode mode, uint16_t batch_max, unsigned at, uint64_t seed) {
    unsigned cuts = 0;
    begin(depth, mode, batch_max, ITEMS);
    cut_vfs_arm(at);
    while (!start() || !run()) {
        (void)stop();
        world.pending_count = 0;
        cut_vfs_restart(seed + cuts);
        cut_vfs_arm(cuts++ == 0 ? 1 + at % 13 : 0);
        world.config.pushed_ms = 0;
        assert_true(cuts <= 3);
        if (open_queue()) {
            assert_safe_is_gone();
        }
        sbs_sqlite_queue_close(&world.db);
    }
    unsigned operations = cut_vfs_operations();
    assert_each_once(ITEMS);
    assert_int_equal(stop(), SBS_OK);
    return at == 0 ? operations : cuts;
}

static void each_item_is_stored_once_whatever_is_cut(void **state) {
    static const uint16_t depths[] = {1, 8, 64};
    static const sbs_forward_mode modes[] = {SBS_FORWARD_PUT, SBS_FORWARD_IF_NONE_EXIST};
    unsigned cuts = 0;
    unsigned stride = cut_is_long() ? 1 : 11;
    (void)state;
    for (unsigned variant = 0; variant < 12; variant++) {
        uint16_t depth = depths[variant % 3];
        sbs_forward_mode mode = modes[variant / 3 % 2];
        uint16_t batch_max = variant < 6 ? 1 : 5;
        unsigned operations = live(depth, mode, batch_max, 0, 1);
        assert_true(operations > 15);
        for (unsigned at = 1 + variant % stride; at <= operations; at += stride) {
            cuts += live(depth, mode, batch_max, at, variant * 1000 + at);
        }
    }
    assert_true(cuts > 12);
    print_message("marks ahead: power cuts tried %u, lost 0, twice 0\n", cuts);
}

static int set_up(void **state) {
    cut_vfs_register();
    return fake_setup_group(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_is_on_the_disk),
        cmocka_unit_test(what_is_told_waits_a_second_at_most),
        cmocka_unit_test(what_was_not_sent_is_not_marked_at_the_end),
        cmocka_unit_test(nothing_is_marked_while_all_wait),
        cmocka_unit_test(plain_writes_are_marked_one_by_one),
        cmocka_unit_test(a_full_disk_undoes_what_was_told),
        cmocka_unit_test(each_item_is_stored_once_whatever_is_cut),
    };
    return cmocka_run_group_tests(tests, set_up, fake_teardown_group);
}
