/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue on SQLite when the power is cut: a scenario of every operation, cut at every write, sync, truncation and
 * removal, with what was not synced lost in part; after each restart the queue is compared with what was promised, and
 * the scenario goes on. A seeded sample unless SBS_LONG is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/sqlite_queue.h"
#include "sqlite_cut_vfs.h"
#include "test.h"

#define ITEMS_MAX 256u
#define STEPS 48u
#define WAITING_MAX 10u
#define BODY_MAX 9000u
#define LONG_SEEDS 4u

/* What an item may be; several bits while an operation on it has not answered. */
enum { ABSENT = 1, WAITING = 2, DEAD = 4, GONE = 8 };

typedef struct model_item {
    unsigned may_be;
    unsigned attempts_min, attempts_max;
    bool delivered; /* surely */
    unsigned group; /* items of one group are there together or not at all */
} model_item;

static struct {
    model_item items[ITEMS_MAX + 1]; /* by id */
    uint64_t last_id;
    unsigned lost, twice, wrong, cuts, restarts;
    uint64_t random;
    sbs_sqlite_queue queue;
    sbs_queue port;
    bool open;
} test;

static uint32_t draw(uint32_t below) {
    test.random = test.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(test.random >> 33) % below;
}

/* ---- what an item holds, by its id ---------------------------------------------------------------------------- */

static size_t body_of(uint64_t id, uint8_t *out) {
    uint32_t state = (uint32_t)id * 2654435761u + 1;
    size_t len = id % 7 == 0 ? BODY_MAX - id : (id * 37) % 400;
    for (size_t i = 0; i < len; i++) {
        state = state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(state >> 24);
    }
    return len;
}

static sbs_queue_meta meta_of(uint64_t id) {
    return (sbs_queue_meta){
        .uptime_ms = id * 1000,
        .utc_s = id % 2 == 0 ? SBS_UTC_UNKNOWN : (int64_t)id,
        .boot_id = 7,
        .lane = (uint32_t)id % 3,
        .zone_minutes = INT16_MIN,
        .format = 1,
    };
}

/* ---- comparing ------------------------------------------------------------------------------------------------- */

static void check_content(const sbs_queue_item *item) {
    static uint8_t expected[BODY_MAX], found[BODY_MAX];
    size_t len = body_of(item->id, expected);
    size_t found_len = 0;
    const sbs_queue_meta meta = meta_of(item->id);
    assert_int_equal(test.port.ops->read(test.port.ctx, item->id, 0, found, sizeof found, &found_len), SBS_OK);
    bool same = item->len == len && found_len == len && memcmp(found, expected, len) == 0 &&
                item->meta.utc_s == meta.utc_s && item->meta.lane == meta.lane &&
                item->meta.uptime_ms == meta.uptime_ms && item->meta.zone_minutes == meta.zone_minutes;
    test.wrong += !same;
}

/* The queue has an item in the given state: it must be allowed to, and the model knows now. */
static void note(const sbs_queue_item *item, unsigned state, bool *seen) {
    if (item->id == 0 || item->id > ITEMS_MAX) {
        test.wrong++;
        return;
    }
    model_item *model = &test.items[item->id];
    check_content(item);
    if ((model->may_be & state) == 0) {
        test.twice += (model->may_be & GONE) != 0;
        test.wrong++;
    }
    if (item->attempts < model->attempts_min || item->attempts > model->attempts_max) {
        test.wrong++;
    }
    model->may_be = state;
    model->attempts_min = model->attempts_max = item->attempts;
    seen[item->id] = true;
    test.last_id = item->id > test.last_id ? item->id : test.last_id;
}

/* An item that the queue does not have must be allowed to be absent or settled. */
static void note_absent(model_item *model) {
    if ((model->may_be & (ABSENT | GONE)) == 0) {
        test.lost++;
    }
    model->may_be = (model->may_be & GONE) != 0 ? GONE : ABSENT;
}

static sbs_status add_item(uint64_t id, uint64_t *out_id, sbs_sqlite_repeat *out_repeat) {
    uint8_t body[BODY_MAX];
    uint8_t hash[SBS_SQLITE_HASH_SIZE];
    const sbs_queue_meta meta = meta_of(id);
    const sbs_sqlite_facts facts = {.identity = hash, .content = hash, .type = "Observation", .rule = 1};
    memset(hash, (int)id, sizeof hash);
    return sbs_sqlite_queue_add(&test.queue, &meta, &facts, body, body_of(id, body), out_id, out_repeat);
}

/* What is there, or surely was delivered, is known when it comes again; nothing is stored then. */
static void check_repeats(void) {
    for (uint64_t id = 1; id <= test.last_id; id++) {
        sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;
        uint64_t found = 0;
        unsigned state = test.items[id].may_be;
        bool delivered = state == GONE && test.items[id].delivered;
        if (state != WAITING && state != DEAD && !delivered) {
            continue;
        }
        assert_int_equal(add_item(id, &found, &repeat), SBS_OK);
        sbs_sqlite_repeat expected = state == WAITING ? SBS_SQLITE_WAITS : SBS_SQLITE_IS_DEAD;
        test.wrong += repeat != (delivered ? SBS_SQLITE_DELIVERED : expected) || found != id;
    }
}

