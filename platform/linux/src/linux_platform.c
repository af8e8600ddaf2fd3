/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux.h"

#include <string.h>

#include "sbs/count.h"

#define KEY_FILE_MAX 65536u

sbs_status sbs_linux_identity_load(sbs_tls_identity *identity, const char *certificate_file, const char *key_file,
                                   sbs_tls_identity_fault *out_fault) {
    sbs_linux_blob certificates;
    sbs_linux_blob key;

    *out_fault = SBS_TLS_IDENTITY_NO_FAULT;
    sbs_status status = sbs_linux_file_read(certificate_file, KEY_FILE_MAX, &certificates);
    if (status != SBS_OK) {
        return status;
    }

    if (key_file == NULL) {
        key_file = certificate_file;
    }
    status = sbs_linux_file_read(key_file, KEY_FILE_MAX, &key);
    if (status == SBS_OK) {
        status = sbs_tls_identity_load(identity, certificates.data, certificates.len, key.data, key.len, out_fault);
    }

    sbs_linux_blob_free(&key);
    sbs_linux_blob_free(&certificates);
    return status;
}

static sbs_status platform_load_key(sbs_linux_platform *platform, const char *key_file) {
    sbs_linux_blob pem;

    sbs_status status = sbs_linux_file_read(key_file, KEY_FILE_MAX, &pem);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_pem_key_import(pem.data, pem.len, &platform->priv.key_id, &platform->key_fault);
    sbs_linux_blob_free(&pem);
    if (status == SBS_OK) {
        sbs_psa_key_init(&platform->priv.psa_key, platform->priv.key_id, &platform->key);
    }
    return status;
}

static sbs_status platform_load_identity(sbs_linux_platform *platform, const sbs_linux_platform_config *config) {
    if (config->certificate_file == NULL) {
        return SBS_OK;
    }

    return sbs_linux_identity_load(&platform->priv.identity, config->certificate_file, config->certificate_key_file,
                                   &platform->certificate_fault);
}

static sbs_status platform_prepare_streams(sbs_linux_platform *platform, const sbs_linux_platform_config *config) {
    const sbs_stream *way = &platform->priv.raw;
    platform->priv.config = (sbs_tls_config){
        .trust = &platform->priv.trust,
        .sessions = platform->priv.sessions,
        .session_count = SBS_COUNT_OF(platform->priv.sessions),
        .explain = sbs_tls_explain_init(&platform->priv.explain),
    };
    if (config->certificate_file != NULL) {
        platform->priv.config.identity = &platform->priv.identity;
    }

    if (config->proxy != NULL) {
        sbs_linux_proxy_stream_init(&platform->priv.proxy, config->proxy, 0, way, &platform->priv.tunnel);
        way = &platform->priv.tunnel;
    }

    return sbs_tls_stream_init(&platform->priv.tls, &platform->priv.config, way, &platform->stream);
}

/* Everything after Mbed TLS itself; what was made so far is closed by the caller. */
static sbs_status platform_load(sbs_linux_platform *platform, const sbs_linux_platform_config *config) {
    size_t skipped; /* certificates of kinds that this build does not know */
    sbs_status status = platform_load_identity(platform, config);
    if (status != SBS_OK) {
        return status;
    }

    status = platform_prepare_streams(platform, config);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_linux_trust_load(&platform->priv.trust, config->ca_file, &skipped);
    if (status != SBS_OK) {
        return status;
    }

    if (config->key_file == NULL) {
        return SBS_OK;
    }
    return platform_load_key(platform, config->key_file);
}

sbs_status sbs_linux_platform_open_with(sbs_linux_platform *platform, const sbs_linux_platform_config *config) {
    memset(platform, 0, sizeof *platform);
    sbs_linux_stream_init(&platform->priv.tcp, NULL, &platform->priv.raw); /* first: zero is a descriptor */

    sbs_status status = sbs_mbedtls_init(NULL);
    if (status != SBS_OK) {
        return status;
    }

    sbs_tls_trust_init(&platform->priv.trust);
    sbs_tls_identity_init(&platform->priv.identity);

    status = platform_load(platform, config);
    if (status != SBS_OK) {
        sbs_linux_platform_close(platform);
    }
    return status;
}

sbs_status sbs_linux_platform_open(sbs_linux_platform *platform, const char *key_file, const char *ca_file) {
    sbs_linux_platform_config config = {.key_file = key_file, .ca_file = ca_file};
    return sbs_linux_platform_open_with(platform, &config);
}

const char *sbs_linux_platform_tls_words(const sbs_linux_platform *platform) {
    return sbs_tls_stream_words(&platform->priv.tls);
}

void sbs_linux_platform_close(sbs_linux_platform *platform) {
    /* The connection first: it uses all the rest. */
    sbs_tls_stream_deinit(&platform->priv.tls);
    sbs_linux_proxy_stream_deinit(&platform->priv.proxy);
    sbs_linux_stream_deinit(&platform->priv.tcp);
    sbs_tls_trust_deinit(&platform->priv.trust);
    sbs_tls_identity_deinit(&platform->priv.identity);

    if (platform->priv.key_id != PSA_KEY_ID_NULL) {
        (void)psa_destroy_key(platform->priv.key_id);
        platform->priv.key_id = PSA_KEY_ID_NULL;
    }
}
