/* SPDX-License-Identifier: Apache-2.0 */
/* How many items go together, by what became of those before. */
#include <string.h>

#include "sbs/forward_batch.h"
#include "test.h"

#define MANY 1000u

static uint32_t waiting;

static void counters(void *ctx, sbs_queue_counters *out) {
    (void)ctx;
    *out = (sbs_queue_counters){.waiting = waiting};
}

static const sbs_queue_ops ops = {.counters = counters};
static const sbs_queue queue = {.ops = &ops};
static sbs_forward_batch batch;

static bool refused(uint16_t count, uint16_t http_status, bool may_be_stored) {
    sbs_push_batch_report report = {
        .bytes = 1000, .count = count, .http_status = http_status, .may_be_stored = may_be_stored};
    report.status = http_status == 0 ? SBS_ERR_TIMEOUT : SBS_ERR_REJECTED;
    return sbs_forward_batch_note(&batch, &report, 10);
}

static void taken(uint16_t count, uint64_t took_ms) {
    sbs_push_batch_report report = {.bytes = 1000, .count = count, .http_status = 200};
    assert_true(sbs_forward_batch_note(&batch, &report, took_ms));
}

/* True if it is found out with the last of them that there are no batches. */
static bool items(unsigned count, sbs_push_event_kind kind) {
    bool found = false;
    for (unsigned i = 0; i < count; i++) {
        assert_false(found);
        found = sbs_forward_batch_note_item(&batch, kind);
    }
    return found;
}

static void begin(uint16_t most, bool by_itself, uint32_t wait) {
    waiting = wait;
    sbs_forward_batch_init(&batch, &queue, most, by_itself);
}

#define assert_size(size) assert_int_equal(sbs_forward_batch_size(&batch), size)

static void what_is_asked_for_is_begun_with(void **state) {
    (void)state;
    begin(0, false, MANY);
    assert_size(1);
    begin(1, false, MANY);
    assert_size(1);
    begin(32, false, 1);
    assert_size(32);
    begin(500, false, 1);
    assert_size(SBS_FORWARD_BATCH_MAX);
}

static void a_backlog_makes_batches_by_itself(void **state) {
    (void)state;
    begin(128, true, SBS_FORWARD_BATCH_BACKLOG - 1);
    assert_size(1);
    waiting = MANY;
    assert_false(items(8, SBS_PUSH_DELIVERED));
    assert_size(8);
    const uint16_t sizes[] = {16, 32, 64, 128, 128};
    for (unsigned i = 0; i < 5; i++) {
        taken(sbs_forward_batch_size(&batch), 300);
        assert_size(sizes[i]);
    }
    assert_int_equal(sbs_forward_batch_known(&batch).taken, SBS_FORWARD_BATCHES_TAKEN);
    assert_int_equal(sbs_forward_batch_known(&batch).size, 128);
    sbs_forward_batch_note_idle(&batch);
    assert_size(1);
}

static void the_time_of_an_answer_bounds_the_size(void **state) {
    (void)state;
    begin(128, true, MANY);
    taken(8, 2000);
    assert_size(8); /* neither soon nor late */
    taken(8, 100);
    assert_size(16);
    taken(5, 100);
    assert_size(16); /* the queue had no more */
    taken(16, 7000);
    assert_size(8);
    for (unsigned i = 0; i < 9; i++) {
        (void)refused(sbs_forward_batch_size(&batch), 0, true);
    }
    assert_size(2);
}

static void a_server_without_batches_costs_one_try(void **state) {
    (void)state;
    static const uint16_t answers[] = {400, 401, 403, 404, 405, 415, 422, 500, 501};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        begin(128, true, MANY);
        assert_false(refused(8, answers[i], answers[i] >= 500)); /* one by one */
        assert_size(1);
        assert_true(items(8, SBS_PUSH_DELIVERED));
        assert_false(items(100, SBS_PUSH_DELIVERED));
        assert_size(1);
        assert_int_equal(sbs_forward_batch_known(&batch).taken, SBS_FORWARD_BATCHES_REFUSED);
    }
}

