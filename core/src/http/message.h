/* SPDX-License-Identifier: Apache-2.0 */
/* Internal: one line of the server's own words, put together from members of its JSON. */
#ifndef SBS_MESSAGE_H
#define SBS_MESSAGE_H

#include "sbs/flat.h"

/** A line in the caller's memory; always NUL-terminated. What does not fit is cut: it is for people to read. */
typedef struct sbs_message {
    char *text;
    size_t size; /**< at least 1 */
    size_t len;
} sbs_message;

/** Starts an empty line; @p size 0 is legal and nothing is written then. */
void sbs_message_init(sbs_message *message, char *text, size_t size);

/** Appends @p prefix, unless the line is empty, and the string value @p node as sanitised text; nothing for other kinds
 * and for empty strings. */
void sbs_message_put(sbs_message *message, const char *prefix, const sbs_flat *doc, sbs_json_node node);

/** The same for text that stands in no JSON string and is not empty. */
void sbs_message_put_text(sbs_message *message, const char *prefix, sbs_text text);

#endif
