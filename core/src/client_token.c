/* SPDX-License-Identifier: Apache-2.0 */
/* The client's way to a token: discovery, signing, the token request, and what the answers mean. */
#include "client_internal.h"

#include "ascii.h"
#include "sbs/psa_key.h"

#define CLOCK_TOLERANCE_S 30
#define CLOCK_CORRECTION_MAX_S 86400
#define KEY_POLL_MS 20u

/* ---- the token at hand ------------------------------------------------------------------------------------------- */

void sbs_client_wipe_token(sbs_client *client) {
    size_t len = client->priv.token_len + client->priv.scope_len;
    sbs_wipe((char *)client->priv.config->work + client->priv.url_len, len);
    client->priv.has_token = false;
    client->priv.token_len = 0;
    client->priv.scope_len = 0;
}

/* While a request is under way, the token's place and the scratch behind it are in use: it is wiped when the next one
 * is needed. */
void sbs_client_drop_token(sbs_client *client) {
    client->priv.token_renew_ms = client->priv.token_expires_ms = 0;
    if (client->priv.state == STATE_IDLE) {
        sbs_client_wipe_token(client);
    }
}

static sbs_text token_text(const sbs_client *client, bool scope) {
    const char *start = (const char *)client->priv.config->work + client->priv.url_len;
    bool comes_second = scope == client->priv.scope_after_token;
    size_t first_len = scope ? client->priv.token_len : client->priv.scope_len;
    return (sbs_text){start + (comes_second ? first_len : 0), scope ? client->priv.scope_len : client->priv.token_len};
}

sbs_status sbs_client_token(const sbs_client *client, sbs_now now, sbs_token_view *out_token) {
    if (!client->priv.has_token || now.mono_ms >= client->priv.token_expires_ms) {
        return SBS_ERR_NOT_FOUND;
    }
    out_token->access_token = token_text(client, false);
    out_token->scope = client->priv.scope_granted ? token_text(client, true) : sbs_text_of(client->priv.config->scope);
    out_token->expires_in_s = client->priv.token_lifetime_s;
    out_token->expires_at_ms = client->priv.token_expires_ms;
    return SBS_OK;
}

sbs_text sbs_client_token_url(const sbs_client *client) {
    if (client->priv.config->token_url != NULL) {
        return sbs_text_of(client->priv.config->token_url);
    }
    if (client->priv.url_len == 0) {
        return (sbs_text){NULL, 0};
    }
    return (sbs_text){client->priv.config->work, client->priv.url_len - 1};
}

/* ---- discovery --------------------------------------------------------------------------------------------------- */

static void forget_discovery(sbs_client *client) {
    sbs_client_wipe_token(client);
    client->priv.url_len = 0;
}

sbs_status sbs_client_begin_discovery(sbs_client *client) {
    sbs_exchange_request shape = {.response = NULL};
    forget_discovery(client);
    sbs_client_put_head(client, "GET", &client->priv.base, sbs_text_of(SBS_DISCOVERY_PATH),
                        sbs_text_of("application/json"));
    sbs_http_put_end(&client->priv.writer);
    sbs_status status = sbs_client_send(client, &client->priv.base, &shape, STATE_DISCOVERY);
    return status == SBS_PENDING ? status : sbs_client_note(client, SBS_STEP_DISCOVERY, status);
}

/* The token endpoint stays on the host that authenticated first; a change pauses and tells. */
static sbs_status check_pin(const sbs_client *client, const sbs_url *url) {
    bool same = client->priv.pin_port == url->port && sbs_ascii_is_nocase(url->host, client->priv.pin_host);
    return client->priv.pin_port == 0 || same ? SBS_OK : SBS_ERR_TOKEN_HOST;
}

