/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response reader, RFC 9112. Every line ends in CRLF: a lone LF, which section 2.2 lets a recipient accept, is refused,
 * because no server that is in use sends it and two readers that disagree about line ends can be played off.
 */
#include "http/http_fields.h"
#include "text/ascii.h"

enum {
    STATE_STATUS_LINE,
    STATE_FIELD,
    STATE_CHUNK_SIZE,
    STATE_CHUNK_END, /* the CRLF after a chunk's data: an empty line */
    STATE_TRAILER,
    STATE_SIZED_BODY, /* Content-Length bytes */
    STATE_CHUNK_DATA,
    STATE_CLOSE_BODY, /* until the stream ends */
    STATE_DONE,
    STATE_DEAD
};

/* One call's input and what comes of it. */
typedef struct reader_input {
    const char *data;
    size_t len;
    size_t used;
    sbs_http_event event;
    sbs_text body;
} reader_input;

void sbs_http_reader_init(sbs_http_reader *reader, char *line, size_t line_size, uint64_t body_max) {
    memset(reader, 0, sizeof *reader);
    reader->priv.line = line;
    reader->priv.line_size = line_size;
    reader->priv.body_max = body_max;
    if (body_max == 0) {
        reader->priv.body_max = UINT64_MAX;
    }
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

static bool reader_has_flag(const sbs_http_reader *reader, uint8_t flag) {
    return (reader->priv.flags & flag) != 0;
}

static void reader_begin_line(sbs_http_reader *reader, uint8_t state) {
    reader->priv.state = state;
    reader->priv.line_len = 0;
    reader->priv.flags &= (uint8_t) ~(SBS_HTTP_HAS_CR | SBS_HTTP_OVERLONG | SBS_HTTP_LINE_END | SBS_HTTP_FOLDED);
}

/* Chunk sizes are bounded by their line each; all other lines are the head or the trailer. */
static sbs_status reader_count_head_byte(sbs_http_reader *reader) {
    bool chunk = reader->priv.state == STATE_CHUNK_SIZE || reader->priv.state == STATE_CHUNK_END;

    if (chunk) {
        return SBS_OK;
    }

    reader->priv.head_total++;
    if (reader->priv.head_total > SBS_HTTP_HEADER_MAX) {
        return SBS_ERR_TOO_LARGE;
    }

    return SBS_OK;
}

/* True if the line begins like a field that says where the message ends: wrongly written, two readers may disagree
 * about it, which is how answers are smuggled. */
static bool reader_may_frame(const sbs_http_reader *reader) {
    sbs_text start = {reader->priv.line, 14}; /* as many characters as both have at least */

    return reader->priv.line_len >= start.len && sbs_ascii_place(start, "content-length\0transfer-encod\0", true) != 0;
}

/* SBS_PENDING: the line goes on. */
static sbs_status reader_take_line_byte(sbs_http_reader *reader, char c) {
    if (reader_has_flag(reader, SBS_HTTP_HAS_CR)) {
        if (c != '\n') {
            return SBS_ERR_HTTP;
        }
        return SBS_OK;
    }
    if (c == '\r') {
        reader->priv.flags |= SBS_HTTP_HAS_CR;
        return SBS_PENDING;
    }

    bool control = ((unsigned char)c < 0x20 && c != '\t') || c == 0x7F;
    if (reader->priv.state == STATE_CHUNK_END) {
        return SBS_ERR_HTTP;
    }
    if (control) {
        if (reader->priv.state != STATE_FIELD || c == '\0' || c == '\n' || reader_may_frame(reader)) {
            return SBS_ERR_HTTP;
        }
        reader->priv.line[0] = c; /* with it no line has a name */
    }

    /* A line that is too long is an error only if it would have counted: that is judged at its end. */
    if (reader->priv.line_len < reader->priv.line_size) {
        reader->priv.line[reader->priv.line_len++] = c;
    } else {
        reader->priv.flags |= SBS_HTTP_OVERLONG;
    }

    return SBS_PENDING;
}

/* A field line may go on in the next one. */
static bool reader_may_be_folded(const sbs_http_reader *reader) {
    return (reader->priv.state == STATE_FIELD || reader->priv.state == STATE_TRAILER) && reader->priv.line_len > 0;
}

/* Collects one line without its CRLF. A field line that the next one continues, which begins with a blank then, is
 * joined by that blank (RFC 9112 section 5.2). */
static sbs_status reader_take_line(sbs_http_reader *reader, reader_input *in) {
    while (in->used < in->len) {
        char c = in->data[in->used];
        if (reader_has_flag(reader, SBS_HTTP_LINE_END)) {
            /* The line ended; only a blank goes on with it. */
            if (c != ' ' && c != '\t') {
                return SBS_OK;
            }

            reader->priv.flags &= (uint8_t) ~(SBS_HTTP_LINE_END | SBS_HTTP_HAS_CR);
            reader->priv.flags |= SBS_HTTP_FOLDED;
        }

        sbs_status status = reader_count_head_byte(reader);
        if (status == SBS_OK) {
            in->used++;
            status = reader_take_line_byte(reader, c);
        }
        if (status == SBS_OK && reader_may_be_folded(reader)) {
            reader->priv.flags |= SBS_HTTP_LINE_END;
        } else if (status != SBS_PENDING) {
            return status;
        }
    }

    return SBS_PENDING;
}

/* ---- head ----------------------------------------------------------------------------------------------------- */

/* Three digits from 100 to 599, then a space and any reason phrase; the space may miss if there is none. 0: refused. */
static uint16_t reader_parse_status(sbs_text text) {
    uint64_t code = 0;

    if (text.len < 3 || (text.len > 3 && text.ptr[3] != ' ')) {
        return 0;
    }
    if (sbs_text_to_uint((sbs_text){text.ptr, 3}, &code) != SBS_OK || code < 100 || code > 599) {
        return 0;
    }

    return (uint16_t)code;
}

static sbs_status reader_step_status_line(sbs_http_reader *reader, reader_input *in) {
    static const sbs_text prefix = {"HTTP/1.", 7};
    sbs_text line = {reader->priv.line, reader->priv.line_len};

    if (line.len < 9 || !sbs_text_equal((sbs_text){line.ptr, prefix.len}, prefix) || line.ptr[8] != ' ' ||
        (line.ptr[7] != '0' && line.ptr[7] != '1')) {
        return SBS_ERR_HTTP;
    }

    uint16_t status = reader_parse_status((sbs_text){line.ptr + 9, line.len - 9});
    /* 101 would hand the connection to a protocol that nobody asked for. */
    if (status == 0 || status == 101) {
        return SBS_ERR_HTTP;
    }

    reader->priv.flags &= SBS_HTTP_CLOSE;
    if (line.ptr[7] == '0') {
        reader->priv.flags |= SBS_HTTP_VERSION_1_0;
    }
    /* What comes before the final answer is counted and passed over. */
    if (status >= 200) {
        reader->status = status;
        in->event = SBS_HTTP_STATUS;
    } else if (reader->priv.interim_count++ >= SBS_HTTP_INTERIM_MAX) {
        return SBS_ERR_TOO_LARGE;
    }

    reader_begin_line(reader, STATE_FIELD);
    return SBS_OK;
}

/* Splits a field line. The first one cannot go on with another: if it begins with white space, its name is no token. */
static sbs_status reader_parse_field(const sbs_http_reader *reader, sbs_text *out_name, sbs_text *out_value) {
    sbs_text line = {reader->priv.line, reader->priv.line_len};
    size_t colon = sbs_ascii_find(line, ':');

    if (colon == line.len && reader_has_flag(reader, SBS_HTTP_OVERLONG)) {
        return SBS_ERR_TOO_LARGE;
    }
    if (colon == line.len) {
        return SBS_ERR_HTTP;
    }

    *out_name = (sbs_text){line.ptr, colon};
    *out_value = sbs_ascii_trim((sbs_text){line.ptr + colon + 1, line.len - colon - 1});
    if (!sbs_ascii_all_alnum_or(*out_name, SBS_ASCII_TCHAR)) {
        return SBS_ERR_HTTP;
    }

    return SBS_OK;
}

/* Message body length, RFC 9112 section 6.3. */
static sbs_status reader_begin_body(sbs_http_reader *reader) {
    bool chunked = reader_has_flag(reader, SBS_HTTP_CHUNKED);

    /* Two readers that believe different lengths see different messages: this is how requests are smuggled. */
    if (chunked && (reader->has_length || reader_has_flag(reader, SBS_HTTP_VERSION_1_0))) {
        return SBS_ERR_HTTP;
    }

    /* HTTP/1.1 keeps a connection unless it says otherwise, HTTP/1.0 only if it says so. */
    reader->keep_alive = !reader_has_flag(reader, SBS_HTTP_CLOSE) && (!reader_has_flag(reader, SBS_HTTP_VERSION_1_0) ||
                                                                      reader_has_flag(reader, SBS_HTTP_KEEP_ALIVE));

    if (reader->status == 304) {
        reader->priv.state = STATE_DONE;
    } else if (reader->status == 204) {
        /* A server that announces a body here may well send it: nothing more is read from this connection. */
        reader->keep_alive = reader->keep_alive && !chunked && reader->content_length == 0;
        reader->priv.state = STATE_DONE;
    } else if (chunked) {
        reader_begin_line(reader, STATE_CHUNK_SIZE);
    } else if (reader->has_length) {
        reader->priv.remaining = reader->content_length;
        reader->priv.state = reader->content_length > 0 ? STATE_SIZED_BODY : STATE_DONE;
        if (reader->content_length > reader->priv.body_max) {
            return SBS_ERR_TOO_LARGE;
        }
    } else {
        reader->until_close = true;
        reader->keep_alive = false;
        reader->priv.state = STATE_CLOSE_BODY;
    }

    return SBS_OK;
}

/* What an overlong line says is lost: an error where it would have counted. */
static sbs_status reader_skip_field(sbs_text name) {
    if (sbs_http_field_of(name) < SBS_HTTP_LOCATION) {
        return SBS_ERR_TOO_LARGE;
    }
    return SBS_OK;
}

static sbs_status reader_take_field(sbs_http_reader *reader, reader_input *in) {
    sbs_text name;
    sbs_text value;
    sbs_status status = reader_parse_field(reader, &name, &value);
    /* One line that is no field costs the connection, and not the answer: a client reads one answer from it. */
    if (status == SBS_ERR_HTTP && !reader_may_frame(reader)) {
        reader->priv.flags |= SBS_HTTP_CLOSE;
        return SBS_OK;
    }
    if (status != SBS_OK || reader->status == 0) { /* those of an interim answer mean nothing */
        return status;
    }
    if (reader_has_flag(reader, SBS_HTTP_OVERLONG)) {
        return reader_skip_field(name);
    }

    reader->name = name;
    reader->value = value;
    in->event = SBS_HTTP_FIELD;
    return sbs_http_apply_field(reader, name, value);
}

static sbs_status reader_step_field(sbs_http_reader *reader, reader_input *in) {
    if (reader->priv.line_len == 0) { /* the head's end */
        if (reader->status != 0) {
            return reader_begin_body(reader);
        }

        reader_begin_line(reader, STATE_STATUS_LINE);
        return SBS_OK;
    }

    sbs_status status = reader_take_field(reader, in);
    reader_begin_line(reader, STATE_FIELD);
    return status;
}

/* ---- chunked -------------------------------------------------------------------------------------------------- */

/* Hexadecimal digits up to the end or an extension, which is not looked at (RFC 9112 section 7.1.1). Old servers
 * put blanks behind them. */
static sbs_status reader_parse_chunk_size(sbs_text line, uint64_t *out_size) {
    sbs_text digits = sbs_ascii_trim((sbs_text){line.ptr, sbs_ascii_find(line, ';')});
    uint64_t size = 0;

    if (digits.len == 0 || digits.ptr != line.ptr) {
        return SBS_ERR_HTTP;
    }

    for (size_t i = 0; i < digits.len; i++) {
        int digit = sbs_hex_value(digits.ptr[i]);
        /* One more digit must not overflow. */
        if (digit < 0 || size >> 59 != 0) {
            return SBS_ERR_HTTP;
        }

        size = size << 4 | (unsigned)digit;
    }

    *out_size = size;
    return SBS_OK;
}

static sbs_status reader_step_chunk_size(sbs_http_reader *reader) {
    uint64_t size = 0;

    if (reader_has_flag(reader, SBS_HTTP_OVERLONG)) {
        return SBS_ERR_TOO_LARGE;
    }

    sbs_status status = reader_parse_chunk_size((sbs_text){reader->priv.line, reader->priv.line_len}, &size);
    if (status != SBS_OK) {
        return status;
    }
    if (size > reader->priv.body_max - reader->priv.body_total) {
        return SBS_ERR_TOO_LARGE;
    }

    reader->priv.remaining = size;
    reader_begin_line(reader, size > 0 ? STATE_CHUNK_DATA : STATE_TRAILER);
    return SBS_OK;
}

/* Trailer fields must be well-formed and mean nothing (RFC 9110 section 6.5.1). */
static sbs_status reader_step_trailer(sbs_http_reader *reader) {
    sbs_text name;
    sbs_text value;

    if (reader->priv.line_len == 0) {
        reader->priv.state = STATE_DONE;
        return SBS_OK;
    }

    sbs_status status = reader_parse_field(reader, &name, &value);
    reader_begin_line(reader, STATE_TRAILER);
    return status;
}

/* ---- body ----------------------------------------------------------------------------------------------------- */

static void reader_take_body(sbs_http_reader *reader, reader_input *in, size_t len) {
    in->body = (sbs_text){in->data + in->used, len};
    in->event = SBS_HTTP_BODY;
    in->used += len;
    reader->priv.body_total += len;
}

static sbs_status reader_step_counted_body(sbs_http_reader *reader, reader_input *in) {
    size_t available = in->len - in->used;
    size_t len = available;

    if (len == 0) {
        return SBS_PENDING;
    }
    if (len > reader->priv.remaining) {
        len = (size_t)reader->priv.remaining;
    }

    reader_take_body(reader, in, len);
    reader->priv.remaining -= len;
    /* Behind the data of a chunk stands an empty line. */
    if (reader->priv.remaining == 0) {
        reader_begin_line(reader, reader->priv.state == STATE_CHUNK_DATA ? STATE_CHUNK_END : STATE_DONE);
    }

    return SBS_OK;
}

static sbs_status reader_step_close_body(sbs_http_reader *reader, reader_input *in) {
    size_t available = in->len - in->used;

    if (available == 0) {
        return SBS_PENDING;
    }
    if (available > reader->priv.body_max - reader->priv.body_total) {
        return SBS_ERR_TOO_LARGE;
    }

    reader_take_body(reader, in, available);
    return SBS_OK;
}

/* ---- machine -------------------------------------------------------------------------------------------------- */

static sbs_status reader_step_line(sbs_http_reader *reader, reader_input *in) {
    sbs_status status = reader_take_line(reader, in);
    if (status != SBS_OK) {
        return status;
    }

    switch (reader->priv.state) {
    case STATE_STATUS_LINE:
        return reader_step_status_line(reader, in);
    case STATE_FIELD:
        return reader_step_field(reader, in);
    case STATE_CHUNK_SIZE:
        return reader_step_chunk_size(reader);
    case STATE_CHUNK_END:
        reader_begin_line(reader, STATE_CHUNK_SIZE);
        return SBS_OK;
    default:
        return reader_step_trailer(reader);
    }
}

static sbs_status reader_step(sbs_http_reader *reader, reader_input *in) {
    switch (reader->priv.state) {
    case STATE_SIZED_BODY:
    case STATE_CHUNK_DATA:
        return reader_step_counted_body(reader, in);
    case STATE_CLOSE_BODY:
        return reader_step_close_body(reader, in);
    case STATE_DONE:
        in->event = SBS_HTTP_DONE;
        return SBS_OK;
    case STATE_DEAD:
        return SBS_ERR_STATE;
    default:
        return reader_step_line(reader, in);
    }
}

sbs_status sbs_http_reader_feed(sbs_http_reader *reader, const char *data, size_t len, size_t *out_used,
                                sbs_http_event *out_event, sbs_text *out_body) {
    reader_input in = {.data = data, .len = len, .event = SBS_HTTP_MORE};
    sbs_status status = SBS_OK;

    while (status == SBS_OK && in.event == SBS_HTTP_MORE) {
        status = reader_step(reader, &in);
    }

    *out_used = in.used;
    *out_event = in.event;
    *out_body = in.body;
    if (status >= 0) {
        return SBS_OK;
    }
    reader->priv.state = STATE_DEAD;
    return status;
}

sbs_status sbs_http_reader_end(sbs_http_reader *reader) {
    if (reader->priv.state == STATE_CLOSE_BODY) {
        reader->priv.state = STATE_DONE;
    }
    if (reader->priv.state != STATE_DONE) {
        return SBS_ERR_TRUNCATED;
    }
    return SBS_OK;
}
