/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/forward_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sbs/linux_decode.h"
#include "sbs/outcome.h"

#define WORK_SIZE (256u << 10)
#define TIMEOUT_DEFAULT_MS 30000u
#define ATTEMPTS 3u
#define BACKOFF_BASE_MS 500u
#define RETRY_WAIT_MAX_MS 30000u

static sbs_status server_open_streams(sbs_forward_server *server, sbs_forward_part *out_part) {
    const sbs_forward_server_config *given = &server->priv.given;

    server->priv.raw_config = (sbs_linux_stream_config){
        .resolve_timeout_ms = given->timeout_ms,
        .connect_timeout_ms = given->timeout_ms,
    };

    server->priv.tls_config = (sbs_tls_config){
        .trust = given->trust,
        .identity = given->identity,
        .sessions = server->priv.sessions,
        .session_count = 2,
        .explain = sbs_tls_explain_init(&server->priv.tls_explain),
    };

    /* http goes past TLS, and is for tests only. */
    sbs_linux_stream_init(&server->priv.raw, &server->priv.raw_config, &server->priv.raw_stream);
    sbs_linux_stream_init(&server->priv.plain, &server->priv.raw_config, &server->priv.plain_stream);

    /* TLS goes through a proxy end to end. What the proxy does not answer is told before the client's time is over. */
    const sbs_stream *way = &server->priv.raw_stream;
    if (given->proxy != NULL) {
        sbs_linux_proxy_stream_init(&server->priv.tunnel, given->proxy, given->timeout_ms / 4 * 3, way,
                                    &server->priv.tunnel_stream);
        way = &server->priv.tunnel_stream;
    }

    sbs_status status = sbs_tls_stream_init(&server->priv.tls, &server->priv.tls_config, way, &server->priv.tls_stream);
    if (status != SBS_OK) {
        *out_part = SBS_FORWARD_PART_TLS;
        return status;
    }

    /* A program may listen to what goes over them. */
    if (given->wrap == NULL) {
        return SBS_OK;
    }

    if (!given->wrap(given->wrap_ctx, &server->priv.tls_stream, true) ||
        !given->wrap(given->wrap_ctx, &server->priv.plain_stream, false)) {
        *out_part = SBS_FORWARD_PART_MEMORY;
        return SBS_ERR_MEMORY;
    }

    return SBS_OK;
}

static sbs_status server_open_client(sbs_forward_server *server, sbs_forward_part *out_part) {
    const sbs_forward_server_config *given = &server->priv.given;

    server->priv.work = malloc(WORK_SIZE);
    if (server->priv.work == NULL) {
        *out_part = SBS_FORWARD_PART_MEMORY;
        return SBS_ERR_MEMORY;
    }

    server->priv.config = (sbs_client_config){
        .fhir_base = given->fhir_base,
        .token_url = given->token_url,
        .client_id = given->client_id,
        .read_key = sbs_client_read_key,
        .read_refusal = sbs_client_read_refusal,
        .scope = given->scope,
        .aud = given->aud,
        .typ = given->typ,
        .kid = given->kid,
        .kid_method = given->kid_method,
        .profile = given->profile,
        .key = given->key,
        .stream = &server->priv.tls_stream,
        .work = server->priv.work,
        .work_size = WORK_SIZE,
        .connect_timeout_ms = given->timeout_ms,
        .exchange_timeout_ms = given->timeout_ms,
        .retry_wait_max_ms = given->retry_wait_max_ms,
        .max_attempts = given->max_attempts,
        .any_scope = given->any_scope,
        .oauth_uris = sbs_client_oauth_uris,
        .read_words = sbs_words_read,
        .read_xml = sbs_xml_words_read,
        .room_words = sbs_room_words,
        .wipe_rest = sbs_client_wipe_used,
        .words = server->priv.words,
        .words_size = sizeof server->priv.words,
        .decode = sbs_linux_decode,
        .backoff = {.base_ms = BACKOFF_BASE_MS},
        .user_agent = given->user_agent,
    };
    if (given->allow_http) {
        server->priv.config.plain_stream = &server->priv.plain_stream;
        server->priv.config.plain_host = sbs_url_is_loopback;
    }

    sbs_status status = sbs_client_init(&server->priv.client, &server->priv.config);
    server->priv.client_ready = true; /* also after a failure it may be closed */

    if (status != SBS_OK) {
        *out_part = SBS_FORWARD_PART_CLIENT;
    }
    return status;
}

