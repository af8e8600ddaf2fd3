/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: what a field means to the framing of an answer is read within its value; a length stays below 2^63 and is
 *   never changed by a second one, nor taken from a folded line; only "chunked" alone is a transfer coding
 * Bound: each of the four fields, in lower case, on any reader; every value of 0 or 1 byte, and every element
 *   of a value of 0 to 7 bytes
 * Sources: core/src/text/ascii.c
 * Unwind: 10
 * Unwindset: sbs_ascii_place.0:12 memcmp.0:20 strlen.0:20 sbs_text_equal_nocase.0:20 sbs_http_apply_field.0:3
 *   sbs_ascii_find.0:3 sbs_ascii_trim.0:3 sbs_ascii_trim.1:3
 * Suite: long
 * Fault: core/src/http/http_fields.c `reader->has_length && reader->content_length != length` =>
 *   `!reader->has_length && reader->content_length != length`
 */
#include "proof.h"
#include "http/http_fields.c"
#include "plain_number.h"

static const char *const names[] = {"connection", "content-length", "content-encoding", "transfer-encoding"};

static sbs_http_reader any_reader(void) {
    sbs_http_reader reader = {0};
    reader.has_length = nondet_bool();
    reader.content_length = nondet_u64() & INT64_MAX;
    reader.coding = nondet_u8();
    reader.priv.flags = nondet_u8();
    return reader;
}

static void prove_change(int field, const sbs_http_reader *before, const sbs_http_reader *reader, size_t len) {
    bool length = field == SBS_HTTP_CONTENT_LENGTH;
    bool transfer = field == SBS_HTTP_TRANSFER_ENCODING;
    PROVE(reader->has_length == (before->has_length || length));
    PROVE(!before->has_length || reader->content_length == before->content_length);
    PROVE(reader->content_length <= INT64_MAX);
    PROVE((reader->priv.flags & before->priv.flags) == before->priv.flags);
    PROVE(transfer == ((reader->priv.flags & ~before->priv.flags & SBS_HTTP_CHUNKED) != 0));
    PROVE(!transfer || len >= 7);
    PROVE(reader->status == 0 && reader->priv.state == 0);
}

static void prove_element(const char *text, size_t len) {
    for (int field = SBS_HTTP_CONNECTION; field <= SBS_HTTP_TRANSFER_ENCODING; field++) {
        sbs_http_reader reader = any_reader();
        sbs_http_reader before = reader;
        if (fields_apply_element(&reader, field, (sbs_text){text, len}) == SBS_OK) {
            prove_change(field, &before, &reader, len);
        }
    }

    if (len == 7) {
        REACHED("the end of elements");
    }
}

static void prove_value(const char *text, size_t len) {
    for (int field = SBS_HTTP_CONNECTION; field <= SBS_HTTP_TRANSFER_ENCODING; field++) {
        sbs_http_reader reader = any_reader();
        sbs_http_reader before = reader;
        if (sbs_http_apply_field(&reader, sbs_text_of(names[field]), (sbs_text){text, len}) != SBS_OK) {
            continue;
        }

        prove_change(field, &before, &reader, len);
        bool framing = field == SBS_HTTP_CONTENT_LENGTH || field == SBS_HTTP_TRANSFER_ENCODING;
        PROVE(!framing || (before.priv.flags & SBS_HTTP_FOLDED) == 0);
    }
    REACHED("the end of values");
}

int main(void) {
    FOR_EACH_LENGTH(7, prove_element)
    FOR_EACH_LENGTH(1, prove_value)
    return 0;
}
