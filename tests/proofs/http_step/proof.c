/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: one step of the reader of HTTP answers reads and writes within its memory, moves on, asks for more or
 *   refuses, hands out spans of its input or of its line, never more of a body than was announced or allowed, and keeps
 *   the invariant of the reader, so that any number of steps does
 * Bound: any state that the invariant allows; a line of 0 to 3, 12 or 14 bytes that ends now, or 0 to 2 bytes of a
 *   body; what a field means to framing is proven apart (http_field)
 * Sources: core/src/text/ascii.c
 * Unwind: 16
 * Unwindset: sbs_ascii_is_alnum_or.0:20 strlen.0:20 reader_take_line.0:3 sbs_ascii_place.0:4 memcmp.0:16
 * Meant: reader_take_line_byte:conversion reader_take_line:conversion reader_begin_line:conversion
 * Options: --object-bits 12
 * Suite: long
 * Fault: core/src/http/http_reader.c `size > reader->priv.body_max - reader->priv.body_total` => `size >
 *   reader->priv.body_max`
 */
#ifndef LINE
#define LINE 14
#endif
#include "http_reader.h"

enum { BYTES = 2 };

/* By their contract: which field it is, and what it means, is anything. */
int sbs_http_field_of(sbs_text name) {
    PROVE(name.len > 0);
    int field = nondet_int();
    ASSUME(field >= 0 && field <= SBS_HTTP_OTHER_FIELD);
    return field;
}

sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value) {
    PROVE(name.len > 0 && value.len < reader->priv.line_size);
    if (nondet_bool()) {
        return SBS_ERR_HTTP;
    }

    reader->priv.flags |= nondet_u8() & (SBS_HTTP_CHUNKED | SBS_HTTP_CLOSE | SBS_HTTP_KEEP_ALIVE);
    reader->coding = nondet_u8();
    if (nondet_bool()) {
        reader->has_length = true;
        reader->content_length = nondet_u64() & INT64_MAX;
    }
    return SBS_OK;
}

static bool span_is_within(sbs_text span, const char *memory, size_t len) {
    return span.len <= len && span.ptr >= memory && span.ptr + span.len <= memory + len;
}

static void prove_step(sbs_http_reader reader, const char *data, size_t len) {
    reader_input in = {.data = data, .len = len, .event = SBS_HTTP_MORE};
    uint64_t total = reader.priv.body_total;
    uint8_t state = reader.priv.state;
    sbs_status status = reader_step(&reader, &in);
    PROVE(in.used <= len);
    if (status < 0) {
        PROVE(status == SBS_ERR_HTTP || status == SBS_ERR_TOO_LARGE);
        PROVE(in.event != SBS_HTTP_BODY);
        return;
    }

    PROVE(status == SBS_OK || status == SBS_PENDING);
    PROVE(reader_is_sound(&reader));
    PROVE(status == SBS_OK || (in.event == SBS_HTTP_MORE && in.used == len));
    PROVE(status == SBS_PENDING || in.used > 0 || reader.priv.state == STATE_DONE);
    PROVE(reader.priv.state != STATE_STATUS_LINE || !state_counts_body(state));
    if (in.event == SBS_HTTP_BODY) {
        PROVE(in.body.len == in.used && in.body.len > 0 && span_is_within(in.body, data, len));
        PROVE(reader.priv.body_total == total + in.body.len && reader.priv.body_total <= reader.priv.body_max);
    } else {
        PROVE(reader.priv.body_total == total);
    }
    if (in.event == SBS_HTTP_FIELD) {
        PROVE(span_is_within(reader.name, reader.priv.line, reader.priv.line_size) && reader.name.len > 0);
        PROVE(span_is_within(reader.value, reader.priv.line, reader.priv.line_size));
    }
    if (in.event == SBS_HTTP_STATUS) {
        PROVE(reader.status >= 200 && reader.status <= 599);
    }
}

/* A line of @p len bytes that ends with what comes now, in one state: CBMC is far quicker where it knows both. */
static void prove_line(uint8_t state, size_t len) {
    char line[LINE];
    sbs_http_reader reader = any_reader(line, LINE);
    ASSUME(reader.priv.state == state && reader.priv.line_len == len && reader_has_flag(&reader, SBS_HTTP_HAS_CR));
    reader.priv.state = state;
    reader.priv.line_len = len;
    bool folds = reader_may_be_folded(&reader);
    ASSUME(reader_has_flag(&reader, SBS_HTTP_LINE_END) == folds);
    prove_step(reader, folds ? "X" : "\n", 1);
}

static void prove_body(uint8_t state, size_t len) {
    char line[1];
    char data[BYTES];
    sbs_http_reader reader = any_reader(line, 1);
    ASSUME(reader.priv.state == state);
    reader.priv.state = state;
    prove_step(reader, data + BYTES - len, len);
}

int main(void) {
    static const uint8_t lengths[] = {0, 1, 2, 3, 12, LINE};
    for (size_t i = 0; i < sizeof lengths; i++) {
        size_t len = lengths[i];
        prove_line(STATE_STATUS_LINE, len);
        prove_line(STATE_FIELD, len);
        prove_line(STATE_CHUNK_SIZE, len);
        prove_line(STATE_TRAILER, len);
    }
    prove_line(STATE_CHUNK_END, 0);
    REACHED("lines");

    for (size_t len = 0; len <= BYTES; len++) {
        prove_body(STATE_SIZED_BODY, len);
        prove_body(STATE_CHUNK_DATA, len);
        prove_body(STATE_CLOSE_BODY, len);
        prove_body(STATE_DONE, len);
    }
    REACHED("bodies");
    return 0;
}
