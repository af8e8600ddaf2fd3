/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file exchange.h
 * One HTTP exchange at a time over one stream, without blocking: connect (or reuse), send, receive. The client is built
 * on it; a program that needs another HTTP request of its own may use it directly.
 *
 *     begin ──▶ OPENING ──▶ SENDING ──▶ RECEIVING ──▶ IDLE (kept alive) or CLOSED
 *                  └───────────┴────────────┴── error, deadline ──▶ CLOSED
 *
 * A server may refuse a request before it has read all of it, and close: when sending fails, an answer that came
 * already is still read (RFC 9112 section 9.5).
 */
#ifndef SBS_EXCHANGE_H
#define SBS_EXCHANGE_H

#include "sbs/confirm.h"
#include "sbs/http.h"
#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_ETAG_SIZE 72u     /**< longest ETag kept, with the NUL; a longer one is not kept */
#define SBS_EXCHANGE_PARTS 4u /**< spans sent after the head */
#define SBS_EXCHANGE_SCRATCH_MIN 1024u

/** Limits of one exchange. */
typedef struct sbs_exchange_limits {
    uint32_t connect_ms;  /**< for connecting, name resolution and handshake together */
    uint32_t exchange_ms; /**< for sending and receiving together, however slowly bytes drip */
    uint64_t body_max;    /**< most body bytes taken, kept or drained */
} sbs_exchange_limits;

/** What is known of the answer; valid after sbs_exchange_step returned SBS_OK, partly after an error. */
typedef struct sbs_answer {
    uint16_t status; /**< 0: no status line was read */
    bool has_type;   /**< Content-Type is there */
    bool is_json;    /**< Content-Type names JSON */
    bool has_date;
    bool has_age; /**< Age is there: the answer comes out of a cache, and so does its Date (RFC 9111 section 5.1) */
    bool has_retry_after; /**< Retry-After is there, also one that is past, 0 or not to be read */
    bool has_words;    /**< the request's words hold a WWW-Authenticate of a refusal, or the Location of a redirect */
    bool body_dropped; /**< the body did not fit and was drained */
    uint8_t coding;    /**< sbs_http_coding of the body as it was kept */
    uint8_t location;  /**< sbs_location_fit */
    char *body;        /**< kept body, in the scratch or in the caller's response buffer */
    size_t body_len;   /**< bytes kept; with body_dropped: the size needed, if the server told it, else 0 */
    uint32_t retry_after_s;       /**< Retry-After, clamped to one hour; 0 if past or not to be read */
    int64_t date_utc_s;           /**< Date field */
    char id[SBS_FHIR_ID_MAX + 1]; /**< id of a Location that fits, with a 201 whichever it is; "" if none */
    char etag[SBS_ETAG_SIZE];     /**< ETag as sent, "" if none */
} sbs_answer;

/** A request as far as the exchange needs to know it. */
typedef struct sbs_exchange_request {
    const sbs_stream *stream;
    const sbs_url *url;  /**< only host and port are used; copied */
    char *scratch;       /**< holds the head at its start; used for sending and receiving, wiped in between */
    size_t scratch_size; /**< at least SBS_EXCHANGE_SCRATCH_MIN */
    size_t head_len;     /**< bytes of the head (or head and body) at the start of scratch */
    sbs_text
        parts[SBS_EXCHANGE_PARTS]; /**< sent after the head, in order; absent ones are skipped; must stay in place */
    char *response;                /**< where the body of a 2xx answer goes; NULL: into the scratch */
    size_t response_size;
    bool spare_body;     /**< the body of a 2xx answer that does not fit is drained, and no error */
    sbs_written written; /**< what a Location must name to fit; all absent: any resource */
    char *words;         /**< where a challenge and the Location of a redirect go; NULL: nowhere */
    size_t words_size;
    sbs_exchange_limits limits;
} sbs_exchange_request;

typedef struct sbs_exchange {
    bool request_started;  /**< at least one byte of the request was handed to the stream */
    bool response_started; /**< at least one byte of the answer came */
    bool reused;           /**< the exchange runs on a connection that served an earlier one */
    /* Small and often used members come first: their offsets fit the short Thumb encodings. */
    struct {
        uint8_t state;
        uint8_t part;
        uint16_t port;
        uint8_t status_class;  /* the first digit of the answer's status */
        sbs_status send_error; /* SBS_OK: the request was or is being sent */
        size_t part_taken;
        size_t out_len, out_sent;
        char *body; /* where the body of this answer goes; NULL: dropped */
        size_t body_size;
        char *rx; /* behind the part of the scratch that keeps bodies */
        size_t rx_size;
        uint64_t deadline_ms;
        sbs_now now;
        sbs_exchange_request request; /* its url is not valid any more */
        sbs_http_reader reader;
        char host[SBS_HOST_SIZE];
    } priv;
    sbs_answer answer;
} sbs_exchange;

/** Clears the state. No connection is open afterwards. */
void sbs_exchange_init(sbs_exchange *exchange);

/** Starts. A connection to the same host and port over the same stream that is still idle is reused.
 * SBS_ERR_ARGUMENT: the scratch is smaller than SBS_EXCHANGE_SCRATCH_MIN or the head, or the URL has no host. */
SBS_NODISCARD sbs_status sbs_exchange_begin(sbs_exchange *exchange, const sbs_exchange_request *request,
                                            uint64_t mono_ms);

/**
 * Goes on. SBS_PENDING with what to wait for; SBS_OK: the whole answer was read; errors of stream.h and http.h,
 * SBS_ERR_TIMEOUT, SBS_ERR_BUFFER (the body of a 2xx answer does not fit, and is not one to be spared; answer.body_len
 * tells the size if known).
 * After an error the connection is closed and the scratch wiped, but for a body that was kept.
 */
SBS_NODISCARD sbs_status sbs_exchange_step(sbs_exchange *exchange, sbs_now now, sbs_wait *out_wait);

/** True while the connection is open and the next step hands the first byte of the request to the stream. A connection
 *  that served an earlier exchange is looked at once more then: with an end or bytes that nobody asked for it is closed
 *  and opened anew, so that no stray answer is taken for the one to this request. */
bool sbs_exchange_is_about_to_send(const sbs_exchange *exchange);

/** Gives up the request. Its connection stays for the next one if nothing was sent yet, else it is closed. Legal in any
 * state. */
void sbs_exchange_cancel(sbs_exchange *exchange);

/** Closes the connection. Legal in any state. */
void sbs_exchange_close(sbs_exchange *exchange);

#ifdef __cplusplus
}
#endif
#endif
