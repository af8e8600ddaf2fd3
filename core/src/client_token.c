/* SPDX-License-Identifier: Apache-2.0 */
/* The client's way to a token: discovery, signing, the token request, and what the answers mean. */
#include "client_internal.h"

#include "ascii.h"
#include "lookup.h"
#include "sbs/psa_key.h"

#define CLOCK_TOLERANCE_S 2
#define CLOCK_CORRECTION_MAX_S 86460 /* a day, and what passes until the answer is there */
#define KEY_POLL_MS 20u

/* ---- the token at hand ------------------------------------------------------------------------------------------- */

void sbs_client_wipe_token(sbs_client *client) {
    size_t len = client->priv.token_len + client->priv.scope_len;
    sbs_wipe((char *)client->priv.config->work + client->priv.url_len, len);
    client->priv.token = NULL;
    client->priv.scope = NULL;
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

sbs_status sbs_client_token(const sbs_client *client, sbs_now now, sbs_token_view *out_token) {
    if (client->priv.token == NULL || now.mono_ms >= client->priv.token_expires_ms) {
        return SBS_ERR_NOT_FOUND;
    }
    out_token->access_token = (sbs_text){client->priv.token, client->priv.token_len};
    out_token->scope = sbs_client_scope(client);
    out_token->expires_in_s = client->priv.token_lifetime_s;
    out_token->expires_at_ms = client->priv.token_expires_ms;
    return SBS_OK;
}

sbs_text sbs_client_scope(const sbs_client *client) {
    if (client->priv.scope == NULL) {
        return sbs_text_of(client->priv.config->scope);
    }
    return (sbs_text){client->priv.scope, client->priv.scope_len};
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

sbs_status sbs_client_get_document(sbs_client *client, const char *path, uint8_t state) {
    sbs_exchange_request shape = {.response = NULL, .spare_body = state == STATE_DATE};

    client->priv.date_asked = true;
    sbs_client_put_head(client, "GET", &client->priv.base, sbs_text_of(path), NULL);
    sbs_http_put_end(&client->priv.writer);
    return sbs_client_send(client, &client->priv.base, &shape, state);
}

sbs_status sbs_client_begin_discovery(sbs_client *client) {
    forget_discovery(client);
    return sbs_client_note(client, SBS_STEP_DISCOVERY,
                           sbs_client_get_document(client, SBS_DISCOVERY_PATH, STATE_DISCOVERY));
}

/* The token endpoint stays on the host that authenticated first; a change pauses and tells. */
static sbs_status check_pin(const sbs_client *client, const sbs_url *url) {
    bool same = client->priv.pin_port == url->port && sbs_ascii_is_nocase(url->host, client->priv.pin_host);
    return client->priv.pin_port == 0 || same ? SBS_OK : SBS_ERR_TOKEN_HOST;
}

/* Behind the document's JSON tokens stands, for a while, the token URL. */
sbs_status sbs_client_take_token_url(sbs_client *client, const sbs_json *doc, sbs_json_node node) {
    const sbs_client_config *config = client->priv.config;
    const char *end = (const char *)config->work + config->work_size;
    size_t url_len;

    char *text = (char *)(doc->tokens + doc->count);
    sbs_status status =
        sbs_discovery_url(doc, node, sbs_text_of(config->fhir_base), true, text, (size_t)(end - text), &url_len);
    if (status != SBS_OK) {
        return status;
    }
    client->priv.url_len = url_len + 1;
    memmove(config->work, text, client->priv.url_len);
    status = sbs_client_parse_url(config, config->work, &client->priv.token_url);
    return status == SBS_OK ? check_pin(client, &client->priv.token_url) : status;
}

static sbs_status read_discovery(sbs_client *client) {
    sbs_json doc;
    sbs_json_node node;
    sbs_status status = sbs_client_read_json(client, &doc);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_lookup_value(&doc, "token_endpoint", &node);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_ERR_RESPONSE;
    }
    return status == SBS_OK ? sbs_client_take_token_url(client, &doc, node) : status;
}

/* What an answer that is no 2xx means for discovery and the token endpoint, by its status alone. */
sbs_status sbs_client_refusal(const sbs_client *client, sbs_status otherwise) {
    sbs_status status = sbs_http_meaning_of(client->priv.exchange.answer.status).status;

    return status == SBS_ERR_BUSY || status == SBS_ERR_REDIRECT ? status : otherwise;
}

sbs_status sbs_client_end_discovery(sbs_client *client, sbs_status status) {
    if (status == SBS_OK) {
        client->priv.discovered_ms = client->priv.now.mono_ms;
        return sbs_client_go_on(client, STATE_PREPARE);
    }

    sbs_text url = sbs_client_token_url(client);
    client->priv.url_len = 0;
    sbs_client_note_answer(client, SBS_STEP_DISCOVERY, status);
    if (status == SBS_ERR_URL && url.len > 0) { /* behind a proxy some servers state http */
        sbs_client_say(client, url);
    }
    if (status == SBS_ERR_JSON && !client->priv.exchange.answer.is_json) {
        sbs_client_say(client, sbs_text_of("Content-Type"));
    }
    return sbs_client_retry(client, client->priv.detail.transient);
}

sbs_status sbs_client_step_discovery(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_DISCOVERY, true);
    if (status != SBS_OK) {
        return status;
    }

    bool is_there = client->priv.exchange.answer.status == 200;
    status = is_there ? read_discovery(client) : sbs_client_refusal(client, SBS_ERR_FORBIDDEN);
    if (status != SBS_OK && config->oauth_uris != NULL) {
        return config->oauth_uris(client, status);
    }
    return sbs_client_end_discovery(client, status);
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
    client->priv.sign_step = client->priv.key_bits == 0 ? SIGN_KEY : SIGN_BUILD;
    return sbs_client_go_on(client, STATE_SIGN);
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

/* In the seed's profile as the seed has it: now, and no client_id in the form. */
static int64_t backdate_s(const sbs_client_config *config) {
    int64_t half_s = config->lifetime_s / 2;

    if (config->profile == SBS_PROFILE_SEED) {
        return 0;
    }
    return half_s != 0 && half_s < SBS_ASSERTION_BACKDATE_S ? half_s : SBS_ASSERTION_BACKDATE_S;
}

static void put_form(sbs_writer *out, const sbs_client_config *config) {
    const char *client_id = config->profile == SBS_PROFILE_SEED ? NULL : config->client_id;

    sbs_token_put_request(out, sbs_text_of(config->scope), sbs_text_of(client_id));
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
        .issued_at = client->priv.now.utc_s + client->priv.clock_offset_s - backdate_s(config),
        .lifetime = config->lifetime_s,
    };
    sbs_writer form;
    sbs_writer_init_sizing(&form);
    put_form(&form, config);
    sbs_client_put_head(client, "POST", &client->priv.token_url, (sbs_text){NULL, 0}, NULL);
    sbs_put_string(out, "Content-Type: application/x-www-form-urlencoded\r\n");
    sbs_http_put_field_uint(out, "Content-Length",
                            form.len + sbs_assertion_size(&params, client->priv.alg, client->priv.key_bits));
    sbs_http_put_end(out);
    put_form(out, config);
    return sbs_assertion_start(&client->priv.assertion, &params, client->priv.alg, client->priv.key_bits, out);
}

