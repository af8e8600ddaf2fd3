/* SPDX-License-Identifier: Apache-2.0 */
#include "modem_internal.h"
#include "sbs/date.h"

#define TIME_LEN 17u /* yy/MM/dd,hh:mm:ss */
#define DATE_AND_HOUR_LEN 11u
#define DIGITS_MAX 9u
#define VALUE_SIZE 48u

static const char text_blanks[] = "                                                ";

/* The time of day in UTC as AT+CCLK has it: out of 2026-11-29T08:54:45Z. */
static void text_put_time(int64_t utc_s, size_t len, sbs_writer *out) {
    char text[24];
    sbs_writer date;
    sbs_writer_init(&date, text, sizeof text);
    sbs_date_put(&date, utc_s, -1, 0);
    if (date.error != SBS_OK) {
        sbs_writer_fail(out, date.error);
        return;
    }

    for (size_t i = 2; i < 2u + len; i++) {
        char c = text[i];
        if (c == '-') {
            c = '/';
        } else if (c == 'T') {
            c = ',';
        }
        sbs_put_char(out, c);
    }
}

static void text_put_value(const sbs_modem *modem, char name, sbs_writer *out) {
    const sbs_modem_config *config = modem->priv.config;
    switch (name) {
    case 'a':
        sbs_put_string(out, config->apn);
        break;
    case 'f':
        sbs_put_string(out, config->certificate_name);
        break;
    case 'l':
        sbs_put_uint(out, config->certificate_len);
        break;
    case 'h':
        sbs_put_text(out, sbs_text_of(modem->priv.host)); /* none once it is closed */
        break;
    case 'p':
        sbs_put_uint(out, modem->priv.port);
        break;
    case 'n':
        sbs_put_uint(out, modem->priv.number);
        break;
    case 't':
        text_put_time(modem->priv.told_utc_s, TIME_LEN, out);
        break;
    case 'd':
        text_put_time(modem->priv.told_utc_s, DATE_AND_HOUR_LEN, out);
        break;
    case 'D':
        text_put_time(modem->priv.config->clock().utc_s, DATE_AND_HOUR_LEN, out);
        break;
    default: /* z: nothing at the first try, as the modem hardly ever waits for bytes */
        if (modem->priv.tries > 0) {
            sbs_put_string(out, text_blanks);
        }
        break;
    }
}

void sbs_modem_put_command(const sbs_modem *modem, const char *command, sbs_writer *out) {
    for (; *command != '\0'; command++) {
        if (*command == '%') {
            command++;
            text_put_value(modem, *command, out);
        } else {
            sbs_put_char(out, *command);
        }
    }

    sbs_put_char(out, '\r');
}

/* What stands behind the value in @p line; NULL if another one stands there. */
static const char *text_match_value(const sbs_modem *modem, char name, const char *line) {
    char value[VALUE_SIZE];
    sbs_writer out;
    size_t len;

    sbs_writer_init(&out, value, sizeof value);
    text_put_value(modem, name, &out);
    if (sbs_writer_finish(&out, &len) != SBS_OK || strncmp(value, line, len) != 0) {
        return NULL;
    }

    return line + len;
}

/* A clock that was set a moment ago may have passed an hour since. */
static const char *text_match(const sbs_modem *modem, char name, const char *line) {
    const char *rest = text_match_value(modem, name, line);
    if (rest == NULL && name == 'd') {
        rest = text_match_value(modem, 'D', line);
    }
    return rest;
}

const char *sbs_modem_match(const sbs_modem *modem, const char *pattern, const char *line) {
    for (; *pattern != '\0' && line != NULL; pattern++) {
        if (*pattern == '*') {
            line += strcspn(line, ",");
        } else if (*pattern == '%') {
            pattern++;
            line = text_match(modem, *pattern, line);
        } else if (*pattern == '$') {
            if (*line != '\0') {
                return NULL;
            }
        } else if (*pattern != *line++) {
            return NULL;
        }
    }

    return line;
}

int32_t sbs_modem_number(const char *text, int32_t otherwise) {
    int32_t value = 0, sign = 1;
    size_t digits = 0;
    if (*text == '-') {
        sign = -1;
        text++;
    }

    while (text[digits] >= '0' && text[digits] <= '9' && digits < DIGITS_MAX) {
        value = value * 10 + (text[digits] - '0');
        digits++;
    }

    if (digits == 0) {
        return otherwise;
    }
    return sign * value;
}
