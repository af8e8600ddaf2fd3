/* SPDX-License-Identifier: Apache-2.0 */
/* The client's interface, and the machine that puts its steps in order. */
#include "smart/client_internal.h"
#include "text/ascii.h"

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static sbs_status client_parse_base(const sbs_client_config *config, sbs_url *base) {
    sbs_status status = sbs_client_parse_url(config, config->fhir_base, base);
    if (status != SBS_OK) {
        return status;
    }
    if (base->query.ptr != NULL) {
        return SBS_ERR_URL;
    }

    /* What is asked for is put behind it with a '/' of its own. */
    if (base->path.len > 0 && base->path.ptr[base->path.len - 1] == '/') {
        base->path.len--;
    }

    return SBS_OK;
}

/* True if there is all that a token is asked for with (SMART demands a scope), or what is sent in its place. */
static bool client_has_credential(const sbs_client_config *config) {
    sbs_text client_id = sbs_client_text(config->client_id);
    if (config->bearer != NULL) {
        return sbs_ascii_all_alnum_or(sbs_client_text(config->bearer), "-._~+/=");
    }

    return client_id.len > 0 && sbs_ascii_is_printable(client_id) && config->key != NULL && config->scope != NULL &&
           sbs_scope_list_is_valid(sbs_client_text(config->scope)) &&
           config->lifetime_s <= SBS_ASSERTION_LIFETIME_MAX && (config->read_key == NULL) == (config->key_bits != 0) &&
           (config->read_key != NULL || !sbs_client_computes_kid(config));
}

static sbs_status client_check_config(const sbs_client_config *config) {
    /* No token goes over a stream that is not secured. */
    bool has_streams = config->stream != NULL && config->stream->ops->secured;
    if (!has_streams || !client_has_credential(config) || config->work == NULL ||
        (config->fhir_base == NULL && config->token_url == NULL)) {
        return SBS_ERR_ARGUMENT;
    }
    if (config->work_size < SBS_EXCHANGE_SCRATCH_MIN) {
        return SBS_ERR_BUFFER;
    }

    return SBS_OK;
}

/* Parses the URLs of the configuration. */
static sbs_status client_take_urls(sbs_client *client, const sbs_client_config *config) {
    sbs_status status = SBS_OK;

    if (config->fhir_base != NULL) {
        status = client_parse_base(config, &client->priv.base);
    }
    if (status == SBS_OK && config->token_url != NULL) {
        status = sbs_client_parse_url(config, config->token_url, &client->priv.token_url);
    }

    if (status != SBS_OK || config->token_origin == NULL) {
        return status;
    }

    /* The host that an earlier run has learned to trust. */
    sbs_url pin;
    status = sbs_client_parse_url(config, config->token_origin, &pin);
    if (status == SBS_OK) {
        sbs_client_pin(client, &pin);
    }

    return status;
}

sbs_status sbs_client_init(sbs_client *client, const sbs_client_config *config) {
    memset(client, 0, sizeof *client); /* the exchange, too: no connection is open */
    client->priv.config = config;
    client->priv.alg = config->alg;
    client->priv.key_bits = config->key_bits;
    /* The server's words go to the caller's memory if there is some, else into the client. */
    client->priv.said = client->priv.words;
    client->priv.said_size = sizeof client->priv.words;
    if (config->words != NULL && config->words_size > 0) {
        client->priv.said = config->words;
        client->priv.said_size = config->words_size;
    }

    sbs_client_note(client, SBS_STEP_NONE, SBS_OK);

    sbs_status status = client_check_config(config);
    if (status != SBS_OK) {
        return status;
    }

    sbs_client_wipe_token(client);
    return client_take_urls(client, config);
}

void sbs_client_deinit(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;

    sbs_exchange_close(&client->priv.exchange);
    if (config != NULL && config->work != NULL) {
        sbs_wipe(config->work, config->work_size);
    }
    sbs_wipe(client, sizeof *client);
}

/* ---- the machine ------------------------------------------------------------------------------------------------- */

