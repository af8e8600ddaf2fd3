/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file client_internal.h
 * What the files of the client share. Calls run one way: client.c (interface and machine) to client_discovery.c,
 * client_token.c and client_resource.c (the steps), from these to client_answer.c (what an answer says), and from all
 * to client_try.c (what every try needs).
 *
 The work buffer holds, from its start: the discovered token URL with its NUL, what is kept of the token response (in
 the
 * order in which it came), and then the scratch of the exchange under way.
 */
#ifndef SBS_CLIENT_INTERNAL_H
#define SBS_CLIENT_INTERNAL_H

#include <string.h>

#include "sbs/client.h"

enum {
    STATE_IDLE,
    STATE_DELAY,
    STATE_PREPARE,
    STATE_DISCOVERY,
    STATE_SIGN,
    STATE_TOKEN,
    STATE_RESOURCE,
    STATE_DATE,
    STATE_STATEMENT
};
#define SBS_EXCHANGE_TIMEOUT_MS 60000u
#define SBS_DISCOVERY_TTL_MS 86400000u

enum { SIGN_KEY, SIGN_BUILD, SIGN_SIGN };

/** @p value, or @p fallback if it is 0, which stands for the default in a configuration. */
static inline uint32_t sbs_client_default(uint32_t value, uint32_t fallback) {
    if (value == 0) {
        return fallback;
    }
    return value;
}

/** Whether the kid is computed from the key. The seed's profile has none. */
static inline bool sbs_client_computes_kid(const sbs_client_config *config) {
    return config->kid_method < SBS_KID_LITERAL && config->profile != SBS_PROFILE_SEED;
}

/** Whether a token goes with the request under way. */
static inline bool sbs_client_uses_token(const sbs_client *client) {
    return !client->priv.request.without_token && client->priv.config->bearer == NULL;
}

/* ---- client_try.c: memory ---------------------------------------------------------------------------------------- */

/** The free rest of the work buffer. */
char *sbs_client_scratch(const sbs_client *client, size_t *out_size);

/** Wipes the scratch. */
void sbs_client_wipe_scratch(sbs_client *client);

/** Wipes what is kept of the token response; the scratch begins where it stood. A bearer stands in the token's place
 *  from then on. */
void sbs_client_wipe_token(sbs_client *client);

/** True if there is a token that may be sent at @p now_ms. It is renewed some time before it ends, but one that was
 *  fetched for this try serves it to its end: otherwise tokens that live only for seconds would be fetched again and
 *  again, and never used. */
static inline bool sbs_client_has_valid_token(const sbs_client *client, uint64_t now_ms) {
    if (client->priv.kept_len == 0) {
        return false;
    }
    if (client->priv.token_is_new) {
        return now_ms < client->priv.token_expires_ms;
    }
    return now_ms < client->priv.token_renew_ms;
}

/** Wipes that, and forgets the discovered token URL. */
void sbs_client_forget_discovery(sbs_client *client);

/** The scope of the token at hand: as granted, or as asked for if the server named none. */
sbs_text sbs_client_scope(const sbs_client *client);

/** sbs_text_of for what is no literal: that one is inline, and would stand in each file of the client. */
sbs_text sbs_client_text(const char *string);

/* ---- client_try.c: hosts ----------------------------------------------------------------------------------------- */

/** Parses an absolute URL that may be used: https, or http where plain_stream is set, of a host that plain_host takes
 * or for a bearer. SBS_ERR_URL. */
sbs_status sbs_client_parse_url(const sbs_client_config *config, const char *text, sbs_url *out_url);

/** Remembers the origin of @p url as the one that may receive assertions. */
void sbs_client_pin(sbs_client *client, const sbs_url *url);

/* ---- client_try.c: what comes next ------------------------------------------------------------------------------- */

/** "Call again after @p wait_ms", instead of at once. Returns SBS_PENDING. */
sbs_status sbs_client_wait(sbs_client *client, uint32_t wait_ms);

/** "Call again at once", in @p state. Returns SBS_PENDING. */
sbs_status sbs_client_go_on(sbs_client *client, uint8_t state);

/** Waits for @p delay_ms and then begins a try. Returns SBS_PENDING. */
sbs_status sbs_client_delay(sbs_client *client, uint32_t delay_ms);

/** Fills @p out_random with random bytes; false if there are none to be had. */
bool sbs_client_draw(void *out_random, size_t len);

/* ---- client_try.c: the exchange ---------------------------------------------------------------------------------- */

/** "application/json". */
extern const sbs_text sbs_client_json;

