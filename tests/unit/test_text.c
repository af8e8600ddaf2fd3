/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/text.h"
#include "test.h"

static void a_string_becomes_a_span(void **state) {
    (void)state;
    sbs_text absent = sbs_text_of(NULL);
    assert_null(absent.ptr);
    assert_int_equal(absent.len, 0);
    assert_int_equal(sbs_text_of("").len, 0);
    assert_int_equal(sbs_text_of("abc").len, 3);
}

static void equal_bytes_are_equal_texts(void **state) {
    (void)state;
    assert_true(sbs_text_equal(sbs_text_of("Abc"), sbs_text_of("Abc")));
    assert_false(sbs_text_equal(sbs_text_of("Abc"), sbs_text_of("abc")));
    assert_false(sbs_text_equal(sbs_text_of("abc"), sbs_text_of("ab")));
    assert_true(sbs_text_equal(sbs_text_of(NULL), sbs_text_of("")));
    assert_true(sbs_text_equal_nocase(sbs_text_of("BeaReR"), sbs_text_of("bEArEr")));
    assert_false(sbs_text_equal_nocase(sbs_text_of("bearer"), sbs_text_of("beare")));
    assert_false(sbs_text_equal_nocase(sbs_text_of("bearer"), sbs_text_of("bearex")));
    assert_true(sbs_text_equal_nocase(sbs_text_of(NULL), sbs_text_of("")));
}

static void nocase_folds_ascii_letters_only(void **state) {
    (void)state;
    for (int a = 0; a < 256; a++) {
        for (int b = 0; b < 256; b++) {
            char x = (char)a;
            char y = (char)b;
            bool letters = (a | 0x20) == (b | 0x20) && (a | 0x20) >= 'a' && (a | 0x20) <= 'z';
            assert_int_equal(sbs_text_equal_nocase((sbs_text){&x, 1}, (sbs_text){&y, 1}), a == b || letters);
        }
    }
}

static void hexadecimal_digits_are_bytes_in_either_case(void **state) {
    (void)state;
    char digits[3] = {0};
    for (int byte = 0; byte < 256; byte++) {
        const uint8_t one = (uint8_t)byte;
        sbs_writer out;
        sbs_writer_init(&out, digits, 2);
        sbs_put_hex(&out, &one, 1);
        assert_int_equal(sbs_writer_finish(&out, NULL), SBS_OK);
        assert_int_equal(digits[0], sbs_hex_digit((uint64_t)byte >> 4));
        assert_int_equal(digits[1], sbs_hex_digit((uint64_t)byte));
        assert_int_equal(sbs_hex_byte(digits), byte);
        digits[0] = sbs_hex_digit_upper((uint64_t)byte >> 4);
        digits[1] = sbs_hex_digit_upper((uint64_t)byte);
        assert_int_equal(sbs_hex_byte(digits), byte);

        bool is_digit = byte != 0 && strchr("0123456789abcdefABCDEF", byte) != NULL;
        assert_int_equal(sbs_hex_value((char)byte) >= 0, is_digit);
    }
    assert_int_equal(sbs_hex_byte("0g"), -1);
    assert_int_equal(sbs_hex_byte("g0"), -1);
    assert_int_equal(sbs_hex_byte("f"), -1);
    assert_int_equal(sbs_hex_byte(""), -1); /* the second is not read */
}

static void wipe_touches_what_it_was_given_only(void **state) {
    unsigned char bytes[40];
    (void)state;
    for (size_t from = 0; from <= 8; from++) {
        for (size_t len = 0; len <= 24; len++) {
            memset(bytes, 0xA5, sizeof bytes);
            sbs_wipe(bytes + from, len);
            for (size_t i = 0; i < sizeof bytes; i++) {
                assert_int_equal(bytes[i], i >= from && i < from + len ? 0 : 0xA5);
            }
        }
    }
    sbs_wipe(NULL, 0);
}

static void an_exact_fit_is_written_and_one_short_is_told(void **state) {
    char buffer[8];
    size_t len;
    sbs_writer writer;
    (void)state;
    for (size_t size = 0; size <= 6; size++) {
        memset(buffer, '#', sizeof buffer);
        sbs_writer_init(&writer, buffer, size);
        sbs_put_string(&writer, "ab");
        sbs_put_char(&writer, 'c');
        sbs_put_text(&writer, sbs_text_of("def"));
        assert_int_equal(sbs_writer_finish(&writer, &len), size < 6 ? SBS_ERR_BUFFER : SBS_OK);
        assert_int_equal(len, 6);
        assert_int_equal(buffer[size], '#');
        size_t kept = size < 2 ? 0 : size < 3 ? 2 : size < 6 ? 3 : 6;
        assert_memory_equal(buffer, "abcdef", kept);
        assert_int_equal(buffer[kept], '#');
    }
}

static void nothing_is_written_after_the_first_that_did_not_fit(void **state) {
    char buffer[4] = "####";
    size_t len;
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, buffer, sizeof buffer);
    sbs_put_string(&writer, "12345");
    sbs_put_string(&writer, "x");
    sbs_put(&writer, NULL, 0);
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, 6);
    assert_memory_equal(buffer, "####", 4);
}

static void a_writer_without_memory_differs_from_sizing(void **state) {
    size_t len;
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, NULL, 0);
    assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_OK);
    sbs_put_string(&writer, "abc");
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, 3);
    sbs_writer_init_sizing(&writer);
    sbs_put_string(&writer, "abc");
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    assert_int_equal(len, 3);
}

