/* SPDX-License-Identifier: Apache-2.0 */
#include "text/utf8.h"

size_t sbs_utf8_sequence(const char *text, size_t len) {
    const unsigned char *byte = (const unsigned char *)text;
    /* The smallest code point that needs 2, 3, 4 bytes: RFC 3629 section 3. */
    static const uint16_t smallest_in_64[] = {0x80 / 64, 0x800 / 64, 0x10000 / 64};

    if (byte[0] < 0x80) {
        return 1;
    }

    size_t extra = 1;
    if (byte[0] >= 0xF0) {
        extra = 3;
    } else if (byte[0] >= 0xE0) {
        extra = 2;
    }
    if (byte[0] < 0xC2 || byte[0] > 0xF4 || len <= extra) {
        return 0;
    }

    uint32_t code_point = byte[0] & (0x3Fu >> extra);
    for (size_t i = 1; i <= extra; i++) {
        if ((byte[i] & 0xC0) != 0x80) {
            return 0;
        }

        code_point = code_point << 6 | (byte[i] & 0x3Fu);
    }

    uint32_t in_64 = code_point >> 6;
    if (in_64 < smallest_in_64[extra - 1] || in_64 >= 0x110000 / 64 || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        return 0;
    }

    return extra + 1;
}

size_t sbs_utf8_encode(uint32_t code_point, char out[4]) {
    size_t extra = 0;
    if (code_point >= 0x10000) {
        extra = 3;
    } else if (code_point >= 0x800) {
        extra = 2;
    } else if (code_point >= 0x80) {
        extra = 1;
    }

    for (size_t i = extra; i > 0; i--) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }

    /* The lead byte: as many ones as there are bytes; none for one byte alone. */
    out[0] = (char)((extra > 0 ? 0xF0u << (3 - extra) : 0u) | code_point);
    return extra + 1;
}
