/* SPDX-License-Identifier: Apache-2.0 */
/* Request reader, RFC 9112. The head is looked at byte by byte as it comes and judged line by line. */
#include "sbs/http_request_reader.h"

#include "http/http_request_body.h"
#include "text/ascii.h"

enum { /* priv.flags */
       FLAG_HAS_CR = 1,
       FLAG_SKIPPED = 2, /* the empty line before the request line */
       FLAG_HOST = 4,
       FLAG_LENGTH = 8,
       FLAG_CODING = 16,
       FLAG_CLOSE = 32,
       FLAG_KEEP_ALIVE = 64
};

enum { FIELD_OTHER, FIELD_HOST, FIELD_LENGTH, FIELD_CODING, FIELD_CONNECTION, FIELD_EXPECT };

sbs_status sbs_http_request_refuse(sbs_http_request_reader *reader, uint16_t http_status, const char *why) {
    reader->refusal = http_status;
    reader->why = why;
    reader->priv.state = SBS_HTTP_REQUEST_DEAD;

    if (http_status == 413 || http_status == 414 || http_status == 431) {
        return SBS_ERR_TOO_LARGE;
    }
    return SBS_ERR_HTTP;
}

static sbs_status request_refuse(sbs_http_request_reader *reader, const char *why) {
    return sbs_http_request_refuse(reader, 400, why);
}

void sbs_http_request_reader_init(sbs_http_request_reader *reader, const sbs_http_request_limits *limits) {
    memset(reader, 0, sizeof *reader);
    reader->priv.limits = limits;
    reader->priv.state = SBS_HTTP_REQUEST_LINE;
}

static bool request_has_flag(const sbs_http_request_reader *reader, uint8_t flag) {
    return (reader->priv.flags & flag) != 0;
}

/* Sets a flag; true if it was set before. */
static bool request_flag_again(sbs_http_request_reader *reader, uint8_t flag) {
    bool again = request_has_flag(reader, flag);
    reader->priv.flags |= flag;
    return again;
}

/* ---- request line --------------------------------------------------------------------------------------------- */

/* The text before the first @p c, which is taken off as well; all of it where there is none. */
static sbs_text request_cut(sbs_text *rest, char c) {
    size_t at = sbs_ascii_find(*rest, c);
    sbs_text first = {rest->ptr, at};
    if (at == rest->len) {
        *rest = (sbs_text){NULL, 0};
        return first;
    }

    *rest = (sbs_text){rest->ptr + at + 1, rest->len - at - 1};
    return first;
}

/* Visible ASCII without '#': a fragment is not sent (RFC 9112 section 3.2). */
static bool request_target_is_path(sbs_text target) {
    bool good = sbs_ascii_is_printable(target) && sbs_ascii_find(target, '#') == target.len;
    return good && target.len > 0 && target.ptr[0] == '/';
}

/* 0: HTTP/1.0, 1: HTTP/1.1, 2: another one, 3: none. */
static unsigned request_version_of(sbs_text version) {
    unsigned place = sbs_ascii_place(version, "HTTP/1.0\0HTTP/1.1\0", false);
    if (place != 0) {
        return place - 1;
    }

    bool other = version.len == 8 && sbs_text_equal((sbs_text){version.ptr, 5}, SBS_TEXT("HTTP/")) &&
                 sbs_ascii_is_digit(version.ptr[5]) && version.ptr[6] == '.' && sbs_ascii_is_digit(version.ptr[7]);
    return other ? 2 : 3;
}

