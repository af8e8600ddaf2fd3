/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/linux.h"

#include <string.h>

#define KEY_FILE_MAX 65536u

static sbs_status load_key(sbs_linux_platform *platform, const char *key_file) {
    sbs_linux_blob pem;
    sbs_status status = sbs_linux_file_read(key_file, KEY_FILE_MAX, &pem);
    if (status == SBS_OK) {
        status = sbs_pem_key_import(pem.data, pem.len, &platform->priv.key_id, &platform->key_fault);
        sbs_linux_blob_free(&pem);
    }
    if (status == SBS_OK) {
        sbs_psa_key_init(&platform->priv.psa_key, platform->priv.key_id, &platform->key);
    }
    return status;
}

static sbs_status prepare_streams(sbs_linux_platform *platform) {
    platform->priv.config = (sbs_tls_config){
        .trust = &platform->priv.trust,
        .sessions = platform->priv.sessions,
        .session_count = sizeof platform->priv.sessions / sizeof *platform->priv.sessions,
    };
    return sbs_tls_stream_init(&platform->priv.tls, &platform->priv.config, &platform->priv.raw, &platform->stream);
}

sbs_status sbs_linux_platform_open(sbs_linux_platform *platform, const char *key_file, const char *ca_file) {
    memset(platform, 0, sizeof *platform);
    sbs_linux_stream_init(&platform->priv.tcp, NULL, &platform->priv.raw); /* first: zero is a descriptor */
    size_t skipped; /* certificates of kinds that this build does not know */
    sbs_status status = sbs_mbedtls_init(NULL);
    if (status != SBS_OK) {
        return status;
    }
    sbs_tls_trust_init(&platform->priv.trust);
    status = prepare_streams(platform);
    if (status == SBS_OK) {
        status = sbs_linux_trust_load(&platform->priv.trust, ca_file, &skipped);
    }
    if (status == SBS_OK) {
        status = load_key(platform, key_file);
    }
    if (status != SBS_OK) {
        sbs_linux_platform_close(platform);
    }
    return status;
}

void sbs_linux_platform_close(sbs_linux_platform *platform) {
    sbs_tls_stream_deinit(&platform->priv.tls);
    sbs_linux_stream_deinit(&platform->priv.tcp);
    sbs_tls_trust_deinit(&platform->priv.trust);
    if (platform->priv.key_id != PSA_KEY_ID_NULL) {
        (void)psa_destroy_key(platform->priv.key_id);
        platform->priv.key_id = PSA_KEY_ID_NULL;
    }
}
