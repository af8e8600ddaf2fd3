/* SPDX-License-Identifier: Apache-2.0 */
/* Input: two bytes of options, then an answer. It must read the same in one piece and in many. */
#include <stdlib.h>
#include <string.h>

#include "sbs/http.h"

typedef struct outcome {
    sbs_status status;
    uint64_t hash; /* of all events, bodies joined */
    uint64_t body_len;
    bool done;
    bool keep_alive;
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

static void use_field(const sbs_http_reader *reader) {
    char words[64];
    uint32_t seconds = 0;
    sbs_http_sanitise(reader->value, words, sizeof words);
    require(strlen(words) < sizeof words);
    (void)sbs_http_is_json(reader->value);
    const sbs_status status = sbs_http_retry_after(reader->value, 0, 60, &seconds);
    require(status != SBS_OK || seconds <= 60);
    require(reader->name.len > 0 && memchr(reader->value.ptr, '\n', reader->value.len) == NULL);
}

static void take_event(outcome *o, const sbs_http_reader *reader, sbs_http_event event, sbs_text body) {
    const char code = (char)event;
    if (event == SBS_HTTP_FIELD) {
        mix(o, &code, 1);
        mix(o, reader->name.ptr, reader->name.len);
        mix(o, reader->value.ptr, reader->value.len);
        use_field(reader);
    } else if (event == SBS_HTTP_BODY) {
        require(body.len > 0);
        mix(o, body.ptr, body.len);
        o->body_len += body.len;
    } else if (event == SBS_HTTP_STATUS) {
        require(reader->status >= 200 && reader->status <= 599);
    }
    o->done = event == SBS_HTTP_DONE;
}

/* Feeds one piece that stands alone in memory, so that reading past it is seen. False: done or refused. */
static bool feed(outcome *o, sbs_http_reader *reader, const char *data, size_t len) {
    char *copy = malloc(len + 1);
    require(copy != NULL);
    memcpy(copy, data, len);
    size_t at = 0;
    sbs_http_event event = SBS_HTTP_STATUS;
    while (o->status == SBS_OK && event != SBS_HTTP_MORE && event != SBS_HTTP_DONE) {
        size_t used = 0;
        sbs_text body = {NULL, 0};
        o->status = sbs_http_reader_feed(reader, copy + at, len - at, &used, &event, &body);
        require(used <= len - at);
        at += used;
        if (o->status == SBS_OK) {
            take_event(o, reader, event, body);
        }
    }
    require(o->status != SBS_OK || event != SBS_HTTP_MORE || at == len);
    free(copy);
    return o->status == SBS_OK && !o->done;
}

static outcome read_pieces(const char *data, size_t len, size_t piece, uint64_t body_max) {
    outcome o = {.status = SBS_OK};
    char line[128];
    sbs_http_reader reader;
    sbs_http_reader_init(&reader, line, sizeof line, body_max);
    bool going = true;
    for (size_t at = 0; at < len && going; at += piece) {
        going = feed(&o, &reader, data + at, len - at < piece ? len - at : piece);
    }
    if (going) {
        o.status = sbs_http_reader_end(&reader);
    }
    require(body_max == 0 || o.body_len <= body_max);
    o.keep_alive = o.status == SBS_OK && reader.keep_alive;
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    const uint64_t body_max = data[0] >> 1;
    const char *message = (const char *)data + 2;
    const outcome whole = read_pieces(message, size - 2, size, body_max);
    const outcome pieces = read_pieces(message, size - 2, (size_t)data[1] % 16 + 1, body_max);
    /* What is over the limit may have been handed out up to it, or not at all. */
    require(whole.status == pieces.status && whole.keep_alive == pieces.keep_alive);
    require(whole.status == SBS_ERR_TOO_LARGE || (whole.hash == pieces.hash && whole.body_len == pieces.body_len));
    return 0;
}
