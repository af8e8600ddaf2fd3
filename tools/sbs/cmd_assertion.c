/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "client_check.h"
#include "commands.h"
#include "io.h"
#include "key.h"
#include "message.h"
#include "sbs/assertion.h"
#include "sbs/url.h"

#define YEAR_9999 253402300799u /* the last second whose date has four digits for the year */

static struct {
    const char *key, *client_id, *aud, *jti;
    uint64_t lifetime, issued_at;
    int profile; /* 1: smart, 2: seed */
} options;

static const cli_option option_table[] = {
    {"key", "FILE", "private key (PEM), or pkcs11:URI of one in a token", &options.key, .type = CLI_FILE,
     .required = true},
    {"client-id", "ID", "issuer and subject, as the server assigned it", &options.client_id, .type = CLI_TEXT,
     .required = true},
    {"aud", "URL", "audience: the token endpoint, written as given", &options.aud, .type = CLI_TEXT, .required = true},
    {"profile", "smart|seed", "header and claims, default smart", &options.profile, .type = CLI_CHOICE},
    {"lifetime", "SECONDS", "exp - iat, default 240 (seed: 300)", &options.lifetime, .min = 1,
     .max = SBS_ASSERTION_LIFETIME_MAX, .type = CLI_UINT},
    {"issued-at", "UNIX_SECONDS", "iat, default now (seed), or 20 s ago: servers refuse one ahead of them",
     &options.issued_at, .min = 1, .max = YEAR_9999, .type = CLI_UINT},
    {"jti", "TEXT", "default 128 random bits", &options.jti, .type = CLI_TEXT},
};

static const cli_table own_table = CLI_TABLE(option_table);

static bool assertion_is_seed(void) {
    return options.profile == 2;
}

static int assertion_check_jti(void) {
    if (options.jti == NULL || cli_is_printable(options.jti, SBS_JTI_MAX)) {
        return CLI_DONE;
    }
    return cli_fail(CLI_USAGE, "assertion: --jti: not 1 to %u characters of printable ASCII, give another one",
                    SBS_JTI_MAX);
}

static int assertion_check_aud(void) {
    sbs_url url;
    if (sbs_url_parse(sbs_text_of(options.aud), &url) == SBS_OK) {
        return CLI_DONE;
    }
    return cli_fail(CLI_USAGE, "assertion: --aud: '%s' is not an absolute URL, give the token endpoint's", options.aud);
}

static int assertion_check_options(void) {
    int code = cli_check_client_id("assertion", options.client_id);
    if (code != CLI_DONE) {
        return code;
    }

    code = cli_kid_check("assertion");
    if (code != CLI_DONE) {
        return code;
    }

    code = assertion_check_jti();
    if (code != CLI_DONE) {
        return code;
    }

    code = assertion_check_aud();
    if (code != CLI_DONE) {
        return code;
    }

    /* Taken and left out they would give an assertion that somebody did not ask for. */
    if (assertion_is_seed() && (options.jti != NULL || cli_kid.kid != NULL)) {
        return cli_fail(CLI_USAGE, "assertion: --profile seed: has neither kid nor jti, leave out --kid and --jti");
    }

    return CLI_DONE;
}

static int assertion_print(const sbs_assertion_params *params, const cli_key *key) {
    cli_buffer text = {0};

    /* An RSA signature is as long as its key, so the size is computed. */
    size_t size = sbs_assertion_size(params, key->public_key.alg, key->public_key.bits);
    sbs_status status = SBS_ERR_MEMORY;
    if (cli_buffer_reserve(&text, size + 1)) {
        status = sbs_assertion_make(params, &key->key, text.data, text.size, &text.len);
    }

    if (status == SBS_OK) {
        sbs_writer out;
        cli_output(&out);
        sbs_put_text(&out, cli_buffer_text(&text));
        sbs_put_char(&out, '\n');
    }

    cli_buffer_free(&text); /* it wipes: an assertion is a secret while it is valid */
    if (status != SBS_OK) {
        return cli_fail(cli_exit_of(status, NULL), "assertion: %s, %s", sbs_status_text(status),
                        cli_advice(status, NULL));
    }

    return CLI_DONE;
}

/* Dated as the client dates its own: the smart profile some seconds back, for servers whose clock is behind. */
static int64_t assertion_issued_at(void) {
    if (options.issued_at != 0) {
        return (int64_t)options.issued_at;
    }

    int64_t now = (int64_t)time(NULL);
    if (assertion_is_seed()) {
        return now;
    }
    return now - SBS_ASSERTION_BACKDATE_S;
}

static int assertion_make_and_print(cli_key *key) {
    if (assertion_is_seed() && key->public_key.alg != SBS_RS384) {
        return cli_fail(CLI_USAGE,
                        "assertion: --profile seed: signs with RSA keys only, give one or use --profile smart");
    }

    int code = cli_key_kid(key);
    if (code != CLI_DONE) {
        return code;
    }

    sbs_assertion_params params = {
        .profile = assertion_is_seed() ? SBS_PROFILE_SEED : SBS_PROFILE_SMART,
        .client_id = sbs_text_of(options.client_id),
        .aud = sbs_text_of(options.aud),
        .jti = sbs_text_of(options.jti),
        .issued_at = assertion_issued_at(),
        .lifetime = (uint32_t)options.lifetime,
    };
    if (key->kid_len > 0) {
        params.kid = (sbs_text){key->kid, key->kid_len};
    }

    return assertion_print(&params, key);
}

static int assertion_run(const cli_operands *operands) {
    (void)operands;

    int code = assertion_check_options();
    if (code != CLI_DONE) {
        return code;
    }

    cli_key key = {0};
    code = cli_key_load(options.key, false, &key);
    if (code == CLI_DONE) {
        code = assertion_make_and_print(&key);
    }

    cli_key_free(&key);
    return code;
}

const cli_command cli_assertion = {
    .name = "assertion",
    .summary = "Prints a signed client assertion (a JWT in compact form)",
    .about = "Profile smart: header alg kid typ, claims iss sub aud exp iat jti. Profile seed: header alg typ, claims\n"
             "iss sub aud iat exp. An assertion is for one use within its lifetime; treat it as a secret.\n",
    .tables = {&own_table, &cli_kid_table, &cli_no_kid_table},
    .example = "sbs assertion --key device.pem --client-id my-device --aud https://auth.example.org/token",
    .run = assertion_run,
};
