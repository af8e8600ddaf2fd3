/* SPDX-License-Identifier: Apache-2.0 */
/* The scanners of text/ascii.h as their contract allows, without their loops, which are proven apart (ascii_scan).
 * What they are given must lie in its memory, as they would read all of it. */
#ifndef SBS_PROOF_ANY_SCAN_H
#define SBS_PROOF_ANY_SCAN_H

#include "proof.h"
#include "text/ascii.h"

static bool scan_is_readable(sbs_text text) {
    return text.len == 0 || __CPROVER_r_ok(text.ptr, text.len);
}

static bool scan_any(sbs_text text) {
    PROVE(scan_is_readable(text));
    return nondet_bool();
}

size_t sbs_ascii_find(sbs_text text, char c) {
    PROVE(scan_is_readable(text));
    size_t at = any_count(text.len);
    ASSUME(at == text.len || text.ptr[at] == c);
    return at;
}

sbs_text sbs_ascii_trim(sbs_text text) {
    PROVE(scan_is_readable(text));
    if (text.len == 0) {
        return text;
    }
    size_t from = any_count(text.len);
    size_t len = any_count(text.len - from);
    return (sbs_text){text.ptr + from, len};
}

bool sbs_ascii_all_alnum_or(sbs_text text, const char *others) {
    (void)others;
    return scan_any(text) && text.len > 0;
}

bool sbs_ascii_all_digits(sbs_text text) {
    return scan_any(text) && text.len > 0;
}

bool sbs_ascii_is_printable(sbs_text text) {
    return scan_any(text);
}

bool sbs_ascii_is_nocase(sbs_text text, const char *word) {
    return scan_any(text) && text.len == strlen(word);
}

unsigned sbs_ascii_place(sbs_text text, const char *words, bool nocase) {
    unsigned count = 0;
    (void)nocase;
    PROVE(scan_is_readable(text));
    while (*words != '\0') {
        words += strlen(words) + 1;
        count++;
    }
    return (unsigned)any_count(count);
}

int sbs_hex_value(char c) {
    int value = nondet_int();
    (void)c;
    ASSUME(value >= -1 && value <= 15);
    return value;
}

#endif
