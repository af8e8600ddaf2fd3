/* SPDX-License-Identifier: Apache-2.0 */
/* Erasing what is not live from the storage on flash, with power cut at every operation. */
#include <string.h>

#include "power_cut.h"
#include "sbs/flash_storage.h"
#include "test.h"

static const char replaced[] = "the value that was replaced", removed[] = "the value that was removed",
                  kept[] = "the value that lives";

typedef struct world {
    flash_sim sim;
    sbs_flash_storage storage;
    bool scrubbed;
} world;

static bool on_flash(const world *w, const char *text) {
    size_t len = strlen(text);
    for (size_t at = 0; at + len <= w->sim.size; at++) {
        if (memcmp(w->sim.data + at, text, len) == 0) {
            return true;
        }
    }
    return false;
}

static void recover(void *ctx) {
    world *w = ctx;
    char got[64];
    size_t len = 0;
    assert_int_equal(sbs_flash_storage_mount(&w->storage, &w->sim.flash), SBS_OK);
    sbs_storage port = sbs_flash_storage_port(&w->storage);
    assert_int_equal(port.ops->get(port.ctx, "a", (uint8_t *)got, sizeof got, &len), SBS_OK);
    assert_int_equal(len, sizeof kept);
    assert_memory_equal(got, kept, sizeof kept);
    assert_int_equal(port.ops->get(port.ctx, "b", (uint8_t *)got, sizeof got, &len), SBS_ERR_NOT_FOUND);
}

static bool step(void *ctx) {
    world *w = ctx;
    if (!w->scrubbed) {
        assert_int_equal(sbs_flash_storage_scrub(&w->storage), SBS_OK);
        assert_false(on_flash(w, replaced));
        assert_false(on_flash(w, removed));
        w->scrubbed = true;
        return true;
    }
    return false;
}

static void fill(world *w) {
    w->scrubbed = false;
    flash_sim_init(&w->sim, 512, 4, 4, 3);
    assert_int_equal(sbs_flash_storage_mount(&w->storage, &w->sim.flash), SBS_OK);
    sbs_storage port = sbs_flash_storage_port(&w->storage);
    assert_int_equal(port.ops->set(port.ctx, "a", (const uint8_t *)replaced, sizeof replaced), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, "b", (const uint8_t *)removed, sizeof removed), SBS_OK);
    assert_int_equal(port.ops->set(port.ctx, "a", (const uint8_t *)kept, sizeof kept), SBS_OK);
    assert_int_equal(port.ops->remove(port.ctx, "b"), SBS_OK);
    assert_true(on_flash(w, replaced));
    assert_true(on_flash(w, removed));
}

static void nothing_old_is_left_after_scrubbing(void **state) {
    (void)state;
    static world w;
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        fill(&w);
        cut_scenario cut = {.ctx = &w, .sim = &w.sim, .recover = recover, .step = step};
        done = cut_run_until(&cut, n, FLASH_SIM_PREFIX, 0);
        assert_true(cut_run(&cut));
        assert_true(w.scrubbed);
        flash_sim_free(&w.sim);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_old_is_left_after_scrubbing)};
    return cmocka_run_group_tests_name("flash_scrub", tests, NULL, NULL);
}
