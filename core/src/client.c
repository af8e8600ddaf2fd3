/* SPDX-License-Identifier: Apache-2.0 */
#include "client_internal.h"

#include <psa/crypto.h>

#include "ascii.h"

#define DEFAULT(value, fallback) ((value) != 0 ? (value) : (fallback))

/* ---- configuration ----------------------------------------------------------------------------------------------- */

sbs_status sbs_client_parse_url(const sbs_client_config *config, const char *text, sbs_url *out_url) {
    sbs_status status = sbs_url_parse(sbs_text_of(text), out_url);
    if (status != SBS_OK) {
        return status;
    }
    bool plain_allowed = config->plain_stream != NULL && sbs_url_is_loopback(out_url);
    return out_url->https || plain_allowed ? SBS_OK : SBS_ERR_URL;
}

static sbs_status parse_base(const sbs_client_config *config, sbs_url *base) {
    sbs_status status = sbs_client_parse_url(config, config->fhir_base, base);
    if (status != SBS_OK) {
        return status;
    }
    if (base->query.ptr != NULL) {
        return SBS_ERR_URL;
    }

    if (base->path.len > 0 && base->path.ptr[base->path.len - 1] == '/') {
        base->path.len--;
    }
    return SBS_OK;
}

static sbs_status check_config(const sbs_client_config *config) {
    sbs_text client_id = sbs_text_of(config->client_id);
    bool has_names = client_id.len > 0 && sbs_ascii_is_printable(client_id);
    bool has_streams = config->stream != NULL && config->stream->ops->secured;
    if (!has_names || !has_streams || config->key == NULL || config->work == NULL || config->scope == NULL ||
        !sbs_scope_list_is_valid(sbs_text_of(config->scope)) || config->lifetime_s > SBS_ASSERTION_LIFETIME_MAX ||
        (config->fhir_base == NULL && config->token_url == NULL)) {
        return SBS_ERR_ARGUMENT;
    }
    return config->work_size < SBS_EXCHANGE_SCRATCH_MIN ? SBS_ERR_BUFFER : SBS_OK;
}

void sbs_client_pin(sbs_client *client, const sbs_url *url) {
    memcpy(client->priv.pin_host, url->host.ptr, url->host.len);
    client->priv.pin_host[url->host.len] = '\0';
    client->priv.pin_port = url->port;
}

sbs_status sbs_client_init(sbs_client *client, const sbs_client_config *config) {
    memset(client, 0, sizeof *client);
    sbs_exchange_init(&client->priv.exchange);
    client->priv.config = config;
    client->priv.said = client->priv.words;
    client->priv.said_size = sizeof client->priv.words;
    if (config->words != NULL && config->words_size > 0) {
        client->priv.said = config->words;
        client->priv.said_size = config->words_size;
    }
    sbs_client_note(client, SBS_STEP_NONE, SBS_OK);
    sbs_status status = check_config(config);
    if (status == SBS_OK && config->fhir_base != NULL) {
        status = parse_base(config, &client->priv.base);
    }
    if (status == SBS_OK && config->token_url != NULL) {
        status = sbs_client_parse_url(config, config->token_url, &client->priv.token_url);
    }
    if (status == SBS_OK && config->token_origin != NULL) {
        sbs_url pin;
        status = sbs_client_parse_url(config, config->token_origin, &pin);
        if (status == SBS_OK) {
            sbs_client_pin(client, &pin);
        }
    }
    return status;
}

void sbs_client_deinit(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_exchange_close(&client->priv.exchange);
    if (config != NULL && config->work != NULL) {
        sbs_wipe(config->work, config->work_size);
    }
    sbs_wipe(client, sizeof *client);
}

/* ---- shared by the steps ----------------------------------------------------------------------------------------- */

char *sbs_client_scratch(const sbs_client *client, size_t *out_size) {
    size_t used = client->priv.url_len + client->priv.token_len + client->priv.scope_len;
    *out_size = client->priv.config->work_size - used;
    return (char *)client->priv.config->work + used;
}

void sbs_client_wipe_scratch(sbs_client *client) {
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);
    sbs_wipe(scratch, size);
}

static void put_request_id(sbs_writer *out) {
    uint8_t random[12];
    char text[SBS_BASE64URL_ENCODED_SIZE(sizeof random)];
    size_t len = 0;
    if (psa_generate_random(random, sizeof random) != PSA_SUCCESS) {
        sbs_writer_fail(out, SBS_ERR_RANDOM);
        return;
    }
    sbs_writer_fail(out, sbs_base64url_encode(random, sizeof random, text, sizeof text, &len));
    sbs_http_put_field(out, "X-Request-Id", (sbs_text){text, len});
}

