/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bad items stop nobody: whatever the server says of them, and however many there are, those of other lanes are stored
 * within a bound of time and requests, and what fails while others pass is set aside in the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <psa/crypto.h>

#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define GOOD 20u
#define MINUTE_MS 60000u

psa_status_t __real_psa_generate_random(uint8_t *output, size_t size);
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size);

/* The longest wait that jitter can give. */
psa_status_t __wrap_psa_generate_random(uint8_t *output, size_t size) {
    if (size != sizeof(uint32_t)) {
        return __real_psa_generate_random(output, size);
    }
    memset(output, 0xFF, size);
    return PSA_SUCCESS;
}

/* How a server treats an item that it does not like: X in a request alone and in an entry, or the Bundle as a whole. */
typedef struct badness {
    const char *name;
    unsigned status; /* 0: no answer */
    unsigned bundle; /* status of a Bundle with one in it; 0: by its entry */
    const char *fields;
    char letter; /* T: a type that the scope does not cover */
    bool never_dead;
    const char *reason; /* what it dies of begins so */
} badness;

static const badness kinds[] = {
    {"500", 500, 0, NULL, 'X', false, "fails while others are stored"},
    {"503", 503, 0, NULL, 'X', false, "fails while others are stored"},
    {"504 with Retry-After", 504, 0, "Retry-After: 9\r\n", 'X', false, "fails while others are stored"},
    {"503 with Retry-After: 0", 503, 0, "Retry-After: 0\r\n", 'X', false, "fails while others are stored"},
    {"429", 429, 0, NULL, 'X', false, "fails while others are stored"},
    {"429 with Retry-After", 429, 0, "Retry-After: 10\r\n", 'X', false, "fails while others are stored"},
    {"408", 408, 0, NULL, 'X', false, "fails while others are stored"},
    {"401", 401, 0, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"403", 403, 0, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"404", 404, 0, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"405", 405, 0, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"410", 410, 0, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"302", 302, 0, "Location: https://elsewhere.example/\r\n", 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"202", 202, 0, NULL, 'X', false, "unconfirmed"},
    {"409", 409, 0, NULL, 'X', false, "conflict"},
    {"409 for the whole batch", 409, 409, NULL, 'X', false, "conflict"},
    {"403 for the whole batch", 403, 403, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"500 for the whole batch", 500, 500, NULL, 'X', false, "fails while others are stored"},
    {"429 for the whole batch", 429, 429, NULL, 'X', false, "fails while others are stored"},
    {"401 for the whole batch", 401, 401, NULL, 'X', false, SBS_QUEUE_REASON_OPERATOR},
    {"no answer", 0, 0, NULL, 'X', true, ""},
    {"out of scope", 403, 0, NULL, 'T', false, SBS_QUEUE_REASON_OPERATOR},
};

static const badness *kind;
static fake_server *server;

static bool is_bad(const char *json, size_t len) {
    return fake_find(json, len, "\"value\":\"X") != NULL || fake_find(json, len, "\"value\":\"T") != NULL;
}

static unsigned verdict(const char *json, size_t len) {
    bool bad = is_bad(json, len);
    server->broken = server->broken || (bad && kind->status == 0);
    return bad ? (kind->status == 0 ? 500 : kind->status) : 0;
}

static unsigned verdict_of_all(const char *json, size_t len) {
    return is_bad(json, len) ? kind->bundle : 0;
}

static void begin(push_setup *s, const badness *with, sbs_write_mode mode, uint16_t batch) {
    push_setup_init(s);
    kind = with;
    server = &s->base.fhir.server;
    s->mode = mode;
    s->config.batch_max = batch;
    s->base.fhir.verdict = verdict;
    s->base.fhir.verdict_of_all = kind->bundle != 0 ? verdict_of_all : NULL;
    s->base.fhir.verdict_fields = kind->fields;
}

static void add(push_setup *s, char letter, uint32_t lane, unsigned number) {
    char text[16];
    snprintf(text, sizeof text, "%c%03u", letter, number);
    ram_queue_add(&s->queue, lane, text, NOW);
}

static unsigned requests_of(const push_setup *s) {
    return s->base.fhir.creates + s->base.fhir.updates + s->base.fhir.bundles;
}

static struct { uint64_t time_ms, requests; } worst;

static void poll(push_setup *s) {
    sbs_wait wait;
    assert_in_range(sbs_push_poll(&s->push, s->base.now, &wait), SBS_OK, SBS_PENDING);
    s->base.now.mono_ms += wait.timeout_ms;
    s->base.now.utc_s = NOW + (int64_t)(s->base.now.mono_ms / 1000);
}

