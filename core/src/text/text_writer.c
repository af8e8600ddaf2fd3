/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/text.h"

#include <string.h>

static void writer_init(sbs_writer *writer, char *buffer, size_t size, sbs_sink sink, void *ctx) {
    writer->buffer = buffer;
    writer->size = size;
    writer->len = 0;
    writer->sink = sink;
    writer->sink_ctx = ctx;
    writer->error = SBS_OK;
}

void sbs_writer_init(sbs_writer *writer, char *buffer, size_t size) {
    writer_init(writer, buffer, size, NULL, NULL);
}

void sbs_writer_init_sizing(sbs_writer *writer) {
    writer_init(writer, NULL, SIZE_MAX, NULL, NULL);
}

void sbs_writer_init_sink(sbs_writer *writer, sbs_sink sink, void *ctx) {
    writer_init(writer, NULL, SIZE_MAX, sink, ctx);
}

void sbs_put(sbs_writer *writer, const char *data, size_t len) {
    if (len == 0 || (writer->error != SBS_OK && writer->error != SBS_ERR_BUFFER)) {
        return;
    }

    /* Past an error a sink gets nothing more, and a buffer no more bytes; both go on counting. */
    if (writer->sink) {
        if (writer->error == SBS_OK) {
            writer->error = writer->sink(writer->sink_ctx, data, len);
        }
    } else if (writer->len > writer->size || len > writer->size - writer->len) {
        writer->error = SBS_ERR_BUFFER;
    } else if (writer->buffer && writer->error == SBS_OK) {
        memcpy(writer->buffer + writer->len, data, len);
    }

    writer->len += len;
    if (writer->len < len) {
        writer->len = SIZE_MAX; /* stays there */
    }
}

void sbs_put_string(sbs_writer *writer, const char *string) {
    sbs_put_text(writer, sbs_text_of(string));
}

void sbs_put_text(sbs_writer *writer, sbs_text text) {
    sbs_put(writer, text.ptr, text.len);
}

void sbs_put_char(sbs_writer *writer, char c) {
    sbs_put(writer, &c, 1);
}

void sbs_put_hex(sbs_writer *writer, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        sbs_put_char(writer, sbs_hex_digit(bytes[i] >> 4));
        sbs_put_char(writer, sbs_hex_digit(bytes[i]));
    }
}

void sbs_put_uint(sbs_writer *writer, uint64_t value) {
    char digits[20];
    size_t start = sizeof digits;
    do {
        digits[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);

    sbs_put(writer, digits + start, sizeof digits - start);
}

void sbs_put_int(sbs_writer *writer, int64_t value) {
    uint64_t magnitude = (uint64_t)value;
    if (value < 0) {
        sbs_put_char(writer, '-');
        magnitude = 0 - magnitude;
    }
    sbs_put_uint(writer, magnitude);
}

void sbs_writer_fail(sbs_writer *writer, sbs_status error) {
    if (writer->error == SBS_OK) {
        writer->error = error;
    }
}

sbs_status sbs_writer_finish(const sbs_writer *writer, size_t *out_len) {
    if (out_len) {
        *out_len = writer->len;
    }
    return writer->error;
}