/* Behind the document stand, for a while, the token URL and the JSON tokens. */
static sbs_status read_discovery(sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    const sbs_client_config *config = client->priv.config;
    bool allow_http = config->plain_stream != NULL;
    sbs_json doc;
    size_t capacity;
    sbs_json_token *tokens = sbs_client_json_memory(client, answer->body_len, &capacity);
    char *url = NULL;
    size_t url_len = 0;
    sbs_status status = sbs_json_parse(&doc, answer->body, answer->body_len, tokens, capacity, NULL);
    if (status == SBS_OK) {
        url = (char *)(tokens + doc.count); /* behind those that the document took */
        status = sbs_discovery_endpoint(&doc, sbs_text_of(config->fhir_base), allow_http, url,
                                        (capacity - doc.count) * sizeof *tokens, &url_len);
    }
    if (status != SBS_OK) {
        return status;
    }
    client->priv.url_len = url_len + 1;
    memmove(config->work, url, client->priv.url_len);
    status = sbs_url_parse(sbs_client_token_url(client), &client->priv.token_url);
    if (status == SBS_OK && !client->priv.token_url.https && !sbs_url_is_loopback(&client->priv.token_url)) {
        status = SBS_ERR_URL;
    }
    return status == SBS_OK ? check_pin(client, &client->priv.token_url) : status;
}

/* What an answer that is no 2xx means for discovery and the token endpoint, by its status alone. */
static sbs_status refusal(unsigned http_status, sbs_status otherwise) {
    if (sbs_verdict_of(http_status) == SBS_VERDICT_LATER) {
        return SBS_ERR_BUSY;
    }
    return http_status >= 300 && http_status <= 399 ? SBS_ERR_REDIRECT : otherwise;
}

static void note_answer(sbs_client *client, sbs_step step, sbs_status status) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_client_note(client, step, status);
    client->priv.detail.http_status = answer->status;
    client->priv.detail.retry_after_s = answer->has_retry_after ? answer->retry_after_s : 0;
    client->priv.detail.transient = status == SBS_ERR_BUSY;
}

sbs_status sbs_client_step_discovery(sbs_client *client) {
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_DISCOVERY, true);
    if (status != SBS_OK) {
        return status;
    }
    unsigned http_status = client->priv.exchange.answer.status;
    if (http_status != 200) {
        note_answer(client, SBS_STEP_DISCOVERY, refusal(http_status, SBS_ERR_FORBIDDEN));
        return sbs_client_retry(client, client->priv.detail.transient);
    }
    status = read_discovery(client);
    if (status != SBS_OK) {
        note_answer(client, SBS_STEP_DISCOVERY, status);
        client->priv.url_len = 0;
        return status;
    }
    client->priv.discovered_ms = client->priv.now.mono_ms;
    client->priv.state = STATE_PREPARE;
    return sbs_client_go_on(client);
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_begin_sign(sbs_client *client) {
    sbs_client_wipe_token(client);
    if (client->priv.token_is_new) { /* and over before it could be used */
        sbs_client_note(client, SBS_STEP_TOKEN, SBS_ERR_TIMEOUT);
        return sbs_client_retry(client, true);
    }
    uint32_t limit_ms = client->priv.config->exchange_timeout_ms;
    client->priv.resume_ms = client->priv.now.mono_ms + (limit_ms != 0 ? limit_ms : SBS_EXCHANGE_TIMEOUT_MS);
    if (!client->priv.config->keep_open_while_signing) {
        sbs_exchange_close(&client->priv.exchange);
    }
    client->priv.state = STATE_SIGN;
    client->priv.sign_step = client->priv.key_bits == 0 ? SIGN_KEY : SIGN_BUILD;
    return sbs_client_go_on(client);
}

/* Algorithm, size and kid are read from the key once. */
static sbs_status read_key(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_public_key parsed;
    size_t size;
    size_t len;
    uint8_t *data = (uint8_t *)sbs_client_scratch(client, &size);
    sbs_alg alg;
    sbs_status status = config->key->ops->public_key(config->key->ctx, &alg, data, size, &len);
    if (status != SBS_OK) {
        return status;
    }
    status = sbs_public_key_parse(alg, data, len, &parsed);
    bool computed = config->kid_method == SBS_KID_SEED || config->kid_method == SBS_KID_THUMBPRINT;
    if (status == SBS_OK && computed && config->profile != SBS_PROFILE_SEED) {
        size_t kid_len;
        status = sbs_jwk_kid(&parsed, config->kid_method, (sbs_text){NULL, 0}, client->priv.kid,
                             sizeof client->priv.kid, &kid_len);
        client->priv.kid_len = status == SBS_OK ? (uint8_t)kid_len : 0;
    }
    if (status == SBS_OK) {
        client->priv.alg = alg;
        client->priv.key_bits = parsed.bits;
        client->priv.sign_step = SIGN_BUILD;
    }
    return status;
}