/* N bad items, each in a lane of its own, before good ones in others. */
static void hold_the_bound(push_setup *s, unsigned bad) {
    uint64_t begin_ms = s->base.now.mono_ms;
    uint64_t most_ms = MINUTE_MS + bad * UINT64_C(30000);
    for (unsigned i = 0; i < bad; i++) {
        add(s, kind->letter, i, i);
    }
    for (unsigned i = 0; i < GOOD; i++) {
        add(s, 'g', 1000 + i, i);
    }

    while (ram_queue_count(&s->queue, RAM_DELIVERED) < GOOD && s->base.now.mono_ms < begin_ms + most_ms) {
        poll(s);
    }

    uint64_t took_ms = s->base.now.mono_ms - begin_ms;
    unsigned requests = requests_of(s);
    if (ram_queue_count(&s->queue, RAM_DELIVERED) < GOOD || requests > GOOD + 8 * bad) {
        fail_msg("%s, batch %u, mode %d, %u bad: %u of %u good ones after %llu ms and %u requests", kind->name,
                 s->config.batch_max, (int)s->mode, bad, ram_queue_count(&s->queue, RAM_DELIVERED), GOOD,
                 (unsigned long long)took_ms, requests);
    }
    uint64_t share_ms = took_ms * 100 / most_ms;
    worst.time_ms = share_ms > worst.time_ms ? share_ms : worst.time_ms;
    unsigned share = (requests - GOOD * (requests > GOOD)) * 100 / (8 * bad);
    worst.requests = requests > GOOD && share > worst.requests ? share : worst.requests;
}

static void bad_items_hold_up_no_other_lane(void **state) {
    push_setup *s = *state;
    static const unsigned counts[] = {1, 2, 9, 100};
    static sbs_push_deferred lent[128];
    for (size_t k = 0; k < SBS_COUNT_OF(kinds); k++) {
        for (unsigned variant = 0; variant < 32; variant++) {
            uint16_t batch = variant / 4 % 2 == 0 ? 1 : 32;
            if ((kinds[k].bundle != 0 && batch == 1) || (kinds[k].letter == 'T' && batch > 1)) {
                continue;
            }
            begin(s, &kinds[k], variant / 8 % 2 == 0 ? SBS_WRITE_PUT : SBS_WRITE_IF_NONE_EXIST, batch);
            if (variant / 16 != 0) {
                s->config.deferred = lent;
                s->config.deferred_count = SBS_COUNT_OF(lent);
                assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
            }
            hold_the_bound(s, counts[variant % 4]);
        }
    }
    print_message("bad items: at worst %u %% of the time and %u %% of the requests of the bound\n",
                  (unsigned)worst.time_ms, (unsigned)worst.requests);
}

/* A good one each half minute: what fails meanwhile is set aside, not before ten minutes and with the reason, and what
 * never gets an answer is kept. */
static void what_fails_while_others_pass_is_set_aside(void **state) {
    push_setup *s = *state;
    for (size_t k = 0; k < SBS_COUNT_OF(kinds); k++) {
        for (uint16_t batch = 1; batch <= 32; batch = (uint16_t)(batch + 31)) {
            if ((kinds[k].bundle != 0 && batch == 1) || (kinds[k].letter == 'T' && batch > 1)) {
                continue;
            }
            begin(s, &kinds[k], SBS_WRITE_PUT, batch);
            add(s, kind->letter, 0, 0);
            add(s, kind->letter, 1, 1);
            for (unsigned i = 0; i < 100; i++) {
                uint64_t next_ms = s->base.now.mono_ms + 30000;
                add(s, 'g', 2 + i % 3, i);
                while (s->base.now.mono_ms < next_ms) {
                    uint64_t now_ms = s->base.now.mono_ms;
                    poll(s);
                    if (s->base.now.mono_ms > next_ms) { /* something was added */
                        s->base.now.mono_ms = next_ms > now_ms ? next_ms : now_ms;
                    }
                }
                assert_true(i >= 20 || ram_queue_count(&s->queue, RAM_DEAD) == 0);
            }

            for (unsigned i = 0; i < 2; i++) {
                const struct ram_item *item = &s->queue.items[i];
                if (item->fate != (kind->never_dead ? RAM_WAITING : RAM_DEAD) ||
                    strncmp(item->reason, kind->reason, strlen(kind->reason)) != 0) {
                    fail_msg("%s, batch %u: fate %d after %u attempts, %s", kind->name, batch, (int)item->fate,
                             item->item.attempts, item->reason);
                }
            }
            /* A minute, and half of one for each bad one. */
            if (ram_queue_count(&s->queue, RAM_DELIVERED) < 96) {
                fail_msg("%s, batch %u: %u delivered", kind->name, batch, ram_queue_count(&s->queue, RAM_DELIVERED));
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(bad_items_hold_up_no_other_lane),
        PUSH_CASE(what_fails_while_others_pass_is_set_aside),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
