/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/exchange.h"

#include <string.h>

#include "http/http_fields.h"
#include "sbs/date.h"
#include "text/ascii.h"

enum { CLOSED, IDLE, OPENING, SENDING, RECEIVING };
enum { SUCCESS = 2, REDIRECTION = 3 }; /* classes of status, RFC 9110 section 15 */

#define RETRY_AFTER_MAX_S 3600u

void sbs_exchange_init(sbs_exchange *exchange) {
    memset(exchange, 0, sizeof *exchange);
}

void sbs_exchange_close(sbs_exchange *exchange) {
    if (exchange->priv.state != CLOSED) {
        const sbs_stream *stream = exchange->priv.request.stream;
        stream->ops->close(stream->ctx);
    }
    exchange->priv.state = CLOSED;
}

static bool exchange_is_same_peer(const sbs_exchange *exchange, const sbs_exchange_request *request) {
    return exchange->priv.request.stream == request->stream && exchange->priv.port == request->url->port &&
           sbs_ascii_is_nocase(request->url->host, exchange->priv.host);
}

/* An idle connection has nothing to say: bytes or an end mean that the server gave it up. */
static bool exchange_is_still_open(const sbs_exchange *exchange) {
    uint8_t byte;
    size_t len;
    const sbs_stream *stream = exchange->priv.request.stream;

    return stream->ops->receive(stream->ctx, &byte, 1, &len) == SBS_PENDING;
}

static bool exchange_can_reuse(const sbs_exchange *exchange, const sbs_exchange_request *request) {
    return exchange->priv.state == IDLE && exchange_is_same_peer(exchange, request) && exchange_is_still_open(exchange);
}

static size_t exchange_share(size_t total, size_t most) {
    size_t share = total / 8;

    if (share < 256) {
        return 256;
    }
    if (share > most) {
        return most;
    }

    return share;
}

/* Copies @p value with a NUL; nothing if it does not fit. */
static void exchange_copy_text(char *out, size_t size, sbs_text value) {
    if (value.len >= size) {
        return;
    }
    if (value.len > 0) {
        memcpy(out, value.ptr, value.len);
    }
    out[value.len] = '\0';
}

static void exchange_store_request(sbs_exchange *exchange, const sbs_exchange_request *request) {
    exchange_copy_text(exchange->priv.host, sizeof exchange->priv.host, request->url->host);
    exchange->priv.port = request->url->port;
    exchange->priv.request = *request;

    exchange->priv.out_len = request->head_len;
    exchange->priv.out_sent = 0;
    exchange->priv.part = 0;
    exchange->priv.part_taken = 0;
    exchange->priv.send_error = SBS_OK;
}

/* Receiving shares the scratch out: [kept body | received bytes | header line]. */
static void exchange_prepare_receiving(sbs_exchange *exchange) {
    sbs_exchange_request *request = &exchange->priv.request;
    size_t rx_size = exchange_share(request->scratch_size, 4096);
    size_t line_size = exchange_share(request->scratch_size, 8192);
    char *line = request->scratch + request->scratch_size - line_size;

    exchange->priv.rx = line - rx_size;
    exchange->priv.rx_size = rx_size;
    exchange->priv.body = NULL;
    exchange->priv.body_size = request->scratch_size - rx_size - line_size;

    if (request->response == NULL) {
        request->response = request->scratch;
        request->response_size = exchange->priv.body_size;
    }

    sbs_http_reader_init(&exchange->priv.reader, line, line_size, request->limits.body_max);
}

static void exchange_begin_opening(sbs_exchange *exchange, uint64_t mono_ms) {
    exchange->priv.state = OPENING;
    exchange->priv.deadline_ms = mono_ms + exchange->priv.request.limits.connect_ms;
}

sbs_status sbs_exchange_begin(sbs_exchange *exchange, const sbs_exchange_request *request, uint64_t mono_ms) {
    if (request->scratch_size < SBS_EXCHANGE_SCRATCH_MIN || request->head_len > request->scratch_size ||
        request->url->host.len == 0 || request->url->host.len >= SBS_HOST_SIZE) {
        return SBS_ERR_ARGUMENT;
    }

    exchange->reused = exchange_can_reuse(exchange, request);
    if (!exchange->reused) {
        sbs_exchange_close(exchange);
    }

    /* Nothing of an earlier answer may be taken for this one's. */
    memset(&exchange->answer, 0, sizeof exchange->answer);
    exchange->request_started = false;
    exchange->response_started = false;
    exchange_store_request(exchange, request);
    exchange_prepare_receiving(exchange);

    if (exchange->reused) {
        exchange->priv.state = SENDING;
    } else {
        exchange_begin_opening(exchange, mono_ms);
    }

    return SBS_OK;
}