static sbs_text kid_of(const sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    if (config->kid_method == SBS_KID_LITERAL) {
        return sbs_text_of(config->kid);
    }
    return config->kid_method == SBS_KID_NONE ? (sbs_text){NULL, 0}
                                              : (sbs_text){client->priv.kid, client->priv.kid_len};
}

/* Head and body of the token request stand in the scratch, the assertion's signature still missing. */
static sbs_status build_request(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_writer *out = &client->priv.writer;
    if (client->priv.now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }
    sbs_assertion_params params = {
        .profile = config->profile,
        .client_id = sbs_text_of(config->client_id),
        .aud = config->aud != NULL ? sbs_text_of(config->aud) : sbs_client_token_url(client),
        .kid = kid_of(client),
        .typ = sbs_text_of(config->typ),
        .issued_at = client->priv.now.utc_s + client->priv.clock_offset_s,
        .lifetime = config->lifetime_s,
    };
    sbs_writer form;
    sbs_writer_init_sizing(&form);
    sbs_token_put_request(&form, sbs_text_of(config->scope));
    sbs_client_put_head(client, "POST", &client->priv.token_url, (sbs_text){NULL, 0}, sbs_text_of("application/json"));
    sbs_http_put_field(out, "Content-Type", sbs_text_of("application/x-www-form-urlencoded"));
    sbs_http_put_field_uint(out, "Content-Length",
                            form.len + sbs_assertion_size(&params, client->priv.alg, client->priv.key_bits));
    sbs_http_put_end(out);
    sbs_token_put_request(out, sbs_text_of(config->scope));
    return sbs_assertion_start(&client->priv.assertion, &params, client->priv.alg, client->priv.key_bits, out);
}

static sbs_status advance_sign(sbs_client *client) {
    sbs_status status;
    if (client->priv.sign_step == SIGN_KEY) {
        status = read_key(client);
        return status == SBS_OK ? sbs_client_go_on(client) : status;
    }
    if (client->priv.sign_step == SIGN_BUILD) {
        status = build_request(client);
        client->priv.sign_step = SIGN_SIGN;
        return status == SBS_OK ? sbs_client_go_on(client) : status;
    }
    status = sbs_assertion_sign(&client->priv.assertion, client->priv.config->key, &client->priv.writer);
    if (status != SBS_OK) {
        return status;
    }
    sbs_exchange_request shape = {.response = NULL};
    sbs_assertion_wipe(&client->priv.assertion);
    client->priv.token_sent_ms = client->priv.now.mono_ms;
    return sbs_client_send(client, &client->priv.token_url, &shape, STATE_TOKEN);
}

sbs_status sbs_client_step_sign(sbs_client *client) {
    client->priv.wait = (sbs_wait){.timeout_ms = KEY_POLL_MS, .events = 0, .descriptor = -1};
    sbs_status status = advance_sign(client);
    if (status == SBS_PENDING && client->priv.state == STATE_SIGN &&
        client->priv.now.mono_ms >= client->priv.resume_ms) {
        status = SBS_ERR_TIMEOUT;
    }
    return status == SBS_PENDING ? status : sbs_client_note(client, SBS_STEP_SIGN, status);
}

/* ---- the token endpoint's answer --------------------------------------------------------------------------------- */

/* Token and scope move to the start of the work buffer in the order they came, so that neither overwrites the other. */
static void keep_token(sbs_client *client, const sbs_token *token) {
    char *place = (char *)client->priv.config->work + client->priv.url_len;
    bool scope_after = token->scope.ptr == NULL || token->scope.ptr > token->access_token.ptr;
    sbs_text first = scope_after ? token->access_token : token->scope;
    sbs_text second = scope_after ? token->scope : token->access_token;
    memmove(place, first.ptr, first.len);
    if (second.len > 0) {
        memmove(place + first.len, second.ptr, second.len);
    }
    client->priv.scope_after_token = scope_after;
    client->priv.scope_granted = token->scope.ptr != NULL;
    client->priv.token_len = token->access_token.len;
    client->priv.scope_len = token->scope.len;
}

