/* SPDX-License-Identifier: Apache-2.0 */
#include "trace.h"

#include <psa/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "sbs/count.h"
#include "sbs/http.h"
#include "sbs/linux_clock.h"
#include "secret.h"

#define LINE_SIZE 65536u
#define SHOWN_SIZE 4096

enum { IDLE, REQUEST_HEAD, REQUEST_BODY, ANSWER_HEAD, ANSWER_BODY };

/* Fields whose values tell nothing about anybody. */
static const char *const shown_fields[] = {
    "accept",         "accept-encoding",  "cache-control", "connection",    "content-encoding",
    "content-length", "content-type",     "date",          "etag",          "host",
    "location",       "prefer",           "retry-after",   "server",        "user-agent",
    "vary",           "www-authenticate", "x-request-id",  "last-modified", "transfer-encoding",
};

static uint64_t trace_now_ms(void) {
    return sbs_linux_now().mono_ms;
}

static bool trace_shows_field(sbs_text name) {
    for (size_t i = 0; i < SBS_COUNT_OF(shown_fields); i++) {
        if (sbs_text_equal_nocase(name, sbs_text_of(shown_fields[i]))) {
            return true;
        }
    }
    return false;
}

CLI_PRINTF(2, 3)
static void trace_show(const cli_trace *trace, const char *format, ...) {
    if (trace->silent) {
        return;
    }

    char line[SHOWN_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);

    cli_note("%s", line);
}

/* A secret is shown by its length and the start of its hash, so that two can be told apart. From here on no message
 * repeats it. */
static void trace_show_secret(const cli_trace *trace, const char *direction, sbs_text name, const char *kind,
                              sbs_text secret) {
    uint8_t digest[32] = {0};
    size_t len;
    cli_secret_note(secret);
    if (trace->silent) {
        return;
    }
    (void)psa_hash_compute(PSA_ALG_SHA_256, (const uint8_t *)secret.ptr, secret.len, digest, sizeof digest, &len);
    trace_show(trace, "%s %.*s: %s[%zu bytes, sha256 %02x%02x%02x%02x]", direction, (int)name.len, name.ptr, kind,
               secret.len, digest[0], digest[1], digest[2], digest[3]);
}

/* "NAME: VALUE" or "NAME=VALUE", the name up to the first @p separator; false if there is none. */
static bool trace_split_line(sbs_text line, char separator, sbs_text *out_name, sbs_text *out_value) {
    size_t len = 0;
    while (len < line.len && line.ptr[len] != separator) {
        len++;
    }

    *out_name = (sbs_text){line.ptr, len};
    if (len == line.len) {
        return false;
    }

    *out_value = (sbs_text){line.ptr + len + 1, line.len - len - 1};
    return true;
}

static void trace_show_field(cli_trace *trace, const char *direction, sbs_text line) {
    sbs_text name;
    sbs_text value;
    if (!trace_split_line(line, ':', &name, &value)) {
        trace_show(trace, "%s (a line that is not a header field)", direction);
        return;
    }

    while (value.len > 0 && *value.ptr == ' ') {
        value.ptr++;
        value.len--;
    }

    /* The body of a token request is a form, whose assertion must not be shown. */
    if (sbs_text_equal_nocase(name, sbs_text_of("content-type"))) {
        trace->form = sbs_text_equal_nocase(value, sbs_text_of("application/x-www-form-urlencoded"));
    }

    /* Of what is not known to be harmless only the size is shown. */
    static const size_t scheme_len = sizeof "Bearer " - 1;
    bool sent = direction[0] == '>'; /* a server that makes up secrets would have the real ones forgotten */
    if (sent && sbs_text_equal_nocase(name, sbs_text_of("authorization")) && value.len > scheme_len) {
        /* The secret alone, so that its hash is that of the token. */
        sbs_text token = {value.ptr + scheme_len, value.len - scheme_len};
        trace_show_secret(trace, direction, name, "Bearer ", token);
    } else if (trace->silent) {
        return;
    } else if (trace_shows_field(name)) {
        trace_show(trace, "%s %.*s: %.*s", direction, (int)name.len, name.ptr, (int)value.len, value.ptr);
    } else {
        trace_show(trace, "%s %.*s: [%zu bytes]", direction, (int)name.len, name.ptr, value.len);
    }
}

