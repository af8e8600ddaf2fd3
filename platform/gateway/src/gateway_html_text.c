/* SPDX-License-Identifier: Apache-2.0 */
/* Text, times and amounts as the status page shows them. */
#include <stdio.h>
#include <time.h>

#include "gateway_html.h"
#include "sbs/count.h"
#include "sbs/linux_text.h"

static const char *html_escape_of(char c) {
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void sbs_gateway_html_put(sbs_writer *out, sbs_text text) {
    char clean[SBS_QUEUE_WORDS_SIZE];
    size_t len = text.len;

    /* What does not fit was cut where it was kept: the longest text is a server's words. */
    if (len > sizeof clean) {
        len = sizeof clean;
    }
    if (len > 0) {
        memcpy(clean, text.ptr, len);
    }
    len = sbs_linux_clean_text(clean, len);

    for (size_t i = 0; i < len; i++) {
        const char *escape = html_escape_of(clean[i]);
        if (escape != NULL) {
            sbs_put_string(out, escape);
        } else {
            sbs_put_char(out, clean[i]);
        }
    }
}

void sbs_gateway_html_put_time(sbs_writer *out, int64_t utc_s, int64_t now_s) {
    if (utc_s == SBS_UTC_UNKNOWN) {
        sbs_put_string(out, "never");
        return;
    }

    time_t when = (time_t)utc_s;
    time_t now = (time_t)now_s;
    struct tm then = {0};
    struct tm today = {0};
    if (localtime_r(&when, &then) == NULL || localtime_r(&now, &today) == NULL) {
        sbs_put_string(out, "at no possible time");
        return;
    }

    char text[64];
    bool same_day = then.tm_yday == today.tm_yday && then.tm_year == today.tm_year;
    size_t len = strftime(text, sizeof text, same_day ? "%H:%M" : "%Y-%m-%d %H:%M", &then);
    sbs_put(out, text, len);
}

void sbs_gateway_html_put_span(sbs_writer *out, int64_t seconds) {
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};

    if (seconds < 1) {
        sbs_put_string(out, "less than a second");
        return;
    }

    size_t unit = 0;
    while (seconds < units[unit].seconds) {
        unit++;
    }

    int64_t count = seconds / units[unit].seconds;
    sbs_put_int(out, count);
    sbs_put_char(out, ' ');
    sbs_put_string(out, units[unit].name);
    if (count != 1) {
        sbs_put_char(out, 's');
    }
}

void sbs_gateway_html_put_bytes(sbs_writer *out, uint64_t bytes) {
    static const char *const names[] = {"bytes", "KB", "MB", "GB", "TB"};
    size_t unit = 0;

    while (bytes >= 10240 && unit + 1 < SBS_COUNT_OF(names)) {
        bytes /= 1024;
        unit++;
    }

    sbs_put_uint(out, bytes);
    sbs_put_char(out, ' ');
    sbs_put_string(out, names[unit]);
}
