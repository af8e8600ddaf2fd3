/* SPDX-License-Identifier: Apache-2.0 */
/* How many items go together: memory for more of them is lent, and a refused Bundle goes in halves. */
#include <stdio.h>
#include <string.h>

#include "push_setup.h"
#include "test.h"

#define NOW 1700000000
#define ROOM 64u

static sbs_push_sent places[ROOM];
static uint32_t unstored[ROOM];
static char body[16384];
static unsigned most; /* items that the server takes in one Bundle */
static unsigned told_ok, told_refused, largest;
static bool halves;

static bool told(void *ctx, const sbs_push_batch_report *report) {
    (void)ctx;
    told_ok += report->status == SBS_OK;
    told_refused += report->status != SBS_OK;
    if (report->count > largest) {
        largest = report->count;
    }
    assert_true(report->bytes > report->count);
    return halves;
}

static unsigned count_items(const char *json, size_t len) {
    unsigned found = 0;
    for (size_t i = 0; i + 12 <= len; i++) {
        found += memcmp(json + i, "\"request\":{\"", 12) == 0;
    }
    return found;
}

static unsigned no_more_than_most(const char *json, size_t len) {
    return count_items(json, len) > most ? 413 : 0;
}

/* One bad item, and the Bundle is refused as a whole. */
static unsigned none_with_an_x(const char *json, size_t len) {
    return fake_find(json, len, "\"X") != NULL ? 400 : 0;
}

static unsigned x_alone(const char *json, size_t len) {
    return none_with_an_x(json, len) != 0 ? 422 : 0;
}

static void begin(push_setup *s, unsigned count, unsigned bad) {
    push_setup_init(s);
    s->config.sent = places;
    s->config.unstored = unstored;
    s->config.sent_count = ROOM;
    s->config.body = body;
    s->config.body_size = sizeof body;
    s->config.batch_max = ROOM;
    s->config.batch_told = told;
    s->mode = SBS_WRITE_PUT;
    halves = true;
    told_ok = told_refused = largest = 0;
    memset(unstored, 0, sizeof unstored);
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%c%u", i == bad ? 'X' : 'a', i);
        ram_queue_add(&s->queue, 1, text, NOW);
    }
}

static void more_go_together_than_the_engine_has_room_for(void **state) {
    push_setup *s = *state;
    begin(s, 40, UINT32_MAX);
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 40);
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(largest, 40);
    assert_int_equal(told_ok, 1);
    s->config.batch_max = ROOM + 1;
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_ERR_ARGUMENT);
}

static void a_bundle_that_is_too_large_goes_in_halves(void **state) {
    push_setup *s = *state;
    begin(s, 40, UINT32_MAX);
    most = 10;
    s->base.fhir.verdict_of_all = no_more_than_most;
    uint64_t before = s->base.now.mono_ms;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 40);
    assert_int_equal(s->base.fhir.updates, 0); /* none went alone */
    assert_in_range(s->base.fhir.bundles, 4, 12);
    assert_in_range(s->base.now.mono_ms - before, 0, 1000); /* and nothing was waited for */
}

/* The place of the bad one makes no difference: it is found in some 2 log n requests. */
static void a_bad_item_is_found_by_halves(void **state) {
    push_setup *s = *state;
    for (unsigned bad = 0; bad < 40; bad++) {
        begin(s, 40, bad);
        s->base.fhir.verdict_of_all = none_with_an_x;
        s->base.fhir.verdict = x_alone;
        assert_int_equal(push_run(s, 3600000), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 39);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DEAD), 1);
        assert_in_range(s->base.fhir.bundles + s->base.fhir.updates, 2, 20);
        assert_int_equal(s->events[SBS_PUSH_DELIVERED], 39); /* each as for the first time: nothing was there */
    }
}

static void one_by_one_if_the_program_says_so(void **state) {
    push_setup *s = *state;
    begin(s, 20, UINT32_MAX);
    halves = false;
    s->base.fhir.fhir_status = 404;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(s->base.fhir.updates, 20);
    assert_int_equal(told_refused, 1);
}

/* What may be stored is not sent again before a server finds it: halves would have to wait once for each. */
static void what_may_be_stored_goes_one_by_one(void **state) {
    push_setup *s = *state;
    begin(s, 20, UINT32_MAX);
    s->base.fhir.fhir_status = 500;
    s->base.fhir.store_first = true;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 20);
    assert_int_equal(s->events[SBS_PUSH_COLLISION], 0);
}

static void the_number_may_change_while_it_runs(void **state) {
    push_setup *s = *state;
    begin(s, 40, UINT32_MAX);
    s->config.batch_max = 1;
    for (unsigned i = 0; i < 40 && s->base.fhir.updates < 4; i++) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    s->config.batch_max = 18;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 40);
    assert_int_equal(s->base.fhir.bundles, 2 + (s->base.fhir.updates < 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(more_go_together_than_the_engine_has_room_for),
        PUSH_CASE(a_bundle_that_is_too_large_goes_in_halves),
        PUSH_CASE(a_bad_item_is_found_by_halves),
        PUSH_CASE(one_by_one_if_the_program_says_so),
        PUSH_CASE(what_may_be_stored_goes_one_by_one),
        PUSH_CASE(the_number_may_change_while_it_runs),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