static void trace_show_pair(const cli_trace *trace, sbs_text pair) {
    sbs_text name;
    sbs_text value = {0};

    (void)trace_split_line(pair, '=', &name, &value);
    if (sbs_text_equal(name, sbs_text_of("client_assertion"))) {
        trace_show_secret(trace, ">  ", name, "", value);
    } else {
        trace_show(trace, ">   %.*s", (int)pair.len, pair.ptr);
    }
}

/* ---- lines and pairs ------------------------------------------------------------------------------------------ */

static sbs_text trace_line_take(cli_trace *trace) {
    sbs_text line = {trace->line, trace->line_len};

    /* Lines of HTTP end with CR LF. */
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }

    trace->line_len = 0;
    return line;
}

static void trace_head_end(cli_trace *trace, bool request) {
    trace->phase = ANSWER_BODY;
    if (request) {
        trace->phase = REQUEST_BODY;
    } else if (trace->interim) { /* 1xx: the answer is still to come */
        trace->phase = ANSWER_HEAD;
    }

    trace->first_line = true;
    trace->body_len = 0;
}

static void trace_show_first_line(cli_trace *trace, const char *direction, bool request, sbs_text line) {
    trace_show(trace, "%s %.*s", direction, (int)line.len, line.ptr);
    trace->interim = !request && line.len > 9 && line.ptr[9] == '1'; /* HTTP/1.1 1xx */
    trace->first_line = false;
}

/* The end of a line of a head; an empty one ends the head. */
static void trace_line_end(cli_trace *trace, bool request) {
    const char *direction = request ? ">" : "<";
    sbs_text line = trace_line_take(trace);
    size_t used = line.len; /* what is to be wiped */

    if (!request && !trace->silent) { /* a server's words are made printable ASCII, here as in every message */
        sbs_http_sanitise(line, trace->line, LINE_SIZE);
        line.len = strlen(trace->line);
    }

    if (trace->line_too_long) {
        trace->first_line = false;
        trace_show(trace, "%s (a line of more than %u bytes)", direction, LINE_SIZE);
    } else if (line.len == 0) {
        trace_head_end(trace, request);
    } else if (trace->first_line) {
        trace_show_first_line(trace, direction, request, line);
    } else {
        trace_show_field(trace, direction, line);
    }

    if (trace->line_too_long) {
        used = LINE_SIZE;
    }

    sbs_wipe(trace->line, used);
    trace->line_too_long = false;
}

/* Of a line that is too long only the last part is kept, and never shown. */
static void trace_line_keep(cli_trace *trace, char c) {
    if (trace->line_len == LINE_SIZE) {
        trace->line_too_long = true;
        trace->line_len = 0;
    }
    trace->line[trace->line_len++] = c;
}

static void trace_pair_end(cli_trace *trace) {
    if (trace->phase != REQUEST_BODY || !trace->form || trace->line_len == 0) {
        return;
    }

    sbs_text pair = trace_line_take(trace);
    if (trace->line_too_long) { /* its name is gone, and it may be the assertion */
        trace_show(trace, ">   (a field of more than %u bytes)", LINE_SIZE);
    } else {
        trace_show_pair(trace, pair);
    }

    trace->line_too_long = false;
    sbs_wipe(trace->line, LINE_SIZE);
}

/* ---- what passes ---------------------------------------------------------------------------------------------- */

/* Shows the size of an answer's body. Where a body ends is known only when something else begins. */
static void trace_answer_end(cli_trace *trace) {
    if (trace->phase == ANSWER_BODY) {
        trace_show(trace, "< body: %zu bytes, %llu ms after the request began", trace->body_len,
                   (unsigned long long)(trace->answer_ms - trace->request_ms));
    }

    trace->phase = IDLE;
    trace->line_len = 0;
    trace->line_too_long = false;
    trace->first_line = true;
}

static void trace_form_byte(cli_trace *trace, char c) {
    trace->body_len++;
    if (c == '&') {
        trace_pair_end(trace);
    } else {
        trace_line_keep(trace, c);
    }
}

static void trace_note_sent(cli_trace *trace, const char *data, size_t len) {
    if (trace->phase != REQUEST_HEAD && trace->phase != REQUEST_BODY) {
        /* The first byte of a request is the end of the answer before it. */
        trace_answer_end(trace);
        trace->phase = REQUEST_HEAD;
        trace->request_ms = trace_now_ms();
        trace->form = false;
    }

    for (size_t i = 0; i < len; i++) {
        if (trace->phase != REQUEST_HEAD && !trace->form) {
            trace->body_len += len - i;
            return;
        }

        if (trace->phase != REQUEST_HEAD) {
            trace_form_byte(trace, data[i]);
        } else if (data[i] == '\n') {
            trace_line_end(trace, true);
        } else {
            trace_line_keep(trace, data[i]);
        }
    }
}

