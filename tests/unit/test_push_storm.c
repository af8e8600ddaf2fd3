/* SPDX-License-Identifier: Apache-2.0 */
/* However long a server that answers at once takes nothing, it gets no storm of requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define HOUR_MS 3600000u

static unsigned always;
static uint16_t attempts; /* at which each item stands, as in a queue where they saturate; 0: as they come */

static unsigned say_always(const char *json, size_t len) {
    (void)json;
    (void)len;
    return always;
}

static void begin(push_setup *s, unsigned status, sbs_write_mode mode, uint16_t batch, uint32_t lanes) {
    push_setup_init(s);
    always = status;
    s->base.fhir.verdict = say_always;
    s->mode = mode;
    s->config.batch_max = batch;
    for (uint32_t i = 0; i < 24; i++) {
        char text[8];
        snprintf(text, sizeof text, "i%u", (unsigned)i);
        ram_queue_add(&s->queue, i % lanes, text, NOW);
    }
}

static unsigned requests_of(const push_setup *s) {
    return s->base.fhir.creates + s->base.fhir.updates + s->base.fhir.bundles;
}

/* Runs for some time, or until there were too many requests. */
static void run(push_setup *s, uint64_t time_ms, unsigned most) {
    uint64_t end_ms = s->base.now.mono_ms + time_ms;
    while (s->base.now.mono_ms < end_ms && requests_of(s) <= most) {
        sbs_wait wait;
        for (unsigned i = 0; i < s->queue.count && attempts != 0; i++) {
            s->queue.items[i].item.attempts = attempts;
        }
        assert_in_range(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK, SBS_PENDING);
        s->base.now.mono_ms += wait.timeout_ms < HOUR_MS ? wait.timeout_ms : HOUR_MS;
        s->base.now.utc_s = NOW + (int64_t)(s->base.now.mono_ms / 1000);
    }
    if (requests_of(s) > most) {
        fail_msg("status %u, mode %d, batch %u: %u requests within %llu s", always, (int)s->mode, s->config.batch_max,
                 requests_of(s), (unsigned long long)(s->base.now.mono_ms / 1000));
    }
}

/* More of them than can wait on their own. */
static void conflicts_of_all_make_none(void **state) {
    push_setup *s = *state;
    attempts = 0;
    for (unsigned variant = 0; variant < 4; variant++) {
        begin(s, 409, variant % 2 == 0 ? SBS_WRITE_PUT : SBS_WRITE_IF_NONE_EXIST, variant < 2 ? 1 : 32, 24);
        run(s, 600000, 200);
    }
}

static void attempts_that_saturate_make_none(void **state) {
    push_setup *s = *state;
    static const unsigned statuses[] = {503, 500, 403, 404, 401, 202, 429};
    for (size_t i = 0; i < SBS_COUNT_OF(statuses); i++) {
        for (uint32_t lanes = 1; lanes <= 24; lanes += 23) {
            attempts = UINT8_MAX; /* as on flash */
            begin(s, statuses[i], SBS_WRITE_PUT, 1, lanes);
            run(s, 24 * HOUR_MS, 1800);
        }
    }
    attempts = 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(conflicts_of_all_make_none),
        PUSH_CASE(attempts_that_saturate_make_none),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
