/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine where keys, memory, clocks, the queue or an answer fail in ways that no other test has. */
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define HOUR_MS 3600000u
#define LONG_SETTLE_MS 120000u

#define ANSWER(entries) "{\"resourceType\":\"Bundle\",\"type\":\"batch-response\",\"entry\":[" entries "]}"

static void add(push_setup *s, uint32_t lane, const char *text) {
    ram_queue_add(&s->queue, lane, text, NOW);
}

static sbs_status poll(push_setup *s) {
    sbs_wait wait;
    return sbs_push_poll(&s->push, s->base.now, &wait);
}

/* Polls, and moves the clock, until this is told. */
static const sbs_push_event *wait_for(push_setup *s, sbs_push_event_kind kind) {
    for (unsigned polls = 0; s->events[kind] == 0 && polls < 100000; polls++) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
        s->base.now.mono_ms++;
    }
    assert_int_not_equal(s->events[kind], 0);
    return &s->last[kind];
}

static unsigned delivered(const push_setup *s) {
    return ram_queue_count(&s->queue, RAM_DELIVERED);
}

static bool asked_for_none(const push_setup *s) {
    char value[16];
    return fake_field(s->base.fhir.last, s->base.fhir.last_len, "If-None-Match", value, sizeof value);
}

/* ---- answers to a Bundle -------------------- */

static void what_is_no_answer_to_a_bundle_settles_nothing(void **state) {
    push_setup *s = *state;
    static const sbs_write_mode modes[] = {SBS_WRITE_PUT, SBS_WRITE_PLAIN};
    static const char *const answers[] = {"no JSON", "{\"resourceType\":\"Bundle\"}"};
    for (size_t i = 0; i < SBS_COUNT_OF(modes) * SBS_COUNT_OF(answers); i++) {
        push_setup_abc(s, 3);
        s->mode = modes[i % 2];
        s->base.fhir.bundle_answer = answers[i / 2];
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->base.fhir.bundles, 1);
        assert_int_equal(s->base.fhir.updates + s->base.fhir.creates, 3);
        assert_int_equal(delivered(s), 3);
    }
}

static void an_answer_without_room_costs_no_item(void **state) {
    push_setup *s = *state;
    push_setup_abc(s, 3);
    s->mode = SBS_WRITE_PUT;
    s->config.answer_size = 64;
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(delivered(s), 3);
    assert_int_equal(push_stored(s, "a"), 1);
}

/* Its own request finds no room either: that is for an operator to mend. */
static void a_request_without_room_ends_in_a_pause(void **state) {
    push_setup *s = *state;
    static char base[1500] = "https://fhir.example/";
    push_setup_abc(s, 3);
    memset(base + strlen(base), 'p', sizeof base - strlen(base) - 1);
    s->base.config.fhir_base = base;
    s->base.config.token_url = "https://auth.example/token";
    s->base.config.work_size = sizeof base + 100;
    assert_int_equal(sbs_client_init(&s->base.client, &s->base.config), SBS_OK);
    assert_int_equal(wait_for(s, SBS_PUSH_PAUSED)->status, SBS_ERR_BUFFER);
    assert_int_equal(s->base.fhir.tokens, 1);
    assert_int_equal(ram_queue_count(&s->queue, RAM_WAITING), 3);
}

/* Some servers escape each slash. */
static void an_escaped_location_is_read_where_it_fits(void **state) {
    push_setup *s = *state;
    static const struct {
        const char *answer;
        const char *id;
    } rows[] = {
        {ANSWER("{\"response\":{\"status\":\"201\",\"location\":\"Observation\\/srv-9\\/_history\\/1\"}}"), "srv-9"},
        {ANSWER("{\"response\":{\"status\":\"201\",\"location\":\"https:\\/\\/fhir.example\\/a\\/path\\/that\\/is\\/"
                "longer\\/than\\/the\\/memory\\/for\\/an\\/item\\/Observation\\/srv-9\"}}"),
         ""},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->config.batch_max = 4;
        s->base.fhir.bundle_answer = rows[i].answer;
        add(s, 1, "a");
        while (poll(s) == SBS_PENDING && sbs_push_event_of(&s->push)->kind == SBS_PUSH_NOTHING) {
        }
        assert_int_equal(sbs_push_event_of(&s->push)->kind, SBS_PUSH_DELIVERED);
        assert_string_equal(sbs_push_event_of(&s->push)->server_id, rows[i].id);
    }
}

