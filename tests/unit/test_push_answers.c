/* SPDX-License-Identifier: Apache-2.0 */
/* What the push engine asks for and what it makes of each answer: first attempts that replace nothing, ids and ways of
 * writing, restarts, groups of the queue's writes, and the waits of a server that takes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define HOUR_MS 3600000u

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

static bool asked_for_none(const push_setup *s) {
    char value[16];
    return fake_field(s->base.fhir.last, s->base.fhir.last_len, "If-None-Match", value, sizeof value) &&
           strcmp(value, "*") == 0;
}

static unsigned always;

static unsigned say_always(const char *json, size_t len) {
    (void)json;
    (void)len;
    return always;
}

static void fail_once(push_setup *s, unsigned status) {
    s->base.fhir.fhir_status = status;
    s->base.fhir.fhir_times = 1;
}

/* ---- first attempts ---------------------------------------------------------------------------------------------- */

static void a_first_put_replaces_nothing(void **state) {
    push_setup *s = *state;
    static const struct {
        unsigned status;
        bool again; /* the repeat still must not: nothing can have been stored */
    } rows[] = {{503, false}, {500, false}, {408, false}, {429, true}, {403, true}, {401, true}};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        add(s, 1, "a");
        fail_once(s, rows[i].status);
        s->base.fhir.fhir_times = rows[i].status == 401 ? 2 : 1;
        (void)next_event(s);
        assert_true(asked_for_none(s));
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(asked_for_none(s), rows[i].again);
        assert_int_equal(push_stored(s, "a"), 1);
    }
}

static void what_stands_in_the_way_is_told_and_not_replaced(void **state) {
    push_setup *s = *state;
    static const unsigned statuses[] = {412, 304};
    for (unsigned i = 0; i < 4; i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = i < 2 ? 1 : 4;
        s->base.fhir.verdict = say_always;
        always = statuses[i % 2];
        add(s, 1, "a");
        const sbs_push_event *event = next_event(s);
        assert_int_equal(event->kind, SBS_PUSH_COLLISION);
        assert_string_equal(event->reason, "already there, or refused");
        assert_string_equal(s->queue.items[0].reason, event->reason);
        assert_int_equal(push_stored(s, "a"), 0);
    }
}

static void put_before(push_setup *s, const char *text) {
    char key[80];
    char id[SBS_DERIVED_ID_LEN];
    assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:m"), sbs_text_of(text), (sbs_text){NULL, 0}, id), SBS_OK);
    snprintf(key, sizeof key, "/r4/Observation/%.*s", (int)sizeof id, id);
    assert_int_equal(fake_fhir_store(&s->base.fhir, key, true, "", 0), 201);
}

/* Some servers do not look at If-None-Match. */
static void what_was_replaced_all_the_same_is_told(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = batch;
        put_before(s, "a");
        add(s, 1, "a");
        const sbs_push_event *event = next_event(s);
        assert_int_equal(event->kind, SBS_PUSH_REPLACED);
        assert_int_equal(event->http_status, 200);
        assert_int_equal(s->queue.items[0].fate, RAM_DELIVERED);
        assert_string_equal(event->etag, batch == 1 ? "" : "W/\"7\"");
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->base.fhir.updates + s->base.fhir.bundles, 1);
    }
}

/* Some servers answer 200 to a PUT that creates. */
static void a_first_version_has_replaced_nothing(void **state) {
    push_setup *s = *state;
    static const struct {
        const char *fields;
        sbs_push_event_kind kind;
    } rows[] = {
        {"ETag: W/\"1\"\r\n", SBS_PUSH_DELIVERED},
        {"ETag: \"1\"\r\n", SBS_PUSH_DELIVERED},
        {"ETag: W/\"2\"\r\n", SBS_PUSH_REPLACED},
        {"ETag: W/\"11\"\r\n", SBS_PUSH_REPLACED},
        {"", SBS_PUSH_REPLACED},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        add(s, 1, "a");
        fail_once(s, 200);
        s->base.fhir.store_first = true;
        s->base.fhir.fields = rows[i].fields;
        assert_int_equal(next_event(s)->kind, rows[i].kind);
        assert_int_equal(s->queue.items[0].fate, RAM_DELIVERED);
    }
}

