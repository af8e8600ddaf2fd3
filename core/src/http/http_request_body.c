/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request: Content-Length (RFC 9112 section 6.2) or chunks (section 7.1). */
#include "http/http_request_body.h"

#include "text/ascii.h"

sbs_status sbs_http_request_refuse(sbs_http_request_reader *reader, uint16_t http_status, const char *why) {
    reader->refusal = http_status;
    reader->why = why;
    reader->priv.state = SBS_HTTP_REQUEST_DEAD;

    if (http_status == 413 || http_status == 414 || http_status == 431) {
        return SBS_ERR_TOO_LARGE;
    }
    return SBS_ERR_HTTP;
}

void sbs_http_request_begin_body(sbs_http_request_reader *reader) {
    reader->priv.state = SBS_HTTP_REQUEST_DONE;
    if (reader->content_length > 0) {
        reader->priv.state = SBS_HTTP_REQUEST_SIZED;
    }
    if (reader->chunked) {
        reader->priv.state = SBS_HTTP_REQUEST_CHUNK_SIZE;
    }
}

static bool body_is_text(char c) {
    return (unsigned char)c >= 0x20 ? c != 0x7F : c == '\t';
}

static sbs_status body_go_on(sbs_http_request_reader *reader, uint8_t state) {
    reader->priv.state = state;
    return SBS_PENDING;
}

/* The one byte that may stand here. */
static sbs_status body_expect(sbs_http_request_reader *reader, char c, char expected, uint8_t state) {
    if (c != expected) {
        return sbs_http_request_refuse(reader, 400, "a line of the chunked body does not end in CR LF");
    }
    return body_go_on(reader, state);
}

/* Extensions and trailers mean nothing here, and must not be endless. */
static sbs_status body_count_extra(sbs_http_request_reader *reader) {
    if (reader->priv.extra == reader->priv.limits->head_max) {
        return sbs_http_request_refuse(reader, 431, "chunk extensions or trailers are too long");
    }

    reader->priv.extra++;
    return SBS_PENDING;
}

/* ---- chunk size ----------------------------------------------------------------------------------------------- */

static sbs_status body_end_size(sbs_http_request_reader *reader) {
    if (reader->priv.remaining > reader->priv.limits->body_max - reader->priv.body_total) {
        return sbs_http_request_refuse(reader, 413, "the body is too large");
    }
    return body_go_on(reader, SBS_HTTP_REQUEST_CHUNK_LF);
}

/* 16 digits are 64 bits: nothing overflows. */
static sbs_status body_take_size(sbs_http_request_reader *reader, char c) {
    int digit = sbs_hex_value(c);
    if (digit >= 0 && reader->priv.digits < 16) {
        reader->priv.digits++;
        reader->priv.remaining = reader->priv.remaining << 4 | (unsigned)digit;
        return SBS_PENDING;
    }
    if (digit >= 0 || reader->priv.digits == 0) {
        return sbs_http_request_refuse(reader, 400, "a chunk size is not 1 to 16 hexadecimal digits");
    }

    if (c == '\r') {
        return body_end_size(reader);
    }
    if (c != ';') {
        return sbs_http_request_refuse(reader, 400, "a chunk size is followed by something else than an extension");
    }
    return body_go_on(reader, SBS_HTTP_REQUEST_CHUNK_EXTENSION);
}

static sbs_status body_take_extension(sbs_http_request_reader *reader, char c) {
    if (c == '\r') {
        return body_end_size(reader);
    }
    if (!body_is_text(c)) {
        return sbs_http_request_refuse(reader, 400, "a control character in a chunk extension");
    }
    return body_count_extra(reader);
}

/* The last chunk has no data; trailers follow. */
static sbs_status body_begin_chunk(sbs_http_request_reader *reader, char c) {
    uint8_t next = SBS_HTTP_REQUEST_CHUNK_DATA;
    if (reader->priv.remaining == 0) {
        next = SBS_HTTP_REQUEST_TRAILER;
    }

    reader->priv.digits = 0;
    return body_expect(reader, c, '\n', next);
}

/* ---- trailers ------------------------------------------------------------------------------------------------- */

