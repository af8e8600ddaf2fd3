/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of HTTP answers in any state that it can be in between two steps, for the proofs of its steps. */
#ifndef SBS_PROOF_HTTP_READER_H
#define SBS_PROOF_HTTP_READER_H

#include "http/http_reader.c"
#include "plain_number.h"
#include "proof.h"

static bool state_has_line(uint8_t state) {
    return state <= STATE_TRAILER;
}

static bool state_counts_body(uint8_t state) {
    return state == STATE_SIZED_BODY || state == STATE_CHUNK_DATA;
}

/* Holds after sbs_http_reader_init(), and between steps that succeed. */
static bool reader_is_sound(const sbs_http_reader *reader) {
    uint8_t state = reader->priv.state;
    bool before_body = state == STATE_STATUS_LINE || state == STATE_FIELD;
    bool line_ended = reader_has_flag(reader, SBS_HTTP_LINE_END);
    bool is_field = state == STATE_FIELD || state == STATE_TRAILER;
    if (reader->priv.body_total > reader->priv.body_max) {
        return false;
    }

    uint64_t left = reader->priv.body_max - reader->priv.body_total;
    return state < STATE_DEAD && reader->priv.line_len <= reader->priv.line_size &&
           reader->priv.head_total <= SBS_HTTP_HEADER_MAX && reader->priv.interim_count <= SBS_HTTP_INTERIM_MAX &&
           (!before_body || reader->priv.body_total == 0) &&
           (!state_counts_body(state) || (reader->priv.remaining > 0 && reader->priv.remaining <= left)) &&
           (reader->status == 0 || (reader->status >= 200 && reader->status <= 599)) &&
           (state != STATE_STATUS_LINE || reader->status == 0) && (before_body || reader->status != 0) &&
           (state != STATE_CHUNK_END || reader->priv.line_len == 0) &&
           (!reader->has_length || reader->content_length <= INT64_MAX) &&
           (!line_ended || (is_field && reader->priv.line_len > 0 && reader_has_flag(reader, SBS_HTTP_HAS_CR))) &&
           (!reader_has_flag(reader, SBS_HTTP_OVERLONG) || reader->priv.line_len == reader->priv.line_size);
}

/* Any sound reader, its line in @p line, which has @p size bytes of any value. */
static sbs_http_reader any_reader(char *line, size_t size) {
    sbs_http_reader reader;
    sbs_http_reader_init(&reader, line, size, nondet_u64());
    PROVE(reader_is_sound(&reader));
    reader.status = nondet_u16();
    reader.keep_alive = nondet_bool();
    reader.until_close = nondet_bool();
    reader.has_length = nondet_bool();
    reader.coding = nondet_u8();
    reader.content_length = nondet_u64();
    reader.priv.state = nondet_u8();
    reader.priv.interim_count = nondet_u8();
    reader.priv.flags = nondet_u8();
    reader.priv.line_len = nondet_size();
    reader.priv.remaining = nondet_u64();
    reader.priv.body_total = nondet_u64();
    reader.priv.head_total = nondet_size();
    ASSUME(reader_is_sound(&reader));
    return reader;
}

#endif
