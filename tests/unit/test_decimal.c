/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/decimal.h"
#include "test.h"

static const char *put(sbs_decimal value) {
    static char text[SBS_DECIMAL_TEXT_MAX + 1];
    size_t len;
    sbs_writer writer;
    sbs_writer_init(&writer, text, SBS_DECIMAL_TEXT_MAX);
    sbs_decimal_put(&writer, value);
    sbs_status status = sbs_writer_finish(&writer, &len);
    text[status == SBS_OK ? len : 0] = '\0';
    return status == SBS_OK ? text : sbs_status_name(status);
}

/* Personal Health Device implementation guide, FLOATS: pairs of bits and text. */
static void known_decimals_are_written(void **state) {
    static const struct {
        uint32_t bits;
        const char *text;
    } pairs[] = {
        {0xFF000014, "2.0"},
        {0xFE0000C8, "2.00"},
        {0x02000002, "200"},
        {0x00FFFB2E, "-1234"},
        {0x00000000, "0"},
        {0xFE000000, "0.00"},
        {0x007FFFFD, "8388605"},
        {0x00800003, "-8388605"},
        {0xFF00016F, "36.7"},
        {0xFDFFFFFF, "-0.001"},
        {0xEE000001, "0.000000000000000001"},
    };
    sbs_decimal value;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(pairs); i++) {
        assert_int_equal(sbs_decimal_from_float(pairs[i].bits, &value), SBS_MEASURE_NUMBER);
        assert_string_equal(put(value), pairs[i].text);
    }
    assert_int_equal(sbs_decimal_from_sfloat(0xF014, &value), SBS_MEASURE_NUMBER);
    assert_string_equal(put(value), "2.0");
    assert_int_equal(sbs_decimal_from_sfloat(0x0072, &value), SBS_MEASURE_NUMBER);
    assert_string_equal(put(value), "114");
    assert_int_equal(sbs_decimal_from_sfloat(0x8FFF, &value), SBS_MEASURE_NUMBER);
    assert_string_equal(put(value), "-0.00000001");
    assert_int_equal(sbs_decimal_from_sfloat(0x7001, &value), SBS_MEASURE_NUMBER);
    assert_string_equal(put(value), "10000000");
}

static void assert_special(sbs_measure_kind kind, const sbs_decimal *value, sbs_measure_kind expected,
                           const char *code) {
    assert_int_equal(kind, expected);
    assert_int_equal(value->mantissa, 0);
    assert_int_equal(value->exponent, 0);
    assert_string_equal(sbs_measure_absent_code(kind), code);
}

static void special_values_are_no_numbers(void **state) {
    static const struct {
        uint32_t bits;
        uint16_t short_bits;
        sbs_measure_kind kind;
        const char *code;
    } specials[] = {
        {0x007FFFFF, 0x07FF, SBS_MEASURE_NAN, "not-a-number"},
        {0x007FFFFE, 0x07FE, SBS_MEASURE_POS_INF, "positive-infinity"},
        {0x00800002, 0x0802, SBS_MEASURE_NEG_INF, "negative-infinity"},
        {0x00800000, 0x0800, SBS_MEASURE_ERROR, "error"},
        {0x00800001, 0x0801, SBS_MEASURE_ERROR, "error"},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(specials); i++) {
        for (uint32_t exponent = 0; exponent < 256; exponent++) {
            sbs_decimal value = {77, 7};
            sbs_measure_kind kind = sbs_decimal_from_float(specials[i].bits | exponent << 24, &value);
            assert_special(kind, &value, specials[i].kind, specials[i].code);
            value.mantissa = 77;
            kind = sbs_decimal_from_sfloat((uint16_t)(specials[i].short_bits | exponent << 12), &value);
            assert_special(kind, &value, specials[i].kind, specials[i].code);
        }
    }
    assert_null(sbs_measure_absent_code(SBS_MEASURE_NUMBER));
}

static void every_sfloat_is_read(void **state) {
    (void)state;
    for (uint32_t bits = 0; bits <= UINT16_MAX; bits++) {
        int mantissa = (int)(bits & 0xFFF) - ((bits & 0x800) != 0 ? 0x1000 : 0);
        int exponent = (int)(bits >> 12) - ((bits & 0x8000) != 0 ? 16 : 0);
        sbs_decimal value;
        sbs_measure_kind kind = sbs_decimal_from_sfloat((uint16_t)bits, &value);
        bool number = mantissa >= -2045 && mantissa <= 2045;
        assert_int_equal(kind == SBS_MEASURE_NUMBER, number);
        assert_int_equal(value.mantissa, number ? mantissa : 0);
        assert_int_equal(value.exponent, number ? exponent : 0);
    }
}