static void server_set_defaults(sbs_forward_server_config *given) {
    if (given->timeout_ms == 0) {
        given->timeout_ms = TIMEOUT_DEFAULT_MS;
    }
    if (given->retry_wait_max_ms == 0) {
        given->retry_wait_max_ms = RETRY_WAIT_MAX_MS;
    }
    if (given->max_attempts == 0) {
        given->max_attempts = ATTEMPTS;
    }
}

sbs_status sbs_forward_server_open(sbs_forward_server *server, const sbs_forward_server_config *config,
                                   sbs_forward_part *out_part) {
    *server = (sbs_forward_server){.priv = {.given = *config, .open = true}};
    *out_part = SBS_FORWARD_PART_NONE;

    server_set_defaults(&server->priv.given);
    sbs_status status = server_open_streams(server, out_part);
    if (status != SBS_OK) {
        return status;
    }

    return server_open_client(server, out_part);
}

void sbs_forward_server_close(sbs_forward_server *server) {
    if (!server->priv.open) {
        return;
    }

    if (server->priv.client_ready) {
        sbs_client_deinit(&server->priv.client);
    }
    sbs_tls_stream_deinit(&server->priv.tls);
    sbs_linux_proxy_stream_deinit(&server->priv.tunnel);
    sbs_linux_stream_deinit(&server->priv.raw);
    sbs_linux_stream_deinit(&server->priv.plain);
    free(server->priv.work);

    /* The client's configuration pointed to the memory that is wiped here: it comes last. */
    sbs_wipe(server, sizeof *server);
}

bool sbs_forward_server_is_secured(const sbs_forward_server *server) {
    const char *base = server->priv.given.fhir_base;

    return base != NULL && strncasecmp(base, "https:", 6) == 0;
}

sbs_text sbs_forward_server_scope(const sbs_forward_server *server, sbs_now now) {
    sbs_token_view token;
    if (sbs_client_token(&server->priv.client, now, &token) == SBS_OK && token.scope.ptr != NULL) {
        return token.scope;
    }

    return sbs_text_of(server->priv.given.scope);
}

/* ---- words about a scope ---------------------------------------------------------------------------------------- */

/* @p text up to the first @p end in it. */
static sbs_text text_before(sbs_text text, char end) {
    if (text.len == 0) {
        return text;
    }

    const char *at = memchr(text.ptr, end, text.len);
    if (at != NULL) {
        text.len = (size_t)(at - text.ptr);
    }
    return text;
}

static const char *permission_of(sbs_interaction interaction, bool instance) {
    switch (interaction) {
    case SBS_CREATE:
        return "c (create)";
    case SBS_UPDATE:
        return "u (update)";
    default:
        return instance ? "r (read)" : "s (search)";
    }
}

void sbs_forward_server_note_request(sbs_forward_server *server, sbs_interaction interaction, sbs_text target) {
    /* "Observation/7" is read, "Observation?code=x" is searched for. */
    sbs_text first = text_before(target, '/');
    sbs_text type = text_before(first, '?');
    bool instance = first.len < target.len;

    if (type.len > SBS_FHIR_ID_MAX) {
        type.len = SBS_FHIR_ID_MAX;
    }

    (void)snprintf(server->priv.needs, sizeof server->priv.needs, "system/%.*s.%s", (int)type.len, type.ptr,
                   permission_of(interaction, instance));
}

const sbs_detail *sbs_forward_server_detail(sbs_forward_server *server) {
    const sbs_detail *detail = sbs_client_detail(&server->priv.client);
    if (detail->status != SBS_ERR_SCOPE || detail->step != SBS_STEP_RESOURCE) {
        return detail;
    }

    /* The client says what was granted; what is missing is known here. */
    const char *granted = detail->text[0] == '\0' ? "nothing" : detail->text;
    int most = (int)(sizeof server->priv.explanation - sizeof server->priv.needs - 32);
    server->priv.explained = *detail;
    (void)snprintf(server->priv.explanation, sizeof server->priv.explanation, "it needs %s, granted is %.*s",
                   server->priv.needs, most, granted);
    server->priv.explained.text = server->priv.explanation;
    return &server->priv.explained;
}
