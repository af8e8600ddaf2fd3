/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *fake_find(const void *data, size_t len, const char *text) {
    size_t text_len = strlen(text);
    for (const char *at = data; len >= text_len; at++, len--) {
        if (memcmp(at, text, text_len) == 0) {
            return at;
        }
    }
    return NULL;
}

static const char *end_of_head(const char *request, size_t len) {
    const char *end = fake_find(request, len, "\r\n\r\n");
    return end == NULL ? NULL : end + 4;
}

bool fake_request_is(const char *request, size_t len, const char *start) {
    return len >= strlen(start) && memcmp(request, start, strlen(start)) == 0;
}

bool fake_field(const char *request, size_t len, const char *name, char *out, size_t size) {
    const char *end = end_of_head(request, len);
    size_t name_len = strlen(name);
    for (const char *line = request; end != NULL && line < end - 2;) {
        const char *stop = line;
        while (memcmp(stop, "\r\n", 2) != 0) {
            stop++;
        }
        if ((size_t)(stop - line) > name_len + 2 && strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            size_t value_len = (size_t)(stop - line) - name_len - 2;
            if (value_len >= size) {
                abort();
            }
            memcpy(out, line + name_len + 2, value_len);
            out[value_len] = '\0';
            return true;
        }
        line = stop + 2;
    }
    return false;
}

sbs_text fake_body(const char *request, size_t len) {
    const char *start = end_of_head(request, len);
    return (sbs_text){start, len - (size_t)(start - request)};
}

void fake_send(fake_server *server, const char *text) {
    size_t len = strlen(text);
    if (len > sizeof server->out - server->out_len) {
        abort();
    }
    memcpy(server->out + server->out_len, text, len);
    server->out_len += len;
}

void fake_answer(fake_server *server, unsigned status, const char *fields, const char *body) {
    char head[64];
    snprintf(head, sizeof head, "HTTP/1.1 %u X\r\n", status);
    fake_send(server, head);
    fake_send(server, fields);
    if (status != 204) {
        snprintf(head, sizeof head, "Content-Length: %zu\r\n", strlen(body));
        fake_send(server, head);
    }
    fake_send(server, "\r\n");
    fake_send(server, body);
}

/* True if the call must say "not yet". */
static bool holds_back(fake_server *server) {
    server->was_pending = server->pending_first && !server->was_pending;
    return server->stalled || server->was_pending;
}

/* How many of @p wanted bytes may move before the fault; strikes it when none may. */
static size_t allowance(fake_server *server, size_t wanted) {
    size_t most = server->one_byte && wanted > 1 ? 1 : wanted;
    if (server->fault_at == FAKE_NEVER || server->moved + most <= server->fault_at) {
        return most;
    }
    if (server->moved < server->fault_at) {
        return server->fault_at - server->moved;
    }
    server->fault_at = FAKE_NEVER;
    server->broken = server->fault == FAKE_CLOSE;
    server->ended = server->fault == FAKE_END;
    server->stalled = server->fault == FAKE_STALL;
    return 0;
}

static sbs_status fake_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    fake_server *server = ctx;
    (void)now;
    if (holds_back(server)) {
        return SBS_PENDING;
    }
    if (server->open_fails != SBS_OK) {
        sbs_status status = server->open_fails;
        server->open_fails = SBS_OK;
        return status;
    }
    snprintf(server->host, sizeof server->host, "%s", host);
    server->port = port;
    server->opens++;
    server->is_open = true;
    return SBS_OK;
}

static void serve(fake_server *server) {
    char length[24] = "0";
    const char *body = end_of_head(server->in, server->in_len);
    if (body == NULL) {
        return;
    }
    (void)fake_field(server->in, server->in_len, "Content-Length", length, sizeof length);
    size_t total = (size_t)(body - server->in) + strtoul(length, NULL, 10);
    if (server->in_len < total) {
        return;
    }
    if (server->in_len > total) {
        abort(); /* nothing may be pipelined */
    }
    server->requests++;
    server->handler(server, server->in, total);
    server->in_len = 0;
}

static sbs_status fake_send_op(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    fake_server *server = ctx;
    if (!server->is_open || len == 0 || len > sizeof server->in - server->in_len) {
        abort();
    }
    if (holds_back(server)) {
        return SBS_PENDING;
    }
    size_t take = allowance(server, len);
    if (server->broken || server->ended) {
        return SBS_ERR_TRUNCATED;
    }
    if (take == 0) {
        return SBS_PENDING;
    }
    memcpy(server->in + server->in_len, data, take);
    server->in_len += take;
    server->moved += take;
    *out_sent = take;
    serve(server);
    return SBS_OK;
}

static sbs_status fake_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    fake_server *server = ctx;
    if (!server->is_open || size == 0) {
        abort();
    }
    size_t waiting = server->out_len - server->out_taken;
    if (holds_back(server)) {
        return SBS_PENDING;
    }
    if (waiting == 0 && server->close_after) {
        server->ended = true;
    }
    size_t take = waiting == 0 ? 0 : allowance(server, waiting < size ? waiting : size);
    if (server->broken) {
        return SBS_ERR_TRUNCATED;
    }
    if (server->ended) {
        return SBS_END;
    }
    if (take == 0) {
        return SBS_PENDING;
    }
    memcpy(buffer, server->out + server->out_taken, take);
    server->out_taken += take;
    server->moved += take;
    if (server->out_taken == server->out_len) {
        server->out_taken = 0;
        server->out_len = 0;
    }
    *out_len = take;
    return SBS_OK;
}

static void fake_close(void *ctx) {
    fake_server *server = ctx;
    server->is_open = server->broken = server->ended = server->stalled = server->close_after = false;
    server->in_len = server->out_len = server->out_taken = 0;
}

static sbs_wait fake_waits_for(void *ctx) {
    fake_server *server = ctx;
    bool soon = server->was_pending && !server->stalled;
    return (sbs_wait){.timeout_ms = soon ? 0 : SBS_WAIT_FOREVER, .events = SBS_WAIT_READ, .descriptor = -1};
}

static int32_t fake_last_code(void *ctx) {
    (void)ctx;
    return 42;
}

void fake_server_init(fake_server *server, fake_handler handler, void *ctx) {
    memset(server, 0, sizeof *server);
    server->ops =
        (sbs_stream_ops){fake_open, fake_send_op, fake_receive, fake_close, fake_waits_for, fake_last_code, true};
    server->stream = (sbs_stream){&server->ops, server};
    server->fault_at = FAKE_NEVER;
    server->handler = handler;
    server->ctx = ctx;
}
