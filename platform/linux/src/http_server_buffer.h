/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow only as they are needed. What is given up is wiped: requests carry secrets. */
#ifndef SBS_HTTP_SERVER_BUFFER_H
#define SBS_HTTP_SERVER_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sbs_http_buffer {
    char *data;
    size_t len;
    size_t size;
} sbs_http_buffer;

/* Makes room for at least @p more bytes, in all at most @p max. False: there is no memory, or it would be more. */
bool sbs_http_buffer_reserve(sbs_http_buffer *buffer, size_t more, size_t max);
/* Takes @p count bytes out, from @p at on. */
void sbs_http_buffer_remove(sbs_http_buffer *buffer, size_t at, size_t count);
/* Empties it, and keeps at most a little memory. */
void sbs_http_buffer_clear(sbs_http_buffer *buffer);
void sbs_http_buffer_free(sbs_http_buffer *buffer);

#endif
