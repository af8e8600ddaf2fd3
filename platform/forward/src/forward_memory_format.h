/* SPDX-License-Identifier: Apache-2.0 */
/* The two files of a memory as texts: a line for each fact, and a checksum in the last. */
#ifndef SBS_FORWARD_MEMORY_FORMAT_H
#define SBS_FORWARD_MEMORY_FORMAT_H

#include "sbs/forward_memory.h"

/* Reads the facts of a file that are not too old. False if it is of another kind or binding, or damaged: then nothing
 * of it is known. */
bool sbs_forward_memory_facts_read(sbs_forward_memory *memory, sbs_text text);
/* SBS_ERR_MEMORY. */
sbs_status sbs_forward_memory_facts_put(const sbs_forward_memory *memory, sbs_forward_buffer *text);

/* Reads a token, as spans of @p text, and what is left of its time. False if it is over, of another boot, another kind
 * or binding, or damaged. */
bool sbs_forward_memory_token_read(const sbs_forward_memory *memory, sbs_text text, sbs_client_memory *out);
sbs_status sbs_forward_memory_token_put(const sbs_forward_memory *memory, const sbs_token_view *token,
                                        sbs_forward_buffer *text);

#endif
