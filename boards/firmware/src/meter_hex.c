/* SPDX-License-Identifier: Apache-2.0 */
#include "meter_hex.h"

#define DIGITS 8u

static const char digits[] = "0123456789abcdef";

bool meter_hex_read(const char *text, uint32_t *out) {
    uint32_t value = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        const char *digit = memchr(digits, text[i], sizeof digits - 1);
        if (digit == NULL) { /* nor is the NUL of a short text */
            return false;
        }
        value = value << 4 | (uint32_t)(digit - digits);
    }

    *out = value;
    return text[DIGITS] == '\0';
}

void meter_hex_put(sbs_writer *out, uint8_t byte) {
    sbs_put_char(out, sbs_hex_digit_upper(byte >> 4));
    sbs_put_char(out, sbs_hex_digit_upper(byte));
}
