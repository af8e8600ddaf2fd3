/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine: what becomes of items, whatever the server says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000

static void add(push_setup *s, uint32_t lane, const char *text) {
    ram_queue_add(&s->queue, lane, text, NOW);
}

static void assert_all_delivered(push_setup *s, const char *order) {
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), s->queue.count);
    if (order != NULL) {
        assert_string_equal(s->order, order);
    }
    for (unsigned i = 0; i < s->queue.count; i++) {
        char text[RAM_QUEUE_BYTES + 1] = "";
        memcpy(text, s->queue.items[i].data, s->queue.items[i].item.len);
        assert_int_equal(push_stored(s, text), 1);
    }
}

static void items_are_delivered_in_every_mode(void **state) {
    push_setup *s = *state;
    for (int mode = 0; mode < 4; mode++) {
        push_setup_init(s);
        s->mode = mode % 2 == 0 ? SBS_WRITE_IF_NONE_EXIST : SBS_WRITE_PUT;
        s->config.batch_max = mode < 2 ? 1 : 3;
        for (const char *text = "a\0b\0c\0d\0e\0"; *text != '\0'; text += 2) {
            add(s, 1, text);
        }
        assert_all_delivered(s, "a b c d e ");
        assert_int_equal(s->base.fhir.bundles, mode < 2 ? 0 : 2);
        assert_int_equal(s->events[SBS_PUSH_DELIVERED], 5);
    }
}

static void a_plain_create_carries_no_search(void **state) {
    push_setup *s = *state;
    s->mode = SBS_WRITE_PLAIN;
    add(s, 1, "a");
    assert_int_equal(push_run(s, 1000), SBS_OK);
    assert_int_equal(fake_fhir_count(&s->base.fhir, "plain"), 1);
}

static unsigned by_first_letter(const char *json, size_t len) {
    const char *value = fake_find(json, len, "\"value\":\"");
    switch (value[9]) {
    case 'P': /* poison */
        return 422;
    case 'S': /* sick: the server stumbles over it */
        return 500;
    case 'C':
        return 409;
    case 'M':
        return 412;
    default:
        return 0;
    }
}

static void a_refused_item_is_set_aside_and_others_go_on(void **state) {
    push_setup *s = *state;
    for (unsigned batch = 1; batch <= 4; batch += 3) {
        push_setup_init(s);
        s->base.fhir.verdict = by_first_letter;
        s->config.batch_max = (uint16_t)batch;
        add(s, 1, "a");
        add(s, 1, "Poison");
        add(s, 1, "Many");
        add(s, 1, "b");
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_string_equal(s->order, "a b ");
        assert_int_equal(s->queue.items[1].fate, RAM_DEAD);
        assert_string_equal(s->queue.items[1].reason, "refused");
        assert_string_equal(s->queue.items[2].reason, "several match");
        assert_int_equal(s->events[SBS_PUSH_DEAD], 2);
    }
}

/* One item makes the server stumble; it is dead once others were stored between its failures, and blocks nobody. */
static void an_item_that_makes_the_server_stumble_dies_alone(void **state) {
    push_setup *s = *state;
    for (unsigned lanes = 1; lanes <= 2; lanes++) {
        push_setup_init(s);
        s->base.fhir.verdict = by_first_letter;
        add(s, 1, "Sick");
        for (unsigned i = 0; i < 12; i++) {
            char text[8];
            snprintf(text, sizeof text, "i%02u", i);
            add(s, lanes, text);
        }
        for (unsigned round = 0; round < 40 && s->queue.items[0].fate == RAM_WAITING; round++) {
            char text[8];
            assert_in_range(push_run(s, 600000), SBS_OK, SBS_PENDING);
            snprintf(text, sizeof text, "j%02u", round);
            add(s, lanes, text);
        }
        assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
        assert_string_equal(s->queue.items[0].reason, "fails while others are stored");
        assert_int_equal(push_run(s, 600000), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), s->queue.count - 1);
    }
}

static void conflicts_are_retried_a_few_times(void **state) {
    push_setup *s = *state;
    s->base.fhir.verdict = by_first_letter;
    add(s, 1, "Conflict");
    add(s, 2, "a");
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
    assert_in_range(s->queue.items[0].item.attempts, 3, 10);
}

static void a_server_that_fails_for_an_hour_costs_nothing(void **state) {
    push_setup *s = *state;
    for (unsigned batch = 1; batch <= 3; batch += 2) {
        push_setup_init(s);
        s->config.batch_max = (uint16_t)batch;
        for (uint32_t lane = 1; lane <= 12; lane++) {
            char text[8];
            snprintf(text, sizeof text, "l%02u", (unsigned)lane);
            add(s, lane, text);
        }
        s->base.fhir.fhir_status = 500;
        s->base.fhir.fhir_times = 100000;
        assert_int_equal(push_run(s, 3600000), SBS_PENDING);
        assert_int_equal(ram_queue_count(&s->queue, RAM_WAITING), 12);
        assert_true(s->base.fhir.creates + s->base.fhir.bundles < 200); /* it is not hammered */
        s->base.fhir.fhir_times = 0;
        s->base.fhir.fhir_status = 0;
        s->order[0] = '\0'; /* who goes first is of no matter: each has a lane of its own */
        assert_all_delivered(s, NULL);
    }
}

