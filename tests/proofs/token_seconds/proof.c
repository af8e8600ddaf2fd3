/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: the lifetime of a token is read within its text, without overflow, and digits alone give their own value
 * Bound: every text of 0 to 4 bytes
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 13
 * Deep: 16 -DBYTES=7
 * Deepbound: every text of 0 to 7 bytes
 * Meant: token_append:wrap
 * Suite: short
 * Fault: core/src/smart/token.c `value > UINT32_MAX / 10 || tens` => `value > UINT32_MAX / 9 || tens`
 */
#include "proof.h"
#include "smart/token.c"

#ifndef BYTES
#define BYTES 4
#endif

static void prove_text(const char *text, size_t len) {
    uint32_t seconds = 0;
    uint32_t plain = 0;
    bool digits = len > 0;
    for (size_t i = 0; i < len; i++) {
        digits = digits && text[i] >= '0' && text[i] <= '9';
        plain = digits ? plain * 10 + (uint32_t)(text[i] - '0') : 0;
    }

    bool good = token_parse_seconds((sbs_text){text, len}, &seconds);
    if (digits) {
        PROVE(good && seconds == plain);
        if (len > 0) {
            REACHED("digits");
        }
    }
    if (good && !digits && len > 2) {
        REACHED("a fraction or an exponent");
    }
}

/* One more digit saturates, and stays there. */
static void prove_append(void) {
    uint32_t value = nondet_u32();
    uint32_t digit = nondet_u32();
    ASSUME(digit <= 9);
    uint64_t whole = (uint64_t)value * 10 + digit;
    PROVE(token_append(value, digit) == (whole > UINT32_MAX ? UINT32_MAX : whole));
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_text)
    prove_append();
    return 0;
}
