/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: one step through a JSON string reads nothing outside of it, moves on or refuses, and makes 1 to 4 bytes;
 *   what an escape makes is UTF-8
 * Bound: any 1 to 13 bytes left of a string; a step looks at no byte before and at none but the first 12
 * Sources: core/src/text/ascii.c core/src/text/text.c core/src/text/utf8.c
 * Unwind: 6
 * Unwindset: main.0:15
 * Meant: sbs_utf8_encode:conversion
 * Suite: short
 * Fault: core/src/json/json_string.c `if (raw.len - *pos < 6 || raw` => `if (raw.len - *pos < 5 || raw`
 */
#include "proof.h"
#include "json/json_string.c"

enum { BYTES = 13 };

static void prove_step(const char *text, size_t len) {
    char out[4];
    sbs_text raw = {text, len};
    size_t pos = 0;
    if (len == 0) {
        return;
    }

    /* The grammar was checked before: four hexadecimal digits follow \u. */
    for (size_t i = 0; i < 4; i++) {
        ASSUME(2 + i >= len || raw.ptr[1] != 'u' || sbs_hex_value(raw.ptr[2 + i]) >= 0);
        ASSUME(8 + i >= len || raw.ptr[7] != 'u' || sbs_hex_value(raw.ptr[8 + i]) >= 0);
    }

    size_t made = json_unescape_next(raw, &pos, out);
    PROVE(made <= 4 && pos <= len);
    if (made > 0) {
        PROVE(pos > 0);
        if (raw.ptr[0] == '\\' && raw.ptr[1] == 'u') {
            PROVE(sbs_utf8_sequence(out, made) == made);
            if (len > 5) {
                REACHED("an escape");
            }
        }
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_step)
    return 0;
}
