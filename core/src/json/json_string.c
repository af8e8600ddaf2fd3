/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_string.h"

#include "text/ascii.h"
#include "text/utf8.h"

static uint32_t json_hex4(const char *digits) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        value = value << 4 | (uint32_t)sbs_hex_value(digits[i]);
    }
    return value;
}

static char json_short_escape(char c) {
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* Decodes \uXXXX, or two of them that make a surrogate pair, at *pos. Returns 0 for U+0000 and lone surrogates. */
static size_t json_unescape_unicode(sbs_text raw, size_t *pos, char out[4]) {
    if (raw.len - *pos < 6) {
        return 0;
    }

    uint32_t code_point = json_hex4(raw.ptr + *pos + 2);
    *pos += 6;

    /* The high half of a pair needs its low one (RFC 8259 section 7). */
    if (code_point >= 0xD800 && code_point <= 0xDBFF) {
        if (raw.len - *pos < 6 || raw.ptr[*pos] != '\\' || raw.ptr[*pos + 1] != 'u') {
            return 0;
        }

        uint32_t low = json_hex4(raw.ptr + *pos + 2);
        *pos += 6;
        if (low < 0xDC00 || low > 0xDFFF) {
            return 0;
        }

        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    } else if (code_point == 0 || (code_point >= 0xDC00 && code_point <= 0xDFFF)) {
        return 0;
    }

    return sbs_utf8_encode(code_point, out);
}

/* Decodes what stands at *pos, moves on, and returns the bytes made: 0 if they cannot be text. */
static size_t json_unescape_next(sbs_text raw, size_t *pos, char out[4]) {
    out[0] = raw.ptr[*pos];
    if (out[0] != '\\') {
        *pos += 1;
        return 1;
    }
    /* Not taken: the grammar has no backslash at the end of a string. */
    if (raw.len - *pos < 2) {
        return 0;
    }

    if (raw.ptr[*pos + 1] == 'u') {
        return json_unescape_unicode(raw, pos, out);
    }

    out[0] = json_short_escape(raw.ptr[*pos + 1]);
    *pos += 2;
    return 1;
}

bool sbs_json_unescaped_is(sbs_text raw, sbs_text expected) {
    char part[4];
    size_t done = 0;
    /* With escapes it is longer, never shorter. */
    if (raw.len < expected.len) {
        return false;
    }

    for (size_t pos = 0; pos < raw.len;) {
        size_t len = json_unescape_next(raw, &pos, part);
        if (len == 0 || len > expected.len - done || memcmp(part, expected.ptr + done, len) != 0) {
            return false;
        }
        done += len;
    }

    return done == expected.len;
}

sbs_status sbs_json_unescape(sbs_text raw, char *out, size_t size, size_t *out_len) {
    char part[4];
    size_t done = 0;
    *out_len = 0;

    for (size_t pos = 0; pos < raw.len;) {
        size_t len = json_unescape_next(raw, &pos, part);
        if (len == 0) {
            return SBS_ERR_FORMAT;
        }

        /* Beyond the end it is only counted. */
        if (done + len <= size) {
            memcpy(out + done, part, len);
        }

        done += len;
    }

    *out_len = done;
    if (done > size) {
        return SBS_ERR_BUFFER;
    }

    return SBS_OK;
}

sbs_status sbs_json_unescape_in_place(sbs_text raw, char *start, sbs_text *out) {
    /* Nothing is changed unless all of it can be. */
    sbs_status status = sbs_json_unescape(raw, NULL, 0, &out->len);
    if (status == SBS_ERR_BUFFER) {
        status = sbs_json_unescape(raw, start, raw.len, &out->len);
    }

    out->ptr = NULL;
    if (status == SBS_OK) {
        out->ptr = raw.ptr;
    }

    return status;
}
