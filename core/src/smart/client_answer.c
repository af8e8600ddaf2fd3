/* SPDX-License-Identifier: Apache-2.0 */
/* The body of an answer as the client reads it: its coding, its JSON, and the words in it that people are to see. */
#include "smart/client_internal.h"
#include "text/ascii.h"

const char sbs_client_content_type[] = "Content-Type";

const char sbs_client_invalid_token[] = "invalid_token";

/* ---- words ------------------------------------------------------------------------------------------------------- */

void sbs_client_say(sbs_client *client, sbs_text text) {
    sbs_http_sanitise(text, client->priv.said, client->priv.said_size);
}

#define FRAGMENT_LEN 16u /* so many characters of a secret in a row are no chance */

/* All of a token but one character is as good as the token, and of a long one any part is too much. */
static bool answer_holds_part_of(const char *text, sbs_text secret) {
    size_t window = secret.len - 1;
    if (secret.len <= 1) {
        window = 1;
    }
    if (window > FRAGMENT_LEN) {
        window = FRAGMENT_LEN;
    }

    /* Each place of the words is compared with each part of the secret: both are short. */
    for (size_t left = strlen(text); left >= window; left--, text++) {
        for (size_t at = 0; at + window <= secret.len; at++) {
            if (memcmp(text, secret.ptr + at, window) == 0) {
                return true;
            }
        }
    }

    return false;
}

/* Three long parts of base64url with dots between them: an assertion or a token, whosever it is. Two are enough where
 * the first is the beginning of a JSON object: the line may be too short for the third. */
static bool answer_holds_jwt(const char *text) {
    unsigned parts = 0; /* long ones with dots between them, in a row */

    for (;;) {
        const char *part = text;
        while (sbs_ascii_is_alnum_or(*text, "-_")) {
            text++;
        }

        if (text - part < (ptrdiff_t)FRAGMENT_LEN) {
            parts = 0;
        } else if (parts >= 2) {
            return true;
        } else {
            parts += 1u + (part[0] == 'e' && part[1] == 'y'); /* it begins with {" */
        }

        if (*text == '\0') {
            return false;
        }
        if (*text != '.') {
            parts = 0;
        }
        text++;
    }
}

bool sbs_client_is_secret(const sbs_client *client, const char *text) {
    sbs_text token = client->priv.kept[SBS_KEPT_TOKEN];

    /* A token that was not taken, as the status beside it says that there is none, may be good all the same. */
    return (token.ptr != NULL && answer_holds_part_of(text, token)) || answer_holds_jwt(text) ||
           answer_holds_part_of(text, SBS_TEXT("\"access_token\""));
}

void sbs_client_hide_secrets(sbs_client *client) {
    char *words = client->priv.said;

    if (sbs_client_is_secret(client, words)) {
        words[0] = '\0';
    }
}

/* ---- body -------------------------------------------------------------------------------------------------------- */

sbs_status sbs_client_decode(sbs_client *client) {
    const sbs_client_config *config = client->priv.config;
    sbs_answer *answer = &client->priv.exchange.answer;
    /* Not taken: a body that was dropped keeps its length only where that ends the request. */
    if (answer->coding == SBS_CODING_NONE || answer->body_len == 0 || answer->body_dropped) {
        return SBS_OK;
    }

    size_t size;
    size_t len = 0;
    sbs_status status = SBS_ERR_UNSUPPORTED;
    /* The plain body takes the place of the coded one, wherever that stands. */
    if (answer->body != sbs_client_scratch(client, &size)) {
        size = client->priv.request.response_size;
    }
    if (config->decode != NULL) {
        status = config->decode(config->hook_ctx, (sbs_http_coding)answer->coding, answer->body, answer->body_len, size,
                                &len);
    }

    if (status == SBS_OK) {
        answer->body_len = len;
        answer->coding = SBS_CODING_NONE;
        return SBS_OK;
    }

    /* What stands there is not the body, and may be neither form of it. */
    answer->body_len = 0;
    answer->body_dropped = true;
    if (status == SBS_ERR_BUFFER) {
        return status;
    }

    return SBS_ERR_HTTP;
}

sbs_status sbs_client_read_json(sbs_client *client, sbs_flat *out_doc) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_status status = sbs_client_decode(client);
    if (status != SBS_OK) {
        return status;
    }
    /* Not taken: as above. */
    if (answer->body_len == 0 || answer->body_dropped) {
        return SBS_ERR_JSON;
    }

    return sbs_flat_parse(out_doc, answer->body, answer->body_len);
}

sbs_text sbs_client_body(const sbs_client *client) {
    const sbs_answer *answer = &client->priv.exchange.answer;
    sbs_text body = {answer->body, answer->body_len};

    if (answer->body_dropped || answer->coding != SBS_CODING_NONE) {
        body.len = 0;
    }

    /* Blanks, and a byte order mark: what is not ASCII begins no JSON and no page, and is told as a '?' at best. */
    while (body.len > 0 && (signed char)*body.ptr <= ' ') {
        body.ptr++;
        body.len--;
    }

    return body;
}

sbs_outcome_hint sbs_client_read_words(sbs_client *client, bool words) {
    const sbs_client_config *config = client->priv.config;
    sbs_detail *detail = &client->priv.detail;
    sbs_outcome_hint hint = SBS_HINT_NONE;
    sbs_outcome_hint said = SBS_HINT_NONE;

    /* The challenge of the head, which the words of the body replace. */
    if (client->priv.exchange.answer.has_words &&
        answer_holds_part_of(client->priv.said, sbs_client_text(sbs_client_invalid_token))) {
        hint = SBS_HINT_TOKEN;
    }

    if (config->read_refusal != NULL) {
        said = config->read_refusal(client, words);
    }
    if (hint == SBS_HINT_NONE) {
        hint = said;
    }

    /* A page is nobody's word about the item. */
    if (detail->fault == SBS_FAULT_NONE) {
        detail->fault = sbs_hint_fault(hint);
    }

    sbs_client_hide_secrets(client);
    return hint;
}
