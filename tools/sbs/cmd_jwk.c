/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "commands.h"
#include "io.h"
#include "key.h"
#include "message.h"

static struct {
    cli_list keys;
    bool set, compact;
} options;

static const cli_option option_table[] = {
    {"key", "FILE", "private or public key (PEM), or pkcs11:URI of one in a token", &options.keys, .type = CLI_FILES,
     .required = true},
    {"set", NULL, "wrap the keys in a JWK Set", &options.set, .type = CLI_FLAG},
    {"compact", NULL, "print one line without white space", &options.compact, .type = CLI_FLAG},
};

static const cli_table own_table = CLI_TABLE(option_table);

/* To be confirmed by voice when the key is registered by mail. */
static int jwk_tell_thumbprint(const char *path, const sbs_public_key *key) {
    char text[SBS_KID_THUMBPRINT_LEN];
    size_t len;
    sbs_status status = sbs_jwk_kid(key, SBS_KID_THUMBPRINT, (sbs_text){NULL, 0}, text, sizeof text, &len);
    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "key %s: %s, give another one", path, sbs_status_text(status));
    }
    cli_note("%s: RFC 7638 thumbprint %.*s", path, (int)len, text);
    return CLI_DONE;
}

static int jwk_print(const cli_key *keys) {
    sbs_jwk set[CLI_LIST_MAX];
    for (size_t i = 0; i < options.keys.count; i++) {
        /* The keys keep their memory; the set points to it. */
        set[i] = (sbs_jwk){keys[i].public_key, {keys[i].kid, keys[i].kid_len}};
    }

    sbs_writer out;
    sbs_jwk_style style = options.compact ? SBS_JWK_COMPACT : SBS_JWK_INDENTED;
    cli_output(&out);
    if (options.set) {
        sbs_jwk_set_put(&out, set, options.keys.count, style);
    } else {
        sbs_jwk_put(&out, &set[0].key, set[0].kid, style, 0);
    }

    sbs_put_char(&out, '\n');

    sbs_status status = sbs_writer_finish(&out, NULL);

    /* A server finds a key by its kid, so two must not share one. */
    if (status == SBS_ERR_DUPLICATE) {
        return cli_fail(CLI_INPUT, "jwk: two keys have the same kid, give each key once");
    }

    if (status != SBS_OK) {
        return cli_fail(CLI_INPUT, "jwk: %s, give other keys", sbs_status_text(status));
    }

    return CLI_DONE;
}

static int jwk_load_key(const char *path, cli_key *key) {
    int code = cli_key_load(path, true, key);
    if (code == CLI_DONE) {
        code = cli_key_kid(key);
    }
    if (code == CLI_DONE) {
        /* On standard error: standard output has the keys alone. */
        code = jwk_tell_thumbprint(path, &key->public_key);
    }
    return code;
}

static int jwk_load_keys(cli_key *keys) {
    for (size_t i = 0; i < options.keys.count; i++) {
        int code = jwk_load_key(options.keys.items[i], &keys[i]);
        if (code != CLI_DONE) {
            return code;
        }
    }
    return CLI_DONE;
}

/* `--key a.pem b.pem`: an argument without an option is a further key. */
static int jwk_take_keys(const cli_operands *operands) {
    for (size_t i = 0; i < operands->count; i++) {
        if (options.keys.count == CLI_LIST_MAX) {
            return cli_fail(CLI_USAGE, "jwk: more than %u keys, give fewer", CLI_LIST_MAX);
        }

        options.keys.items[options.keys.count++] = operands->items[i];
    }

    if (options.keys.count > 1 && !options.set) {
        return cli_fail(CLI_USAGE, "jwk: several keys make a set, add --set");
    }

    if (options.keys.count > 1 && cli_kid.kid != NULL) {
        return cli_fail(CLI_USAGE, "jwk: --kid: several keys cannot share one key id, use --kid-method");
    }

    return cli_kid_check("jwk");
}

static int jwk_run(const cli_operands *operands) {
    int code = jwk_take_keys(operands);
    if (code != CLI_DONE) {
        return code;
    }

    cli_key *keys = calloc(options.keys.count, sizeof *keys);
    if (keys == NULL) {
        return cli_fail(CLI_LOCAL, "jwk: out of memory, close other programs");
    }

    code = jwk_load_keys(keys);
    if (code == CLI_DONE) {
        code = jwk_print(keys);
    }

    for (size_t i = 0; i < options.keys.count; i++) {
        cli_key_free(&keys[i]);
    }

    free(keys);
    return code;
}

const cli_command cli_jwk = {
    .name = "jwk",
    .summary = "Prints the public part of keys as JSON Web Key or JWK Set",
    .about = "The RFC 7638 thumbprint of each key goes to standard error, to be confirmed by voice when the key is\n"
             "registered by mail.\n",
    .operands = "[FILE]...",
    .operand_max = CLI_LIST_MAX,
    .tables = {&own_table, &cli_kid_table},
    .example = "sbs jwk --key device.pem --set > jwks.json",
    .run = jwk_run,
};
