/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/date.h"

#include "ascii.h"

enum {
    DAYS_PER_ERA = 146097,      /* 400 Gregorian years */
    EPOCH_FROM_0000_03 = 719468 /* days from 0000-03-01 to 1970-01-01 */
};
#define SECONDS_PER_DAY INT64_C(86400)
#define UTC_1900 INT64_C(-2208988800)
#define UTC_9999_END INT64_C(253402300799)

typedef struct calendar {
    unsigned year, month, day, hour, minute, second;
} calendar;

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t sbs_date_days(int64_t year, unsigned month, unsigned day) {
    const uint32_t y = (uint32_t)(year + 400 - (month <= 2 ? 1 : 0));
    const uint32_t m = month <= 2 ? month + 9 : month - 3;
    const uint32_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    return (int64_t)days - DAYS_PER_ERA - EPOCH_FROM_0000_03;
}

static bool is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month) {
    if (month == 2) {
        return is_leap(year) ? 29 : 28;
    }
    return 30 + ((month + month / 8) & 1);
}

/* A leap second is legal in both standards. */
static bool is_valid(const calendar *c) {
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days_in_month(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* For 1900 to 9999. The shift by 7 bits keeps the division in 32 bits: 86400 is 675 * 128. */
static calendar calendar_of(int64_t utc_s) {
    const uint64_t seconds = (uint64_t)(utc_s + EPOCH_FROM_0000_03 * SECONDS_PER_DAY);
    const uint32_t units = (uint32_t)(seconds >> 7);
    const uint32_t in_day = units % 675 * 128 + (uint32_t)(seconds & 127);
    const uint32_t days = units / 675;
    const uint32_t in_era = days % DAYS_PER_ERA;
    const uint32_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    const uint32_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t march_month = (5 * in_year + 2) / 153;
    const uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return (calendar){
        .year = days / DAYS_PER_ERA * 400 + year_of_era + (month <= 2 ? 1 : 0),
        .month = month,
        .day = in_year - (153 * march_month + 2) / 5 + 1,
        .hour = in_day / 3600,
        .minute = in_day / 60 % 60,
        .second = in_day % 60,
    };
}

/* ---- scanning ------------------------------------------------------------------------------------------------- */

static bool take(sbs_text *text, char c) {
    if (text->len == 0 || text->ptr[0] != c) {
        return false;
    }
    text->ptr++;
    text->len--;
    return true;
}

static bool take_word(sbs_text *text, const char *word, size_t len) {
    if (text->len < len || !sbs_text_equal((sbs_text){text->ptr, len}, (sbs_text){word, len})) {
        return false;
    }
    text->ptr += len;
    text->len -= len;
    return true;
}

static bool take_digits(sbs_text *text, size_t count, unsigned *out_value) {
    uint64_t value = 0;
    if (text->len < count || sbs_text_to_uint((sbs_text){text->ptr, count}, &value) != SBS_OK) {
        return false;
    }
    text->ptr += count;
    text->len -= count;
    *out_value = (unsigned)value;
    return true;
}

static bool take_month(sbs_text *text, unsigned *out_month) {
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (size_t i = 0; i < 12; i++) {
        if (take_word(text, names + 3 * i, 3)) {
            *out_month = (unsigned)i + 1;
            return true;
        }
    }
    return false;
}

/* Any day name will do: whether it is the right one changes nothing about the date. */
static bool take_day_name(sbs_text *text, bool whole) {
    static const char *const names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (take_word(text, names[i], whole ? sbs_text_of(names[i]).len : 3)) {
            return true;
        }
    }
    return false;
}

/* One conversion, named as in strptime. */
static bool take_part(sbs_text *text, char conversion, calendar *c) {
    switch (conversion) {
    case 'a':
        return take_day_name(text, false);
    case 'A':
        return take_day_name(text, true);
    case 'b':
        return take_month(text, &c->month);
    case 'Y':
        return take_digits(text, 4, &c->year);
    case 'y':
        return take_digits(text, 2, &c->year);
    case 'm':
        return take_digits(text, 2, &c->month);
    case 'e':
        return take_digits(text, take(text, ' ') ? 1 : 2, &c->day);
    case 'd':
        return take_digits(text, 2, &c->day);
    case 'H':
        return take_digits(text, 2, &c->hour);
    case 'M':
        return take_digits(text, 2, &c->minute);
    default:
        return take_digits(text, 2, &c->second);
    }
}

/* Takes what @p pattern describes off the front of @p text. */
static bool scan(sbs_text *text, const char *pattern, calendar *c) {
    for (; *pattern != '\0'; pattern++) {
        const bool taken = *pattern == '%' ? take_part(text, *++pattern, c) : take(text, *pattern);
        if (!taken) {
            return false;
        }
    }
    return true;
}

static bool scan_all(sbs_text text, const char *pattern, calendar *c) {
    return scan(&text, pattern, c) && text.len == 0;
}

/* ---- HTTP-date ------------------------------------------------------------------------------------------------ */

/* The year with these last two digits that is at most 50 years ahead of the reference, and less than 50 behind. */
static unsigned whole_year(unsigned two_digits, int64_t reference_utc_s) {
    unsigned reference = 2026;
    if (reference_utc_s >= UTC_1900 && reference_utc_s <= UTC_9999_END) {
        reference = calendar_of(reference_utc_s).year;
    }
    const unsigned ahead = (two_digits + 100 - reference % 100) % 100;
    return ahead <= 50 ? reference + ahead : reference + ahead - 100;
}

sbs_status sbs_date_parse_http(sbs_text text, int64_t reference_utc_s, int64_t *out_utc_s) {
    calendar c = {0};
    if (scan_all(text, "%A, %d-%b-%y %H:%M:%S GMT", &c)) {
        c.year = whole_year(c.year, reference_utc_s);
    } else if (!scan_all(text, "%a, %d %b %Y %H:%M:%S GMT", &c) && !scan_all(text, "%a %b %e %H:%M:%S %Y", &c)) {
        return SBS_ERR_FORMAT;
    }
    if (!is_valid(&c)) {
        return SBS_ERR_FORMAT;
    }
    *out_utc_s =
        sbs_date_days(c.year, c.month, c.day) * SECONDS_PER_DAY + (int64_t)(c.hour * 3600 + c.minute * 60 + c.second);
    return SBS_OK;
}

/* ---- FHIR dateTime -------------------------------------------------------------------------------------------- */

static void put_padded(sbs_writer *out, char before, unsigned value, unsigned unit) {
    sbs_put_char(out, before);
    for (; unit > 0; unit /= 10) {
        sbs_put_char(out, (char)('0' + value / unit % 10));
    }
}

static void put_zone(sbs_writer *out, int zone_minutes) {
    const unsigned minutes = (unsigned)(zone_minutes < 0 ? -zone_minutes : zone_minutes);
    if (minutes == 0) {
        sbs_put_char(out, 'Z');
        return;
    }
    put_padded(out, zone_minutes < 0 ? '-' : '+', minutes / 60, 10);
    put_padded(out, ':', minutes % 60, 10);
}

void sbs_date_put(sbs_writer *out, int64_t utc_s, int ms, int16_t zone_minutes) {
    const int64_t offset = (int64_t)zone_minutes * 60;
    if (zone_minutes < -840 || zone_minutes > 840 || ms > 999 || utc_s < UTC_1900 - offset ||
        utc_s > UTC_9999_END - offset) {
        sbs_writer_fail(out, SBS_ERR_FORMAT);
        return;
    }
    const calendar c = calendar_of(utc_s + offset);
    sbs_put_uint(out, c.year);
    put_padded(out, '-', c.month, 10);
    put_padded(out, '-', c.day, 10);
    put_padded(out, 'T', c.hour, 10);
    put_padded(out, ':', c.minute, 10);
    put_padded(out, ':', c.second, 10);
    if (ms >= 0) {
        put_padded(out, '.', (unsigned)ms, 100);
    }
    put_zone(out, zone_minutes);
}

static bool is_zone(sbs_text text) {
    calendar offset = {0};
    if (take(&text, 'Z')) {
        return text.len == 0;
    }
    if ((!take(&text, '+') && !take(&text, '-')) || !scan_all(text, "%H:%M", &offset)) {
        return false;
    }
    return offset.minute <= 59 && offset.hour * 60 + offset.minute <= 840;
}

static bool is_time_and_zone(sbs_text text, calendar *c) {
    if (!scan(&text, "T%H:%M:%S", c)) {
        return false;
    }
    if (take(&text, '.')) {
        unsigned digit = 0;
        if (!take_digits(&text, 1, &digit)) {
            return false;
        }
        while (take_digits(&text, 1, &digit)) {
        }
    }
    return is_zone(text);
}

bool sbs_date_is_fhir_datetime(sbs_text text) {
    calendar c = {.month = 1, .day = 1};
    if (!scan(&text, "%Y", &c) || c.year == 0) {
        return false;
    }
    if (text.len > 0 && !scan(&text, "-%m", &c)) {
        return false;
    }
    if (text.len > 0 && !scan(&text, "-%d", &c)) {
        return false;
    }
    if (text.len > 0 && !is_time_and_zone(text, &c)) {
        return false;
    }
    return is_valid(&c);
}
