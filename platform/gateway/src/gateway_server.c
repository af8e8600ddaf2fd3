/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/gateway_server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/linux_file.h"

#define TIMEOUT_MS 30000u

/* What the configuration or the environment says of the proxy; NULL in @p out_proxy: none. False: it cannot be used. */
static bool server_load_proxy(sbs_gateway_server *server, const sbs_gateway_config *config,
                              sbs_linux_proxy **out_proxy) {
    const char *variable = sbs_linux_proxy_variable();
    const char *url = config->proxy;
    sbs_linux_proxy_fault fault;
    *out_proxy = NULL;
    if (url == NULL && variable != NULL) {
        url = getenv(variable);
    }
    if (url == NULL || url[0] == '\0' || strcmp(url, "none") == 0) {
        return true;
    }

    if (sbs_linux_proxy_parse(url, &server->proxy, &fault) != SBS_OK) {
        return false;
    }
    server->proxy.exceptions = config->no_proxy != NULL ? config->no_proxy : sbs_linux_proxy_exceptions();
    *out_proxy = &server->proxy;
    return true;
}

/* NULL, or what an operator has to do before anything can be sent. */
static const char *server_lacks(const sbs_gateway_config *config) {
    if (config->fhir == NULL) {
        return "no server is configured: write 'fhir = https://...' into [server] of gateway.conf";
    }
    if (config->client_id == NULL) {
        return "no client id is configured: have the server's administrator register the key that 'sbs-gateway jwk "
               "--set' prints, and write 'client-id = ...' into [server] of gateway.conf";
    }
    if (config->scope == NULL) {
        return "no scope is configured: write 'scope = system/Observation.cu' into [server] of gateway.conf";
    }

    return NULL;
}

/* The roots' file, and why it cannot be used: a path that is too long for the sentence is cut. */
static const char *server_tell_roots(sbs_gateway_server *server, const char *path, sbs_status status, int error) {
    const char *why = sbs_status_text(status);
    if (path == NULL) {
        return "the system has no root certificates: install ca-certificates, or write 'ca = FILE' into [server] of "
               "gateway.conf";
    }

    /* What is wrong with what stands in the file has no errno. */
    if (status != SBS_ERR_FORMAT && error != 0) {
        why = strerror(error);
    }
    (void)snprintf(server->fault, sizeof server->fault,
                   "the root certificates in %.120s cannot be read: %s; check 'ca' in [server] of gateway.conf", path,
                   why);
    return server->fault;
}

static const char *server_load_roots(sbs_gateway_server *server, const sbs_gateway_config *config) {
    const char *path = config->ca;
    size_t skipped;
    if (path == NULL) {
        path = sbs_linux_ca_file();
    }

    errno = 0;
    sbs_status status = sbs_linux_trust_load(&server->trust, path, &skipped);
    return status == SBS_OK ? NULL : server_tell_roots(server, path, status, errno);
}

static const char *server_load(sbs_gateway_server *server, const sbs_gateway_config *config,
                               sbs_linux_proxy **out_proxy) {
    const char *fault = server_lacks(config);
    if (fault != NULL) {
        return fault;
    }

    if (!server_load_proxy(server, config, out_proxy)) {
        return "the proxy's URL cannot be used: give http://[USER:PASSWORD@]HOST[:PORT]";
    }

    return server_load_roots(server, config);
}

/* The sentence outlives what is closed. */
static void server_close_and_keep_fault(sbs_gateway_server *server) {
    char fault[sizeof server->fault];
    memcpy(fault, server->fault, sizeof fault);
    sbs_gateway_server_close(server);
    memcpy(server->fault, fault, sizeof fault);
}

sbs_status sbs_gateway_server_open(sbs_gateway_server *server, const sbs_gateway_config *config, const sbs_key *key,
                                   const char **out_fault) {
    sbs_linux_proxy *proxy = NULL;
    sbs_forward_part part = SBS_FORWARD_PART_NONE;
    *server = (sbs_gateway_server){.open = true};
    sbs_tls_trust_init(&server->trust);

    *out_fault = server_load(server, config, &proxy);
    if (*out_fault != NULL) {
        server_close_and_keep_fault(server);
        return SBS_ERR_STATE;
    }

    const sbs_forward_server_config forward = {
        .fhir_base = config->fhir,
        .token_url = config->token_url,
        .client_id = config->client_id,
        .scope = config->scope,
        .aud = config->aud,
        .kid = config->kid,
        .kid_method = config->kid != NULL ? SBS_KID_LITERAL : SBS_KID_THUMBPRINT,
        .profile = SBS_PROFILE_SMART,
        .key = key,
        .trust = &server->trust,
        .proxy = proxy,
        .user_agent = "sbs-gateway",
        .timeout_ms = TIMEOUT_MS,
        .allow_http = config->allow_http,
    };
    sbs_status status = sbs_forward_server_open(&server->forward, &forward, &part);
    if (status == SBS_OK) {
        return SBS_OK;
    }

    sbs_gateway_server_close(server);
    if (status == SBS_ERR_MEMORY) {
        return status;
    }
    *out_fault =
        "[server] of gateway.conf has a URL or a name that is not well-formed: check fhir, token-url, client-id, "
        "scope and aud";
    return SBS_ERR_STATE;
}

void sbs_gateway_server_close(sbs_gateway_server *server) {
    if (!server->open) {
        return;
    }

    sbs_forward_server_close(&server->forward);
    sbs_tls_trust_deinit(&server->trust);
    sbs_wipe(server, sizeof *server);
}
