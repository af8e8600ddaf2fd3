/* SPDX-License-Identifier: Apache-2.0 */
#include "json_output.h"

#include <string.h>

#include "sbs/linux_text.h"

#define DEL 0x7F
#define BEYOND_16_BITS 0x10000u
#define HIGH_HALF 0xD800u /* of a pair (RFC 8259 section 7) */
#define LOW_HALF 0xDC00u

/* Of a character that begins with this byte; 1 for what begins none. */
static size_t character_len(unsigned char first) {
    if (first >= 0xF0) {
        return 4;
    }
    if (first >= 0xE0) {
        return 3;
    }
    if (first >= 0xC0) {
        return 2;
    }

    return 1;
}

static uint32_t character_point(const char *text, size_t len) {
    uint32_t point = (unsigned char)text[0];
    if (len > 1) {
        point &= 0x7Fu >> len;
    }
    for (size_t i = 1; i < len; i++) {
        point = point << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    return point;
}

static void put_escape(sbs_writer *out, uint32_t unit) {
    static const char digits[] = "0123456789abcdef";
    sbs_put_string(out, "\\u");
    for (unsigned shift = 16; shift > 0; shift -= 4) {
        sbs_put_char(out, digits[unit >> (shift - 4) & 0xF]);
    }
}

static void put_character(sbs_writer *out, const char *text, size_t len) {
    char shown[4];
    memcpy(shown, text, len);
    size_t shown_len = sbs_linux_clean_text(shown, len);
    if (shown_len == len && memcmp(shown, text, len) == 0) {
        sbs_put(out, text, len);
        return;
    }
    if (shown_len != 1 || (len == 1 && (unsigned char)text[0] > DEL)) { /* no character */
        sbs_put(out, shown, shown_len);
        return;
    }

    uint32_t point = character_point(text, len);
    if (point >= BEYOND_16_BITS) {
        point -= BEYOND_16_BITS;
        put_escape(out, HIGH_HALF | point >> 10);
        point = LOW_HALF | (point & 0x3FF);
    }
    put_escape(out, point);
}

void cli_put_json_visibly(sbs_writer *out, sbs_text json) {
    size_t at = 0;
    while (at < json.len) {
        /* Plain characters go together. White space between members stays; in a string it cannot be. */
        size_t plain = at;
        while (plain < json.len && (unsigned char)json.ptr[plain] < DEL) {
            plain++;
        }
        sbs_put(out, json.ptr + at, plain - at);
        at = plain;
        if (at == json.len) {
            return;
        }

        size_t len = character_len((unsigned char)json.ptr[at]);
        if (len > json.len - at) {
            len = 1;
        }
        put_character(out, json.ptr + at, len);
        at += len;
    }
}
