/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: two bytes of options, then requests one behind the other. They must read the same in one piece and in many,
 * and what is taken must be what no reader could take for something else: that is looked at again, by other means.
 */
#include <stdlib.h>
#include <string.h>

#include "sbs/http_request_reader.h"

#define FIELDS_MAX 8

typedef struct outcome {
    sbs_status status;
    uint16_t refusal;
    unsigned requests;
    uint64_t hash; /* of heads and bodies */
    size_t used;
} outcome;

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

static void mix(outcome *o, const char *data, size_t len) {
    for (size_t i = 0; i < len; i++) {
        o->hash = (o->hash ^ (unsigned char)data[i]) * UINT64_C(1099511628211);
    }
}

static bool is_name(sbs_text name, const char *word) {
    return sbs_text_equal_nocase(name, sbs_text_of(word));
}

/* Each line ends in CR LF, and neither stands elsewhere. */
static void require_lines(const char *head, size_t len) {
    for (size_t i = 0; i < len; i++) {
        require(head[i] != '\r' || (i + 1 < len && head[i + 1] == '\n'));
        require(head[i] != '\n' || (i > 0 && head[i - 1] == '\r'));
        require((unsigned char)head[i] >= 0x20 || strchr("\r\n\t", head[i]) != NULL);
        require(head[i] != '\0' && head[i] != 0x7F);
    }
    require(len > 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0);
}

static void require_fields(const sbs_http_request_reader *reader, const sbs_http_field *fields, size_t count) {
    unsigned lengths = 0, codings = 0, named = 0;
    for (size_t i = 0; i < count; i++) {
        const sbs_text name = fields[i].name, value = fields[i].value;
        require(name.len > 0 && memchr(name.ptr, ' ', name.len) == NULL && memchr(name.ptr, '\t', name.len) == NULL);
        require(value.len == 0 || (value.ptr[0] != ' ' && value.ptr[value.len - 1] != ' '));
        lengths += is_name(name, "Content-Length");
        named += is_name(name, "Host");
        if (is_name(name, "Transfer-Encoding")) {
            codings++;
            require(is_name(value, "chunked"));
        }
    }
    require(lengths + codings <= 1 && named <= 1 && (named == 1 || reader->version_1_0));
    require(reader->chunked == (codings == 1) && (!reader->chunked || !reader->version_1_0));
    require(lengths == 1 || reader->content_length == 0);
}

static void require_head(const sbs_http_request_reader *reader, const char *head) {
    char *copy = malloc(reader->head_len);
    sbs_http_request_head parts;
    sbs_http_field fields[FIELDS_MAX];
    require(copy != NULL);
    memcpy(copy, head, reader->head_len);
    require_lines(copy, reader->head_len);
    sbs_http_request_split(copy, reader->head_len, &parts, fields, FIELDS_MAX);
    require(parts.field_count == reader->field_count && reader->field_count <= FIELDS_MAX);
    require(parts.method.len > 0 && parts.path.len > 0 && parts.path.ptr[0] == '/');
    require(memchr(parts.path.ptr, '?', parts.path.len) == NULL);
    require_fields(reader, fields, parts.field_count);
    free(copy);
}

/* One request; each call sees memory that ends where its bytes end. */
static bool read_request(outcome *o, const sbs_http_request_limits *limits, const char *data, size_t len,
                         size_t piece) {
    sbs_http_request_reader reader;
    uint64_t body_len = 0;
    size_t at = 0;
    sbs_http_request_reader_init(&reader, limits);
    o->status = SBS_PENDING;
    for (size_t to = piece < len ? piece : len; o->status == SBS_PENDING; to = len - to > piece ? to + piece : len) {
        char *copy = malloc(to + 1);
        require(copy != NULL);
        memcpy(copy, data, to);
        if (reader.head_len == 0) {
            o->status = sbs_http_request_reader_head(&reader, copy, to);
            require(o->status != SBS_OK || (reader.head_len > 0 && reader.head_len <= to));
            at = reader.head_len;
        }
        if (reader.head_len != 0) {
            do {
                size_t used = 0;
                sbs_text body;
                o->status = sbs_http_request_reader_body(&reader, copy + at, to - at, &used, &body);
                require(used <= to - at && body.len <= used);
                at += used;
                body_len += body.len;
                mix(o, body.ptr, body.len);
            } while (o->status == SBS_PENDING && at < to);
        }
        free(copy);
        if (to == len) {
            break;
        }
    }
    o->refusal = reader.refusal;
    require((o->status < 0) == (reader.refusal != 0) && (o->status < 0) == (reader.why != NULL));
    if (o->status != SBS_OK) {
        return false;
    }
    require_head(&reader, data);
    require(reader.chunked || body_len == reader.content_length);
    require(body_len <= limits->body_max && reader.head_len <= limits->head_max);
    mix(o, data, reader.head_len);
    o->requests++;
    o->used += at;
    return at < len;
}

static outcome read_pieces(const sbs_http_request_limits *limits, const char *data, size_t len, size_t piece) {
    outcome o = {.status = SBS_OK};
    while (read_request(&o, limits, data + o.used, len - o.used, piece)) {
    }
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 3) {
        return 0;
    }
    const sbs_http_request_limits limits = {
        .head_max = 64u + 4u * (size_t)data[0], .fields_max = FIELDS_MAX, .body_max = data[0]};
    const char *text = (const char *)data + 2;
    const outcome whole = read_pieces(&limits, text, size - 2, size);
    const outcome pieces = read_pieces(&limits, text, size - 2, (size_t)data[1] % 16 + 1);
    require(whole.status == pieces.status && whole.refusal == pieces.refusal && whole.requests == pieces.requests);
    require(whole.used == pieces.used);
    require(whole.status < 0 || whole.hash == pieces.hash);
    return 0;
}
