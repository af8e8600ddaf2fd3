/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as bytes (RFC 9112 section 4). */
#ifndef SBS_HTTP_SERVER_ANSWER_H
#define SBS_HTTP_SERVER_ANSWER_H

#include "http_server_buffer.h"
#include "sbs/linux_http_server.h"

/* How the message is to be framed. */
typedef struct sbs_http_answer_frame {
    int64_t utc_s;    /* for Date; SBS_UTC_UNKNOWN: none */
    bool version_1_0; /* of the request */
    bool last;        /* the connection is closed behind it */
    bool head_only;   /* the answer to HEAD */
} sbs_http_answer_frame;

/* Writes it into @p out, which is empty. SBS_ERR_ARGUMENT: what would break the message; SBS_ERR_MEMORY. */
SBS_NODISCARD sbs_status sbs_http_answer_write(const sbs_linux_http_answer *answer, const sbs_http_answer_frame *frame,
                                               sbs_http_buffer *out);

/* The server's own: a sentence as text. @p sentence must be static. */
void sbs_http_answer_words(uint16_t status, const char *sentence, sbs_linux_http_answer *out);

#endif
