/* SPDX-License-Identifier: Apache-2.0 */
/* Scope lists: a valid list is made of tokens, and a list covers what its own scopes grant. */
#include <stdlib.h>
#include <string.h>

#include "sbs/scope.h"

#define ALL 31u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True if the token alone gives the system all of its permissions on its type. */
static bool covers_itself(sbs_text token, const sbs_scope *scope) {
    char type[65];
    memcpy(type, scope->type.ptr, scope->type.len);
    type[scope->type.len] = '\0';
    return sbs_scope_covers(token, type, scope->permissions);
}

static void check(sbs_text token) {
    sbs_scope scope;
    if (sbs_scope_parse(token, &scope) != SBS_OK) {
        return;
    }
    if (scope.permissions == 0 || scope.permissions > ALL || scope.type.len == 0 || scope.type.len > 64 ||
        !sbs_scope_list_is_valid(token)) {
        abort();
    }
    if (covers_itself(token, &scope) != sbs_text_equal(scope.context, sbs_text_of("system"))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_text list = {(const char *)data, size};
    sbs_text token;
    bool valid = sbs_scope_list_is_valid(list);
    size_t total = 0;
    size_t count = 0;
    while (sbs_scope_next(&list, &token)) {
        total += token.len;
        count++;
        check(token);
    }
    if (valid && size > 0 && total + count - 1 != size) {
        abort();
    }
    return 0;
}
