/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: numbers are written within their room or refused, without a zero before them; the text reads as the same
 *   number
 * Bound: every uint64 and int64, every room of 0 to 20 bytes; the same number again: to 9999
 * Sources: core/src/text/text_writer.c core/src/text/text.c
 * Unwind: 22
 * Meant: sbs_put_int:wrap sbs_put_int:conversion
 * Suite: long
 * Fault: core/src/text/text_writer.c `char digits[20];` => `char digits[19];`
 */
#include "proof.h"
#include "sbs/text.h"

enum { DIGITS = 20 };

static void prove_unsigned(void) {
    char text[DIGITS];
    uint64_t value = nondet_u64();
    uint64_t again;
    sbs_writer out;
    sbs_writer_init(&out, text, sizeof text);
    sbs_put_uint(&out, value);
    PROVE(out.error == SBS_OK && out.len <= DIGITS);
    PROVE(text[0] != '0' || out.len == 1);
    if (value <= 9999) {
        PROVE(out.len <= 4);
        PROVE(sbs_text_to_uint((sbs_text){text, out.len <= 4 ? out.len : 4}, &again) == SBS_OK && again == value);
        REACHED("a number");
    }
}

static void prove_signed(void) {
    char text[DIGITS + 1];
    size_t room = any_count(DIGITS);
    int64_t value = nondet_i64();
    char guard = nondet_char();
    sbs_writer out;
    text[room] = guard;
    sbs_writer_init(&out, text, room);
    sbs_put_int(&out, value);
    PROVE(text[room] == guard);
    PROVE(out.len >= 1 && out.len <= DIGITS);
    PROVE(out.error == (out.len <= room ? SBS_OK : SBS_ERR_BUFFER));
    if (out.error == SBS_OK) {
        PROVE((text[0] == '-') == (value < 0));
        REACHED("a number that fits");
    }
}

int main(void) {
    prove_unsigned();
    prove_signed();
    return 0;
}