static sbs_status request_take_request_line(sbs_http_request_reader *reader, sbs_text line) {
    if (line.len == 0 && !request_flag_again(reader, FLAG_SKIPPED)) {
        return SBS_PENDING;
    }

    sbs_text rest = line;
    sbs_text method = request_cut(&rest, ' ');
    sbs_text target = request_cut(&rest, ' ');
    unsigned version = request_version_of(rest);
    if (!sbs_ascii_all_alnum_or(method, SBS_ASCII_TCHAR)) {
        return request_refuse(reader, "the method is no token");
    }
    if (version == 3) {
        return request_refuse(reader, "the request line is not METHOD PATH HTTP/1.1, with one space between each");
    }
    if (version == 2) {
        return sbs_http_request_refuse(reader, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    }
    if (!request_target_is_path(target)) {
        return request_refuse(reader, "the target is no absolute path");
    }

    reader->version_1_0 = version == 0;
    reader->priv.state = SBS_HTTP_REQUEST_FIELD;
    return SBS_PENDING;
}

/* ---- fields --------------------------------------------------------------------------------------------------- */

/* uri-host [ ":" port ] (RFC 9110 section 7.2), by its alphabet. */
static sbs_status request_take_host(sbs_http_request_reader *reader, sbs_text value) {
    if (request_flag_again(reader, FLAG_HOST)) {
        return request_refuse(reader, "there are two Host fields");
    }
    if (!sbs_ascii_all_alnum_or(value, SBS_ASCII_UNRESERVED "%:[]")) {
        return request_refuse(reader, "Host is no host name or address");
    }
    return SBS_PENDING;
}

static sbs_status request_take_length(sbs_http_request_reader *reader, sbs_text value) {
    if (request_flag_again(reader, FLAG_LENGTH)) {
        return request_refuse(reader, "there are two Content-Length fields");
    }
    if (!sbs_ascii_all_digits(value)) {
        return request_refuse(reader, "Content-Length is not digits alone");
    }
    /* With more digits than a number has it is too large in any case. */
    if (sbs_text_to_uint(value, &reader->content_length) != SBS_OK) {
        reader->content_length = UINT64_MAX;
    }
    return SBS_PENDING;
}

/* Where "chunked" is not the last coding, nobody knows where the body ends (RFC 9112 section 6.3). */
static sbs_status request_take_coding(sbs_http_request_reader *reader, sbs_text value) {
    if (request_flag_again(reader, FLAG_CODING)) {
        return request_refuse(reader, "there are two Transfer-Encoding fields");
    }

    sbs_text rest = value;
    unsigned others = 0;
    while (!reader->chunked) {
        sbs_text coding = sbs_ascii_trim(request_cut(&rest, ','));
        reader->chunked = sbs_ascii_is_nocase(coding, "chunked");
        if (coding.len == 0 || reader->chunked != (rest.ptr == NULL)) {
            return request_refuse(reader, "Transfer-Encoding does not end in one \"chunked\"");
        }
        others++;
    }
    if (others > 1) {
        return sbs_http_request_refuse(reader, 501, "no transfer coding but \"chunked\" is known here");
    }

    return SBS_PENDING;
}

static sbs_status request_take_connection(sbs_http_request_reader *reader, sbs_text value) {
    static const uint8_t flags[] = {0, FLAG_CLOSE, FLAG_KEEP_ALIVE};

    while (value.ptr != NULL) {
        sbs_text option = sbs_ascii_trim(request_cut(&value, ','));
        reader->priv.flags |= flags[sbs_ascii_place(option, "close\0keep-alive\0", true)];
    }

    return SBS_PENDING;
}

/* HTTP/1.0 knows no interim answer (RFC 9110 section 10.1.1). */
static sbs_status request_take_expect(sbs_http_request_reader *reader, sbs_text value) {
    if (reader->version_1_0) {
        return SBS_PENDING;
    }
    if (!sbs_ascii_is_nocase(value, "100-continue")) {
        return sbs_http_request_refuse(reader, 417, "nothing but 100-continue can be expected here");
    }

    reader->expects_continue = true;
    return SBS_PENDING;
}

static sbs_status request_take_known_field(sbs_http_request_reader *reader, unsigned field, sbs_text value) {
    switch (field) {
    case FIELD_HOST:
        return request_take_host(reader, value);
    case FIELD_LENGTH:
        return request_take_length(reader, value);
    case FIELD_CODING:
        return request_take_coding(reader, value);
    case FIELD_CONNECTION:
        return request_take_connection(reader, value);
    case FIELD_EXPECT:
        return request_take_expect(reader, value);
    default:
        return SBS_PENDING;
    }
}

static sbs_http_field request_split_field(sbs_text line) {
    sbs_text value = line;
    sbs_text name = request_cut(&value, ':');

    return (sbs_http_field){name, sbs_ascii_trim(value)};
}

static sbs_status request_take_field(sbs_http_request_reader *reader, sbs_text line) {
    if (sbs_ascii_is_blank(line.ptr[0])) {
        return request_refuse(reader, "a field begins with a blank: folded lines are not read");
    }

    sbs_http_field field = request_split_field(line);
    if (field.name.len == line.len || !sbs_ascii_all_alnum_or(field.name, SBS_ASCII_TCHAR)) {
        return request_refuse(reader, "a field is not NAME: VALUE, without a blank before the colon");
    }
    if (reader->field_count == reader->priv.limits->fields_max) {
        return sbs_http_request_refuse(reader, 431, "there are too many header fields");
    }

    reader->field_count++;
    return request_take_known_field(
        reader, sbs_ascii_place(field.name, "host\0content-length\0transfer-encoding\0connection\0expect\0", true),
        field.value);
}

/* ---- the end of the head -------------------------------------------------------------------------------------- */

static sbs_status request_finish_head(sbs_http_request_reader *reader) {
    bool coded = request_has_flag(reader, FLAG_CODING);
    if (!reader->version_1_0 && !request_has_flag(reader, FLAG_HOST)) {
        return request_refuse(reader, "there is no Host field");
    }
    if (coded && request_has_flag(reader, FLAG_LENGTH)) {
        return request_refuse(reader, "Content-Length and Transfer-Encoding are both given");
    }
    if (coded && reader->version_1_0) {
        return request_refuse(reader, "HTTP/1.0 has no Transfer-Encoding");
    }
    if (reader->content_length > reader->priv.limits->body_max) {
        return sbs_http_request_refuse(reader, 413, "the body is too large");
    }

    reader->keep_alive =
        !request_has_flag(reader, FLAG_CLOSE) && (!reader->version_1_0 || request_has_flag(reader, FLAG_KEEP_ALIVE));
    reader->head_len = reader->priv.scanned;
    reader->priv.remaining = reader->content_length;
    sbs_http_request_begin_body(reader);
    return SBS_OK;
}

static sbs_status request_take_line(sbs_http_request_reader *reader, sbs_text line) {
    if (reader->priv.state == SBS_HTTP_REQUEST_LINE) {
        return request_take_request_line(reader, line);
    }
    if (line.len == 0) {
        return request_finish_head(reader);
    }
    return request_take_field(reader, line);
}

/* One byte of a line: SBS_OK where it ends it. */
static sbs_status request_take_byte(sbs_http_request_reader *reader, char c) {
    bool control = ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;

    if (request_has_flag(reader, FLAG_HAS_CR)) {
        reader->priv.flags &= (uint8_t)~FLAG_HAS_CR;
        if (c == '\n') {
            return SBS_OK;
        }
        return request_refuse(reader, "a carriage return without a line feed behind it");
    }
    if (c == '\r') {
        reader->priv.flags |= FLAG_HAS_CR;
        return SBS_PENDING;
    }
    if (c == '\n') {
        return request_refuse(reader, "a line feed without a carriage return before it");
    }
    if (control) {
        return request_refuse(reader, "a control character in the head");
    }

    return SBS_PENDING;
}

static sbs_status request_over_limit(sbs_http_request_reader *reader) {
    if (reader->priv.state == SBS_HTTP_REQUEST_LINE) {
        return sbs_http_request_refuse(reader, 414, "the request line is too long");
    }
    return sbs_http_request_refuse(reader, 431, "the header fields are too long together");
}

sbs_status sbs_http_request_reader_head(sbs_http_request_reader *reader, const char *data, size_t len) {
    if (reader->priv.state == SBS_HTTP_REQUEST_DEAD) {
        return sbs_http_request_refuse(reader, reader->refusal, reader->why);
    }
    if (reader->head_len != 0) {
        return SBS_OK;
    }

    sbs_status status = SBS_PENDING;
    while (status == SBS_PENDING && reader->priv.scanned < len) {
        if (reader->priv.scanned == reader->priv.limits->head_max) {
            return request_over_limit(reader);
        }

        status = request_take_byte(reader, data[reader->priv.scanned++]);
        if (status == SBS_OK) {
            size_t start = reader->priv.line_start;
            reader->priv.line_start = reader->priv.scanned;
            status = request_take_line(reader, (sbs_text){data + start, reader->priv.scanned - 2 - start});
        }
    }

    return status;
}

/* ---- parts ---------------------------------------------------------------------------------------------------- */

/* The next line of a head that was found good; its CRLF is taken off. */
static sbs_text request_next_line(sbs_text *rest) {
    sbs_text line = request_cut(rest, '\r');
    *rest = (sbs_text){rest->ptr + 1, rest->len - 1};
    return line;
}

void sbs_http_request_split(const char *head, size_t len, sbs_http_request_head *out, sbs_http_field *fields,
                            size_t fields_max) {
    sbs_text rest = {head, len};
    sbs_text line = request_next_line(&rest);
    memset(out, 0, sizeof *out);
    if (line.len == 0) {
        line = request_next_line(&rest);
    }

    out->method = request_cut(&line, ' ');
    out->query = request_cut(&line, ' ');
    out->path = request_cut(&out->query, '?');

    for (line = request_next_line(&rest); line.len > 0 && out->field_count < fields_max;
         line = request_next_line(&rest)) {
        fields[out->field_count++] = request_split_field(line);
    }
}
