/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: every decimal is written without a fault, or refused; what was written fits in 21 characters
 * Bound: every int64 mantissa and every int8 exponent
 * Sources: core/src/json/decimal.c core/src/text/text_writer.c core/src/json/json_grammar.c core/src/text/ascii.c
 *   core/src/text/text.c core/src/text/utf8.c
 * Unwind: 23
 * Meant: decimal_magnitude:wrap decimal_magnitude:conversion
 * Suite: short
 * Fault: core/src/json/decimal.c `sizeof "-0.123456789012345678" - 1` => `sizeof "-0.123456789012345678" - 2`
 */
#include "proof.h"
#include "sbs/decimal.h"

int main(void) {
    sbs_decimal value = {.mantissa = nondet_i64(), .exponent = nondet_i8()};
    char text[21];
    sbs_writer out;
    sbs_writer_init(&out, text, sizeof text);
    sbs_decimal_put(&out, value);
    PROVE(out.error == SBS_OK || out.error == SBS_ERR_FORMAT);
    if (out.error == SBS_OK) {
        PROVE(out.len >= 1 && out.len <= sizeof text);
        PROVE((text[0] == '-') == (value.mantissa < 0));
        REACHED("a number");
    } else {
        PROVE(out.len == 0);
        REACHED("a refusal");
    }
    return 0;
}
