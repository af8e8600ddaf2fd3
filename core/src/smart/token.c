/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/token.h"

#include "sbs/scope.h"
#include "sbs/url.h"
#include "text/ascii.h"
#include "json/lookup.h"

/* ---- request -------------------------------------------------------------------------------------------------- */

void sbs_token_put_request(sbs_writer *out, sbs_text scope, sbs_text client_id) {
    if (scope.len == 0 || !sbs_scope_list_is_valid(scope)) {
        sbs_writer_fail(out, SBS_ERR_ARGUMENT);
        return;
    }

    sbs_put_string(out, "grant_type=client_credentials&scope=");
    sbs_form_put_encoded(out, scope);
    if (client_id.ptr != NULL) {
        sbs_put_string(out, "&client_id=");
        sbs_form_put_encoded(out, client_id);
    }

    sbs_put_string(out, "&client_assertion_type=");
    sbs_form_put_encoded(out, sbs_text_of(SBS_ASSERTION_TYPE));
    sbs_put_string(out, "&client_assertion=");
}

/* ---- values --------------------------------------------------------------------------------------------------- */

/* RFC 6750 section 2.1: 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"=". */
static bool token_is_b64token(sbs_text text) {
    while (text.len > 1 && text.ptr[text.len - 1] == '=') {
        text.len--;
    }
    return sbs_ascii_all_alnum_or(text, "-._~+/");
}

/* value * 10 + digit, saturated. */
static uint32_t token_append(uint32_t value, uint32_t digit) {
    uint32_t tens = value * 10;

    if (value > UINT32_MAX / 10 || tens > UINT32_MAX - digit) {
        return UINT32_MAX;
    }
    return tens + digit;
}

static bool token_take_char(sbs_text *text, char c) {
    if (text->len == 0 || *text->ptr != c) {
        return false;
    }

    text->ptr++;
    text->len--;
    return true;
}

/* Takes digits off @p text and appends them to @p value as long as that is at most @p limit. Returns how many were
 * appended; -1 if there is no digit. */
static int token_take_digits(sbs_text *text, uint32_t limit, uint32_t *value) {
    int count = -1;

    if (text->len > 0 && sbs_ascii_is_digit(*text->ptr)) {
        count = 0;
    }

    for (; text->len > 0 && sbs_ascii_is_digit(*text->ptr); text->ptr++, text->len--) {
        /* Digits beyond the limit change nothing, and are passed over. */
        if (*value <= limit) {
            *value = token_append(*value, (uint32_t)(*text->ptr - '0'));
            count++;
        }
    }

    return count;
}

#define INTEGER_LIMIT UINT32_MAX
#define FRACTION_LIMIT (UINT32_MAX / 100) /* further digits would saturate the value, and change nothing */
#define EXPONENT_LIMIT 1000               /* beyond this every number is 0 or saturated */

/* Takes an exponent, if there is one, off @p text; false if it has no digits. */
static bool token_take_exponent(sbs_text *text, int *out_exponent) {
    uint32_t value = 0;

    if (!token_take_char(text, 'e') && !token_take_char(text, 'E')) {
        return true;
    }

    bool negative = token_take_char(text, '-');
    if (!negative) {
        (void)token_take_char(text, '+');
    }
    if (token_take_digits(text, EXPONENT_LIMIT, &value) < 0) {
        return false;
    }

    *out_exponent = (int)value;
    if (negative) {
        *out_exponent = -(int)value;
    }

    return true;
}

/* Seconds as servers write them: 300, 300.0, 3.6E3 (Java's way with a double), as a number or as text. Rounded down;
 * saturated. */
static bool token_parse_seconds(sbs_text text, uint32_t *out_seconds) {
    uint32_t value = 0;
    int fraction = 0;
    int power = 0;

    if (token_take_digits(&text, INTEGER_LIMIT, &value) < 0) {
        return false;
    }
    if (token_take_char(&text, '.')) {
        fraction = token_take_digits(&text, FRACTION_LIMIT, &value);
    }

    if (fraction < 0 || !token_take_exponent(&text, &power) || text.len > 0) {
        return false;
    }

    /* The digits of the fraction were appended, so that the value is too large by as many powers of ten. */
    for (power -= fraction; power > 0 && value != 0 && value != UINT32_MAX; power--) {
        value = token_append(value, 0);
    }

    for (; power < 0 && value != 0; power++) {
        value /= 10;
    }

    *out_seconds = value;
    return true;
}