static sbs_status send_request(sbs_client *client) {
    sbs_exchange_request shape = {.response = NULL};
    sbs_status status = sbs_assertion_sign(&client->priv.assertion, client->priv.config->key, &client->priv.writer);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_client_send(client, &client->priv.token_url, &shape, STATE_TOKEN);
}

static sbs_status advance_sign(sbs_client *client) {
    sbs_status status;
    if (client->priv.sign_step == SIGN_SIGN) {
        return send_request(client);
    }
    status = client->priv.sign_step == SIGN_KEY ? read_key(client) : build_request(client);
    if (status != SBS_OK) {
        return status;
    }
    client->priv.sign_step++;
    return sbs_client_wait(client, 0);
}

sbs_status sbs_client_step_sign(sbs_client *client) {
    sbs_client_wait(client, KEY_POLL_MS);
    sbs_status status = advance_sign(client);
    if (status == SBS_PENDING && client->priv.state == STATE_SIGN &&
        client->priv.now.mono_ms >= client->priv.resume_ms) {
        status = SBS_ERR_TIMEOUT;
    }
    return sbs_client_note(client, SBS_STEP_SIGN, status);
}

/* ---- the token endpoint's answer --------------------------------------------------------------------------------- */

/* Token and scope move to the start of the work buffer in the order they came, so that neither overwrites the other. */
static void keep_token(sbs_client *client, const sbs_token *token) {
    char *place = (char *)client->priv.config->work + client->priv.url_len;
    size_t token_len = token->access_token.len;
    size_t scope_len = token->scope.len;
    client->priv.token = place;
    client->priv.scope = token->scope.ptr != NULL ? place + token_len : NULL;
    client->priv.token_len = token_len;
    client->priv.scope_len = scope_len;
    if (scope_len > 0 && token->scope.ptr < token->access_token.ptr) {
        memmove(place, token->scope.ptr, scope_len);
        memmove(place + scope_len, token->access_token.ptr, token_len);
        client->priv.scope = place;
        client->priv.token = place + scope_len;
        return;
    }

    memmove(place, token->access_token.ptr, token_len);
    if (scope_len > 0) {
        memmove(place + token_len, token->scope.ptr, scope_len);
    }
}

