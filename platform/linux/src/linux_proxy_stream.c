/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection through a proxy:
 *
 *     IDLE ──▶ REACHING the proxy ──▶ ASKING ──▶ HEARING its answer ──▶ THROUGH
 *       └────▶ DIRECT, where the host is none for a proxy
 *
 * Of the answer only the status counts. Its fields are passed over, as is a length: a tunnel has no body
 * (RFC 9110 section 9.3.6). What stands behind the head is the server's, and the first that is received.
 */
#include <stdio.h>
#include <string.h>

#include "sbs/http.h"
#include "sbs/linux_proxy.h"

enum { IDLE, DIRECT, REACHING, ASKING, HEARING, THROUGH, FAILED };

#define ANSWER_TIMEOUT_MS 30000u
#define HEAD_MAX 16384u       /* bytes of all heads before the answer */
#define BARRED_MS 300000u     /* a login that was refused: some networks lock the user out */
#define STATUS_LINE_LEAST 12u /* "HTTP/1.1 200" */

/* ---- failures --------------------------------------------------------------------------------------------------- */

static void put_sentence(sbs_linux_proxy_stream *stream, const char *host) {
    const sbs_linux_proxy *proxy = stream->priv.proxy;
    unsigned http = stream->priv.http_status;
    char name[sizeof proxy->host + 8];
    char target[sizeof name];
    sbs_linux_proxy_place(proxy->host, proxy->port, name, sizeof name);
    sbs_linux_proxy_place(host, stream->priv.port, target, sizeof target);

    char *words = stream->priv.words;
    size_t size = sizeof stream->priv.words;
    switch (stream->priv.problem) {
    case SBS_LINUX_PROXY_NOT_REACHED:
        (void)snprintf(words, size, "it is the proxy %s", name);
        break;
    case SBS_LINUX_PROXY_SILENT:
        (void)snprintf(words, size, "the proxy %s does not answer", name);
        break;
    case SBS_LINUX_PROXY_CLOSED:
        (void)snprintf(words, size, "the proxy %s closed the connection without an answer", name);
        break;
    case SBS_LINUX_PROXY_NO_HTTP:
        (void)snprintf(words, size, "what answers at %s is no HTTP proxy", name);
        break;
    case SBS_LINUX_PROXY_WANTS_LOGIN:
        (void)snprintf(words, size, "the proxy %s wants a login (HTTP %u)", name, http);
        break;
    case SBS_LINUX_PROXY_REFUSES_LOGIN:
        (void)snprintf(words, size, "the proxy %s does not take the login that it was given (HTTP %u)", name, http);
        break;
    case SBS_LINUX_PROXY_REFUSES:
        (void)snprintf(words, size, "the proxy %s refuses to connect to %s (HTTP %u)", name, target, http);
        break;
    case SBS_LINUX_PROXY_FAILS:
        (void)snprintf(words, size, "the proxy %s could not connect to %s (HTTP %u)", name, target, http);
        break;
    default:
        words[0] = '\0';
    }
}

static void forget(sbs_linux_proxy_stream *stream) {
    sbs_wipe(stream->priv.buffer, sizeof stream->priv.buffer);
    stream->priv.len = stream->priv.at = stream->priv.head_len = 0;
    stream->priv.line_len = 0;
    stream->priv.in_fields = false;
}

static sbs_status fail(sbs_linux_proxy_stream *stream, sbs_linux_proxy_problem problem, const char *host,
                       sbs_status status) {
    stream->priv.problem = problem;
    stream->priv.state = FAILED;
    put_sentence(stream, host);
    forget(stream);
    return status;
}