static void name_itself(const char *text, sbs_push_identity *out) {
    out->id = text[0] == 'a' ? SBS_TEXT("own-a") : SBS_TEXT("own-b");
}

#define ENTRY(type, id, status)                                                                                        \
    "{\"resource\":{\"resourceType\":\"" type "\",\"id\":\"" id "\"},\"response\":{\"status\":\"" status "\"}}"

/* Without a Location, the resource that came back says whose answer it is. */
static void a_resource_shows_whose_answer_it_is(void **state) {
    push_setup *s = *state;
    static const struct {
        const char *answer;
        unsigned alone; /* requests that the items take by themselves */
    } rows[] = {
        {ANSWER(ENTRY("Observation", "own-a", "201") "," ENTRY("Observation", "own-b", "201")), 0},
        {ANSWER(ENTRY("Observation", "own-b", "201") "," ENTRY("Observation", "own-a", "201")), 2},
        {ANSWER(ENTRY("Observation", "srv-1", "201") "," ENTRY("Observation", "srv-2", "201")), 0},
        {ANSWER(ENTRY("Observation", "srv-1", "200") "," ENTRY("Observation", "srv-2", "200")), 2},
        {ANSWER(ENTRY("Task", "own-a", "200") "," ENTRY("Task", "own-b", "200")), 2},
        {ANSWER(ENTRY("Task", "own-b", "201") "," ENTRY("Task", "own-a", "201")), 0},
    };
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = 2;
        s->identify = name_itself;
        s->base.fhir.bundle_answer = rows[i].answer;
        add(s, 1, "a");
        add(s, 1, "b");
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->base.fhir.updates, rows[i].alone);
        assert_int_equal(delivered(s), 2);
    }
}

/* What the HTTP status says of the server is not taken back by a word about the moment. */
static void a_word_of_an_entry_does_not_outdo_its_status(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 2;
    s->base.fhir.bundle_answer =
        ANSWER("{\"response\":{\"status\":\"503\",\"outcome\":{\"resourceType\":\"OperationOutcome\",\"issue\":["
               "{\"severity\":\"error\",\"code\":\"forbidden\"}]}}}");
    add(s, 1, "a");
    assert_int_equal(wait_for(s, SBS_PUSH_DEFERRED)->http_status, 503);
    assert_int_equal(s->push.priv.failure.flags.fault, SBS_FAULT_SERVER);
}

/* After it was tried so often, only an answer that says something lets the next of its lane pass. */
static void an_entry_that_says_nothing_lets_nobody_pass(void **state) {
    push_setup *s = *state;
    s->config.batch_max = 2;
    s->mode = SBS_WRITE_PUT;
    s->base.fhir.bundle_answer = ANSWER("{\"response\":{}}");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK); /* the first look is over */
    add(s, 1, "a");
    s->queue.items[0].item.attempts = SBS_PUSH_ALONE_MAX - 1;
    (void)wait_for(s, SBS_PUSH_DEFERRED);
    assert_false(s->push.priv.failure.flags.lets_pass);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_string_equal(s->order, "a ");
}

/* ---- keys, encoders and coders that fail -------------------- */

static sbs_status key_says;

static sbs_status failing_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx, (void)out_alg, (void)buffer, (void)size, (void)out_len;
    return key_says;
}

static void a_key_that_fails_is_no_fault_of_an_item(void **state) {
    push_setup *s = *state;
    static const struct {
        sbs_status says;
        sbs_push_event_kind kind;
    } rows[] = {
        {SBS_ERR_ARGUMENT, SBS_PUSH_PAUSED},
        {SBS_ERR_SCOPE, SBS_PUSH_PAUSED},
        {SBS_ERR_BUFFER, SBS_PUSH_PAUSED},
        {SBS_ERR_CANCELLED, SBS_PUSH_WAITING},
    };
    sbs_key_ops ops = *fake_quick_key.ops;
    const sbs_key key = {.ops = &ops};
    ops.public_key = failing_key;
    for (size_t i = 0; i < 2 * SBS_COUNT_OF(rows); i++) {
        push_setup_abc(s, i % 2 == 0 ? 1 : 3);
        s->base.config.key = &key;
        key_says = rows[i / 2].says;
        assert_int_equal(wait_for(s, rows[i / 2].kind)->status, key_says);
        s->base.config.key = &fake_quick_key;
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_string_equal(s->order, "a b c ");
    }
}

