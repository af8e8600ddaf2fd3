/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The push engine and a server with troubles: at every byte of the exchange, at every request, for an hour; both write
 * modes, single and in batches. Nothing is lost, and twice is there only what a server stores twice that ignores
 * If-None-Exist. A sample of the bytes unless SBS_LONG is 1.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "power_cut.h"
#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

#define NOW 1700000000
#define ITEMS 5u
#define HOUR_MS 3600000u

/* The third is refused for good; the first, third and fifth are of one lane. */
static const char *const texts[ITEMS] = {"a", "b", "Poison", "c", "d"};

static struct { unsigned runs, lost, twice; } figures;

static unsigned refuse_poison(const char *json, size_t len) {
    return fake_find(json, len, "\"value\":\"P") != NULL ? 422 : 0;
}

static void begin(push_setup *s, unsigned variant) {
    push_setup_init(s);
    s->mode = variant % 2 == 0 ? SBS_WRITE_IF_NONE_EXIST : SBS_WRITE_PUT;
    s->config.batch_max = variant / 2 % 2 == 0 ? 1 : 3;
    s->base.fhir.verdict = refuse_poison;
    for (uint32_t i = 0; i < ITEMS; i++) {
        ram_queue_add(&s->queue, 1 + i % 2, texts[i], NOW);
    }
}

#define VARIANTS 4u

static unsigned count_stored(push_setup *s, unsigned most_each) {
    unsigned extra = 0;
    figures.runs++;
    for (unsigned i = 0; i < ITEMS; i++) {
        unsigned times = push_stored(s, texts[i]);
        bool poison = texts[i][0] == 'P';
        figures.lost += !poison && times == 0;
        assert_in_range(times, poison ? 0 : 1, poison ? 0 : most_each);
        extra += times > 1 ? times - 1 : 0;
    }
    return extra;
}

static void assert_lanes_in_order(const push_setup *s) {
    const char *a = strstr(s->order, "a ");
    const char *d = strstr(s->order, "d ");
    const char *b = strstr(s->order, "b ");
    const char *c = strstr(s->order, "c ");
    assert_true(a != NULL && d != NULL && b != NULL && c != NULL && a < d && b < c);
}

/* To the end: each item once, the refused one dead with the server's reason, each lane in order. */
static void assert_settled(push_setup *s) {
    assert_int_equal(push_run(s, 10 * HOUR_MS), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), ITEMS - 1);
    assert_int_equal(s->queue.items[2].fate, RAM_DEAD);
    assert_string_equal(s->queue.items[2].reason, "refused");
    assert_int_equal(s->events[SBS_PUSH_COLLISION], 0);
    assert_lanes_in_order(s);
    figures.twice += count_stored(s, 1);
}

static void the_exchange_fails_at_every_byte(void **state) {
    push_setup *s = *state;
    static const fake_fault faults[] = {FAKE_CLOSE, FAKE_STALL, FAKE_END};
    size_t stride = cut_is_long() ? 1 : 13;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        begin(s, variant);
        assert_settled(s);
        size_t total = s->base.fhir.server.moved;
        for (size_t at = variant; at < total; at += stride) {
            for (unsigned fault = 0; fault < 3; fault++) {
                begin(s, variant);
                s->base.fhir.server.fault_at = at;
                s->base.fhir.server.fault = faults[fault];
                assert_settled(s);
            }
        }
    }
}

typedef struct trouble {
    const char *name;
    unsigned status; /* 0: the answer is lost */
    unsigned times;
    bool stored;
    const char *fields;
} trouble;

static const trouble troubles[] = {
    {"lost", 0, 1, true, NULL},
    {"lost thrice", 0, 3, true, NULL},
    {"500", 500, 1, false, NULL},
    {"500 after storing", 500, 1, true, NULL},
    {"500 after storing, thrice", 500, 3, true, NULL},
    {"503 after storing", 503, 1, true, "Retry-After: 30\r\n"},
    {"504 after storing", 504, 2, true, NULL},
    {"429", 429, 2, false, "Retry-After: 30\r\n"},
    {"401", 401, 1, false, NULL},
    {"401 over and over", 401, 5, false, NULL},
    {"403", 403, 2, false, NULL},
    {"404", 404, 2, false, NULL},
    {"408", 408, 2, false, NULL},
    {"302", 302, 1, false, "Location: https://elsewhere.example/\r\n"},
};

static unsigned resources_sent(const push_setup *s) {
    return s->base.fhir.creates + s->base.fhir.updates + s->base.fhir.bundles;
}

static void make_trouble(push_setup *s, const trouble *t) {
    fake_fhir *fhir = &s->base.fhir;
    fhir->lost_answers = t->status == 0 ? t->times : 0;
    fhir->fhir_status = t->status;
    fhir->fhir_times = t->times;
    fhir->store_first = t->stored;
    fhir->fields = t->fields;
}