static void what_is_accepted_is_updated(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = batch;
        s->config.already_there = SBS_ALREADY_ACCEPT;
        put_before(s, "a");
        add(s, 1, "a");
        assert_int_equal(next_event(s)->kind, SBS_PUSH_UPDATED);
        assert_false(asked_for_none(s));
        assert_null(fake_find(s->base.fhir.last, s->base.fhir.last_len, "ifNoneMatch"));
        s->mode = SBS_WRITE_IF_NONE_EXIST;
        assert_int_equal(fake_fhir_store(&s->base.fhir, "identifier=urn%3Am%7Cb", true, "", 0), 201);
        add(s, 1, "b");
        assert_int_equal(next_event(s)->kind, SBS_PUSH_ALREADY);
    }
}

/* ---- ids and ways of writing --------------------------------------------------------------------------------------
 */

static void name_by_letter(const char *text, sbs_push_identity *out) {
    switch (text[0]) {
    case 'o': /* its own id */
        out->id = SBS_TEXT("own-1");
        out->value = (sbs_text){NULL, 0};
        out->write_mode = SBS_WRITE_PUT;
        break;
    case 'p':
        out->value = (sbs_text){NULL, 0};
        out->write_mode = SBS_WRITE_PLAIN;
        break;
    case 's':
        out->subject = SBS_TEXT("Patient/a");
        out->write_mode = SBS_WRITE_PUT;
        break;
    case 'n': /* nameless */
        out->value = (sbs_text){NULL, 0};
        break;
    case 'w': /* no id */
        out->id = SBS_TEXT("not an id");
        out->write_mode = SBS_WRITE_PUT;
        break;
    default:
        break;
    }
}

static void an_item_goes_as_its_identity_says(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 8; batch = (uint16_t)(batch + 7)) {
        char id[SBS_DERIVED_ID_LEN];
        char key[80];
        push_setup_init(s);
        s->identify = name_by_letter;
        s->config.batch_max = batch;
        for (const char *text = "a\0o\0p\0s\0n\0w\0b\0"; *text != '\0'; text += 2) {
            add(s, 1, text);
        }
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 5);
        assert_int_equal(s->queue.items[4].fate, RAM_DEAD);
        assert_int_equal(s->queue.items[5].fate, RAM_DEAD);
        assert_int_equal(fake_fhir_count(&s->base.fhir, "/r4/Observation/own-1"), 1);
        assert_int_equal(fake_fhir_count(&s->base.fhir, "plain"), 1);
        assert_int_equal(sbs_identity_derive_id(SBS_TEXT("urn:m"), SBS_TEXT("s"), SBS_TEXT("Patient/a"), id), SBS_OK);
        snprintf(key, sizeof key, "/r4/Observation/%.*s", (int)sizeof id, id);
        assert_int_equal(fake_fhir_count(&s->base.fhir, key), 1);
        if (batch > 1) { /* it ends where the way of writing changes */
            assert_int_equal(s->base.fhir.bundles, 5);
        }
    }
}

/* ---- words --------------------------------------------------------------------------------------------------------
 */

static void the_words_of_an_entry_are_told_whole(void **state) {
    push_setup *s = *state;
    char words[512];
    s->config.batch_max = 4;
    s->config.words = words;
    s->config.words_size = sizeof words;
    s->mode = SBS_WRITE_PUT;
    s->base.fhir.bundle_answer =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"response\":{\"status\":422,\"outcome\":"
        "{"
        "\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"invalid\",\"diagnostics\":"
        "\"a long story that a server tells about what it does not like in this measurement, and about what it would "
        "have liked to see in its place\"}]}}}]}";
    add(s, 1, "a");
    const sbs_push_event *event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_DEAD);
    assert_string_equal(event->reason, "refused");
    assert_non_null(strstr(event->words, "in its place"));
}

/* A search that finds something else stored nothing; the next one may do better. */
static void what_was_found_must_be_what_was_looked_for(void **state) {
    push_setup *s = *state;
    add(s, 1, "a");
    fail_once(s, 200);
    s->base.fhir.fhir_body = "{\"resourceType\":\"Observation\",\"id\":\"other\",\"identifier\":[{\"system\":\"urn:m\","
                             "\"value\":\"b\"}]}";
    assert_int_equal(next_event(s)->kind, SBS_PUSH_DEFERRED);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_DELIVERED);
    assert_int_equal(push_stored(s, "a"), 1);
}