/* ---- the answer ------------------------------------------------------------------------------------------------- */

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200 ..." or "HTTP/1.0 200"; 0: it is no such line. The line stands at the start of the buffer. */
static uint16_t take_status(const char *line, size_t len) {
    static const char version[] = "HTTP/1.";
    if (len < STATUS_LINE_LEAST || memcmp(line, version, sizeof version - 1) != 0) {
        return 0;
    }

    const char *digits = line + 9;
    bool formed = (line[7] == '0' || line[7] == '1') && line[8] == ' ' && is_digit(digits[0]) && is_digit(digits[1]) &&
                  is_digit(digits[2]) && (len == STATUS_LINE_LEAST || line[12] == ' ');
    if (!formed) {
        return 0;
    }

    return (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
}

/* What one byte of the head says. */
typedef enum head_state { HEAD_MORE, HEAD_ENDED, HEAD_WRONG } head_state;

/* Of the status line the start is kept, of fields only whether a line is empty. @p kept: memory for that start. */
static head_state take_head_byte(sbs_linux_proxy_stream *stream, char *kept, char c) {
    enum { KEPT = 16 };
    if (c == '\r') {
        return HEAD_MORE;
    }

    if (c != '\n') {
        if (!stream->priv.in_fields && stream->priv.line_len < KEPT) {
            kept[stream->priv.line_len] = c;
        }
        if (stream->priv.line_len < UINT8_MAX) {
            stream->priv.line_len++;
        }
        return HEAD_MORE;
    }

    size_t len = stream->priv.line_len;
    stream->priv.line_len = 0;
    if (stream->priv.in_fields) {
        return len == 0 ? HEAD_ENDED : HEAD_MORE;
    }

    stream->priv.in_fields = true;
    stream->priv.http_status = take_status(kept, len);
    return stream->priv.http_status >= 100 ? HEAD_MORE : HEAD_WRONG;
}

static sbs_status judge_answer(sbs_linux_proxy_stream *stream, const char *host, uint64_t now_ms) {
    unsigned http = stream->priv.http_status;
    if (http < 300) {
        stream->priv.state = THROUGH;
        return SBS_OK;
    }

    /* tinyproxy says 401 to a login that is wrong. */
    bool of_login = http == 407 || http == 401;
    sbs_linux_proxy_problem problem = http >= 500 ? SBS_LINUX_PROXY_FAILS : SBS_LINUX_PROXY_REFUSES;
    if (of_login) {
        problem = SBS_LINUX_PROXY_WANTS_LOGIN;
    }
    if (of_login && stream->priv.proxy->login[0] != '\0') {
        problem = SBS_LINUX_PROXY_REFUSES_LOGIN;
        stream->priv.proxy->priv.barred = true;
        stream->priv.proxy->priv.barred_http = stream->priv.http_status;
        stream->priv.proxy->priv.barred_ms = now_ms;
    }

    return fail(stream, problem, host, SBS_ERR_UNREACHABLE);
}

/* Goes through what was received. SBS_PENDING: the head has not ended. What is left in the buffer is the server's. */
static sbs_status take_answer(sbs_linux_proxy_stream *stream, char *kept, const char *host, uint64_t now_ms) {
    while (stream->priv.at < stream->priv.len) {
        head_state state = take_head_byte(stream, kept, stream->priv.buffer[stream->priv.at]);
        stream->priv.at++;
        stream->priv.head_len++;

        if (state == HEAD_WRONG || stream->priv.head_len > HEAD_MAX) {
            return fail(stream, SBS_LINUX_PROXY_NO_HTTP, host, SBS_ERR_NETWORK);
        }
        if (state == HEAD_MORE) {
            continue;
        }

        /* An interim answer: another one follows. */
        stream->priv.in_fields = false;
        if (stream->priv.http_status >= 200) {
            return judge_answer(stream, host, now_ms);
        }
    }

    return SBS_PENDING;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static sbs_status write_request(sbs_linux_proxy_stream *stream, const char *host, uint16_t port) {
    const sbs_url place = {.host = sbs_text_of(host), .port = port, .ipv6 = strchr(host, ':') != NULL};
    sbs_writer out;

    sbs_writer_init(&out, stream->priv.buffer, sizeof stream->priv.buffer);
    sbs_put_string(&out, "CONNECT ");
    sbs_url_put_host(&out, &place);
    sbs_put_string(&out, " HTTP/1.1\r\nHost: ");
    sbs_url_put_host(&out, &place);
    sbs_put_string(&out, "\r\n");
    if (stream->priv.proxy->login[0] != '\0') {
        sbs_http_put_field(&out, "Proxy-Authorization", sbs_text_of(stream->priv.proxy->login));
    }
    sbs_http_put_end(&out);

    return sbs_writer_finish(&out, &stream->priv.len);
}

static sbs_status start(sbs_linux_proxy_stream *stream, const char *host, uint16_t port, uint64_t now_ms) {
    sbs_linux_proxy *proxy = stream->priv.proxy;
    bool barred = proxy->priv.barred && now_ms - proxy->priv.barred_ms < BARRED_MS;
    stream->priv.problem = SBS_LINUX_PROXY_NO_PROBLEM;
    stream->priv.words[0] = '\0';
    stream->priv.port = port;
    forget(stream);

    if (!sbs_linux_proxy_serves(proxy->exceptions, host, port)) {
        stream->priv.state = DIRECT;
        return SBS_OK;
    }
    if (barred) {
        stream->priv.http_status = proxy->priv.barred_http;
        return fail(stream, SBS_LINUX_PROXY_REFUSES_LOGIN, host, SBS_ERR_UNREACHABLE);
    }

    proxy->priv.barred = false;
    stream->priv.http_status = 0;
    if (write_request(stream, host, port) != SBS_OK) {
        stream->priv.state = FAILED;
        return SBS_ERR_ARGUMENT; /* no name of a host */
    }

    stream->priv.state = REACHING;
    return SBS_OK;
}

/* What is left of the time for the answer; SBS_ERR_TIMEOUT when it is over. */
static sbs_status wait_for_answer(sbs_linux_proxy_stream *stream, const char *host, uint64_t now_ms) {
    uint64_t passed_ms = now_ms - stream->priv.asked_ms;
    if (passed_ms >= stream->priv.answer_timeout_ms) {
        return fail(stream, SBS_LINUX_PROXY_SILENT, host, SBS_ERR_TIMEOUT);
    }

    stream->priv.wait = stream->priv.raw->ops->waits_for(stream->priv.raw->ctx);
    uint32_t left_ms = stream->priv.answer_timeout_ms - (uint32_t)passed_ms;
    if (left_ms < stream->priv.wait.timeout_ms) {
        stream->priv.wait.timeout_ms = left_ms;
    }

    return SBS_PENDING;
}

static sbs_status reach(sbs_linux_proxy_stream *stream, const char *host, sbs_now now) {
    const sbs_linux_proxy *proxy = stream->priv.proxy;
    sbs_status status = stream->priv.raw->ops->open(stream->priv.raw->ctx, proxy->host, proxy->port, now);
    if (status == SBS_PENDING) {
        stream->priv.wait = stream->priv.raw->ops->waits_for(stream->priv.raw->ctx);
        return SBS_PENDING;
    }
    if (status != SBS_OK) {
        return fail(stream, SBS_LINUX_PROXY_NOT_REACHED, host, status);
    }

    stream->priv.state = ASKING;
    stream->priv.asked_ms = now.mono_ms;
    return SBS_OK;
}

static sbs_status ask(sbs_linux_proxy_stream *stream, const char *host, sbs_now now) {
    while (stream->priv.at < stream->priv.len) {
        size_t sent = 0;
        sbs_status status =
            stream->priv.raw->ops->send(stream->priv.raw->ctx, (const uint8_t *)stream->priv.buffer + stream->priv.at,
                                        stream->priv.len - stream->priv.at, &sent);
        stream->priv.at += sent;
        if (status == SBS_PENDING) {
            return wait_for_answer(stream, host, now.mono_ms);
        }
        if (status != SBS_OK) {
            return fail(stream, SBS_LINUX_PROXY_CLOSED, host, SBS_ERR_NETWORK);
        }
    }

    /* The credentials are gone from here. */
    forget(stream);
    stream->priv.state = HEARING;
    return SBS_OK;
}

/* The start of the status line stands at the end of the buffer, behind what is received. */
static sbs_status hear(sbs_linux_proxy_stream *stream, const char *host, sbs_now now) {
    char *kept = stream->priv.buffer + SBS_LINUX_PROXY_ANSWER_SIZE;

    for (;;) {
        sbs_status status = take_answer(stream, kept, host, now.mono_ms);
        if (status != SBS_PENDING) {
            return status;
        }

        /* All of it was the head's. */
        stream->priv.at = stream->priv.len = 0;
        status = stream->priv.raw->ops->receive(stream->priv.raw->ctx, (uint8_t *)stream->priv.buffer,
                                                SBS_LINUX_PROXY_ANSWER_SIZE, &stream->priv.len);
        if (status == SBS_PENDING) {
            return wait_for_answer(stream, host, now.mono_ms);
        }
        if (status != SBS_OK) {
            return fail(stream, SBS_LINUX_PROXY_CLOSED, host, SBS_ERR_NETWORK);
        }
    }
}

static sbs_status proxy_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_linux_proxy_stream *stream = ctx;
    sbs_status status = SBS_OK;
    if (stream->priv.state == THROUGH || stream->priv.state == FAILED) {
        return SBS_ERR_STATE;
    }

    if (stream->priv.state == IDLE) {
        status = start(stream, host, port, now.mono_ms);
    }
    if (status == SBS_OK && stream->priv.state == DIRECT) {
        return stream->priv.raw->ops->open(stream->priv.raw->ctx, host, port, now);
    }

    /* Each step goes on to the next one. */
    if (status == SBS_OK && stream->priv.state == REACHING) {
        status = reach(stream, host, now);
    }
    if (status == SBS_OK && stream->priv.state == ASKING) {
        status = ask(stream, host, now);
    }
    if (status == SBS_OK && stream->priv.state == HEARING) {
        status = hear(stream, host, now);
    }

    return status;
}

/* ---- the tunnel ------------------------------------------------------------------------------------------------- */

static bool is_connected(const sbs_linux_proxy_stream *stream) {
    return stream->priv.state == THROUGH || stream->priv.state == DIRECT;
}

static sbs_status proxy_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_linux_proxy_stream *stream = ctx;
    *out_sent = 0;
    if (!is_connected(stream)) {
        return SBS_ERR_STATE;
    }
    return stream->priv.raw->ops->send(stream->priv.raw->ctx, data, len, out_sent);
}

