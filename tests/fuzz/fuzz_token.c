/* SPDX-License-Identifier: Apache-2.0 */
/* Token responses: what is accepted can be sent in a header, and fits the grammar. */
#include <stdlib.h>
#include <string.h>

#include "sbs/scope.h"
#include "sbs/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const sbs_token *token, const char *text, size_t size) {
    if (token->access_token.len == 0 || token->access_token.ptr < text ||
        token->access_token.ptr + token->access_token.len > text + size || token->expires_in == 0 ||
        !sbs_scope_list_is_legible(token->scope)) {
        abort();
    }
    for (size_t i = 0; i < token->access_token.len; i++) {
        if (token->access_token.ptr[i] <= ' ' || token->access_token.ptr[i] > '~') {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    sbs_token token;
    const char *member;
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    if (sbs_token_parse(text, size, &token, &member) == SBS_OK) {
        check(&token, text, size);
    } else if (token.access_token.ptr != NULL) {
        abort();
    }
    free(text);
    return 0;
}
