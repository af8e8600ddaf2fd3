/* SPDX-License-Identifier: Apache-2.0 */
/* Power is cut at each operation of the flash in a device's life, and it goes on: no key, no record and no measurement
 * that was confirmed is lost, none is sent twice, and nobody is locked out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meter_rig.h"
#include "sbs/count.h"
#include "test.h"

static meter_rig rig;
static unsigned done; /* steps of the life that were confirmed */

typedef bool (*life_step)(void);

static bool step_key(void) {
    if (!rig_await(&rig, "state=unprovisioned", 10000)) {
        return false;
    }
    rig_register(&rig);
    return true;
}

static bool provision(const char *client_id, const char *awaited) {
    meter_record record = rig_record();
    record.client_id = client_id;
    rig_provision(&rig, &record);
    return rig_await(&rig, awaited, 60000);
}

static bool step_first_record(void) {
    return provision("device-1", "device: registered");
}

static bool measure(unsigned count, const char *awaited) {
    char line[32];
    snprintf(line, sizeof line, "measure %u\n", count);
    rig_type(&rig, line);
    return rig_await(&rig, awaited, 60000);
}

static bool step_measure(void) {
    return measure(3, "state=online queued=0 sent=3");
}

static bool step_rotate(void) {
    rig_type(&rig, "rotate\n");
    if (!rig_await(&rig, "next-thumbprint", 100)) {
        return false;
    }
    rig_register(&rig);
    return rig_await(&rig, "the next key is the current one now", 60000);
}

static bool step_second_record(void) {
    rig_clear(&rig);
    return provision("device-2", "provision: confirmed");
}

static bool step_measure_again(void) {
    return measure(2, "queued=0 sent=5");
}

static bool step_old_key(void) {
    return rig_await(&rig, "the old key is destroyed", 600000);
}

static const life_step steps[] = {step_key,           step_first_record,  step_measure, step_rotate,
                                  step_second_record, step_measure_again, step_old_key};
#define STEPS SBS_COUNT_OF(steps)
enum { FIRST_RECORD = 2, MEASURED = 3, SECOND_RECORD = 5, MEASURED_AGAIN = 6 };

static uint64_t live(uint64_t cut_at) {
    rig_init(&rig);
    rig_boot(&rig);
    rig.cut_at = cut_at;
    for (done = 0; done < STEPS && !rig.dead && steps[done](); done++) {
    }
    return rig.operations;
}

/* Keys that nobody lists would stay for ever; only the one that was being made may be there. */
static void assert_no_stray_key(void) {
    const meter_keys *keys = &rig.meter.keys;
    for (psa_key_id_t id = 1; id <= keys->last + 5; id++) {
        bool listed = id == keys->current || id == keys->next || id == keys->old || id == keys->last + 1;
        if (!listed && meter_keys_alg(id) != 0) {
            fail_msg("key %u is left over", (unsigned)id);
        }
    }
}

static void assert_record(void) {
    const char *client_id = rig.meter.record.client_id;
    bool first = strcmp(client_id, "device-1") == 0, second = strcmp(client_id, "device-2") == 0;
    assert_true(first || second);
    assert_true(done < SECOND_RECORD || second);
    assert_true(done >= SECOND_RECORD - 1 || first);
}

/* After power came back the operator goes on where the device is. */
static void recover(void) {
    rig_clear(&rig);
    rig_boot(&rig);
    rig_run(&rig, 1000);
    assert_int_not_equal(rig.meter.keys.current, PSA_KEY_ID_NULL);
    if (rig.meter.block == NULL) {
        assert_true(done < FIRST_RECORD);
        rig_register(&rig);
        (void)provision("device-1", "device: registered");
    }
    assert_record();
    rig_await(&rig, "state=online", 600000);
    rig_clear(&rig);
    (void)measure(1, "state=online queued=0");
    rig_run(&rig, 1000000); /* rotations end, tokens are renewed */
    rig_clear(&rig);
    (void)measure(1, "state=online queued=0");
    assert_true(rig_stored_once(&rig));
    unsigned least = done >= MEASURED_AGAIN ? 7 : done >= MEASURED ? 5 : 2;
    assert_in_range(rig_stored(&rig), least, 7);
    assert_no_stray_key();
}

static void a_life_survives_a_power_cut_at_any_operation(void **state) {
    (void)state;
    uint64_t operations = live(0);
    unsigned cuts = 0;
    assert_int_equal(done, STEPS);
    rig_free(&rig);
    for (uint64_t cut = 1; cut <= operations; cut++, cuts++) {
        (void)live(cut);
        if (rig.dead) {
            recover();
        }
        rig_free(&rig);
    }
    print_message("meter: %u cuts in a life of %llu operations\n", cuts, (unsigned long long)operations);
}

static void assert_new(psa_key_id_t old, uint64_t epoch) {
    assert_true(rig_saw(&rig, "state=unprovisioned queued=0 sent=0"));
    assert_null(rig.meter.block);
    assert_true(rig.meter.life.epoch != epoch);
    assert_int_equal(rig.meter.life.boot_id, 1);
    assert_int_equal(rig.meter.keys.last, 1);
    assert_int_not_equal(old, 1);
    assert_int_equal(meter_keys_alg(old), 0);
}

/* All or nothing: before the mark of the reset is stored everything goes on, from then on nothing comes back. */
static void a_reset_survives_a_power_cut_at_any_operation(void **state) {
    (void)state;
    bool erased = false, whole = false;
    uint64_t cut = 0;
    while (!whole) {
        (void)live(0);
        assert_int_equal(done, STEPS);
        psa_key_id_t old = rig.meter.keys.current;
        uint64_t epoch = rig.meter.life.epoch;
        rig.network_up = false;
        rig_run(&rig, 10);
        rig_type(&rig, "measure 2\n");
        rig_run(&rig, 100);
        rig.cut_at = rig.operations + ++cut;
        rig_type(&rig, "reset erase\n");
        whole = !rig.dead;
        rig_clear(&rig);
        rig_boot(&rig);
        rig.network_up = true;
        rig_run(&rig, 10000);
        erased |= rig.meter.block == NULL;
        if (erased) {
            assert_new(old, epoch);
        } else {
            assert_true(rig_saw(&rig, "state=online queued=0 sent=7"));
        }
        rig_free(&rig);
    }
    assert_true(erased);
    print_message("meter: %llu cuts in a reset\n", (unsigned long long)cut - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life_survives_a_power_cut_at_any_operation),
        cmocka_unit_test(a_reset_survives_a_power_cut_at_any_operation),
    };
    return cmocka_run_group_tests(tests, rig_group, rig_group_end);
}