void sbs_client_put_head(sbs_client *client, const char *method, const sbs_url *url, sbs_text suffix,
                         const sbs_text *accept) {
    const char *agent = client->priv.config->user_agent;
    sbs_writer *out = &client->priv.writer;
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);
    sbs_writer_init(out, scratch, size);
    sbs_http_put_request_line(out, method, url, suffix);
    sbs_http_put_field(out, "User-Agent", sbs_text_of(agent != NULL ? agent : "libsbs/" SBS_VERSION));
    sbs_http_put_field(out, "Accept", accept != NULL ? *accept : SBS_TEXT("application/json"));
    sbs_put_string(out, "Accept-Encoding: identity\r\n");
    put_request_id(out);
}

static uint64_t body_max(const sbs_client_config *config, uint8_t state) {
    uint64_t most = DEFAULT(config->body_max, 16u << 20);
    return state == STATE_TOKEN && most > SBS_TOKEN_RESPONSE_MAX ? SBS_TOKEN_RESPONSE_MAX : most;
}

sbs_status sbs_client_send(sbs_client *client, const sbs_url *url, sbs_exchange_request *shape, uint8_t state) {
    const sbs_client_config *config = client->priv.config;
    sbs_status status = sbs_writer_finish(&client->priv.writer, &shape->head_len);
    if (status != SBS_OK) {
        return status;
    }
    shape->limits.connect_ms = DEFAULT(config->connect_timeout_ms, 30000);
    shape->limits.exchange_ms = DEFAULT(config->exchange_timeout_ms, SBS_EXCHANGE_TIMEOUT_MS);
    shape->limits.body_max = body_max(config, state);
    if (state <= STATE_RESOURCE) { /* what else is asked for along the way has no words that count */
        shape->words = client->priv.said;
        shape->words_size = client->priv.said_size;
    }
    shape->stream = url->https ? config->stream : config->plain_stream;
    shape->url = url;
    shape->scratch = sbs_client_scratch(client, &shape->scratch_size);
    if (shape->scratch_size < SBS_EXCHANGE_SCRATCH_MIN) {
        return SBS_ERR_BUFFER;
    }
    status = sbs_exchange_begin(&client->priv.exchange, shape, client->priv.now.mono_ms);
    return status == SBS_OK ? sbs_client_go_on(client, state) : status;
}

sbs_status sbs_client_wait(sbs_client *client, uint32_t wait_ms) {
    client->priv.wait.timeout_ms = wait_ms;
    return SBS_PENDING;
}

sbs_status sbs_client_go_on(sbs_client *client, uint8_t state) {
    client->priv.state = state;
    return sbs_client_wait(client, 0);
}

sbs_status sbs_client_note(sbs_client *client, sbs_step step, sbs_status status) {
    sbs_detail *detail = &client->priv.detail;
    bool in_doubt = detail->outcome_unknown; /* since an earlier try: no later one can tell */
    if (status == SBS_PENDING) {
        return status;
    }

    memset(detail, 0, sizeof *detail);
    client->priv.said[0] = '\0';
    detail->text = client->priv.said;
    detail->outcome_unknown = in_doubt;
    detail->step = step;
    detail->status = status;
    detail->attempts = (uint16_t)(client->priv.attempt + 1);
    return status;
}

void sbs_client_note_answer(sbs_client *client, sbs_step step, sbs_status status) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_detail *detail = &client->priv.detail;
    char first = answer->has_words ? client->priv.said[0] : '\0'; /* the challenge's came with the head */
    sbs_client_note(client, step, status);
    client->priv.said[0] = first;
    detail->http_status = answer->status;
    detail->retry_after_s = answer->retry_after_s;
    detail->asked_to_wait = answer->has_retry_after;
    detail->transient = sbs_status_group(status) == SBS_CLASS_LATER;
}

static sbs_status delay(sbs_client *client, uint32_t delay_ms) {
    client->priv.resume_ms = client->priv.now.mono_ms + delay_ms;
    client->priv.token_is_new = false;
    client->priv.state = STATE_DELAY;
    return sbs_client_wait(client, delay_ms);
}

static sbs_status draw(uint32_t *out_random) {
    psa_status_t status = psa_generate_random((uint8_t *)out_random, sizeof *out_random);
    return status == PSA_SUCCESS ? SBS_OK : SBS_ERR_RANDOM;
}

