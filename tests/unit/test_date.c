/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/date.h"
#include "test.h"

#define UTC_2026 INT64_C(1767225600) /* 2026-01-01T00:00:00Z */

static const char *const days[] = {"Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int64_t parsed(const char *text) {
    int64_t utc_s = 0;
    if (sbs_date_parse_http(sbs_text_of(text), UTC_2026, &utc_s) != SBS_OK) {
        fail_msg("refused: %s", text);
    }
    return utc_s;
}

/* RFC 9110 section 5.6.7. */
static void three_forms_are_read(void **state) {
    (void)state;
    assert_int_equal(parsed("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(parsed("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
    assert_int_equal(parsed("Sun Nov  6 08:49:37 1994"), 784111777);
    assert_int_equal(parsed("Sun Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
    assert_int_equal(parsed("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
    assert_int_equal(parsed("Wed, 31 Dec 1969 23:59:59 GMT"), -1);
    assert_int_equal(parsed("Tue, 19 Jan 2038 03:14:08 GMT"), INT64_C(2147483648));
    assert_int_equal(parsed("Fri, 31 Dec 9999 23:59:59 GMT"), INT64_C(253402300799));
    assert_int_equal(parsed("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
    assert_int_equal(parsed("Thu, 29 Feb 2024 00:00:00 GMT"), 1709164800);
    assert_int_equal(parsed("Tue, 29 Feb 2000 00:00:00 GMT"), 951782400);
}

static void other_forms_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "0",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,06 Nov 1994 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nob 1994 08:49:37 GMT",
        "Sun, 06 anF 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Wed, 29 Feb 2100 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sunday,  6-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  06 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov  0 08:49:37 1994",
        "Sun, Nov  6 08:49:37 1994",
    };
    for (size_t i = 0; i < SBS_COUNT_OF(bad); i++) {
        int64_t utc_s = 4711;
        if (sbs_date_parse_http(sbs_text_of(bad[i]), UTC_2026, &utc_s) != SBS_ERR_FORMAT) {
            fail_msg("not refused: %s", bad[i]);
        }
        assert_int_equal(utc_s, 4711);
    }
}

/* Each text cut short anywhere, and each byte replaced by each other one, is refused or still a date. */
static void damaged_texts_are_no_crash(void **state) {
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t form = 0; form < 3; form++) {
        const size_t len = strlen(forms[form]);
        int64_t utc_s = 0;
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(sbs_date_parse_http((sbs_text){forms[form], cut}, UTC_2026, &utc_s), SBS_ERR_FORMAT);
        }
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[40];
                memcpy(text, forms[form], len);
                text[at] = (char)byte;
                const bool digit = byte >= '0' && byte <= '9';
                const bool letter = byte >= 'a' && byte <= 'z';
                const sbs_status status = sbs_date_parse_http((sbs_text){text, len}, UTC_2026, &utc_s);
                assert_true(status == SBS_ERR_FORMAT || digit || letter || text[at] == forms[form][at]);
            }
        }
    }
}

static int64_t two_digit_year(unsigned year, int64_t reference) {
    char text[40];
    int64_t utc_s = 0;
    (void)snprintf(text, sizeof text, "Monday, 01-Mar-%02u 00:00:00 GMT", year);
    assert_int_equal(sbs_date_parse_http(sbs_text_of(text), reference, &utc_s), SBS_OK);
    return utc_s;
}

static int64_t first_of_march(int64_t year) {
    return sbs_date_days(year, 3, 1) * 86400;
}

static void two_digits_are_the_nearest_year(void **state) {
    (void)state;
    assert_int_equal(two_digit_year(26, UTC_2026), first_of_march(2026));
    assert_int_equal(two_digit_year(76, UTC_2026), first_of_march(2076));
    assert_int_equal(two_digit_year(77, UTC_2026), first_of_march(1977));
    assert_int_equal(two_digit_year(25, UTC_2026), first_of_march(2025));
    assert_int_equal(two_digit_year(0, UTC_2026), first_of_march(2000));
    assert_int_equal(two_digit_year(77, SBS_UTC_UNKNOWN), first_of_march(1977));
    assert_int_equal(two_digit_year(76, SBS_UTC_UNKNOWN), first_of_march(2076));
    assert_int_equal(two_digit_year(76, INT64_MAX), first_of_march(2076));
    assert_int_equal(two_digit_year(0, first_of_march(2099)), first_of_march(2100));
    assert_int_equal(two_digit_year(99, first_of_march(2100)), first_of_march(2099));
}

/* Walks the calendar day by day, with its own idea of months and leap years. */
static void every_day_of_1600_to_9999_is_right(void **state) {
    (void)state;
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day_number = -135140; /* 1600-01-01 */
    for (unsigned year = 1600; year <= 9999; year++) {
        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (unsigned month = 1; month <= 12; month++) {
            const unsigned length = lengths[month - 1] + (month == 2 && leap ? 1 : 0);
            for (unsigned day = 1; day <= length; day++) {
                if (sbs_date_days(year, month, day) != day_number) {
                    fail_msg("%u-%u-%u is not day %d", year, month, day, (int)day_number);
                }
                day_number++;
            }
            char text[40];
            (void)snprintf(text, sizeof text, "%04u-%02u-%02u", year, month, length + 1);
            assert_false(sbs_date_is_fhir_datetime(sbs_text_of(text)));
            (void)snprintf(text, sizeof text, "%04u-%02u-%02u", year, month, length);
            assert_true(sbs_date_is_fhir_datetime(sbs_text_of(text)));
        }
    }
    assert_int_equal(day_number, 2932897);
}

static sbs_text put(char buffer[40], int64_t utc_s, int ms, int16_t zone) {
    sbs_writer out;
    sbs_writer_init(&out, buffer, 40);
    sbs_date_put(&out, utc_s, ms, zone);
    size_t len = 0;
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    return (sbs_text){buffer, len};
}

static void assert_put(int64_t utc_s, int ms, int16_t zone, const char *expected) {
    char buffer[40];
    const sbs_text text = put(buffer, utc_s, ms, zone);
    if (!sbs_text_equal(text, sbs_text_of(expected))) {
        fail_msg("%.*s instead of %s", (int)text.len, text.ptr, expected);
    }
    assert_true(sbs_date_is_fhir_datetime(text));
}

static void a_time_is_written_in_its_zone(void **state) {
    (void)state;
    assert_put(0, -1, 0, "1970-01-01T00:00:00Z");
    assert_put(0, 0, 0, "1970-01-01T00:00:00.000Z");
    assert_put(-1, 7, 0, "1969-12-31T23:59:59.007Z");
    assert_put(784111777, 999, 120, "1994-11-06T10:49:37.999+02:00");
    assert_put(784111777, -1, -300, "1994-11-06T03:49:37-05:00");
    assert_put(784111777, -1, 345, "1994-11-06T14:34:37+05:45");
    assert_put(784111777, -1, -30, "1994-11-06T08:19:37-00:30");
    assert_put(784111777, -1, 840, "1994-11-06T22:49:37+14:00");
    assert_put(784111777, -1, -840, "1994-11-05T18:49:37-14:00");
    assert_put(INT64_C(951782400), -1, 0, "2000-02-29T00:00:00Z");
    assert_put(INT64_C(4107542399), -1, 0, "2100-02-28T23:59:59Z");
    assert_put(INT64_C(4107542400), -1, 0, "2100-03-01T00:00:00Z");
    assert_put(INT64_C(253402300799), -1, 0, "9999-12-31T23:59:59Z");
    assert_put(INT64_C(253402300799) + 3600, -1, -60, "9999-12-31T23:59:59-01:00");
    assert_put(INT64_C(-2208988800), -1, 0, "1900-01-01T00:00:00Z");
    assert_put(INT64_C(-2208988800) - 3600, -1, 60, "1900-01-01T00:00:00+01:00");
}

static sbs_status put_status(int64_t utc_s, int ms, int16_t zone) {
    sbs_writer out;
    sbs_writer_init_sizing(&out);
    sbs_date_put(&out, utc_s, ms, zone);
    return sbs_writer_finish(&out, NULL);
}

static void a_time_that_has_no_form_is_refused(void **state) {
    (void)state;
    assert_int_equal(put_status(INT64_C(253402300800), -1, 0), SBS_ERR_FORMAT);
    assert_int_equal(put_status(INT64_C(253402300799), -1, 1), SBS_ERR_FORMAT);
    assert_int_equal(put_status(INT64_C(-2208988801), -1, 0), SBS_ERR_FORMAT);
    assert_int_equal(put_status(INT64_C(-2208988800), -1, -1), SBS_ERR_FORMAT);
    assert_int_equal(put_status(SBS_UTC_UNKNOWN, -1, 0), SBS_ERR_FORMAT);
    assert_int_equal(put_status(INT64_MAX, -1, 840), SBS_ERR_FORMAT);
    assert_int_equal(put_status(INT64_MIN, -1, -840), SBS_ERR_FORMAT);
    assert_int_equal(put_status(0, 1000, 0), SBS_ERR_FORMAT);
    assert_int_equal(put_status(0, -1, 841), SBS_ERR_FORMAT);
    assert_int_equal(put_status(0, -1, -841), SBS_ERR_FORMAT);
    assert_int_equal(put_status(0, -1, SBS_ZONE_UNKNOWN), SBS_ERR_FORMAT);
}

/* What sbs_date_put writes and what sbs_date_parse_http reads agree, with a step that meets every second of a day. */
static void what_is_written_is_read_again(void **state) {
    (void)state;
    for (int64_t utc_s = INT64_C(-2208988800); utc_s <= INT64_C(253402300799); utc_s += 1000003) {
        char buffer[40];
        unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
        put(buffer, utc_s, -1, 0);
        buffer[20] = '\0';
        assert_int_equal(sscanf(buffer, "%4u-%2u-%2uT%2u:%2u:%2uZ", &year, &month, &day, &hour, &minute, &second), 6);
        const char *name = days[((utc_s + INT64_C(86400) * 7 * 10000) / 86400) % 7];
        char text[64];
        (void)snprintf(text, sizeof text, "%.3s, %02u %s %04u %02u:%02u:%02u GMT", name, day, months[month - 1], year,
                       hour, minute, second);
        assert_int_equal(parsed(text), utc_s);
        (void)snprintf(text, sizeof text, "%.3s %s %2u %02u:%02u:%02u %04u", name, months[month - 1], day, hour, minute,
                       second, year);
        assert_int_equal(parsed(text), utc_s);
        int64_t from_two_digits = 0;
        (void)snprintf(text, sizeof text, "%s, %02u-%s-%02u %02u:%02u:%02u GMT", name, day, months[month - 1],
                       year % 100, hour, minute, second);
        assert_int_equal(sbs_date_parse_http(sbs_text_of(text), utc_s, &from_two_digits), SBS_OK);
        assert_int_equal(from_two_digits, utc_s);
    }
}

static const char *const fhir_datetimes[] = {
    "2018",
    "0001",
    "9999",
    "1973-06",
    "1905-08-23",
    "2024-02-29",
    "2015-02-07T13:28:17-05:00",
    "2017-01-01T00:00:00.000Z",
    "2017-01-01T00:00:00.1Z",
    "2017-01-01T00:00:00.123456789012345678901234567890Z",
    "2016-12-31T23:59:60Z",
    "2017-01-01T23:59:59+14:00",
    "2017-01-01T23:59:59-13:59",
};

static const char *const no_fhir_datetimes[] = {
    "",
    "0000",
    "201",
    "20180",
    "2018-",
    "2018-1",
    "2018-00",
    "2018-13",
    "2018-06-",
    "2018-06-0",
    "2018-06-00",
    "2018-06-31",
    "2023-02-29",
    "2018-06-01T",
    "2018-06-01T10",
    "2018-06-01T10:00",
    "2018-06-01T10:00Z",
    "2018-06-01T10:00:00",
    "2018-06-01 10:00:00Z",
    "2018-06-01t10:00:00Z",
    "2018-06-01T10:00:00z",
    "2018-06-01T24:00:00Z",
    "2018-06-01T10:60:00Z",
    "2018-06-01T10:00:61Z",
    "2018-06-01T10:00:00.Z",
    "2018-06-01T10:00:00,5Z",
    "2018-06-01T10:00:00ZZ",
    "2018-06-01T10:00:00Z ",
    " 2018",
    "2018-06-01T10:00:00+1:00",
    "2018-06-01T10:00:00+0100",
    "2018-06-01T10:00:00+01",
    "2018-06-01T10:00:00+14:01",
    "2018-06-01T10:00:00+15:00",
    "2018-06-01T10:00:00+01:60",
    "2018-06-01T10:00:00 01:00",
    "2018-06T10:00:00Z",
    "2018T10:00:00Z",
    "-2018",
    "+2018",
    "2018-06-01Z",
};

static void a_datetime_is_told_from_other_texts(void **state) {
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(fhir_datetimes); i++) {
        if (!sbs_date_is_fhir_datetime(sbs_text_of(fhir_datetimes[i]))) {
            fail_msg("refused: %s", fhir_datetimes[i]);
        }
    }
    for (size_t i = 0; i < SBS_COUNT_OF(no_fhir_datetimes); i++) {
        if (sbs_date_is_fhir_datetime(sbs_text_of(no_fhir_datetimes[i]))) {
            fail_msg("not refused: %s", no_fhir_datetimes[i]);
        }
    }
    assert_false(sbs_date_is_fhir_datetime((sbs_text){"2018\0", 5}));
    assert_false(sbs_date_is_fhir_datetime((sbs_text){NULL, 0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_forms_are_read),
        cmocka_unit_test(other_forms_are_refused),
        cmocka_unit_test(damaged_texts_are_no_crash),
        cmocka_unit_test(two_digits_are_the_nearest_year),
        cmocka_unit_test(every_day_of_1600_to_9999_is_right),
        cmocka_unit_test(a_time_is_written_in_its_zone),
        cmocka_unit_test(a_time_that_has_no_form_is_refused),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_datetime_is_told_from_other_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
