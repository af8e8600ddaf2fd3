/* SPDX-License-Identifier: Apache-2.0 */
/* Storage and PSA ITS on the log: what each call promises, and what is left of it when power fails. */
#include <stdio.h>
#include <string.h>

#include "power_cut.h"
#include "sbs/count.h"
#include "sbs/flash_storage.h"
#include "test.h"

#define NAMES 3u
#define SECRET 2u /* index of the name that holds secrets */
#define VALUE_MAX 64u
#define STEPS_MAX 64u
#define ALLOWED_MAX 8u

static const char *const names[NAMES] = {"a", "beta-2", "its-0000000000000001"};

/* What may be found under a name; more than one value after a cut, until the next write decides. 0: no record. */
typedef struct allowed {
    uint32_t values[ALLOWED_MAX];
    size_t count;
} allowed;

typedef struct world {
    flash_sim sim;
    sbs_flash_storage storage;
    allowed names[NAMES];
    uint32_t seen[NAMES]; /* since this boot */
    uint8_t steps[STEPS_MAX];
    size_t step_count;
    size_t next;
    uint32_t last_value;
    uint32_t last_promised; /* secret that was replaced or removed by a call that returned */
    bool read_only;         /* recover, then stop */
} world;

static char where[128]; /* what is being tried, for the message */

static size_t make_value(uint32_t name, uint32_t value, uint8_t out[VALUE_MAX]) {
    static const uint8_t lengths[NAMES] = {12, 30, 44};
    size_t len = (size_t)lengths[name] + value % 5u;
    for (size_t i = 0; i < len; i++) {
        out[i] = (uint8_t)(value * 37u + name * 101u + i * i);
    }
    memcpy(out, &value, sizeof value);
    return len;
}

/* The value stored under a name, 0 if there is none; fails if it is no value that was ever written. */
static uint32_t stored(world *w, uint32_t name) {
    uint8_t got[VALUE_MAX], expected[VALUE_MAX];
    size_t len = 0;
    uint32_t value = 0;
    sbs_storage port = sbs_flash_storage_port(&w->storage);
    sbs_status status = port.ops->get(port.ctx, names[name], got, sizeof got, &len);
    if (status == SBS_ERR_NOT_FOUND) {
        return 0;
    }
    if (status != SBS_OK) {
        fail_msg("%s: status %d (%s)", names[name], status, where);
    }
    memcpy(&value, got, sizeof value);
    assert_int_equal(len, make_value(name, value, expected));
    assert_memory_equal(got, expected, len);
    return value;
}

static bool is_allowed(const allowed *set, uint32_t value) {
    for (size_t i = 0; i < set->count; i++) {
        if (set->values[i] == value) {
            return true;
        }
    }
    return false;
}

static void assert_erased(const world *w, uint32_t value) {
    uint8_t secret[VALUE_MAX];
    size_t len = make_value(SECRET, value, secret);
    for (uint32_t at = 0; at + len <= w->sim.size; at++) {
        if (w->sim.data[at] == secret[0] && memcmp(w->sim.data + at, secret, len) == 0) {
            fail_msg("secret %u still at %u (%s)", (unsigned)value, (unsigned)at, where);
        }
    }
}

static void recover(void *ctx) {
    world *w = ctx;
    sbs_status status = sbs_flash_storage_mount(&w->storage, &w->sim.flash);
    if (status != SBS_OK) {
        fail_msg("mount: status %d (%s)", status, where);
    }
    for (uint32_t i = 0; i < NAMES; i++) {
        w->seen[i] = stored(w, i);
        if (!is_allowed(&w->names[i], w->seen[i])) {
            fail_msg("%s: found %u, which is not what was set (%s)", names[i], (unsigned)w->seen[i], where);
        }
    }
    if (w->last_promised) {
        assert_erased(w, w->last_promised);
    }
}

static sbs_status change(world *w, uint32_t name, uint32_t value) {
    uint8_t bytes[VALUE_MAX];
    sbs_storage port = sbs_flash_storage_port(&w->storage);
    if (value == 0) {
        return port.ops->remove(port.ctx, names[name]);
    }
    size_t len = make_value(name, value, bytes);
    if (name == SECRET) {
        sbs_flash_log_part part = {bytes, len};
        return sbs_flash_storage_set_secret(&w->storage, names[name], &part, 1);
    }
    return port.ops->set(port.ctx, names[name], bytes, len);
}

