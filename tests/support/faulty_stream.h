/* SPDX-License-Identifier: Apache-2.0 */
/* A raw stream over another one that goes wrong in chosen ways: splits, stalls, ends early, connects elsewhere. */
#ifndef FAULTY_STREAM_H
#define FAULTY_STREAM_H

#include "sbs/stream.h"

typedef struct faulty_stream {
    sbs_stream inner;
    const char *host;       /* connect here instead of the host asked for; NULL: as asked */
    uint16_t port;          /* and to this port; 0: as asked */
    size_t chunk;           /* at most this many bytes in one call; 0: no limit */
    bool stall;             /* every other send and receive is SBS_PENDING, with no time to wait */
    bool has_receive_limit; /* after receive_limit bytes receive() gives receive_end */
    bool has_send_limit;    /* after send_limit bytes send() is SBS_ERR_NETWORK */
    bool corrupts;          /* one bit of the received byte number corrupt_at is wrong */
    size_t corrupt_at;
    size_t receive_limit;
    size_t send_limit;
    sbs_status receive_end;
    size_t received; /* counted since open */
    size_t sent;
    unsigned calls;
    bool stalled; /* the last call */
} faulty_stream;

/* Makes @p out_stream one over @p faulty, whose first fields the caller has set. Counters start at zero. */
void faulty_stream_init(faulty_stream *faulty, sbs_stream *out_stream);

#endif
