/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_stream.h"
#include "sbs/count.h"

#include <mbedtls/net_sockets.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/mbedtls_series.h"
#include "sbs/text.h"
#include "tls_internal.h"

enum { CLOSED, CONNECTING, HANDSHAKING, OPEN, DEAF, ENDED, FAILED }; /* DEAF: the peer takes nothing any more */

/*
 * TLS 1.3 allows only RSA-PSS for the handshake's own signature. Mbed TLS 3.6.6, as it comes, offers it and then
 * refuses a TLS 1.2 server that takes it: our build mends that (config/sbs_tls12_pss.h), and for one that did not, PKCS
 * #1 v1.5 stands first, which servers take that go by the client's order.
 */
static const uint16_t signature_algorithms[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512,
    MBEDTLS_TLS1_3_SIG_NONE,
};

static const uint16_t signature_algorithms_tls_1_2[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,       MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512,       MBEDTLS_TLS1_3_SIG_NONE,
};

/* What this build can do. */
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
#define NEWEST_VERSION SBS_TLS_1_3
#else
#define NEWEST_VERSION SBS_TLS_1_2
#endif

#define LONGEST_CONTENT 16384u /* of a record: RFC 8446 section 5.1 */

/*
 * Where the buffers are too short for that, servers are asked for records that fit. Mbed TLS asks for none that are
 * longer than what it sends itself.
 */
#if MBEDTLS_SSL_IN_CONTENT_LEN < MBEDTLS_SSL_OUT_CONTENT_LEN
#define SHORTER_CONTENT MBEDTLS_SSL_IN_CONTENT_LEN
#else
#define SHORTER_CONTENT MBEDTLS_SSL_OUT_CONTENT_LEN
#endif
#if MBEDTLS_SSL_IN_CONTENT_LEN >= 16384
#define DEFAULT_FRAGMENT MBEDTLS_SSL_MAX_FRAG_LEN_NONE
#elif SHORTER_CONTENT >= 4096
#define DEFAULT_FRAGMENT MBEDTLS_SSL_MAX_FRAG_LEN_4096
#elif SHORTER_CONTENT >= 2048
#define DEFAULT_FRAGMENT MBEDTLS_SSL_MAX_FRAG_LEN_2048
#elif SHORTER_CONTENT >= 1024
#define DEFAULT_FRAGMENT MBEDTLS_SSL_MAX_FRAG_LEN_1024
#else
#define DEFAULT_FRAGMENT MBEDTLS_SSL_MAX_FRAG_LEN_512
#endif

/*
 * How many bytes one call of the stream takes from the raw one at most: the longest record (RFC 5246 section 6.2.3,
 * header included) and some short ones before it. Mbed TLS goes on reading within one call while it meets what it
 * passes over (warning alerts, change_cipher_spec, empty records, HelloRequest), and a peer needs no key to send that
 * for ever. Beyond it the answer is "not yet, call again at once", so the caller's deadlines and signals hold.
 */
#define CALL_BYTES_MAX (5u + LONGEST_CONTENT + 2048u + 1024u)

/* What a callback tells Mbed TLS about the raw stream's status; the status itself is kept beside. */
static int raw_result(sbs_tls_stream *tls, sbs_status status, int want) {
    if (status == SBS_PENDING) {
        tls->priv.raw_waits = true;
        return want;
    }
    tls->priv.raw_status = status;
    tls->priv.code = tls->priv.raw.ops->last_code(tls->priv.raw.ctx);
    return MBEDTLS_ERR_NET_CONN_RESET;
}