static void check_groups(const bool *seen) {
    for (unsigned id = 1; id < ITEMS_MAX; id++) {
        bool together = test.items[id].group != 0 && test.items[id].group == test.items[id + 1].group;
        if (together && test.items[id].may_be != GONE && test.items[id + 1].may_be != GONE &&
            seen[id] != seen[id + 1]) {
            test.wrong++;
        }
    }
}

static void compare(void) {
    bool seen[ITEMS_MAX + 2] = {false};
    sbs_queue_item item = {0};
    sbs_sqlite_dead dead = {.reason = ""};
    sbs_queue_counters counters;
    unsigned waiting = 0;
    sbs_status status;
    while ((status = test.port.ops->next(test.port.ctx, item.id, &item)) == SBS_OK) {
        note(&item, WAITING, seen);
        waiting++;
    }
    assert_int_equal(status, SBS_ERR_NOT_FOUND);
    while ((status = sbs_sqlite_queue_dead(&test.queue, dead.item.id, &dead)) == SBS_OK) {
        note(&dead.item, DEAD, seen);
        test.wrong += strcmp(dead.reason, "refused: 422") != 0;
    }
    assert_int_equal(status, SBS_ERR_NOT_FOUND);
    for (unsigned id = 1; id <= ITEMS_MAX; id++) {
        if (!seen[id]) {
            note_absent(&test.items[id]);
        }
    }
    check_groups(seen);
    check_repeats();
    test.port.ops->counters(test.port.ctx, &counters);
    test.wrong += counters.waiting != waiting;
}

/* ---- opening, also when the power goes in it ------------------------------------------------------------------- */

static bool open_queue(void) {
    const sbs_sqlite_queue_config config = {
        .path = "queue.db",
        .vfs = CUT_VFS,
        .policy = SBS_SQLITE_DROP_OLDEST,
        .items_max = WAITING_MAX,
        .checkpoint_pages = 20,
    };
    sbs_status status = sbs_sqlite_queue_open(&test.queue, &config, &test.port);
    if (status != SBS_OK) {
        assert_true(cut_vfs_is_off());
        return false;
    }
    return true;
}

static void restart(void) {
    do {
        sbs_sqlite_queue_close(&test.queue);
        cut_vfs_restart(test.random ^ test.cuts);
        test.restarts++;
        if (draw(4) == 0) {
            cut_vfs_arm(1 + draw(12)); /* again, while it recovers */
            test.cuts++;
        }
    } while (!open_queue());
    cut_vfs_arm(0);
    if (cut_vfs_is_off()) {
        restart();
        return;
    }
    compare();
}

/* ---- the operations -------------------------------------------------------------------------------------------- */

/* The @p number-th item that surely is in a state; 0 if there is none. */
static uint64_t pick(unsigned state) {
    uint64_t found[ITEMS_MAX];
    uint32_t count = 0;
    for (uint64_t id = 1; id <= ITEMS_MAX; id++) {
        if (test.items[id].may_be == state) {
            found[count++] = id;
        }
    }
    return count == 0 ? 0 : found[draw(count)];
}

/* Notes what an append may drop, and what it surely dropped: a retried item may have made the queue longer than it may
 * be. */
static void drop_oldest(bool surely) {
    unsigned waiting = 0;
    for (uint64_t id = test.last_id; id > 0; id--) {
        model_item *item = &test.items[id];
        if ((item->may_be & WAITING) != 0 && ++waiting >= WAITING_MAX) {
            item->may_be = surely ? GONE : item->may_be | GONE;
        }
    }
}

static sbs_status append_one(unsigned group) {
    uint64_t id = test.last_id + 1;
    uint64_t given = 0;
    sbs_sqlite_repeat repeat = SBS_SQLITE_NEW;
    assert_true(id < ITEMS_MAX);
    test.items[id].may_be = ABSENT | WAITING;
    test.items[id].attempts_min = test.items[id].attempts_max = 0;
    test.items[id].group = group;
    test.items[id].delivered = false;
    drop_oldest(false);
    sbs_status status = add_item(id, &given, &repeat);
    if (status == SBS_OK) {
        test.wrong += given != id || repeat != SBS_SQLITE_NEW;
        drop_oldest(true);
        test.items[id].may_be = WAITING;
        test.last_id = id;
    }
    return status;
}

