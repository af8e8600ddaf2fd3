/* SPDX-License-Identifier: Apache-2.0 */
/* The push engine when things break: the connection at every byte, the queue at every operation, the power at every
 * poll; and measurements that were taken before the clock was known. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "test.h"

#define NOW 1700000000

/* A storage of one record. */
static uint8_t record[256];
static size_t record_len;

static sbs_status record_get(void *ctx, const char *name, uint8_t *buffer, size_t size, size_t *out_len) {
    (void)ctx;
    assert_string_equal(name, "boots");
    assert_true(size >= record_len);
    memcpy(buffer, record, record_len);
    *out_len = record_len;
    return record_len > 0 ? SBS_OK : SBS_ERR_NOT_FOUND;
}

static sbs_status record_set(void *ctx, const char *name, const uint8_t *data, size_t len) {
    (void)ctx;
    (void)name;
    assert_true(len <= sizeof record);
    memcpy(record, data, len);
    record_len = len;
    return SBS_OK;
}

static const sbs_storage_ops record_ops = {.get = record_get, .set = record_set};
static const sbs_storage record_storage = {.ops = &record_ops};

static void assert_each_once(push_setup *s) {
    assert_int_equal(push_run(s, 36000000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 3);
    assert_int_equal(push_stored(s, "a"), 1);
    assert_int_equal(push_stored(s, "b"), 1);
    assert_int_equal(push_stored(s, "c"), 1);
}

static void the_connection_breaks_at_every_byte(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_abc(s, batch);
        assert_each_once(s);
        size_t total = s->base.fhir.server.moved;
        for (size_t at = 0; at < 2 * total; at++) {
            push_setup_abc(s, batch);
            s->base.fhir.server.fault_at = at / 2;
            s->base.fhir.server.fault = at % 2 == 0 ? FAKE_CLOSE : FAKE_STALL;
            assert_each_once(s);
        }
    }
}

static void the_queue_fails_at_every_operation(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_abc(s, batch);
        assert_each_once(s);
        unsigned total = s->queue.operations;
        for (unsigned at = 4; at <= total; at++) {
            push_setup_abc(s, batch);
            s->queue.fail_at = at;
            assert_int_equal(push_run(s, 36000000), SBS_ERR_STORAGE);
            assert_each_once(s);
        }
    }
}

/* The engine and the client lose all they know after each number of polls; the queue and the server keep theirs. */
static void the_power_fails_at_every_poll(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        unsigned polls = 0;
        for (bool finished = false; !finished; polls++) {
            sbs_wait wait;
            push_setup_abc(s, batch);
            for (unsigned i = 0; i < polls && !finished; i++) {
                finished = sbs_push_poll(&s->push, s->base.now, &wait) == SBS_OK;
                s->base.now.mono_ms += wait.timeout_ms == SBS_WAIT_FOREVER ? 0 : wait.timeout_ms;
            }
            sbs_client_deinit(&s->base.client);
            assert_int_equal(sbs_client_init(&s->base.client, &s->base.config), SBS_OK);
            assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
            assert_each_once(s);
        }
        assert_true(polls > 20);
    }
}

static void add_undated(push_setup *s, uint32_t boot_id, uint64_t uptime_ms, const char *text) {
    uint64_t id = ram_queue_add(&s->queue, 1, text, SBS_UTC_UNKNOWN);
    s->queue.items[id - 1].item.meta.boot_id = boot_id;
    s->queue.items[id - 1].item.meta.uptime_ms = uptime_ms;
}

static int64_t time_sent(const push_setup *s) {
    const char *at = fake_find(s->base.fhir.last, s->base.fhir.last_len, "\"at\":");
    return at == NULL ? 0 : strtoll(at + 5, NULL, 10);
}

static void add_one(push_setup *s, const char *text) {
    ram_queue_add(&s->queue, 1, text, NOW);
}

static void an_undated_item_is_dated_when_the_clock_is_known(void **state) {
    push_setup *s = *state;
    add_undated(s, 1, 400, "a");
    s->base.now = (sbs_now){.mono_ms = 20400, .utc_s = SBS_UTC_UNKNOWN};
    assert_int_equal(push_run(s, 1000), SBS_OK); /* held */
    assert_int_equal(s->base.fhir.server.opens, 0);
    s->base.now.utc_s = NOW;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "a ");
    assert_int_equal(time_sent(s), NOW - 20);
}

static void the_clock_of_an_earlier_boot_is_remembered(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    record_len = 0;
    s->config.storage = &record_storage;
    s->base.now = (sbs_now){.mono_ms = 100000, .utc_s = NOW};
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK);
    for (uint32_t boot = 2; boot <= SBS_PUSH_BOOTS_MAX; boot++) {
        s->config.boot_id = boot;
        assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
        s->base.now = (sbs_now){.mono_ms = 1000, .utc_s = NOW + 1000 * (int64_t)boot};
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK);
    }
    add_undated(s, 1, 130000, "a");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(time_sent(s), NOW + 30);
    record[0]++; /* written by a newer version: left alone, and not believed */
    add_undated(s, 1, 130000, "b");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "a ");
}

/* What can never be dated does not hold up what comes after it, and the policy may be another. */
static void an_item_that_cannot_be_dated_follows_the_policy(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    add_undated(s, 77, 0, "a");
    ram_queue_add(&s->queue, 1, "b", NOW);
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "b ");
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK);
    assert_true(wait.timeout_ms != SBS_WAIT_FOREVER);
    s->config.unknown_time = SBS_UNKNOWN_TIME_SEND;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "b a ");
    assert_int_equal(time_sent(s), 0);
    s->config.unknown_time = SBS_UNKNOWN_TIME_DEAD;
    add_undated(s, 77, 0, "c");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[2].fate, RAM_DEAD);
}

