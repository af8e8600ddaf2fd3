/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway_listeners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_MS 3600000u
#define RETRY_MS 60000u
#define PEM_MAX 65536u

/* ---- the gateway's own certificate ------------------------------------------------------------------------------ */

/* The host of ADDRESS:PORT or [IPv6]:PORT, new memory; NULL for a path, or without memory. */
static char *listeners_host(const char *address) {
    const char *colon = strrchr(address, ':');
    if (address[0] == '/' || colon == NULL) {
        return NULL;
    }

    size_t len = (size_t)(colon - address);
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        address++;
        len -= 2;
    }
    return strndup(address, len);
}

static bool listeners_shows_own(const sbs_gateway_listener *listener) {
    return listener->tls && listener->certificate == NULL;
}

static void listeners_collect_hosts(gateway_listeners *listeners) {
    for (size_t i = 0; i < listeners->config->listener_count; i++) {
        const sbs_gateway_listener *listener = &listeners->config->listeners[i];
        char *host = listeners_shows_own(listener) ? listeners_host(listener->address) : NULL;
        listeners->own |= listeners_shows_own(listener);
        if (host != NULL) {
            listeners->hosts[listeners->host_count++] = host;
        }
    }
}

static void listeners_tell_ca(const gateway_listeners *listeners, sbs_status status, char *message, size_t size) {
    const char *advice = "check the disk and who owns the state folder";
    if (status == SBS_ERR_DAMAGED || status == SBS_ERR_CERT_DATE) {
        advice = "restore ca-root.pem there, or remove it, and give devices the new one that 'sbs-gateway ca' prints";
    } else if (status == SBS_ERR_WRONG_NAME) {
        advice = "remove ca-root.pem there, restart, and give devices the new one that 'sbs-gateway ca' prints";
    } else if (status == SBS_ERR_ARGUMENT) {
        advice = "give [listen ...] addresses of this machine";
    }
    (void)snprintf(message, size, "the gateway's own certificate in %s: %s, %s", listeners->config->state,
                   sbs_status_text(status), advice);
}

bool gateway_listeners_keep(gateway_listeners *listeners, sbs_now now, bool clock_known, char *message, size_t size) {
    bool changed = false;
    message[0] = '\0';
    if (!listeners->own || now.mono_ms < listeners->due_ms) {
        return false;
    }

    const sbs_gateway_ca_config config = {
        .folder = listeners->config->state,
        .name = listeners->config->name,
        .hosts = (const char *const *)listeners->hosts,
        .host_count = listeners->host_count,
        .clock_known = clock_known,
    };
    sbs_status status = sbs_gateway_ca_keep(&listeners->ca, &config, now, &changed);
    if (status == SBS_OK && (changed || listeners->own_tls.priv.current == NULL)) {
        status = sbs_gateway_ca_serve(listeners->config->state, &listeners->own_tls);
    }

    listeners->due_ms = now.mono_ms + (status == SBS_OK ? KEEP_MS : RETRY_MS);
    if (status != SBS_OK) {
        listeners_tell_ca(listeners, status, message, size);
    }
    return status != SBS_OK;
}

void gateway_listeners_put_ca(const gateway_listeners *listeners, sbs_forward_buffer *out) {
    sbs_linux_blob pem = {0};
    if (!listeners->own || sbs_gateway_ca_root(listeners->config->state, &pem) != SBS_OK) {
        return;
    }

    if (sbs_forward_buffer_put(out, pem.data, pem.len) != SBS_OK) {
        sbs_forward_buffer_clear(out);
    }
    sbs_linux_blob_free(&pem);
}

int64_t gateway_listeners_until(const gateway_listeners *listeners) {
    return listeners->own ? listeners->ca.leaf_until_s : 0;
}

/* ---- files of the operator's ------------------------------------------------------------------------------------ */

static sbs_status listeners_load_files(const sbs_gateway_listener *listener, sbs_tls_server *tls, char *message,
                                       size_t size) {
    const char *key_path = listener->key != NULL ? listener->key : listener->certificate;
    sbs_tls_identity_fault fault;
    sbs_linux_blob certificate = {0};
    sbs_linux_blob key = {0};

    sbs_status status = sbs_linux_file_read(listener->certificate, PEM_MAX, &certificate);
    if (status == SBS_OK) {
        status = sbs_linux_file_read(key_path, PEM_MAX, &key);
    }
    if (status == SBS_OK) {
        status = sbs_tls_server_load(tls, certificate.data, certificate.len, key.data, key.len, &fault);
    }
    if (status != SBS_OK) {
        (void)snprintf(message, size, "[listen %s]: certificate %s or its key %s cannot be used: %s, check both files",
                       listener->name, listener->certificate, key_path, sbs_status_text(status));
    }

    sbs_linux_blob_free(&certificate);
    sbs_linux_blob_free(&key);
    return status;
}

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static sbs_status listeners_add(gateway_listeners *listeners, size_t place, char *message, size_t size) {
    const sbs_gateway_listener *listener = &listeners->config->listeners[place];
    /* A network that comes late, or never, must not keep away the devices of another one. */
    sbs_linux_http_listener at = {.address = listener->address, .early = true};
    if (listeners_shows_own(listener)) {
        at.tls = &listeners->own_tls;
    } else if (listener->tls) {
        sbs_status status = listeners_load_files(listener, &listeners->tls[place], message, size);
        if (status != SBS_OK) {
            return status;
        }
        at.tls = &listeners->tls[place];
    }

    sbs_status status = sbs_linux_http_server_add(listeners->server, &at, &listeners->numbers[place]);
    if (status != SBS_OK) {
        const char *why = status == SBS_ERR_NETWORK ? strerror(errno) : sbs_status_text(status);
        (void)snprintf(message, size,
                       "[listen %s]: address %s cannot be listened at: %s, check it and what else uses it",
                       listener->name, listener->address, why);
    }
    return status;
}

sbs_status gateway_listeners_open(gateway_listeners *listeners, const sbs_gateway_config *config,
                                  struct sbs_linux_http_server *server, sbs_now now, bool clock_known, char *message,
                                  size_t size) {
    listeners->config = config;
    listeners->server = server;
    listeners_collect_hosts(listeners);
    if (gateway_listeners_keep(listeners, now, clock_known, message, size) && listeners->own_tls.priv.current == NULL) {
        return SBS_ERR_KEY;
    }

    sbs_status status = SBS_OK;
    for (size_t i = 0; i < config->listener_count && status == SBS_OK; i++) {
        status = listeners_add(listeners, i, message, size);
    }
    return status;
}

const sbs_gateway_listener *gateway_listeners_find(const gateway_listeners *listeners, unsigned number) {
    for (size_t i = 0; i < listeners->config->listener_count; i++) {
        if (listeners->numbers[i] == number) {
            return &listeners->config->listeners[i];
        }
    }
    return NULL;
}

void gateway_listeners_use(gateway_listeners *listeners, const sbs_gateway_config *config) {
    listeners->config = config;
}

void gateway_listeners_close(gateway_listeners *listeners) {
    for (size_t i = 0; i < SBS_GATEWAY_LISTENERS_MAX; i++) {
        sbs_tls_server_deinit(&listeners->tls[i]);
    }
    sbs_tls_server_deinit(&listeners->own_tls);
    for (size_t i = 0; i < listeners->host_count; i++) {
        free(listeners->hosts[i]);
    }
    *listeners = (gateway_listeners){0};
}