/* Runs until so many resource requests were answered, then makes the trouble. */
static void run_into(push_setup *s, unsigned requests, const trouble *t) {
    while (resources_sent(s) < requests) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
        s->base.now.mono_ms += sbs_push_event_of(&s->push)->wait_ms;
    }
    make_trouble(s, t);
}

static void the_server_fails_at_every_request(void **state) {
    push_setup *s = *state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        begin(s, variant);
        assert_settled(s);
        unsigned requests = resources_sent(s);
        for (size_t i = 0; i < SBS_COUNT_OF(troubles); i++) {
            for (unsigned at = 0; at < requests; at++) {
                begin(s, variant);
                run_into(s, at, &troubles[i]);
                assert_settled(s);
            }
        }
    }
}

static void each_item_needs_a_new_token(void **state) {
    push_setup *s = *state;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        begin(s, variant);
        s->base.fhir.one_use = true;
        assert_settled(s);
        assert_true(s->base.fhir.unauthorized > 0);
        assert_int_equal(s->events[SBS_PUSH_PAUSED], 0); /* a fresh one is enough */
    }
}

/* After each fifth failure of the first of a lane the next one may try. */
static bool lets_pass(const push_setup *s) {
    return s->queue.items[0].item.attempts % SBS_PUSH_ALONE_MAX == 0 ||
           s->queue.items[1].item.attempts % SBS_PUSH_ALONE_MAX == 0;
}

/* All fail for an hour, with what they got stored or not. */
static void the_server_is_down_for_an_hour(void **state) {
    push_setup *s = *state;
    for (unsigned variant = 0; variant < 2 * VARIANTS; variant++) {
        begin(s, variant);
        s->base.fhir.fhir_status = 503;
        s->base.fhir.fhir_times = UINT32_MAX;
        s->base.fhir.store_first = variant >= VARIANTS;
        assert_int_equal(push_run(s, HOUR_MS), SBS_PENDING);
        assert_int_equal(ram_queue_count(&s->queue, RAM_WAITING), ITEMS);
        assert_true(resources_sent(s) < 100);
        while (lets_pass(s)) {
            assert_int_equal(push_run(s, 1000), SBS_PENDING);
        }
        s->base.fhir.fhir_status = 0;
        assert_settled(s);
    }
}

/* The token endpoint, or discovery, is down for an hour while tokens run out. */
static void no_token_for_an_hour(void **state) {
    push_setup *s = *state;
    for (unsigned variant = 0; variant < 2 * VARIANTS; variant++) {
        fake_fhir *fhir = &s->base.fhir;
        begin(s, variant);
        *(variant < VARIANTS ? &fhir->token_status : &fhir->discovery_status) = 502;
        *(variant < VARIANTS ? &fhir->token_times : &fhir->discovery_times) = UINT32_MAX;
        assert_int_equal(push_run(s, HOUR_MS), SBS_PENDING);
        assert_int_equal(ram_queue_count(&s->queue, RAM_WAITING), ITEMS);
        fhir->token_status = fhir->discovery_status = 0;
        assert_settled(s);
    }
}

/* Where the server ignores If-None-Exist, what is repeated is there twice: as often as an answer was lost after
 * storing, and not more. A derived id does without. */
static void only_a_server_that_ignores_the_search_stores_twice(void **state) {
    push_setup *s = *state;
    unsigned twice = 0;
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        bool put = variant % 2 == 1;
        if (!put && variant >= 2) {
            continue; /* a refused item in a batch makes it ambiguous who was stored: all are sent again */
        }
        begin(s, variant);
        s->base.fhir.ignores_search = true;
        assert_settled(s); /* without a fault even there */
        for (unsigned at = 0; at < ITEMS; at++) {
            begin(s, variant);
            s->base.fhir.ignores_search = true;
            if (s->config.batch_max > 1 && at >= 2) {
                continue;
            }
            run_into(s, at, &troubles[0]);
            assert_int_equal(push_run(s, 10 * HOUR_MS), SBS_OK);
            assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), ITEMS - 1);
            unsigned extra = count_stored(s, put ? 1 : 2);
            assert_in_range(extra, 0, put ? 0 : s->config.batch_max);
            twice += extra;
        }
    }
    assert_true(twice >= ITEMS - 2);
    print_message("a server that ignores If-None-Exist: %u stored twice, each after a lost answer\n", twice);
}

static void report(void **state) {
    (void)state;
    print_message("server faults: runs %u, lost %u, twice %u on servers that honour If-None-Exist\n", figures.runs,
                  figures.lost, figures.twice);
    assert_int_equal(figures.lost + figures.twice, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(the_exchange_fails_at_every_byte),
        PUSH_CASE(the_server_fails_at_every_request),
        PUSH_CASE(each_item_needs_a_new_token),
        PUSH_CASE(the_server_is_down_for_an_hour),
        PUSH_CASE(no_token_for_an_hour),
        PUSH_CASE(only_a_server_that_ignores_the_search_stores_twice),
        PUSH_CASE(report),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
