/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: one step of the JSON grammar reads nothing outside of its text, moves on or refuses, and keeps the
 *   invariant of the scanner, so that any number of steps does
 * Bound: any state that the invariant allows, at every depth to the greatest; 0 to 2 bytes of text ahead, any bytes;
 *   a step looks at none before
 * Sources: core/src/text/ascii.c core/src/text/text.c core/src/text/utf8.c
 * Unwind: 5
 * Unwindset: scan_escape.1:9 prove_step.0:9
 * Deep: 7 -DBYTES=4
 * Deepbound: the same with 0 to 4 bytes of text ahead
 * Meant: scan_peek:conversion scan_open:conversion
 * Suite: long
 * Fault: core/src/json/json_grammar.c `if (s->depth == SBS_JSON_DEPTH_MAX)` => `if (s->depth > SBS_JSON_DEPTH_MAX)`
 */
#include "proof.h"
#include "json/json_grammar.c"

#ifndef BYTES
#define BYTES 2
#endif

/* Holds at the start, and between steps: whoever expects what only stands inside brackets is inside of some. */
static bool scanner_is_sound(const scanner *s) {
    bool inside = s->expect != EXPECT_VALUE && s->expect != EXPECT_NOTHING;
    return s->pos <= s->len && s->depth <= SBS_JSON_DEPTH_MAX && s->expect <= EXPECT_NOTHING &&
           (!inside || s->depth > 0) && (s->expect != EXPECT_NOTHING || s->depth == 0);
}

static void prove_step(const char *text, size_t len) {
    scanner s = {.text = text, .len = len};
    PROVE(scanner_is_sound(&s));
    s.depth = (unsigned)nondet_u32();
    s.expect = (expectation)nondet_u8();
    for (size_t i = 0; i < sizeof s.objects; i++) {
        s.objects[i] = nondet_u8();
    }
    ASSUME(scanner_is_sound(&s));
    ASSUME(s.expect != EXPECT_NOTHING); /* nobody goes on behind the root */

    sbs_status status = scan_step(&s);
    PROVE(s.pos <= s.len);
    PROVE(status == SBS_OK || status == SBS_ERR_JSON || status == SBS_ERR_JSON_DEPTH);
    if (status == SBS_OK) {
        PROVE(s.pos > 0); /* so that the text comes to an end */
        PROVE(scanner_is_sound(&s));
        REACHED("a step");
    } else {
        REACHED("a refusal");
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_step)
    return 0;
}
