/* SPDX-License-Identifier: Apache-2.0 */
/* Character classes of the standards' grammars. The C library's are not used: they depend on a locale. */
#ifndef SBS_ASCII_H
#define SBS_ASCII_H

#include "sbs/text.h"

/* Punctuation of RFC 3986 unreserved and of RFC 9110 tokens; with ALPHA and DIGIT they make the sets. */
#define SBS_ASCII_UNRESERVED "-._~"
#define SBS_ASCII_TCHAR "!#$%&'*+-.^_`|~"

static inline bool sbs_ascii_is_digit(int c) {
    return c >= '0' && c <= '9';
}

static inline char sbs_ascii_lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static inline bool sbs_ascii_is_letter(char c) {
    char lower = sbs_ascii_lower(c);
    return lower >= 'a' && lower <= 'z';
}

/* Space or tab. */
static inline bool sbs_ascii_is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* ALPHA, DIGIT, or one of @p others. */
bool sbs_ascii_is_alnum_or(char c, const char *others);
/* True if @p text is not empty and all of it is ALPHA, DIGIT or one of @p others. */
bool sbs_ascii_all_alnum_or(sbs_text text, const char *others);
/* True if @p text is not empty and has only digits. */
bool sbs_ascii_all_digits(sbs_text text);
/* True if @p text is @p word. */
bool sbs_ascii_is(sbs_text text, const char *word);
/* The same, letters compared without case. */
bool sbs_ascii_is_nocase(sbs_text text, const char *word);
/* The place of @p text, from 1, among @p words, each of which ends with a NUL, the last one with two; 0: it is none.
 * @p nocase: letters are compared without case. */
unsigned sbs_ascii_place(sbs_text text, const char *words, bool nocase);
/* True if all of it is printable ASCII or space (0x20-0x7E): client ids, key ids and the like (VSCHAR, RFC 6749 A). */
bool sbs_ascii_is_printable(sbs_text text);
/* Index of the first @p c in @p text, text.len if there is none. */
size_t sbs_ascii_find(sbs_text text, char c);
/* @p text without the spaces and tabs around it. */
sbs_text sbs_ascii_trim(sbs_text text);

#endif
