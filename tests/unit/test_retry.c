/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sbs/retry.h"

static uint32_t largest(uint32_t base_ms, uint32_t cap_ms, unsigned attempt) {
    const sbs_backoff backoff = {base_ms, cap_ms};
    return sbs_backoff_delay(&backoff, attempt, UINT32_MAX);
}

static void test_limit_doubles_up_to_the_cap(void **state) {
    (void)state;
    assert_int_equal(largest(100, 1000, 0), 100);
    assert_int_equal(largest(100, 1000, 1), 200);
    assert_int_equal(largest(100, 1000, 3), 800);
    assert_int_equal(largest(100, 1000, 4), 1000);
    assert_int_equal(largest(100, 1000, UINT32_MAX), 1000);
    assert_int_equal(largest(5000, 1000, 0), 1000);
}

static void test_defaults(void **state) {
    (void)state;
    assert_int_equal(largest(0, 0, 0), 1000);
    assert_int_equal(largest(0, 0, 8), 256000);
    assert_int_equal(largest(0, 0, 9), 300000);
}

static void test_no_overflow(void **state) {
    (void)state;
    assert_int_equal(largest(UINT32_MAX, UINT32_MAX, 0), UINT32_MAX);
    assert_int_equal(largest(0x80000000U, UINT32_MAX, 1), UINT32_MAX);
    assert_int_equal(largest(0x7FFFFFFFU, UINT32_MAX, 1), 0xFFFFFFFEU);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        assert_true(largest(1, UINT32_MAX, attempt) == (attempt < 32 ? UINT32_C(1) << attempt : UINT32_MAX));
    }
}

/* Full jitter: even over 0..limit. A generator of full period stands for the random bits, so the counts are fixed. */
static void test_jitter_is_even(void **state) {
    (void)state;
    enum { BINS = 10, DRAWS = 100000 };
    const sbs_backoff backoff = {999, 999};
    unsigned counts[BINS] = {0};
    uint64_t sum = 0;
    uint32_t random = 1;
    for (int i = 0; i < DRAWS; i++) {
        random = random * 1664525U + 1013904223U;
        const uint32_t delay = sbs_backoff_delay(&backoff, 0, random);
        assert_true(delay <= 999);
        counts[delay / 100]++;
        sum += delay;
    }
    for (int i = 0; i < BINS; i++) {
        assert_in_range(counts[i], DRAWS / BINS * 97 / 100, DRAWS / BINS * 103 / 100);
    }
    assert_in_range(sum / DRAWS, 490, 509);
    assert_int_equal(sbs_backoff_delay(&backoff, 0, 0), 0);
    assert_int_equal(sbs_backoff_delay(&backoff, 0, 0x80000000U), 500);
}

static void test_verdicts(void **state) {
    (void)state;
    static const struct {
        unsigned status;
        sbs_verdict verdict;
        sbs_status result;
    } rows[] = {
        {200, SBS_VERDICT_STORED, SBS_OK},
        {201, SBS_VERDICT_STORED, SBS_OK},
        {204, SBS_VERDICT_STORED, SBS_OK},
        {299, SBS_VERDICT_STORED, SBS_OK},
        {199, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {301, SBS_VERDICT_OPERATOR, SBS_ERR_REDIRECT},
        {304, SBS_VERDICT_OPERATOR, SBS_ERR_REDIRECT},
        {307, SBS_VERDICT_OPERATOR, SBS_ERR_REDIRECT},
        {400, SBS_VERDICT_ITEM, SBS_ERR_REJECTED},
        {401, SBS_VERDICT_REAUTH, SBS_ERR_UNAUTHORIZED},
        {403, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {404, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {405, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {406, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {408, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {409, SBS_VERDICT_CONFLICT, SBS_ERR_CONFLICT},
        {410, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {412, SBS_VERDICT_AMBIGUOUS, SBS_ERR_AMBIGUOUS},
        {413, SBS_VERDICT_ITEM, SBS_ERR_REJECTED},
        {415, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {422, SBS_VERDICT_ITEM, SBS_ERR_REJECTED},
        {425, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {429, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {451, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {500, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {501, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {502, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {503, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {504, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {505, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {511, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {522, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {599, SBS_VERDICT_LATER, SBS_ERR_BUSY},
        {600, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {0, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
        {UINT32_MAX, SBS_VERDICT_OPERATOR, SBS_ERR_FORBIDDEN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(sbs_verdict_of(rows[i].status), rows[i].verdict);
        assert_int_equal(sbs_verdict_status(rows[i].status), rows[i].result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limit_doubles_up_to_the_cap),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_no_overflow),
        cmocka_unit_test(test_jitter_is_even),
        cmocka_unit_test(test_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