static sbs_status body_take_trailer_name(sbs_http_request_reader *reader, char c) {
    bool first = reader->priv.state == SBS_HTTP_REQUEST_TRAILER;
    if (first && c == '\r') {
        return body_go_on(reader, SBS_HTTP_REQUEST_LAST_LF);
    }

    if (!first && c == ':') {
        reader->priv.state = SBS_HTTP_REQUEST_TRAILER_VALUE;
    } else if (sbs_ascii_is_alnum_or(c, SBS_ASCII_TCHAR)) {
        reader->priv.state = SBS_HTTP_REQUEST_TRAILER_NAME;
    } else {
        return sbs_http_request_refuse(reader, 400, "a trailer is not NAME: VALUE");
    }
    return body_count_extra(reader);
}

static sbs_status body_take_trailer_value(sbs_http_request_reader *reader, char c) {
    if (c == '\r') {
        return body_go_on(reader, SBS_HTTP_REQUEST_TRAILER_LF);
    }
    if (!body_is_text(c)) {
        return sbs_http_request_refuse(reader, 400, "a control character in a trailer");
    }
    return body_count_extra(reader);
}

/* ---- machine -------------------------------------------------------------------------------------------------- */

static sbs_status body_take_byte(sbs_http_request_reader *reader, char c) {
    switch (reader->priv.state) {
    case SBS_HTTP_REQUEST_CHUNK_SIZE:
        return body_take_size(reader, c);
    case SBS_HTTP_REQUEST_CHUNK_EXTENSION:
        return body_take_extension(reader, c);
    case SBS_HTTP_REQUEST_CHUNK_LF:
        return body_begin_chunk(reader, c);
    case SBS_HTTP_REQUEST_DATA_CR:
        return body_expect(reader, c, '\r', SBS_HTTP_REQUEST_DATA_LF);
    case SBS_HTTP_REQUEST_DATA_LF:
        return body_expect(reader, c, '\n', SBS_HTTP_REQUEST_CHUNK_SIZE);
    case SBS_HTTP_REQUEST_TRAILER:
    case SBS_HTTP_REQUEST_TRAILER_NAME:
        return body_take_trailer_name(reader, c);
    case SBS_HTTP_REQUEST_TRAILER_VALUE:
        return body_take_trailer_value(reader, c);
    case SBS_HTTP_REQUEST_TRAILER_LF:
        return body_expect(reader, c, '\n', SBS_HTTP_REQUEST_TRAILER);
    default:
        return body_expect(reader, c, '\n', SBS_HTTP_REQUEST_DONE);
    }
}

static bool body_in_data(const sbs_http_request_reader *reader) {
    return reader->priv.state == SBS_HTTP_REQUEST_SIZED || reader->priv.state == SBS_HTTP_REQUEST_CHUNK_DATA;
}

static void body_take_data(sbs_http_request_reader *reader, sbs_text piece) {
    reader->priv.body_total += piece.len;
    reader->priv.remaining -= piece.len;
    if (reader->priv.remaining > 0) {
        return;
    }

    if (reader->chunked) {
        reader->priv.state = SBS_HTTP_REQUEST_DATA_CR;
    } else {
        reader->priv.state = SBS_HTTP_REQUEST_DONE;
    }
}

sbs_status sbs_http_request_reader_body(sbs_http_request_reader *reader, const char *data, size_t len, size_t *out_used,
                                        sbs_text *out_body) {
    size_t used = 0;
    sbs_status status = SBS_PENDING;
    *out_used = 0;
    *out_body = (sbs_text){NULL, 0};
    if (reader->priv.state == SBS_HTTP_REQUEST_DEAD) {
        return sbs_http_request_refuse(reader, reader->refusal, reader->why);
    }
    if (reader->head_len == 0) {
        return SBS_ERR_STATE;
    }

    /* Framing up to data, the end, or what is wrong. */
    while (status == SBS_PENDING && used < len && !body_in_data(reader) &&
           reader->priv.state != SBS_HTTP_REQUEST_DONE) {
        status = body_take_byte(reader, data[used++]);
    }
    if (status == SBS_PENDING && used < len && body_in_data(reader)) {
        *out_body = (sbs_text){data + used, len - used};
        if (out_body->len > reader->priv.remaining) {
            out_body->len = (size_t)reader->priv.remaining;
        }
        used += out_body->len;
        body_take_data(reader, *out_body);
    }

    *out_used = used;
    if (status == SBS_PENDING && reader->priv.state == SBS_HTTP_REQUEST_DONE) {
        return SBS_OK;
    }
    return status;
}
