/* SPDX-License-Identifier: Apache-2.0 */
#include "memory_stream.h"

#include <string.h>

static sbs_status memory_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    memory_stream *memory = ctx;
    (void)host;
    (void)port;
    (void)now;
    ++memory->opened;
    return memory->open_status;
}

static sbs_status memory_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    memory_stream *memory = ctx;
    *out_sent = 0;
    if (len > memory->output_size - memory->output_len) {
        return SBS_ERR_NETWORK;
    }
    memcpy(memory->output + memory->output_len, data, len);
    memory->output_len += len;
    *out_sent = len;
    return SBS_OK;
}

static sbs_status memory_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    memory_stream *memory = ctx;
    size_t left = memory->input_len - memory->received;
    *out_len = left < size ? left : size;
    if (*out_len == 0) {
        return memory->end;
    }
    memcpy(buffer, memory->input + memory->received, *out_len);
    memory->received += *out_len;
    return SBS_OK;
}

static void memory_close(void *ctx) {
    memory_stream *memory = ctx;
    ++memory->closed;
}

static sbs_wait memory_waits_for(void *ctx) {
    (void)ctx;
    return (sbs_wait){.timeout_ms = SBS_WAIT_FOREVER, .events = SBS_WAIT_READ, .descriptor = -1};
}

static int32_t memory_last_code(void *ctx) {
    (void)ctx;
    return 0;
}

static const sbs_stream_ops plain_ops = {
    .open = memory_open,
    .send = memory_send,
    .receive = memory_receive,
    .close = memory_close,
    .waits_for = memory_waits_for,
    .last_code = memory_last_code,
    .secured = false,
};

static const sbs_stream_ops secured_ops = {
    .open = memory_open,
    .send = memory_send,
    .receive = memory_receive,
    .close = memory_close,
    .waits_for = memory_waits_for,
    .last_code = memory_last_code,
    .secured = true,
};

void memory_stream_init(memory_stream *memory, bool secured, sbs_stream *out_stream) {
    memory->received = 0;
    memory->output_len = 0;
    memory->opened = 0;
    memory->closed = 0;
    *out_stream = (sbs_stream){secured ? &secured_ops : &plain_ops, memory};
}
