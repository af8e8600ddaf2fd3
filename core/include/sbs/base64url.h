/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file base64url.h
 * base64url without padding: RFC 4648 section 5, RFC 7515 section 2. No table is indexed by data, no branch depends on
 * it: running time depends on lengths only (and on whether the input is valid at all).
 */
#ifndef SBS_BASE64URL_H
#define SBS_BASE64URL_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Characters that @p n bytes encode to. */
#define SBS_BASE64URL_ENCODED_SIZE(n) (((n) / 3u) * 4u + (((n) % 3u) * 8u + 5u) / 6u)
/** Bytes that @p n characters decode to. */
#define SBS_BASE64URL_DECODED_SIZE(n) (((n) / 4u) * 3u + (((n) % 4u) * 6u) / 8u)

/** Encodes; no NUL, no padding. SBS_ERR_BUFFER with the needed size in @p out_len. @p data NULL is legal with 0. */
SBS_NODISCARD sbs_status sbs_base64url_encode(const uint8_t *data, size_t len, char *out, size_t size, size_t *out_len);

/** The same into a writer, which keeps what does not fit. */
void sbs_base64url_put(sbs_writer *out, const uint8_t *data, size_t len);

/**
 * Decodes strictly: refuses (SBS_ERR_FORMAT) padding, white space, '+', '/', any other character, a length of 4n+1 and
 * non-zero pad bits (RFC 4648 sections 3.3 and 3.5). @p out may be the memory of @p text (decoding in place).
 * On an error @p out is wiped up to what was written. SBS_ERR_BUFFER with the needed size in @p out_len.
 */
SBS_NODISCARD sbs_status sbs_base64url_decode(const char *text, size_t len, uint8_t *out, size_t size, size_t *out_len);

/** Streaming encoder: text put into @c writer comes out encoded in @c target, with no copy of the input kept. */
typedef struct sbs_base64url_stream {
    sbs_writer *target;
    uint8_t held[3];
    uint8_t held_len;
} sbs_base64url_stream;

/** Makes @p writer a sink writer that encodes into @p target. All three stay owned by the caller. What does not fit is
 *  told by the target alone, which counts what it would need; what others report to @p writer stays there: check both.
 */
void sbs_base64url_stream_init(sbs_base64url_stream *stream, sbs_writer *target, sbs_writer *writer);
/** Feeds bytes directly. Errors are kept in the target. */
void sbs_base64url_stream_put(sbs_base64url_stream *stream, const uint8_t *data, size_t len);
/** Writes the last 0 to 2 held bytes and wipes the state. */
void sbs_base64url_stream_finish(sbs_base64url_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
