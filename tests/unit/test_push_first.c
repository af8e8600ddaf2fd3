/* SPDX-License-Identifier: Apache-2.0 */
/* What was sent and cannot be stored is sent again as if for the first time: it replaces nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define HOUR_MS 3600000u
#define NOW 1700000000

/* Another's resource stands where the item is to go: the fake server replaces it, whatever the condition says. */
static void put_before(push_setup *s, const char *text) {
    char key[80];
    char id[SBS_DERIVED_ID_LEN];
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:m"), sbs_text_of(text), (sbs_text){NULL, 0}, id), SBS_OK);
    snprintf(key, sizeof key, "/r4/Observation/%.*s", (int)sizeof id, id);
    assert_int_equal(fake_fhir_store(&s->base.fhir, key, true, "", 0), 201);
}

static void begin(push_setup *s, uint16_t batch) {
    push_setup_abc(s, batch);
    s->mode = SBS_WRITE_PUT;
}

/* One poll, and the wait after it. */
static void step(push_setup *s) {
    const sbs_push_event *event = sbs_push_event_of(&s->push);
    sbs_wait wait;
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    s->base.now.mono_ms += wait.timeout_ms;
    s->events[event->kind]++;
    s->last[event->kind] = *event;
}

static void run_until(push_setup *s, sbs_push_event_kind kind) {
    for (unsigned polls = 0; s->events[kind] == 0; polls++) {
        assert_true(polls < 10000);
        step(s);
    }
}

static void assert_replaced(push_setup *s, unsigned count) {
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->events[SBS_PUSH_REPLACED], count);
    assert_int_equal(s->events[SBS_PUSH_ALREADY], 1 - count);
    assert_int_equal(s->events[SBS_PUSH_DELIVERED], 2);
}

/* "Replaced" tells that the condition was there: without it the same answer reads "already". */
static void a_batch_that_was_refused_whole_replaces_nothing(void **state) {
    push_setup *s = *state;
    static const unsigned statuses[] = {429, 403, 401, 413, 400, 503, 500, 408};
    for (unsigned times = 1; times <= 2; times++) {
        for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
            begin(s, 4);
            s->base.fhir.fhir_status = statuses[i];
            bool dead = sbs_http_meaning_of(statuses[i]).fault == SBS_FAULT_ITEM;
            s->base.fhir.fhir_times = dead ? 1 : times; /* the second is for an item that goes alone */
            put_before(s, "b");
            assert_replaced(s, sbs_http_meaning_of(statuses[i]).may_be_stored ? 0 : 1);
        }
    }
}

static void nor_does_one_that_cannot_wait_on_its_own(void **state) {
    push_setup *s = *state;
    static sbs_push_deferred place;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        begin(s, batch);
        s->config.deferred = &place;
        s->config.deferred_count = 1;
        assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
        s->queue.items[1].item.meta.lane = 2;
        s->base.fhir.fhir_status = 403;
        s->base.fhir.fhir_times = 4;
        put_before(s, "b");
        assert_replaced(s, 1);
        assert_true(s->queue.items[1].item.attempts > 1);
    }
}

/* The server refuses the token together with the item, and gives no other for a while. */
static void nor_does_one_whose_token_was_refused(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        begin(s, batch);
        s->base.fhir.one_use = true;
        sbs_request request = {.interaction = SBS_READ, .target = SBS_TEXT("Observation")};
        assert_int_equal(fake_run(&s->base, &request), SBS_OK); /* the token is spent */
        s->base.fhir.token_status = 400;
        s->base.fhir.token_error = "{\"error\":\"invalid_client\"}";
        s->base.fhir.token_times = 2;
        run_until(s, SBS_PUSH_PAUSED);
        s->base.fhir.one_use = s->base.fhir.spent = false;
        assert_int_equal(s->queue.items[0].item.attempts, 1);
        put_before(s, "a");
        assert_replaced(s, 1);
    }
}

/* The marks of the others stand, and nothing was sent. */
static void nor_does_a_batch_of_which_one_is_gone(void **state) {
    push_setup *s = *state;
    for (unsigned grouping = 0; grouping < 2; grouping++) {
        begin(s, 4);
        if (grouping == 1) {
            ram_queue_group(&s->queue);
        }
        ram_queue_add(&s->queue, 1, "d", NOW);
        while (s->base.fhir.tokens == 0) {
            step(s);
        }
        s->queue.items[3].fate = RAM_DEAD;
        put_before(s, "b");
        assert_replaced(s, 1);
        assert_int_equal(s->base.fhir.bundles, 1);
    }
}

/* A request that was given up may have been stored. */
static void but_what_was_given_up_on_its_way_may_be_there(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        begin(s, batch);
        s->base.fhir.fhir_status = 403;
        while (s->queue.items[0].item.attempts < 2) {
            step(s);
        }
        sbs_push_cancel(&s->push);
        put_before(s, "a");
        assert_replaced(s, 0);
    }
}

/* Its own status, not that of the token which came before. */
static void what_was_not_sent_has_no_status(void **state) {
    push_setup *s = *state;
    begin(s, 1);
    s->base.fhir.close_each = true;
    while (s->base.fhir.tokens == 0) {
        step(s);
    }
    s->base.fhir.server.open_fails = SBS_ERR_NETWORK;
    run_until(s, SBS_PUSH_WAITING);
    assert_int_equal(s->last[SBS_PUSH_WAITING].http_status, 0);

    push_setup_init(s);
    ram_queue_add(&s->queue, 1, "Task", NOW); /* whose type the scope lacks */
    run_until(s, SBS_PUSH_DEFERRED);
    assert_int_equal(s->last[SBS_PUSH_DEFERRED].status, SBS_ERR_SCOPE);
    assert_int_equal(s->last[SBS_PUSH_DEFERRED].http_status, 0);
}

/* What a server found and shows is compared with what was looked for also where "already there" is good enough: the
 * item goes alone, where the client compares. */
static void what_was_found_for_the_first_time_is_compared(void **state) {
    push_setup *s = *state;
    push_setup_init(s);
    s->mode = SBS_WRITE_IF_NONE_EXIST;
    s->config.batch_max = 4;
    s->config.already_there = SBS_ALREADY_ACCEPT;
    s->base.fhir.bundle_answer =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"response\":{\"status\":\"200\"},"
        "\"resource\":{\"resourceType\":\"Observation\",\"id\":\"9\",\"identifier\":[{\"system\":\"urn:m\","
        "\"value\":\"another\"}]}}]}";
    ram_queue_add(&s->queue, 1, "a", NOW);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(push_stored(s, "a"), 1);
    assert_int_equal(s->events[SBS_PUSH_DELIVERED], 1);
    assert_int_equal(s->events[SBS_PUSH_ALREADY], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(a_batch_that_was_refused_whole_replaces_nothing),
        PUSH_CASE(nor_does_one_that_cannot_wait_on_its_own),
        PUSH_CASE(nor_does_one_whose_token_was_refused),
        PUSH_CASE(nor_does_a_batch_of_which_one_is_gone),
        PUSH_CASE(but_what_was_given_up_on_its_way_may_be_there),
        PUSH_CASE(what_was_not_sent_has_no_status),
        PUSH_CASE(what_was_found_for_the_first_time_is_compared),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
