/* SPDX-License-Identifier: Apache-2.0 */
/* What every try of the client needs: its memory, the head of a request, the exchange, and what follows a failure. */
#include <psa/crypto.h>

#include "smart/client_internal.h"
#include "text/ascii.h"

#define CUTS_MAX 2u /* kept connections that ended in a row without a byte of an answer */

/* ---- the work buffer, and the token at hand ---------------------------------------------------------------------- */

char *sbs_client_scratch(const sbs_client *client, size_t *out_size) {
    size_t used = client->priv.url_len + client->priv.kept_len;

    *out_size = client->priv.config->work_size - used;
    return (char *)client->priv.config->work + used;
}

void sbs_client_wipe_scratch(sbs_client *client) {
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);

    sbs_wipe(scratch, size);
}

void sbs_client_wipe_token(sbs_client *client) {
    sbs_wipe((char *)client->priv.config->work + client->priv.url_len, client->priv.kept_len);
    client->priv.kept_len = 0;
    memset(client->priv.kept, 0, sizeof client->priv.kept);
    client->priv.kept[SBS_KEPT_TOKEN] = sbs_client_text(client->priv.config->bearer);
}

void sbs_client_forget_discovery(sbs_client *client) {
    sbs_client_wipe_token(client);
    client->priv.url_len = 0;
}

sbs_text sbs_client_scope(const sbs_client *client) {
    sbs_text granted = client->priv.kept[SBS_KEPT_SCOPE];

    if (granted.ptr == NULL) {
        return sbs_client_text(client->priv.config->scope);
    }
    return granted;
}

sbs_text sbs_client_token_url(const sbs_client *client) {
    if (client->priv.config->token_url != NULL) {
        return sbs_client_text(client->priv.config->token_url);
    }
    if (client->priv.url_len == 0) {
        return (sbs_text){NULL, 0};
    }
    return (sbs_text){client->priv.config->work, client->priv.url_len - 1};
}

sbs_text sbs_client_text(const char *string) {
    return sbs_text_of(string);
}

/* ---- hosts ------------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_parse_url(const sbs_client_config *config, const char *text, sbs_url *out_url) {
    sbs_status status = sbs_url_parse(sbs_client_text(text), out_url);
    if (status != SBS_OK) {
        return status;
    }

    /* Plain HTTP is for tests on one machine, and for a gateway's device that can do no better. */
    bool plain_host = config->plain_host != NULL && config->plain_host(out_url);
    bool plain_allowed = config->plain_stream != NULL && (config->bearer != NULL || plain_host);
    if (!out_url->https && !plain_allowed) {
        return SBS_ERR_URL;
    }

    return SBS_OK;
}

void sbs_client_pin(sbs_client *client, const sbs_url *url) {
    memcpy(client->priv.pin_host, url->host.ptr, url->host.len);
    client->priv.pin_host[url->host.len] = '\0';
    client->priv.pin_port = url->port;
}

/* ---- what comes next --------------------------------------------------------------------------------------------- */

sbs_status sbs_client_wait(sbs_client *client, uint32_t wait_ms) {
    client->priv.wait.timeout_ms = wait_ms;
    return SBS_PENDING;
}

sbs_status sbs_client_go_on(sbs_client *client, uint8_t state) {
    client->priv.state = state;
    return sbs_client_wait(client, 0);
}

sbs_status sbs_client_delay(sbs_client *client, uint32_t delay_ms) {
    client->priv.resume_ms = client->priv.now.mono_ms + delay_ms;
    client->priv.token_is_new = false;
    client->priv.state = STATE_DELAY;
    return sbs_client_wait(client, delay_ms);
}

bool sbs_client_draw(void *out_random, size_t len) {
    return psa_generate_random(out_random, len) == PSA_SUCCESS;
}

const sbs_text sbs_client_json = {"application/json", 16};

/* ---- sending ----------------------------------------------------------------------------------------------------- */

static void try_put_request_id(sbs_writer *out) {
    uint8_t random[12];
    char text[SBS_BASE64URL_ENCODED_SIZE(sizeof random)];
    size_t len = 0;

    if (!sbs_client_draw(random, sizeof random)) {
        sbs_writer_fail(out, SBS_ERR_RANDOM);
        return;
    }

    /* By this id the traces of both sides can be laid side by side. */
    sbs_writer_fail(out, sbs_base64url_encode(random, sizeof random, text, sizeof text, &len));
    sbs_http_put_field(out, "X-Request-Id", (sbs_text){text, len});
}

