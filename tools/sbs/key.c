/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <string.h>

#include "io.h"
#include "message.h"
#include "sbs/pem_key.h"

#define PEM_MAX 65536u

enum { GROUP_KID = 1 };

cli_kid_options cli_kid;

static const cli_option kid_options[] = {
    {"kid", "KID", "key id, as the server registered it", &cli_kid.kid, .type = CLI_TEXT, .group = GROUP_KID},
    {"kid-method", "seed|thumbprint", "how the key id is computed, default seed", &cli_kid.method, .type = CLI_CHOICE,
     .group = GROUP_KID},
};

static const cli_option no_kid_options[] = {
    {"no-kid", NULL, "leave the key id out", &cli_kid.none, .type = CLI_FLAG, .group = GROUP_KID},
};

const cli_table cli_kid_table = CLI_TITLED_TABLE(kid_options, "key");
const cli_table cli_no_kid_table = CLI_TITLED_TABLE(no_kid_options, "key");

sbs_kid_method cli_kid_method(void) {
    if (cli_kid.none) {
        return SBS_KID_NONE;
    }

    if (cli_kid.kid != NULL) {
        return SBS_KID_LITERAL;
    }

    if (cli_kid.method == 2) {
        return SBS_KID_THUMBPRINT;
    }

    return SBS_KID_SEED;
}

int cli_kid_check(const char *command) {
    if (cli_kid.kid == NULL || cli_is_printable(cli_kid.kid, SBS_KID_MAX)) {
        return CLI_DONE;
    }
    return cli_fail(CLI_USAGE, "%s: --kid: not 1 to %u characters of printable ASCII, give it as registered", command,
                    SBS_KID_MAX);
}

static bool pem_contains(const cli_buffer *text, const char *words) {
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= text->len; at++) {
        if (memcmp(text->data + at, words, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Environment variables and JSON carry a PEM text with its line ends as a backslash and an n. */
static bool pem_has_joined_lines(const cli_buffer *pem) {
    return pem_contains(pem, "-----BEGIN") && pem_contains(pem, "\\n");
}

static int key_refuse(const char *path, const cli_buffer *pem, sbs_status status, sbs_pem_fault fault) {
    if (pem_has_joined_lines(pem)) {
        return cli_fail(CLI_INPUT,
                        "key %s: its lines are joined by the two characters \\n, write them as lines: "
                        "printf '%%b' \"$KEY\" > FILE",
                        path);
    }

    if (status == SBS_ERR_KEY) {
        return cli_fail(CLI_INPUT, "key %s: the file %s, give another one", path, sbs_pem_fault_text(fault));
    }

    return cli_fail(CLI_INPUT, "key %s: %s, give another one", path, sbs_status_text(status));
}

/* @p pem ends with a NUL. The public part is taken in any case, the private one unless a public key would do. */
static int key_import(const char *path, bool public_allowed, const cli_buffer *pem, cli_key *key) {
    sbs_pem_fault fault = SBS_PEM_NO_FAULT;
    sbs_status status = SBS_OK;
    size_t pem_len = pem->len - 1;
    if (!public_allowed) {
        status = sbs_pem_key_import(pem->data, pem_len, &key->id, &fault);
    }

    sbs_alg alg = SBS_RS384;
    size_t len = 0;
    if (status == SBS_OK) {
        status = sbs_pem_public_key_read(pem->data, pem_len, &alg, key->bytes, sizeof key->bytes, &len, &fault);
    }

    if (status != SBS_OK) {
        return key_refuse(path, pem, status, fault);
    }

    status = sbs_public_key_parse(alg, key->bytes, len, &key->public_key);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "key %s: %s, give another one", path, sbs_status_text(status));
    }

    return CLI_DONE;
}

static void key_warn_if_open(const char *path, const cli_buffer *pem) {
    static const char *warned; /* a command that reads a key twice warns once */
    unsigned mode;

    /* A public key may be open to everybody. */
    if (path == warned || !pem_contains(pem, "PRIVATE KEY") || !cli_is_open_to_others(path, &mode)) {
        return;
    }

    cli_warn("key %s: others can read or change it (mode %04o), run chmod 600 and consider a new key", path, mode);
    warned = path;
}

/* A key in a token. Where a public key would do, nobody is logged in for it. */
static int key_load_token(const char *uri, bool public_only, cli_key *key) {
    size_t len = 0;
    sbs_alg alg;

    int code = cli_token_key_open(uri, public_only, &key->token, &key->key);
    if (code != CLI_DONE) {
        return code;
    }

    sbs_status status = key->key.ops->public_key(key->key.ctx, &alg, key->bytes, sizeof key->bytes, &len);
    if (status == SBS_OK) {
        status = sbs_public_key_parse(alg, key->bytes, len, &key->public_key);
    }
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "key %s: %s, give another one", uri, sbs_status_text(status));
    }
    return CLI_DONE;
}

int cli_key_load(const char *path, bool public_allowed, cli_key *out_key) {
    cli_buffer pem = {0};
    if (sbs_pkcs11_uri_is(path)) {
        return key_load_token(path, public_allowed, out_key);
    }

    int code = cli_read_file(path, "key", PEM_MAX, &pem);
    if (code != CLI_DONE) {
        return code;
    }

    /* The PEM parser wants a NUL at the end. */
    if (cli_buffer_put(&pem, "", 1) == SBS_OK) {
        code = key_import(path, public_allowed, &pem, out_key);
    } else {
        code = cli_fail(CLI_LOCAL, "key %s: out of memory, close other programs", path);
    }

    if (code == CLI_DONE) {
        key_warn_if_open(path, &pem);
    }

    cli_buffer_free(&pem);
    if (code == CLI_DONE) {
        sbs_psa_key_init(&out_key->state, out_key->id, &out_key->key);
    }

    return code;
}

int cli_key_kid(cli_key *key) {
    sbs_text literal = sbs_text_of(cli_kid.kid);
    sbs_status status =
        sbs_jwk_kid(&key->public_key, cli_kid_method(), literal, key->kid, sizeof key->kid, &key->kid_len);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "key id: %s, give another key", sbs_status_text(status));
    }
    return CLI_DONE;
}

void cli_key_free(cli_key *key) {
    if (key->id != PSA_KEY_ID_NULL) {
        (void)psa_destroy_key(key->id);
    }
    cli_token_key_close(&key->token);
    sbs_wipe(key, sizeof *key);
}