static void what_was_stored_before_the_failure_is_found_again(void **state) {
    push_setup *s = *state;
    for (unsigned batch = 1; batch <= 3; batch += 2) {
        push_setup_init(s);
        s->config.batch_max = (uint16_t)batch;
        s->base.fhir.fhir_status = 500;
        s->base.fhir.store_first = true;
        add(s, 1, "a");
        add(s, 1, "b");
        assert_all_delivered(s, "a b ");
        assert_true(s->events[SBS_PUSH_ALREADY] >= 1);
        assert_true(s->base.now.mono_ms > 1000); /* servers that index late get a moment */
    }
}

static void already_there_at_the_first_attempt_is_a_collision(void **state) {
    push_setup *s = *state;
    add(s, 1, "a");
    add(s, 1, "b");
    assert_int_equal(fake_fhir_store(&s->base.fhir, "identifier=urn%3Am%7Ca", true, "", 0), 201);
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
    assert_string_equal(s->queue.items[0].reason, "already there at the first attempt");
    assert_int_equal(s->events[SBS_PUSH_COLLISION], 1);
    assert_string_equal(s->order, "b ");
}

static void what_an_operator_must_mend_pauses_and_goes_on_by_itself(void **state) {
    push_setup *s = *state;
    static const unsigned codes[] = {403, 404, 401};
    for (size_t i = 0; i < SBS_COUNT_OF(codes); i++) {
        push_setup_init(s);
        add(s, 1, "a");
        s->base.fhir.fhir_status = codes[i];
        s->base.fhir.fhir_times = 6;
        assert_all_delivered(s, "a ");
        assert_true(s->events[SBS_PUSH_PAUSED] >= 3);
        assert_int_equal(s->last[SBS_PUSH_PAUSED].http_status, codes[i]);
        assert_int_equal(s->last[SBS_PUSH_PAUSED].id, 1);
        assert_true(s->last[SBS_PUSH_PAUSED].wait_ms > 0);
    }
}

/* What fails on the way to a token says nothing of the item that waits for it. */
static void no_item_is_blamed_for_discovery_or_the_token(void **state) {
    push_setup *s = *state;
    static const char *const discoveries[] = {"<html>", "{}", "{\"token_endpoint\":\"http://auth.example/token\"}",
                                              "{\"token_endpoint\":\"nonsense://\"}"};
    for (size_t i = 0; i < SBS_COUNT_OF(discoveries); i++) {
        push_setup_init(s);
        add(s, 1, "a");
        s->base.fhir.discovery_body = discoveries[i];
        assert_int_equal(push_run(s, 3600000), SBS_PENDING);
        assert_int_equal(s->queue.items[0].fate, RAM_WAITING);
        s->base.fhir.discovery_body = NULL;
        assert_all_delivered(s, "a ");
    }
    push_setup_init(s);
    for (unsigned round = 0; round < 12; round++) { /* each time one item goes, then the token endpoint stumbles */
        char text[8];
        snprintf(text, sizeof text, "i%02u", round);
        add(s, 1 + round % 2, text);
        sbs_client_drop_token(&s->base.client);
        s->base.fhir.token_status = 503;
        s->base.fhir.token_times = 1;
        assert_int_equal(push_run(s, 3600000), SBS_OK);
        assert_int_equal(s->events[SBS_PUSH_DEFERRED], 0);
    }
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 12);
}

static void a_client_in_use_by_somebody_else_is_waited_for(void **state) {
    push_setup *s = *state;
    sbs_request request = {.interaction = SBS_TOKEN};
    add(s, 1, "a");
    assert_int_equal(sbs_client_start(&s->base.client, &request), SBS_OK);
    assert_int_equal(push_run(s, 1000), SBS_PENDING);
    assert_int_equal(s->queue.items[0].fate, RAM_WAITING);
    sbs_client_cancel(&s->base.client);
    assert_all_delivered(s, "a ");
}

/* Two conflicts of one lane in one Bundle: the later one must not be looked at again and again while it waits for the
 * earlier one. */
static void an_item_behind_one_that_waits_costs_no_polls(void **state) {
    push_setup *s = *state;
    for (unsigned i = 0; i < 40; i++) {
        push_setup_init(s);
        s->base.fhir.verdict = by_first_letter;
        s->config.batch_max = 4;
        s->config.backoff = (sbs_backoff){60000, 60000};
        add(s, 1, "Conflict");
        add(s, 1, "Conflict too");
        assert_int_equal(push_run(s, 3600000), SBS_OK); /* it ends only if the clock moves */
        assert_int_equal(ram_queue_count(&s->queue, RAM_DEAD), 2);
    }
}

static fake_server *crashing;