/* The first byte of an answer is the end of the request's body. */
static void trace_request_end(cli_trace *trace) {
    if (trace->phase == REQUEST_BODY) {
        trace_pair_end(trace);
        if (trace->body_len > 0) {
            trace_show(trace, "> body: %zu bytes", trace->body_len);
        }
    }
    trace->phase = ANSWER_HEAD;
}

static void trace_note_received(cli_trace *trace, const char *data, size_t len) {
    if (trace->phase != ANSWER_HEAD && trace->phase != ANSWER_BODY) {
        trace_request_end(trace);
    }

    trace->answer_ms = trace_now_ms();
    for (size_t i = 0; i < len; i++) {
        /* Of a body only the size is shown: it may hold a patient. */
        if (trace->phase == ANSWER_BODY) {
            trace->body_len += len - i;
            return;
        }

        if (data[i] == '\n') {
            trace_line_end(trace, false);
        } else {
            trace_line_keep(trace, data[i]);
        }
    }
}

/* ---- the stream ----------------------------------------------------------------------------------------------- */

static void trace_show_connected(const cli_trace *trace) {
    const char *words = "";
    if (trace->describe != NULL) {
        words = trace->describe(trace->inner.ctx);
    }

    const char *comma = words[0] == '\0' ? "" : ", ";
    trace_show(trace, "* connected in %llu ms%s%s", (unsigned long long)(trace_now_ms() - trace->open_ms), comma,
               words);
}

/* It is called again and again until the connection stands. */
static sbs_status trace_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    cli_trace *trace = ctx;
    if (trace->open_ms == 0) {
        trace_show(trace, "* connecting to %s port %u", host, port);
        trace->open_ms = now.mono_ms;
    }

    sbs_status status = trace->inner.ops->open(trace->inner.ctx, host, port, now);
    if (status == SBS_OK) {
        trace_show_connected(trace);
    } else if (status != SBS_PENDING) {
        trace_show(trace, "* not connected: %s (code %ld)", sbs_status_text(status),
                   (long)trace->inner.ops->last_code(trace->inner.ctx));
    }

    return status;
}

static sbs_status trace_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    cli_trace *trace = ctx;
    sbs_status status = trace->inner.ops->send(trace->inner.ctx, data, len, out_sent);

    /* What was not taken comes again: only what was sent is noted. */
    if (status == SBS_OK) {
        trace_note_sent(trace, (const char *)data, *out_sent);
    }
    return status;
}

static sbs_status trace_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    cli_trace *trace = ctx;
    sbs_status status = trace->inner.ops->receive(trace->inner.ctx, buffer, size, out_len);
    if (status == SBS_OK) {
        trace_note_received(trace, (const char *)buffer, *out_len);
    } else if (status != SBS_PENDING) {
        trace_show(trace, "* %s", sbs_status_text(status));
    }
    return status;
}

static void trace_close(void *ctx) {
    cli_trace *trace = ctx;
    trace_answer_end(trace);
    if (trace->open_ms != 0) {
        trace_show(trace, "* connection closed");
        trace->open_ms = 0;
    }
    trace->inner.ops->close(trace->inner.ctx);
}

static sbs_wait trace_waits_for(void *ctx) {
    cli_trace *trace = ctx;
    return trace->inner.ops->waits_for(trace->inner.ctx);
}

static int32_t trace_last_code(void *ctx) {
    cli_trace *trace = ctx;
    return trace->inner.ops->last_code(trace->inner.ctx);
}

bool cli_trace_init(cli_trace *trace, const sbs_stream *inner, cli_trace_describe describe, sbs_stream *out_stream) {
    *trace = (cli_trace){
        .inner = *inner,
        .ops = {trace_open, trace_send, trace_receive, trace_close, trace_waits_for, trace_last_code,
                inner->ops->secured},
        .describe = describe,
        .line = malloc(LINE_SIZE),
        .first_line = true,
    };

    *out_stream = (sbs_stream){&trace->ops, trace};
    return trace->line != NULL;
}

void cli_trace_hide(cli_trace *trace) {
    trace->silent = true;
}

void cli_trace_deinit(cli_trace *trace) {
    trace_answer_end(trace);
    if (trace->line != NULL) {
        sbs_wipe(trace->line, LINE_SIZE);
        free(trace->line);
    }
    *trace = (cli_trace){0};
}