/* Renewed at the larger of 10 % and 30 s before its end, but never before half its life. */
static void set_expiry(sbs_client *client, uint64_t expires_in) {
    uint32_t lifetime = (uint32_t)(expires_in < SBS_TOKEN_EXPIRES_MAX ? expires_in : SBS_TOKEN_EXPIRES_MAX);
    uint32_t margin = lifetime / 10 > 30 ? lifetime / 10 : 30;
    if (margin > lifetime / 2) {
        margin = lifetime / 2;
    }
    client->priv.token_lifetime_s = lifetime;
    client->priv.token_expires_ms = client->priv.token_sent_ms + lifetime * 1000ull;
    client->priv.token_renew_ms = client->priv.token_expires_ms - margin * 1000ull;
}

static sbs_status accept_token(sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    const char *member = NULL;
    sbs_token token;
    size_t capacity;
    sbs_json_token *tokens = sbs_client_json_memory(client, answer->body_len, &capacity);
    sbs_status status = SBS_ERR_RESPONSE;
    if (answer->is_json) {
        status = sbs_token_parse(answer->body, answer->body_len, tokens, capacity, &token, &member);
    } else {
        member = "Content-Type";
    }
    if (status != SBS_OK) {
        note_answer(client, SBS_STEP_TOKEN, status);
        sbs_http_sanitise(sbs_text_of(member), client->priv.detail.text, sizeof client->priv.detail.text);
        return status;
    }
    keep_token(client, &token);
    set_expiry(client, token.expires_in);
    size_t size;
    char *scratch = sbs_client_scratch(client, &size);
    sbs_wipe(scratch, size);
    client->priv.has_token = client->priv.token_is_new = true;
    return SBS_OK;
}

/* One correction from an authenticated Date in each request, at most a day; then the assertion is made anew. */
static bool correct_clock(sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_oauth_error error = client->priv.detail.oauth;
    bool may_be_the_clock = error == SBS_OAUTH_INVALID_CLIENT || error == SBS_OAUTH_INVALID_GRANT;
    if (client->priv.clock_corrected || !may_be_the_clock || !answer->has_date || !client->priv.token_url.https) {
        return false;
    }
    int64_t offset = answer->date_utc_s - client->priv.now.utc_s;
    int64_t change = offset - client->priv.clock_offset_s;
    bool differs = change > CLOCK_TOLERANCE_S || change < -CLOCK_TOLERANCE_S;
    if (!differs || offset > CLOCK_CORRECTION_MAX_S || offset < -CLOCK_CORRECTION_MAX_S) {
        return false;
    }
    client->priv.clock_offset_s = offset;
    client->priv.clock_corrected = true;
    return true;
}

static bool may_have_moved(sbs_client *client, unsigned http_status) {
    bool discovered = client->priv.url_len > 0;
    if (!discovered || client->priv.rediscovered || (http_status != 404 && http_status != 405)) {
        return false;
    }
    client->priv.rediscovered = true;
    forget_discovery(client);
    return true;
}

static sbs_status judge_refusal(sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_detail *detail = &client->priv.detail;
    size_t capacity;
    sbs_json_token *tokens = sbs_client_json_memory(client, answer->body_len, &capacity);
    note_answer(client, SBS_STEP_TOKEN, refusal(answer->status, SBS_ERR_OAUTH));
    if (answer->body_len > 0 && !answer->body_dropped) {
        sbs_status parsed = sbs_oauth_error_parse(answer->body, answer->body_len, tokens, capacity, &detail->oauth,
                                                  detail->text, sizeof detail->text);
        if (parsed == SBS_OK && detail->oauth == SBS_OAUTH_TEMPORARILY_UNAVAILABLE) {
            detail->status = SBS_ERR_BUSY;
        }
    }
    detail->transient = detail->status == SBS_ERR_BUSY;
    if (correct_clock(client) || may_have_moved(client, answer->status)) {
        client->priv.state = STATE_PREPARE;
        return sbs_client_go_on(client);
    }
    return sbs_client_retry(client, detail->transient);
}

sbs_status sbs_client_step_token(sbs_client *client) {
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_TOKEN, true);
    if (status != SBS_OK) {
        return status;
    }
    unsigned http_status = client->priv.exchange.answer.status;
    if (http_status != 200 && http_status != 201) {
        return judge_refusal(client);
    }
    status = accept_token(client);
    if (status != SBS_OK) {
        return status;
    }
    sbs_client_pin(client, &client->priv.token_url);
    client->priv.state = STATE_PREPARE;
    return sbs_client_go_on(client);
}