static int raw_send(void *ctx, const unsigned char *data, size_t len) {
    sbs_tls_stream *tls = ctx;
    size_t sent = 0;
    sbs_status status = tls->priv.raw.ops->send(tls->priv.raw.ctx, data, len, &sent);
    if (status == SBS_OK) {
        return (int)sent;
    }
    return raw_result(tls, status, MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int raw_receive(void *ctx, unsigned char *buffer, size_t size) {
    sbs_tls_stream *tls = ctx;
    size_t len = 0;
    size_t left = tls->priv.call_bytes_left;
    if (left == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }

    if (size > left) {
        size = left;
    }

    sbs_status status = tls->priv.raw.ops->receive(tls->priv.raw.ctx, buffer, size, &len);
    if (status == SBS_END) {
        return 0;
    }

    tls->priv.call_bytes_left = (uint16_t)(left - len);
    if (status == SBS_OK) {
        return (int)len;
    }

    return raw_result(tls, status, MBEDTLS_ERR_SSL_WANT_READ);
}

static void begin_call(sbs_tls_stream *tls) {
    tls->priv.raw_waits = false;
    tls->priv.call_bytes_left = CALL_BYTES_MAX;
    tls->priv.raw_status = SBS_OK;
    tls->priv.code = 0;
    tls->priv.failures = sbs_mbedtls_allocation_failures();
}

static sbs_status tls_fail(sbs_tls_stream *tls, sbs_status status) {
    tls->priv.state = FAILED;
    return status;
}

/* True if the peer itself said why. */
static bool tls_explain_failure(sbs_tls_stream *tls, int code) {
    const sbs_tls_explain_ops *ops = tls->priv.config->explain;
    return ops != NULL && ops->failure(tls, code);
}

/* A build with short buffers cannot take every record that a server may send. Mbed TLS says so where the record does
 * not fit into its buffer, and where its content is longer than was configured. */
static bool is_record_too_long(const mbedtls_ssl_context *ssl, int code) {
    const uint8_t *header = ssl->MBEDTLS_PRIVATE(in_hdr);
    bool may_be = code == MBEDTLS_ERR_SSL_BAD_INPUT_DATA || code == MBEDTLS_ERR_SSL_INVALID_RECORD;
    return may_be && header != NULL && header[1] == 3 &&
           (header[3] * 256u) + header[4] > (unsigned)MBEDTLS_SSL_IN_CONTENT_LEN;
}

/* The status for what Mbed TLS returned. Anything but "not yet" and an orderly end leaves the stream failed. */
static sbs_status tls_conclude(sbs_tls_stream *tls, int code) {
    if (tls->priv.raw_status != SBS_OK) {
        bool told = tls_explain_failure(tls, 0);
        if (told) {
            return tls_fail(tls, SBS_ERR_TLS);
        }
        return tls_fail(tls, tls->priv.raw_status);
    }

    sbs_status status = sbs_tls_status(code, tls->priv.verify_flags);
    if (status == SBS_PENDING) {
        return status;
    }

    tls->priv.code = code;
    if (status == SBS_END) {
        tls->priv.state = ENDED;
        return status;
    }

    if (sbs_mbedtls_allocation_failures() != tls->priv.failures) {
        return tls_fail(tls, SBS_ERR_MEMORY);
    }

    if (MBEDTLS_SSL_IN_CONTENT_LEN < LONGEST_CONTENT && is_record_too_long(&tls->priv.ssl, code)) {
        tls->priv.code = SBS_TLS_CODE_RECORD_TOO_LONG;
    }

    (void)tls_explain_failure(tls, code);
    return tls_fail(tls, status);
}

static sbs_status tls_set_up(sbs_tls_stream *tls) {
    mbedtls_ssl_init(&tls->priv.ssl);
    int code = mbedtls_ssl_setup(&tls->priv.ssl, &tls->priv.ssl_config);
    if (code != 0) {
        return tls_conclude(tls, code);
    }

    /* RFC 6066 section 3: no address in server_name; sbs_tls_verify compares it. */
    const char *server_name = NULL;
    if (tls->priv.address_len == 0) {
        server_name = tls->priv.host;
    }

    code = mbedtls_ssl_set_hostname(&tls->priv.ssl, server_name);
    if (code != 0) {
        return tls_conclude(tls, code);
    }

    mbedtls_ssl_set_bio(&tls->priv.ssl, tls, raw_send, raw_receive, NULL);
    sbs_tls_session_offer(tls);
    tls->priv.state = HANDSHAKING;

    return SBS_PENDING;
}

static sbs_status tls_start(sbs_tls_stream *tls, const char *host, uint16_t port, sbs_now now) {
    size_t len = strlen(host);
    if (len == 0 || len >= sizeof tls->priv.session_host || port == 0) {
        return SBS_ERR_ARGUMENT;
    }

    if (now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }

    memset(tls->priv.session_host, 0, sizeof tls->priv.session_host);
    memcpy(tls->priv.session_host, host, len);
    tls->priv.host = host;
    tls->priv.port = port;
    uint32_t address[4] = {0};
    tls->priv.address_len = (uint8_t)mbedtls_x509_crt_parse_cn_inet_pton(host, address);
    memcpy(tls->priv.address, address, sizeof tls->priv.address);
    tls->priv.chain_checked = false;
    tls->priv.session_offered = false;
    tls->priv.verify_flags = 0;
    tls->priv.problem = 0;
    tls->priv.alert = 0;
    tls->priv.now = now;
    tls->priv.state = CONNECTING;
    sbs_mbedtls_set_now(now);

    return SBS_OK;
}

static sbs_status connect_raw(sbs_tls_stream *tls) {
    sbs_status status = tls->priv.raw.ops->open(tls->priv.raw.ctx, tls->priv.host, tls->priv.port, tls->priv.now);
    if (status == SBS_OK) {
        return tls_set_up(tls);
    }

    if (status == SBS_PENDING) {
        tls->priv.raw_waits = true;
        return status;
    }

    tls->priv.code = tls->priv.raw.ops->last_code(tls->priv.raw.ctx);
    return tls_fail(tls, status);
}

static sbs_status handshake_failed(sbs_tls_stream *tls, int code) {
    sbs_tls_session_forget(tls);
    if (tls->priv.chain_checked) {
        tls->priv.verify_flags = mbedtls_ssl_get_verify_result(&tls->priv.ssl);
    }

    sbs_status status = tls_conclude(tls, code);
    /* Nothing was to be received yet: a connection that ends here has failed, whatever its end looked like. */
    if (status == SBS_ERR_TRUNCATED || status == SBS_END) {
        return tls_fail(tls, SBS_ERR_NETWORK);
    }

    return status;
}

static sbs_status tls_handshake(sbs_tls_stream *tls) {
    int code = mbedtls_ssl_handshake_step(&tls->priv.ssl);
    if (code != 0 && sbs_tls_status(code, 0) != SBS_PENDING) {
        return handshake_failed(tls, code);
    }

    if (!mbedtls_ssl_is_handshake_over(&tls->priv.ssl)) {
        return SBS_PENDING;
    }

    tls->priv.state = OPEN;
    /* TLS 1.3 sends its tickets later, and only they can be resumed. */
    if (mbedtls_ssl_get_version_number(&tls->priv.ssl) == MBEDTLS_SSL_VERSION_TLS1_2) {
        sbs_tls_session_keep(tls);
    }

    return SBS_OK;
}

static sbs_status tls_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_tls_stream *tls = ctx;
    begin_call(tls);
    if (tls->priv.state == CLOSED) {
        sbs_status status = tls_start(tls, host, port, now);
        if (status != SBS_OK) {
            return status;
        }
    }

    if (now.utc_s != SBS_UTC_UNKNOWN) {
        tls->priv.now = now;
    }

    tls->priv.host = host;
    if (tls->priv.state == CONNECTING) {
        return connect_raw(tls);
    }

    if (tls->priv.state == HANDSHAKING) {
        return tls_handshake(tls);
    }

    return SBS_ERR_STATE;
}

/* True if Mbed TLS wants the same call again: a ticket came, and nothing is wrong. */
static bool took_ticket(sbs_tls_stream *tls, int code) {
    if (code != MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) {
        return false;
    }
    sbs_tls_session_keep(tls);
    return true;
}

static sbs_status tls_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_tls_stream *tls = ctx;
    *out_sent = 0;
    if (tls->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    begin_call(tls);
    int result = mbedtls_ssl_write(&tls->priv.ssl, data, len);
    if (result > 0) {
        *out_sent = (size_t)result;
        return SBS_OK;
    }

    if (took_ticket(tls, result)) {
        return SBS_PENDING;
    }

    sbs_status status = tls_conclude(tls, result);
    if (status == SBS_ERR_NETWORK && tls->priv.raw_status == status) {
        tls->priv.state = DEAF;
    }

    return status;
}

static sbs_status tls_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_tls_stream *tls = ctx;
    *out_len = 0;
    if (tls->priv.state == ENDED) {
        return SBS_END;
    }

    if (tls->priv.state != OPEN && tls->priv.state != DEAF) {
        return SBS_ERR_STATE;
    }

    begin_call(tls);
    int result = mbedtls_ssl_read(&tls->priv.ssl, buffer, size);
    if (result > 0) {
        *out_len = (size_t)result;
        return SBS_OK;
    }

    if (result == 0 && tls->priv.raw_status == SBS_OK) {
        result = MBEDTLS_ERR_SSL_CONN_EOF;
    }

    if (took_ticket(tls, result)) {
        return SBS_PENDING;
    }

    return tls_conclude(tls, result);
}