sbs_status sbs_client_retry(sbs_client *client, bool may_retry) {
    const sbs_client_config *config = client->priv.config;
    const sbs_detail *detail = &client->priv.detail;
    unsigned tries = DEFAULT(client->priv.request.max_attempts, DEFAULT(config->max_attempts, 5u));
    uint32_t random;
    if (!may_retry || client->priv.attempt + 1u >= tries) {
        return detail->status;
    }
    if (draw(&random) != SBS_OK) {
        return sbs_client_note(client, detail->step, SBS_ERR_RANDOM);
    }
    uint32_t wait_ms = sbs_backoff_delay(&config->backoff, client->priv.attempt, random);
    uint32_t asked_ms = detail->retry_after_s * 1000u;
    if (wait_ms < asked_ms) {
        wait_ms = asked_ms;
    }
    if (wait_ms > DEFAULT(config->retry_wait_max_ms, 3600000u)) {
        return detail->status;
    }
    client->priv.attempt++;
    return delay(client, wait_ms);
}

static bool is_worth_a_retry(sbs_status status) {
    return sbs_status_group(status) == SBS_CLASS_LATER && status != SBS_ERR_NO_TIME;
}

static bool was_stale(const sbs_client *client) {
    const sbs_exchange *exchange = &client->priv.exchange;
    return exchange->reused && !exchange->response_started && !client->priv.reconnected;
}

/* True once the server may have got a request that changes something. */
static bool may_have_arrived(const sbs_client *client) {
    return client->priv.state == STATE_RESOURCE && client->priv.exchange.request_started &&
           client->priv.request.interaction != SBS_READ;
}

sbs_status sbs_client_step_exchange(sbs_client *client) {
    sbs_exchange *exchange = &client->priv.exchange;
    const sbs_answer *answer = &exchange->answer;

    if (!exchange->request_started) {
        client->priv.sent_ms = client->priv.now.mono_ms;
    }
    sbs_status status = sbs_exchange_step(exchange, client->priv.now, &client->priv.wait);
    /* What comes out of a cache, or from nobody who was authenticated, tells no time. */
    if (status == SBS_OK && answer->has_date && !answer->has_age && exchange->priv.request.stream->ops->secured) {
        client->priv.date.utc_s = answer->date_utc_s;
        client->priv.date.mono_ms = client->priv.now.mono_ms;
        client->priv.date_took_ms = (uint32_t)client->priv.now.mono_ms - (uint32_t)client->priv.sent_ms;
    }
    return status;
}