/* Renewed at the larger of 10 % and 30 s before its end, but never before half its life. */
static void set_expiry(sbs_client *client, uint64_t expires_in) {
    uint32_t lifetime = (uint32_t)(expires_in < SBS_TOKEN_EXPIRES_MAX ? expires_in : SBS_TOKEN_EXPIRES_MAX);
    uint32_t margin = lifetime / 10 > 30 ? lifetime / 10 : 30;
    if (margin > lifetime / 2) {
        margin = lifetime / 2;
    }
    client->priv.token_lifetime_s = lifetime;
    client->priv.token_expires_ms = client->priv.sent_ms + lifetime * 1000ull;
    client->priv.token_renew_ms = client->priv.token_expires_ms - margin * 1000ull;
}

/* @p out_member: what is at fault, if a part of the answer is. */
static sbs_status read_token(sbs_client *client, sbs_token *token, const char **out_member) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_json doc;
    if (answer->has_type && !answer->is_json) { /* some servers leave it out */
        *out_member = "Content-Type";
        return SBS_ERR_RESPONSE;
    }
    sbs_status status = sbs_client_read_json(client, &doc);
    return status == SBS_OK ? sbs_token_read(&doc, answer->body, token, out_member) : status;
}

static bool may_have_moved(sbs_client *client) {
    unsigned http_status = client->priv.detail.http_status;
    bool discovered = client->priv.url_len > 0;
    if (!discovered || client->priv.rediscovered || (http_status != 404 && http_status != 405)) {
        return false;
    }
    client->priv.rediscovered = true;
    forget_discovery(client);
    return true;
}

/* A clock that is @p ahead_s ahead of ours, or up to @p took_s more: the Date was written between two looks at ours. */
static bool differs(int32_t ahead_s, uint32_t took_s) {
    return ahead_s > CLOCK_TOLERANCE_S || ahead_s + (int32_t)took_s < -CLOCK_TOLERANCE_S;
}

