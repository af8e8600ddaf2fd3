/* SPDX-License-Identifier: Apache-2.0 */
#include "token_key.h"

#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "message.h"

#define PIN_VARIABLE "SBS_PKCS11_PIN"
#define MODULE_VARIABLE "SBS_PKCS11_MODULE"

static const sbs_pkcs11_key *in_use; /* whose words explain a failed request */

static const char *advice_to_open(sbs_status status) {
    switch (status) {
    case SBS_ERR_FORMAT:
        return "write it as 'pkcs11:token=LABEL;object=LABEL?module-path=FILE&pin-source=FILE'";
    case SBS_ERR_NOT_FOUND:
        return "check the URI, " MODULE_VARIABLE " and " PIN_VARIABLE;
    case SBS_ERR_AMBIGUOUS:
        return "name one";
    case SBS_ERR_KEY:
        return "check the token, its key and its PIN";
    default:
        return "check the module and the token";
    }
}

/* Where everybody may read it, the PIN protects nothing. */
static void warn_of_open_pin(const char *uri) {
    sbs_pkcs11_uri parsed;
    const char *words;
    unsigned mode;

    if (sbs_pkcs11_uri_parse(uri, &parsed, &words) == SBS_OK && parsed.pin_source[0] != '\0' &&
        cli_is_open_to_others(parsed.pin_source, &mode)) {
        cli_warn("PIN file %s: others can read or change it (mode %04o), run chmod 600", parsed.pin_source, mode);
    }
}

int cli_token_key_open(const char *uri, bool public_only, sbs_pkcs11_key *token, sbs_key *out_key) {
    static char variable[] = PIN_VARIABLE;
    sbs_pkcs11_config config = {
        .uri = uri,
        .module = getenv(MODULE_VARIABLE),
        .pin = sbs_pkcs11_pin_from_environment,
        .pin_ctx = variable,
        .public_only = public_only,
    };

    sbs_status status = sbs_pkcs11_key_open(token, &config, out_key);
    if (status == SBS_OK) {
        in_use = token;
        if (!public_only) {
            warn_of_open_pin(uri);
        }
        return CLI_DONE;
    }

    /* A URI that is refused may hold a PIN. */
    const char *words = sbs_pkcs11_key_words(token);
    if (status == SBS_ERR_FORMAT) {
        return cli_fail(CLI_INPUT, "key pkcs11: %s, %s", words, advice_to_open(status));
    }
    return cli_fail(CLI_INPUT, "key %.*s: %s, %s", (int)strcspn(uri, "?"), uri, words, advice_to_open(status));
}

void cli_token_key_close(sbs_pkcs11_key *token) {
    if (in_use == token) {
        in_use = NULL;
    }
    sbs_pkcs11_key_close(token);
}

const char *cli_token_key_words(sbs_status status) {
    if (in_use == NULL || (status != SBS_ERR_KEY && status != SBS_ERR_CRYPTO)) {
        return "";
    }
    return sbs_pkcs11_key_words(in_use);
}

const char *cli_token_key_advice(sbs_status status) {
    if (cli_token_key_words(status)[0] == '\0') {
        return NULL;
    }
    return "check the token and its PIN";
}
