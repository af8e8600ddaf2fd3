/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: text in a form or a URL is escaped within its room; nothing comes out but unreserved characters, '+' and
 *   escapes
 * Bound: every text of 0 to 3 bytes, every room of 0 to 9
 * Sources: core/src/text/form.c core/src/text/text_writer.c core/src/text/ascii.c core/src/text/text.c
 * Unwind: 11
 * Meant: form_put_percent:conversion main:conversion
 * Suite: short
 * Fault: core/src/text/form.c `(unsigned char)c >> 4)` => `(unsigned char)c >> 3)`
 */
#include "proof.h"
#include "sbs/url.h"

enum { BYTES = 3, ROOM = 9 };

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static unsigned value_of(char c) {
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'A') + 10;
}

static bool is_unreserved(char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

int main(void) {
    char text[BYTES];
    char out_text[ROOM + 1];
    size_t room = any_count(ROOM);
    size_t len = any_count(BYTES);
    char guard = nondet_char();
    sbs_writer out;
    out_text[room] = guard;
    sbs_writer_init(&out, out_text, room);
    sbs_form_put_encoded(&out, (sbs_text){text, len});
    PROVE(out_text[room] == guard);
    PROVE(out.len >= len && out.len <= 3 * len);
    PROVE(out.error == (out.len <= room ? SBS_OK : SBS_ERR_BUFFER));
    for (size_t i = 0; out.error == SBS_OK && i < out.len; i++) {
        PROVE(is_unreserved(out_text[i]) || out_text[i] == '+' || out_text[i] == '%');
        if (out_text[i] == '%') {
            PROVE(i + 2 < out.len && is_hex(out_text[i + 1]) && is_hex(out_text[i + 2]));
            PROVE(len > 1 || value_of(out_text[1]) * 16 + value_of(out_text[2]) == ((unsigned)text[0] & 0xFFu));
            REACHED("an escape");
        }
    }
    return 0;
}