/* What cannot be read, or is not what was asked, is sent again item by item, and not together for ever. */
static void a_batch_that_is_not_answered_is_sent_item_by_item(void **state) {
    push_setup *s = *state;
    static const char *const answers[] = {
        "{\"response\":{\"status\":\"Fine\"}},{\"response\":{\"status\":\"Fine\"}}",
        "{\"response\":{\"status\":\"201\"}}",
        "{},{}",
        "{\"response\":{\"status\":\"201\"}},{\"response\":{\"status\":\"201\"}},{\"response\":{\"status\":\"201\"}}",
        "{\"response\":{\"status\":\"201\",\"location\":\"Observation/b\"}},{\"response\":{\"status\":\"201\"}}",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
        char answer[512];
        push_setup_init(s);
        snprintf(answer, sizeof answer, "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[%s]}",
                 answers[i]);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = 4;
        s->base.fhir.bundle_answer = answer;
        add(s, 1, "a");
        add(s, 2, "c");
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
        assert_int_equal(push_stored(s, "a") + push_stored(s, "c"), 2);
        assert_int_equal(s->base.fhir.bundles, 1);
    }
}

/* Dead letters keep what they say. */
static void an_entry_that_repeats_the_token_is_not_quoted(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"response\":{\"status\":\"422\","
        "\"outcome\":{"
        "\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"invalid\",\"diagnostics\":"
        "\"Bearer tok-1.2 may not do this\"}]}}}]}";
    add(s, 1, "a");
    const sbs_push_event *event = next_event(s);
    assert_int_equal(event->kind, SBS_PUSH_DEAD);
    assert_null(strstr(event->words, "tok-1"));
}

/* A server that answers in another order, and names nothing: what was stored is not known by its place. */
static void a_mixed_answer_without_ids_settles_nothing(void **state) {
    push_setup *s = *state;
    static const char *const statuses[] = {"200", "201", "204"};
    char said[256];
    for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = 4;
        snprintf(
            said, sizeof said,
            "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[{\"response\":{\"status\":\"%s\"}},"
            "{\"response\":{\"status\":\"422\"}}]}",
            statuses[i]);
        s->base.fhir.bundle_answer = said;
        add(s, 1, "a");
        add(s, 2, "b");
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->base.fhir.updates, 2);
        assert_int_equal(push_stored(s, "a") + push_stored(s, "b"), 2);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 2);
    }
}

static char too_long[1500]; /* of each character six are made in a search */

static void identify_too_long(const char *text, sbs_push_identity *out) {
    if (text[0] == 'L') {
        memset(too_long, '|', sizeof too_long);
        out->value = (sbs_text){too_long, sizeof too_long};
    }
}

/* It fits into no head: what only this item needs is not waited for by others. */
static void an_identifier_too_long_to_look_for_stops_nobody(void **state) {
    push_setup *s = *state;
    static char body[20000];
    s->config.body = body;
    s->config.body_size = sizeof body;
    s->identify = identify_too_long;
    add(s, 1, "L");
    add(s, 2, "b");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
    assert_int_equal(s->queue.items[1].fate, RAM_DELIVERED);
    assert_int_equal(s->events[SBS_PUSH_PAUSED], 0);
}

/* ---- restarts -----------------------------------------------------------------------------------------------------
 */

static void start_again(push_setup *s) {
    ram_queue_cut(&s->queue);
    sbs_client_deinit(&s->base.client);
    assert_int_equal(sbs_client_init(&s->base.client, &s->base.config), SBS_OK);
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
}

static unsigned bad_x(const char *json, size_t len) {
    return fake_find(json, len, "\"value\":\"X") != NULL ? 500 : 0;
}

static void what_failed_in_an_earlier_run_comes_last(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        push_setup_init(s);
        s->config.batch_max = batch;
        add(s, 1, "t");
        add(s, 1, "behind");
        add(s, 2, "a");
        add(s, 3, "b");
        s->queue.items[0].item.attempts = 2;
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_string_equal(s->order, "a b t behind ");
    }
}

