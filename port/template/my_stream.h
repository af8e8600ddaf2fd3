/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MY_STREAM_H
#define MY_STREAM_H

#include "sbs/stream.h"

/** The context: your socket or modem handle, and what is known of the connection. */
typedef struct my_stream {
    bool is_open;
    int32_t last_code;
} my_stream;

/** Makes @p out_stream a byte stream over @p state, which must outlive it. */
void my_stream_init(my_stream *state, sbs_stream *out_stream);

#endif
