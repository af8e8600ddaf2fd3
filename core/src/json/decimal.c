/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/decimal.h"

#include "text/ascii.h"
#include "json/json_grammar.h"

#define EXPONENT_MAX 18
#define MANTISSA_MAX UINT64_C(999999999999999999)
#define TEXT_MAX 255

static uint64_t decimal_magnitude(int64_t mantissa) {
    if (mantissa < 0) {
        return 0 - (uint64_t)mantissa;
    }
    return (uint64_t)mantissa;
}

/* The digits without point and sign: the mantissa, and zeros for a positive exponent. False if it has more than 18. */
static bool decimal_plain_digits(sbs_decimal value, uint64_t *out_digits) {
    uint64_t digits = decimal_magnitude(value.mantissa);
    if (value.exponent < -EXPONENT_MAX || value.exponent > EXPONENT_MAX) {
        return false;
    }

    for (int i = 0; i < value.exponent && digits <= MANTISSA_MAX; i++) {
        digits *= 10;
    }

    *out_digits = digits;
    return digits <= MANTISSA_MAX;
}

void sbs_decimal_put(sbs_writer *out, sbs_decimal value) {
    char text[sizeof "-0.123456789012345678" - 1];
    size_t start = sizeof text;
    int places = 0;

    if (value.exponent < 0) {
        places = -value.exponent;
    }

    uint64_t digits;
    if (!decimal_plain_digits(value, &digits)) {
        sbs_writer_fail(out, SBS_ERR_FORMAT);
        return;
    }

    /* From the last digit to the first; at least one stands before the point. */
    for (int i = 0; i <= places || digits > 0; i++) {
        if (i == places && places > 0) {
            text[--start] = '.';
        }
        text[--start] = (char)('0' + digits % 10);
        digits /= 10;
    }

    if (value.mantissa < 0) {
        text[--start] = '-';
    }

    sbs_put(out, text + start, sizeof text - start);
}

/* Reads what follows 'e'. Saturates far beyond what the longest text could bring back into range. */
static int decimal_read_exponent(sbs_text text) {
    bool negative = text.ptr[0] == '-';
    int exponent = 0;
    for (size_t i = 0; i < text.len && exponent < 10 * TEXT_MAX; i++) {
        if (sbs_ascii_is_digit(text.ptr[i])) { /* and not the sign before them */
            exponent = exponent * 10 + (text.ptr[i] - '0');
        }
    }

    if (negative) {
        return -exponent;
    }

    return exponent;
}

/* Reads a text that has the grammar of a number. */
static bool decimal_read_number(sbs_text text, sbs_decimal *value) {
    bool negative = text.ptr[0] == '-';
    bool fraction = false;
    uint64_t mantissa = 0;
    int exponent = 0;

    for (size_t i = negative; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.') {
            fraction = true;
            continue;
        }

        /* The exponent is the end of the text. */
        if (c == 'e' || c == 'E') {
            sbs_text rest = {text.ptr + i + 1, text.len - i - 1};
            exponent += decimal_read_exponent(rest);
            break;
        }

        mantissa = mantissa * 10 + (uint64_t)(c - '0');
        if (mantissa > MANTISSA_MAX) {
            return false;
        }

        exponent -= fraction;
    }

    if (exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX) {
        return false;
    }

    value->exponent = (int8_t)exponent;
    value->mantissa = negative ? -(int64_t)mantissa : (int64_t)mantissa;
    return true;
}

sbs_status sbs_decimal_parse(sbs_text text, sbs_decimal *out_value) {
    size_t len;
    uint64_t digits;
    sbs_decimal value;
    if (text.len > TEXT_MAX || sbs_json_number(text.ptr, text.len, &len) != SBS_OK || len != text.len ||
        !decimal_read_number(text, &value) || !decimal_plain_digits(value, &digits)) {
        return SBS_ERR_FORMAT;
    }

    *out_value = value;
    return SBS_OK;
}

/* Two's complement of @p width bits. */
static int32_t sign_extend(uint32_t bits, unsigned width) {
    uint32_t sign = UINT32_C(1) << (width - 1);
    return (int32_t)(bits & (sign - 1)) - (int32_t)(bits & sign);
}

/* The two greatest and the three least mantissas are no numbers, whatever the exponent. */
static sbs_measure_kind measure_from_parts(int32_t mantissa, int32_t greatest, int32_t exponent,
                                           sbs_decimal *out_value) {
    out_value->mantissa = 0;
    out_value->exponent = 0;
    if (mantissa == greatest) {
        return SBS_MEASURE_NAN;
    }
    if (mantissa == greatest - 1) {
        return SBS_MEASURE_POS_INF;
    }

    if (mantissa == 1 - greatest) {
        return SBS_MEASURE_NEG_INF;
    }

    if (mantissa < 1 - greatest) {
        return SBS_MEASURE_ERROR;
    }

    out_value->mantissa = mantissa;
    out_value->exponent = (int8_t)exponent;
    return SBS_MEASURE_NUMBER;
}

sbs_measure_kind sbs_decimal_from_float(uint32_t bits, sbs_decimal *out_value) {
    return measure_from_parts(sign_extend(bits, 24), 0x7FFFFF, sign_extend(bits >> 24, 8), out_value);
}

sbs_measure_kind sbs_decimal_from_sfloat(uint16_t bits, sbs_decimal *out_value) {
    return measure_from_parts(sign_extend(bits, 12), 0x7FF, sign_extend((uint32_t)bits >> 12, 4), out_value);
}

const char *sbs_measure_absent_code(sbs_measure_kind kind) {
    switch (kind) {
    case SBS_MEASURE_NUMBER:
        return NULL;
    case SBS_MEASURE_NAN:
        return "not-a-number";
    case SBS_MEASURE_POS_INF:
        return "positive-infinity";
    case SBS_MEASURE_NEG_INF:
        return "negative-infinity";
    default:
        return "error";
    }
}