static void float_exponents_that_cannot_be_written_are_refused(void **state) {
    sbs_decimal value;
    (void)state;
    assert_int_equal(sbs_decimal_from_float(0x7F000001, &value), SBS_MEASURE_NUMBER);
    assert_int_equal(value.exponent, 127);
    assert_string_equal(put(value), "SBS_ERR_FORMAT");
    assert_int_equal(sbs_decimal_from_float(0x80000001, &value), SBS_MEASURE_NUMBER);
    assert_int_equal(value.exponent, -128);
    assert_string_equal(put(value), "SBS_ERR_FORMAT");
}

static void decimals_are_written_up_to_the_limits(void **state) {
    static const struct {
        sbs_decimal value;
        const char *text;
    } rows[] = {
        {{3650, -2}, "36.50"},
        {{-5, -1}, "-0.5"},
        {{2, 2}, "200"},
        {{0, 18}, "0"},
        {{0, -18}, "0.000000000000000000"},
        {{-1, -18}, "-0.000000000000000001"},
        {{INT64_C(999999999999999999), 0}, "999999999999999999"},
        {{INT64_C(-999999999999999999), -18}, "-0.999999999999999999"},
        {{INT64_C(999999999999999999), -17}, "9.99999999999999999"},
        {{9, 17}, "900000000000000000"},
        {{1, 18}, "SBS_ERR_FORMAT"},
        {{10, 17}, "SBS_ERR_FORMAT"},
        {{INT64_C(999999999999999999), 1}, "SBS_ERR_FORMAT"},
        {{INT64_C(1000000000000000000), 0}, "SBS_ERR_FORMAT"},
        {{INT64_C(-1000000000000000000), -18}, "SBS_ERR_FORMAT"},
        {{INT64_MAX, 0}, "SBS_ERR_FORMAT"},
        {{INT64_MIN, 0}, "SBS_ERR_FORMAT"},
        {{1, 19}, "SBS_ERR_FORMAT"},
        {{1, -19}, "SBS_ERR_FORMAT"},
        {{0, 127}, "SBS_ERR_FORMAT"},
        {{0, -128}, "SBS_ERR_FORMAT"},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        assert_string_equal(put(rows[i].value), rows[i].text);
    }
}

static void an_exact_fit_is_written_and_one_short_is_told(void **state) {
    char text[6];
    size_t len;
    sbs_writer writer;
    (void)state;
    sbs_writer_init(&writer, text, 6);
    sbs_decimal_put(&writer, (sbs_decimal){-3650, -2});
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_OK);
    assert_memory_equal(text, "-36.50", 6);
    sbs_writer_init(&writer, text, 5);
    sbs_decimal_put(&writer, (sbs_decimal){-3650, -2});
    assert_int_equal(sbs_writer_finish(&writer, &len), SBS_ERR_BUFFER);
    assert_int_equal(len, 6);
}

/* Mantissas of 0 to 999 and around each power of ten, both signs, all exponents: what is written reads back. */
static void what_is_written_is_read_again(void **state) {
    (void)state;
    for (int64_t base = 0; base <= INT64_C(100000000000000000); base = base == 0 ? 1000 : base * 10) {
        for (int64_t mantissa = base; mantissa < base + 1000; mantissa++) {
            for (int exponent = -18; exponent <= 18; exponent++) {
                sbs_decimal value = {mantissa % 2 != 0 ? -mantissa : mantissa, (int8_t)exponent};
                sbs_decimal back;
                const char *text = put(value);
                if (strcmp(text, "SBS_ERR_FORMAT") == 0) {
                    assert_true(exponent > 0 && mantissa != 0);
                    continue;
                }
                assert_int_equal(sbs_decimal_parse(sbs_text_of(text), &back), SBS_OK);
                for (int i = 0; i < exponent; i++) {
                    value.mantissa *= 10;
                }
                assert_int_equal(back.exponent, exponent < 0 ? exponent : 0);
                assert_true(back.mantissa == value.mantissa);
            }
        }
    }
}

/* The same through printf, which is an implementation of its own for what fits in its types. */
static void the_text_agrees_with_printf(void **state) {
    (void)state;
    for (int mantissa = -1100; mantissa <= 1100; mantissa++) {
        char expected[32];
        unsigned size = (unsigned)abs(mantissa);
        (void)snprintf(expected, sizeof expected, "%s%u.%02u", mantissa < 0 ? "-" : "", size / 100, size % 100);
        assert_string_equal(put((sbs_decimal){mantissa, -2}), expected);
        (void)snprintf(expected, sizeof expected, "%d", mantissa);
        assert_string_equal(put((sbs_decimal){mantissa, 0}), expected);
    }
}

