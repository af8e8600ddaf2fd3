/* SPDX-License-Identifier: Apache-2.0 */
/* How the push engine goes through its queue: what it costs, what is too large for a Bundle, what cannot be built for
 * now, and what was delivered but could not be settled. */
#include <psa/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "push_setup.h"
#include "test.h"

#define NOW 1700000000

psa_status_t __real_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);
psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg);

static psa_status_t hash_fails;

psa_status_t __wrap_psa_hash_setup(psa_hash_operation_t *operation, psa_algorithm_t alg) {
    return hash_fails != PSA_SUCCESS ? hash_fails : __real_psa_hash_setup(operation, alg);
}

static void add(push_setup *s, uint32_t lane, const char *text) {
    ram_queue_add(&s->queue, lane, text, NOW);
}

static void add_many(push_setup *s, uint32_t lanes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char text[16];
        snprintf(text, sizeof text, "i%02u", i);
        add(s, i % lanes, text);
    }
}

static unsigned conflict_in_c(const char *json, size_t len) {
    return fake_find(json, len, "\"value\":\"C") != NULL ? 409 : 0;
}

/* What is passed over is not looked at again for each item that goes. */
static void an_item_costs_a_few_looks_whatever_waits_before_it(void **state) {
    push_setup *s = *state;
    for (uint16_t batch = 1; batch <= 4; batch = (uint16_t)(batch + 3)) {
        push_setup_init(s);
        s->config.batch_max = batch;
        s->mode = SBS_WRITE_PUT; /* whose entries are told apart by their ids */
        s->config.backoff = (sbs_backoff){600000, 600000};
        s->base.fhir.verdict = conflict_in_c;
        add(s, 0, "C");
        for (unsigned i = 0; i < 30; i++) { /* behind it in its lane */
            char text[8];
            snprintf(text, sizeof text, "b%02u", i);
            add(s, 0, text);
        }
        for (unsigned i = 0; i < 30; i++) {
            char text[8];
            snprintf(text, sizeof text, "f%02u", i);
            add(s, 1, text);
        }
        assert_int_equal(push_run(s, 60000), SBS_PENDING);
        /* The batch takes three of the lane along before the conflict is known. */
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), batch == 1 ? 30 : 33);
        assert_in_range(s->queue.looks, 61, 61 * 4);
    }
}

/* A tool may put a dead letter back behind the place where the engine looks. */
static void what_comes_back_behind_the_look_is_found(void **state) {
    push_setup *s = *state;
    add_many(s, 1, 4);
    s->queue.items[0].fate = RAM_DEAD;
    while (s->events[SBS_PUSH_DELIVERED] < 2) {
        assert_int_equal(push_run(s, 0), SBS_PENDING);
    }
    s->queue.items[0].fate = RAM_WAITING;
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 4);
}

/* The clock comes while a request is under way: what was held goes before what comes after it. */
static void what_was_held_goes_first_when_the_clock_comes(void **state) {
    push_setup *s = *state;
    ram_queue_add(&s->queue, 1, "a", SBS_UTC_UNKNOWN);
    s->queue.items[0].item.meta.boot_id = 1;
    add(s, 2, "b");
    ram_queue_add(&s->queue, 1, "c", SBS_UTC_UNKNOWN);
    s->base.now = (sbs_now){.mono_ms = 20400, .utc_s = SBS_UTC_UNKNOWN};
    s->base.config.token_url = NULL;
    for (unsigned i = 0; i < 3; i++) {
        sbs_wait wait;
        assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    }
    s->base.now.utc_s = NOW;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_string_equal(s->order, "b a c ");
}

/* The clock comes while a Bundle is filled, and the look begins anew: what is in it already is sent, not taken twice.
 */
static void a_bundle_that_is_being_filled_is_sent_when_the_clock_comes(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    ram_queue_add(&s->queue, 1, "held", SBS_UTC_UNKNOWN);
    s->queue.items[0].item.meta.boot_id = 1;
    for (unsigned i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "i%02u", i);
        add(s, i + 2, text);
    }
    s->config.batch_max = 32;
    s->base.now = (sbs_now){.mono_ms = 20400, .utc_s = SBS_UTC_UNKNOWN};
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    unsigned filled = s->push.priv.batch_len;
    assert_in_range(filled, 1, 19);
    s->base.now.utc_s = NOW;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 21);
    for (unsigned i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "i%02u", i);
        assert_int_equal(push_stored(s, text), 1);
    }
    /* What was held goes with the second one. */
    assert_int_equal(s->base.fhir.bundles, 2);
    const char *held = strstr(s->order, "held ");
    assert_non_null(held);
    assert_int_equal((size_t)(held - s->order), filled * 4);
}

