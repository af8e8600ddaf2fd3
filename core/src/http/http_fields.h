/* SPDX-License-Identifier: Apache-2.0 */
/* The header fields that frame a message or end a connection, and which others are too important to skip. */
#ifndef SBS_HTTP_FIELDS_H
#define SBS_HTTP_FIELDS_H

#include "sbs/http.h"

/* priv.flags of the reader. */
enum {
    SBS_HTTP_HAS_CR = 1,      /* the last byte of the line was CR: only LF may follow */
    SBS_HTTP_OVERLONG = 2,    /* the line buffer holds only the beginning of the line */
    SBS_HTTP_VERSION_1_0 = 4, /* of the last status line */
    SBS_HTTP_CHUNKED = 8,     /* Transfer-Encoding: chunked */
    SBS_HTTP_CLOSE = 16,      /* Connection: close */
    SBS_HTTP_KEEP_ALIVE = 32, /* Connection: keep-alive */
    SBS_HTTP_LINE_END = 64,   /* a field line ended; the next byte tells whether it goes on */
    SBS_HTTP_FOLDED = 128     /* the line was joined from several */
};

/* The fields that the reader or the client use; the first four are those that sbs_http_apply_field knows. */
enum {
    SBS_HTTP_CONNECTION,
    SBS_HTTP_CONTENT_LENGTH,
    SBS_HTTP_CONTENT_ENCODING,
    SBS_HTTP_TRANSFER_ENCODING,
    SBS_HTTP_CONTENT_TYPE,
    SBS_HTTP_DATE,
    SBS_HTTP_AGE,
    SBS_HTTP_RETRY_AFTER,
    SBS_HTTP_ETAG,
    /* Those above are an error where they do not fit; these are skipped like others: an answer counts without them. */
    SBS_HTTP_LOCATION,
    SBS_HTTP_WWW_AUTHENTICATE,
    SBS_HTTP_OTHER_FIELD
};

/* Which of them @p name is, without case. */
int sbs_http_field_of(sbs_text name);

/* Takes up what @p name means to the reader. SBS_ERR_HTTP: framing that is not supported. */
SBS_NODISCARD sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value);

#endif