static sbs_status proxy_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_linux_proxy_stream *stream = ctx;
    *out_len = 0;
    if (!is_connected(stream)) {
        return SBS_ERR_STATE;
    }

    /* What came with the answer is first. */
    size_t rest = stream->priv.len - stream->priv.at;
    if (rest == 0) {
        return stream->priv.raw->ops->receive(stream->priv.raw->ctx, buffer, size, out_len);
    }

    if (rest > size) {
        rest = size;
    }
    memcpy(buffer, stream->priv.buffer + stream->priv.at, rest);
    stream->priv.at += rest;
    *out_len = rest;
    return SBS_OK;
}

static void proxy_close(void *ctx) {
    sbs_linux_proxy_stream *stream = ctx;
    stream->priv.raw->ops->close(stream->priv.raw->ctx);
    forget(stream);
    stream->priv.state = IDLE;
}

static sbs_wait proxy_waits_for(void *ctx) {
    const sbs_linux_proxy_stream *stream = ctx;
    if (is_connected(stream)) {
        return stream->priv.raw->ops->waits_for(stream->priv.raw->ctx);
    }
    return stream->priv.wait;
}

static int32_t proxy_last_code(void *ctx) {
    const sbs_linux_proxy_stream *stream = ctx;
    return stream->priv.raw->ops->last_code(stream->priv.raw->ctx);
}

