/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: the scanners of characters read within their text, and say what proofs that do without their loops take them
 *   for (any_scan.h): a place that is found has the character and none before it has, what is trimmed lies in the text
 *   and has no blank at its ends, what is all of a kind is not empty, and a word is as long as what it equals
 * Bound: every text of 0 to 5 bytes, any character
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 8
 * Unwindset: sbs_ascii_is_alnum_or.0:18 strlen.0:9
 * Suite: short
 * Fault: core/src/text/ascii.c `text.ptr[text.len - 1]` => `text.ptr[text.len]`
 */
#include "proof.h"
#include "text/ascii.h"

#ifndef BYTES
#define BYTES 5
#endif

static void prove_find(sbs_text text) {
    char c = nondet_char();
    size_t at = sbs_ascii_find(text, c);
    PROVE(at <= text.len && (at == text.len || text.ptr[at] == c));
    for (size_t i = 0; i < at; i++) {
        PROVE(text.ptr[i] != c);
    }
}

static void prove_trim(sbs_text text) {
    sbs_text part = sbs_ascii_trim(text);
    PROVE(part.ptr >= text.ptr && part.len <= text.len && part.ptr + part.len <= text.ptr + text.len);
    if (part.len > 0) {
        PROVE(!sbs_ascii_is_blank(part.ptr[0]) && !sbs_ascii_is_blank(part.ptr[part.len - 1]));
        REACHED("something between blanks");
    }
}

static void prove_text(const char *memory, size_t len) {
    static const char words[] = "close\0age\0";
    sbs_text text = {memory, len};
    prove_find(text);
    prove_trim(text);
    PROVE(!sbs_ascii_all_alnum_or(text, SBS_ASCII_TCHAR) || len > 0);
    PROVE(!sbs_ascii_all_digits(text) || len > 0);
    PROVE(!sbs_ascii_is_nocase(text, words) || len == 5);
    unsigned place = sbs_ascii_place(text, words, true);
    PROVE(place <= 2 && (place != 1 || len == 5) && (place != 2 || len == 3));

    int value = sbs_hex_value(nondet_char());
    PROVE(value >= -1 && value <= 15);
    if (place == 1) {
        REACHED("a word");
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_text)
    return 0;
}
