/* SPDX-License-Identifier: Apache-2.0 */
/* Values of header fields, and the server's words made fit for a log. */
#include "sbs/date.h"
#include "sbs/http.h"
#include "text/ascii.h"

static uint32_t value_clamp_seconds(uint64_t seconds, uint32_t max_s) {
    if (seconds > max_s) {
        return max_s;
    }
    return (uint32_t)seconds;
}

sbs_status sbs_http_retry_after(sbs_text value, int64_t now_utc_s, uint32_t max_s, uint32_t *out_s) {
    if (sbs_ascii_all_digits(value)) {
        uint64_t seconds = 0;
        if (sbs_text_to_uint(value, &seconds) != SBS_OK) { /* too many digits */
            seconds = max_s;
        }

        *out_s = value_clamp_seconds(seconds, max_s);
        return SBS_OK;
    }

    /* Else it is a date, which needs a clock. */
    int64_t date = 0;
    sbs_status status = sbs_date_parse_http(value, now_utc_s, &date);
    if (status != SBS_OK) {
        return status;
    }
    if (now_utc_s == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }

    *out_s = 0;
    if (date > now_utc_s) {
        *out_s = value_clamp_seconds((uint64_t)date - (uint64_t)now_utc_s, max_s);
    }

    return SBS_OK;
}

bool sbs_http_is_json(sbs_text content_type) {
    static const sbs_text application = {"application/", 12};
    static const sbs_text json = {"json", 4};
    sbs_text type = sbs_ascii_trim((sbs_text){content_type.ptr, sbs_ascii_find(content_type, ';')});

    if (type.len < application.len + json.len ||
        !sbs_text_equal_nocase((sbs_text){type.ptr, application.len}, application)) {
        return false;
    }

    sbs_text subtype = {type.ptr + application.len, type.len - application.len};
    sbs_text end = {subtype.ptr + subtype.len - json.len, json.len};
    if (!sbs_text_equal_nocase(end, json) || !sbs_ascii_all_alnum_or(subtype, SBS_ASCII_TCHAR)) {
        return false;
    }

    /* "json" itself, or at least one character before "+json". */
    return subtype.len == json.len || (subtype.len > json.len + 1 && end.ptr[-1] == '+');
}

/* What stands for the byte @p c after @p previous in one line of printable ASCII; NUL: nothing. */
static char value_printable(unsigned char c, unsigned char previous) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
        return ' ';
    }
    if (c >= 0x80 && c < 0xC0 && previous >= 0x80) {
        return '\0'; /* further bytes of one UTF-8 character: one '?' is enough */
    }

    if (c <= ' ' || c >= 0x7F) {
        return '?';
    }

    return (char)c;
}

void sbs_http_sanitise(sbs_text text, char *out, size_t size) {
    size_t len = 0;
    unsigned char previous = 0; /* kept aside: the text may be shortened where it stands */

    if (size == 0) {
        return;
    }

    for (size_t i = 0; i < text.len && len < size - 1; i++) {
        unsigned char current = (unsigned char)text.ptr[i];
        char c = value_printable(current, previous);
        /* Runs of blanks become one, and a line begins with none. */
        bool space_again = c == ' ' && (len == 0 || out[len - 1] == ' ');
        previous = current;
        if (c != '\0' && !space_again) {
            out[len++] = c;
        }
    }

    if (len > 0 && out[len - 1] == ' ') {
        len--;
    }

    out[len] = '\0';
}
