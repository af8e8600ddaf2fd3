/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tls_stream.h
 * A secured stream (port/stream.h) over any raw one: TLS 1.2 (RFC 5246) and 1.3 (RFC 8446) client on Mbed TLS.
 *
 * - The peer's chain, its name (RFC 6125; an iPAddress entry if the URL's host is an address) and its dates are always
 *   checked, the dates against the time given to open().
 * - One open() call does at most one step of the handshake, and no call takes more than about 20 KB from the raw
 * stream, whatever the peer sends: then it returns SBS_PENDING with no time to wait.
 * - No renegotiation, no 0-RTT. A certificate of the client's own only if one is configured (sbs/tls_identity.h).
 * - sbs_mbedtls_init() must have been called.
 *
 * Heap (Mbed TLS's allocator): the records' buffers while a connection is open; about 2 KB for each session kept.
 */
#ifndef SBS_TLS_STREAM_H
#define SBS_TLS_STREAM_H

#include <mbedtls/ssl.h>

#include "sbs/config.h"
#include "sbs/stream.h"
#include "sbs/tls_identity.h"
#include "sbs/tls_trust.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sbs_tls_version {
    SBS_TLS_VERSION_DEFAULT, /**< as minimum TLS 1.2, as maximum the newest that Mbed TLS was built with */
    SBS_TLS_1_2,
    SBS_TLS_1_3
} sbs_tls_version;

/** A session is resumed for at most this long after the handshake that checked the certificates. Milliseconds: a day.
 */
#define SBS_TLS_SESSION_LIFETIME_MS 86400000u

/** One kept session: the next handshake with the same host and port is then short. Holds secrets; wiped when replaced.
 */
typedef struct sbs_tls_session {
    struct {
        mbedtls_ssl_session session;
        char host[SBS_HOST_SIZE];
        uint16_t port;
        bool used;
        uint64_t verified_ms; /* monotonic time of the handshake that checked the chain */
        int64_t valid_from_s; /* the chain's common validity */
        int64_t valid_until_s;
    } priv;
} sbs_tls_session;

/** The stream's last_code() where SBS_ERR_TLS means that the server sends longer records than the buffers of this build
 * take (MBEDTLS_SSL_IN_CONTENT_LEN below 16384). No code of Mbed TLS, which are negative. */
#define SBS_TLS_CODE_RECORD_TOO_LONG 16384

/** A sentence for it. */
#define SBS_TLS_RECORD_TOO_LONG_TEXT                                                                                   \
    ("the server sends records of up to 16384 bytes, this build takes " SBS_TLS_NUMBER_TEXT(                           \
        MBEDTLS_SSL_IN_CONTENT_LEN) " at most")
#define SBS_TLS_NUMBER_TEXT(number) SBS_TLS_NUMBER_TEXT_OF(number)
#define SBS_TLS_NUMBER_TEXT_OF(number) #number

struct sbs_tls_stream;

/** What looks closer at certificates and failures: sbs/tls_explain.h has the only one, and a program without it does
 * not link its sentences. */
typedef struct sbs_tls_explain_ops {
    /** A certificate was checked, with the result @p flags (MBEDTLS_X509_BADCERT_*), to which more may be added. From
     * the root's side (highest depth) to the server's own (0). */
    void (*certificate)(struct sbs_tls_stream *tls, const mbedtls_x509_crt *certificate, int depth, uint32_t *flags);
    /** Mbed TLS failed with @p code, or the raw stream did (0). True: the peer said why. */
    bool (*failure)(struct sbs_tls_stream *tls, int code);
} sbs_tls_explain_ops;

/** Configuration. What it points to stays the caller's and must outlive the stream. Zero means the default. */
typedef struct sbs_tls_config {
    const sbs_tls_trust *trust; /**< required */
    sbs_tls_version min_version;
    sbs_tls_version max_version;
    /** RFC 6066 section 4: records of 512, 1024, 2048 or 4096 bytes are asked for (TLS 1.2). 0: what the record buffers
     * demand, nothing with those of 16 KB. A server may ignore it: SBS_TLS_CODE_RECORD_TOO_LONG. */
    uint16_t max_fragment_len;
    sbs_tls_session *sessions; /**< memory for session_count sessions, owned by the stream; NULL: nothing is resumed */
    size_t session_count;      /**< token host and FHIR host: 2 are enough */
    const sbs_tls_identity *identity; /**< the client's own certificate, for servers that ask for one; NULL: none */
    sbs_tls_explain_ops *explain;     /**< sbs_tls_explain_init() (sbs/tls_explain.h); NULL: nothing is explained */
} sbs_tls_config;

/** A stream. Place it anywhere; it must not move while it is in use. */
typedef struct sbs_tls_stream {
    struct {
        sbs_stream raw;
        const sbs_tls_config *config;
        mbedtls_ssl_config ssl_config;
        mbedtls_ssl_context ssl;
        sbs_now now;
        int64_t valid_from_s; /* of the chain that was checked, or of the session that was offered */
        int64_t valid_until_s;
        uint64_t verified_ms;
        const char *host;
        char session_host[SBS_HOST_SIZE];
        uint16_t port;
        uint8_t address[16]; /* the host if it is an address literal */
        uint8_t address_len; /* 0, 4 or 16 */
        uint8_t state;
        uint8_t problem; /* sbs_tls_problem, kept by config->explain */
        uint8_t alert;   /* the peer's, 0 if none */
        bool chain_checked;
        bool session_offered;
        bool raw_waits;           /* the raw stream said SBS_PENDING during the last call */
        uint16_t call_bytes_left; /* that this call may still take from the raw stream */
        sbs_status raw_status;    /* its error, SBS_OK if none */
        uint32_t failures;        /* the allocator's count when the call began */
        uint32_t verify_flags;
        int32_t code;
    } priv;
} sbs_tls_stream;

/**
 * Prepares a stream; opens nothing and allocates nothing. @p raw is copied; its context must outlive the stream.
 * SBS_ERR_UNSUPPORTED: an identity, and a build that leaves mutual TLS out (SBS_PK_VERIFY_ONLY). SBS_ERR_ARGUMENT: no
 * trust, an identity that was not loaded, min_version above max_version or above what was built, a max_fragment_len
 * that is none of the four or that the record buffers of this build do not allow.
 */
SBS_NODISCARD sbs_status sbs_tls_stream_init(sbs_tls_stream *tls, const sbs_tls_config *config, const sbs_stream *raw,
                                             sbs_stream *out_stream);

/** Closes the connection, and wipes and frees everything, the sessions included. Legal after a failed init, and twice.
 */
void sbs_tls_stream_deinit(sbs_tls_stream *tls);

/** "TLSv1.2" or "TLSv1.3"; "" unless the stream is open. For logs. */
const char *sbs_tls_stream_version(const sbs_tls_stream *tls);

/** When the first certificate of the peer's chain ends, seconds since 1970, as it was checked last; 0: none was. */
int64_t sbs_tls_stream_valid_until(const sbs_tls_stream *tls);

/** True if the open connection resumed a kept session: no certificate was sent. */
bool sbs_tls_stream_resumed(const sbs_tls_stream *tls);

#ifdef __cplusplus
}
#endif
#endif