static bool client_needs_discovery(const sbs_client *client, bool needs_token) {
    const sbs_client_config *config = client->priv.config;
    bool asked = client->priv.request.interaction == SBS_DISCOVER;

    if (config->token_url != NULL || (!asked && !needs_token)) {
        return false;
    }
    /* What was found is good for a day, or for as long as the caller says. */
    uint32_t ttl_ms = sbs_client_default(config->discovery_ttl_ms, SBS_DISCOVERY_TTL_MS);
    return client->priv.url_len == 0 || client->priv.now.mono_ms - client->priv.discovered_ms >= ttl_ms;
}

/* Many devices that start together must not ask together. */
static sbs_status client_first_delay(sbs_client *client) {
    uint32_t random;
    uint32_t most = client->priv.config->first_delay_max_ms;

    client->priv.contacted = true;
    if (most == 0) {
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    if (!sbs_client_draw(&random, sizeof random)) {
        return SBS_ERR_RANDOM;
    }

    return sbs_client_delay(client, (uint32_t)(((uint64_t)random * most) >> 32));
}

static sbs_status client_step_prepare(sbs_client *client) {
    const sbs_request *request = &client->priv.request;

    if (!client->priv.contacted) {
        return client_first_delay(client);
    }

    /* Each step comes back here, until nothing is missing for the request itself. */
    bool needs_token = sbs_client_uses_token(client) && !sbs_client_has_valid_token(client, client->priv.now.mono_ms);
    if (client_needs_discovery(client, needs_token)) {
        return sbs_client_begin_discovery(client);
    }
    if (request->interaction == SBS_DISCOVER) {
        return SBS_OK;
    }

    if (needs_token) {
        return sbs_client_begin_sign(client);
    }
    if (request->interaction == SBS_TOKEN) {
        return SBS_OK;
    }

    return sbs_client_begin_resource(client);
}

static sbs_status client_step_delay(sbs_client *client) {
    if (client->priv.now.mono_ms < client->priv.resume_ms) {
        return sbs_client_wait(client, (uint32_t)(client->priv.resume_ms - client->priv.now.mono_ms));
    }
    return sbs_client_go_on(client, STATE_PREPARE);
}

static sbs_status client_step(sbs_client *client) {
    switch (client->priv.state) {
    case STATE_DELAY:
        return client_step_delay(client);
    case STATE_DISCOVERY:
        return sbs_client_step_discovery(client);
    case STATE_SIGN:
        return sbs_client_step_sign(client);
    case STATE_TOKEN:
        return sbs_client_step_token(client);
    case STATE_DATE:
        return sbs_client_step_date(client);
    case STATE_STATEMENT:
        return client->priv.config->oauth_uris(client, SBS_OK);
    case STATE_RESOURCE:
        return sbs_client_step_resource(client);
    default:
        return client_step_prepare(client);
    }
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_start(sbs_client *client, const sbs_request *request) {
    if (client->priv.state != STATE_IDLE) {
        return SBS_ERR_STATE;
    }

    sbs_status status = sbs_client_check_request(client, request);
    /* What an earlier request left behind must not be taken for this one's. */
    client->priv.attempt = 0;
    client->priv.token_is_new = false;
    client->priv.detail.outcome_unknown = false;
    memset(&client->priv.once, 0, sizeof client->priv.once);
    memset(&client->priv.exchange.answer, 0, sizeof client->priv.exchange.answer);

    if (sbs_client_note(client, SBS_STEP_NONE, status) == SBS_OK) {
        client->priv.request = *request;
        client->priv.state = STATE_PREPARE;
    }

    return status;
}

static void client_finish(sbs_client *client, sbs_status status) {
    const sbs_client_config *config = client->priv.config;
    if (config->wipe_rest == NULL || !config->wipe_rest(client, status)) {
        sbs_client_wipe_scratch(client);
    }
    sbs_assertion_wipe(&client->priv.assertion);
    client->priv.state = STATE_IDLE;
    if (status == SBS_OK) {
        return;
    }

    /* A status that no step has noted says nothing more than itself. */
    if (client->priv.detail.status != status) {
        sbs_client_note(client, client->priv.detail.step, status);
    }

    /* The last answer may be one to an earlier step, and not the one that failed. */
    client->priv.exchange.answer.status = client->priv.detail.http_status;
}

static void client_call_hook(const sbs_client *client, bool begin) {
    const sbs_client_config *config = client->priv.config;

    if (config->work_hook != NULL) {
        config->work_hook(config->hook_ctx, begin);
    }
}

sbs_status sbs_client_poll(sbs_client *client, sbs_now now, sbs_wait *out_wait) {
    if (client->priv.state == STATE_IDLE) {
        return SBS_ERR_STATE;
    }

    client_call_hook(client, true);
    /* Unless a step says otherwise, the caller comes back at once. */
    client->priv.now = now;
    client->priv.wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    sbs_status status = client_step(client);
    *out_wait = client->priv.wait;

    /* Words of the head stand where a caller may look before the answer is read to its end. */
    if (client->priv.exchange.answer.has_words) {
        sbs_client_hide_secrets(client);
    }

    client_call_hook(client, false);
    if (status != SBS_PENDING) {
        client_finish(client, status);
    }

    return status;
}

bool sbs_client_is_about_to_send(const sbs_client *client) {
    return client->priv.state == STATE_RESOURCE && sbs_exchange_is_about_to_send(&client->priv.exchange);
}

void sbs_client_cancel(sbs_client *client) {
    if (client->priv.state == STATE_IDLE) {
        return;
    }

    bool in_doubt = sbs_client_may_have_arrived(client);
    /* A connection over which something was sent is closed: the answer may still come. */
    sbs_exchange_cancel(&client->priv.exchange);
    sbs_client_note(client, client->priv.detail.step, SBS_ERR_CANCELLED);
    client->priv.detail.outcome_unknown |= in_doubt;
    client_finish(client, SBS_ERR_CANCELLED);
}

/* ---- what is known ----------------------------------------------------------------------------------------------- */

const sbs_detail *sbs_client_detail(const sbs_client *client) {
    return &client->priv.detail;
}

int64_t sbs_client_server_time(const sbs_client *client, sbs_now now) {
    const sbs_now *date = &client->priv.date;
    return date->utc_s == 0 ? SBS_UTC_UNKNOWN : date->utc_s + (int64_t)((now.mono_ms - date->mono_ms) / 1000u);
}

sbs_response sbs_client_response(const sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_response response = {
        .http_status = answer->status,
        .id = answer->id,
        .etag = answer->etag,
        .date_utc_s = answer->date_utc_s,
    };

    /* A body in the scratch was not asked for, and is wiped by now. */
    if (answer->body != NULL && answer->body == client->priv.request.response) {
        response.body_len = answer->body_len;
    }
    if (!answer->has_date) {
        response.date_utc_s = SBS_UTC_UNKNOWN;
    }

    return response;
}

/* While a request is under way, the token's place and the scratch behind it are in use: it is wiped when the next one
 * is needed. */
void sbs_client_drop_token(sbs_client *client) {
    client->priv.token_renew_ms = client->priv.token_expires_ms = 0;
    if (client->priv.state == STATE_IDLE) {
        sbs_client_wipe_token(client);
    }
}

sbs_status sbs_client_token(const sbs_client *client, sbs_now now, sbs_token_view *out_token) {
    if (client->priv.kept_len == 0 || now.mono_ms >= client->priv.token_expires_ms) {
        return SBS_ERR_NOT_FOUND;
    }

    out_token->access_token = client->priv.kept[SBS_KEPT_TOKEN];
    out_token->scope = sbs_client_scope(client);
    out_token->expires_in_s = client->priv.token_lifetime_s;
    out_token->expires_at_ms = client->priv.token_expires_ms;
    return SBS_OK;
}

int64_t sbs_client_clock_offset(const sbs_client *client) {
    return client->priv.clock_offset_s;
}

const char *sbs_step_text(sbs_step step) {
    static const char *const texts[] = {"", "discovery", "signing", "token request", "FHIR request"};

    return texts[step];
}