static void tls_close(void *ctx) {
    sbs_tls_stream *tls = ctx;
    if (tls->priv.state == OPEN || tls->priv.state == ENDED) {
        (void)mbedtls_ssl_close_notify(&tls->priv.ssl);
    }

    mbedtls_ssl_free(&tls->priv.ssl);
    mbedtls_ssl_init(&tls->priv.ssl);
    tls->priv.raw.ops->close(tls->priv.raw.ctx);
    tls->priv.host = NULL;
    tls->priv.state = CLOSED;
}

static sbs_wait tls_waits_for(void *ctx) {
    const sbs_tls_stream *tls = ctx;
    if (!tls->priv.raw_waits) {
        return (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    }
    return tls->priv.raw.ops->waits_for(tls->priv.raw.ctx);
}

static int32_t tls_last_code(void *ctx) {
    const sbs_tls_stream *tls = ctx;
    return tls->priv.code;
}

static const sbs_stream_ops tls_ops = {
    .open = tls_open,
    .send = tls_send,
    .receive = tls_receive,
    .close = tls_close,
    .waits_for = tls_waits_for,
    .last_code = tls_last_code,
    .secured = true,
};

static int fragment_code(uint16_t len) {
    static const uint16_t lengths[] = {512, 1024, 2048, 4096};
    for (unsigned i = 0; i < SBS_COUNT_OF(lengths); i++) {
        if (lengths[i] == len) {
            return (int)i + MBEDTLS_SSL_MAX_FRAG_LEN_512;
        }
    }

    if (len == 0) {
        return DEFAULT_FRAGMENT;
    }

    return MBEDTLS_SSL_MAX_FRAG_LEN_INVALID;
}

static void configure_resumption(mbedtls_ssl_config *ssl_config, bool resume) {
    mbedtls_ssl_conf_session_tickets(ssl_config, resume ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                        : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && MBEDTLS_VERSION_MAJOR < 4 /* Mbed TLS 4 asks the setting above */
    mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(ssl_config, resume);
#endif
}

/* A build that leaves mutual TLS out does not link what it takes. */
#if defined(SBS_PK_VERIFY_ONLY)
static sbs_status configure_identity(mbedtls_ssl_config *ssl_config, const sbs_tls_identity *identity) {
    (void)ssl_config;
    if (identity == NULL) {
        return SBS_OK;
    }
    return SBS_ERR_UNSUPPORTED;
}
#else
static sbs_status configure_identity(mbedtls_ssl_config *ssl_config, const sbs_tls_identity *identity) {
    if (identity == NULL) {
        return SBS_OK;
    }

    if (!identity->priv.loaded) {
        return SBS_ERR_ARGUMENT;
    }

    /* Mbed TLS only reads both; its parameters lack the const. */
    int code = mbedtls_ssl_conf_own_cert(ssl_config, (mbedtls_x509_crt *)(uintptr_t)&identity->priv.chain,
                                         (mbedtls_pk_context *)(uintptr_t)&identity->priv.key);

    if (code == 0) {
        return SBS_OK;
    }

    return sbs_tls_status(code, 0);
}
#endif

static sbs_status configure(mbedtls_ssl_config *ssl_config, const sbs_tls_config *config) {
    bool only_1_2 = config->max_version == SBS_TLS_1_2 || NEWEST_VERSION == SBS_TLS_1_2;
    bool only_1_3 = config->min_version == SBS_TLS_1_3;
    if (only_1_2 && only_1_3) {
        return SBS_ERR_ARGUMENT;
    }

    int code = mbedtls_ssl_config_defaults(ssl_config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0) {
        return sbs_tls_status(code, 0);
    }

    mbedtls_ssl_conf_min_tls_version(ssl_config, only_1_3 ? MBEDTLS_SSL_VERSION_TLS1_3 : MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_max_tls_version(ssl_config, only_1_2 ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3);
    mbedtls_ssl_conf_sig_algs(ssl_config, only_1_2 ? signature_algorithms_tls_1_2 : signature_algorithms);
    sbs_mbedtls_use_random(ssl_config);
    mbedtls_ssl_conf_authmode(ssl_config, MBEDTLS_SSL_VERIFY_REQUIRED);
    configure_resumption(ssl_config, config->sessions != NULL && config->session_count != 0);
    int fragment = fragment_code(config->max_fragment_len);
    if (fragment == MBEDTLS_SSL_MAX_FRAG_LEN_INVALID ||
        mbedtls_ssl_conf_max_frag_len(ssl_config, (unsigned char)fragment) != 0) {
        return SBS_ERR_ARGUMENT;
    }

    return configure_identity(ssl_config, config->identity);
}

sbs_status sbs_tls_stream_init(sbs_tls_stream *tls, const sbs_tls_config *config, const sbs_stream *raw,
                               sbs_stream *out_stream) {
    memset(tls, 0, sizeof *tls);
    mbedtls_ssl_init(&tls->priv.ssl);
    mbedtls_ssl_config_init(&tls->priv.ssl_config);
    if (config->trust == NULL || (config->sessions == NULL && config->session_count != 0)) {
        return SBS_ERR_ARGUMENT;
    }

    sbs_status status = configure(&tls->priv.ssl_config, config);
    if (status != SBS_OK) {
        mbedtls_ssl_config_free(&tls->priv.ssl_config);
        return status;
    }

    mbedtls_ssl_conf_verify(&tls->priv.ssl_config, sbs_tls_verify, tls);
    /* Mbed TLS only reads the list; its parameter lacks the const. */
    mbedtls_ssl_conf_ca_chain(&tls->priv.ssl_config, (mbedtls_x509_crt *)(uintptr_t)&config->trust->priv.chain, NULL);
    sbs_tls_sessions_init(config);
    tls->priv.config = config;
    tls->priv.raw = *raw;
    *out_stream = (sbs_stream){&tls_ops, tls};

    return SBS_OK;
}

void sbs_tls_stream_deinit(sbs_tls_stream *tls) {
    if (tls->priv.config == NULL) {
        return;
    }
    tls_close(tls);
    sbs_tls_sessions_free(tls->priv.config);
    mbedtls_ssl_config_free(&tls->priv.ssl_config);
    sbs_wipe(tls, sizeof *tls);
}

const char *sbs_tls_stream_version(const sbs_tls_stream *tls) {
    if (tls->priv.state == OPEN || tls->priv.state == ENDED) {
        return mbedtls_ssl_get_version(&tls->priv.ssl);
    }
    return "";
}

bool sbs_tls_stream_resumed(const sbs_tls_stream *tls) {
    return (tls->priv.state == OPEN || tls->priv.state == ENDED) && tls->priv.session_offered &&
           !tls->priv.chain_checked;
}

int64_t sbs_tls_stream_valid_until(const sbs_tls_stream *tls) {
    bool known = tls->priv.chain_checked || tls->priv.session_offered;
    return known && tls->priv.valid_until_s != INT64_MAX ? tls->priv.valid_until_s : 0;
}
