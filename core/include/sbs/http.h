/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http.h
 * HTTP/1.1 (RFC 9110, RFC 9112): a request writer that cannot be made to inject, and a strict incremental response
 * reader.
 */
#ifndef SBS_HTTP_H
#define SBS_HTTP_H

#include "sbs/config.h"
#include "sbs/time.h"
#include "sbs/url.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- request -------------------------------------------------------------------------------------------------- */

/**
 * Writes `METHOD path?query HTTP/1.1` and Host. @p method: a token of RFC 9110 section 5.6.2. The target is
 * url->path + url->query if @p suffix is absent ("/" for an absent path), else url->path + suffix (which may hold its
 * own query), with a '/' between them unless the path ends or the suffix starts with one.
 * Bytes that may not stand in a request target keep SBS_ERR_URL.
 */
void sbs_http_put_request_line(sbs_writer *out, const char *method, const sbs_url *url, sbs_text suffix);
/** Writes one header field. A name that is no token or a value with CR, LF, NUL or another control character keeps
 *  SBS_ERR_ARGUMENT: nothing can be injected (RFC 9110 section 5.5). An absent value writes nothing. */
void sbs_http_put_field(sbs_writer *out, const char *name, sbs_text value);
/** The same with a decimal number as the value. */
void sbs_http_put_field_uint(sbs_writer *out, const char *name, uint64_t value);
/** Writes the empty line that ends the head. */
void sbs_http_put_end(sbs_writer *out);

/* ---- response ------------------------------------------------------------------------------------------------- */

typedef enum sbs_http_event {
    SBS_HTTP_MORE,   /**< all input taken; feed more */
    SBS_HTTP_STATUS, /**< the status line of the final answer was read: reader->status */
    SBS_HTTP_FIELD,  /**< a header field: name and value, valid until the next feed */
    SBS_HTTP_BODY,   /**< a piece of the body: a span of the input, framing removed */
    SBS_HTTP_DONE    /**< the message is complete; input after it is not taken */
} sbs_http_event;

/** What a body was coded with. `identity`, `none`, `utf-8` (which is no content coding, and is sent all the same) and
 * an empty value are none. */
typedef enum sbs_http_coding {
    SBS_CODING_NONE,
    SBS_CODING_GZIP,    /**< RFC 1952, also called x-gzip */
    SBS_CODING_DEFLATE, /**< RFC 1950, by some servers RFC 1951 without its frame */
    SBS_CODING_OTHER    /**< any other, or more than one */
} sbs_http_coding;

/**
 * Incremental reader. Interim (1xx) answers and trailers are checked, bounded and skipped. Refused with SBS_ERR_HTTP:
 * what RFC 9112 section 6.3 calls unrecoverable, Transfer-Encoding together with Content-Length or in HTTP/1.0, any
 * transfer coding but one "chunked", a Content-Length or Transfer-Encoding that is folded or otherwise no field, a bare
 * CR or LF, NUL, a chunk size that overflows, HTTP versions other than 1.0 and 1.1, status 101 and those
 * outside 100 to 599. Other folded lines are joined (RFC 9112 section 5.2); one that is no field
 * (no colon, a blank before it, a control character) is skipped, and the connection is not kept. Blanks behind a chunk
 * size are skipped. A content coding is noted and left to the caller.
 *
 * A field longer than the line buffer is an error (SBS_ERR_TOO_LARGE) if its name does not fit, or is Age, Connection,
 * Content-Encoding, Content-Length, Content-Type, Date, ETag, Retry-After or Transfer-Encoding; others are
 * checked and skipped. A chunk size with its extension must fit as well. All head and trailer bytes together are
 * bounded by SBS_HTTP_HEADER_MAX.
 */
typedef struct sbs_http_reader {
    uint16_t status;  /**< of the final answer, 0 before */
    bool keep_alive;  /**< the connection can serve another request (valid once done) */
    bool until_close; /**< the body ends with the connection (complete only with an authenticated end) */
    bool has_length;  /**< Content-Length was given */
    uint8_t coding;   /**< sbs_http_coding of the body */
    /* Small and often used members come first: their offsets fit the short Thumb encodings. */
    struct {
        uint8_t state;
        uint8_t interim_count;
        uint8_t flags;
        char *line;
        size_t line_size;
        size_t line_len;
        uint64_t remaining;
        uint64_t body_total;
        size_t head_total;
        uint64_t body_max;
    } priv;
    uint64_t content_length;
    sbs_text name; /**< of SBS_HTTP_FIELD; spans into the line buffer */
    sbs_text value;
} sbs_http_reader;

/** @p line: memory for one header line, at least 128 bytes; stays the caller's; must live as long as the reader.
 *  @p body_max: most body bytes before SBS_ERR_TOO_LARGE, 0: no limit. Not for answers to HEAD, which have none. */
void sbs_http_reader_init(sbs_http_reader *reader, char *line, size_t line_size, uint64_t body_max);

/**
 * Takes input and reports the next event. @p out_used: bytes of @p data taken; feed the rest again, also
 * when nothing is left (@p data may be NULL with @p len 0), until SBS_HTTP_MORE or SBS_HTTP_DONE. For SBS_HTTP_BODY,
 * @p out_body is a span of @p data.
 * @return SBS_OK with an event; SBS_ERR_HTTP, SBS_ERR_TOO_LARGE: the connection must be closed, the reader is dead
 * (SBS_ERR_STATE from then on).
 */
SBS_NODISCARD sbs_status sbs_http_reader_feed(sbs_http_reader *reader, const char *data, size_t len, size_t *out_used,
                                              sbs_http_event *out_event, sbs_text *out_body);

/** Tells the reader that the peer ended the stream in an authenticated way. SBS_OK: the message is complete by that
 *  (close-delimited body); SBS_ERR_TRUNCATED otherwise (RFC 9112 section 8). */
SBS_NODISCARD sbs_status sbs_http_reader_end(sbs_http_reader *reader);

/** Retry-After (RFC 9110 section 10.2.3): seconds or any HTTP-date, clamped to 0..@p max_s. A date needs a known
 *  @p now_utc_s (SBS_ERR_NO_TIME otherwise) and is 0 if past. Values that are neither give SBS_ERR_FORMAT; "epoch
 *  seconds" and other absurd values are clamped. */
SBS_NODISCARD sbs_status sbs_http_retry_after(sbs_text value, int64_t now_utc_s, uint32_t max_s, uint32_t *out_s);

/** True if a Content-Type value names JSON: application/json, application/fhir+json or any application/...+json, with
 * or without parameters, without case. */
bool sbs_http_is_json(sbs_text content_type);

/**
 * Copies up to @p size - 1 bytes of @p text as one line of printable ASCII with a NUL; others become '?' (runs of
 * white space one space, none at the ends; one '?' for a UTF-8 character). For the server's words in messages: this
 * one place may shorten. @p out may be the memory of @p text.
 */
void sbs_http_sanitise(sbs_text text, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
