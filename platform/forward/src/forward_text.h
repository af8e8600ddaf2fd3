/* SPDX-License-Identifier: Apache-2.0 */
/* What several files of this folder ask about a text. */
#ifndef SBS_FORWARD_TEXT_H
#define SBS_FORWARD_TEXT_H

#include "sbs/text.h"

/* White space of JSON (RFC 8259 section 2). */
static inline bool sbs_forward_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* @p text without a byte order mark at its start, which editors write and RFC 8259 section 8.1 lets readers skip. */
static inline sbs_text sbs_forward_without_mark(sbs_text text) {
    if (text.len >= 3 && memcmp(text.ptr, "\xEF\xBB\xBF", 3) == 0) {
        text.ptr += 3;
        text.len -= 3;
    }
    return text;
}

/* The first @p most bytes of @p text at most, and no part of a UTF-8 character at its end. */
static inline sbs_text sbs_forward_cut(sbs_text text, size_t most) {
    if (text.len <= most) {
        return text;
    }

    size_t len = most;
    while (len > 0 && most - len < 3 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80) {
        len--;
    }
    return (sbs_text){text.ptr, len};
}

#endif
