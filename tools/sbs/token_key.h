/* SPDX-License-Identifier: Apache-2.0 */
/** @file token_key.h Keys in tokens: --key pkcs11:URI. */
#ifndef SBS_CLI_TOKEN_KEY_H
#define SBS_CLI_TOKEN_KEY_H

#include "sbs/pkcs11_key.h"

/** Opens the key that @p uri names; with @p public_only nobody logs in where that is not needed. Returns an exit
 * status. */
int cli_token_key_open(const char *uri, bool public_only, sbs_pkcs11_key *token, sbs_key *out_key);
void cli_token_key_close(sbs_pkcs11_key *token);

/** What the token in use says of a failed request, a clause; "" if nothing. */
const char *cli_token_key_words(sbs_status status);
/** What a person can do about it; NULL if no token failed. */
const char *cli_token_key_advice(sbs_status status);

#endif
