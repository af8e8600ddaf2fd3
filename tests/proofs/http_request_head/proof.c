/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: the reader of requests looks at each byte of a head once, and never behind it; every line that it judges lies
 *   in the head; a head that it finds whole has a Host unless it is of HTTP/1.0, one framing of its body at most, and
 *   a length within the limit; what it refuses has a status and a sentence
 * Bound: any state that the invariant allows, any limits; a line under way of 0 to 8 bytes and 0 or 1 byte more, as
 *   bytes are looked at one by one; what characters say is anything that it may (proven apart: ascii_scan)
 * Sources: core/src/http/http_request_body.c
 * Unwind: 10
 * Unwindset: sbs_http_request_reader_head.0:3 sbs_ascii_place.0:7 strlen.0:20 memcmp.0:9
 * Meant: request_take_byte:conversion
 * Suite: long
 * Fault: core/src/http/http_request_reader.c `coded && request_has_flag(reader, FLAG_LENGTH)` => `coded &&
 *   request_has_flag(reader, FLAG_HOST)`
 */
#include "proof.h"
#include "any_scan.h"
#include "http/http_request_reader.c"
#include "plain_number.h"

enum { HEAD = 8, NEW = 1 };

static bool head_is_sound(const sbs_http_request_reader *reader) {
    const sbs_http_request_limits *limits = reader->priv.limits;
    bool begun = reader->priv.scanned > reader->priv.line_start;
    return reader->priv.state <= SBS_HTTP_REQUEST_FIELD && reader->head_len == 0 &&
           reader->priv.line_start <= reader->priv.scanned && reader->priv.scanned <= limits->head_max &&
           (!request_has_flag(reader, FLAG_HAS_CR) || begun) && reader->field_count <= limits->fields_max &&
           (!reader->chunked || request_has_flag(reader, FLAG_CODING)) &&
           (reader->content_length == 0 || request_has_flag(reader, FLAG_LENGTH)) && reader->priv.body_total == 0;
}

static sbs_http_request_reader any_head(const sbs_http_request_limits *limits, size_t scanned) {
    sbs_http_request_reader reader;
    sbs_http_request_reader_init(&reader, limits);
    PROVE(head_is_sound(&reader));
    reader.version_1_0 = nondet_bool();
    reader.chunked = nondet_bool();
    reader.expects_continue = nondet_bool();
    reader.content_length = nondet_u64();
    reader.field_count = nondet_size();
    reader.priv.state = nondet_u8();
    reader.priv.flags = nondet_u8();
    reader.priv.line_start = nondet_size();
    reader.priv.scanned = scanned;
    ASSUME(head_is_sound(&reader));
    return reader;
}

static void prove_whole(const sbs_http_request_reader *reader) {
    bool sized = reader->priv.state == SBS_HTTP_REQUEST_SIZED;
    bool chunked = reader->priv.state == SBS_HTTP_REQUEST_CHUNK_SIZE;
    PROVE(reader->head_len == reader->priv.scanned && reader->head_len > 0);
    PROVE(reader->version_1_0 || request_has_flag(reader, FLAG_HOST));
    PROVE(sized || chunked || reader->priv.state == SBS_HTTP_REQUEST_DONE);
    PROVE(chunked == reader->chunked && (!chunked || (reader->content_length == 0 && !reader->version_1_0)));
    PROVE(!request_has_flag(reader, FLAG_LENGTH) || !request_has_flag(reader, FLAG_CODING));
    PROVE(!sized || reader->content_length > 0);
    PROVE(reader->content_length <= reader->priv.limits->body_max);
    PROVE(reader->priv.remaining == reader->content_length);
    if (chunked) {
        REACHED("a head whose body has chunks");
    }
}

static void prove_refused(const sbs_http_request_reader *reader, sbs_status status) {
    PROVE(status == SBS_ERR_HTTP || status == SBS_ERR_TOO_LARGE);
    PROVE(reader->priv.state == SBS_HTTP_REQUEST_DEAD && reader->refusal >= 400 && reader->why != NULL);
    REACHED("a refusal");
}

static void prove_head(size_t more) {
    char data[HEAD];
    sbs_http_request_limits limits = {nondet_size(), nondet_size(), nondet_u64()};
    sbs_http_request_reader reader = any_head(&limits, HEAD - more);
    uint8_t before = reader.priv.state;
    sbs_status status = sbs_http_request_reader_head(&reader, data, HEAD);
    PROVE(reader.priv.scanned <= HEAD && reader.priv.scanned <= limits.head_max);
    if (status == SBS_OK) {
        prove_whole(&reader);
    } else if (status == SBS_PENDING) {
        PROVE(reader.priv.scanned == HEAD);
        PROVE(head_is_sound(&reader));
        if (before == SBS_HTTP_REQUEST_LINE && reader.priv.state == SBS_HTTP_REQUEST_FIELD) {
            REACHED("a request line");
        }
    } else {
        prove_refused(&reader, status);
    }
}

int main(void) {
    for (size_t more = 0; more <= NEW; more++) {
        prove_head(more);
    }
    return 0;
}