static sbs_status (*identify_well)(void *ctx, const sbs_push_item *item, sbs_push_identity *out);
static unsigned shortages;

static sbs_status identify_short_of_memory(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    if (item->data[0] == 'b' && shortages > 0) {
        shortages--;
        return SBS_ERR_MEMORY;
    }
    return identify_well(ctx, item, out);
}

static void those_before_a_shortage_of_memory_go(void **state) {
    push_setup *s = *state;
    push_setup_abc(s, 3);
    identify_well = s->config.encoder.identify;
    s->config.encoder.identify = identify_short_of_memory;
    shortages = 2;
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_string_equal(s->order, "a b c ");
    assert_int_equal(s->events[SBS_PUSH_WAITING], 1);
    assert_int_equal(s->base.fhir.bundles, 2);
}

static sbs_status encode_nothing(void *ctx, const sbs_push_item *item, const sbs_push_identity *identity,
                                 sbs_writer *out) {
    (void)ctx, (void)item, (void)identity, (void)out;
    return SBS_OK;
}

static void an_empty_resource_is_set_aside(void **state) {
    push_setup *s = *state;
    s->config.encoder.encode = encode_nothing;
    add(s, 1, "a");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->last[SBS_PUSH_DEAD].status, SBS_ERR_ARGUMENT);
    assert_int_equal(s->base.fhir.creates, 0);
}

static void name_a_bad_type(const char *text, sbs_push_identity *out) {
    (void)text;
    out->type = SBS_TEXT("9Observation");
}

static void an_item_without_a_type_is_set_aside(void **state) {
    push_setup *s = *state;
    s->identify = name_a_bad_type;
    add(s, 1, "a");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->last[SBS_PUSH_DEAD].status, SBS_ERR_FORMAT);
}

static unsigned refused_codings;

static void code_nothing(void *ctx, sbs_request *request) {
    (void)ctx, (void)request;
}

static bool coding_was_refused(void *ctx, sbs_status status) {
    (void)ctx;
    refused_codings += status != SBS_OK;
    return status != SBS_OK && refused_codings == 1;
}

static void what_was_refused_in_a_coding_goes_once_more(void **state) {
    push_setup *s = *state;
    static const sbs_push_coder coder = {code_nothing, coding_was_refused, NULL};
    refused_codings = 0;
    s->config.coder = &coder;
    s->base.fhir.fhir_status = 415;
    add(s, 1, "a");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_string_equal(s->order, "a ");
    assert_int_equal(s->base.fhir.creates, 2);
    assert_int_equal(s->events[SBS_PUSH_DEFERRED] + s->events[SBS_PUSH_DEAD], 0);
}

/* A plain POST may have been stored: it goes again all the same, and is not set aside. */
static void a_plain_post_without_an_answer_goes_again(void **state) {
    push_setup *s = *state;
    s->mode = SBS_WRITE_PLAIN;
    s->base.fhir.lost_answers = 1;
    add(s, 1, "a");
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_string_equal(s->order, "a ");
    assert_int_equal(s->events[SBS_PUSH_DEFERRED], 1);
    assert_int_equal(s->base.fhir.creates, 2);
}

/* ---- waits -------------------- */

/* "a" may have been stored, and all wait until the server can find it: longer than new items wait. */
static void wait_until_it_settles(push_setup *s) {
    s->config.settle_ms = LONG_SETTLE_MS;
    s->base.fhir.fhir_status = 503;
    add(s, 1, "a");
    (void)wait_for(s, SBS_PUSH_WAITING);
    assert_int_equal(s->base.fhir.creates, 1);
}

static void what_comes_back_within_a_wait_waits_until_it_can_be_found(void **state) {
    push_setup *s = *state;
    wait_until_it_settles(s);
    add(s, 2, "b");
    s->queue.items[1].item.attempts = 1; /* somebody put it back */
    assert_int_equal(push_run(s, LONG_SETTLE_MS / 2 + 30000), SBS_PENDING);
    assert_int_equal(s->base.fhir.creates, 1);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(delivered(s), 2);
}

static void a_queue_that_fails_within_a_wait_ends_no_wait(void **state) {
    push_setup *s = *state;
    wait_until_it_settles(s);
    s->queue.fail_at = s->queue.operations + 1;
    assert_int_equal(push_run(s, HOUR_MS), SBS_ERR_STORAGE);
    assert_int_equal(s->base.fhir.creates, 1);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(delivered(s), 1);
}

