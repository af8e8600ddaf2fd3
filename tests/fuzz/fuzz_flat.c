/* SPDX-License-Identifier: Apache-2.0 */
/* JSON without a tree: it must say the same as the tree of jsmn's tokens, of every value and of a token answer. */
#include <stdint.h>
#include <stdlib.h>

#include "../support/flat_twin.h"
#include "../support/tree_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    /* A value takes at least one byte, and a comma, a colon or a bracket. */
    size_t capacity = size / 2 + 1;
    sbs_json_token *tokens = malloc(capacity * sizeof *tokens);
    if (!flat_is_twin(text, size, tokens, capacity) || !tree_token_is_twin(text, size, tokens, capacity)) {
        abort();
    }
    free(tokens);
    return 0;
}