void sbs_client_put_head(sbs_client *client, const char *method, const sbs_url *url, sbs_text suffix,
                         const sbs_text *accept) {
    const char *agent = client->priv.config->user_agent;
    sbs_writer *out = &client->priv.writer;
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);

    if (agent == NULL) {
        agent = "libsbs/" SBS_VERSION;
    }

    sbs_writer_init(out, scratch, size);
    sbs_http_put_request_line(out, method, url, suffix);
    sbs_http_put_field(out, "User-Agent", sbs_client_text(agent));
    sbs_http_put_field(out, "Accept", *accept);
    sbs_put_string(out, "Accept-Encoding: identity\r\n");
    try_put_request_id(out);
}

static uint64_t try_body_max(const sbs_client_config *config, uint8_t state) {
    uint64_t most = config->body_max;

    if (most == 0) {
        most = 16u << 20;
    }
    /* No token response needs the room of a Bundle. */
    if (state == STATE_TOKEN && most > SBS_TOKEN_RESPONSE_MAX) {
        most = SBS_TOKEN_RESPONSE_MAX;
    }

    return most;
}

sbs_status sbs_client_send(sbs_client *client, const sbs_url *url, sbs_exchange_request *shape, uint8_t state) {
    const sbs_client_config *config = client->priv.config;
    sbs_status status = sbs_writer_finish(&client->priv.writer, &shape->head_len);
    if (status != SBS_OK) {
        return status;
    }

    /* The caller's limits, or the defaults. */
    shape->limits.connect_ms = sbs_client_default(config->connect_timeout_ms, 30000);
    shape->limits.exchange_ms = sbs_client_default(config->exchange_timeout_ms, SBS_EXCHANGE_TIMEOUT_MS);
    shape->limits.body_max = try_body_max(config, state);
    if (state <= STATE_RESOURCE) { /* what else is asked for along the way has no words that count */
        shape->words = client->priv.said;
        shape->words_size = client->priv.said_size;
    }

    shape->stream = url->https ? config->stream : config->plain_stream;
    /* Head and answer share the rest of the work buffer. */
    shape->url = url;
    shape->scratch = sbs_client_scratch(client, &shape->scratch_size);
    if (shape->scratch_size < SBS_EXCHANGE_SCRATCH_MIN) {
        return SBS_ERR_BUFFER;
    }

    /* Who cuts kept connections again and again gets a new one for each request. */
    if (client->priv.cuts >= CUTS_MAX) {
        sbs_exchange_close(&client->priv.exchange);
    }

    status = sbs_exchange_begin(&client->priv.exchange, shape, client->priv.now.mono_ms);
    /* Not taken: head, scratch and host were checked when they were made. */
    if (status != SBS_OK) {
        return status;
    }

    return sbs_client_go_on(client, state);
}

sbs_status sbs_client_get_document(sbs_client *client, uint8_t state) {
    sbs_exchange_request shape = {.response = NULL, .spare_body = state == STATE_DATE};
    const char *path = SBS_DISCOVERY_PATH;

    if (state == STATE_STATEMENT) {
        path = "/metadata";
    }

    client->priv.once.date_asked = true;
    sbs_client_put_head(client, "GET", &client->priv.base, sbs_client_text(path), &sbs_client_json);
    sbs_http_put_end(&client->priv.writer);
    return sbs_client_send(client, &client->priv.base, &shape, state);
}

/* ---- what is told of a failure ----------------------------------------------------------------------------------- */

sbs_status sbs_client_note(sbs_client *client, sbs_step step, sbs_status status) {
    sbs_detail *detail = &client->priv.detail;
    bool in_doubt = detail->outcome_unknown; /* since an earlier try: no later one can tell */

    if (status == SBS_PENDING) {
        return status;
    }

    /* Nothing of an earlier failure stays, but for the doubt. */
    memset(detail, 0, sizeof *detail);
    client->priv.said[0] = '\0';
    detail->text = client->priv.said;
    detail->outcome_unknown = in_doubt;
    detail->step = step;
    detail->status = status;
    detail->attempts = (uint16_t)(client->priv.attempt + 1);
    if (status < SBS_OK && client->priv.config->room_words != NULL) {
        client->priv.config->room_words(client, client->priv.said, client->priv.said_size);
    }

    return status;
}

void sbs_client_note_answer(sbs_client *client, sbs_step step, sbs_status status) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_detail *detail = &client->priv.detail;
    char first = client->priv.said[0];

    sbs_client_note(client, step, status);
    if (answer->has_words) { /* they came with the head */
        client->priv.said[0] = first;
    }

    detail->http_status = answer->status;
    detail->retry_after_s = answer->retry_after_s;
    detail->asked_to_wait = answer->has_retry_after;
    detail->transient = sbs_status_group(status) == SBS_CLASS_LATER;
}

