/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves: scopes are read within their text; a list comes to its end; every element of it has no blank
 * Bound: every list of 0 to 3 bytes, and its letters
 * Sources: core/src/text/ascii.c core/src/text/text.c
 * Unwind: 7
 * Suite: short
 * Fault: core/src/smart/scope.c `i < 5 && at < text.len` => `i < 5 && at <= text.len`
 */
#include "proof.h"
#include "smart/scope.c"

enum { BYTES = 3 };

bool sbs_fhir_type_is_valid(sbs_text type) {
    return type.len > 0 && nondet_bool();
}

static void prove_list(const char *text, size_t len) {
    sbs_text list = {text, len};
    sbs_text token;
    (void)sbs_scope_list_is_valid(list);
    (void)sbs_scope_list_is_legible(list);
    PROVE(scope_letters(list) <= 31);
    while (sbs_scope_next(&list, &token)) {
        PROVE(token.len > 0 && token.ptr >= text && token.ptr + token.len <= text + len);
        PROVE(sbs_ascii_find(token, ' ') == token.len);
        if (len > 0) {
            REACHED("an element");
        }
    }
    PROVE(list.len == 0);
}

int main(void) {
    FOR_EACH_LENGTH(BYTES, prove_list)
    return 0;
}
