/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file trace.h
 * A stream around another one that shows on stderr what passes: request and status lines, field names and the values
 * that are no secret, sizes and times. Tokens and assertions appear as a length and the start of their SHA-256. What
 * was sent of them is noted as a secret, so that no message repeats it; a trace that is not shown does that alone.
 */
#ifndef SBS_CLI_TRACE_H
#define SBS_CLI_TRACE_H

#include "sbs/stream.h"

/** What to say of a connection that is open: "TLSv1.3", or "" for nothing. */
typedef const char *(*cli_trace_describe)(const void *ctx);

typedef struct cli_trace {
    sbs_stream inner;
    sbs_stream_ops ops;
    cli_trace_describe describe;
    char *line; /* the line, or the pair of a form, that is being read */
    size_t line_len;
    size_t body_len;
    uint64_t open_ms, request_ms, answer_ms;
    unsigned phase;
    bool first_line, line_too_long, form, interim, silent;
} cli_trace;

/** Wraps @p inner, whose ctx is handed to @p describe (may be NULL). @p trace must stay in place while the stream is in
 *  use. False if there is no memory. */
bool cli_trace_init(cli_trace *trace, const sbs_stream *inner, cli_trace_describe describe, sbs_stream *out_stream);
/** Makes it silent: it shows nothing, but still notes what must not appear in messages. */
void cli_trace_hide(cli_trace *trace);
/** Shows what is pending, wipes and frees. Legal after zero-initialisation. */
void cli_trace_deinit(cli_trace *trace);

#endif