sbs_status sbs_client_run_exchange(sbs_client *client, sbs_step step, bool may_retry) {
    sbs_exchange *exchange = &client->priv.exchange;
    sbs_status status = sbs_client_step_exchange(client);
    if (status == SBS_PENDING || status == SBS_OK) {
        return status;
    }
    sbs_client_note(client, step, status);
    client->priv.detail.http_status = exchange->answer.status;
    client->priv.detail.transient = is_worth_a_retry(status);
    client->priv.detail.outcome_unknown |= may_have_arrived(client);
    const sbs_stream *stream = exchange->priv.request.stream;
    client->priv.detail.platform_code = stream->ops->last_code(stream->ctx);
    /* Before a byte of the request was sent, even what must not be repeated may be tried again. */
    may_retry = may_retry || !exchange->request_started;
    /* What one attempt may have created is not looked for before its time, which is the caller's to choose. */
    bool once = may_have_arrived(client) && client->priv.request.interaction == SBS_CREATE &&
                client->priv.request.max_attempts == 1;
    if (may_retry && status == SBS_ERR_TRUNCATED && was_stale(client) && !once) {
        client->priv.reconnected = true;
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    return sbs_client_retry(client, may_retry && client->priv.detail.transient);
}

/* ---- what comes next --------------------------------------------------------------------------------------------- */

/* A token that was fetched for this try serves it to its end: one that lives short is not fetched over and over. */
static bool has_valid_token(const sbs_client *client) {
    uint64_t until_ms = client->priv.token_is_new ? client->priv.token_expires_ms : client->priv.token_renew_ms;
    return client->priv.token != NULL && client->priv.now.mono_ms < until_ms;
}

static bool needs_discovery(const sbs_client *client, bool needs_token) {
    const sbs_client_config *config = client->priv.config;
    bool asked = client->priv.request.interaction == SBS_DISCOVER;
    if (config->token_url != NULL || (!asked && !needs_token)) {
        return false;
    }
    uint32_t ttl_ms = DEFAULT(config->discovery_ttl_ms, 86400000u);
    return client->priv.url_len == 0 || client->priv.now.mono_ms - client->priv.discovered_ms >= ttl_ms;
}

static sbs_status first_delay(sbs_client *client) {
    uint32_t random;
    uint32_t most = client->priv.config->first_delay_max_ms;
    client->priv.contacted = true;
    if (most == 0) {
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    if (draw(&random) != SBS_OK) {
        return sbs_client_note(client, SBS_STEP_NONE, SBS_ERR_RANDOM);
    }
    return delay(client, (uint32_t)(((uint64_t)random * most) >> 32));
}

static sbs_status step_prepare(sbs_client *client) {
    const sbs_request *request = &client->priv.request;
    if (!client->priv.contacted) {
        return first_delay(client);
    }
    bool needs_token = !request->without_token && !has_valid_token(client);
    if (needs_discovery(client, needs_token)) {
        return sbs_client_begin_discovery(client);
    }
    if (request->interaction == SBS_DISCOVER) {
        return SBS_OK;
    }
    if (needs_token) {
        return sbs_client_begin_sign(client);
    }
    return request->interaction == SBS_TOKEN ? SBS_OK : sbs_client_begin_resource(client);
}

static sbs_status step_delay(sbs_client *client) {
    if (client->priv.now.mono_ms < client->priv.resume_ms) {
        return sbs_client_wait(client, (uint32_t)(client->priv.resume_ms - client->priv.now.mono_ms));
    }
    return sbs_client_go_on(client, STATE_PREPARE);
}

static sbs_status step(sbs_client *client) {
    switch (client->priv.state) {
    case STATE_DELAY:
        return step_delay(client);
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
        return step_prepare(client);
    }
}

/* ---- public ------------------------------------------------------------------------------------------------------ */

sbs_status sbs_client_start(sbs_client *client, const sbs_request *request) {
    if (client->priv.state != STATE_IDLE) {
        return SBS_ERR_STATE;
    }
    sbs_status status = sbs_client_check_request(client, request);
    client->priv.attempt = 0;
    client->priv.reauthenticated = false;
    client->priv.rediscovered = false;
    client->priv.reconnected = false;
    client->priv.corrected_for = 0;
    client->priv.date_asked = false;
    client->priv.token_is_new = false;
    client->priv.detail.outcome_unknown = false;
    memset(&client->priv.exchange.answer, 0, sizeof client->priv.exchange.answer);
    if (sbs_client_note(client, SBS_STEP_NONE, status) == SBS_OK) {
        client->priv.request = *request;
        client->priv.state = STATE_PREPARE;
    }
    return status;
}

static void finish(sbs_client *client, sbs_status status) {
    sbs_client_wipe_scratch(client);
    sbs_assertion_wipe(&client->priv.assertion);
    client->priv.state = STATE_IDLE;
    if (status != SBS_OK && client->priv.detail.status != status) {
        sbs_client_note(client, client->priv.detail.step, status);
    }
}

sbs_status sbs_client_poll(sbs_client *client, sbs_now now, sbs_wait *out_wait) {
    if (client->priv.state == STATE_IDLE) {
        return SBS_ERR_STATE;
    }
    const sbs_client_config *config = client->priv.config;
    if (config->work_hook != NULL) {
        config->work_hook(config->hook_ctx, true);
    }
    client->priv.now = now;
    client->priv.wait = (sbs_wait){.timeout_ms = 0, .events = 0, .descriptor = -1};
    sbs_status status = step(client);
    *out_wait = client->priv.wait;
    if (config->work_hook != NULL) {
        config->work_hook(config->hook_ctx, false);
    }
    if (status != SBS_PENDING) {
        finish(client, status);
    }
    return status;
}

bool sbs_client_is_about_to_send(const sbs_client *client) {
    return client->priv.state == STATE_RESOURCE && sbs_exchange_is_about_to_send(&client->priv.exchange);
}

void sbs_client_cancel(sbs_client *client) {
    if (client->priv.state != STATE_IDLE) {
        bool in_doubt = may_have_arrived(client);
        sbs_exchange_cancel(&client->priv.exchange);
        sbs_client_note(client, client->priv.detail.step, SBS_ERR_CANCELLED);
        client->priv.detail.outcome_unknown |= in_doubt;
        finish(client, SBS_ERR_CANCELLED);
    }
}

const sbs_detail *sbs_client_detail(const sbs_client *client) {
    return &client->priv.detail;
}

sbs_response sbs_client_response(const sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    return (sbs_response){
        .http_status = answer->status,
        .id = answer->id,
        .etag = answer->etag,
        .body_len = answer->body == NULL || answer->body != client->priv.request.response ? 0 : answer->body_len,
        .date_utc_s = answer->has_date ? answer->date_utc_s : SBS_UTC_UNKNOWN,
    };
}

const char *sbs_step_text(sbs_step step) {
    static const char *const texts[] = {"", "discovery", "signing", "token request", "FHIR request"};
    return texts[step];
}

int64_t sbs_client_clock_offset(const sbs_client *client) {
    return client->priv.clock_offset_s;
}