static void the_only_item_may_go_away_while_it_waits(void **state) {
    push_setup *s = *state;
    wait_until_it_settles(s);
    s->queue.items[0].fate = RAM_DEAD;
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(s->base.fhir.creates, 1);
}

static void cancelling_ends_no_wait(void **state) {
    push_setup *s = *state;
    wait_until_it_settles(s);
    sbs_push_cancel(&s->push);
    assert_int_equal(push_run(s, LONG_SETTLE_MS - 1000), SBS_PENDING);
    assert_int_equal(s->base.fhir.creates, 1);
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(delivered(s), 1);
}

/* ---- what is held against an item -------------------- */

static unsigned failures_left;

static unsigned fail_a(const char *json, size_t len) {
    bool is_a = fake_find(json, len, "\"value\":\"a\"") != NULL;
    if (is_a && failures_left > 0) {
        failures_left--;
        return 403;
    }
    return 0;
}

/* "a" fails twice, and the others are stored in between. */
static void begin_a_failing(push_setup *s, unsigned failures) {
    push_setup_init(s);
    ram_queue_group(&s->queue);
    failures_left = failures;
    s->base.fhir.verdict = fail_a;
    for (uint32_t lane = 1; lane <= 3; lane++) {
        add(s, lane, lane == 1 ? "a" : lane == 2 ? "b" : "c");
    }
}

static void the_queue_fails_at_every_write_of_a_group(void **state) {
    push_setup *s = *state;
    unsigned operations = 0;
    for (unsigned fail_at = 4; fail_at <= operations + 4; fail_at++) {
        begin_a_failing(s, 2);
        s->queue.fail_at = fail_at;
        sbs_status status = push_run(s, HOUR_MS);
        if (status == SBS_ERR_STORAGE) {
            status = push_run(s, HOUR_MS);
        }
        assert_int_equal(status, SBS_OK);
        assert_int_equal(delivered(s), 3);
        assert_int_equal(push_stored(s, "a"), 1);
        operations = s->queue.operations;
    }
}

static sbs_status broken_next(void *ctx, uint64_t after, sbs_queue_item *out_item) {
    (void)ctx, (void)after, (void)out_item;
    return SBS_ERR_STORAGE;
}

static sbs_status broken_commit(void *ctx) {
    ram_queue_cut(ctx);
    return SBS_ERR_STORAGE;
}

/* A group that was told of, and cannot be ended either, did not happen. */
static void a_queue_that_fails_altogether_is_told_as_failing(void **state) {
    push_setup *s = *state;
    begin_a_failing(s, 0);
    const sbs_queue_ops *good = s->queue.queue.ops;
    sbs_queue_ops broken = *good;
    broken.next = broken_next;
    broken.commit = broken_commit;
    (void)wait_for(s, SBS_PUSH_DELIVERED);
    assert_false(sbs_push_is_durable(&s->push));

    s->queue.queue.ops = &broken;
    assert_int_equal(poll(s), SBS_ERR_STORAGE);
    assert_true(sbs_push_is_durable(&s->push));
    assert_int_equal(delivered(s), 0);

    s->queue.queue.ops = good;
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_int_equal(delivered(s), 3);
    assert_int_equal(push_stored(s, "a"), 1);
}

/* Uptimes end with the boot: a failure is kept in UTC, or without a time. */
static void a_failure_without_a_clock_is_kept_without_a_time(void **state) {
    push_setup *s = *state;
    begin_a_failing(s, 2);
    (void)wait_for(s, SBS_PUSH_DELIVERED);
    s->base.now.utc_s = SBS_UTC_UNKNOWN;
    while (s->queue.items[0].item.failures == 0) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    assert_true(s->queue.items[0].item.failing_since_s == SBS_UTC_UNKNOWN);
    assert_int_equal(push_run(s, 120000), SBS_OK);
    assert_int_equal(delivered(s), 3);
}

/* It counts from when the clock can tell, and as often as the engine can count. */
static void what_was_held_against_an_item_is_read_with_care(void **state) {
    push_setup *s = *state;
    static const struct {
        int64_t since_s;
        ram_fate fate;
    } rows[] = {{NOW - 3600, RAM_DEAD}, {NOW + 3600, RAM_DELIVERED}, {SBS_UTC_UNKNOWN, RAM_DELIVERED}};
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        begin_a_failing(s, 1);
        s->queue.items[0].item.failures = 300;
        s->queue.items[0].item.failing_since_s = rows[i].since_s;
        assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
        assert_int_equal(s->queue.items[0].fate, rows[i].fate);
    }
}