/* As a program does that cron starts each five minutes: the item is given up by what was held against it before. */
static void what_is_held_against_an_item_outlives_restarts(void **state) {
    push_setup *s = *state;
    unsigned runs = 0;
    s->base.fhir.verdict = bad_x;
    ram_queue_group(&s->queue);
    add(s, 1, "X");
    for (; runs < 20 && s->queue.items[0].fate == RAM_WAITING; runs++) {
        char text[16];
        snprintf(text, sizeof text, "g%u", runs);
        add(s, 2, text);
        assert_in_range(push_run(s, 30000), SBS_OK, SBS_PENDING);
        start_again(s);
        s->base.now.mono_ms += 300000;
        s->base.now.utc_s += 300;
    }
    assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
    assert_string_equal(s->queue.items[0].reason, "fails while others are stored");
    assert_in_range(runs, 3, 12);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), runs);
}

/* ---- groups -------------------------------------------------------------------------------------------------------
 */

static void writes_are_grouped_and_durable_before_each_wait(void **state) {
    push_setup *s = *state;
    ram_queue_group(&s->queue);
    for (char text[] = "a"; text[0] <= 'j'; text[0]++) {
        add(s, 1, text);
    }
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 10);
    assert_true(sbs_push_is_durable(&s->push));
    assert_in_range(s->queue.commits, 10, 12); /* each settlement shares one with the next mark */
}

static void what_cannot_be_made_durable_did_not_happen(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        push_setup_abc(s, batch);
        ram_queue_group(&s->queue);
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        unsigned total = s->queue.operations;
        for (unsigned at = 4; at <= total; at++) {
            push_setup_abc(s, batch);
            ram_queue_group(&s->queue);
            s->queue.fail_at = at;
            sbs_status status = push_run(s, HOUR_MS); /* what fails beside the group, once, is done again */
            assert_true(status == SBS_ERR_STORAGE || status == SBS_OK);
            assert_true(s->queue.before == NULL && sbs_push_is_durable(&s->push));
            assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
            assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 3);
            assert_int_equal(push_stored(s, "a") + push_stored(s, "b") + push_stored(s, "c"), 3);
        }
    }
}

static void a_program_that_ends_flushes(void **state) {
    push_setup *s = *state;
    ram_queue_group(&s->queue);
    add(s, 1, "a");
    assert_int_equal(next_event(s)->kind, SBS_PUSH_DELIVERED);
    assert_false(sbs_push_is_durable(&s->push));
    sbs_push_cancel(&s->push);
    assert_int_equal(sbs_push_flush(&s->push), SBS_OK);
    assert_true(sbs_push_is_durable(&s->push));
    ram_queue_cut(&s->queue);
    assert_int_equal(s->queue.items[0].fate, RAM_DELIVERED);
}

/* ---- a server that takes nothing ----------------------------------------------------------------------------------
 */

static unsigned requests_of(const push_setup *s) {
    return s->base.fhir.creates + s->base.fhir.updates + s->base.fhir.bundles;
}

static void each_step_of_a_wait_is_followed_by_one_request(void **state) {
    push_setup *s = *state;
    static const unsigned statuses[] = {403, 404, 503, 302};
    for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
        push_setup_init(s);
        s->base.fhir.verdict = say_always;
        always = statuses[i];
        add(s, 1, "a");
        add(s, 2, "b");
        add(s, 3, "c");
        assert_int_equal(push_run(s, 100 * HOUR_MS), SBS_PENDING);
        unsigned steps = s->events[SBS_PUSH_WAITING] + s->events[SBS_PUSH_PAUSED];
        assert_in_range(requests_of(s), 3, steps + 3);
        assert_int_equal(s->events[SBS_PUSH_PAUSED] > 0, always != 503);
        assert_in_range(steps, 50, always == 503 ? 4000 : 1000);
        for (unsigned item = 0; item < 3; item++) { /* in turn */
            assert_in_range(s->queue.items[item].item.attempts, steps / 6, steps);
        }

        s->base.fhir.verdict = NULL; /* what was wrong is mended, and nobody says so */
        assert_int_equal(push_run(s, 2 * HOUR_MS), SBS_OK);
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 3);
    }
}

static void a_new_item_does_not_wait_for_the_old_ones(void **state) {
    push_setup *s = *state;
    static const unsigned statuses[] = {403, 503};
    for (size_t i = 0; i < 2; i++) {
        push_setup_init(s);
        s->base.fhir.verdict = i == 0 ? bad_x : say_always;
        always = statuses[i];
        add(s, 1, "X");
        assert_int_equal(push_run(s, 20 * HOUR_MS), SBS_PENDING);
        s->base.fhir.verdict = bad_x;
        add(s, 2, "a");
        uint64_t begin_ms = s->base.now.mono_ms;
        while (s->queue.items[1].fate == RAM_WAITING) {
            (void)next_event(s);
        }
        assert_in_range(s->base.now.mono_ms - begin_ms, 0, 61000);
        assert_int_equal(s->queue.items[1].fate, RAM_DELIVERED);
    }
}

