/* SPDX-License-Identifier: Apache-2.0 */
/* What a server says of itself, and what the push engine makes of it: ids, tokens, rights. */
#include <stdio.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define HOUR_MS 3600000u
#define ANSWER(entries) "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[" entries "]}"
#define CREATED(where) "{\"response\":{\"status\":\"201\",\"location\":\"" where "\"}}"

static void add(push_setup *s, uint32_t lane, const char *text) {
    ram_queue_add(&s->queue, lane, text, NOW);
}

/* Polls until something is told. */
static const sbs_push_event *next_event(push_setup *s) {
    const sbs_push_event *event = sbs_push_event_of(&s->push);
    for (unsigned polls = 0; polls < 10000; polls++) {
        sbs_wait wait;
        sbs_status status = sbs_push_poll(&s->push, s->base.now, &wait);
        assert_in_range(status, SBS_OK, SBS_PENDING);
        if (event->kind != SBS_PUSH_NOTHING) {
            return event;
        }
        s->base.now.mono_ms += wait.timeout_ms;
    }
    fail_msg("nothing is told");
    return event;
}

/* ---- ids --------------------------------------------------------------------------------------------------------- */

/* It may call what it created as it likes: that is no answer in another order. */
static void a_server_that_gives_ids_itself_is_believed(void **state) {
    push_setup *s = *state;
    s->mode = SBS_WRITE_PUT;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer = ANSWER(CREATED("Observation/s1") "," CREATED("Observation/s2"));
    add(s, 1, "a");
    add(s, 2, "c");
    const sbs_push_event *event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_DELIVERED);
    assert_string_equal(event->server_id, "s1");
    event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_DELIVERED);
    assert_string_equal(event->server_id, "s2");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(s->base.fhir.updates, 0);
}

static void id_of(const char *text, char out[SBS_DERIVED_ID_LEN + 1]) {
    out[SBS_DERIVED_ID_LEN] = '\0';
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:m"), sbs_text_of(text), (sbs_text){NULL, 0}, out), SBS_OK);
}

/* The ids are ours, and stand at other places: nothing is settled by place. */
static void an_answer_in_another_order_settles_nothing(void **state) {
    push_setup *s = *state;
    char a[SBS_DERIVED_ID_LEN + 1], c[SBS_DERIVED_ID_LEN + 1];
    char said[512];
    id_of("a", a);
    id_of("c", c);
    snprintf(said, sizeof said, ANSWER(CREATED("Observation/%s") "," CREATED("Observation/%s")), c, a);
    s->mode = SBS_WRITE_PUT;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer = said;
    add(s, 1, "a");
    add(s, 2, "c");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->base.fhir.updates, 2);
    assert_int_equal(push_stored(s, "a") + push_stored(s, "c"), 2);
}

/* The same among later ones, where the first might be an id that the server gave itself. */
static void later_answers_in_another_order_settle_nothing(void **state) {
    push_setup *s = *state;
    char b[SBS_DERIVED_ID_LEN + 1], c[SBS_DERIVED_ID_LEN + 1];
    char said[512];
    id_of("b", b);
    id_of("c", c);
    snprintf(said, sizeof said,
             ANSWER(CREATED("Observation/s1") "," CREATED("Observation/%s") "," CREATED("Observation/%s")), c, b);
    s->mode = SBS_WRITE_PUT;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer = said;
    add(s, 1, "a");
    add(s, 2, "b");
    add(s, 3, "c");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->base.fhir.updates, 3);
    assert_int_equal(push_stored(s, "a") + push_stored(s, "b") + push_stored(s, "c"), 3);
}

static void a_mixed_answer_to_a_batch_is_called_so(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer = ANSWER("{\"response\":{\"status\":\"201\"}},{\"response\":{\"status\":\"404\"}}");
    add(s, 1, "a");
    add(s, 2, "c");
    const sbs_push_event *event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_WAITING);
    assert_string_equal(event->words, "some entries failed: its items go one by one");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
}

/* A server that gives the whole the status of an entry: what it stored is no dead letter. */
static void a_batch_that_is_refused_entry_by_entry_may_be_stored(void **state) {
    push_setup *s = *state;
    s->mode = SBS_WRITE_PUT;
    s->config.batch_max = 4;
    s->base.fhir.fhir_status = 400;
    s->base.fhir.fhir_body = ANSWER(CREATED("Observation/s1") ",{\"response\":{\"status\":\"400\"}}");
    s->base.fhir.store_first = true;
    add(s, 1, "a");
    add(s, 2, "c");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->base.fhir.bundles, 1);
    assert_int_equal(s->events[SBS_PUSH_DEAD] + s->events[SBS_PUSH_COLLISION] + s->events[SBS_PUSH_REPLACED], 0);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
}

/* ---- words about tokens and rights --------------------------------------------------------------------------------
 */

#define REFUSED_FOR(code)                                                                                              \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"" code "\"}]}"

/* A gateway that refuses every token for an hour: no item is to blame. */
static void what_is_said_of_a_token_or_of_rights_costs_no_item(void **state) {
    push_setup *s = *state;
    static const char *const bodies[] = {"{\"error\":\"invalid_token\"}", REFUSED_FOR("security"),
                                         REFUSED_FOR("login")};
    for (size_t i = 0; i < SBS_COUNT_OF(bodies); i++) {
        push_setup_init(s);
        for (char text[] = "a"; text[0] <= 'j'; text[0]++) {
            add(s, (uint32_t)text[0], text);
        }
        s->base.fhir.fhir_status = 400;
        s->base.fhir.fhir_times = 1000;
        s->base.fhir.fhir_body = bodies[i];
        assert_int_equal(push_run(s, HOUR_MS), SBS_PENDING);
        assert_int_equal(s->events[SBS_PUSH_DEAD], 0);
        assert_true(s->events[SBS_PUSH_PAUSED] > 0);
        s->base.fhir.fhir_times = s->base.fhir.fhir_status = 0;
        assert_int_equal(push_run(s, 3 * HOUR_MS), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 10);
    }
}

static void an_entry_that_speaks_of_rights_waits(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer = ANSWER("{\"response\":{\"status\":\"422\",\"outcome\":" REFUSED_FOR("forbidden") "}}");
    add(s, 1, "a");
    const sbs_push_event *event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_DEFERRED);
    assert_int_equal(event->http_status, 422);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(a_server_that_gives_ids_itself_is_believed),
        PUSH_CASE(what_is_said_of_a_token_or_of_rights_costs_no_item),
        PUSH_CASE(an_entry_that_speaks_of_rights_waits),
        PUSH_CASE(a_mixed_answer_to_a_batch_is_called_so),
        PUSH_CASE(a_batch_that_is_refused_entry_by_entry_may_be_stored),
        PUSH_CASE(an_answer_in_another_order_settles_nothing),
        PUSH_CASE(later_answers_in_another_order_settle_nothing),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