bool sbs_exchange_is_about_to_send(const sbs_exchange *exchange) {
    return exchange->priv.state == SENDING && !exchange->request_started;
}

void sbs_exchange_cancel(sbs_exchange *exchange) {
    if (sbs_exchange_is_about_to_send(exchange)) {
        exchange->priv.state = IDLE;
    } else {
        sbs_exchange_close(exchange);
    }
}

static sbs_status exchange_fail(sbs_exchange *exchange, sbs_status status) {
    sbs_exchange_close(exchange);
    sbs_wipe(exchange->priv.request.scratch, exchange->priv.request.scratch_size);
    exchange->answer.body = NULL;
    /* How large a body is that did not fit is still told. */
    if (status != SBS_ERR_BUFFER) {
        exchange->answer.body_len = 0;
    }
    return status;
}

static void exchange_wait_for_stream(const sbs_exchange *exchange, sbs_wait *out_wait) {
    const sbs_stream *stream = exchange->priv.request.stream;
    uint64_t left = exchange->priv.deadline_ms - exchange->priv.now.mono_ms;

    *out_wait = stream->ops->waits_for(stream->ctx);
    /* The deadline may come before the stream is ready. */
    if (left < out_wait->timeout_ms) {
        out_wait->timeout_ms = (uint32_t)left;
    }
}

/* ---- steps: SBS_OK to go on at once, SBS_PENDING to wait, SBS_END with the whole answer ------------------------- */

static sbs_status exchange_step_opening(sbs_exchange *exchange) {
    const sbs_stream *stream = exchange->priv.request.stream;
    sbs_status status = stream->ops->open(stream->ctx, exchange->priv.host, exchange->priv.port, exchange->priv.now);
    if (status != SBS_OK) {
        return status;
    }

    exchange->priv.state = SENDING;
    return SBS_OK;
}

/* Fills the scratch behind what waits to be sent, so that small parts travel together. */
static void exchange_gather_parts(sbs_exchange *exchange) {
    /* All of it was sent: the scratch is free again, and nothing of it is left there. */
    if (exchange->priv.out_sent == exchange->priv.out_len) {
        sbs_wipe(exchange->priv.request.scratch, exchange->priv.out_len);
        exchange->priv.out_sent = 0;
        exchange->priv.out_len = 0;
    }

    while (exchange->priv.part < SBS_EXCHANGE_PARTS) {
        sbs_text part = exchange->priv.request.parts[exchange->priv.part];
        size_t left = part.len - exchange->priv.part_taken;
        size_t room = exchange->priv.request.scratch_size - exchange->priv.out_len;
        size_t take = left;
        if (take > room) {
            take = room;
        }
        if (take > 0) {
            memcpy(exchange->priv.request.scratch + exchange->priv.out_len, part.ptr + exchange->priv.part_taken, take);
        }

        exchange->priv.out_len += take;
        exchange->priv.part_taken += take;
        /* The rest of this part waits until there is room. */
        if (take < left) {
            return;
        }

        exchange->priv.part++;
        exchange->priv.part_taken = 0;
    }
}

static sbs_status exchange_begin_receiving(sbs_exchange *exchange, sbs_status send_error) {
    sbs_wipe(exchange->priv.request.scratch, exchange->priv.out_len);
    exchange->priv.send_error = send_error;
    exchange->priv.state = RECEIVING;
    return SBS_OK;
}

static sbs_status exchange_step_sending(sbs_exchange *exchange) {
    const sbs_exchange_request *request = &exchange->priv.request;

    /* What came while nothing was asked must not be taken for the answer to what is asked now. */
    if (exchange->reused && !exchange->request_started && !exchange_is_still_open(exchange)) {
        sbs_exchange_close(exchange);
        exchange->reused = false;
        exchange_begin_opening(exchange, exchange->priv.now.mono_ms);
        return SBS_OK;
    }

    /* What is left of head and parts goes as far as the stream takes it. */
    exchange_gather_parts(exchange);
    if (exchange->priv.out_len == 0) {
        return exchange_begin_receiving(exchange, SBS_OK);
    }

    const uint8_t *data = (const uint8_t *)request->scratch + exchange->priv.out_sent;
    size_t sent = 0;
    sbs_status status =
        request->stream->ops->send(request->stream->ctx, data, exchange->priv.out_len - exchange->priv.out_sent, &sent);

    /* A secured stream may hold what it was given: from here on the server may have seen something. */
    exchange->request_started = exchange->request_started || status >= 0;
    exchange->priv.out_sent += sent;
    if (status == SBS_END) {
        status = SBS_ERR_NETWORK;
    }

    /* A server may have refused the request before it took all of it: its answer is looked for. */
    if (exchange->request_started && (status == SBS_ERR_NETWORK || status == SBS_ERR_TRUNCATED)) {
        return exchange_begin_receiving(exchange, status);
    }

    return status;
}

