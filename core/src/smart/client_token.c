/* SPDX-License-Identifier: Apache-2.0 */
/* The client's way to a token: signing, the token request, and what the answers mean. */
#include "smart/client_internal.h"

#include "sbs/psa_key.h"

#define CLOCK_TOLERANCE_S 2
#define CLOCK_CORRECTION_MAX_S 86460 /* a day, and what passes until the answer is there */
#define KEY_POLL_MS 20u

/* ---- signing ----------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_begin_sign(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;

    sbs_client_wipe_token(client);
    if (client->priv.token_is_new) { /* and over before it could be used */
        sbs_client_note(client, SBS_STEP_TOKEN, SBS_ERR_TIMEOUT);
        return sbs_client_retry(client, true);
    }

    /* A key may answer "not yet", but not for ever. Meanwhile no connection is open, as two TLS contexts may be
     * more than the memory holds. */
    uint32_t limit_ms = sbs_client_default(config->exchange_timeout_ms, SBS_EXCHANGE_TIMEOUT_MS);
    client->priv.resume_ms = client->priv.now.mono_ms + limit_ms;
    if (!config->keep_open_while_signing) {
        sbs_exchange_close(&client->priv.exchange);
    }

    client->priv.sign_step = SIGN_BUILD;
    if (client->priv.key_bits == 0) {
        client->priv.sign_step = SIGN_KEY;
    }

    return sbs_client_go_on(client, STATE_SIGN);
}

static sbs_text token_kid(const sbs_client *client) {
    const sbs_client_config *config = client->priv.config;

    if (config->kid_method == SBS_KID_LITERAL) {
        return sbs_client_text(config->kid);
    }
    if (config->kid_method == SBS_KID_NONE) {
        return (sbs_text){NULL, 0};
    }

    return (sbs_text){client->priv.kid, client->priv.kid_len};
}

static sbs_text token_audience(const sbs_client *client) {
    const char *literal = client->priv.config->aud;

    if (literal != NULL) {
        return sbs_client_text(literal);
    }
    return sbs_client_token_url(client);
}

/* How long ago the assertion was made, it says: many servers refuse one that is a second ahead of their own clock. The
 * seed's profile says "now". */
static int64_t token_backdate_s(const sbs_client_config *config) {
    uint32_t half_s = config->lifetime_s / 2;

    if (config->profile == SBS_PROFILE_SEED) {
        return 0;
    }
    if (half_s == 0 || half_s > SBS_ASSERTION_BACKDATE_S) {
        return SBS_ASSERTION_BACKDATE_S;
    }

    return half_s;
}

/* The seed's form has no client_id. */
static void token_put_form(sbs_writer *out, const sbs_client_config *config) {
    const char *client_id = config->client_id;

    if (config->profile == SBS_PROFILE_SEED) {
        client_id = NULL;
    }
    sbs_token_put_request(out, sbs_client_text(config->scope), sbs_client_text(client_id));
}

/* Head and body of the token request stand in the scratch, the assertion's signature still missing. */
static sbs_status token_build_request(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_assertion *assertion = &client->priv.assertion;
    sbs_writer *out = &client->priv.writer;
    if (client->priv.now.utc_s == SBS_UTC_UNKNOWN) {
        return SBS_ERR_NO_TIME;
    }

    sbs_assertion_params params = {
        .profile = config->profile,
        .client_id = sbs_client_text(config->client_id),
        .aud = token_audience(client),
        .kid = token_kid(client),
        .typ = sbs_client_text(config->typ),
        .issued_at = client->priv.now.utc_s + client->priv.clock_offset_s - token_backdate_s(config),
        .lifetime = config->lifetime_s,
    };

    /* The body's length stands in the head, so the form is written twice: the first time only to be counted. */
    sbs_writer sizing;
    sbs_writer_init_sizing(&sizing);
    token_put_form(&sizing, config);
    size_t body_len = sizing.len + sbs_assertion_size(&params, client->priv.alg, client->priv.key_bits);

    sbs_client_put_head(client, "POST", &client->priv.token_url, (sbs_text){NULL, 0}, &sbs_client_json);
    sbs_put_string(out, "Content-Type: application/x-www-form-urlencoded\r\n");
    sbs_http_put_field_uint(out, "Content-Length", body_len);
    sbs_http_put_end(out);
    token_put_form(out, config);
    return sbs_assertion_start(assertion, &params, client->priv.alg, client->priv.key_bits, out);
}

static sbs_status token_send_request(sbs_client *client) {
    sbs_exchange_request shape = {.response = NULL};
    sbs_status status = sbs_assertion_sign(&client->priv.assertion, client->priv.config->key, &client->priv.writer);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_client_send(client, &client->priv.token_url, &shape, STATE_TOKEN);
}