static void decimals_are_read(void **state) {
    static const struct {
        const char *text;
        sbs_decimal value;
    } rows[] = {
        {"0", {0, 0}},
        {"-0", {0, 0}},
        {"0.00", {0, -2}},
        {"36.50", {3650, -2}},
        {"-36.5", {-365, -1}},
        {"1e3", {1, 3}},
        {"1E+3", {1, 3}},
        {"1.50e3", {150, 1}},
        {"1.5e-3", {15, -4}},
        {"-1.0E-0", {-10, -1}},
        {"100", {100, 0}},
        {"0e18", {0, 18}},
        {"9e17", {9, 17}},
        {"1e000000000000000000000000000001", {1, 1}},
        {"0.0000000000000000000001e10", {1, -12}},
        {"999999999999999999", {INT64_C(999999999999999999), 0}},
        {"-0.999999999999999999", {INT64_C(-999999999999999999), -18}},
        {"0.000000000000000001", {1, -18}},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(rows); i++) {
        sbs_decimal value;
        assert_int_equal(sbs_decimal_parse(sbs_text_of(rows[i].text), &value), SBS_OK);
        assert_int_equal(value.exponent, rows[i].value.exponent);
        assert_true(value.mantissa == rows[i].value.mantissa);
    }
}

static void other_texts_are_refused(void **state) {
    static const char *const bad[] = {
        "",
        "-",
        "+1",
        ".5",
        "1.",
        "01",
        "-01",
        "00",
        "1e",
        "1e+",
        "1.e3",
        "0x10",
        "1,5",
        " 1",
        "1 ",
        "1\n",
        "NaN",
        "inf",
        "--1",
        "1e5.0",
        "1e1e1",
        "1.2.3",
        "e5",
        "1e-19",
        "1e19",
        "1e18",
        "10e17",
        "0e19",
        "0e-19",
        "1e2147483648",
        "1e-9223372036854775809",
        "1000000000000000000",
        "0.1234567890123456789",
        "99999999999999999e2",
        "0.0000000000000000000",
        "9999999999999999999999999999999999999999",
    };
    char longest[257];
    sbs_decimal value;
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        value.mantissa = 77;
        if (sbs_decimal_parse(sbs_text_of(bad[i]), &value) != SBS_ERR_FORMAT || value.mantissa != 77) {
            fail_msg("%s was accepted", bad[i]);
        }
    }
    assert_int_equal(sbs_decimal_parse(sbs_text_of(NULL), &value), SBS_ERR_FORMAT);
    assert_int_equal(sbs_decimal_parse((sbs_text){"1\0", 2}, &value), SBS_ERR_FORMAT);
    /* 255 bytes are the most. */
    memset(longest, '0', sizeof longest);
    memcpy(longest, "1e", 2);
    assert_int_equal(sbs_decimal_parse((sbs_text){longest, 255}, &value), SBS_OK);
    assert_int_equal(sbs_decimal_parse((sbs_text){longest, 256}, &value), SBS_ERR_FORMAT);
}

/* Long fractions and large exponents cancel out exactly up to the longest text. */
static void a_fraction_as_long_as_may_be_is_read(void **state) {
    char text[256];
    (void)state;
    for (int zeros = 1; zeros <= 245; zeros++) {
        for (int exponent = zeros - 20; exponent <= zeros + 19; exponent++) {
            sbs_decimal value;
            int result = exponent - zeros - 1;
            (void)snprintf(text, sizeof text, "0.%0*d1e%d", zeros, 0, exponent);
            bool good = result >= -18 && result <= 17;
            assert_int_equal(sbs_decimal_parse(sbs_text_of(text), &value), good ? SBS_OK : SBS_ERR_FORMAT);
            if (good) {
                assert_true(value.mantissa == 1 && value.exponent == result);
            }
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_decimals_are_written),
        cmocka_unit_test(special_values_are_no_numbers),
        cmocka_unit_test(every_sfloat_is_read),
        cmocka_unit_test(float_exponents_that_cannot_be_written_are_refused),
        cmocka_unit_test(decimals_are_written_up_to_the_limits),
        cmocka_unit_test(an_exact_fit_is_written_and_one_short_is_told),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_text_agrees_with_printf),
        cmocka_unit_test(decimals_are_read),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_fraction_as_long_as_may_be_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
