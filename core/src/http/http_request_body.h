/* SPDX-License-Identifier: Apache-2.0 */
/* What head and body of a request share. */
#ifndef SBS_HTTP_REQUEST_BODY_H
#define SBS_HTTP_REQUEST_BODY_H

#include "sbs/http_request_reader.h"

/* priv.state of the reader. */
enum {
    SBS_HTTP_REQUEST_LINE,
    SBS_HTTP_REQUEST_FIELD,
    SBS_HTTP_REQUEST_SIZED, /* Content-Length bytes */
    SBS_HTTP_REQUEST_CHUNK_SIZE,
    SBS_HTTP_REQUEST_CHUNK_EXTENSION,
    SBS_HTTP_REQUEST_CHUNK_LF, /* of the line with the size */
    SBS_HTTP_REQUEST_CHUNK_DATA,
    SBS_HTTP_REQUEST_DATA_CR, /* behind the data */
    SBS_HTTP_REQUEST_DATA_LF,
    SBS_HTTP_REQUEST_TRAILER, /* the first byte of a line */
    SBS_HTTP_REQUEST_TRAILER_NAME,
    SBS_HTTP_REQUEST_TRAILER_VALUE,
    SBS_HTTP_REQUEST_TRAILER_LF,
    SBS_HTTP_REQUEST_LAST_LF,
    SBS_HTTP_REQUEST_DONE,
    SBS_HTTP_REQUEST_DEAD
};

/* Ends the reader with an HTTP status and a sentence; returns the error for it. */
sbs_status sbs_http_request_refuse(sbs_http_request_reader *reader, uint16_t http_status, const char *why);

/* The head is whole: chooses what the body is framed by. */
void sbs_http_request_begin_body(sbs_http_request_reader *reader);

#endif
