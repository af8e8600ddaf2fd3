/* SPDX-License-Identifier: Apache-2.0 */
/* What a proxy answers gives the same in any pieces, and leaves nothing of the login behind; URLs of proxies and lists
 * of exceptions are bounded. */
#define _GNU_SOURCE /* memmem */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/linux_proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good) {
    if (!good) {
        abort();
    }
}

/* A connection that gives its bytes in pieces of a size, and then ends. */
typedef struct peer {
    const uint8_t *data;
    size_t len, at, piece;
} peer;

static sbs_status peer_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    (void)ctx;
    (void)now;
    check(strcmp(host, "p.test") == 0 && port == 1);
    return SBS_OK;
}

static sbs_status peer_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    (void)ctx;
    (void)data;
    *out_sent = len;
    return SBS_OK;
}

static sbs_status peer_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    peer *from = ctx;
    size_t len = from->len - from->at;
    len = len < size ? len : size;
    len = len < from->piece ? len : from->piece;
    *out_len = len;
    if (len == 0) {
        return SBS_END;
    }

    memcpy(buffer, from->data + from->at, len);
    from->at += len;
    return SBS_OK;
}

static void peer_close(void *ctx) {
    (void)ctx;
}

static sbs_wait peer_waits_for(void *ctx) {
    (void)ctx;
    return (sbs_wait){.descriptor = -1};
}

static int32_t peer_last_code(void *ctx) {
    (void)ctx;
    return 0;
}

static const sbs_stream_ops peer_ops = {peer_open,      peer_send,      peer_receive, peer_close,
                                        peer_waits_for, peer_last_code, false};

/* What came of it: the status, the problem, and how many bytes were the server's. */
typedef struct outcome {
    sbs_status status;
    sbs_linux_proxy_problem problem;
    size_t tunnelled;
} outcome;

static outcome answer_in_pieces(const uint8_t *data, size_t size, size_t piece) {
    peer from = {data, size, 0, piece};
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault;
    sbs_linux_proxy_stream tunnel;
    sbs_stream raw = {&peer_ops, &from};
    sbs_stream stream;

    check(sbs_linux_proxy_parse("a:QQQQ@p.test:1", &proxy, &fault) == SBS_OK);
    sbs_linux_proxy_stream_init(&tunnel, &proxy, 0, &raw, &stream);
    outcome out = {.status = stream.ops->open(stream.ctx, "h.test", 443, (sbs_now){.mono_ms = 1})};
    out.problem = sbs_linux_proxy_stream_problem(&tunnel);
    check((out.status == SBS_OK) == (out.problem == SBS_LINUX_PROXY_NO_PROBLEM));

    uint8_t buffer[64];
    size_t len;
    while (out.status == SBS_OK && stream.ops->receive(stream.ctx, buffer, sizeof buffer, &len) == SBS_OK) {
        out.tunnelled += len;
    }
    check(out.tunnelled <= size);
    check(memmem(tunnel.priv.buffer, sizeof tunnel.priv.buffer, "QQQQ", 4) == NULL ||
          memmem(data, size, "QQQQ", 4) != NULL);

    sbs_linux_proxy_stream_deinit(&tunnel);
    return out;
}

static void take_texts(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1);
    sbs_linux_proxy proxy;
    sbs_linux_proxy_fault fault;
    memcpy(text, data, size);
    text[size] = '\0';

    sbs_status status = sbs_linux_proxy_parse(text, &proxy, &fault);
    check((status == SBS_OK) == (fault == SBS_LINUX_PROXY_NO_FAULT));
    check(status != SBS_OK || (proxy.host[0] != '\0' && proxy.port != 0 && strpbrk(proxy.login, "\r\n") == NULL));
    check(!sbs_linux_proxy_serves(text, "127.0.0.1", 443));
    (void)sbs_linux_proxy_serves(text, "a.fhir.test", 443);
    (void)sbs_linux_proxy_serves(text, "10.1.2.3", 443);
    (void)sbs_linux_proxy_serves(text, "fd00::1", 443);
    (void)sbs_linux_proxy_serves("a", text, 443);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }

    size_t piece = data[0] % 64 + 1u;
    outcome whole = answer_in_pieces(data + 1, size - 1, SIZE_MAX);
    outcome parts = answer_in_pieces(data + 1, size - 1, piece);
    check(whole.status == parts.status && whole.problem == parts.problem && whole.tunnelled == parts.tunnelled);
    take_texts(data + 1, size - 1);
    return 0;
}