/* What the server asked for holds for new items too. */
static void a_new_item_waits_as_long_as_was_asked(void **state) {
    push_setup *s = *state;
    s->base.fhir.verdict = say_always;
    s->base.fhir.verdict_fields = "Retry-After: 1000\r\n";
    always = 503;
    add(s, 1, "X");
    for (unsigned waits = 0; waits < 5; waits++) {
        while (next_event(s)->kind != SBS_PUSH_WAITING) {
        }
        uint64_t begin_ms = s->base.now.mono_ms;
        unsigned requests = requests_of(s);
        char text[16];
        snprintf(text, sizeof text, "n%u", waits);
        add(s, 2 + waits, text);
        while (requests_of(s) == requests) {
            assert_int_equal(push_run(s, 1000), SBS_PENDING);
        }
        assert_in_range(s->base.now.mono_ms - begin_ms, 999000, 3000000);
    }
}

/* Nobody to compare them with: after some tries of the first the next one of the lane is tried, however many are bad.
 */
static void a_lane_passes_those_that_hold_it_up(void **state) {
    push_setup *s = *state;
    s->base.fhir.verdict = bad_x;
    add(s, 1, "X1");
    add(s, 1, "X2");
    add(s, 1, "X3");
    add(s, 1, "a");
    while (s->events[SBS_PUSH_DELIVERED] == 0 && s->base.now.mono_ms < 3 * HOUR_MS) {
        assert_int_equal(push_run(s, 60000), SBS_PENDING);
    }
    assert_string_equal(s->order, "a ");
    assert_in_range(requests_of(s), 4, 40);
}

/* ---- who spoke, and of what ------------------------------------------------------------------------------------- */

#define PAGE "<html><h1>400 Bad Request</h1></html>"
#define OUTCOME(code)                                                                                                  \
    "{\"resourceType\":\"OperationOutcome\",\"issue\":[{\"severity\":\"error\",\"code\":\"" code "\"}]}"

/* Proxies and firewalls answer in the server's place, and servers say of themselves what hinders them. */
static void only_a_word_about_the_item_sets_it_aside(void **state) {
    push_setup *s = *state;
    static const struct {
        unsigned status;
        const char *body;
        bool dead;
    } rows[] = {
        {400, PAGE, false},
        {422, "\r\n <!DOCTYPE html>", false},
        {400, OUTCOME("lock-error"), false},
        {422, OUTCOME("timeout"), false},
        {413, PAGE, true},
        {400, OUTCOME("invalid"), true},
        {422, "no such unit", true},
        {400, "", true},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        add(s, 1, "a");
        add(s, 2, "b");
        fail_once(s, rows[i].status);
        s->base.fhir.fhir_body = rows[i].body;
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->events[SBS_PUSH_DEAD], rows[i].dead);
        assert_int_equal(push_stored(s, "a"), !rows[i].dead);
        assert_int_equal(push_stored(s, "b"), 1);
    }
}