/* The same with one item in it, behind which many are held. */
static void a_bundle_of_one_is_sent_when_the_clock_comes(void **state) {
    push_setup *s = *state;
    sbs_wait wait;
    add(s, 1, "a");
    for (unsigned i = 0; i < 20; i++) {
        char text[16];
        snprintf(text, sizeof text, "h%02u", i);
        ram_queue_add(&s->queue, i + 2, text, SBS_UTC_UNKNOWN);
        s->queue.items[i + 1].item.meta.boot_id = 1;
    }
    s->config.batch_max = 32;
    s->base.now = (sbs_now){.mono_ms = 20400, .utc_s = SBS_UTC_UNKNOWN};
    assert_int_equal(sbs_push_poll(&s->push, s->base.now, &wait), SBS_PENDING);
    assert_int_equal(s->push.priv.batch_len, 1);
    s->base.now.utc_s = NOW;
    assert_int_equal(push_run(s, 3600000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 21);
    assert_memory_equal(s->order, "a h00 h01 ", 10);
    assert_int_equal(strlen(s->order), 2 + 20 * 4);
    assert_int_equal(s->base.fhir.creates + s->base.fhir.bundles, 2);
}

static void what_fits_without_a_bundle_is_sent_alone(void **state) {
    push_setup *s = *state;
    char large[51];
    memset(large, 'x', 50);
    large[50] = '\0';
    s->config.batch_max = 4;
    s->config.body_size = 260; /* one small item in a Bundle, or a large one alone */
    add(s, 1, "a");
    add(s, 1, large);
    add(s, 1, "b");
    add(s, 1, "c");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 4);
    assert_int_equal(s->base.fhir.creates, 1);
    assert_int_equal(s->base.fhir.bundles, 3);
    s->config.body_size = 100; /* not even alone */
    add(s, 1, large);
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[4].fate, RAM_DEAD);
}

static sbs_status read_nothing(void *ctx, uint64_t id, size_t offset, void *buffer, size_t size, size_t *out_len) {
    (void)ctx, (void)id, (void)offset, (void)buffer, (void)size;
    *out_len = 0;
    return SBS_OK;
}

/* The queue tells a length, and has less: that would be asked for without end. */
static void an_item_that_is_shorter_than_it_says_is_damaged(void **state) {
    push_setup *s = *state;
    sbs_queue_ops ops = *s->queue.queue.ops;
    ops.read = read_nothing;
    s->queue.queue.ops = &ops;
    add(s, 1, "a");
    assert_int_equal(push_run(s, 60000), SBS_OK);
    assert_int_equal(s->queue.items[0].fate, RAM_DEAD);
    assert_int_equal(s->last[SBS_PUSH_DEAD].status, SBS_ERR_DAMAGED);
}

static void what_cannot_work_is_refused(void **state) {
    push_setup *s = *state;
    const sbs_push_config good = s->config;
#define REFUSED(member, value)                                                                                         \
    do {                                                                                                               \
        s->config = good;                                                                                              \
        s->config.member = value;                                                                                      \
        assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_ERR_ARGUMENT);                                       \
    } while (0)
    REFUSED(client, NULL);
    REFUSED(queue, NULL);
    REFUSED(item, NULL);
    REFUSED(body, NULL);
    REFUSED(body_size, 2);
    REFUSED(encoder.identify, NULL);
    REFUSED(encoder.encode, NULL);
    REFUSED(batch_max, SBS_PUSH_BATCH_MAX + 1);
    s->config = good;
    s->config.answer = NULL;
    s->config.batch_max = 1;
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
    s->config.batch_max = 2;
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_ERR_ARGUMENT);
    s->config.batches = NULL; /* it sends none */
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
    s->config = good;
    s->config.body_size = 3;
    s->config.batch_max = SBS_PUSH_BATCH_MAX;
    assert_int_equal(sbs_push_init(&s->push, &s->config), SBS_OK);
}