static void exchange_note_location(sbs_exchange *exchange, sbs_text value) {
    sbs_answer *answer = &exchange->answer;
    sbs_text id;

    /* Some servers create what a PUT brings under an id of their own. */
    if (answer->status == 201) {
        exchange->priv.request.written.id.ptr = NULL;
    }

    answer->location = (uint8_t)sbs_location_judge(value, &exchange->priv.request.written, &id);
    exchange_copy_text(answer->id, sizeof answer->id, id); /* absent unless it fits */
}

/* Puts @p value in the place of the server's words. Of several challenges the longest is the one that says something.
 */
static void exchange_note_words(sbs_exchange *exchange, sbs_text value) {
    const sbs_exchange_request *request = &exchange->priv.request;
    bool shorter = exchange->answer.has_words && value.len <= strlen(request->words);

    if (request->words != NULL && !shorter) {
        sbs_http_sanitise(value, request->words, request->words_size);
        exchange->answer.has_words = true;
    }
}

/* That the server asks for time counts, also where it does not say, in a way to be read, for how much. */
static void exchange_note_retry_after(sbs_answer *answer, sbs_text value, int64_t utc_s) {
    uint32_t seconds;

    answer->has_retry_after = true;
    if (sbs_http_retry_after(value, utc_s, RETRY_AFTER_MAX_S, &seconds) == SBS_OK) {
        answer->retry_after_s = seconds;
    }
}

static void exchange_note_field(sbs_exchange *exchange) {
    sbs_answer *answer = &exchange->answer;
    const sbs_http_reader *reader = &exchange->priv.reader;
    int64_t utc_s = exchange->priv.now.utc_s;

    switch (sbs_http_field_of(reader->name)) {
    case SBS_HTTP_CONTENT_TYPE:
        answer->has_type = true;
        answer->is_json = sbs_http_is_json(reader->value);
        break;
    case SBS_HTTP_DATE:
        answer->has_date = sbs_date_parse_http(reader->value, utc_s, &answer->date_utc_s) == SBS_OK;
        break;
    case SBS_HTTP_AGE:
        answer->has_age = true;
        break;
    case SBS_HTTP_RETRY_AFTER:
        exchange_note_retry_after(answer, reader->value, utc_s);
        break;
    case SBS_HTTP_LOCATION:
        exchange_note_location(exchange, reader->value);
        if (exchange->priv.status_class == REDIRECTION) { /* it says where the caller is to go */
            exchange_note_words(exchange, reader->value);
        }
        break;
    case SBS_HTTP_WWW_AUTHENTICATE:
        if (exchange->priv.status_class > REDIRECTION) {
            exchange_note_words(exchange, reader->value);
        }
        break;
    case SBS_HTTP_CONTENT_ENCODING:
        answer->coding = reader->coding;
        break;
    case SBS_HTTP_ETAG:
        exchange_copy_text(answer->etag, sizeof answer->etag, reader->value);
        break;
    default:
        break;
    }
}

static void exchange_choose_body(sbs_exchange *exchange) {
    unsigned status = exchange->priv.reader.status;

    exchange->answer.status = (uint16_t)status;
    exchange->priv.status_class = (uint8_t)(status / 100);
    /* Only a success goes to the caller's memory: he did not ask for pages of errors. */
    exchange->priv.body = exchange->priv.request.scratch;
    if (exchange->priv.status_class == SUCCESS) {
        exchange->priv.body = exchange->priv.request.response;
        exchange->priv.body_size = exchange->priv.request.response_size;
    }

    exchange->answer.body = exchange->priv.body;
}

/* The body of a success must fit where the caller wants it; that of an error is kept only if it fits whole. */
static sbs_status exchange_keep_body(sbs_exchange *exchange, sbs_text piece) {
    const sbs_http_reader *reader = &exchange->priv.reader;
    sbs_answer *answer = &exchange->answer;

    if (answer->body_dropped) {
        return SBS_OK;
    }
    if (piece.len <= exchange->priv.body_size - answer->body_len) {
        memcpy(exchange->priv.body + answer->body_len, piece.ptr, piece.len);
        answer->body_len += piece.len;
        return SBS_OK;
    }

    /* A part of a body is of no use: all of it is dropped, and drained. */
    answer->body_dropped = true;
    answer->body_len = 0;
    if (exchange->priv.status_class != SUCCESS || exchange->priv.request.spare_body) {
        return SBS_OK;
    }
    if (reader->has_length && reader->content_length <= SIZE_MAX) {
        answer->body_len = (size_t)reader->content_length;
    }

    return SBS_ERR_BUFFER;
}

