/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/base64url.h"

/* All ones if a < b, else zero; both below 2^31. */
static uint32_t mask_less(uint32_t a, uint32_t b) {
    return 0u - ((a - b) >> 31);
}

/* 1 in each byte of @p values (all below 64) that is at least @p first, else 0. */
static uint32_t bytes_at_least(uint32_t values, uint32_t first) {
    return ((values + (0x80u - first) * 0x01010101u) >> 7) & 0x01010101u;
}

/* The characters of four six bit values, one in each byte: RFC 4648 table 2. Each term corrects for one gap in ASCII
 * before its first value; no byte leaves its range on the way. */
static uint32_t base64url_characters_of(uint32_t values) {
    uint32_t c = values + 'A' * 0x01010101u;
    c += bytes_at_least(values, 26) * ('a' - 'Z' - 1u);
    c -= bytes_at_least(values, 52) * ('z' - '0' + 1u);
    c -= bytes_at_least(values, 62) * ('9' - '-' + 1u);
    c += bytes_at_least(values, 63) * ('_' - '-' - 1u);
    return c;
}

/* base + c - first + 1 if c is one of first to last, else 0. */
static uint32_t base64url_range_value(uint32_t c, uint32_t first, uint32_t last, uint32_t base) {
    return mask_less(first, c + 1) & mask_less(c, last + 1) & (base + c - first + 1);
}

/* The six bit value of a character; UINT32_MAX if it is not in the alphabet. */
static uint32_t base64url_value_of(char character) {
    uint32_t c = (unsigned char)character;
    return (base64url_range_value(c, 'A', 'Z', 0) | base64url_range_value(c, 'a', 'z', 26) |
            base64url_range_value(c, '0', '9', 52) | base64url_range_value(c, '-', '-', 62) |
            base64url_range_value(c, '_', '_', 63)) -
           1;
}

/* Encodes 1 to 3 bytes to 2 to 4 characters. */
static size_t base64url_encode_group(const uint8_t *data, size_t len, char *out) {
    uint32_t bits = (uint32_t)data[0] << 16;
    uint32_t characters;
    if (len > 1) {
        bits |= (uint32_t)data[1] << 8;
    }

    if (len > 2) {
        bits |= data[2];
    }

    characters = base64url_characters_of(bits >> 18 | (bits >> 4 & 0x3F00u) | (bits << 10 & 0x3F0000u) |
                                         (bits << 24 & 0x3F000000u));
    for (size_t i = 0; i <= len; i++) {
        out[i] = (char)(characters >> (8 * i));
    }

    return len + 1;
}

/* Decodes 2 to 4 characters to 1 to 3 bytes. Returns bits that are all zero if the characters were legal. */
static uint32_t base64url_decode_group(const char *text, size_t len, uint8_t *out) {
    uint32_t bits = 0;
    uint32_t fault = 0;
    for (size_t i = 0; i < 4; i++) {
        uint32_t value = i < len ? base64url_value_of(text[i]) : 0;
        fault |= value >> 6;
        bits = bits << 6 | (value & 0x3F);
    }

    for (size_t i = 0; i + 1 < len; i++) {
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    }

    /* What is left below the last byte are pad bits. */
    return fault | (bits & (0xFFFFFFu >> (8 * (len - 1))));
}

sbs_status sbs_base64url_encode(const uint8_t *data, size_t len, char *out, size_t size, size_t *out_len) {
    *out_len = SBS_BASE64URL_ENCODED_SIZE(len);
    if (*out_len > size) {
        return SBS_ERR_BUFFER;
    }

    sbs_writer writer;
    sbs_writer_init(&writer, out, size);
    sbs_base64url_put(&writer, data, len);

    return SBS_OK;
}

void sbs_base64url_put(sbs_writer *out, const uint8_t *data, size_t len) {
    char characters[4];
    while (len > 0) {
        size_t group = len < 3 ? len : 3;
        sbs_put(out, characters, base64url_encode_group(data, group, characters));
        data += group;
        len -= group;
    }
}

sbs_status sbs_base64url_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len) {
    uint32_t fault = 0;
    uint8_t *end = out;
    *out_len = 0;
    if (len % 4 == 1) {
        return SBS_ERR_FORMAT;
    }

    if (SBS_BASE64URL_DECODED_SIZE(len) > size) {
        *out_len = SBS_BASE64URL_DECODED_SIZE(len);
        return SBS_ERR_BUFFER;
    }

    while (len > 0) {
        size_t group = len < 4 ? len : 4;
        fault |= base64url_decode_group(text, group, end);
        text += group;
        end += group - 1;
        len -= group;
    }

    /* Judged at the end only, so that the time does not tell where a secret text is wrong. */
    if (fault != 0) {
        sbs_wipe(out, (size_t)(end - out));
        return SBS_ERR_FORMAT;
    }

    *out_len = (size_t)(end - out);
    return SBS_OK;
}

/* ---- what is written in pieces -------------------- */

static sbs_status base64url_sink(void *ctx, const char *data, size_t len) {
    /* Errors stay in the target, which goes on counting what it would have needed. */
    sbs_base64url_stream_put(ctx, (const uint8_t *)data, len);
    return SBS_OK;
}

void sbs_base64url_stream_init(sbs_base64url_stream *stream, sbs_writer *target, sbs_writer *writer) {
    stream->target = target;
    stream->held_len = 0;
    sbs_writer_init_sink(writer, base64url_sink, stream);
}

/* Held bytes wait until they are three: only the last group may be shorter. */
void sbs_base64url_stream_put(sbs_base64url_stream *stream, const uint8_t *data, size_t len) {
    for (; len > 0; len--) {
        stream->held[stream->held_len++] = *data++;
        if (stream->held_len == sizeof stream->held) {
            sbs_base64url_put(stream->target, stream->held, sizeof stream->held);
            stream->held_len = 0;
        }
    }
}

void sbs_base64url_stream_finish(sbs_base64url_stream *stream) {
    sbs_base64url_put(stream->target, stream->held, stream->held_len);
    stream->held_len = 0;
    sbs_wipe(stream->held, sizeof stream->held);
}