/* It does not go before the first look is over, however many are stored until then. */
static void a_suspect_waits_for_the_whole_first_look(void **state) {
    push_setup *s = *state;
    for (uint32_t lane = 1; lane <= 12; lane++) {
        const char text[] = {(char)('a' + lane - 1), '\0'};
        add(s, lane, text);
    }
    s->queue.items[0].item.attempts = 2;
    assert_int_equal(push_run(s, HOUR_MS), SBS_OK);
    assert_string_equal(s->order, "b c d e f g h i j k l a ");
}

/* What was refused cannot have been stored, also where there is no room to wait on its own, and an attempt that could
 * not be marked changes nothing of that. */
static void without_room_to_wait_a_refused_put_still_replaces_nothing(void **state) {
    push_setup *s = *state;
    static sbs_push_deferred none[1];
    s->config.deferred = none;
    s->config.deferred_count = 0;
    s->mode = SBS_WRITE_PUT;
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
    s->base.fhir.fhir_status = 403;
    s->base.fhir.fhir_times = 3;
    add(s, 1, "a");

    while (s->base.fhir.updates == 0 || !sbs_client_is_about_to_send(&s->base.client)) {
        assert_int_equal(poll(s), SBS_PENDING);
        s->base.now.mono_ms += 100;
    }
    s->queue.fail_at = s->queue.operations + 1;
    assert_int_equal(poll(s), SBS_ERR_STORAGE);

    assert_int_equal(push_run(s, 24 * HOUR_MS), SBS_OK);
    assert_true(asked_for_none(s));
    assert_int_equal(push_stored(s, "a"), 1);
    assert_int_equal(s->base.fhir.updates, 4);
}

/* ---- clocks of earlier boots -------------------- */

static sbs_status empty_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx, (void)name, (void)buffer, (void)size;
    *out_len = 0;
    return SBS_OK;
}

static sbs_status forgetful_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)ctx, (void)name, (void)data, (void)len;
    return SBS_OK;
}

static void an_empty_record_dates_nothing(void **state) {
    push_setup *s = *state;
    static const sbs_storage_ops ops = {.get = empty_get, .set = forgetful_set};
    const sbs_storage storage = {&ops, NULL};
    s->config.storage = &storage;
    ram_queue_add(&s->queue, 1, "a", SBS_UTC_UNKNOWN);
    s->queue.items[0].item.meta.boot_id = 7;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_WAITING);
    assert_int_equal(s->base.fhir.creates, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(what_is_no_answer_to_a_bundle_settles_nothing),
        PUSH_CASE(an_answer_without_room_costs_no_item),
        PUSH_CASE(a_request_without_room_ends_in_a_pause),
        PUSH_CASE(an_escaped_location_is_read_where_it_fits),
        PUSH_CASE(a_resource_shows_whose_answer_it_is),
        PUSH_CASE(a_word_of_an_entry_does_not_outdo_its_status),
        PUSH_CASE(an_entry_that_says_nothing_lets_nobody_pass),
        PUSH_CASE(a_key_that_fails_is_no_fault_of_an_item),
        PUSH_CASE(those_before_a_shortage_of_memory_go),
        PUSH_CASE(an_empty_resource_is_set_aside),
        PUSH_CASE(an_item_without_a_type_is_set_aside),
        PUSH_CASE(what_was_refused_in_a_coding_goes_once_more),
        PUSH_CASE(a_plain_post_without_an_answer_goes_again),
        PUSH_CASE(what_comes_back_within_a_wait_waits_until_it_can_be_found),
        PUSH_CASE(a_queue_that_fails_within_a_wait_ends_no_wait),
        PUSH_CASE(the_only_item_may_go_away_while_it_waits),
        PUSH_CASE(cancelling_ends_no_wait),
        PUSH_CASE(the_queue_fails_at_every_write_of_a_group),
        PUSH_CASE(a_queue_that_fails_altogether_is_told_as_failing),
        PUSH_CASE(a_failure_without_a_clock_is_kept_without_a_time),
        PUSH_CASE(what_was_held_against_an_item_is_read_with_care),
        PUSH_CASE(a_suspect_waits_for_the_whole_first_look),
        PUSH_CASE(without_room_to_wait_a_refused_put_still_replaces_nothing),
        PUSH_CASE(an_empty_record_dates_nothing),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