/* Nothing of a group is promised before it is committed. */
static sbs_status append_group(void) {
    static unsigned group;
    uint64_t first = test.last_id + 1;
    model_item before[ITEMS_MAX + 1];
    uint64_t last_before = test.last_id;
    memcpy(before, test.items, sizeof before);
    group++;
    sbs_status status = sbs_sqlite_queue_begin(&test.queue);
    for (unsigned i = 0; i < 3 && status == SBS_OK; i++) {
        status = append_one(group);
    }
    for (uint64_t id = 1; id < first && status == SBS_OK; id++) {
        before[id].may_be |= test.items[id].may_be;
    }
    if (status == SBS_OK) {
        status = sbs_sqlite_queue_commit(&test.queue);
    }
    sbs_sqlite_queue_undo(&test.queue);
    if (status != SBS_OK) {
        for (uint64_t id = 1; id <= ITEMS_MAX; id++) {
            test.items[id].may_be |= before[id].may_be;
            test.items[id].may_be |= id >= first && id <= test.last_id ? ABSENT : 0;
        }
        test.last_id = last_before;
    }
    return status;
}

static sbs_status mark(void) {
    uint64_t id = pick(WAITING);
    if (id == 0) {
        return SBS_OK;
    }
    test.items[id].attempts_max++;
    sbs_status status = test.port.ops->mark_attempt(test.port.ctx, id);
    test.items[id].attempts_min += status == SBS_OK;
    return status;
}

static sbs_status settle(sbs_queue_fate fate) {
    uint64_t id = pick(WAITING);
    unsigned becomes = fate == SBS_QUEUE_DEAD ? DEAD : GONE;
    if (id == 0) {
        return SBS_OK;
    }
    test.items[id].may_be = WAITING | becomes;
    sbs_status status =
        test.port.ops->settle(test.port.ctx, id, fate, fate == SBS_QUEUE_DEAD ? "refused: 422" : NULL, NULL);
    if (status == SBS_OK) {
        test.items[id].may_be = becomes;
        test.items[id].delivered = becomes == GONE;
    }
    return status;
}

static sbs_status treat_dead(bool retry) {
    uint64_t id = pick(DEAD);
    unsigned becomes = retry ? WAITING : GONE;
    if (id == 0) {
        return SBS_OK;
    }
    test.items[id].may_be = DEAD | becomes;
    if (retry && test.items[id].attempts_max == 1) {
        test.items[id].attempts_min = 0;
    }
    sbs_status status = retry ? sbs_sqlite_queue_retry(&test.queue, id) : sbs_sqlite_queue_remove_dead(&test.queue, id);
    if (status == SBS_OK) {
        test.items[id].may_be = becomes;
        test.items[id].attempts_max = test.items[id].attempts_min;
    }
    return status;
}

static sbs_status reopen(void) {
    sbs_sqlite_queue_close(&test.queue);
    return !cut_vfs_is_off() && open_queue() ? SBS_OK : SBS_ERR_STORAGE;
}

static sbs_status do_step(unsigned step) {
    switch (step % 12) {
    case 0:
    case 1:
    case 2:
    case 6:
        return append_one(0);
    case 3:
    case 7:
        return mark();
    case 4:
    case 8:
        return settle(SBS_QUEUE_DELIVERED);
    case 5:
        return settle(SBS_QUEUE_DEAD);
    case 9:
        return append_group();
    case 10:
        return treat_dead(draw(2) == 0);
    default:
        return step % 24 == 11 ? SBS_OK : reopen();
    }
}

/* Runs the scenario with the power cut at an operation (0: none); returns how many operations there were. */
static unsigned run(uint64_t seed, unsigned cut_at) {
    sbs_status status;
    cut_vfs_reset();
    memset(&test.items, 0, sizeof test.items);
    for (unsigned id = 1; id <= ITEMS_MAX; id++) {
        test.items[id].may_be = ABSENT;
    }
    test.last_id = 0;
    test.random = seed;
    test.cuts += cut_at != 0;
    cut_vfs_arm(cut_at);
    if (!open_queue()) {
        restart();
    }
    for (unsigned step = 0; step < STEPS; step++) {
        status = do_step(step);
        if (status != SBS_OK || cut_vfs_is_off()) {
            assert_true(cut_vfs_is_off());
            restart();
        }
    }
    unsigned operations = cut_vfs_operations();
    compare();
    sbs_sqlite_queue_close(&test.queue);
    if (cut_vfs_is_off()) {
        restart();
        sbs_sqlite_queue_close(&test.queue);
    }
    return operations;
}

static void nothing_is_lost_and_nothing_comes_back(void **state) {
    (void)state;
    const char *length = getenv("SBS_LONG");
    bool all = length != NULL && strcmp(length, "1") == 0;
    cut_vfs_register();
    for (uint64_t seed = 1; seed <= (all ? LONG_SEEDS : 1); seed++) {
        unsigned total = run(seed, 0);
        assert_true(total > 200);
        for (unsigned at = 1; at <= total; at += all ? 1 : 1 + (at * 7u) % 9u) {
            run(seed, at);
            assert_int_equal(test.lost, 0);
            assert_int_equal(test.twice, 0);
            assert_int_equal(test.wrong, 0);
        }
    }
    assert_true(test.restarts >= test.cuts / 2);
    printf("power cuts tried %u, lost %u, twice %u\n", test.cuts, test.lost, test.twice);
    cut_vfs_reset();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_nothing_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
