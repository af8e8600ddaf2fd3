/* SPDX-License-Identifier: Apache-2.0 */
#include <psa/crypto.h>

#include "sbs/count.h"
#include "sbs/retry.h"
#include "test.h"

static uint32_t largest(uint32_t base_ms, uint32_t cap_ms, unsigned attempt) {
    const sbs_backoff backoff = {base_ms, cap_ms};
    return sbs_backoff_delay(&backoff, attempt, UINT32_MAX);
}

static void the_limit_doubles_up_to_the_cap(void **state) {
    (void)state;
    assert_int_equal(largest(100, 1000, 0), 100);
    assert_int_equal(largest(100, 1000, 1), 200);
    assert_int_equal(largest(100, 1000, 3), 800);
    assert_int_equal(largest(100, 1000, 4), 1000);
    assert_int_equal(largest(100, 1000, UINT32_MAX), 1000);
    assert_int_equal(largest(5000, 1000, 0), 1000);
}

static void zeros_are_defaults(void **state) {
    (void)state;
    assert_int_equal(largest(0, 0, 0), 1000);
    assert_int_equal(largest(0, 0, 8), 256000);
    assert_int_equal(largest(0, 0, 9), 300000);
}

static void nothing_overflows(void **state) {
    (void)state;
    assert_int_equal(largest(UINT32_MAX, UINT32_MAX, 0), UINT32_MAX);
    assert_int_equal(largest(0x80000000U, UINT32_MAX, 1), UINT32_MAX);
    assert_int_equal(largest(0x7FFFFFFFU, UINT32_MAX, 1), 0xFFFFFFFEU);
    for (unsigned attempt = 0; attempt < 100; attempt++) {
        assert_true(largest(1, UINT32_MAX, attempt) == (attempt < 32 ? UINT32_C(1) << attempt : UINT32_MAX));
    }
}

/* Full jitter: even over 0..limit. A generator of full period stands for the random bits, so the counts are fixed. */
static void the_jitter_is_even(void **state) {
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

/* Fails by chance once in 2 to the power of 1000. */
static void a_random_delay_is_any_up_to_its_limit(void **state) {
    (void)state;
    const sbs_backoff backoff = {100, 1000};
    uint32_t shortest = UINT32_MAX;
    uint32_t longest = 0;
    assert_int_equal(psa_crypto_init(), PSA_SUCCESS);
    for (int i = 0; i < 1000; i++) {
        uint32_t delay = sbs_backoff_random(&backoff, 2);
        shortest = delay < shortest ? delay : shortest;
        longest = delay > longest ? delay : longest;
    }
    assert_in_range(shortest, 0, 200);
    assert_in_range(longest, 200, 400);
}

/* What the table says of the statuses from one to another. */
typedef struct range {
    unsigned first, last;
    sbs_status status;
    sbs_fault fault;
    bool may_be_stored, asks_for_time;
} range;

static void every_status_has_its_meaning(void **state) {
    (void)state;
    static const range ranges[] = {
        {0, 199, SBS_ERR_RESPONSE, SBS_FAULT_SERVER, true, false},
        {200, 201, SBS_OK, SBS_FAULT_NONE, true, false},
        {202, 203, SBS_ERR_RESPONSE, SBS_FAULT_NONE, true, false},
        {204, 204, SBS_OK, SBS_FAULT_NONE, true, false},
        {205, 299, SBS_ERR_RESPONSE, SBS_FAULT_NONE, true, false},
        {300, 303, SBS_ERR_REDIRECT, SBS_FAULT_ACCESS, false, false},
        {304, 304, SBS_ERR_AMBIGUOUS, SBS_FAULT_ITEM, false, false},
        {305, 399, SBS_ERR_REDIRECT, SBS_FAULT_ACCESS, false, false},
        {400, 400, SBS_ERR_REJECTED, SBS_FAULT_ITEM, false, false},
        {401, 401, SBS_ERR_UNAUTHORIZED, SBS_FAULT_ACCESS, false, false},
        {402, 407, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {408, 408, SBS_ERR_BUSY, SBS_FAULT_SERVER, true, true},
        {409, 409, SBS_ERR_CONFLICT, SBS_FAULT_CONFLICT, false, false},
        {410, 411, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {412, 412, SBS_ERR_AMBIGUOUS, SBS_FAULT_ITEM, false, false},
        {413, 413, SBS_ERR_REJECTED, SBS_FAULT_ITEM, false, false},
        {414, 421, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {422, 422, SBS_ERR_REJECTED, SBS_FAULT_ITEM, false, false},
        {423, 424, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {425, 425, SBS_ERR_BUSY, SBS_FAULT_SERVER, false, true},
        {426, 428, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {429, 429, SBS_ERR_BUSY, SBS_FAULT_SERVER, false, true},
        {430, 499, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, false, false},
        {500, 500, SBS_ERR_BUSY, SBS_FAULT_SERVER, true, false},
        {501, 501, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, true, false},
        {502, 504, SBS_ERR_BUSY, SBS_FAULT_SERVER, true, false},
        {505, 505, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, true, false},
        {506, 510, SBS_ERR_BUSY, SBS_FAULT_SERVER, true, false},
        {511, 511, SBS_ERR_FORBIDDEN, SBS_FAULT_ACCESS, true, false},
        {512, 599, SBS_ERR_BUSY, SBS_FAULT_SERVER, true, false},
        {600, 1100, SBS_ERR_RESPONSE, SBS_FAULT_SERVER, true, false},
        {UINT32_MAX, UINT32_MAX, SBS_ERR_RESPONSE, SBS_FAULT_SERVER, true, false},
    };
    unsigned next = 0;

    for (size_t i = 0; i < SBS_COUNT_OF(ranges); i++) {
        const range *row = &ranges[i];
        assert_true(row->first == next || row->first == UINT32_MAX);
        next = row->last + 1;

        for (uint64_t http_status = row->first; http_status <= row->last; http_status++) {
            sbs_http_meaning meaning = sbs_http_meaning_of((unsigned)http_status);
            assert_int_equal(meaning.status, row->status);
            assert_int_equal(meaning.fault, row->fault);
            assert_int_equal(meaning.may_be_stored, row->may_be_stored);
            assert_int_equal(meaning.asks_for_time, row->asks_for_time);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limit_doubles_up_to_the_cap),
        cmocka_unit_test(zeros_are_defaults),
        cmocka_unit_test(nothing_overflows),
        cmocka_unit_test(the_jitter_is_even),
        cmocka_unit_test(a_random_delay_is_any_up_to_its_limit),
        cmocka_unit_test(every_status_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
