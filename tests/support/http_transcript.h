/* SPDX-License-Identifier: Apache-2.0 */
/* Reads HTTP answers in pieces and keeps what the reader told, for the tests of the reader. */
#ifndef HTTP_TRANSCRIPT_H
#define HTTP_TRANSCRIPT_H

#include "sbs/http.h"

#define OK_LINE "HTTP/1.1 200 OK\r\n"

/* The size of the line buffer that the reader gets, the smallest legal one; what follows it is filled with '#'. */
#define TRANSCRIPT_LINE_SIZE 128

/* What the reader told about one message, as text: "200 [name=value] <body> end" and so on. */
typedef struct transcript {
    char text[2048];
    size_t len;
    bool in_body;
    sbs_status status;
    size_t used;
    sbs_http_reader reader;
    char line[TRANSCRIPT_LINE_SIZE + 16];
} transcript;

void transcript_begin(transcript *t, uint64_t body_max);

/* Feeds one piece; false once the message is complete or refused. */
bool transcript_feed(transcript *t, const char *data, size_t len);

/* Tells the reader that the stream ended. */
void transcript_end(transcript *t);

/* Reads @p len bytes in three pieces that end at @p first, @p second and @p len; then the stream ends. */
void transcript_read_split(transcript *t, const char *data, size_t len, uint64_t body_max, size_t first, size_t second);

/* Reads a whole message in one piece. */
void transcript_read(transcript *t, const char *message, uint64_t body_max);

/* The message must give this transcript. */
void assert_read(const char *message, const char *expected);

/* The message must give this error. */
void assert_refused(const char *message, sbs_status expected);

#endif
