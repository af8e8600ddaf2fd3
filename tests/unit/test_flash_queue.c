/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on flash when power fails: nothing that was accepted is lost, nothing that was settled comes back. */
#include <stdio.h>
#include <string.h>

#include "power_cut.h"
#include "queue_model.h"
#include "sbs/count.h"
#include "test.h"

#define STEPS_MAX 64u
#define STEP_KINDS 6u

typedef struct world {
    queue_model model;
    uint8_t steps[STEPS_MAX];
    size_t step_count;
    size_t next;
    bool read_only; /* recover, then stop */
} world;

static void recover(void *ctx) {
    world *w = ctx;
    model_mount(&w->model);
}

static void settle_nth(queue_model *model, uint32_t n, sbs_queue_fate fate, const char *reason) {
    model_item *item = model_waiting(model, n);
    if (item) {
        model_settle(model, item, fate, reason);
    }
}

static bool step(void *ctx) {
    world *w = ctx;
    if (w->read_only || w->next == w->step_count) {
        return false;
    }
    queue_model *model = &w->model;
    model_item *first = model_waiting(model, 0);
    switch (w->steps[w->next++]) {
    case 0:
        (void)model_append(model, 20);
        break;
    case 1:
        (void)model_append(model, 61);
        break;
    case 2:
        if (first) {
            model_attempt(model, first);
        }
        break;
    case 3:
        settle_nth(model, 0, SBS_QUEUE_DELIVERED, NULL);
        break;
    case 4:
        settle_nth(model, model_waiting_count(model) / 2u, SBS_QUEUE_DEAD, "refused");
        break;
    default:
        settle_nth(model, 1, SBS_QUEUE_DELIVERED, NULL);
        break;
    }
    return true;
}

static cut_scenario scenario_of(world *w) {
    return (cut_scenario){.ctx = w, .sim = &w->model.sim, .recover = recover, .step = step};
}

typedef struct geometry {
    uint32_t sector_size, sectors, unit;
} geometry;

static const geometry geometries[] = {
    {512, 3, 1}, {512, 4, 4}, {512, 3, 8}, {1024, 3, 32}, {4096, 3, 4}, {512, 6, 2},
};
#define GEOMETRIES SBS_COUNT_OF(geometries)

static void begin(world *w, const geometry *g, uint64_t seed) {
    model_init(&w->model, g->sector_size, g->sectors, g->unit, seed);
    w->next = 0;
    w->step_count = 0;
    w->read_only = false;
}

static void clone(world *to, const world *from) {
    model_clone(&to->model, &from->model);
    memcpy(to->steps, from->steps, sizeof to->steps);
    to->step_count = from->step_count;
    to->next = from->next;
    to->read_only = from->read_only;
}

/* Goes on from a cut: power is cut once more at each operation of the step after it. */
static void cut_again(world *w, world *copy, flash_sim_tear tear) {
    cut_scenario second = scenario_of(copy);
    for (uint64_t n = 1; n <= 12; n++) {
        clone(copy, w);
        flash_sim_boot(&copy->model.sim);
        if (copy->next < copy->step_count) {
            copy->step_count = copy->next + 1u;
        }
        if (cut_run_until(&second, n, tear, UINT32_MAX)) {
            break;
        }
        copy->read_only = true;
        assert_true(cut_run(&second));
        copy->read_only = false;
        flash_sim_boot(&copy->model.sim);
        assert_true(cut_run(&second));
    }
}

/* Cuts a history at every operation. The first steps, prefix of them, run in peace, to fill the flash. */
static void cut_everywhere(const geometry *g, const uint8_t *steps, size_t count, size_t prefix, bool nested) {
    static world start, w, copy;
    begin(&start, g, 7);
    begin(&w, g, 7);
    begin(&copy, g, 7);
    memcpy(start.steps, steps, count);
    start.step_count = prefix;
    cut_scenario peace = scenario_of(&start);
    assert_true(cut_run(&peace));
    start.step_count = count;
    cut_scenario cut = scenario_of(&w);
    for (unsigned tear = 0; tear < FLASH_SIM_TEARS; tear++) {
        for (uint64_t n = 1;; n++) {
            clone(&w, &start);
            w.model.sim.random = n * 1000u + tear;
            flash_sim_boot(&w.model.sim);
            (void)snprintf(w.model.where, sizeof w.model.where, "sector %u x %u, unit %u, tear %u, operation %u",
                           (unsigned)g->sector_size, (unsigned)g->sectors, (unsigned)g->unit, tear, (unsigned)n);
            if (cut_run_until(&cut, n, (flash_sim_tear)tear, UINT32_MAX)) {
                break;
            }
            if (nested) {
                cut_again(&w, &copy, (flash_sim_tear)tear);
            }
            assert_true(cut_run(&cut));
            flash_sim_boot(&w.model.sim);
            assert_true(cut_run(&cut));
        }
    }
    model_free(&start.model);
    model_free(&w.model);
    model_free(&copy.model);
}

