/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: whatever a server says becomes one line of printable ASCII with a NUL, within its room, also where it
 *   stands
 * Bound: every text of 0 to 6 bytes, every room of 0 to 8, apart or in place
 * Sources: core/src/http/http_value.c core/src/text/ascii.c core/src/text/text.c
 * Unwind: 10
 * Meant: sbs_http_sanitise:conversion
 * Suite: short
 * Fault: core/src/http/http_value.c `i < text.len && len < size - 1` => `i < text.len && len < size`
 */
#include "proof.h"
#include "sbs/http.h"

enum { BYTES = 6, ROOM = 8 };

int main(void) {
    char text[ROOM + 1];
    char apart[ROOM + 1];
    char *out = nondet_bool() ? text : apart;
    size_t room = any_count(ROOM);
    size_t len = any_count(BYTES);
    char guard = out[room];
    sbs_http_sanitise((sbs_text){text, len}, out, room);
    PROVE(out[room] == guard);
    if (room == 0) {
        REACHED("no room");
        return 0;
    }

    size_t end = 0;
    while (end < room && out[end] != '\0') {
        PROVE(out[end] >= ' ' && out[end] < 0x7F);
        end++;
    }
    PROVE(end < room && end <= len);
    PROVE(end == 0 || (out[0] != ' ' && out[end - 1] != ' '));
    REACHED("a line");
    return 0;
}
