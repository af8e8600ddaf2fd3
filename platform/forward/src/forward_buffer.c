/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_buffer.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 128u /* most hold a name; a push has one for each of 129 items */
#define SMALL_TEXT 4096u

bool sbs_forward_buffer_reserve(sbs_forward_buffer *buffer, size_t extra) {
    if (extra <= buffer->size - buffer->len) {
        return true;
    }
    if (extra > SIZE_MAX / 2 - buffer->len) {
        return false; /* the size could not be counted */
    }

    size_t size = buffer->size * 2;
    if (size == 0) {
        size = FIRST_SIZE;
    }
    while (size - buffer->len < extra) {
        size *= 2;
    }

    char *data = malloc(size); /* not realloc: the old memory would keep a copy */
    if (data == NULL) {
        return false;
    }

    if (buffer->len > 0) {
        memcpy(data, buffer->data, buffer->len);
    }
    sbs_wipe(buffer->data, buffer->len);
    free(buffer->data);

    buffer->data = data;
    buffer->size = size;
    return true;
}

sbs_status sbs_forward_buffer_put(void *buffer, const char *data, size_t len) {
    sbs_forward_buffer *to = buffer;

    if (!sbs_forward_buffer_reserve(to, len)) {
        return SBS_ERR_MEMORY;
    }

    if (len > 0) {
        memcpy(to->data + to->len, data, len);
    }

    to->len += len;
    return SBS_OK;
}

void sbs_forward_buffer_clear(sbs_forward_buffer *buffer) {
    sbs_wipe(buffer->data, buffer->len);
    buffer->len = 0;
}

void sbs_forward_buffer_free(sbs_forward_buffer *buffer) {
    sbs_wipe(buffer->data, buffer->size);
    free(buffer->data);

    *buffer = (sbs_forward_buffer){0};
}

sbs_text sbs_forward_buffer_text(const sbs_forward_buffer *buffer) {
    if (buffer->data == NULL) {
        return (sbs_text){"", 0};
    }

    return (sbs_text){buffer->data, buffer->len};
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

/* Before each value and each member name stands one of these, except before the root. A small text is not looked at
 * for that: with one at every other byte it takes little memory, too. */
static size_t token_bound(sbs_text text) {
    size_t count = 1;
    if (text.len <= SMALL_TEXT) {
        return text.len / 2 + 1;
    }

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        count += c == '{' || c == '[' || c == ',' || c == ':';
    }

    return count;
}

bool sbs_forward_json_reserve(sbs_forward_json *json, sbs_text text) {
    sbs_forward_json_free(json);
    json->capacity = token_bound(text);
    /* Known before it is parsed: no second try with more tokens. */
    json->tokens = calloc(json->capacity, sizeof *json->tokens);

    return json->tokens != NULL;
}

sbs_status sbs_forward_json_parse(sbs_forward_json *json, sbs_text text, size_t *out_where) {
    if (!sbs_forward_json_reserve(json, text)) {
        return SBS_ERR_MEMORY;
    }

    return sbs_json_parse(&json->doc, text.ptr, text.len, json->tokens, json->capacity, out_where);
}

void sbs_forward_json_free(sbs_forward_json *json) {
    free(json->tokens);
    *json = (sbs_forward_json){0};
}
