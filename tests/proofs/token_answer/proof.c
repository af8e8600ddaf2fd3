/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: whatever a token answer holds, a token comes of it only without an error beside it, of type bearer, of
 *   characters that may stand in a header, with a lifetime above 0; else nothing comes of it, and the member at fault
 *   is named
 * Bound: any document, whose reader says of each member what its contract lets it say: any status, any kind, any text
 *   of 0 to 2 bytes, a type of 0 to 6, a lifetime of 0 or 1
 * Sources: core/src/text/ascii.c core/src/text/text.c core/src/smart/scope.c
 * Unwind: 12
 * Unwindset: main.1:37 strlen.0:20 token_take_digits.0:4 token_parse_seconds.0:12 token_parse_seconds.1:12
 * Suite: long
 * Fault: core/src/smart/token.c `return SBS_ERR_OAUTH;` => `return SBS_OK;`
 */
#include "proof.h"
#include "smart/token.c"

enum { BYTES = 6, PLACE = BYTES + 1, MEMBERS = 5 };
static const char *const names[MEMBERS] = {"error", "access_token", "token_type", "expires_in", "scope"};
static const size_t most[MEMBERS] = {0, 2, BYTES, 1, 2};
static sbs_status has[MEMBERS];
static sbs_status readable[MEMBERS];
static sbs_json_kind kinds[MEMBERS];
static char answer[MEMBERS * PLACE]; /* each member's text at the end of its place, with a byte behind it */
static size_t lengths[MEMBERS];

sbs_status sbs_flat_parse(sbs_flat *doc, const char *text, size_t len) {
    *doc = (sbs_flat){text, len};
    return SBS_OK;
}

sbs_status sbs_flat_lookup_value(const sbs_flat *doc, const char *name, sbs_json_node *out_node) {
    (void)doc;
    for (size_t i = 0; i < MEMBERS; i++) {
        if (name[0] == names[i][0] && name[1] == names[i][1]) {
            *out_node = i;
            return has[i];
        }
    }
    PROVE(false);
    return SBS_ERR_NOT_FOUND;
}

sbs_json_kind sbs_flat_kind(const sbs_flat *doc, sbs_json_node node) {
    (void)doc;
    return kinds[node];
}

sbs_text sbs_flat_raw(const sbs_flat *doc, sbs_json_node node) {
    return (sbs_text){doc->text + node * PLACE + BYTES - lengths[node], lengths[node]};
}

sbs_status sbs_json_unescape_in_place(sbs_text raw, char *start, sbs_text *out) {
    size_t node = (size_t)(start - answer) / PLACE;
    PROVE(start == raw.ptr && has[node] == SBS_OK);
    if (readable[node] != SBS_OK) {
        *out = (sbs_text){NULL, 0};
        return readable[node];
    }
    *out = raw;
    return SBS_OK;
}

static sbs_status any_trouble(void) {
    sbs_status status = nondet_bool() ? SBS_ERR_JSON_TYPE : SBS_ERR_FORMAT;
    return nondet_bool() ? SBS_ERR_DUPLICATE : status;
}

int main(void) {
    for (size_t i = 0; i < MEMBERS; i++) {
        has[i] = nondet_bool() ? SBS_ERR_NOT_FOUND : any_trouble();
        has[i] = nondet_bool() ? SBS_OK : has[i];
        readable[i] = nondet_bool() ? SBS_OK : any_trouble();
        kinds[i] = nondet_bool() ? SBS_JSON_NUMBER : SBS_JSON_STRING;
        lengths[i] = any_count(most[i]);
    }

    for (size_t i = 0; i < sizeof answer; i++) {
        answer[i] = nondet_char();
    }

    sbs_token token;
    const char *member = NULL;
    sbs_status status = sbs_token_parse(answer, sizeof answer, &token, &member);
    PROVE(status != SBS_ERR_NOT_FOUND && status != SBS_ERR_FORMAT);
    if (status != SBS_OK) {
        PROVE(token.access_token.len == 0 && token.scope.len == 0 && token.expires_in == 0);
        PROVE(has[0] != SBS_OK || (status == SBS_ERR_OAUTH && member == NULL));
        PROVE(has[0] != SBS_ERR_NOT_FOUND || member != NULL);
        REACHED("no token");
        return 0;
    }

    PROVE(has[0] == SBS_ERR_NOT_FOUND && member == NULL);
    PROVE(token.access_token.len > 0 && token.expires_in > 0 && lengths[2] == BYTES);
    for (size_t i = 0; i < token.access_token.len; i++) {
        PROVE(token.access_token.ptr[i] > ' ' && token.access_token.ptr[i] < 0x7F);
    }
    PROVE(token.has_expires_in == (has[3] == SBS_OK));
    PROVE(token.has_expires_in || token.expires_in == SBS_TOKEN_EXPIRES_DEFAULT);
    PROVE(token.scope.ptr == NULL || has[4] == SBS_OK);
    REACHED("a token");
    return 0;
}
