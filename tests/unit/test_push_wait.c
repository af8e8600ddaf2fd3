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

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(a_pause_grows_to_an_hour),
        PUSH_CASE(a_wait_for_the_server_grows_to_five_minutes),
        PUSH_CASE(waits_are_as_long_as_configured),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