static void an_entry_may_speak_of_the_server_too(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 4;
    s->base.fhir.bundle_answer =
        "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":["
        "{\"response\":{\"status\":\"400\",\"outcome\":" OUTCOME(
            "no-store") "}},"
                        "{\"response\":{\"status\":\"400\",\"outcome\":" OUTCOME("invalid") "}}]}";
    add(s, 1, "a");
    add(s, 2, "b");
    assert_int_equal(next_event(s)->kind, SBS_PUSH_DEFERRED);
    assert_int_equal(next_event(s)->kind, SBS_PUSH_DEAD);
    assert_int_equal(s->queue.items[0].fate, RAM_WAITING);
}

static void all_wait_while_pages_answer(void **state) {
    push_setup *s = *state;
    add(s, 1, "a");
    add(s, 2, "b");
    add(s, 3, "c");
    fail_once(s, 400);
    s->base.fhir.fhir_times = 20;
    s->base.fhir.fhir_body = PAGE;
    assert_int_equal(push_run(s, 100 * HOUR_MS), SBS_OK);
    assert_int_equal(s->events[SBS_PUSH_DEAD], 0);
    assert_int_equal(s->events[SBS_PUSH_DELIVERED], 3);
    assert_in_range(s->events[SBS_PUSH_PAUSED], 1, 20);
}

/* Nothing tells a repeated POST from the first. */
static void what_is_not_confirmed_is_posted_once(void **state) {
    push_setup *s = *state;
    static const struct {
        unsigned status;
        const char *body;
        bool dead;
    } rows[] = {{202, "", true}, {200, "received", true}, {200, "{\"pid\":1}", true}, {200, PAGE, false}};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PLAIN;
        add(s, 1, "a");
        fail_once(s, rows[i].status);
        s->base.fhir.fhir_body = rows[i].body;
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->base.fhir.creates, rows[i].dead ? 1 : 2);
        assert_int_equal(s->events[SBS_PUSH_DEAD], rows[i].dead);
        if (rows[i].dead) {
            assert_string_equal(s->queue.items[0].reason, SBS_QUEUE_REASON_OPERATOR ": unconfirmed");
        }
    }
}

/* "R1" to "R9" and so on: 422. */
static unsigned refuse_r(const char *json, size_t len) {
    return fake_find(json, len, "\"value\":\"R") != NULL ? 422 : 0;
}

static void a_server_that_refuses_one_item_after_another_needs_an_operator(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch += 3) {
        push_setup_init(s);
        s->config.batch_max = batch;
        s->base.fhir.verdict = refuse_r;
        for (const char *text = "R1\0R2\0R3\0R4\0R5\0R6\0R7\0R8\0R9\0"; *text != '\0'; text += 3) {
            add(s, 1, text);
        }
        add(s, 1, "g");
        add(s, 1, "R0");
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->events[SBS_PUSH_DEAD], 10);

        for (unsigned i = 0; i < 7; i++) {
            assert_string_equal(s->queue.items[i].reason, "refused");
        }
        assert_string_equal(s->queue.items[7].reason, SBS_QUEUE_REASON_OPERATOR ": refused");
        assert_string_equal(s->queue.items[8].reason, SBS_QUEUE_REASON_OPERATOR ": refused");

        /* Something was stored: the server takes what is good. */
        assert_int_equal(s->queue.items[9].fate, RAM_DELIVERED);
        assert_string_equal(s->queue.items[10].reason, "refused");
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(a_first_put_replaces_nothing),
        PUSH_CASE(a_server_that_refuses_one_item_after_another_needs_an_operator),
        PUSH_CASE(what_stands_in_the_way_is_told_and_not_replaced),
        PUSH_CASE(what_was_replaced_all_the_same_is_told),
        PUSH_CASE(a_first_version_has_replaced_nothing),
        PUSH_CASE(what_is_accepted_is_updated),
        PUSH_CASE(an_item_goes_as_its_identity_says),
        PUSH_CASE(the_words_of_an_entry_are_told_whole),
        PUSH_CASE(what_was_found_must_be_what_was_looked_for),
        PUSH_CASE(a_batch_that_is_not_answered_is_sent_item_by_item),
        PUSH_CASE(what_failed_in_an_earlier_run_comes_last),
        PUSH_CASE(what_is_held_against_an_item_outlives_restarts),
        PUSH_CASE(an_entry_that_repeats_the_token_is_not_quoted),
        PUSH_CASE(a_mixed_answer_without_ids_settles_nothing),
        PUSH_CASE(an_identifier_too_long_to_look_for_stops_nobody),
        PUSH_CASE(writes_are_grouped_and_durable_before_each_wait),
        PUSH_CASE(what_cannot_be_made_durable_did_not_happen),
        PUSH_CASE(a_program_that_ends_flushes),
        PUSH_CASE(each_step_of_a_wait_is_followed_by_one_request),
        PUSH_CASE(a_new_item_does_not_wait_for_the_old_ones),
        PUSH_CASE(a_new_item_waits_as_long_as_was_asked),
        PUSH_CASE(a_lane_passes_those_that_hold_it_up),
        PUSH_CASE(only_a_word_about_the_item_sets_it_aside),
        PUSH_CASE(an_entry_may_speak_of_the_server_too),
        PUSH_CASE(all_wait_while_pages_answer),
        PUSH_CASE(what_is_not_confirmed_is_posted_once),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
