/* SPDX-License-Identifier: Apache-2.0 */
/* A program over a PSA Crypto API that is not ours: an assertion is signed by whom the program named. */
#include <stdio.h>
#include <string.h>

#include "sbs/assertion.h"
#include "sbs/psa_key.h"
#include "sbs/text.h"

int main(void) {
    /* 96 bytes of the vendor's pattern in base64url. */
    static const char signature[] = ".WlpaWlpaWlpa";
    const sbs_assertion_params params = {
        .client_id = sbs_text_of("meter"), .aud = sbs_text_of("https://server.test/token"), .issued_at = 1700000000};
    char text[600];
    size_t len = 0;
    sbs_psa_key state;
    sbs_key key;

    sbs_psa_key_init(&state, 1, &key);
    sbs_status status = sbs_assertion_make(&params, &key, text, sizeof text, &len);
    if (status != SBS_OK) {
        fprintf(stderr, "own_psa: %s\n", sbs_status_text(status));
        return 1;
    }
    if (memcmp(text + len - 129, signature, sizeof signature - 1) != 0) {
        fprintf(stderr, "own_psa: another signature: %.*s\n", (int)len, text);
        return 1;
    }

    return 0;
}
