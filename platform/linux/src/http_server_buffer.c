/* SPDX-License-Identifier: Apache-2.0 */
#include "http_server_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "sbs/text.h"

#define BUFFER_FIRST 2048u
#define BUFFER_KEPT 4096u

bool sbs_http_buffer_reserve(sbs_http_buffer *buffer, size_t more, size_t max) {
    size_t size = buffer->size;
    if (more <= size - buffer->len) {
        return true;
    }
    if (more > max || buffer->len > max - more) {
        return false;
    }

    if (size < BUFFER_FIRST) {
        size = BUFFER_FIRST;
    }
    while (size < buffer->len + more) {
        size *= 2;
    }
    if (size > max) {
        size = max;
    }

    /* realloc() would leave the old bytes where they were. */
    char *data = malloc(size);
    if (data == NULL) {
        return false;
    }
    if (buffer->len > 0) {
        memcpy(data, buffer->data, buffer->len);
    }

    size_t len = buffer->len;
    sbs_http_buffer_free(buffer);
    *buffer = (sbs_http_buffer){data, len, size};
    return true;
}

void sbs_http_buffer_remove(sbs_http_buffer *buffer, size_t at, size_t count) {
    size_t behind = buffer->len - at - count;
    if (count == 0) {
        return;
    }

    if (behind > 0) {
        memmove(buffer->data + at, buffer->data + at + count, behind);
    }
    sbs_wipe(buffer->data + at + behind, count);
    buffer->len -= count;
}

void sbs_http_buffer_clear(sbs_http_buffer *buffer) {
    if (buffer->size > BUFFER_KEPT) {
        sbs_http_buffer_free(buffer);
        return;
    }

    sbs_wipe(buffer->data, buffer->len);
    buffer->len = 0;
}

void sbs_http_buffer_free(sbs_http_buffer *buffer) {
    sbs_wipe(buffer->data, buffer->len);
    free(buffer->data);
    *buffer = (sbs_http_buffer){NULL, 0, 0};
}
