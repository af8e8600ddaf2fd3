/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/tls_server.h"

#include <mbedtls/net_sockets.h>
#include <mbedtls/platform.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/mbedtls_series.h"
#include "sbs/text.h"
#include "tls_internal.h"

#if defined(MBEDTLS_SSL_SRV_C)

enum { CLOSED, HANDSHAKING, OPEN, ENDED, FAILED };

/* What one call takes from the raw stream at most: the longest record and some short ones before it, as Mbed TLS passes
 * over warning alerts and the like within one call, and a peer needs no key to send them without end. */
#define CALL_BYTES_MAX (5u + 16384u + 2048u + 1024u)

/* Certificate, key and configuration of one load(). The server has it, and each connection that began with it. */
typedef struct sbs_tls_credentials {
    sbs_tls_identity identity;
    mbedtls_ssl_config config;
    unsigned users;
} sbs_tls_credentials;

static const uint16_t signature_algorithms[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256,
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,
    MBEDTLS_TLS1_3_SIG_NONE,
};

/* ---- credentials ---------------------------------------------------------------------------------------------- */

static void credentials_leave(sbs_tls_credentials *credentials) {
    if (credentials == NULL || --credentials->users > 0) {
        return;
    }

    mbedtls_ssl_config_free(&credentials->config);
    sbs_tls_identity_deinit(&credentials->identity);
    mbedtls_free(credentials);
}

static sbs_status credentials_configure(sbs_tls_credentials *credentials) {
    mbedtls_ssl_config *config = &credentials->config;
    int code = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                           MBEDTLS_SSL_PRESET_DEFAULT);
    if (code != 0) {
        return sbs_tls_status(code, 0);
    }

    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_sig_algs(config, signature_algorithms);
    sbs_mbedtls_use_random(config);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_new_session_tickets(config, 0);
#if defined(MBEDTLS_SSL_PROTO_TLS1_3)
    mbedtls_ssl_conf_tls13_key_exchange_modes(config, MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL);
#endif

    code = mbedtls_ssl_conf_own_cert(config, &credentials->identity.priv.chain, &credentials->identity.priv.key);
    if (code != 0) {
        return sbs_tls_status(code, 0);
    }
    return SBS_OK;
}

sbs_status sbs_tls_server_load(sbs_tls_server *server, const char *certificates, size_t certificates_len,
                               const char *key, size_t key_len, sbs_tls_identity_fault *out_fault) {
    *out_fault = SBS_TLS_IDENTITY_NO_FAULT;
    sbs_tls_credentials *credentials = mbedtls_calloc(1, sizeof *credentials);
    if (credentials == NULL) {
        return SBS_ERR_MEMORY;
    }

    credentials->users = 1;
    mbedtls_ssl_config_init(&credentials->config);
    sbs_tls_identity_init(&credentials->identity);
    sbs_status status =
        sbs_tls_identity_load(&credentials->identity, certificates, certificates_len, key, key_len, out_fault);
    if (status == SBS_OK) {
        status = credentials_configure(credentials);
    }
    if (status != SBS_OK) {
        credentials_leave(credentials);
        return status;
    }

    credentials_leave(server->priv.current);
    server->priv.current = credentials;
    return SBS_OK;
}

void sbs_tls_server_deinit(sbs_tls_server *server) {
    credentials_leave(server->priv.current);
    server->priv.current = NULL;
}

/* ---- the raw stream ------------------------------------------------------------------------------------------- */

static int accepted_raw_result(sbs_tls_accepted *accepted, sbs_status status, int want) {
    if (status == SBS_PENDING) {
        accepted->priv.raw_waits = true;
        return want;
    }

    accepted->priv.raw_status = status;
    return MBEDTLS_ERR_NET_CONN_RESET;
}

