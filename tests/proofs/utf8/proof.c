/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: a sequence is taken exactly if it encodes a Unicode scalar value, in its one form; encoding any of them
 *   round trips; nothing behind the text is read
 * Bound: every text of 1 to 5 bytes, every code point to U+10FFFF
 * Sources: core/src/text/utf8.c
 * Unwind: 5
 * Meant: sbs_utf8_encode:conversion
 * Suite: short
 * Fault: core/src/text/utf8.c `len <= extra` => `len < extra`
 */
#include <stdlib.h>

#include "proof.h"
#include "text/utf8.h"

/* The value of a sequence of @p len bytes that has the right form. */
static uint32_t value_of(const unsigned char *byte, size_t len) {
    uint32_t value = len == 1 ? byte[0] : byte[0] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++) {
        value = value << 6 | (byte[i] & 0x3Fu);
    }
    return value;
}

static void prove_decoding(void) {
    size_t len = any_count(5);
    ASSUME(len > 0);
    char *text = malloc(len); /* as long as that, and no byte longer */
    ASSUME(text != NULL);
    size_t taken = sbs_utf8_sequence(text, len);
    PROVE(taken <= len && taken <= 4);
    if (taken > 0) {
        char again[4];
        uint32_t value = value_of((const unsigned char *)text, taken);
        PROVE(value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF));
        PROVE(sbs_utf8_encode(value, again) == taken);
        for (size_t i = 0; i < taken; i++) {
            PROVE(again[i] == text[i]);
        }
        REACHED("a sequence");
    }
}

static void prove_encoding(void) {
    char text[4];
    uint32_t value = nondet_u32();
    ASSUME(value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF));
    size_t len = sbs_utf8_encode(value, text);
    PROVE(len >= 1 && len <= 4);
    PROVE(sbs_utf8_sequence(text, len) == len);
    PROVE(value_of((const unsigned char *)text, len) == value);
    REACHED("the end");
}

int main(void) {
    prove_decoding();
    prove_encoding();
    return 0;
}
