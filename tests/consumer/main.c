/* SPDX-License-Identifier: Apache-2.0 */
/* A program outside the source tree: it sees the installed headers and libraries only. */
#include <psa/crypto.h>
#include <stdio.h>

#include "sbs/base64url.h"
#include "sbs/modem.h"
#include "sbs/psa_key.h"
#include "sbs/status.h"
#include "sbs/version.h"

/* Each installed layer is there, the modem's too. */
static bool has_modem(void) {
    static const sbs_modem_config none = {.dialect = &sbs_modem_simcom_tls};
    sbs_stream stream;
    sbs_modem modem;
    return sbs_modem_init(&modem, &none, &stream) == SBS_ERR_ARGUMENT;
}

int main(void) {
    static const uint8_t bytes[] = {0xfb, 0xff, 0xfe};
    char text[SBS_BASE64URL_ENCODED_SIZE(sizeof bytes)];
    size_t len = 0;
    psa_key_id_t key = PSA_KEY_ID_NULL;
    sbs_status status = sbs_base64url_encode(bytes, sizeof bytes, text, sizeof text, &len);

    if (status == SBS_OK && psa_crypto_init() != PSA_SUCCESS) {
        status = SBS_ERR_CRYPTO;
    }
    if (status == SBS_OK) {
        status = sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &key);
    }
    printf("libsbs %s: %.*s, key pair: %s\n", SBS_VERSION, (int)len, text, sbs_status_text(status));
    return status == SBS_OK && len == 4 && has_modem() ? 0 : 1;
}
