/* SPDX-License-Identifier: Apache-2.0 */
/* A stream over memory: what the peer sends is given beforehand, what is sent to it is recorded. */
#ifndef MEMORY_STREAM_H
#define MEMORY_STREAM_H

#include "sbs/stream.h"

typedef struct memory_stream {
    const uint8_t *input; /* what the peer sends */
    size_t input_len;
    size_t received;
    sbs_status end;  /* what comes after it: SBS_END, SBS_ERR_TRUNCATED, SBS_PENDING for ever, any error */
    uint8_t *output; /* where sent bytes go; more than output_size is SBS_ERR_NETWORK */
    size_t output_size;
    size_t output_len;
    sbs_status open_status; /* what open() returns */
    unsigned opened;
    unsigned closed;
} memory_stream;

/* Makes @p out_stream one over @p memory, whose fields the caller has set. */
void memory_stream_init(memory_stream *memory, bool secured, sbs_stream *out_stream);

#endif