static sbs_status token_advance_sign(sbs_client *client) {
    sbs_status status;

    if (client->priv.sign_step == SIGN_SIGN) {
        return token_send_request(client);
    }

    if (client->priv.sign_step == SIGN_KEY) {
        status = client->priv.config->read_key(client);
    } else {
        status = token_build_request(client);
    }
    if (status != SBS_OK) {
        return status;
    }

    client->priv.sign_step++;
    return sbs_client_wait(client, 0);
}

sbs_status sbs_client_step_sign(sbs_client *client) {
    /* Unless the step says otherwise: a key that is not ready is asked again after this time. */
    sbs_client_wait(client, KEY_POLL_MS);
    sbs_status status = token_advance_sign(client);

    if (status == SBS_PENDING && client->priv.state == STATE_SIGN &&
        client->priv.now.mono_ms >= client->priv.resume_ms) {
        status = SBS_ERR_TIMEOUT;
    }
    return sbs_client_note(client, SBS_STEP_SIGN, status);
}

/* ---- the token endpoint's answer --------------------------------------------------------------------------------- */

/* What is kept of the answer moves to the start of the work buffer. The span that stands first goes first, so that none
 * overwrites one that is still to move. */
static void token_keep(sbs_client *client, sbs_text *found) {
    char *start = (char *)client->priv.config->work + client->priv.url_len;
    char *place = start;

    for (;;) {
        /* Of those that are still to move, the one that stands first. */
        sbs_text *first = NULL;
        for (size_t i = 0; i < SBS_KEPT_COUNT; i++) {
            if (found[i].ptr != NULL && (first == NULL || found[i].ptr < first->ptr)) {
                first = &found[i];
            }
        }
        if (first == NULL) {
            break;
        }

        memmove(place, first->ptr, first->len);
        client->priv.kept[first - found] = (sbs_text){place, first->len};
        place += first->len;
        first->ptr = NULL;
    }

    client->priv.kept_len = (size_t)(place - start);
}

/* Renewed at the larger of 10 % and 30 s before its end, but never before half its life. */
void sbs_client_set_expiry(sbs_client *client, uint32_t lifetime_s) {
    if (lifetime_s > SBS_TOKEN_EXPIRES_MAX) {
        lifetime_s = SBS_TOKEN_EXPIRES_MAX;
    }

    uint32_t margin_s = 30;
    if (lifetime_s > 300) {
        margin_s = lifetime_s / 10;
    } else if (lifetime_s < 60) {
        margin_s = lifetime_s / 2;
    }

    client->priv.token_lifetime_s = lifetime_s;
    client->priv.token_expires_ms = client->priv.sent_ms + lifetime_s * 1000ull;
    client->priv.token_renew_ms = client->priv.token_expires_ms - margin_s * 1000ull;
}

/* @p out_member: what is at fault, if a part of the answer is. */
static sbs_status token_read_answer(sbs_client *client, sbs_token *token, const char **out_member) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_status status = sbs_client_decode(client);
    if (status != SBS_OK) {
        return status;
    }

    /* JSON counts whatever its type is called; what is none is told by its type. */
    status = sbs_token_parse(answer->body, answer->body_len, token, out_member);
    if (status == SBS_ERR_JSON && answer->has_type && !answer->is_json) {
        *out_member = sbs_client_content_type;
        return SBS_ERR_RESPONSE;
    }

    return status;
}

/* A discovered endpoint that is not there any more is looked for anew, once. */
static bool token_may_have_moved(sbs_client *client) {
    unsigned http_status = client->priv.detail.http_status;
    bool discovered = client->priv.url_len > 0;

    if (!discovered || client->priv.once.rediscovered || (http_status != 404 && http_status != 405)) {
        return false;
    }

    client->priv.once.rediscovered = true;
    sbs_client_forget_discovery(client);
    return true;
}

/* A clock that is @p ahead_s ahead of ours, or up to @p took_s more: the Date was written between two looks at ours. */
static bool token_clock_differs(int32_t ahead_s, uint32_t took_s) {
    return ahead_s > CLOCK_TOLERANCE_S || ahead_s + (int32_t)took_s < -CLOCK_TOLERANCE_S;
}

/* One correction in a request, after which the assertion is made anew. If the same refusal comes again, the clock was
 * not to blame, and the correction is taken back. */
