/* SPDX-License-Identifier: Apache-2.0 */
/* When a body goes by gzip, and that it is the same behind it. */
#include <stdlib.h>
#include <string.h>

#include "sbs/forward_gzip.h"
#include "sbs/linux_decode.h"
#include "test.h"

static sbs_forward_gzip gzip;
static char body[4096];

static sbs_text text_of(size_t len) {
    for (size_t i = 0; i < len; i++) {
        body[i] = (char)('a' + i % 17);
    }
    return (sbs_text){body, len};
}

static bool coded(size_t len) {
    sbs_text out;
    return sbs_forward_gzip_code(&gzip, text_of(len), &out);
}

/* Each is confirmed after so long. */
static bool went_well(size_t len, uint64_t took_ms) {
    bool was = coded(len);
    assert_false(sbs_forward_gzip_ended(&gzip, true, 200, false, took_ms));
    return was;
}

static void begin(sbs_forward_tried known, bool off) {
    sbs_forward_gzip_free(&gzip);
    sbs_forward_gzip_init(&gzip, known, off);
}

#define assert_known(what) assert_int_equal(sbs_forward_gzip_known(&gzip), what)

static void a_coded_body_is_the_same_behind_it(void **state) {
    (void)state;
    sbs_linux_encoder encoder = {0};
    static char plain[2 * sizeof body];
    const size_t lengths[] = {0, 1, 600, 4096, 600};
    for (unsigned i = 0; i < 10; i++) {
        sbs_text text = text_of(lengths[i / 2]);
        sbs_text out;
        size_t len = 0;
        assert_int_equal(sbs_linux_gzip(&encoder, text, i % 2 == 0, &out), SBS_OK);
        memcpy(plain, out.ptr, out.len);
        assert_int_equal(sbs_linux_decode(NULL, SBS_CODING_GZIP, plain, out.len, sizeof plain, &len), SBS_OK);
        assert_int_equal(len, text.len);
        assert_memory_equal(plain, text.ptr, len);
    }
    sbs_linux_encoder_free(&encoder);
    sbs_linux_encoder_free(&encoder);
}

/* Bodies of two connections, one behind the other and both still there. */
static void a_borrower_codes_with_the_memory_of_another_one(void **state) {
    (void)state;
    sbs_linux_encoder lender = {0};
    sbs_linux_encoder borrower = {0};
    static char plain[2 * sizeof body];
    sbs_text coded[2];
    size_t len = 0;
    sbs_linux_encoder_borrow(&borrower, &lender);
    assert_int_equal(sbs_linux_gzip(&borrower, text_of(700), true, &coded[0]), SBS_OK);
    assert_int_equal(sbs_linux_gzip(&lender, text_of(600), false, &coded[1]), SBS_OK);
    assert_null(borrower.priv.stream);
    for (unsigned i = 0; i < 2; i++) {
        memcpy(plain, coded[i].ptr, coded[i].len);
        assert_int_equal(sbs_linux_decode(NULL, SBS_CODING_GZIP, plain, coded[i].len, sizeof plain, &len), SBS_OK);
        assert_int_equal(len, i == 0 ? 700 : 600);
        assert_memory_equal(plain, text_of(700).ptr, len);
    }
    sbs_linux_encoder_free(&borrower);
    sbs_linux_encoder_free(&lender);
}

static void the_second_body_is_a_try(void **state) {
    (void)state;
    begin(SBS_FORWARD_UNTRIED, false);
    assert_false(went_well(2000, 100));
    assert_known(SBS_FORWARD_UNTRIED);
    assert_true(went_well(2000, 100));
    assert_known(SBS_FORWARD_WORKS);
    assert_true(went_well(2000, 100));
    assert_false(went_well(100, 100)); /* a short one */
    assert_true(went_well(2000, 1));
    assert_false(went_well(2000, 1)); /* a line that is fast enough */
    begin(SBS_FORWARD_UNTRIED, true);
    assert_false(went_well(2000, 100));
    assert_false(went_well(2000, 100));
    begin(SBS_FORWARD_WORKS, true);
    assert_false(went_well(2000, 100));
}

