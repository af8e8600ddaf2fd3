/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: each step of the reader of answers, from a line to what it says, to the body and to its end, takes what it
 *   is given within its bounds and keeps the invariant or ends the reader; what it gives of the body lies in the input,
 *   and is never more than is left of it, of a chunk, or of the most that is taken; a step that asks for more has taken
 *   all, and one that goes on without an event has taken something or gone to another state
 * Bound: any state that the invariant allows, room for lines of 1 to 16 bytes; 0 to 2 bytes of input, any bytes; what
 *   characters and fields say is anything that they may (proven apart: ascii_scan, http_field)
 * Unwind: 19
 * Unwindset: reader_take_line.0:4 sbs_ascii_place.0:4 strlen.0:20 memcmp.0:9
 * Meant: reader_take_line_byte:conversion reader_take_line:conversion reader_begin_line:conversion
 * Suite: long
 * Fault: core/src/http/http_reader.c `size > reader->priv.body_max - reader->priv.body_total` => `size >
 *   reader->priv.body_max`
 */
#include "any_scan.h"
#include "http_reader.h"

enum { BYTES = 2, LINE = 16 };

int sbs_http_field_of(sbs_text name) {
    int field = nondet_int();
    PROVE(scan_is_readable(name));
    ASSUME(field >= SBS_HTTP_CONNECTION && field <= SBS_HTTP_OTHER_FIELD);
    return field;
}

/* What http_field proves of it. */
sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value) {
    PROVE(scan_is_readable(name) && scan_is_readable(value));
    reader->coding = nondet_u8();
    reader->priv.flags |= nondet_u8() & (SBS_HTTP_CHUNKED | SBS_HTTP_CLOSE | SBS_HTTP_KEEP_ALIVE);
    if (!reader->has_length && nondet_bool()) {
        reader->has_length = true;
        reader->content_length = nondet_u64() & INT64_MAX;
    }
    return nondet_bool() ? SBS_OK : SBS_ERR_HTTP;
}

static void prove_body(const sbs_http_reader *before, const sbs_http_reader *reader, const reader_input *in) {
    PROVE(in->body.len > 0 && in->body.len == in->used);
    PROVE(in->body.ptr == in->data);
    PROVE(reader->priv.body_total == before->priv.body_total + in->body.len);
    PROVE(!state_counts_body(before->priv.state) || in->body.len <= before->priv.remaining);
    REACHED("a part of the body");
}

static void prove_event(const sbs_http_reader *before, const sbs_http_reader *reader, const reader_input *in) {
    switch (in->event) {
    case SBS_HTTP_BODY:
        prove_body(before, reader, in);
        return;
    case SBS_HTTP_STATUS:
        PROVE(before->priv.state == STATE_STATUS_LINE && reader->status >= 200);
        REACHED("a status");
        break;
    case SBS_HTTP_FIELD:
        PROVE(before->priv.state == STATE_FIELD && reader->name.len > 0 && reader->status != 0);
        PROVE(scan_is_readable(reader->name) && scan_is_readable(reader->value));
        REACHED("a field");
        break;
    case SBS_HTTP_DONE:
        PROVE(before->priv.state == STATE_DONE);
        break;
    default:
        PROVE(in->event == SBS_HTTP_MORE);
        PROVE(in->used > 0 || reader->priv.state != before->priv.state ||
              reader_has_flag(before, SBS_HTTP_LINE_END) != reader_has_flag(reader, SBS_HTTP_LINE_END));
    }
    PROVE(in->body.len == 0 && reader->priv.body_total == before->priv.body_total);
}

/* How a body begins behind the head. */
static void prove_begin(const sbs_http_reader *reader) {
    bool sized = reader->priv.state == STATE_SIZED_BODY;
    PROVE(!sized || (reader->has_length && reader->priv.remaining == reader->content_length));
    PROVE(reader->priv.state != STATE_CLOSE_BODY || (reader->until_close && !reader->keep_alive));
    PROVE(reader->priv.state != STATE_CHUNK_SIZE || !reader->has_length);
    if (sized) {
        REACHED("a body of a length");
    }
    if (reader->priv.state == STATE_CHUNK_SIZE) {
        REACHED("a body of chunks");
    }
}

static void prove_step(const char *data, size_t len) {
    char line[LINE];
    size_t size = 1 + any_count(LINE - 1);
    sbs_http_reader reader = any_reader(line + LINE - size, size);
    sbs_http_reader before = reader;
    reader_input in = {.data = data, .len = len, .event = SBS_HTTP_MORE};
    sbs_status status = reader_step(&reader, &in);
    PROVE(in.used <= len);
    PROVE(status == SBS_OK || status == SBS_PENDING || status == SBS_ERR_HTTP || status == SBS_ERR_TOO_LARGE);
    if (status < 0) {
        return;
    }

    PROVE(reader_is_sound(&reader));
    if (status == SBS_PENDING) {
        PROVE(in.used == len && in.event == SBS_HTTP_MORE);
        return;
    }
    prove_event(&before, &reader, &in);
    if (before.priv.state == STATE_FIELD && reader.priv.state > STATE_FIELD) {
        prove_begin(&reader);
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_step)
    return 0;
}