static int accepted_raw_send(void *ctx, const unsigned char *data, size_t len) {
    sbs_tls_accepted *accepted = ctx;
    size_t sent = 0;

    sbs_status status = accepted->priv.raw.ops->send(accepted->priv.raw.ctx, data, len, &sent);
    if (status == SBS_OK) {
        return (int)sent;
    }
    return accepted_raw_result(accepted, status, MBEDTLS_ERR_SSL_WANT_WRITE);
}

static int accepted_raw_receive(void *ctx, unsigned char *buffer, size_t size) {
    sbs_tls_accepted *accepted = ctx;
    size_t left = accepted->priv.call_bytes_left;
    size_t len = 0;
    if (left == 0) {
        return MBEDTLS_ERR_SSL_WANT_READ;
    }

    if (size > left) {
        size = left;
    }
    sbs_status status = accepted->priv.raw.ops->receive(accepted->priv.raw.ctx, buffer, size, &len);
    accepted->priv.call_bytes_left = (uint16_t)(left - len);
    if (status == SBS_END) {
        return 0;
    }
    if (status == SBS_OK) {
        return (int)len;
    }
    return accepted_raw_result(accepted, status, MBEDTLS_ERR_SSL_WANT_READ);
}

static void accepted_begin_call(sbs_tls_accepted *accepted) {
    accepted->priv.raw_waits = false;
    accepted->priv.call_bytes_left = CALL_BYTES_MAX;
    accepted->priv.raw_status = SBS_OK;
    accepted->priv.code = 0;
}

/* The status for what Mbed TLS returned. */
static sbs_status accepted_conclude(sbs_tls_accepted *accepted, int code) {
    sbs_status status = accepted->priv.raw_status;
    if (status == SBS_OK) {
        status = sbs_tls_status(code, 0);
    }
    if (status == SBS_PENDING) {
        return status;
    }

    accepted->priv.code = code;
    accepted->priv.state = FAILED;
    if (status == SBS_END) {
        accepted->priv.state = ENDED;
    }
    return status;
}

/* ---- the stream ----------------------------------------------------------------------------------------------- */

static sbs_status accepted_open(void *ctx, const char *host, uint16_t port, sbs_now now) {
    sbs_tls_accepted *accepted = ctx;
    (void)host;
    (void)port;
    (void)now;
    if (accepted->priv.state != HANDSHAKING) {
        return SBS_ERR_STATE;
    }

    accepted_begin_call(accepted);
    int code = mbedtls_ssl_handshake_step(&accepted->priv.ssl);
    if (code != 0) {
        sbs_status status = accepted_conclude(accepted, code);
        if (status == SBS_END) {
            return SBS_ERR_TRUNCATED;
        }
        return status;
    }
    if (!mbedtls_ssl_is_handshake_over(&accepted->priv.ssl)) {
        return SBS_PENDING;
    }

    accepted->priv.state = OPEN;
    return SBS_OK;
}

static sbs_status accepted_send(void *ctx, const uint8_t *data, size_t len, size_t *out_sent) {
    sbs_tls_accepted *accepted = ctx;
    *out_sent = 0;
    /* A client that ended its side may still read. */
    if (accepted->priv.state != OPEN && accepted->priv.state != ENDED) {
        return SBS_ERR_STATE;
    }

    accepted_begin_call(accepted);
    int result = mbedtls_ssl_write(&accepted->priv.ssl, data, len);
    if (result > 0) {
        *out_sent = (size_t)result;
        return SBS_OK;
    }
    return accepted_conclude(accepted, result);
}

static sbs_status accepted_receive(void *ctx, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_tls_accepted *accepted = ctx;
    *out_len = 0;
    if (accepted->priv.state == ENDED) {
        return SBS_END;
    }
    if (accepted->priv.state != OPEN) {
        return SBS_ERR_STATE;
    }

    accepted_begin_call(accepted);
    int result = mbedtls_ssl_read(&accepted->priv.ssl, buffer, size);
    if (result > 0) {
        *out_len = (size_t)result;
        return SBS_OK;
    }
    if (result == 0) {
        result = MBEDTLS_ERR_SSL_CONN_EOF;
    }
    return accepted_conclude(accepted, result);
}

