/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: a chunk size is read within its line and never overflows: it is the value of its digits, or refused
 * Bound: every line of 0 to 3 bytes, and of 18
 * Sources: core/src/text/ascii.c core/src/text/text.c core/src/http/http_fields.c
 * Unwind: 20
 * Suite: long
 * Fault: core/src/http/http_reader.c `size >> 59 != 0` => `size >> 61 != 0`
 */
#include "proof.h"
#include "http/http_reader.c"

enum { BYTES = 18 };

static void prove_line(const char *text, size_t len) {
    sbs_text line = {text, len};
    uint64_t size = 0;
    if (reader_parse_chunk_size(line, &size) != SBS_OK) {
        REACHED("a refusal");
        return;
    }

    PROVE(len > 0 && sbs_hex_value(line.ptr[0]) >= 0);
    size_t digits = 0;
    uint64_t expected = 0;
    while (digits < len && sbs_hex_value(line.ptr[digits]) >= 0) {
        PROVE(expected <= UINT64_MAX / 16); /* no digit is lost */
        expected = expected * 16 + (uint64_t)sbs_hex_value(line.ptr[digits++]);
    }
    PROVE(size == expected);
    if (len > 0) {
        REACHED("a size");
    }
}

int main(void) {
    FOR_EACH_LENGTH(3, prove_line)
    char line[BYTES];
    prove_line(line, BYTES); /* as long as overflows */
    return 0;
}
