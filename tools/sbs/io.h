/* SPDX-License-Identifier: Apache-2.0 */
/** @file io.h Files in, standard output out. Everything is held in buffers of our own, which are wiped. */
#ifndef SBS_CLI_IO_H
#define SBS_CLI_IO_H

#include "sbs/forward_buffer.h"

/** Growing memory. */
typedef sbs_forward_buffer cli_buffer;

static inline bool cli_buffer_reserve(cli_buffer *buffer, size_t extra) {
    return sbs_forward_buffer_reserve(buffer, extra);
}
static inline sbs_status cli_buffer_put(void *buffer, const char *data, size_t len) {
    return sbs_forward_buffer_put(buffer, data, len);
}
static inline void cli_buffer_free(cli_buffer *buffer) {
    sbs_forward_buffer_free(buffer);
}
static inline sbs_text cli_buffer_text(const cli_buffer *buffer) {
    return sbs_forward_buffer_text(buffer);
}

/**
 * Reads a whole file of at most @p max bytes, "-" is standard input. @p what names it in messages ("key").
 * Returns an exit status; on a failure a message was printed and the buffer is empty.
 */
int cli_read_file(const char *path, const char *what, size_t max, cli_buffer *out);

/** True if more than its owner, and a group that only reads, may use a regular file: keys, PINs. */
bool cli_is_open_to_others(const char *path, unsigned *out_mode);

/** A file that is read piece by piece. */
typedef struct cli_input {
    const char *what, *path; /**< for messages */
    int descriptor;
} cli_input;

/** Opens @p path, "-" is standard input. Returns an exit status; on a failure a message was printed. */
int cli_input_open(cli_input *input, const char *path, const char *what);
/** Reads until @p out is full, making it larger if it is, or until the end of the file, which is told in @p out_end.
 * Returns as cli_input_open() does. */
int cli_input_fill(const cli_input *input, cli_buffer *out, bool *out_end);
void cli_input_close(const cli_input *input);

/** Makes @p writer write to standard output's buffer. */
void cli_output(sbs_writer *writer);
/** Writes out what standard output's buffer holds. Returns an exit status. */
int cli_output_flush(void);
/** Wipes and frees it. */
void cli_output_discard(void);

#endif
