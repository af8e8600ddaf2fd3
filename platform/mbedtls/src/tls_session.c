/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions kept for resumption: tickets of TLS 1.2 (RFC 5077) and 1.3 (RFC 8446 section 4.6.1), session ids of 1.2. */
#include <string.h>

#include "sbs/text.h"
#include "tls_internal.h"

static bool is_of(const sbs_tls_session *kept, const sbs_tls_stream *tls) {
    return kept->priv.used && kept->priv.port == tls->priv.port && strcmp(kept->priv.host, tls->priv.session_host) == 0;
}

static sbs_tls_session *find(sbs_tls_stream *tls) {
    for (size_t i = 0; i < tls->priv.config->session_count; i++) {
        if (is_of(&tls->priv.config->sessions[i], tls)) {
            return &tls->priv.config->sessions[i];
        }
    }
    return NULL;
}

static void clear(sbs_tls_session *kept) {
    mbedtls_ssl_session_free(&kept->priv.session);
    sbs_wipe(kept, sizeof *kept);
    mbedtls_ssl_session_init(&kept->priv.session);
}

/* A resumed handshake checks no certificate, so the dates of the chain that was checked bound its use. */
static bool is_good(const sbs_tls_session *kept, sbs_now now) {
    return now.utc_s >= kept->priv.valid_from_s && now.utc_s <= kept->priv.valid_until_s &&
           now.mono_ms - kept->priv.verified_ms < SBS_TLS_SESSION_LIFETIME_MS;
}

static sbs_tls_session *place_for_new(sbs_tls_stream *tls) {
    sbs_tls_session *best = find(tls);
    for (size_t i = 0; best == NULL && i < tls->priv.config->session_count; i++) {
        if (!tls->priv.config->sessions[i].priv.used) {
            best = &tls->priv.config->sessions[i];
        }
    }

    if (best != NULL || tls->priv.config->session_count == 0) {
        return best;
    }

    best = &tls->priv.config->sessions[0];
    for (size_t i = 1; i < tls->priv.config->session_count; i++) {
        if (tls->priv.config->sessions[i].priv.verified_ms < best->priv.verified_ms) {
            best = &tls->priv.config->sessions[i];
        }
    }

    return best;
}

void sbs_tls_session_offer(sbs_tls_stream *tls) {
    sbs_tls_session *kept = find(tls);
    if (kept == NULL) {
        return;
    }

    if (!is_good(kept, tls->priv.now) || mbedtls_ssl_set_session(&tls->priv.ssl, &kept->priv.session) != 0) {
        clear(kept);
        return;
    }

    tls->priv.session_offered = true;
    tls->priv.valid_from_s = kept->priv.valid_from_s;
    tls->priv.valid_until_s = kept->priv.valid_until_s;
    tls->priv.verified_ms = kept->priv.verified_ms;
}

void sbs_tls_session_keep(sbs_tls_stream *tls) {
    sbs_tls_session *kept = place_for_new(tls);
    if (kept == NULL) {
        return;
    }

    clear(kept);
    /* Without memory for it the session is not kept, and the next handshake is a full one. */
    if (mbedtls_ssl_get_session(&tls->priv.ssl, &kept->priv.session) != 0) {
        clear(kept);
        return;
    }

    memcpy(kept->priv.host, tls->priv.session_host, sizeof kept->priv.host);
    kept->priv.port = tls->priv.port;
    kept->priv.valid_from_s = tls->priv.valid_from_s;
    kept->priv.valid_until_s = tls->priv.valid_until_s;
    kept->priv.verified_ms = tls->priv.verified_ms;
    kept->priv.used = true;
}

void sbs_tls_session_forget(sbs_tls_stream *tls) {
    sbs_tls_session *kept = find(tls);
    if (kept != NULL) {
        clear(kept);
    }
}

void sbs_tls_sessions_init(const sbs_tls_config *config) {
    for (size_t i = 0; i < config->session_count; i++) {
        memset(&config->sessions[i], 0, sizeof config->sessions[i]);
        mbedtls_ssl_session_init(&config->sessions[i].priv.session);
    }
}

void sbs_tls_sessions_free(const sbs_tls_config *config) {
    for (size_t i = 0; i < config->session_count; i++) {
        clear(&config->sessions[i]);
    }
}
