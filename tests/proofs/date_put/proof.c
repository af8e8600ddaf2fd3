/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: every date is written without a fault and within its room, or refused; what was written has the form of a
 *   FHIR dateTime
 * Bound: every int64 time and int16 zone, milliseconds of any int; the days of 1900 to 9999
 * Sources: core/src/text/text_writer.c core/src/text/text.c core/src/text/ascii.c
 * Unwind: 31
 * Meant: date_put_zone:conversion date_put_zone:wrap
 * Suite: short
 * Fault: core/src/text/date.c `utc_s > UTC_9999_END - offset` => `utc_s > UTC_9999_END`
 */
#include "proof.h"
#include "text/date.c"

enum { ROOM = 29 }; /* 2026-01-01T00:00:00.000+01:00 */

int main(void) {
    char text[ROOM + 1];
    char guard = nondet_char();
    sbs_writer out;
    text[ROOM] = guard;
    sbs_writer_init(&out, text, ROOM);
    sbs_date_put(&out, nondet_i64(), nondet_int(), nondet_i16());
    PROVE(text[ROOM] == guard);
    PROVE(out.error == SBS_OK || out.error == SBS_ERR_FORMAT);
    if (out.error == SBS_OK) {
        PROVE(out.len >= 20 && out.len <= ROOM);
        PROVE(text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' && text[16] == ':');
        REACHED("a date");
    } else {
        PROVE(out.len == 0);
        REACHED("a refusal");
    }
    return 0;
}
