/* SPDX-License-Identifier: Apache-2.0 */
/* A program over a PSA Crypto API that is not ours: an assertion is signed by whom the program named, and a modem that
 * does TLS is a stream of it. */
#include <stdio.h>
#include <string.h>

#include "sbs/assertion.h"
#include "sbs/modem.h"
#include "sbs/psa_key.h"
#include "sbs/text.h"

/* What is asked before anything is said to a modem: a secured one has to have a certificate. */
static bool has_modem(void) {
    sbs_stream stream;
    sbs_modem modem;
    const sbs_modem_config config = {.dialect = &sbs_modem_simcom_tls};
    return sbs_modem_init(&modem, &config, &stream) == SBS_ERR_ARGUMENT;
}

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

    if (!has_modem()) {
        fputs("own_psa: a modem without a serial line is taken\n", stderr);
        return 1;
    }

    return 0;
}
