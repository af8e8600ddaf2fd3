/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine over a queue on SQLite whose disk fails for a moment, in the middle of a group of writes. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sqlite_rig.h"
#include "test.h"

static int set_up(void **state) {
    return rig_set_up(state) != 0 || push_set_up(state) != 0;
}

static unsigned left;  /* resources that the server stores until the disk fails once; 0: it does not */
static bool in_group;  /* it fails within the group of writes, and not as that is opened */
static unsigned steps; /* so many steps of SQLite's machine after that */
static unsigned faults;

static int break_off(void *ctx) {
    (void)ctx;
    if (faults == 0 || sqlite3_get_autocommit(rig.queue.priv.db) != 0 || rig.queue.priv.grouped != in_group) {
        return 0;
    }
    if (steps > 0) {
        steps--;
        return 0;
    }
    faults = 0;
    return 1;
}

static void note_stored(const char *json, size_t len) {
    (void)json;
    (void)len;
    if (left > 0 && --left == 0) {
        faults = 1;
        sqlite3_progress_handler(rig.queue.priv.db, 1, break_off, NULL);
    }
}

static void begin(void **state, unsigned variant, unsigned at) {
    push_setup *s = *state;
    (void)rig_tear_down(state);
    (void)rig_set_up(state);
    *state = s;
    push_setup_init(s);
    s->config.queue = &rig.port;
    s->config.batch_max = variant % 2 == 0 ? 1 : 8;
    s->mode = variant / 2 % 2 == 0 ? SBS_WRITE_PUT : SBS_WRITE_IF_NONE_EXIST;
    s->base.fhir.on_stored = note_stored;
    left = 1 + variant / 4 % 2;
    in_group = variant / 8 == 0;
    steps = at;
    for (const char *text = "a\0b\0c\0"; *text != '\0'; text += 2) {
        (void)rig_append(text);
    }
}

/* Wherever it fails, the polls after it go on, and no group is left open. */
static void a_disk_that_fails_once_stops_nobody(void **state) {
    push_setup *s = *state;
    unsigned failed = 0;
    for (unsigned run = 0; run < 16 * 16; run++) {
        unsigned errors = 0;
        begin(state, run % 16, run / 16 * 16);
        sbs_status status = SBS_PENDING;
        for (unsigned polls = 0; status != SBS_OK && errors < 4 && polls < 20000; polls++) {
            sbs_wait until;
            status = sbs_push_poll(&s->push, s->base.now, &until);
            s->base.now.mono_ms += until.timeout_ms < 1000 ? until.timeout_ms : 1000;
            errors += status < SBS_OK;
            assert_true(status >= SBS_OK || sbs_push_is_durable(&s->push));
        }

        if (errors > 1 || rig_counters().delivered != 3 || s->base.fhir.stored_count != 3) {
            fail_msg("run %u: %u errors, %u delivered, %u stored", run, errors, (unsigned)rig_counters().delivered,
                     s->base.fhir.stored_count);
        }
        failed += errors;
    }
    assert_true(failed > 50);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_disk_that_fails_once_stops_nobody, set_up, rig_tear_down),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
