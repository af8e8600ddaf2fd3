/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: dates are read within their text, and what is taken is a second of a day of the calendar, in the years 0 to
 *   9999; a year of two digits is within 50 years of the reference
 * Bound: every text of the length of each of the three forms of HTTP, behind the name of the day, with references of
 *   2000 to 2100; every text of 0 to 3 bytes with it; as a FHIR dateTime every text of 0 to 4, 7, 10, 19, 20 and 25
 *   bytes
 * Sources: core/src/text/text_writer.c core/src/text/text.c core/src/text/ascii.c
 * Unwind: 14
 * Unwindset: date_whole_year.0:6 date_has_shape.0:27 sbs_ascii_find.0:5
 * Meant: sbs_date_days:wrap
 * Suite: long
 * Fault: core/src/text/date.c `c->hour <= 23 && c->minute <= 59` => `c->minute <= 59`
 */
#include "proof.h"
#include "text/date.c"

#define UTC_2000 INT64_C(946684800)
#define UTC_2100 INT64_C(4102444800)

static void prove_form(const struct form *form, const char *text, size_t len) {
    calendar c = {0};
    int64_t reference = nondet_i64();
    ASSUME(reference >= UTC_2000 && reference <= UTC_2100);
    if (!date_read_form(form, (sbs_text){text, len}, reference, &c)) {
        return;
    }

    PROVE(c.year <= 9999 && c.month >= 1 && c.month <= 12 && c.day >= 1 && c.day <= 31);
    PROVE(c.month != 2 || c.day <= 29);
    PROVE(c.hour <= 23 && c.minute <= 59 && c.second <= 60);
    PROVE(form->year_len == 4 || (c.year >= 1950 && c.year <= 2150));
    REACHED("a date of HTTP");
}

static void prove_short(const char *text, size_t len) {
    int64_t seconds = 0;
    PROVE(sbs_date_parse_http((sbs_text){text, len}, 0, &seconds) == SBS_ERR_FORMAT && seconds == 0);
}

static void prove_fhir(const char *text, size_t len) {
    if (sbs_date_is_fhir_datetime((sbs_text){text, len})) {
        PROVE(len == 4 || len == 7 || len == 10 || len >= 20);
        PROVE(text[0] >= '0' && text[0] <= '9');
        PROVE(len < 7 || text[5] == '0' || text[5] == '1');
        PROVE(len < 20 || text[10] == 'T');
        if (len > 0) {
            REACHED("a dateTime of FHIR");
        }
    }
}

#define PROVE_FHIR(length)                                                                                             \
    {                                                                                                                  \
        char memory[length];                                                                                           \
        prove_fhir(memory, length);                                                                                    \
    }

int main(void) {
    char fixdate[26];
    char rfc850[24];
    char asctime[21];
    prove_form(&forms[0], fixdate, sizeof fixdate);
    prove_form(&forms[1], rfc850, sizeof rfc850);
    prove_form(&forms[2], asctime, sizeof asctime);
    FOR_EACH_LENGTH(3, prove_short)
    FOR_EACH_LENGTH(4, prove_fhir)
    PROVE_FHIR(7)
    PROVE_FHIR(10)
    PROVE_FHIR(19)
    PROVE_FHIR(20)
    PROVE_FHIR(25)
    return 0;
}