/* A call that returned decides everything that was open. */
static void decide(world *w, uint32_t name, uint32_t value) {
    uint32_t old = w->seen[name];
    w->seen[name] = value;
    for (uint32_t i = 0; i < NAMES; i++) {
        w->names[i] = (allowed){.values = {w->seen[i]}, .count = 1};
        assert_int_equal(stored(w, i), w->seen[i]);
    }
    if (name == SECRET && old != 0) {
        w->last_promised = old;
        assert_erased(w, old);
    }
}

/* Steps are 0 to 5: set or remove one of the names. */
static bool step(void *ctx) {
    world *w = ctx;
    if (w->read_only || w->next == w->step_count) {
        return false;
    }
    uint32_t name = w->steps[w->next] / 2u;
    uint32_t value = w->steps[w->next] % 2u ? 0 : ++w->last_value;
    w->next++;
    allowed *open = &w->names[name];
    assert_true(open->count < ALLOWED_MAX);
    open->values[open->count++] = value;
    sbs_status status = change(w, name, value);
    if (value == 0 && w->seen[name] == 0) {
        assert_int_equal(status, SBS_ERR_NOT_FOUND);
        open->count--;
        return true;
    }
    assert_int_equal(status, SBS_OK);
    decide(w, name, value);
    return true;
}

static void begin(world *w, const uint8_t *steps, size_t count) {
    memset(w->names, 0, sizeof w->names);
    for (uint32_t i = 0; i < NAMES; i++) {
        w->names[i].count = 1;
    }
    memcpy(w->steps, steps, count);
    w->step_count = count;
    w->next = 0;
    w->last_value = 0;
    w->last_promised = 0;
    w->read_only = false;
}

static cut_scenario scenario_of(world *w) {
    return (cut_scenario){.ctx = w, .sim = &w->sim, .recover = recover, .step = step};
}

typedef struct geometry {
    uint32_t sector_size, sectors, unit;
} geometry;

static const geometry geometries[] = {
    {512, 3, 1}, {512, 4, 4}, {512, 3, 8}, {1024, 3, 32}, {4096, 3, 4}, {512, 5, 2},
};
#define GEOMETRIES SBS_COUNT_OF(geometries)

/* Copies of a world share nothing. */
static void clone(world *to, const world *from) {
    flash_sim sim = to->sim;
    *to = *from;
    sim.cut_at = 0;
    to->sim = sim;
    flash_sim_copy(&to->sim, &from->sim);
}

/* Goes on from a cut: power is cut once more at each operation of the recovery and the step after it. */
static void cut_again(world *w, world *copy, flash_sim_tear tear) {
    cut_scenario second = scenario_of(copy);
    for (uint64_t n = 1; n <= 12; n++) {
        clone(copy, w);
        flash_sim_boot(&copy->sim);
        if (copy->next < copy->step_count) {
            copy->step_count = copy->next + 1u;
        }
        if (cut_run_until(&second, n, tear, UINT32_MAX)) {
            break;
        }
        copy->read_only = true;
        assert_true(cut_run(&second));
        copy->read_only = false;
        flash_sim_boot(&copy->sim);
        assert_true(cut_run(&second));
    }
}