static void a_bad_item_in_the_first_batch_says_nothing_of_batches(void **state) {
    (void)state;
    begin(128, true, MANY);
    for (unsigned i = 0; i < 3; i++) {
        assert_size(8);
        assert_false(refused(8, 400, false));
        assert_false(items(7, SBS_PUSH_DELIVERED));
        assert_false(items(1, SBS_PUSH_DEAD));
    }
    assert_size(1); /* but it is not tried for ever */
    assert_int_equal(sbs_forward_batch_known(&batch).taken, SBS_FORWARD_BATCHES_UNTRIED);
}

static void a_busy_server_says_nothing_of_batches(void **state) {
    (void)state;
    static const uint16_t answers[] = {0, 408, 429, 502, 503, 504};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        begin(64, false, MANY);
        assert_true(refused(64, answers[i], false));
        assert_size(32);
        assert_false(items(64, SBS_PUSH_DELIVERED));
        assert_size(32);
        assert_int_equal(sbs_forward_batch_known(&batch).taken, SBS_FORWARD_BATCHES_UNTRIED);
    }
}

static void what_is_too_large_is_remembered(void **state) {
    (void)state;
    begin(128, true, MANY);
    taken(8, 1);
    taken(16, 1);
    taken(32, 1);
    assert_true(refused(64, 413, false));
    assert_size(32);
    for (unsigned i = 0; i < 9; i++) {
        taken(32, 1);
    }
    assert_size(32);
    sbs_forward_batch_facts facts = sbs_forward_batch_known(&batch);
    assert_int_equal(facts.limit, 32);
    begin(128, true, MANY);
    sbs_forward_batch_recall(&batch, &facts);
    assert_size(32);
    facts.size = 129; /* no such thing was learnt */
    begin(128, true, MANY);
    sbs_forward_batch_recall(&batch, &facts);
    assert_size(8);
}

/* A limit in entries is told by 400, as a bad item is: the halves tell which it was. */
static void halves_tell_a_limit_from_a_bad_item(void **state) {
    (void)state;
    begin(128, false, MANY);
    taken(1, 1);
    assert_true(refused(128, 400, false));
    assert_true(refused(64, 400, false));
    taken(32, 1);
    taken(64, 1);
    assert_size(128);
    taken(32, 1);
    assert_size(64);
    assert_int_equal(sbs_forward_batch_known(&batch).limit, 64);

    begin(128, false, MANY);
    taken(1, 1);
    assert_true(refused(128, 400, false));
    taken(64, 1);
    assert_false(items(1, SBS_PUSH_DEAD));
    taken(63, 1);
    assert_size(128);
    assert_int_equal(sbs_forward_batch_known(&batch).limit, 0);
}

/* Items of a half that are stored tell nothing of the ones that are still to come: a limit is found beside them. */
static void an_item_that_was_stored_is_not_to_blame_for_a_refusal(void **state) {
    (void)state;
    begin(128, false, MANY);
    taken(1, 1);
    assert_true(refused(128, 400, false));
    taken(64, 1);
    assert_false(items(64, SBS_PUSH_DELIVERED));
    taken(64, 1);
    assert_false(items(64, SBS_PUSH_REPLACED));
    assert_size(64);
    assert_int_equal(sbs_forward_batch_known(&batch).limit, 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_begun_with),
        cmocka_unit_test(a_backlog_makes_batches_by_itself),
        cmocka_unit_test(the_time_of_an_answer_bounds_the_size),
        cmocka_unit_test(a_server_without_batches_costs_one_try),
        cmocka_unit_test(a_bad_item_in_the_first_batch_says_nothing_of_batches),
        cmocka_unit_test(a_busy_server_says_nothing_of_batches),
        cmocka_unit_test(what_is_too_large_is_remembered),
        cmocka_unit_test(halves_tell_a_limit_from_a_bad_item),
        cmocka_unit_test(an_item_that_was_stored_is_not_to_blame_for_a_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
