/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "sbs/count.h"

/* Ranges of code points that are not shown. */
static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x00, 0x1F},       {0x7F, 0x9F},     {0x061C, 0x061C}, /* C0, DEL and C1; Arabic letter mark */
    {0x200B, 0x200F},                                       /* no width, and the marks of direction */
    {0x2028, 0x202E},                                       /* separators, embeddings and overrides */
    {0x2060, 0x206F},                                       /* joiners, isolates, deprecated controls */
    {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},                   /* byte order mark, annotations */
    {0xE0000, 0xE007F},                                     /* tags */
};

/* How long the first byte says that its character is. */
static size_t character_len(unsigned char first) {
    if (first < 0x80) {
        return 1;
    }
    if ((first & 0xE0) == 0xC0) {
        return 2;
    }
    if ((first & 0xF0) == 0xE0) {
        return 3;
    }

    return 4;
}

/* The length of the UTF-8 character at @p text and its code point; 0 if it is none (RFC 3629 section 4). */
static size_t character_read(const unsigned char *text, size_t len, uint32_t *out_point) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = text[0];
    size_t count = character_len(first);
    if (count == 1) {
        *out_point = first;
        return 1;
    }
    if (first < 0xC2 || first > 0xF4 || count > len) {
        return 0;
    }

    uint32_t point = first & (0x7Fu >> count);
    for (size_t i = 1; i < count; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }

        point = point << 6 | (text[i] & 0x3Fu);
    }

    /* No longer form than needed, nothing beyond Unicode, no half of a UTF-16 pair. */
    *out_point = point;
    if (point < least[count] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
        return 0;
    }

    return count;
}

static bool is_hidden(uint32_t point) {
    for (size_t i = 0; i < SBS_COUNT_OF(hidden); i++) {
        if (point >= hidden[i].first && point <= hidden[i].last) {
            return true;
        }
    }

    return false;
}

size_t sbs_linux_clean_text(char *text, size_t len) {
    size_t kept = 0;
    size_t at = 0;
    while (at < len) {
        uint32_t point = 0;
        size_t count = character_read((const unsigned char *)text + at, len - at, &point);
        if (count == 0) {
            text[kept++] = '?';
            at++;
            continue;
        }
        if (is_hidden(point)) {
            text[kept++] = '?';
            at += count;
            continue;
        }

        memmove(text + kept, text + at, count);
        kept += count;
        at += count;
    }

    return kept;
}
