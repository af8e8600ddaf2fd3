/* SPDX-License-Identifier: Apache-2.0 */
/** @file key.h Key files and key ids. */
#ifndef SBS_CLI_KEY_H
#define SBS_CLI_KEY_H

#include "options.h"
#include "sbs/jwk.h"
#include "sbs/psa_key.h"
#include "token_key.h"

/** What the kid options set. */
typedef struct cli_kid_options {
    const char *kid;
    int method; /**< 0: not given, 1: seed, 2: thumbprint */
    bool none;
} cli_kid_options;

extern cli_kid_options cli_kid;
extern const cli_table cli_kid_table;    /**< --kid, --kid-method */
extern const cli_table cli_no_kid_table; /**< --no-kid */

/** How cli_kid says that the key id is chosen. */
sbs_kid_method cli_kid_method(void);
/** Checks a literal kid. Returns an exit status. */
int cli_kid_check(const char *command);

/** A key of a file or in a token; zero-initialise. It must not move. */
typedef struct cli_key {
    sbs_key key; /**< only of a private key */
    sbs_public_key public_key;
    psa_key_id_t id;
    sbs_psa_key state;
    sbs_pkcs11_key token;
    uint8_t bytes[SBS_PUBLIC_KEY_MAX];
    char kid[SBS_KID_MAX];
    size_t kid_len;
} cli_key;

/** Reads a PEM file: a private key, or also a public one if @p public_allowed; or opens what a "pkcs11:" URI names.
 * Returns an exit status. */
int cli_key_load(const char *path, bool public_allowed, cli_key *out_key);
/** Computes the key's kid. Returns an exit status. */
int cli_key_kid(cli_key *key);
/** Destroys the key. Legal after zero-initialisation. */
void cli_key_free(cli_key *key);

#endif