static void what_is_refused_goes_as_it_is(void **state) {
    (void)state;
    static const unsigned answers[] = {400, 404, 415, 422, 500};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (sbs_forward_tried known = SBS_FORWARD_UNTRIED; known <= SBS_FORWARD_WORKS; known++) {
            begin(known, false);
            (void)went_well(2000, 100);
            assert_true(coded(2000));
            assert_true(sbs_forward_gzip_ended(&gzip, false, answers[i], false, 100)); /* once more */
            assert_false(went_well(2000, 100));
            assert_known(SBS_FORWARD_FAILS);
            assert_false(went_well(2000, 100));
        }
    }
}

/* A repeat would be a second copy. */
static void what_was_taken_is_not_sent_again(void **state) {
    (void)state;
    static const unsigned answers[] = {200, 202, 204, 299};
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        for (sbs_forward_tried known = SBS_FORWARD_UNTRIED; known <= SBS_FORWARD_WORKS; known++) {
            begin(known, false);
            (void)went_well(2000, 100);
            assert_true(coded(2000));
            assert_false(sbs_forward_gzip_ended(&gzip, false, answers[i], false, 100));
            assert_known(known);
        }
    }
}

/* A bad item is refused in any coding. */
static void what_is_refused_both_ways_says_nothing(void **state) {
    (void)state;
    begin(SBS_FORWARD_WORKS, false);
    assert_true(coded(2000));
    assert_true(sbs_forward_gzip_ended(&gzip, false, 422, false, 100));
    assert_false(coded(2000));
    assert_false(sbs_forward_gzip_ended(&gzip, false, 422, false, 100));
    assert_known(SBS_FORWARD_WORKS);
    assert_true(went_well(2000, 100));

    begin(SBS_FORWARD_UNTRIED, false);
    for (unsigned i = 0; i < 5; i++) {
        assert_false(went_well(100, 100));
        bool tried = coded(2000);
        assert_int_equal(tried, i < 3); /* but not for ever */
        assert_int_equal(sbs_forward_gzip_ended(&gzip, false, 422, false, 100), tried);
        if (tried) {
            assert_false(coded(2000));
            assert_false(sbs_forward_gzip_ended(&gzip, false, 422, false, 100));
        }
    }
    assert_known(SBS_FORWARD_UNTRIED);
}

static void busy_servers_and_lost_answers_say_nothing(void **state) {
    (void)state;
    begin(SBS_FORWARD_WORKS, false);
    assert_true(coded(2000));
    assert_false(sbs_forward_gzip_ended(&gzip, false, 503, true, 100));
    assert_true(coded(2000));
    assert_false(sbs_forward_gzip_ended(&gzip, false, 0, false, 100));
    assert_true(coded(2000));
    assert_known(SBS_FORWARD_WORKS);

    begin(SBS_FORWARD_UNTRIED, false);
    (void)went_well(2000, 100);
    assert_true(coded(2000));
    assert_false(sbs_forward_gzip_ended(&gzip, false, 0, false, 100));
    assert_false(went_well(2000, 100)); /* tried again in another run */
    assert_known(SBS_FORWARD_UNTRIED);
}

static void without_zlib_nothing_is_coded(void **state) {
    (void)state;
    begin(SBS_FORWARD_WORKS, false);
    assert_false(went_well(2000, 100));
    assert_false(went_well(2000, 100));
}

int main(void) {
    const struct CMUnitTest tests_without_zlib[] = {cmocka_unit_test(without_zlib_nothing_is_coded)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coded_body_is_the_same_behind_it),
        cmocka_unit_test(a_borrower_codes_with_the_memory_of_another_one),
        cmocka_unit_test(the_second_body_is_a_try),
        cmocka_unit_test(what_is_refused_goes_as_it_is),
        cmocka_unit_test(what_was_taken_is_not_sent_again),
        cmocka_unit_test(what_is_refused_both_ways_says_nothing),
        cmocka_unit_test(busy_servers_and_lost_answers_say_nothing),
    };
    sbs_linux_encoder probe = {0};
    sbs_text out;
    if (sbs_linux_gzip(&probe, text_of(1), true, &out) == SBS_ERR_UNSUPPORTED) {
        return cmocka_run_group_tests(tests_without_zlib, NULL, NULL);
    }
    sbs_linux_encoder_free(&probe);

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sbs_forward_gzip_free(&gzip);
    return failed;
}