static bool token_correct_clock(sbs_client *client) {
    sbs_detail *detail = &client->priv.detail;
    /* What the server's clock should show by now, compared with ours. */
    uint64_t since_ms = client->priv.now.mono_ms - client->priv.date.mono_ms;
    uint64_t server_s = (uint64_t)client->priv.date.utc_s + since_ms / 1000u;
    int64_t exact_s = (int64_t)(server_s - (uint64_t)client->priv.now.utc_s);
    int32_t ahead_s = (int32_t)exact_s;
    uint32_t took_s = client->priv.date_took_ms / 1000u;

    if (client->priv.date.utc_s == 0 || ahead_s != exact_s) { /* one of the two is not known */
        return false;
    }
    if (token_clock_differs(ahead_s, took_s)) {
        detail->clock_difference_s = ahead_s;
    }

    /* The correction did not help: what is refused again has another reason. */
    uint16_t refused = (uint16_t)((unsigned)detail->http_status << 4 | (unsigned)detail->oauth);
    if (client->priv.once.corrected_for == refused) {
        client->priv.clock_offset_s = client->priv.offset_before_s;
    }
    if (client->priv.once.corrected_for != 0 || ahead_s > CLOCK_CORRECTION_MAX_S || ahead_s < -CLOCK_CORRECTION_MAX_S ||
        !token_clock_differs(ahead_s - client->priv.clock_offset_s, took_s)) {
        return false;
    }

    client->priv.once.corrected_for = refused;
    client->priv.offset_before_s = client->priv.clock_offset_s;
    int32_t offset_s = 0;
    if (detail->clock_difference_s != 0) {
        /* Both clocks tell whole seconds: rather one behind than one ahead. */
        offset_s = ahead_s - 1;
    }

    client->priv.clock_offset_s = offset_s;
    return true;
}

/* What the clock may have to do with the refusal that the detail tells. */
static sbs_status token_doubt_clock(sbs_client *client) {
    const sbs_detail *detail = &client->priv.detail;
    bool corrected = token_correct_clock(client);

    if (!corrected) {
        return sbs_client_retry(client, detail->transient);
    }
    if (detail->retry_after_s != 0) {
        return sbs_client_retry(client, true);
    }

    return sbs_client_go_on(client, STATE_PREPARE);
}

static void token_note_refusal(sbs_client *client) {
    sbs_detail *detail = &client->priv.detail;
    sbs_flat doc;

    sbs_client_note_answer(client, SBS_STEP_TOKEN, sbs_client_refusal(client, SBS_ERR_OAUTH));
    /* An error of RFC 6749 is what should come; other words are looked for where servers put them. */
    if (sbs_client_read_json(client, &doc) != SBS_OK ||
        sbs_oauth_error_read(&doc, &detail->oauth, client->priv.said, client->priv.said_size) != SBS_OK) {
        (void)sbs_client_read_words(client, true);
    }

    sbs_client_hide_secrets(client); /* an assertion that is refused may be valid in a minute */

    if (detail->oauth == SBS_OAUTH_TEMPORARILY_UNAVAILABLE) {
        detail->status = SBS_ERR_BUSY;
    }

    detail->transient = detail->status == SBS_ERR_BUSY;
}

static sbs_status token_judge_refusal(sbs_client *client) {
    const sbs_detail *detail = &client->priv.detail;

    token_note_refusal(client);
    if (token_may_have_moved(client)) {
        return sbs_client_go_on(client, STATE_PREPARE);
    }
    if (detail->oauth == SBS_OAUTH_INVALID_SCOPE || client->priv.exchange.answer.has_age) {
        return sbs_client_retry(client, detail->transient);
    }

    /* Some authorization servers send no Date: that of the FHIR server is asked for, once, if none is known. */
    bool needs_date = client->priv.date.utc_s == 0 && !client->priv.once.date_asked && client->priv.base.https;
    if (needs_date && sbs_client_get_document(client, STATE_DATE) == SBS_PENDING) {
        return SBS_PENDING;
    }

    return token_doubt_clock(client);
}

/* Whatever comes of it, what counts is the refusal before. */
sbs_status sbs_client_step_date(sbs_client *client) {
    if (sbs_client_step_exchange(client) == SBS_PENDING) {
        return SBS_PENDING;
    }
    return token_doubt_clock(client);
}

static sbs_status token_accept(sbs_client *client) {
    const char *member = NULL;
    sbs_token token;
    sbs_status status = token_read_answer(client, &token, &member);
    if (status == SBS_ERR_OAUTH) {
        return token_judge_refusal(client);
    }
    if (status != SBS_OK) {
        sbs_client_note_answer(client, SBS_STEP_TOKEN, status);
        sbs_client_say(client, sbs_client_text(member));
        return status;
    }

    sbs_text found[SBS_KEPT_COUNT] = {[SBS_KEPT_TOKEN] = token.access_token, [SBS_KEPT_SCOPE] = token.scope};
    token_keep(client, found);
    sbs_client_set_expiry(client, token.expires_in);
    /* The answer holds the token once more. Who gives one may be sent assertions from now on. */
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
    if (http_status == 200 || http_status == 201) {
        return token_accept(client);
    }

    return token_judge_refusal(client);
}
