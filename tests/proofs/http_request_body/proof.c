/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: the reader of requests takes a body within what it is given, never more than its length, its chunk or the
 *   limit; no digit of a chunk's size is lost; it keeps its invariant or ends with a status
 * Bound: any state that the invariant allows, any limits; 0 to 3 bytes, any
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 5
 * Unwindset: sbs_ascii_is_alnum_or.0:18
 * Meant: body_is_text:conversion
 * Suite: long
 * Fault: core/src/http/http_request_body.c `digit >= 0 && reader->priv.digits < 16` => `digit >= 0 &&
 *   reader->priv.digits < 17`
 */
#include "proof.h"
#include "http/http_request_body.c"

enum { BYTES = 3, DIGITS = 16 };

static bool body_is_sound(const sbs_http_request_reader *reader) {
    const sbs_http_request_limits *limits = reader->priv.limits;
    uint8_t state = reader->priv.state;
    uint64_t remaining = reader->priv.remaining;
    unsigned digits = reader->priv.digits;
    bool has_size = state == SBS_HTTP_REQUEST_CHUNK_EXTENSION || state == SBS_HTTP_REQUEST_CHUNK_LF;
    bool in_data = state == SBS_HTTP_REQUEST_SIZED || state == SBS_HTTP_REQUEST_CHUNK_DATA;
    bool reads_size = state == SBS_HTTP_REQUEST_CHUNK_SIZE;
    if (reader->head_len == 0 || reader->priv.body_total > limits->body_max || reader->priv.extra > limits->head_max ||
        digits > DIGITS) {
        return false;
    }

    bool fits = remaining <= limits->body_max - reader->priv.body_total;
    return state >= SBS_HTTP_REQUEST_SIZED && state <= SBS_HTTP_REQUEST_DONE &&
           (state == SBS_HTTP_REQUEST_DONE || reader->chunked == (state != SBS_HTTP_REQUEST_SIZED)) &&
           (!reads_size || digits == DIGITS || remaining >> 4 * digits == 0) && (!has_size || digits > 0) &&
           (has_size || reads_size || digits == 0) && (!in_data || remaining > 0) &&
           (in_data || has_size || reads_size || remaining == 0) && (fits || reads_size || has_size) &&
           (state != SBS_HTTP_REQUEST_CHUNK_LF || fits);
}

static void prove_body(const char *data, size_t len) {
    sbs_http_request_limits limits = {nondet_size(), nondet_size(), nondet_u64()};
    sbs_http_request_reader reader = {.head_len = nondet_size(), .chunked = nondet_bool()};
    size_t used = 0;
    sbs_text body = {NULL, 0};
    reader.priv.limits = &limits;
    reader.priv.state = nondet_u8();
    reader.priv.digits = nondet_u8();
    reader.priv.extra = nondet_size();
    reader.priv.remaining = nondet_u64();
    reader.priv.body_total = nondet_u64();
    ASSUME(body_is_sound(&reader));

    uint64_t before = reader.priv.body_total;
    sbs_status status = sbs_http_request_reader_body(&reader, data, len, &used, &body);
    PROVE(used <= len && body.len <= used);
    PROVE(body.len == 0 || body.ptr + body.len == data + used);
    PROVE(reader.priv.body_total == before + body.len);
    if (status < 0) {
        PROVE(reader.priv.state == SBS_HTTP_REQUEST_DEAD && reader.refusal >= 400 && body.len == 0);
        return;
    }

    PROVE(body_is_sound(&reader));
    PROVE((status == SBS_OK) == (reader.priv.state == SBS_HTTP_REQUEST_DONE));
    PROVE(status == SBS_OK || used > 0 || len == 0);
    if (body.len > 0) {
        REACHED("data");
    }
    if (reader.priv.state == SBS_HTTP_REQUEST_TRAILER) {
        REACHED("the last chunk");
    }
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_body)
    return 0;
}
