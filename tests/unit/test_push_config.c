/* SPDX-License-Identifier: Apache-2.0 */
/* What the push engine cannot work without. */
#include "push_setup.h"
#include "sbs/count.h"
#include "test.h"

static void no_client(sbs_push_config *config) {
    config->client = NULL;
}

static void no_queue(sbs_push_config *config) {
    config->queue = NULL;
}

static void no_item(sbs_push_config *config) {
    config->item = NULL;
}

static void no_body(sbs_push_config *config) {
    config->body = NULL;
}

static void small_body(sbs_push_config *config) {
    config->body_size = 2;
}

static void no_identify(sbs_push_config *config) {
    config->encoder.identify = NULL;
}

static void no_encode(sbs_push_config *config) {
    config->encoder.encode = NULL;
}

static void large_batch(sbs_push_config *config) {
    config->batch_max = SBS_PUSH_BATCH_MAX + 1;
}

static void batch_without_answer(sbs_push_config *config) {
    config->batch_max = 2;
    config->batches = &sbs_push_batches;
    config->answer = NULL;
}

static void what_is_missing_is_told_at_the_start(void **state) {
    static void (*const spoil[])(sbs_push_config *) = {
        no_client, no_queue, no_item, no_body, small_body, no_identify, no_encode, large_batch, batch_without_answer};
    push_setup *s = *state;
    for (size_t i = 0; i < SBS_COUNT_OF(spoil); i++) {
        sbs_push_config config = s->config;
        sbs_push push;
        spoil[i](&config);
        assert_int_equal(sbs_push_init(&push, &config), SBS_ERR_ARGUMENT);
    }
}

/* Whose fault a failure is stands in the answer's body, so somebody has to read it. */
static void a_client_that_reads_no_refusals_does_not_push(void **state) {
    push_setup *s = *state;
    sbs_push push;
    assert_int_equal(sbs_push_init(&push, &s->config), SBS_OK);
    s->base.config.read_refusal = NULL;
    assert_int_equal(sbs_push_init(&push, &s->config), SBS_ERR_ARGUMENT);
}

static void one_item_at_a_time_needs_no_memory_for_answers(void **state) {
    push_setup *s = *state;
    sbs_push_config config = s->config;
    sbs_push push;
    config.batch_max = 2;
    config.answer = NULL;
    config.batches = NULL;
    assert_int_equal(sbs_push_init(&push, &config), SBS_OK);
    config.batch_max = 1;
    config.batches = &sbs_push_batches;
    assert_int_equal(sbs_push_init(&push, &config), SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        PUSH_CASE(what_is_missing_is_told_at_the_start),
        PUSH_CASE(a_client_that_reads_no_refusals_does_not_push),
        PUSH_CASE(one_item_at_a_time_needs_no_memory_for_answers),
    };
    return cmocka_run_group_tests(tests, fake_setup_group, fake_teardown_group);
}
