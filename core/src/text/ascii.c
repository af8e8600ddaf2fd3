/* SPDX-License-Identifier: Apache-2.0 */
#include "text/ascii.h"

int sbs_hex_value(char c) {
    if (sbs_ascii_is_digit(c)) {
        return c - '0';
    }

    char lower = sbs_ascii_lower(c);
    if (lower < 'a' || lower > 'f') {
        return -1;
    }

    return lower - 'a' + 10;
}

int sbs_hex_byte(const char *digits) {
    int high = sbs_hex_value(digits[0]);
    if (high < 0) {
        return -1;
    }

    int low = sbs_hex_value(digits[1]);
    if (low < 0) {
        return -1;
    }
    return high * 16 + low;
}

bool sbs_ascii_is_alnum_or(char c, const char *others) {
    if (sbs_ascii_is_digit(c) || sbs_ascii_is_letter(c)) {
        return true;
    }

    while (*others != '\0' && *others != c) {
        others++;
    }

    return *others != '\0';
}

bool sbs_ascii_all_alnum_or(sbs_text text, const char *others) {
    size_t i = 0;
    while (i < text.len && sbs_ascii_is_alnum_or(text.ptr[i], others)) {
        i++;
    }
    return i > 0 && i == text.len;
}

bool sbs_ascii_all_digits(sbs_text text) {
    size_t i = 0;
    while (i < text.len && sbs_ascii_is_digit(text.ptr[i])) {
        i++;
    }
    return i > 0 && i == text.len;
}

bool sbs_ascii_is(sbs_text text, const char *word) {
    return sbs_text_equal(text, sbs_text_of(word));
}

bool sbs_ascii_is_nocase(sbs_text text, const char *word) {
    return sbs_text_equal_nocase(text, sbs_text_of(word));
}

unsigned sbs_ascii_place(sbs_text text, const char *words, bool nocase) {
    for (unsigned place = 1; *words != '\0'; place++) {
        bool found = sbs_ascii_is(text, words) || (nocase && sbs_ascii_is_nocase(text, words));
        if (found) {
            return place;
        }
        words += strlen(words) + 1;
    }

    return 0;
}

bool sbs_ascii_is_printable(sbs_text text) {
    while (text.len > 0 && *text.ptr >= 0x20 && *text.ptr <= 0x7E) {
        text.ptr++;
        text.len--;
    }
    return text.len == 0;
}

size_t sbs_ascii_find(sbs_text text, char c) {
    size_t i = 0;
    while (i < text.len && text.ptr[i] != c) {
        i++;
    }
    return i;
}

sbs_text sbs_ascii_trim(sbs_text text) {
    while (text.len > 0 && sbs_ascii_is_blank(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }

    while (text.len > 0 && sbs_ascii_is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }

    return text;
}
