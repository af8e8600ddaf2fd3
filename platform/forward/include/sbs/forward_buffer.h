/* SPDX-License-Identifier: Apache-2.0 */
/** @file forward_buffer.h Memory that grows, and JSON texts of any size. What it held is wiped. */
#ifndef SBS_FORWARD_BUFFER_H
#define SBS_FORWARD_BUFFER_H

#include "sbs/json.h"
#include "sbs/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Growing memory; zero-initialise. */
typedef struct sbs_forward_buffer {
    char *data;
    size_t len;
    size_t size;
} sbs_forward_buffer;

/** Makes room for @p extra more bytes. False if there is no memory. */
bool sbs_forward_buffer_reserve(sbs_forward_buffer *buffer, size_t extra);
/** Appends @p len bytes; SBS_ERR_MEMORY. A sbs_sink with the buffer as its context. */
sbs_status sbs_forward_buffer_put(void *buffer, const char *data, size_t len);
/** Wipes what it holds and keeps the memory. */
void sbs_forward_buffer_clear(sbs_forward_buffer *buffer);
/** Wipes and frees. Legal after zero-initialisation, and twice. */
void sbs_forward_buffer_free(sbs_forward_buffer *buffer);
/** What it holds; valid until it changes. */
sbs_text sbs_forward_buffer_text(const sbs_forward_buffer *buffer);

/** A JSON text that was parsed into tokens of its own; zero-initialise. */
typedef struct sbs_forward_json {
    sbs_json doc;
    sbs_json_token *tokens;
    size_t capacity;
} sbs_forward_json;

/** Allocates enough tokens for @p text, whatever is in it. False if there is no memory. */
bool sbs_forward_json_reserve(sbs_forward_json *json, sbs_text text);
/** Reserves and parses @p text, which must stay in place. @p out_where as sbs_json_parse(), may be NULL. Errors of
 * sbs_json_parse(), SBS_ERR_MEMORY. */
sbs_status sbs_forward_json_parse(sbs_forward_json *json, sbs_text text, size_t *out_where);
/** Frees the tokens. Legal after zero-initialisation, and twice. */
void sbs_forward_json_free(sbs_forward_json *json);

#ifdef __cplusplus
}
#endif
#endif