/* Memory that is short for a moment is no fault of an item. */
static void an_item_that_cannot_be_built_for_now_is_kept(void **state) {
    push_setup *s = *state;
    static const psa_status_t failures[] = {PSA_ERROR_INSUFFICIENT_MEMORY, PSA_ERROR_HARDWARE_FAILURE};
    for (unsigned i = 0; i < 4; i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PUT;
        s->config.batch_max = i < 2 ? 1 : 3;
        add(s, 1, "a");
        add(s, 1, "b");
        hash_fails = failures[i % 2];
        assert_int_equal(push_run(s, 600000), SBS_PENDING);
        hash_fails = PSA_SUCCESS;
        assert_true(s->events[SBS_PUSH_WAITING] >= 2);
        assert_int_equal(s->last[SBS_PUSH_WAITING].id, 1);
        assert_int_equal(s->last[SBS_PUSH_WAITING].status, i % 2 == 0 ? SBS_ERR_MEMORY : SBS_ERR_CRYPTO);
        assert_int_equal(push_run(s, 600000), SBS_OK);
        assert_string_equal(s->order, "a b ");
    }
}

/* Even a plain create is sent once, as long as the power stays. */
static void what_could_not_be_settled_is_not_sent_again(void **state) {
    push_setup *s = *state;
    static const unsigned answers[] = {0, 422};
    for (unsigned i = 0; i < 4; i++) {
        push_setup_init(s);
        s->mode = SBS_WRITE_PLAIN;
        s->config.batch_max = i < 2 ? 1 : 3;
        s->base.fhir.verdict = NULL;
        add(s, 1, "a");
        s->base.fhir.fhir_status = i < 2 ? answers[i] : 0;
        while (s->queue.items[0].item.attempts == 0) {
            assert_int_equal(push_run(s, 0), SBS_PENDING);
        }
        for (unsigned tries = 0; tries < 3; tries++) {
            s->queue.fail_at = s->queue.operations + 1;
            /* In a batch the look for more comes before the sending. */
            sbs_status status = push_run(s, 60000);
            assert_int_equal(status, SBS_ERR_STORAGE);
        }
        assert_int_equal(push_run(s, 60000), SBS_OK);
        assert_int_equal(s->queue.items[0].fate, i == 1 ? RAM_DEAD : RAM_DELIVERED);
        assert_int_equal(s->base.fhir.creates + s->base.fhir.bundles, 1);
        assert_int_equal(fake_fhir_count(&s->base.fhir, "plain"), i == 1 ? 0 : 1);
    }
}

/* When the answer is there, nobody waits for the stream any more: it may be silent for long. */
static void an_answer_is_acted_on_at_once(void **state) {
    push_setup *s = *state;
    const sbs_request probe = {.interaction = SBS_TOKEN};
    unsigned waits = 0;
    for (uint16_t batch = 1; batch <= 3; batch = (uint16_t)(batch + 2)) {
        push_setup_init(s);
        s->config.batch_max = batch;
        s->base.fhir.server.pending_first = true;
        add_many(s, 1, 4);
        for (sbs_status status = SBS_PENDING; status == SBS_PENDING;) {
            sbs_wait wait;
            status = sbs_push_poll(&s->push, s->base.now, &wait);
            if (wait.events != 0) {
                assert_int_equal(sbs_client_start(&s->base.client, &probe), SBS_ERR_STATE); /* it is busy */
                waits++;
            }
        }
        assert_int_equal(ram_queue_count(&s->queue, RAM_DELIVERED), 4);
    }
    assert_true(waits > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(an_item_costs_a_few_looks_whatever_waits_before_it),
        PUSH_CASE(what_comes_back_behind_the_look_is_found),
        PUSH_CASE(what_was_held_goes_first_when_the_clock_comes),
        PUSH_CASE(a_bundle_that_is_being_filled_is_sent_when_the_clock_comes),
        PUSH_CASE(a_bundle_of_one_is_sent_when_the_clock_comes),
        PUSH_CASE(what_fits_without_a_bundle_is_sent_alone),
        PUSH_CASE(an_item_that_is_shorter_than_it_says_is_damaged),
        PUSH_CASE(what_cannot_work_is_refused),
        PUSH_CASE(an_item_that_cannot_be_built_for_now_is_kept),
        PUSH_CASE(what_could_not_be_settled_is_not_sent_again),
        PUSH_CASE(an_answer_is_acted_on_at_once),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