static void accepted_close(void *ctx) {
    sbs_tls_accepted *accepted = ctx;
    if (accepted->priv.state == CLOSED) {
        return;
    }

    if (accepted->priv.state == OPEN || accepted->priv.state == ENDED) {
        (void)mbedtls_ssl_close_notify(&accepted->priv.ssl);
    }
    mbedtls_ssl_free(&accepted->priv.ssl);
    credentials_leave(accepted->priv.credentials);
    accepted->priv.credentials = NULL;
    accepted->priv.raw.ops->close(accepted->priv.raw.ctx);
    accepted->priv.state = CLOSED;
}

static sbs_wait accepted_waits_for(void *ctx) {
    const sbs_tls_accepted *accepted = ctx;
    if (!accepted->priv.raw_waits) {
        return (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    }
    return accepted->priv.raw.ops->waits_for(accepted->priv.raw.ctx);
}

static int32_t accepted_last_code(void *ctx) {
    const sbs_tls_accepted *accepted = ctx;
    return accepted->priv.code;
}

static const sbs_stream_ops accepted_ops = {
    .open = accepted_open,
    .send = accepted_send,
    .receive = accepted_receive,
    .close = accepted_close,
    .waits_for = accepted_waits_for,
    .last_code = accepted_last_code,
    .secured = true,
};

sbs_status sbs_tls_server_accept(sbs_tls_server *server, const sbs_stream *raw, sbs_tls_accepted *accepted,
                                 sbs_stream *out_stream) {
    sbs_tls_credentials *credentials = server->priv.current;
    if (credentials == NULL) {
        return SBS_ERR_STATE;
    }

    memset(accepted, 0, sizeof *accepted);
    mbedtls_ssl_init(&accepted->priv.ssl);
    if (mbedtls_ssl_setup(&accepted->priv.ssl, &credentials->config) != 0) {
        mbedtls_ssl_free(&accepted->priv.ssl);
        return SBS_ERR_MEMORY;
    }

    credentials->users++;
    accepted->priv.credentials = credentials;
    accepted->priv.raw = *raw;
    accepted->priv.state = HANDSHAKING;
    mbedtls_ssl_set_bio(&accepted->priv.ssl, accepted, accepted_raw_send, accepted_raw_receive, NULL);
    *out_stream = (sbs_stream){&accepted_ops, accepted};
    return SBS_OK;
}

const char *sbs_tls_accepted_version(const sbs_tls_accepted *accepted) {
    if (accepted->priv.state == OPEN || accepted->priv.state == ENDED) {
        return mbedtls_ssl_get_version(&accepted->priv.ssl);
    }
    return "";
}

#else /* a build of clients alone */

sbs_status sbs_tls_server_load(sbs_tls_server *server, const char *certificates, size_t certificates_len,
                               const char *key, size_t key_len, sbs_tls_identity_fault *out_fault) {
    (void)server;
    (void)certificates;
    (void)certificates_len;
    (void)key;
    (void)key_len;
    *out_fault = SBS_TLS_IDENTITY_NO_FAULT;
    return SBS_ERR_UNSUPPORTED;
}

void sbs_tls_server_deinit(sbs_tls_server *server) {
    (void)server;
}

sbs_status sbs_tls_server_accept(sbs_tls_server *server, const sbs_stream *raw, sbs_tls_accepted *accepted,
                                 sbs_stream *out_stream) {
    (void)server;
    (void)raw;
    (void)accepted;
    (void)out_stream;
    return SBS_ERR_UNSUPPORTED;
}

const char *sbs_tls_accepted_version(const sbs_tls_accepted *accepted) {
    (void)accepted;
    return "";
}

#endif