/* All histories of a length behind a fill of items, half of which are settled on the way. */
static void all_histories(const geometry *g, size_t length, size_t prefix, bool nested) {
    static const uint8_t fill[4] = {0, 1, 3, 0};
    uint8_t steps[STEPS_MAX];
    size_t total = 1;
    for (size_t i = 0; i < length; i++) {
        total *= STEP_KINDS;
    }
    for (size_t i = 0; i < prefix; i++) {
        steps[i] = fill[i % 4u];
    }
    for (size_t history = 0; history < total; history++) {
        size_t rest = history;
        for (size_t i = 0; i < length; i++) {
            steps[prefix + i] = (uint8_t)(rest % STEP_KINDS);
            rest /= STEP_KINDS;
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
        for (size_t prefix = g % stride; prefix < 24; prefix += stride) {
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
    on_each_fill(1, true);
}

/* Each byte of each operation of one history. */
static void power_is_cut_at_each_byte(void **state) {
    (void)state;
    static const uint8_t steps[] = {0, 1, 2, 3, 0, 1, 4, 0, 5, 0, 3, 2, 0};
    static world w;
    for (size_t g = 0; g < 4; g++) {
        bool done = false;
        for (uint64_t n = 1; !done; n++) {
            uint32_t most = 64;
            for (uint32_t bytes = 0; bytes <= most && !done; bytes++) {
                begin(&w, &geometries[g], n);
                memcpy(w.steps, steps, sizeof steps);
                w.step_count = sizeof steps;
                cut_scenario cut = scenario_of(&w);
                done = cut_run_until(&cut, n, FLASH_SIM_PREFIX, bytes);
                assert_true(cut_run(&cut));
                if (!done && w.model.sim.cut_len < most) {
                    most = w.model.sim.cut_len; /* more bytes than there are would all be the same */
                }
                model_free(&w.model);
            }
        }
    }
}

static void choose_steps(world *w, bool draining) {
    w->step_count = 1u + flash_sim_random(&w->model.sim) % 20u;
    for (size_t i = 0; i < w->step_count; i++) {
        uint32_t roll = flash_sim_random(&w->model.sim) % 10u;
        uint32_t adding = draining ? 2u : 6u;
        w->steps[i] = (uint8_t)(roll < adding ? roll % 2u : 2u + flash_sim_random(&w->model.sim) % 4u);
    }
    w->next = 0;
}

/* Seeded long histories with a cut now and then, also within recovery; they fill the queue and drain it by turns. */
static void random_history(uint64_t seed, unsigned rounds) {
    static world w;
    begin(&w, &geometries[seed % GEOMETRIES], seed);
    cut_scenario cut = scenario_of(&w);
    for (unsigned round = 0; round < rounds; round++) {
        (void)snprintf(w.model.where, sizeof w.model.where, "seed %u, round %u", (unsigned)seed, round);
        choose_steps(&w, round / 8u % 2u == 1);
        for (unsigned tries = 0; tries < 4u; tries++) {
            uint32_t when = 1u + flash_sim_random(&w.model.sim) % (tries == 0 ? 60u : 8u);
            flash_sim_tear tear = (flash_sim_tear)(flash_sim_random(&w.model.sim) % FLASH_SIM_TEARS);
            if (cut_run_until(&cut, when, tear, UINT32_MAX)) {
                break;
            }
        }
        assert_true(cut_run(&cut));
        flash_sim_boot(&w.model.sim);
    }
    model_free(&w.model);
}

static void power_is_cut_in_random_histories(void **state) {
    (void)state;
    unsigned runs = cut_effort(60, 1000);
    for (uint64_t seed = 1; seed <= runs; seed++) {
        random_history(seed, 40);
    }
}

static void cuts_were_tried(void **state) {
    (void)state;
    assert_true(cuts_tried > 0);
    print_message("flash queue: cuts tried %llu, items lost 0, back after settling 0\n",
                  (unsigned long long)cuts_tried);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(power_is_cut_at_each_byte),
        cmocka_unit_test(power_is_cut_in_all_short_histories),
        cmocka_unit_test(power_is_cut_again_while_it_recovers),
        cmocka_unit_test(power_is_cut_in_random_histories),
        cmocka_unit_test(cuts_were_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
