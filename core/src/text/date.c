/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/date.h"
#include "sbs/count.h"

#include "text/ascii.h"

enum {
    DAYS_PER_ERA = 146097,       /* 400 Gregorian years */
    EPOCH_FROM_0000_03 = 719468, /* days from 0000-03-01 to 1970-01-01 */
    ZONE_MAX = 840,
    YEAR_END = 4, /* of YYYY-MM-DDThh:mm:ss */
    MONTH_END = 7,
    DAY_END = 10,
    TIME_END = 19
};
#define SECONDS_PER_DAY INT64_C(86400)
#define UTC_1900 INT64_C(-2208988800)
#define UTC_2026 INT64_C(1767225600)
#define UTC_9999_END INT64_C(253402300799)

typedef struct calendar {
    unsigned year, month, day, hour, minute, second;
} calendar;

/* Years are counted from March, so that the leap day is the last of its year. */
int64_t sbs_date_days(int64_t year, unsigned month, unsigned day) {
    uint32_t y = (uint32_t)(year + 400);
    uint32_t m = month - 3;
    if (month <= 2) {
        y--;
        m = month + 9;
    }

    /* (153 m + 2) / 5 are the days of the months before, counted from March. */
    uint32_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    return (int64_t)days - DAYS_PER_ERA - EPOCH_FROM_0000_03;
}

static bool year_is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in_month(unsigned year, unsigned month) {
    if (month == 2) {
        return 28 + (unsigned)year_is_leap(year);
    }
    return 30 + ((month + month / 8) & 1);
}

/* A leap second is legal in both standards. */
static bool calendar_is_valid(const calendar *c) {
    return c->month >= 1 && c->month <= 12 && c->day >= 1 && c->day <= days_in_month(c->year, c->month) &&
           c->hour <= 23 && c->minute <= 59 && c->second <= 60;
}

/* For 1900 to 9999. The shift by 7 bits keeps the division in 32 bits: 86400 is 675 * 128. */
static calendar calendar_of(int64_t utc_s) {
    uint64_t seconds = (uint64_t)(utc_s + EPOCH_FROM_0000_03 * SECONDS_PER_DAY);
    uint32_t units = (uint32_t)(seconds >> 7);
    uint32_t in_day = units % 675 * 128 + (uint32_t)(seconds & 127);
    uint32_t days = units / 675;
    uint32_t in_era = days % DAYS_PER_ERA;
    uint32_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    uint32_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);

    /* Back from years that begin in March. */
    uint32_t march_month = (5 * in_year + 2) / 153;
    uint32_t year = days / DAYS_PER_ERA * 400 + year_of_era;
    uint32_t month = march_month + 3;

    if (march_month >= 10) {
        year++;
        month = march_month - 9;
    }

    return (calendar){
        .year = year,
        .month = month,
        .day = in_year - (153 * march_month + 2) / 5 + 1,
        .hour = in_day / 3600,
        .minute = in_day / 60 % 60,
        .second = in_day % 60,
    };
}

/* ---- shapes -------------------- */

/* True if @p text has the form of the first bytes of @p shape: '0' stands for a digit, '9' for a digit or a space, '*'
 * for any byte, others for themselves. */
static bool date_has_shape(sbs_text text, const char *shape) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        char form = shape[i];
        bool digit = form == '0' || form == '9';
        if (form != '*' && form != c && !(digit && sbs_ascii_is_digit(c)) && !(form == '9' && c == ' ')) {
            return false;
        }
    }

    return true;
}

/* Of digits; a space counts as 0. */
static unsigned date_number(const char *digits, size_t count) {
    unsigned value = 0;
    for (size_t i = 0; i < count; i++) {
        value = value * 10 + ((unsigned char)digits[i] & 0x0F);
    }
    return value;
}

/* Of the shape "00:00:00". */
static void date_read_time(const char *text, calendar *c) {
    c->hour = date_number(text, 2);
    c->minute = date_number(text + 3, 2);
    c->second = date_number(text + 6, 2);
}

/* ---- HTTP-date -------------------- */

/* Place of the first three bytes of @p text among @p count names of three letters, from 1; 0 if it is none of them. */
static unsigned date_place_in(const char *names, size_t count, const char *text) {
    while (count > 0 && !sbs_text_equal((sbs_text){names + 3 * (count - 1), 3}, (sbs_text){text, 3})) {
        count--;
    }
    return (unsigned)count;
}

/* "Sun" or "Sunday". Any day will do: whether it is the right one changes nothing about the date. */
static bool date_is_day_name(sbs_text text) {
    return text.len >= 3 && date_place_in("MonTueWedThuFriSatSun", 7, text.ptr) > 0 &&
           (text.len == 3 || date_place_in("day", 1, text.ptr + text.len - 3) > 0);
}

/* The year with these last two digits that is at most 50 years ahead of the reference, and less than 50 behind. */
static unsigned date_whole_year(unsigned two_digits, int64_t reference_utc_s) {
    unsigned year = 1800 + two_digits;
    if (reference_utc_s < UTC_1900 || reference_utc_s > UTC_9999_END) {
        reference_utc_s = UTC_2026;
    }

    while (sbs_date_days(year + 50, 1, 1) * SECONDS_PER_DAY <= reference_utc_s) {
        year += 100;
    }

    return year;
}

/* IMF-fixdate, RFC 850 and asctime: what follows the day name, and where in it the parts stand. */
static const struct form {
    const char *shape;
    uint8_t len, day, month, year, year_len, time;
} forms[] = {
    {", 00 *** 0000 00:00:00 GMT", 26, 2, 5, 9, 4, 14},
    {", 00-***-00 00:00:00 GMT", 24, 2, 5, 9, 2, 12},
    {" *** 90 00:00:00 0000", 21, 5, 1, 17, 4, 8},
};

