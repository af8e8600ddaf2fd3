/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a memory, and what they are bound to. */
#ifndef SBS_FORWARD_MEMORY_FILE_H
#define SBS_FORWARD_MEMORY_FILE_H

#include "sbs/forward_buffer.h"
#include "sbs/forward_server.h"

#define BINDING_SIZE 65u /* SHA-256 as hexadecimal digits, and a NUL */

/* A hash over all that what is learnt of a server depends on. SBS_ERR_CRYPTO, or why the key tells no public part. */
sbs_status sbs_forward_memory_bind(const sbs_forward_server_config *given, char out[BINDING_SIZE]);

/* Reads a file of at most @p max bytes that is this user's alone: regular, mode 0600, one link; the descriptor is what
 * is looked at. False if there is none, or it is another kind. */
bool sbs_forward_memory_file_read(const char *path, size_t max, sbs_forward_buffer *out);

/* Puts a file of mode 0600 in its place, whole or not at all as other processes see it. It is not made durable: after a
 * power cut it may be the old one, or damaged, which the reader notices. */
bool sbs_forward_memory_file_write(const char *path, sbs_text text);

/* Deletes a file of this user. */
void sbs_forward_memory_file_remove(const char *path);

/* The kernel's name of this boot; "" if it tells none. */
void sbs_forward_memory_boot(char *out, size_t size);

/* Where the token of a binding goes, to be freed; NULL if there is no memory. @p beside: the queue's file. */
char *sbs_forward_memory_token_path(const char *beside, const char *binding);

#endif