/* Cuts a history at every operation. prefix: steps that run in peace before, to fill the flash. */
static void cut_everywhere(const geometry *g, const uint8_t *steps, size_t count, size_t prefix, bool nested) {
    static world start, w, copy;
    flash_sim_init(&start.sim, g->sector_size, g->sectors, g->unit, 7);
    flash_sim_init(&w.sim, g->sector_size, g->sectors, g->unit, 7);
    flash_sim_init(&copy.sim, g->sector_size, g->sectors, g->unit, 7);
    begin(&start, steps, count);
    start.step_count = prefix;
    cut_scenario peace = scenario_of(&start);
    assert_true(cut_run(&peace));
    start.step_count = count;
    cut_scenario cut = scenario_of(&w);
    for (unsigned tear = 0; tear < FLASH_SIM_TEARS; tear++) {
        for (uint64_t n = 1;; n++) {
            clone(&w, &start);
            w.sim.random = n * 1000u + tear;
            flash_sim_boot(&w.sim);
            (void)snprintf(where, sizeof where, "sector %u x %u, unit %u, tear %u, operation %u",
                           (unsigned)g->sector_size, (unsigned)g->sectors, (unsigned)g->unit, tear, (unsigned)n);
            if (cut_run_until(&cut, n, (flash_sim_tear)tear, UINT32_MAX)) {
                break;
            }
            if (nested) {
                cut_again(&w, &copy, (flash_sim_tear)tear);
            }
            assert_true(cut_run(&cut));
            flash_sim_boot(&w.sim);
            assert_true(cut_run(&cut));
        }
    }
    flash_sim_free(&start.sim);
    flash_sim_free(&w.sim);
    flash_sim_free(&copy.sim);
}

/* All histories of a length, on flash of different fill. */
static void all_histories(const geometry *g, size_t length, size_t prefix, bool nested) {
    uint8_t steps[STEPS_MAX];
    size_t total = 1;
    for (size_t i = 0; i < length; i++) {
        total *= 6u;
    }
    for (size_t i = 0; i < prefix; i++) {
        steps[i] = (uint8_t)(i % 3u * 2u);
    }
    for (size_t history = 0; history < total; history++) {
        size_t rest = history;
        for (size_t i = 0; i < length; i++) {
            steps[prefix + i] = (uint8_t)(rest % 6u);
            rest /= 6u;
        }
        cut_everywhere(g, steps, prefix + length, prefix, nested);
    }
}

/* The short suite leaves out more fills of the flash than the long one. */
static void on_each_fill(size_t length, bool nested) {
    size_t stride = cut_stride();
    for (size_t g = 0; g < GEOMETRIES; g++) {
        if (!cut_is_long() && geometries[g].sector_size == 4096) {
            continue; /* the random histories have it */
        }
        for (size_t prefix = g % stride; prefix < 14; prefix += stride) {
            all_histories(&geometries[g], length, prefix, nested);
        }
    }
}

static void power_is_cut_in_all_short_histories(void **state) {
    (void)state;
    on_each_fill(cut_is_long() ? 3 : 2, false);
}

static void power_is_cut_again_while_it_recovers(void **state) {
    (void)state;
    on_each_fill(cut_is_long() ? 2 : 1, true);
}

/* Each byte of each operation of one history. */
static void power_is_cut_at_each_byte(void **state) {
    (void)state;
    static const uint8_t steps[] = {0, 2, 4, 0, 4, 1, 2, 5, 0, 4, 3, 0};
    static world w;
    for (size_t g = 0; g < 4; g++) {
        const geometry *size = &geometries[g];
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            uint32_t most = 64;
            for (uint32_t bytes = 0; bytes <= most && !done; bytes++) {
                flash_sim_init(&w.sim, size->sector_size, size->sectors, size->unit, n);
                begin(&w, steps, sizeof steps);
                cut_scenario cut = scenario_of(&w);
                done = cut_run_until(&cut, n, FLASH_SIM_PREFIX, bytes);
                assert_true(cut_run(&cut));
                if (!done && w.sim.cut_len < most) {
                    most = w.sim.cut_len; /* more bytes than there are would all be the same */
                }
                flash_sim_free(&w.sim);
            }
        }
    }
}