static const sbs_stream_ops proxy_ops = {
    .open = proxy_open,
    .send = proxy_send,
    .receive = proxy_receive,
    .close = proxy_close,
    .waits_for = proxy_waits_for,
    .last_code = proxy_last_code,
    .secured = false,
};

void sbs_linux_proxy_stream_init(sbs_linux_proxy_stream *stream, sbs_linux_proxy *proxy, uint32_t answer_timeout_ms,
                                 const sbs_stream *raw, sbs_stream *out_stream) {
    memset(stream, 0, sizeof *stream);
    stream->priv.proxy = proxy;
    stream->priv.raw = raw;
    stream->priv.answer_timeout_ms = answer_timeout_ms != 0 ? answer_timeout_ms : ANSWER_TIMEOUT_MS;
    stream->priv.wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    *out_stream = (sbs_stream){&proxy_ops, stream};
}

sbs_linux_proxy_problem sbs_linux_proxy_stream_problem(const sbs_linux_proxy_stream *stream) {
    return stream->priv.problem;
}

const char *sbs_linux_proxy_stream_words(const sbs_linux_proxy_stream *stream) {
    return stream->priv.words;
}

void sbs_linux_proxy_stream_deinit(sbs_linux_proxy_stream *stream) {
    if (stream->priv.raw != NULL) {
        proxy_close(stream);
    }
}