/* One correction in a request, after which the assertion is made anew. What changes nothing is taken back. */
static bool correct_clock(sbs_client *client) {
    sbs_detail *detail = &client->priv.detail;
    uint64_t since_ms = client->priv.now.mono_ms - client->priv.date.mono_ms;
    uint64_t server_s = (uint64_t)client->priv.date.utc_s + since_ms / 1000u;
    int64_t exact_s = (int64_t)(server_s - (uint64_t)client->priv.now.utc_s);
    int32_t ahead_s = (int32_t)exact_s;
    uint32_t took_s = client->priv.date_took_ms / 1000u;
    if (client->priv.date.utc_s == 0 || ahead_s != exact_s) { /* one of the two is not known */
        return false;
    }
    if (differs(ahead_s, took_s)) {
        detail->clock_difference_s = ahead_s;
    }

    uint16_t refused = (uint16_t)((unsigned)detail->http_status << 4 | (unsigned)detail->oauth);
    if (client->priv.corrected_for == refused) {
        client->priv.clock_offset_s = client->priv.offset_before_s;
    }
    if (client->priv.corrected_for != 0 || ahead_s > CLOCK_CORRECTION_MAX_S || ahead_s < -CLOCK_CORRECTION_MAX_S ||
        !differs(ahead_s - client->priv.clock_offset_s, took_s)) {
        return false;
    }

    client->priv.corrected_for = refused;
    client->priv.offset_before_s = client->priv.clock_offset_s;
    /* Both clocks tell whole seconds: rather one behind than one ahead. */
    client->priv.clock_offset_s = detail->clock_difference_s != 0 ? ahead_s - 1 : 0;
    return true;
}

/* What the clock may have to do with the refusal that the detail tells. */
static sbs_status doubt_clock(sbs_client *client) {
    const sbs_detail *detail = &client->priv.detail;
    bool corrected = correct_clock(client);

    if (corrected && detail->retry_after_s == 0) {
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    return sbs_client_retry(client, corrected || detail->transient);
}

static sbs_status judge_refusal(sbs_client *client) {
    sbs_detail *detail = &client->priv.detail;
    sbs_json doc;

    sbs_client_note_answer(client, SBS_STEP_TOKEN, sbs_client_refusal(client, SBS_ERR_OAUTH));
    if (sbs_client_read_json(client, &doc) != SBS_OK ||
        sbs_oauth_error_read(&doc, &detail->oauth, client->priv.said, client->priv.said_size) != SBS_OK) {
        (void)sbs_client_read_words(client);
    }
    sbs_client_hide_secrets(client); /* an assertion that is refused may be valid in a minute */
    if (detail->oauth == SBS_OAUTH_TEMPORARILY_UNAVAILABLE) {
        detail->status = SBS_ERR_BUSY;
    }
    detail->transient = detail->status == SBS_ERR_BUSY;

    if (may_have_moved(client)) {
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    if (detail->oauth == SBS_OAUTH_INVALID_SCOPE || client->priv.exchange.answer.has_age) {
        return sbs_client_retry(client, detail->transient);
    }

    /* Some authorization servers send no Date: that of the FHIR server is asked for, once, if none is known. */
    bool needs_date = client->priv.date.utc_s == 0 && !client->priv.date_asked && client->priv.base.https;
    if (needs_date && sbs_client_get_document(client, SBS_DISCOVERY_PATH, STATE_DATE) == SBS_PENDING) {
        return SBS_PENDING;
    }
    return doubt_clock(client);
}

/* Whatever comes of it, what counts is the refusal before. */
sbs_status sbs_client_step_date(sbs_client *client) {
    if (sbs_client_step_exchange(client) == SBS_PENDING) {
        return SBS_PENDING;
    }
    client->priv.exchange.answer.status = client->priv.detail.http_status;
    return doubt_clock(client);
}

static sbs_status accept_token(sbs_client *client) {
    const char *member = NULL;
    sbs_token token;
    sbs_status status = read_token(client, &token, &member);
    if (status == SBS_ERR_OAUTH) {
        return judge_refusal(client);
    }
    if (status != SBS_OK) {
        sbs_client_note_answer(client, SBS_STEP_TOKEN, status);
        sbs_client_say(client, sbs_text_of(member));
        return status;
    }

    keep_token(client, &token);
    set_expiry(client, token.expires_in);
    sbs_client_wipe_scratch(client);
    client->priv.token_is_new = true;
    sbs_client_pin(client, &client->priv.token_url);
    return sbs_client_go_on(client, STATE_PREPARE);
}

sbs_status sbs_client_step_token(sbs_client *client) {
    sbs_status status = sbs_client_run_exchange(client, SBS_STEP_TOKEN, true);
    if (status != SBS_OK) {
        return status;
    }
    unsigned http_status = client->priv.exchange.answer.status;
    return http_status == 200 || http_status == 201 ? accept_token(client) : judge_refusal(client);
}