/* Seeded long histories with a cut now and then, also within recovery. */
static void random_history(uint64_t seed, unsigned rounds) {
    static world w;
    const geometry *g = &geometries[seed % GEOMETRIES];
    uint8_t steps[STEPS_MAX];
    flash_sim_init(&w.sim, g->sector_size, g->sectors, g->unit, seed);
    begin(&w, steps, 0);
    cut_scenario cut = scenario_of(&w);
    for (unsigned round = 0; round < rounds; round++) {
        (void)snprintf(where, sizeof where, "seed %u, round %u", (unsigned)seed, round);
        w.step_count = 1u + flash_sim_random(&w.sim) % 20u;
        for (size_t i = 0; i < w.step_count; i++) {
            w.steps[i] = (uint8_t)(flash_sim_random(&w.sim) % 6u);
        }
        w.next = 0;
        for (unsigned tries = 0; tries < 4u; tries++) {
            uint32_t when = 1u + flash_sim_random(&w.sim) % (tries == 0 ? 60u : 8u);
            flash_sim_tear tear = (flash_sim_tear)(flash_sim_random(&w.sim) % FLASH_SIM_TEARS);
            if (cut_run_until(&cut, when, tear, UINT32_MAX)) {
                break;
            }
        }
        assert_true(cut_run(&cut));
        flash_sim_boot(&w.sim);
    }
    flash_sim_free(&w.sim);
}

static void power_is_cut_in_random_histories(void **state) {
    (void)state;
    unsigned runs = cut_effort(60, 1500);
    for (uint64_t seed = 1; seed <= runs; seed++) {
        random_history(seed, 30);
    }
}

static void cuts_were_tried(void **state) {
    (void)state;
    assert_true(cuts_tried > 0);
    print_message("flash storage: cuts tried %llu, records lost 0, wrong 0\n", (unsigned long long)cuts_tried);
}

static void set_up(world *w, uint32_t sector_size, uint32_t sectors, uint32_t unit) {
    flash_sim_init(&w->sim, sector_size, sectors, unit, 3);
    assert_int_equal(sbs_flash_storage_mount(&w->storage, &w->sim.flash), SBS_OK);
}

static void names_and_sizes_have_limits(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-a", "A", "a.b", "a b", "0123456789012345678901234567890123"};
    world w;
    uint8_t buffer[600] = {0};
    size_t len = 0;
    set_up(&w, 512, 4, 4);
    sbs_storage port = sbs_flash_storage_port(&w.storage);
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(port.ops->set(port.ctx, bad[i], buffer, 1), SBS_ERR_ARGUMENT);
        assert_int_equal(port.ops->get(port.ctx, bad[i], buffer, 1, &len), SBS_ERR_ARGUMENT);
        assert_int_equal(port.ops->remove(port.ctx, bad[i]), SBS_ERR_ARGUMENT);
    }
    size_t most = sbs_flash_storage_max(&w.storage, 1);
    assert_int_equal(port.ops->set(port.ctx, "x", buffer, most + 1u), SBS_ERR_TOO_LARGE);
    assert_int_equal(port.ops->set(port.ctx, "x", buffer, most), SBS_OK);
    assert_int_equal(port.ops->get(port.ctx, "x", buffer, most - 1u, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, most);
    assert_int_equal(port.ops->get(port.ctx, "x", buffer, most, &len), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, "x", NULL, 0), SBS_OK);
    assert_int_equal(port.ops->get(port.ctx, "x", buffer, 0, &len), SBS_OK);
    assert_int_equal(len, 0);
    assert_int_equal(port.ops->remove(port.ctx, "x"), SBS_OK);
    assert_int_equal(port.ops->remove(port.ctx, "x"), SBS_ERR_NOT_FOUND);
    flash_sim_free(&w.sim);
}

/* A full storage refuses, keeps what it has, and takes again what replaces or follows a removal. */
static void a_full_storage_keeps_what_it_has(void **state) {
    (void)state;
    world w;
    uint8_t bytes[40];
    char name[16];
    size_t len = 0;
    unsigned count = 0;
    sbs_status status = SBS_OK;
    set_up(&w, 512, 3, 4);
    sbs_storage port = sbs_flash_storage_port(&w.storage);
    memset(bytes, 0xA5, sizeof bytes);
    while (status == SBS_OK) {
        (void)snprintf(name, sizeof name, "n%u", count);
        status = port.ops->set(port.ctx, name, bytes, sizeof bytes);
        count += status == SBS_OK;
        assert_true(count < 40);
    }
    assert_int_equal(status, SBS_ERR_BUFFER);
    for (unsigned i = 0; i < count; i++) {
        (void)snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(port.ops->get(port.ctx, name, bytes, sizeof bytes, &len), SBS_OK);
    }
    print_message("flash storage: 3 sectors of 512 bytes hold %u records of 40 bytes\n", count);
    flash_sim_free(&w.sim);
}

