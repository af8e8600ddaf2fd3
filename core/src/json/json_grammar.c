/* SPDX-License-Identifier: Apache-2.0 */
#include "json/json_grammar.h"

#include "sbs/config.h"
#include "text/ascii.h"
#include "text/utf8.h"

#define END_OF_TEXT (-1)

typedef enum expectation {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END,
    EXPECT_NAME,
    EXPECT_NAME_OR_END,
    EXPECT_COLON,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING
} expectation;

typedef struct scanner {
    const char *text;
    size_t len;
    size_t pos;
    expectation expect;
    unsigned depth;
    uint8_t objects[(SBS_JSON_DEPTH_MAX + 7) / 8]; /* bit per level: it is an object */
} scanner;

static sbs_status scan_result(bool good) {
    return good ? SBS_OK : SBS_ERR_JSON;
}

static int scan_peek(const scanner *s) {
    if (s->pos >= s->len) {
        return END_OF_TEXT;
    }
    return (unsigned char)s->text[s->pos];
}

static bool scan_skip(scanner *s, int c) {
    bool found = scan_peek(s) == c;
    s->pos += found;
    return found;
}

static void scan_space(scanner *s) {
    int c = scan_peek(s);
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        s->pos++;
        c = scan_peek(s);
    }
}

static bool scan_in_object(const scanner *s) {
    unsigned level = s->depth - 1;
    return (s->objects[level / 8] >> (level % 8) & 1) != 0;
}

static sbs_status scan_open(scanner *s, bool object) {
    uint8_t bit = (uint8_t)(1u << (s->depth % 8));
    uint8_t *byte = &s->objects[s->depth / 8];
    if (s->depth == SBS_JSON_DEPTH_MAX) {
        return SBS_ERR_JSON_DEPTH;
    }

    if (object) {
        *byte |= bit;
        s->expect = EXPECT_NAME_OR_END;
    } else {
        *byte &= (uint8_t)~bit;
        s->expect = EXPECT_VALUE_OR_END;
    }

    s->depth++;
    s->pos++;
    return SBS_OK;
}

static void scan_end_value(scanner *s) {
    s->expect = EXPECT_COMMA_OR_END;
    if (s->depth == 0) {
        s->expect = EXPECT_NOTHING;
    }
}

static bool scan_close(scanner *s) {
    if (!scan_skip(s, scan_in_object(s) ? '}' : ']')) {
        return false;
    }
    s->depth--;
    scan_end_value(s);
    return true;
}

static bool scan_digits(scanner *s) {
    size_t start = s->pos;
    while (sbs_ascii_is_digit(scan_peek(s))) {
        s->pos++;
    }
    return s->pos > start;
}

static bool scan_number(scanner *s) {
    (void)scan_skip(s, '-');

    /* No zeros before other digits. */
    if (!scan_skip(s, '0') && !scan_digits(s)) {
        return false;
    }
    if (scan_skip(s, '.') && !scan_digits(s)) {
        return false;
    }

    if (scan_skip(s, 'e') || scan_skip(s, 'E')) {
        (void)(scan_skip(s, '+') || scan_skip(s, '-'));
        return scan_digits(s);
    }

    return true;
}

static bool scan_literal(scanner *s, const char *literal) {
    while (*literal != '\0' && scan_skip(s, *literal)) {
        literal++;
    }
    return *literal == '\0';
}

static bool scan_escape(scanner *s) {
    /* Whether the four digits make text, the reader says. */
    if (scan_skip(s, 'u')) {
        size_t end = s->pos + 4;
        while (s->pos < end && sbs_hex_value((char)scan_peek(s)) >= 0) {
            s->pos++;
        }
        return s->pos == end;
    }

    for (const char *c = "\"\\/bfnrt"; *c != '\0'; c++) {
        if (scan_skip(s, *c)) {
            return true;
        }
    }

    return false;
}

static bool scan_string(scanner *s) {
    if (!scan_skip(s, '"')) {
        return false;
    }

    while (!scan_skip(s, '"')) {
        int c = scan_peek(s);
        if (c < 0x20) { /* a control character, or the end */
            return false;
        }

        size_t length = sbs_utf8_sequence(s->text + s->pos, s->len - s->pos);
        if (length == 0) {
            return false;
        }

        s->pos += length;
        if (c == '\\' && !scan_escape(s)) {
            return false;
        }
    }

    return true;
}

static bool scan_scalar(scanner *s) {
    scan_end_value(s);
    switch (scan_peek(s)) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_literal(s, "true");
    case 'f':
        return scan_literal(s, "false");
    case 'n':
        return scan_literal(s, "null");
    default:
        return scan_number(s);
    }
}

static sbs_status scan_value(scanner *s) {
    int c = scan_peek(s);
    if (c == '{' || c == '[') {
        return scan_open(s, c == '{');
    }
    return scan_result(scan_scalar(s));
}

static bool scan_name(scanner *s) {
    s->expect = EXPECT_COLON;
    return scan_string(s);
}

static bool scan_colon(scanner *s) {
    s->expect = EXPECT_VALUE;
    return scan_skip(s, ':');
}

static bool scan_comma(scanner *s) {
    s->expect = EXPECT_VALUE;
    if (scan_in_object(s)) {
        s->expect = EXPECT_NAME;
    }
    return scan_skip(s, ',');
}

/* Takes what may come next: a bracket, a comma, a colon, a name or a scalar. */
static sbs_status scan_step(scanner *s) {
    bool good = true;
    switch (s->expect) {
    case EXPECT_VALUE:
        return scan_value(s);
    case EXPECT_VALUE_OR_END:
        if (scan_close(s)) {
            return SBS_OK;
        }
        return scan_value(s);
    case EXPECT_NAME:
        good = scan_name(s);
        break;
    case EXPECT_NAME_OR_END:
        good = scan_close(s) || scan_name(s);
        break;
    case EXPECT_COLON:
        good = scan_colon(s);
        break;
    default: /* EXPECT_COMMA_OR_END: nobody goes on behind the root */
        good = scan_close(s) || scan_comma(s);
        break;
    }

    return scan_result(good);
}

size_t sbs_json_space(const char *text, size_t len) {
    scanner s = {.text = text, .len = len};
    scan_space(&s);
    return s.pos;
}

sbs_status sbs_json_scan(const char *text, size_t len, size_t *out_len) {
    scanner s = {.text = text, .len = len, .expect = EXPECT_VALUE};
    sbs_status status;
    do {
        scan_space(&s);
        status = scan_step(&s);
    } while (status == SBS_OK && s.expect != EXPECT_NOTHING);

    *out_len = s.pos;
    return status;
}

sbs_status sbs_json_check(const char *text, size_t len, size_t *out_start, size_t *out_where) {
    size_t start = 0;
    size_t used;
    /* A reader may skip a byte order mark (RFC 8259 section 8.1). */
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        start = 3;
    }

    start += sbs_json_space(text + start, len - start);
    sbs_status status = sbs_json_scan(text + start, len - start, &used);
    used += start;
    if (status == SBS_OK) {
        used += sbs_json_space(text + used, len - used);
        status = scan_result(used == len); /* no text after the root */
    }

    *out_start = start;
    *out_where = used;
    return status;
}

sbs_status sbs_json_number(const char *text, size_t len, size_t *out_len) {
    scanner s = {.text = text, .len = len};
    bool good = scan_number(&s);
    *out_len = s.pos;
    return scan_result(good);
}
