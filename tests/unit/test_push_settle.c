/* SPDX-License-Identifier: Apache-2.0 */
/* What may have been stored is not looked for before a server that indexes late can find it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define SETTLE_MS 5000u
#define ITEMS 26u

static push_setup *world;
static uint64_t tried_ms[ITEMS]; /* when it was answered so that it may have been stored; 0: it was not */
static unsigned sequence, early, tries;
static uint64_t earliest_ms;

/* Most requests fail, in one way or another; a few of the failures can have stored nothing. */
static unsigned verdict(const char *json, size_t len) {
    static const unsigned statuses[] = {503, 403, 500, 0, 504, 429, 503, 502, 409, 503};
    const char *value = fake_find(json, len, "\"value\":\"");
    unsigned item = (unsigned)(value[9] - 'a');
    uint64_t now_ms = world->base.now.mono_ms;
    sequence = sequence * 1103515245u + 12345u;
    unsigned status = statuses[(sequence >> 16) % SBS_COUNT_OF(statuses)];
    tries++;
    if (tried_ms[item] != 0 && now_ms - tried_ms[item] < SETTLE_MS) {
        early++;
        earliest_ms = now_ms - tried_ms[item] < earliest_ms ? now_ms - tried_ms[item] : earliest_ms;
    }
    tried_ms[item] = status >= 500 ? now_ms : 0;
    return status;
}

static void nothing_is_looked_for_too_early(void **state) {
    push_setup *s = *state;
    world = s;
    for (unsigned run = 0; run < 400; run++) {
        push_setup_init(s);
        memset(tried_ms, 0, sizeof tried_ms);
        sequence = run;
        earliest_ms = SETTLE_MS;
        s->config.batch_max = run / 2 % 2 == 0 ? 1 : 4;
        s->base.fhir.verdict = verdict;
        unsigned count = 1 + run % ITEMS;
        for (unsigned i = 0; i < count; i++) {
            char text[2] = {(char)('a' + i), '\0'};
            ram_queue_add(&s->queue, run % 3 == 0 ? 1 : i, text, NOW);
        }
        (void)push_run(s, 4 * 3600000);
        if (early > 0) {
            fail_msg("run %u, %u items: %u of %u requests too early, %u ms after", run, count, early, tries,
                     (unsigned)earliest_ms);
        }
    }
    print_message("repeats: %u requests\n", tries);
}

static uint64_t stored_ms;

static void lose_the_second(const char *json, size_t len) {
    (void)json;
    (void)len;
    stored_ms = world->base.now.mono_ms;
    world->base.fhir.lost_answers = world->base.fhir.stored_count == 2;
    world->base.fhir.on_stored = world->base.fhir.stored_count == 2 ? NULL : lose_the_second;
}

/* A kept connection that ends without an answer is no sign that nothing was stored. */
static void nor_after_a_kept_connection_ended(void **state) {
    push_setup *s = *state;
    world = s;
    s->base.fhir.on_stored = lose_the_second;
    ram_queue_add(&s->queue, 1, "a", NOW);
    ram_queue_add(&s->queue, 1, "b", NOW);
    for (unsigned polls = 0; s->base.fhir.creates < 3 && polls < 1000; polls++) {
        sbs_wait until;
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &until), SBS_PENDING);
        s->base.now.mono_ms += s->base.fhir.creates < 3 ? until.timeout_ms : 0;
    }
    assert_true(s->base.now.mono_ms - stored_ms >= SETTLE_MS);
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
    assert_int_equal(s->base.fhir.stored_count, 2);
}

/* The power went just after a request was sent: its record waits, what was never sent before it does not. */
static void nor_after_a_restart(void **state) {
    push_setup *s = *state;
    static const struct {
        uint16_t batch, attempts;
        uint32_t tried_ms, waits_ms;
    } rows[] = {{1, 1, 0, 5000},    {4, 1, 0, 5000}, {1, 2, 0, 5000},       {4, 2, 0, 5000}, {1, 1, 2000, 3000},
                {4, 2, 2000, 3000}, {1, 1, 5000, 0}, {4, 2, UINT32_MAX, 0}, {1, 0, 0, 0},    {4, 0, UINT32_MAX, 0}};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->config.batch_max = rows[i].batch;
        s->config.tried_ms = rows[i].tried_ms;
        ram_queue_add(&s->queue, 1, "a", NOW);
        ram_queue_add(&s->queue, 2, "b", NOW);
        ram_queue_add(&s->queue, 3, "c", NOW);
        s->queue.items[1].item.attempts = rows[i].attempts;
        const uint64_t begun_ms = s->base.now.mono_ms;
        while (s->queue.items[0].fate == RAM_WAITING) {
            sbs_wait until;
            assert_int_equal(sbs_push_poll(&s->push, s->base.now, &until), SBS_PENDING);
            s->base.now.mono_ms += until.timeout_ms;
        }
        assert_int_equal(s->base.now.mono_ms, begun_ms);
        assert_int_equal(push_run(s, 3600000), SBS_OK);
        assert_int_equal(s->base.now.mono_ms - begun_ms, rows[i].waits_ms);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 3);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(nothing_is_looked_for_too_early),
        PUSH_CASE(nor_after_a_kept_connection_ended),
        PUSH_CASE(nor_after_a_restart),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
