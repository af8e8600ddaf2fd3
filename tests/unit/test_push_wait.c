/* SPDX-License-Identifier: Apache-2.0 */
/* How long the push engine waits, where chance always gives the longest wait. */
#include <psa/crypto.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

psa_status_t __real_psa_generate_random(uint8_t *output, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size);

psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size) {
    if (size != sizeof(uint32_t)) {
        return __real_psa_generate_random(output, size);
    }
    memset(output, 0xFF, size);
    return PSA_SUCCESS;
}

/* The next event of this kind; returns its wait. */
static uint32_t next_wait(push_setup *s, sbs_push_event_kind kind) {
    for (unsigned polls = 0; polls < 100000; polls++) {
        sbs_wait wait;
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
        const sbs_push_event *event = sbs_push_event_of(&s->push);
        uint32_t wait_ms = event->wait_ms;
        bool found = event->kind == kind;
        s->base.now.mono_ms += wait.timeout_ms;
        if (found) {
            return wait_ms;
        }
    }
    fail_msg("no such event");
    return 0;
}

static void assert_waits(push_setup *s, sbs_push_event_kind kind, const uint32_t *expected, size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(next_wait(s, kind), expected[i]);
    }
}

static void a_pause_grows_to_an_hour(void **state) {
    push_setup *s = *state;
    static const uint32_t expected[] = {60000, 120000, 240000, 480000, 960000, 1920000, 3600000, 3600000};
    ram_queue_add(&s->queue, 1, "a", 1700000000);
    s->base.fhir.fhir_status = 403;
    s->base.fhir.fhir_times = 1000;
    assert_waits(s, SBS_PUSH_PAUSED, expected, SBS_COUNT_OF(expected));
}

static void a_wait_for_the_server_grows_to_five_minutes(void **state) {
    push_setup *s = *state;
    static const uint32_t expected[] = {1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000};
    ram_queue_add(&s->queue, 1, "a", 1700000000);
    s->base.config.max_attempts = 1;
    s->base.fhir.discovery_status = 503;
    s->base.fhir.discovery_times = 1000;
    assert_waits(s, SBS_PUSH_WAITING, expected, SBS_COUNT_OF(expected));
}

static void waits_are_as_long_as_configured(void **state) {
    push_setup *s = *state;
    static const uint32_t pauses[] = {7000, 14000, 21000, 21000};
    static const uint32_t waits[] = {50, 100, 170, 170};
    ram_queue_add(&s->queue, 1, "a", 1700000000);
    s->config.pause = (sbs_backoff){7000, 21000};
    s->config.backoff = (sbs_backoff){50, 170};
    s->base.config.max_attempts = 1;
    s->base.fhir.discovery_status = 503;
    s->base.fhir.discovery_times = SBS_COUNT_OF(waits);
    s->base.fhir.fhir_status = 403;
    s->base.fhir.fhir_times = 1000;
    assert_waits(s, SBS_PUSH_WAITING, waits, SBS_COUNT_OF(waits));
    assert_waits(s, SBS_PUSH_PAUSED, pauses, SBS_COUNT_OF(pauses));
}

/* What cannot be encoded is settled without a request, so that only time ends the group. */
static void a_group_is_open_no_longer_than_its_time(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    ram_queue_group(&s->queue);
    for (unsigned i = 0; i < 8; i++) {
        ram_queue_add(&s->queue, i, "!", 1700000000);
    }
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    assert_int_equal(sbs_push_event_of(&s->push)->kind, SBS_PUSH_DEAD);
    assert_false(sbs_push_is_durable(&s->push));
    s->base.now.mono_ms += SBS_PUSH_GROUP_MS - 1;
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    assert_false(sbs_push_is_durable(&s->push));
    assert_int_equal(s->queue.commits, 0);
    s->base.now.mono_ms += 1;
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    assert_true(sbs_push_is_durable(&s->push));
    assert_int_equal(s->queue.commits, 1);
}

/* What only shared the fate of others has its turn at once when something is stored; what failed while others were
 * stored waits for its own time. */
static void a_success_wakes_what_has_no_failure_of_its_own(void **state) {
    push_setup *s = *state;
    sbs_push_deferred lent[4] = {{0}};
    sbs_wait wait;
    s->config.deferred = lent;
    s->config.deferred_count = SBS_COUNT_OF(lent);
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
    for (const char *text = "a\0b\0c\0"; *text != '\0'; text += 2) {
        ram_queue_add(&s->queue, (uint32_t)*text, text, 1700000000);
    }
    for (uint8_t i = 0; i < 2; i++) { /* b and c wait */
        lent[i] = (sbs_push_deferred){.id = i + 2u, .lane = 'b' + i, .until_ms = 1000000, .failures = i, .tries = 1};
    }
    s->push.priv.deferred_count = 2;
    s->push.priv.exhausted = true;
    while (sbs_push_event_of(&s->push)->kind != SBS_PUSH_DELIVERED) {
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    }
    assert_int_equal(sbs_push_event_of(&s->push)->id, 1);
    assert_int_equal(lent[0].until_ms, 0);
    assert_int_equal(lent[1].until_ms, 1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(a_pause_grows_to_an_hour),
        PUSH_CASE(a_wait_for_the_server_grows_to_five_minutes),
        PUSH_CASE(waits_are_as_long_as_configured),
        PUSH_CASE(a_group_is_open_no_longer_than_its_time),
        PUSH_CASE(a_success_wakes_what_has_no_failure_of_its_own),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
