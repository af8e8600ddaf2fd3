/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/token.h"

#include "sbs/scope.h"
#include "sbs/url.h"
#include "text/ascii.h"
#include "json/flat_lookup.h"
#include "json/json_string.h"

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

/* In the order in which they are judged. */
enum { MEMBER_ERROR, MEMBER_TOKEN, MEMBER_TYPE, MEMBER_LIFETIME, MEMBER_SCOPE, MEMBER_COUNT };
static const char *const member_names[] = {"error", "access_token", "token_type", "expires_in", "scope"};

/* An answer, and where its members stand. All are found before one is unescaped in its place: then it is no JSON any
 * more. */
typedef struct token_answer {
    sbs_flat doc;
    char *text; /* the document's, writable */
    struct {
        sbs_status status; /* SBS_ERR_NOT_FOUND: it is missing */
        sbs_json_node node;
    } members[MEMBER_COUNT];
} token_answer;

static sbs_status token_take_string(const token_answer *answer, unsigned place, sbs_text *out) {
    const sbs_flat *doc = &answer->doc;
    sbs_json_node node = answer->members[place].node;
    if (answer->members[place].status != SBS_OK) {
        return answer->members[place].status;
    }
    if (sbs_flat_kind(doc, node) != SBS_JSON_STRING) {
        return SBS_ERR_JSON_TYPE;
    }

    sbs_text raw = sbs_flat_raw(doc, node);
    return sbs_json_unescape_in_place(raw, answer->text + (raw.ptr - doc->text), out);
}

static sbs_status token_take_lifetime(const token_answer *answer, sbs_token *token) {
    sbs_json_node node = answer->members[MEMBER_LIFETIME].node;
    sbs_status status = answer->members[MEMBER_LIFETIME].status;
    sbs_text value;

    token->expires_in = SBS_TOKEN_EXPIRES_DEFAULT;
    if (status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }

    /* Some servers write it as text. */
    if (status == SBS_OK && sbs_flat_kind(&answer->doc, node) == SBS_JSON_NUMBER) {
        value = sbs_flat_raw(&answer->doc, node);
    } else {
        status = token_take_string(answer, MEMBER_LIFETIME, &value);
    }
    if (status != SBS_OK) {
        return status;
    }

    token->has_expires_in = true;
    if (!token_parse_seconds(value, &token->expires_in) || token->expires_in == 0) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

static sbs_status token_take_member(const token_answer *answer, unsigned place, sbs_token *token) {
    sbs_text value;
    bool good = true;
    if (place == MEMBER_LIFETIME) {
        return token_take_lifetime(answer, token);
    }

    sbs_status status = token_take_string(answer, place, &value);
    if (place == MEMBER_SCOPE && status == SBS_ERR_NOT_FOUND) {
        return SBS_OK;
    }
    if (status != SBS_OK) {
        return status;
    }

    switch (place) {
    case MEMBER_TOKEN:
        token->access_token = value;
        good = token_is_b64token(value);
        break;
    case MEMBER_TYPE:
        good = sbs_ascii_is_nocase(value, "bearer");
        break;
    default:
        /* Some servers put more blanks between and around them than RFC 6749 section 3.3 has. */
        token->scope = value;
        good = sbs_scope_list_is_legible(value);
        break;
    }
    if (!good) {
        return SBS_ERR_FORMAT;
    }

    return SBS_OK;
}

/* Stops at the first member at fault, which @p out_member names. */
static sbs_status token_read(token_answer *answer, sbs_token *token, const char **out_member) {
    for (unsigned i = 0; i < MEMBER_COUNT; i++) {
        answer->members[i].status = sbs_flat_lookup_value(&answer->doc, member_names[i], &answer->members[i].node);
    }

    /* An error counts, whatever stands beside it. */
    sbs_status status = answer->members[MEMBER_ERROR].status;
    if (status == SBS_OK) {
        return SBS_ERR_OAUTH;
    }
    if (status != SBS_ERR_NOT_FOUND) {
        return status;
    }

    for (unsigned i = MEMBER_TOKEN; i < MEMBER_COUNT; i++) {
        status = token_take_member(answer, i, token);
        if (status != SBS_OK) {
            *out_member = member_names[i];
            return status;
        }
    }

    return SBS_OK;
}

sbs_status sbs_token_parse(char *text, size_t len, sbs_token *out_token, const char **out_member) {
    const char *member = NULL;
    sbs_token token = {0};
    token_answer answer;

    *out_token = token;
    sbs_status status = sbs_flat_parse(&answer.doc, text, len);
    if (status == SBS_OK) {
        answer.text = text + (answer.doc.text - text);
        status = token_read(&answer, &token, &member);
    }

    if (status == SBS_OK) {
        *out_token = token;
    }
    if (out_member != NULL) {
        *out_member = member;
    }

    if (status == SBS_ERR_NOT_FOUND || status == SBS_ERR_FORMAT) {
        return SBS_ERR_RESPONSE;
    }

    return status;
}