/* An encoder that dates items by a clock of its own. */
static struct {
    sbs_status (*identify)(void *ctx, const sbs_push_item *item, sbs_push_identity *out);
    bool knows_time;
} dating;

static sbs_status identify_dated(void *ctx, const sbs_push_item *item, sbs_push_identity *out) {
    sbs_status status = dating.identify(ctx, item, out);
    if (status == SBS_OK && item->data[0] == '?' && !dating.knows_time) {
        return SBS_ERR_NO_TIME;
    }
    return status;
}

static void an_item_that_the_encoder_cannot_date_yet_is_held(void **state) {
    push_setup *s = *state;
    dating.identify = s->config.encoder.identify;
    dating.knows_time = false;
    s->config.encoder.identify = identify_dated;
    s->config.unknown_time = SBS_UNKNOWN_TIME_SEND;
    ram_queue_add(&s->queue, 1, "?a", NOW);
    ram_queue_add(&s->queue, 1, "b", NOW);
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "b ");
    assert_int_equal(s->queue.items[0].fate, RAM_WAITING);

    /* It is looked at again by itself. */
    sbs_wait wait;
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK);
    assert_true(wait.timeout_ms <= 5000);
    dating.knows_time = true;
    s->base.now.mono_ms += wait.timeout_ms;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, "b ?a ");

    dating.knows_time = false;
    s->config.unknown_time = SBS_UNKNOWN_TIME_DEAD;
    ram_queue_add(&s->queue, 1, "?c", NOW);
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[2].fate, RAM_DEAD);
}

/* Another task may append, and read its clock, after the loop has read its own. */
static void an_item_newer_than_the_sample_of_the_clock_is_dated_too(void **state) {
    push_setup *s = *state;
    s->base.now = (sbs_now){.mono_ms = 20000, .utc_s = NOW};
    add_undated(s, 1, 22000, "a");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(time_sent(s), NOW + 2);
}

/* The clock becomes known while the engine looks through a queue too long for one poll. */
static void the_lane_keeps_its_order_when_the_clock_comes(void **state) {
    push_setup *s = *state;
    char order[128] = "";
    sbs_wait wait;
    for (unsigned i = 0; i < 20; i++) {
        char text[8];
        snprintf(text, sizeof text, "i%02u", i);
        add_undated(s, 1, 400, text);
        strcat(strcat(order, text), " ");
    }
    s->base.now = (sbs_now){.mono_ms = 20400, .utc_s = SBS_UTC_UNKNOWN};
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    s->base.now.utc_s = NOW;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_string_equal(s->order, order);
}

/* A full queue that drops its oldest, or another program, settles an item that waits for its next try. */
static void an_item_that_goes_away_holds_up_nobody(void **state) {
    push_setup *s = *state;
    add_one(s, "a");
    s->base.fhir.fhir_status = 500;
    while (s->events[SBS_PUSH_DEFERRED] == 0) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    s->queue.items[0].fate = RAM_DEAD;
    add_one(s, "b");
    assert_int_equal(push_run(s, 600000), SBS_OK);
    assert_string_equal(s->order, "b ");
}

/* A queue may find a damaged item anywhere, and reports it when it is asked next. */
static void a_damaged_item_changes_no_order(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_init(s);
        s->config.batch_max = batch;
        add_one(s, "a");
        add_one(s, "b");
        add_one(s, "c");
        s->queue.lost = 2;
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_string_equal(s->order, "a c ");
        assert_int_equal(s->events[SBS_PUSH_DEAD], 1);
    }
}

static void an_item_that_goes_away_while_it_is_sent_is_no_error(void **state) {
    push_setup *s = *state;
    static const unsigned answers[] = {201, 422};
    for (unsigned i = 0; i < 2; i++) {
        push_setup_init(s);
        add_one(s, "a");
        add_one(s, "b");
        s->base.fhir.fhir_status = i == 0 ? 0 : answers[i];
        while (s->queue.items[0].item.attempts == 0) {
            assert_int_equal(push_run(s, 0), SBS_PENDING);
        }
        s->queue.items[0].fate = RAM_DEAD;
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_string_equal(s->order, "b ");
    }
}

static void a_push_can_be_cancelled(void **state) {
    push_setup *s = *state;
    push_setup_abc(s, 1);
    for (unsigned i = 0; i < 12; i++) {
        sbs_wait wait;
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    }
    sbs_push_cancel(&s->push);
    assert_false(s->base.fhir.server.is_open);
    assert_each_once(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(the_connection_breaks_at_every_byte),
        PUSH_CASE(the_queue_fails_at_every_operation),
        PUSH_CASE(the_power_fails_at_every_poll),
        PUSH_CASE(an_undated_item_is_dated_when_the_clock_is_known),
        PUSH_CASE(the_clock_of_an_earlier_boot_is_remembered),
        PUSH_CASE(an_item_that_cannot_be_dated_follows_the_policy),
        PUSH_CASE(an_item_that_the_encoder_cannot_date_yet_is_held),
        PUSH_CASE(an_item_newer_than_the_sample_of_the_clock_is_dated_too),
        PUSH_CASE(the_lane_keeps_its_order_when_the_clock_comes),
        PUSH_CASE(an_item_that_goes_away_holds_up_nobody),
        PUSH_CASE(a_damaged_item_changes_no_order),
        PUSH_CASE(an_item_that_goes_away_while_it_is_sent_is_no_error),
        PUSH_CASE(a_push_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