/* The server's process dies of some items, and answers nothing. */
static unsigned crash_by_first_letter(const char *json, size_t len) {
    const char *value = fake_find(json, len, "\"value\":\"");
    crashing->broken = crashing->broken || value[9] == 'X';
    return crashing->broken ? 500 : 0;
}

/* Nobody can tell such an item from a bad network: it is kept, and the others pass it, its own lane too. */
static void an_item_that_never_gets_an_answer_blocks_nobody(void **state) {
    push_setup *s = *state;
    for (uint32_t turn = 0; turn < 4; turn++) {
        uint32_t lanes = turn % 2 + 1;
        push_setup_init(s);
        s->config.batch_max = turn < 2 ? 1 : 3;
        crashing = &s->base.fhir.server;
        s->base.fhir.verdict = crash_by_first_letter;
        add(s, 1, "X");
        add(s, lanes, "a");
        add(s, 1, "b");
        assert_int_equal(push_run(s, 7200000), SBS_PENDING);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
        for (char text[2] = "c"; text[0] <= 'p'; text[0]++) {
            add(s, lanes, text);
            assert_int_equal(push_run(s, 600000), SBS_PENDING);
        }
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 16);
        assert_int_equal(s->queue.items[0].fate, RAM_WAITING);
        s->base.fhir.verdict = NULL;
        assert_int_equal(push_run(s, 3600000), SBS_OK);
        assert_int_equal(push_stored(s, "X"), 1);
    }
}

static void waking_ends_a_pause(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    add(s, 1, "a");
    s->base.fhir.fhir_status = 403;
    s->config.pause = (sbs_backoff){3600000, 3600000};
    while (s->events[SBS_PUSH_PAUSED] == 0) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    sbs_push_wake(&s->push);
    uint64_t before_ms = s->base.now.mono_ms;
    assert_int_equal(push_run(s, 1000), SBS_OK);
    assert_int_equal(s->base.now.mono_ms, before_ms);
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK);
    assert_int_equal(wait.timeout_ms, SBS_WAIT_FOREVER);
}

static void a_rate_limit_is_obeyed(void **state) {
    push_setup *s = *state;
    add(s, 1, "a");
    s->base.fhir.fhir_status = 429;
    s->base.fhir.fields = "Retry-After: 120\r\n";
    uint64_t begin_ms = s->base.now.mono_ms;
    assert_all_delivered(s, "a ");
    assert_in_range(s->base.now.mono_ms - begin_ms, 120000, 121000);
    assert_int_equal(s->events[SBS_PUSH_WAITING], 1);
}

static void an_item_that_cannot_be_encoded_is_set_aside(void **state) {
    push_setup *s = *state;
    char big[41];
    memset(big, 'x', 40);
    big[40] = '\0';
    s->config.item_size = 39;
    add(s, 1, "!");
    add(s, 1, big);
    add(s, 1, "a");
    s->queue.items[2].damaged = true;
    add(s, 1, "b");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "b ");
    assert_int_equal(s->events[SBS_PUSH_DEAD], 3);
    assert_int_equal(s->last[SBS_PUSH_DEAD].status, SBS_ERR_DAMAGED);
}

static void a_full_body_ends_the_batch(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 8;
    s->config.body_size = 400; /* two entries */
    for (const char *text = "a\0b\0c\0d\0e\0"; *text != '\0'; text += 2) {
        add(s, 1, text);
    }
    assert_all_delivered(s, "a b c d e ");
    assert_in_range(s->base.fhir.bundles, 3, 5);
}

static void a_refused_bundle_goes_item_by_item(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 8;
    s->base.fhir.fhir_status = 400;
    add(s, 1, "a");
    add(s, 1, "b");
    assert_all_delivered(s, "a b ");
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(s->base.fhir.creates, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(items_are_delivered_in_every_mode),
        PUSH_CASE(a_plain_create_carries_no_search),
        PUSH_CASE(a_refused_item_is_set_aside_and_others_go_on),
        PUSH_CASE(an_item_that_makes_the_server_stumble_dies_alone),
        PUSH_CASE(conflicts_are_retried_a_few_times),
        PUSH_CASE(a_server_that_fails_for_an_hour_costs_nothing),
        PUSH_CASE(what_was_stored_before_the_failure_is_found_again),
        PUSH_CASE(already_there_at_the_first_attempt_is_a_collision),
        PUSH_CASE(what_an_operator_must_mend_pauses_and_goes_on_by_itself),
        PUSH_CASE(no_item_is_blamed_for_discovery_or_the_token),
        PUSH_CASE(a_client_in_use_by_somebody_else_is_waited_for),
        PUSH_CASE(an_item_behind_one_that_waits_costs_no_polls),
        PUSH_CASE(an_item_that_never_gets_an_answer_blocks_nobody),
        PUSH_CASE(waking_ends_a_pause),
        PUSH_CASE(a_rate_limit_is_obeyed),
        PUSH_CASE(an_item_that_cannot_be_encoded_is_set_aside),
        PUSH_CASE(a_full_body_ends_the_batch),
        PUSH_CASE(a_refused_bundle_goes_item_by_item),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