static void the_count_saturates(void **state) {
    size_t len;
    char buffer[1];
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, buffer, 1);
    sbs_put(&writer, buffer, SIZE_MAX - 1); /* does not fit, so it is not read */
    sbs_put(&writer, buffer, 5);
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_true(len == SIZE_MAX);
}

static void a_writer_keeps_the_first_error(void **state) {
    char buffer[8];
    size_t len;
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, buffer, sizeof buffer);
    sbs_writer_fail(&writer, SBS_OK);
    sbs_put_string(&writer, "ab");
    sbs_writer_fail(&writer, SBS_ERR_FORMAT);
    sbs_writer_fail(&writer, SBS_ERR_STATE);
    sbs_put_string(&writer, "too long for the buffer");
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_FORMAT);
    assert_int_equal(len, 2);
}

typedef struct collected {
    char text[32];
    size_t len;
    unsigned calls_left;
} collected;

static sbs_status collect(void *ctx, const char *data, size_t len) {
    collected *to = ctx;
    if (to->calls_left-- == 0) {
        return SBS_ERR_NETWORK;
    }
    memcpy(to->text + to->len, data, len);
    to->len += len;
    return SBS_OK;
}

static void a_sink_gets_everything_until_it_fails(void **state) {
    collected to = {.calls_left = 2};
    sbs_writer writer;
    (void)state;
    sbs_writer_init_sink(&writer, collect, &to);
    sbs_put_string(&writer, "one ");
    sbs_put_string(&writer, "");
    sbs_put_string(&writer, "two ");
    assert_int_equal(writer.error, SBS_OK);
    sbs_put_string(&writer, "three ");
    sbs_put_string(&writer, "four");
    assert_int_equal(sbs_writer_finish(&writer, NULL), SBS_ERR_NETWORK);
    assert_int_equal(to.len, 8);
    assert_memory_equal(to.text, "one two ", 8);
}

static sbs_status too_small(void *ctx, const char *data, size_t len) {
    (void)data;
    (void)len;
    ++*(unsigned *)ctx;
    return SBS_ERR_BUFFER;
}

static void what_does_not_fit_is_counted_on(void **state) {
    char buffer[8] = "########";
    unsigned calls = 0;
    size_t len;
    sbs_writer writer;
    (void)state;
    sbs_writer_init_sink(&writer, too_small, &calls);
    sbs_put_string(&writer, "one");
    sbs_put_string(&writer, "two");
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_int_equal(calls, 1);
    assert_int_equal(len, 6);
    sbs_writer_init(&writer, buffer, sizeof buffer);
    sbs_writer_fail(&writer, SBS_ERR_BUFFER);
    sbs_put_string(&writer, "one");
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, 3);
    assert_memory_equal(buffer, "########", 8);
}

static void assert_put(bool is_signed, uint64_t value, const char *expected) {
    char buffer[24];
    size_t len;
    sbs_writer writer;
    sbs_writer_init(&writer, buffer, sizeof buffer);
    if (is_signed) {
        sbs_put_int(&writer, (int64_t)value);
    } else {
        sbs_put_uint(&writer, value);
    }
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buffer, expected, len);
}

static void numbers_are_written_in_decimal_digits(void **state) {
    (void)state;
    assert_put(false, 0, "0");
    assert_put(false, 9, "9");
    assert_put(false, 10, "10");
    assert_put(false, UINT64_MAX, "18446744073709551615");
    assert_put(true, 0, "0");
    assert_put(true, (uint64_t)INT64_MAX, "9223372036854775807");
    assert_put(true, (uint64_t)INT64_MIN, "-9223372036854775808");
    assert_put(true, (uint64_t)-1, "-1");
}

static void numbers_are_read_from_digits_alone(void **state) {
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {
        {"0", 0},
        {"007", 7},
        {"4294967296", UINT64_C(4294967296)},
        {"18446744073709551614", UINT64_MAX - 1},
        {"18446744073709551615", UINT64_MAX},
        {"18446744073709551616", UINT64_MAX},
        {"18446744073709551620", UINT64_MAX},
        {"99999999999999999999", UINT64_MAX},
    };
    static const char *const bad[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1e3", "/", ":", "184467440737095516150"};
    uint64_t value;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(good); i++) {
        assert_int_equal(sbs_text_to_uint(sbs_text_of(good[i].text), &value), SBS_OK);
        assert_true(value == good[i].value);
    }
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        assert_int_equal(sbs_text_to_uint(sbs_text_of(bad[i]), &value), SBS_ERR_FORMAT);
    }
    assert_int_equal(sbs_text_to_uint((sbs_text){"1\0002", 3}, &value), SBS_ERR_FORMAT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_string_becomes_a_span),
        cmocka_unit_test(equal_bytes_are_equal_texts),
        cmocka_unit_test(nocase_folds_ascii_letters_only),
        cmocka_unit_test(hexadecimal_digits_are_bytes_in_either_case),
        cmocka_unit_test(wipe_touches_what_it_was_given_only),
        cmocka_unit_test(an_exact_fit_is_written_and_one_short_is_told),
        cmocka_unit_test(nothing_is_written_after_the_first_that_did_not_fit),
        cmocka_unit_test(a_writer_without_memory_differs_from_sizing),
        cmocka_unit_test(the_count_saturates),
        cmocka_unit_test(a_writer_keeps_the_first_error),
        cmocka_unit_test(a_sink_gets_everything_until_it_fails),
        cmocka_unit_test(what_does_not_fit_is_counted_on),
        cmocka_unit_test(numbers_are_written_in_decimal_digits),
        cmocka_unit_test(numbers_are_read_from_digits_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