/* ---- response ------------------------------------------------------------------------------------------------- */

/* Reads the string member @p name. SBS_ERR_NOT_FOUND if it is missing. */
static sbs_status token_take_string(const sbs_json *doc, char *text, const char *name, sbs_text *out) {
    sbs_json_node node;
    sbs_status status = sbs_lookup_value(doc, name, &node);
    if (status != SBS_OK) {
        return status;
    }
    return sbs_json_text_in_place(doc, node, text, out);
}

static sbs_status token_take_lifetime(const sbs_json *doc, char *text, sbs_token *token) {
    sbs_json_node node;
    sbs_status status = sbs_lookup_value(doc, "expires_in", &node);

    token->expires_in = SBS_TOKEN_EXPIRES_DEFAULT;
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    /* Some servers write it as text. */
    sbs_text value = sbs_json_raw(doc, node);
    if (sbs_json_kind_of(doc, node) != SBS_JSON_NUMBER) {
        status = sbs_json_text_in_place(doc, node, text, &value);
        if (status != SBS_OK) {
            return status;
        }
    }

    token->has_expires_in = true;
    if (!token_parse_seconds(value, &token->expires_in) || token->expires_in == 0) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* Stops at the first member at fault, which @p out_member names. */
static sbs_status token_take_members(const sbs_json *doc, char *text, sbs_token *token, const char **out_member) {
    sbs_text type;

    *out_member = "access_token";
    sbs_status status = token_take_string(doc, text, *out_member, &token->access_token);
    if (status != SBS_OK) {
        return status;
    }
    if (!token_is_b64token(token->access_token)) {
        return SBS_ERR_FORMAT;
    }

    *out_member = "token_type";
    status = token_take_string(doc, text, *out_member, &type);
    if (status != SBS_OK) {
        return status;
    }
    if (!sbs_ascii_is_nocase(type, "bearer")) {
        return SBS_ERR_FORMAT;
    }

    *out_member = "expires_in";
    status = token_take_lifetime(doc, text, token);
    if (status != SBS_OK) {
        return status;
    }

    *out_member = "scope";
    status = token_take_string(doc, text, *out_member, &token->scope);
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    /* Some servers put more blanks between and around them than RFC 6749 section 3.3 has. */
    if (!sbs_scope_list_is_legible(token->scope)) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

sbs_status sbs_token_read(const sbs_json *doc, char *text, sbs_token *out_token, const char **out_member) {
    const char *member = NULL;
    sbs_json_node error;
    sbs_token token = {0};

    *out_token = token;
    /* An error counts, whatever stands beside it. */
    sbs_status status = sbs_lookup_value(doc, "error", &error);
    if (status == SBS_ERR_NOT_FOUND) {
        status = token_take_members(doc, text, &token, &member);
    } else if (status == SBS_OK) {
        status = SBS_ERR_OAUTH;
    }

    if (status == SBS_OK) {
        *out_token = token;
        member = NULL;
    }
    if (out_member != NULL) {
        *out_member = member;
    }

    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_FORMAT) {
        return SBS_ERR_RESPONSE;
    }

    return status;
}

sbs_status sbs_token_parse(char *text, size_t len, sbs_json_token *tokens, size_t capacity, sbs_token *out_token,
                           const char **out_member) {
    sbs_json doc;
    sbs_status status = sbs_json_parse(&doc, text, len, tokens, capacity, NULL);
    if (status == SBS_OK) {
        return sbs_token_read(&doc, text, out_token, out_member);
    }

    *out_token = (sbs_token){0};
    if (out_member != NULL) {
        *out_member = NULL;
    }
    return status;
}
