/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are there whole or not at all; shared by storage and key files. */
#ifndef SBS_ATOMIC_FILE_H
#define SBS_ATOMIC_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** What is written, in up to two parts. */
typedef struct sbs_file_content {
    const void *head;
    size_t head_len;
    const void *body;
    size_t body_len;
} sbs_file_content;

/**
 * Replaces @p name in the folder @p folder_fd through the temporary file @p temporary, durably. With @p overwrite false
 * an existing @p name is EEXIST. 0, or the errno value of what failed; then the old file is in place, except after a
 * failed fsync of the folder, when it is the old or the new one.
 */
int sbs_atomic_replace(int folder_fd, const char *name, const char *temporary, const sbs_file_content *content,
                       mode_t mode, bool overwrite);

/** Writes to an open descriptor: all of it, or the errno value of what failed. */
int sbs_write_all(int fd, const void *data, size_t len);

/** Makes renamed and removed entries of a folder durable. 0 or the errno value. */
int sbs_sync_folder(int folder_fd);

#endif