/** Starts the head of a request at the start of the scratch: request line and the fields that all requests share. */
void sbs_client_put_head(sbs_client *client, const char *method, const sbs_url *url, sbs_text suffix,
                         const sbs_text *accept);

/** Ends the head in client->priv.writer and starts the exchange; @p shape gives parts and buffers. */
sbs_status sbs_client_send(sbs_client *client, const sbs_url *url, sbs_exchange_request *shape, uint8_t state);

/** Asks for the public document of the FHIR server that @p state needs; in STATE_DATE only for when it is sent. */
sbs_status sbs_client_get_document(sbs_client *client, uint8_t state);

/** Goes on with the exchange, and keeps what the Date of its answer tells. Statuses of sbs_exchange_step. */
sbs_status sbs_client_step_exchange(sbs_client *client);

/** Runs the exchange. SBS_OK: an answer is there. Network failures are noted, and retried if @p may_retry. */
sbs_status sbs_client_run_exchange(sbs_client *client, sbs_step step, bool may_retry);

/** True once the server may have got a request that changes something. */
bool sbs_client_may_have_arrived(const sbs_client *client);

/* ---- client_try.c: failures -------------------------------------------------------------------------------------- */

/** Fills the detail with what is known of a failure in @p step. Returns @p status. SBS_PENDING, which is none, is only
 *  passed on. */
sbs_status sbs_client_note(sbs_client *client, sbs_step step, sbs_status status);

/** The same for an answer that is not the wished one, with what its head says. */
void sbs_client_note_answer(sbs_client *client, sbs_step step, sbs_status status);

/** What an answer that is no 2xx means for discovery and the token endpoint by its status alone, or @p otherwise. */
sbs_status sbs_client_refusal(const sbs_client *client, sbs_status otherwise);

/** Another try after a wait, if @p may_retry and tries are left; otherwise the noted status. */
sbs_status sbs_client_retry(sbs_client *client, bool may_retry);

/* ---- client_answer.c --------------------------------------------------------------------------------------------- */

/** The name of the field: it is sent, and named where it is at fault. */
extern const char sbs_client_content_type[13];

/** "invalid_token", the error of RFC 6750 that asks for a new one. */
extern const char sbs_client_invalid_token[14];

/** Puts @p text in the place of the server's words as one sanitised line. */
void sbs_client_say(sbs_client *client, sbs_text text);

/** Empties the words if they repeat a part of the token, or hold what looks like a JSON Web Token. */
void sbs_client_hide_secrets(sbs_client *client);

/** Undoes the content coding of the answer's body. SBS_OK if there is none; SBS_ERR_HTTP if it cannot be undone. */
sbs_status sbs_client_decode(sbs_client *client);

/** Decodes and checks the answer's body. */
sbs_status sbs_client_read_json(sbs_client *client, sbs_flat *out_doc);

/** The answer's body from its first byte that is no blank, as it was kept; empty if it is coded or was not kept. */
sbs_text sbs_client_body(const sbs_client *client);

/** The words of a refusal: those of its body, where somebody reads them, else those of its head; without @p words only
 *  whose they are. The answer was noted. Returns what they hint at. */
sbs_outcome_hint sbs_client_read_words(sbs_client *client, bool words);

/* ---- client_discovery.c ------------------------------------------------------------------------------------------ */

sbs_status sbs_client_begin_discovery(sbs_client *client);
sbs_status sbs_client_step_discovery(sbs_client *client);

/** Takes the token URL that is the value @p node of the document in the scratch. */
sbs_status sbs_client_take_token_url(sbs_client *client, const sbs_flat *doc, sbs_json_node node);

/** Ends discovery with what was found, or with what the answer means. */
sbs_status sbs_client_end_discovery(sbs_client *client, sbs_status status);

/* ---- client_token.c ---------------------------------------------------------------------------------------------- */

sbs_status sbs_client_begin_sign(sbs_client *client);

/** Sets when the token ends, and when it is renewed: it lives for so long from sent_ms on. */
void sbs_client_set_expiry(sbs_client *client, uint32_t lifetime_s);
sbs_status sbs_client_step_sign(sbs_client *client);
sbs_status sbs_client_step_token(sbs_client *client);
sbs_status sbs_client_step_date(sbs_client *client);

/* ---- client_resource.c ------------------------------------------------------------------------------------------- */

sbs_status sbs_client_check_request(const sbs_client *client, const sbs_request *request);
sbs_status sbs_client_begin_resource(sbs_client *client);
sbs_status sbs_client_step_resource(sbs_client *client);

#endif