sbs_status sbs_client_refusal(const sbs_client *client, sbs_status otherwise) {
    sbs_status status = sbs_http_meaning_of(client->priv.exchange.answer.status).status;

    if (status == SBS_ERR_BUSY || status == SBS_ERR_REDIRECT) {
        return status;
    }
    return otherwise;
}

/* ---- another try ------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_retry(sbs_client *client, bool may_retry) {
    const sbs_client_config *config = client->priv.config;
    const sbs_detail *detail = &client->priv.detail;
    unsigned tries = client->priv.request.max_attempts;
    uint32_t random;

    if (tries == 0) {
        tries = sbs_client_default(config->max_attempts, 5);
    }
    if (!may_retry || client->priv.attempt + 1u >= tries) {
        return detail->status;
    }

    if (!sbs_client_draw(&random, sizeof random)) {
        return SBS_ERR_RANDOM;
    }

    /* The server may ask for more time than the back-off gives it, but not for more than the caller allows. */
    uint32_t wait_ms = sbs_backoff_delay(&config->backoff, client->priv.attempt, random);
    uint32_t asked_ms = detail->retry_after_s * 1000u;
    if (wait_ms < asked_ms) {
        wait_ms = asked_ms;
    }
    if (wait_ms > sbs_client_default(config->retry_wait_max_ms, 3600000)) {
        return detail->status;
    }

    client->priv.attempt++;
    return sbs_client_delay(client, wait_ms);
}

static bool try_is_worth_a_retry(sbs_status status) {
    return sbs_status_group(status) == SBS_CLASS_LATER && status != SBS_ERR_NO_TIME;
}

/* The server closed a connection that was kept, before it answered anything on it. */
static bool try_was_cut(const sbs_client *client) {
    const sbs_exchange *exchange = &client->priv.exchange;

    return exchange->reused && !exchange->response_started;
}

bool sbs_client_may_have_arrived(const sbs_client *client) {
    return client->priv.state == STATE_RESOURCE && client->priv.exchange.request_started &&
           client->priv.request.interaction != SBS_READ;
}

sbs_status sbs_client_step_exchange(sbs_client *client) {
    sbs_exchange *exchange = &client->priv.exchange;
    const sbs_answer *answer = &exchange->answer;

    if (!exchange->request_started) {
        /* The token's life is counted from here, which is before the server has made it. */
        client->priv.sent_ms = client->priv.now.mono_ms;
    }

    sbs_status status = sbs_exchange_step(exchange, client->priv.now, &client->priv.wait);

    /* A server that keeps its connections may cut one now and then. */
    if (status == SBS_OK && exchange->reused) {
        client->priv.cuts = 0;
    } else if (status < SBS_OK && try_was_cut(client)) {
        client->priv.cuts++;
    }

    /* What comes out of a cache, or from nobody who was authenticated, tells no time. */
    if (status == SBS_OK && answer->has_date && !answer->has_age && exchange->priv.request.stream->ops->secured) {
        client->priv.date.utc_s = answer->date_utc_s;
        client->priv.date.mono_ms = client->priv.now.mono_ms;
        client->priv.date_took_ms = (uint32_t)client->priv.now.mono_ms - (uint32_t)client->priv.sent_ms;
    }

    return status;
}

sbs_status sbs_client_run_exchange(sbs_client *client, sbs_step step, bool may_retry) {
    const sbs_exchange *exchange = &client->priv.exchange;
    sbs_detail *detail = &client->priv.detail;
    sbs_status status = sbs_client_step_exchange(client);
    if (status == SBS_PENDING || status == SBS_OK) {
        return status;
    }

    const sbs_stream *stream = exchange->priv.request.stream;
    bool in_doubt = sbs_client_may_have_arrived(client);
    sbs_client_note(client, step, status);
    detail->http_status = exchange->answer.status;
    detail->transient = try_is_worth_a_retry(status);
    detail->outcome_unknown |= in_doubt;
    detail->platform_code = stream->ops->last_code(stream->ctx);

    /* Before a byte of the request was sent, even what must not be repeated may be tried again. */
    may_retry = may_retry || !exchange->request_started;
    /* What one attempt may have created is not looked for before its time, which is the caller's to choose. */
    bool once = in_doubt && client->priv.request.interaction == SBS_CREATE && client->priv.request.max_attempts == 1;
    if (may_retry && status == SBS_ERR_TRUNCATED && try_was_cut(client) && !client->priv.once.reconnected && !once) {
        client->priv.once.reconnected = true;
        return sbs_client_go_on(client, STATE_PREPARE);
    }

    return sbs_client_retry(client, may_retry && detail->transient);
}
