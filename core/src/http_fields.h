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
    SBS_HTTP_KEEP_ALIVE = 32  /* Connection: keep-alive */
};

/* Takes up what @p name means to the reader. SBS_ERR_HTTP: framing or content coding that is not supported. */
SBS_NODISCARD sbs_status sbs_http_apply_field(sbs_http_reader *reader, sbs_text name, sbs_text value);

/* True for the fields that the reader or the client use: one that does not fit is an error then. */
bool sbs_http_is_needed(sbs_text name);

#endif