static sbs_status exchange_finish(sbs_exchange *exchange, bool reusable) {
    const sbs_exchange_request *request = &exchange->priv.request;

    if (exchange->priv.send_error != SBS_OK) {
        if (exchange->priv.status_class == SUCCESS) { /* of what the server cannot have read */
            return exchange->priv.send_error;
        }

        /* The server stopped reading: nothing more goes over this connection. */
        reusable = false;
    }

    if (reusable && exchange->priv.reader.keep_alive) {
        exchange->priv.state = IDLE;
    } else {
        sbs_exchange_close(exchange);
    }

    sbs_wipe(exchange->priv.rx, (size_t)(request->scratch + request->scratch_size - exchange->priv.rx));
    return SBS_END;
}

static sbs_status exchange_take_input(sbs_exchange *exchange, const char *data, size_t len) {
    for (;;) {
        /* One event at a time; what is left of the data is fed again. */
        size_t used = 0;
        sbs_http_event event = SBS_HTTP_MORE;
        sbs_text body = {NULL, 0};
        sbs_status status = sbs_http_reader_feed(&exchange->priv.reader, data, len, &used, &event, &body);
        data += used;
        len -= used;

        if (status == SBS_OK && event == SBS_HTTP_BODY) {
            status = exchange_keep_body(exchange, body);
        } else if (event == SBS_HTTP_STATUS) {
            exchange_choose_body(exchange);
        } else if (event == SBS_HTTP_FIELD) {
            exchange_note_field(exchange);
        }

        if (status != SBS_OK || event == SBS_HTTP_MORE) {
            return status;
        }
        if (event == SBS_HTTP_DONE) {
            return exchange_finish(exchange, len == 0);
        }
    }
}

static sbs_status exchange_step_receiving(sbs_exchange *exchange) {
    const sbs_stream *stream = exchange->priv.request.stream;
    size_t len = 0;
    sbs_status status = stream->ops->receive(stream->ctx, (uint8_t *)exchange->priv.rx, exchange->priv.rx_size, &len);
    if (status == SBS_OK) {
        exchange->response_started = true;
        return exchange_take_input(exchange, exchange->priv.rx, len);
    }
    if (status != SBS_END) {
        return status;
    }

    /* The end of the stream may be the end of the body. */
    status = sbs_http_reader_end(&exchange->priv.reader);
    if (status != SBS_OK) {
        return status;
    }

    return exchange_finish(exchange, false);
}

/* Where there is no answer to a request that could not be sent, the failure of sending is what counts. */
static sbs_status exchange_step_receiving_or_why(sbs_exchange *exchange) {
    sbs_status status = exchange_step_receiving(exchange);

    if (status < 0 && exchange->priv.send_error != SBS_OK) {
        return exchange->priv.send_error;
    }
    return status;
}

static sbs_status exchange_step_state(sbs_exchange *exchange) {
    switch (exchange->priv.state) {
    case OPENING:
        return exchange_step_opening(exchange);
    case SENDING:
        return exchange_step_sending(exchange);
    default:
        return exchange_step_receiving_or_why(exchange);
    }
}

sbs_status sbs_exchange_step(sbs_exchange *exchange, sbs_now now, sbs_wait *out_wait) {
    if (exchange->priv.state < OPENING) {
        return SBS_ERR_STATE;
    }

    sbs_status status = SBS_ERR_TIMEOUT;
    exchange->priv.now = now;
    /* Connecting had a time limit of its own; the one of the exchange begins with its first step. Until then the caller
     * may take the time that he needs to put the attempt on record. */
    if (exchange->priv.state == SENDING && !exchange->request_started) {
        exchange->priv.deadline_ms = now.mono_ms + exchange->priv.request.limits.exchange_ms;
    }

    /* After the deadline nothing counts any more, however near the end was. */
    if (now.mono_ms < exchange->priv.deadline_ms) {
        status = exchange_step_state(exchange);
    }

    if (status < 0) {
        return exchange_fail(exchange, status);
    }
    if (status == SBS_END) {
        return SBS_OK;
    }

    if (status == SBS_PENDING) {
        exchange_wait_for_stream(exchange, out_wait);
    } else {
        *out_wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    }

    return SBS_PENDING;
}
