/* SPDX-License-Identifier: Apache-2.0 */
#include "sqlite_drain.h"

#include <stdio.h>
#include <string.h>

#include "sqlite_cut_vfs.h"
#include "test.h"

drain_rig world;

/* ---- the server -------------------------------------------------------------------------------------------------- */

static bool use_fake(void *ctx, sbs_stream *stream, bool secured) {
    (void)ctx;
    if (secured) {
        assert_in_range(world.fhir_count, 0, DRAIN_LINES - 1);
        *stream = world.fhir[world.fhir_count++].server.stream;
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
    assert_in_range(id, 1, DRAIN_ITEMS);
    return id;
}

static void note_stored(const char *json, size_t len) {
    uint64_t id = id_in(json, len);
    world.stored[id]++;
    if (world.lanes > 0) {
        uint64_t *last = &world.last_stored[id % world.lanes];
        world.disorder += id < *last;
        *last = id;
    }
}

/* What another one of them has stored is there. */
static unsigned verdict(const char *json, size_t len) {
    return world.stored[id_in(json, len)] > 0 ? 200 : 0;
}

/* ---- what is told ------------------------------------------------------------------------------------------------ */

static void note_event(void *ctx, const sbs_forward_event *event) {
    (void)ctx;
    assert_int_not_equal(event->push->kind, SBS_PUSH_COLLISION);
    assert_int_not_equal(event->push->kind, SBS_PUSH_DEAD);
    world.waits += event->push->kind >= SBS_PUSH_DEFERRED;
    if (event->push->kind <= SBS_PUSH_REPLACED) {
        assert_in_range(world.pending_count, 0, 2 * DRAIN_ITEMS - 1);
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

bool drain_open_queue(void) {
    const sbs_sqlite_queue_config config = {.path = "queue.db", .vfs = CUT_VFS, .checkpoint_pages = 20};
    return sbs_sqlite_queue_open(&world.db, &config, &world.queue) == SBS_OK && !cut_vfs_is_off();
}

bool drain_start(void) {
    if (!drain_open_queue()) {
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
    world.fhir_count = 0;
    assert_int_equal(sbs_forward_server_open(&world.server, &config, &part), SBS_OK);
    world.config.push.server = &world.server;
    world.config.push.queue = &world.queue;
    assert_int_equal(sbs_forward_fan_open(&world.push, &world.config), SBS_OK);
    world.running = true;
    return true;
}

sbs_status drain_stop(void) {
    sbs_status status = SBS_OK;
    if (world.running) {
        status = sbs_forward_fan_close(&world.push);
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
        const sbs_queue_meta meta = {
            .utc_s = 1, .lane = world.lanes == 0 ? 0 : 1 + (i + 1) % world.lanes, .zone_minutes = SBS_ZONE_UNKNOWN};
        int len = snprintf(
            text, sizeof text,
            "{\"resourceType\":\"Observation\",\"identifier\":[{\"system\":\"urn:x\",\"value\":\"n%u\"}]}", i + 1);
        const sbs_sqlite_facts facts = {.type = "Observation"}; /* named here: nothing else has its identifier */
        sbs_sqlite_repeat repeat;
        assert_int_equal(sbs_sqlite_queue_add(&world.db, &meta, &facts, text, (size_t)len, &id, &repeat), SBS_OK);
        assert_int_equal(id, i + 1);
    }
}

/* A queue with so many items, pushed with so many marked at a time. */
void drain_begin(uint16_t depth, sbs_forward_mode mode, uint16_t batch_max, unsigned count, uint16_t connections,
                 unsigned lanes) {
    cut_vfs_reset();
    memset(&world, 0, sizeof world);
    sbs_tls_trust_init(&world.trust);
    for (unsigned i = 0; i < DRAIN_LINES; i++) {
        fake_fhir_init(&world.fhir[i]);
        world.fhir[i].on_stored = note_stored;
        world.fhir[i].verdict = verdict;
    }

    world.lanes = lanes;
    world.now = (sbs_now){.mono_ms = 1000, .utc_s = 1700000000};
    world.config = (sbs_forward_fan_config){
        .push =
            {
                .mode = mode,
                .trust_mode = true,
                .mark_ahead = depth,
                .batch_max = batch_max,
                .no_gzip = true, /* this server reads what it is sent */
                .pushed_ms = UINT64_MAX,
                .event = note_event,
                .durable = note_durable,
                .undone = note_undone,
            },
        .connections = connections,
        .wrap = use_fake,
    };
    assert_true(drain_open_queue());
    add(count);
    sbs_sqlite_queue_close(&world.db);
    cut_vfs_arm(0);
}

sbs_status drain_poll(void) {
    sbs_wait wait;
    sbs_status status = sbs_forward_fan_poll(&world.push, world.now, &wait);
    if (status == SBS_PENDING) {
        world.now.mono_ms += wait.timeout_ms < 60000 ? wait.timeout_ms : 60000;
    }
    return status;
}

/* To the end, or to the cut: false. */
bool drain_run(void) {
    sbs_status status = SBS_PENDING;
    for (unsigned polls = 0; status == SBS_PENDING && !cut_vfs_is_off(); polls++) {
        assert_true(polls < 20000);
        status = drain_poll();
    }
    return !cut_vfs_is_off();
}

unsigned drain_marked(void) {
    sbs_queue_row rows[DRAIN_ITEMS];
    size_t count = 0;
    unsigned found = 0;
    assert_int_equal(world.queue.ops->bulk->list(world.queue.ctx, 0, rows, DRAIN_ITEMS, &count), SBS_OK);
    for (size_t i = 0; i < count; i++) {
        found += rows[i].attempts > 0;
    }
    return found;
}

void drain_assert_each_once(unsigned count) {
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

/* ---- power ------------------------------------------------------------------------------------------------------- */

/* What was told as durable is never sent again. */
static void assert_safe_is_gone(void) {
    for (unsigned id = 1; id <= DRAIN_ITEMS; id++) {
        sbs_sqlite_entry entry;
        if (world.safe[id]) {
            assert_int_equal(sbs_sqlite_queue_find(&world.db, id, &entry), SBS_ERR_NOT_FOUND);
        }
    }
}

unsigned drain_live(unsigned at, uint64_t seed, void (*begin)(unsigned variant), unsigned variant) {
    unsigned cuts = 0;
    begin(variant);
    cut_vfs_arm(at);

    while (!drain_start() || !drain_run()) {
        (void)drain_stop();
        world.pending_count = 0;
        cut_vfs_restart(seed + cuts);
        cut_vfs_arm(cuts++ == 0 ? 1 + at % 13 : 0);
        world.config.push.pushed_ms = 0;
        assert_true(cuts <= 3);
        if (drain_open_queue()) {
            assert_safe_is_gone();
        }
        sbs_sqlite_queue_close(&world.db);
    }

    unsigned operations = cut_vfs_operations();
    drain_assert_each_once(DRAIN_ITEMS);
    assert_int_equal(world.disorder, 0);
    assert_int_equal(drain_stop(), SBS_OK);
    return at == 0 ? operations : cuts;
}
