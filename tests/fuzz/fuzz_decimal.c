/* SPDX-License-Identifier: Apache-2.0 */
/* What is read can be written, and what is written reads back as the same number with the same precision. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/decimal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good) {
        abort();
    }
}

/* Positive exponents are written as zeros, and a zero has no sign and no trailing zeros to lose. */
static sbs_decimal without_exponent(sbs_decimal value) {
    for (; value.exponent > 0; value.exponent--) {
        value.mantissa *= 10;
    }
    return value;
}

static void write_and_read(sbs_decimal value, bool must_fit) {
    char text[SBS_DECIMAL_TEXT_MAX];
    sbs_writer out;
    sbs_decimal back;
    sbs_text written = {text, 0};
    sbs_writer_init(&out, text, sizeof text);
    sbs_decimal_put(&out, value);
    sbs_status status = sbs_writer_finish(&out, &written.len);
    check(status == SBS_OK || (!must_fit && status == SBS_ERR_FORMAT && written.len == 0));
    if (status == SBS_OK) {
        sbs_decimal expected = without_exponent(value);
        check(sbs_decimal_parse(written, &back) == SBS_OK);
        check(back.mantissa == expected.mantissa && back.exponent == expected.exponent);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_decimal value;
    sbs_text text = {(const char *)data, size};
    if (sbs_decimal_parse(text, &value) == SBS_OK) {
        write_and_read(value, true);
    }
    if (size >= 9) {
        memcpy(&value.mantissa, data, 8);
        value.exponent = (int8_t)data[8];
        write_and_read(value, false);
    }
    if (size >= 4) {
        uint32_t bits;
        memcpy(&bits, data, 4);
        if (sbs_decimal_from_float(bits, &value) == SBS_MEASURE_NUMBER) {
            write_and_read(value, false);
        }
        if (sbs_decimal_from_sfloat((uint16_t)bits, &value) == SBS_MEASURE_NUMBER) {
            write_and_read(value, true);
        }
    }
    return 0;
}
