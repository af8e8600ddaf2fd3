/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file http_request_reader.h
 * A strict incremental reader of HTTP/1.1 requests (RFC 9112), for servers. It holds no bytes: the head stands in the
 * caller's memory, the body comes out as spans of the input.
 *
 * An answer is read forgivingly (http.h): a client has asked for it, and one connection serves one program. A request
 * comes from anybody, perhaps through others who read it, too. So whatever two readers may understand in two ways is
 * refused, and the refusal says with which HTTP status and why.
 */
#ifndef SBS_HTTP_REQUEST_READER_H
#define SBS_HTTP_REQUEST_READER_H

#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A header field; both spans without blanks around them. */
typedef struct sbs_http_field {
    sbs_text name, value;
} sbs_http_field;

/** Limits, all of which are required. */
typedef struct sbs_http_request_limits {
    size_t head_max;   /**< bytes of request line and fields; also of chunk extensions and trailers together */
    size_t fields_max; /**< header fields */
    uint64_t body_max; /**< bytes of the body */
} sbs_http_request_limits;

/**
 * The reader. Refused with 400: a bare CR or LF, NUL and other control characters, a folded field, a name that is no
 * token (so also a blank before the colon), a missing or second Host in HTTP/1.1, a Host that is none, two
 * Content-Lengths even if they agree, a Content-Length that is not digits alone, Content-Length together with
 * Transfer-Encoding, two Transfer-Encodings, one in HTTP/1.0 or whose last coding is not "chunked" (RFC 9112 section
 * 6.3), a chunk size that is not 1 to 16 hexadecimal digits, and a target that is no absolute path: the absolute form,
 * which RFC 9112 section 3.2.2 wants servers to take, names a host for the second time. With 413: a body over its
 * limit; 414 and 431: a request line, a head over its limit; 417: an Expect other than 100-continue; 501: transfer
 * codings before "chunked"; 505: a version other than 1.0 and 1.1.
 *
 * One empty line before the request line is skipped (section 2.2), chunk extensions and trailers are checked, counted
 * and skipped (sections 7.1.1 and 7.1.2).
 */
typedef struct sbs_http_request_reader {
    size_t head_len;         /**< bytes of the head with its empty line; 0 until it is whole */
    size_t field_count;      /**< of the head, once it is whole */
    uint64_t content_length; /**< 0 where none was given */
    bool chunked;
    bool keep_alive;       /**< the peer takes another answer on this connection */
    bool expects_continue; /**< it waits for 100 (Continue) before it sends the body (RFC 9110 section 10.1.1) */
    bool version_1_0;
    uint16_t refusal; /**< after an error: the HTTP status to answer with; the connection must be closed behind it */
    const char *why;  /**< after an error: a static sentence without final dot */
    struct {
        const sbs_http_request_limits *limits;
        uint8_t state;
        uint8_t flags;
        uint8_t digits;    /* of the chunk size under way */
        size_t scanned;    /* bytes of the head looked at */
        size_t line_start; /* of the line under way */
        size_t extra;      /* bytes of chunk extensions and trailers */
        uint64_t remaining;
        uint64_t body_total;
    } priv;
} sbs_http_request_reader;

/** Prepares for one request. @p limits must live as long as the reader. */
void sbs_http_request_reader_init(sbs_http_request_reader *reader, const sbs_http_request_limits *limits);

/**
 * Looks on at the head, which begins at @p data[0]: the bytes of the calls before, and new ones behind them, wherever
 * the memory is now.
 * @return SBS_OK: the head is whole, reader->head_len bytes, and what follows is the body; SBS_PENDING: all @p len
 * bytes are well so far; SBS_ERR_HTTP, SBS_ERR_TOO_LARGE: see reader->refusal; the same again from then on.
 */
SBS_NODISCARD sbs_status sbs_http_request_reader_head(sbs_http_request_reader *reader, const char *data, size_t len);

/**
 * Takes bytes behind the head. @p out_used: bytes taken; @p out_body: a span of @p data that belongs to the body,
 * absent if there is none.
 * @return SBS_OK: the request is whole, what was not taken is the next one's; SBS_PENDING: feed what was not taken, and
 * more; SBS_ERR_HTTP, SBS_ERR_TOO_LARGE as above; SBS_ERR_STATE: before the head is whole.
 */
SBS_NODISCARD sbs_status sbs_http_request_reader_body(sbs_http_request_reader *reader, const char *data, size_t len,
                                                      size_t *out_used, sbs_text *out_body);

/** A head in its parts: spans of it. */
typedef struct sbs_http_request_head {
    sbs_text method; /**< as it was sent */
    sbs_text path;   /**< begins with '/', not decoded, without query */
    sbs_text query;  /**< behind '?', not decoded; absent if there is none */
    size_t field_count;
} sbs_http_request_head;

/** Splits a head that sbs_http_request_reader_head() found whole. @p fields has room for @p fields_max; what is more
 *  is left out. */
void sbs_http_request_split(const char *head, size_t len, sbs_http_request_head *out, sbs_http_field *fields,
                            size_t fields_max);

#ifdef __cplusplus
}
#endif
#endif