static bool date_read_form(const struct form *form, sbs_text text, int64_t reference_utc_s, calendar *c) {
    if (text.len != form->len || !date_has_shape(text, form->shape)) {
        return false;
    }

    c->year = date_number(text.ptr + form->year, form->year_len);

    /* RFC 9110 section 5.6.7: two digits more than 50 years ahead are of the past. */
    if (form->year_len == 2) {
        c->year = date_whole_year(c->year, reference_utc_s);
    }

    c->month = date_place_in("JanFebMarAprMayJunJulAugSepOctNovDec", 12, text.ptr + form->month);
    c->day = date_number(text.ptr + form->day, 2);
    date_read_time(text.ptr + form->time, c);

    return calendar_is_valid(c);
}

sbs_status sbs_date_parse_http(sbs_text text, int64_t reference_utc_s, int64_t *out_utc_s) {
    /* asctime has no comma. */
    size_t comma = sbs_ascii_find(text, ',');
    size_t name_len = comma < text.len ? comma : sbs_ascii_find(text, ' ');
    sbs_text rest = {text.ptr + name_len, text.len - name_len};

    if (!date_is_day_name((sbs_text){text.ptr, name_len})) {
        return SBS_ERR_FORMAT;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(forms); i++) {
        calendar c;

        /* RFC 850 writes the day in full, and has the year in two digits. */
        bool short_name = forms[i].year_len == 4;
        if (short_name == (name_len == 3) && date_read_form(&forms[i], rest, reference_utc_s, &c)) {
            *out_utc_s = sbs_date_days(c.year, c.month, c.day) * SECONDS_PER_DAY +
                         (int64_t)(c.hour * 3600 + c.minute * 60 + c.second);
            return SBS_OK;
        }
    }

    return SBS_ERR_FORMAT;
}

/* ---- FHIR dateTime -------------------- */

static void date_put_padded(sbs_writer *out, char before, unsigned value, unsigned unit) {
    sbs_put_char(out, before);
    for (; unit > 0; unit /= 10) {
        sbs_put_char(out, (char)('0' + value / unit % 10));
    }
}

static void date_put_zone(sbs_writer *out, int zone_minutes) {
    if (zone_minutes == 0) {
        sbs_put_char(out, 'Z');
        return;
    }

    char sign = '+';
    unsigned minutes = (unsigned)zone_minutes;
    if (zone_minutes < 0) {
        sign = '-';
        minutes = 0 - minutes;
    }

    date_put_padded(out, sign, minutes / 60, 10);
    date_put_padded(out, ':', minutes % 60, 10);
}

void sbs_date_put(sbs_writer *out, int64_t utc_s, int ms, int16_t zone_minutes) {
    int64_t offset = (int64_t)zone_minutes * 60;
    if (zone_minutes < -ZONE_MAX || zone_minutes > ZONE_MAX || ms > 999 || utc_s < UTC_1900 - offset ||
        utc_s > UTC_9999_END - offset) {
        sbs_writer_fail(out, SBS_ERR_FORMAT);
        return;
    }

    const calendar c = calendar_of(utc_s + offset);
    sbs_put_uint(out, c.year);
    date_put_padded(out, '-', c.month, 10);
    date_put_padded(out, '-', c.day, 10);
    date_put_padded(out, 'T', c.hour, 10);
    date_put_padded(out, ':', c.minute, 10);
    date_put_padded(out, ':', c.second, 10);
    if (ms >= 0) {
        date_put_padded(out, '.', (unsigned)ms, 100);
    }

    date_put_zone(out, zone_minutes);
}

static bool date_is_zone(sbs_text text) {
    if (text.len == 1) {
        return text.ptr[0] == 'Z';
    }
    if (text.len != 6 || (text.ptr[0] != '+' && text.ptr[0] != '-') || !date_has_shape(text, "*00:00")) {
        return false;
    }

    unsigned minutes = date_number(text.ptr + 4, 2);
    return minutes <= 59 && date_number(text.ptr + 1, 2) * 60 + minutes <= ZONE_MAX;
}

static bool date_is_fraction_and_zone(sbs_text text) {
    size_t zone = 0;
    if (text.ptr[0] == '.') {
        zone++;
        while (zone < text.len && sbs_ascii_is_digit(text.ptr[zone])) {
            zone++;
        }
    }

    return zone != 1 && date_is_zone((sbs_text){text.ptr + zone, text.len - zone});
}

bool sbs_date_is_fhir_datetime(sbs_text text) {
    bool has_time = text.len > TIME_END;
    calendar c = {.month = 1, .day = 1};
    if ((text.len != YEAR_END && text.len != MONTH_END && text.len != DAY_END && !has_time) ||
        !date_has_shape((sbs_text){text.ptr, has_time ? TIME_END : text.len}, "0000-00-00T00:00:00")) {
        return false;
    }

    c.year = date_number(text.ptr, 4);
    if (text.len >= MONTH_END) {
        c.month = date_number(text.ptr + 5, 2);
    }

    if (text.len >= DAY_END) {
        c.day = date_number(text.ptr + 8, 2);
    }

    if (has_time) {
        date_read_time(text.ptr + DAY_END + 1, &c);
    }

    return c.year > 0 && calendar_is_valid(&c) &&
           (!has_time || date_is_fraction_and_zone((sbs_text){text.ptr + TIME_END, text.len - TIME_END}));
}
