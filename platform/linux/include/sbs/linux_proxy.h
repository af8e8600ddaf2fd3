/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file linux_proxy.h
 * A raw stream (port/stream.h) through an HTTP proxy: CONNECT (RFC 9110 section 9.3.6), with Basic credentials
 * (RFC 7617) or without. TLS goes over it, end to end with the server; the proxy resolves the server's name.
 *
 * Loopback addresses are never reached through a proxy, nor what the list of exceptions names: those connections are
 * made directly. The credentials go to the proxy only, and nothing here tells them.
 */
#ifndef SBS_LINUX_PROXY_H
#define SBS_LINUX_PROXY_H

#include "sbs/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_LINUX_PROXY_LOGIN_SIZE 704u  /**< bytes of the credentials as they are sent, with the NUL */
#define SBS_LINUX_PROXY_ANSWER_SIZE 512u /**< bytes of an answer that are looked at together */
#define SBS_LINUX_PROXY_WORDS_SIZE 640u

/** Why the URL of a proxy is not taken. */
typedef enum sbs_linux_proxy_fault {
    SBS_LINUX_PROXY_NO_FAULT,
    SBS_LINUX_PROXY_SCHEME, /**< https, socks or another one: only http is spoken to a proxy */
    SBS_LINUX_PROXY_URL,    /**< it is no http://[USER:PASSWORD@]HOST[:PORT] */
    SBS_LINUX_PROXY_LOGIN   /**< user and password are too long, or hold what Basic credentials cannot */
} sbs_linux_proxy_fault;

/** A proxy, for any number of streams of one thread. It holds a secret: sbs_wipe() it after use. */
typedef struct sbs_linux_proxy {
    char host[254];
    uint16_t port;
    char login[SBS_LINUX_PROXY_LOGIN_SIZE]; /**< "Basic ..." as it is sent, "": none */
    struct {
        bool barred; /* the login was refused at barred_ms with this status */
        uint16_t barred_http;
        uint64_t barred_ms;
    } priv;
    const char *exceptions; /**< what is reached without it, see sbs_linux_proxy_serves(); NULL: nothing. It must
                                 outlive the proxy */
} sbs_linux_proxy;

/**
 * Reads `http://[USER:PASSWORD@]HOST[:PORT]`, the scheme may be left out; the port is 80 by default. User and password
 * may hold percent escapes.
 * @return SBS_OK; SBS_ERR_URL with the fault. @p out is wiped then.
 */
SBS_NODISCARD sbs_status sbs_linux_proxy_parse(const char *url, sbs_linux_proxy *out, sbs_linux_proxy_fault *out_fault);

/** Writes @p host and @p port as "proxy.test:3128", or "[::1]:3128", with a NUL into @p size bytes of @p out; what does
 * not fit is cut. */
void sbs_linux_proxy_place(const char *host, uint16_t port, char *out, size_t size);

/** The variable of the environment that names a proxy for https, "https_proxy" or "HTTPS_PROXY"; NULL: none does. */
const char *sbs_linux_proxy_variable(void);

/** The exceptions of the environment, no_proxy or NO_PROXY; NULL: none. */
const char *sbs_linux_proxy_exceptions(void);

/**
 * Whether a host is reached through a proxy: not "localhost" and what ends with ".localhost", 127.0.0.0/8, ::1, and
 * what the list has. @p exceptions, NULL: none: "*", or names and addresses that are separated by commas or blanks. A
 * name stands for itself and all that ends with it behind a dot, with a dot before it or without; an address may have a
 * length of prefix ("10.0.0.0/8"); each may have a port behind a colon.
 */
bool sbs_linux_proxy_serves(const char *exceptions, const char *host, uint16_t port);

/** What of a connection through a proxy failed. */
typedef enum sbs_linux_proxy_problem {
    SBS_LINUX_PROXY_NO_PROBLEM,
    SBS_LINUX_PROXY_NOT_REACHED,   /**< the proxy itself: the status says why */
    SBS_LINUX_PROXY_SILENT,        /**< it did not answer in time: SBS_ERR_TIMEOUT */
    SBS_LINUX_PROXY_CLOSED,        /**< it closed the connection before it answered: SBS_ERR_NETWORK */
    SBS_LINUX_PROXY_NO_HTTP,       /**< what answered is no HTTP proxy, or no head that ends: SBS_ERR_NETWORK */
    SBS_LINUX_PROXY_WANTS_LOGIN,   /**< 407 or 401, and none was given: SBS_ERR_UNREACHABLE, as those that follow */
    SBS_LINUX_PROXY_REFUSES_LOGIN, /**< the same to the login that was given; it is not sent again for five minutes */
    SBS_LINUX_PROXY_REFUSES,       /**< another status of 300 to 499 */
    SBS_LINUX_PROXY_FAILS          /**< 500 and more: it did not reach the server */
} sbs_linux_proxy_problem;

/** A stream. Place it anywhere; it must not move while it is open. */
typedef struct sbs_linux_proxy_stream {
    struct {
        sbs_linux_proxy *proxy;
        const sbs_stream *raw;
        uint32_t answer_timeout_ms;
        uint8_t state;
        uint16_t port; /* of the server */
        uint64_t asked_ms;
        size_t len, at; /* of what is in the buffer */
        size_t head_len;
        uint16_t http_status;
        uint8_t line_len; /* of the line of the head that is read, up to 255 */
        bool in_fields;   /* the status line was read */
        sbs_linux_proxy_problem problem;
        sbs_wait wait;
        char buffer[1536]; /* the request, then the answer */
        char words[SBS_LINUX_PROXY_WORDS_SIZE];
    } priv;
} sbs_linux_proxy_stream;

/**
 * Prepares a stream and opens nothing. @p proxy and @p raw must outlive it. @p answer_timeout_ms: for the proxy's
 * answer; 0: 30 000.
 */
void sbs_linux_proxy_stream_init(sbs_linux_proxy_stream *stream, sbs_linux_proxy *proxy, uint32_t answer_timeout_ms,
                                 const sbs_stream *raw, sbs_stream *out_stream);

/** What of the last open() failed. Good until the next one. */
sbs_linux_proxy_problem sbs_linux_proxy_stream_problem(const sbs_linux_proxy_stream *stream);

/** The same for a person, with the proxy's name and no credentials: a sentence, or for SBS_LINUX_PROXY_NOT_REACHED a
 * clause; "" if there is no problem. */
const char *sbs_linux_proxy_stream_words(const sbs_linux_proxy_stream *stream);

/** Closes the connection and wipes what was sent and received. Legal twice. */
void sbs_linux_proxy_stream_deinit(sbs_linux_proxy_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