/* The newest record is damaged: said so, also after its sector was given up; a new one clears it. */
static void damage_is_told_until_it_is_replaced(void **state) {
    (void)state;
    world w;
    uint8_t bytes[40], got[40];
    size_t len = 0;
    set_up(&w, 512, 3, 4);
    sbs_storage port = sbs_flash_storage_port(&w.storage);
    memset(bytes, 0x11, sizeof bytes);
    assert_int_equal(port.ops->set(port.ctx, "first", bytes, sizeof bytes), SBS_OK);
    memset(bytes, 0x77, sizeof bytes);
    assert_int_equal(port.ops->set(port.ctx, "first", bytes, sizeof bytes), SBS_OK);
    for (uint32_t at = 0; at + 4u <= w.sim.size; at++) {
        if (memcmp(w.sim.data + at, "\x77\x77\x77\x77", 4) == 0) {
            flash_sim_flip(&w.sim, at, 3);
            break;
        }
    }
    assert_int_equal(port.ops->get(port.ctx, "first", got, sizeof got, &len), SBS_ERR_DAMAGED);
    assert_int_equal(sbs_flash_storage_mount(&w.storage, &w.sim.flash), SBS_OK);
    assert_int_equal(port.ops->get(port.ctx, "first", got, sizeof got, &len), SBS_ERR_DAMAGED);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(port.ops->set(port.ctx, "other", bytes, sizeof bytes), SBS_OK);
        assert_int_equal(port.ops->get(port.ctx, "first", got, sizeof got, &len), SBS_ERR_DAMAGED);
    }
    assert_int_equal(port.ops->set(port.ctx, "first", bytes, sizeof bytes), SBS_OK);
    assert_int_equal(port.ops->get(port.ctx, "first", got, sizeof got, &len), SBS_OK);
    flash_sim_free(&w.sim);
}

/* Every bit of a storage with two generations of each record: a get tells the newest value or damage. */
static void each_bit_may_flip(void **state) {
    (void)state;
    static world w;
    static const uint8_t steps[] = {0, 2, 4, 0, 2, 4};
    unsigned reported = 0;
    flash_sim_init(&w.sim, 512, 4, 4, 3);
    begin(&w, steps, sizeof steps);
    cut_scenario peace = scenario_of(&w);
    assert_true(cut_run(&peace));
    sbs_storage port = sbs_flash_storage_port(&w.storage);
    static world copy;
    flash_sim_init(&copy.sim, 512, 4, 4, 3);
    for (uint32_t bit = 0; bit < w.sim.size * 8u; bit++) {
        clone(&copy, &w);
        flash_sim_flip(&copy.sim, bit / 8u, bit % 8u);
        port = sbs_flash_storage_port(&copy.storage);
        assert_int_equal(sbs_flash_storage_mount(&copy.storage, &copy.sim.flash), SBS_OK);
        for (uint32_t i = 0; i < NAMES; i++) {
            uint8_t got[VALUE_MAX];
            size_t len = 0;
            if (port.ops->get(port.ctx, names[i], got, sizeof got, &len) == SBS_ERR_DAMAGED) {
                reported++;
            } else {
                assert_int_equal(stored(&copy, i), w.seen[i]);
            }
        }
    }
    assert_true(reported > 0);
    flash_sim_free(&w.sim);
    flash_sim_free(&copy.sim);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_sizes_have_limits),
        cmocka_unit_test(a_full_storage_keeps_what_it_has),
        cmocka_unit_test(damage_is_told_until_it_is_replaced),
        cmocka_unit_test(each_bit_may_flip),
        cmocka_unit_test(power_is_cut_at_each_byte),
        cmocka_unit_test(power_is_cut_in_all_short_histories),
        cmocka_unit_test(power_is_cut_again_while_it_recovers),
        cmocka_unit_test(power_is_cut_in_random_histories),
        cmocka_unit_test(cuts_were_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
