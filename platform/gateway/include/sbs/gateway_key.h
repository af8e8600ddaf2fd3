/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gateway_key.h
 * The gateway's signing keys, in PSA's storage in a folder: made at the first start, and exchanged without a gap:
 *
 *     current ── rotate ──▶ current + next: both stand in the JWK Set, the old one signs
 *                              └── confirm, once the server knows the set ──▶ next is current, the old one is destroyed
 *
 * Or one key in a token, which its own tools make and exchange (sbs_gateway_keys_use()).
 *
 * One for the process, as PSA's storage is.
 */
#ifndef SBS_GATEWAY_KEY_H
#define SBS_GATEWAY_KEY_H

#include <psa/crypto.h>

#include "sbs/jwk.h"
#include "sbs/linux_storage.h"
#include "sbs/pkcs11_key.h"
#include "sbs/psa_key.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Zero-initialise; it must not move while it is open. */
typedef struct sbs_gateway_keys {
    struct {
        sbs_linux_storage files;
        sbs_storage storage;
        sbs_psa_key state;
        psa_key_id_t current, next, last;
        bool open;
        char *uri; /* of the token's key; NULL: those of the folder are used */
        sbs_pkcs11_key token;
        sbs_key token_port;
        bool token_open;
    } priv;
} sbs_gateway_keys;

/**
 * Opens the folder @p path, which is made (0700) where only its last part is missing, and makes a key of @p alg if
 * there is none. @p out_made, may be NULL: it was made now.
 * @return SBS_OK; errors of sbs_linux_storage_open() and sbs_psa_key_generate(); SBS_ERR_DAMAGED: the list of keys is,
 * and no key is made in its place.
 */
SBS_NODISCARD sbs_status sbs_gateway_keys_open(sbs_gateway_keys *keys, const char *path, sbs_alg alg, bool *out_made);

/**
 * Has the key that @p uri names sign in place of those of the folder, which need not be open; NULL: those again, and
 * the token is closed. Nothing is done while that key is open. The PIN is in the URI's pin-source or in SBS_PKCS11_PIN,
 * the module in the URI or in SBS_PKCS11_MODULE. After an error call it again: but a PIN that was refused is not tried
 * again before sbs_gateway_keys_leave_token().
 * @return SBS_OK; errors of sbs_pkcs11_key_open(), with sbs_gateway_keys_words().
 */
SBS_NODISCARD sbs_status sbs_gateway_keys_use(sbs_gateway_keys *keys, const char *uri);
/** Closes the token, if one is used; what was refused may be tried again. */
void sbs_gateway_keys_leave_token(sbs_gateway_keys *keys);
/** True while a token's key is to sign, also after use() failed. */
bool sbs_gateway_keys_in_token(const sbs_gateway_keys *keys);
/** True if the token refused the PIN: somebody has to act. */
bool sbs_gateway_keys_pin_was_refused(const sbs_gateway_keys *keys);
/** What the token failed with last: a clause, without a secret; "" if it did not, or if none is used. */
const char *sbs_gateway_keys_words(const sbs_gateway_keys *keys);

/** The key that signs. Valid until the next confirm() or use(). */
void sbs_gateway_keys_port(sbs_gateway_keys *keys, sbs_key *out_key);

/** Makes the next key in the folder. SBS_ERR_STATE: there is one already. Errors of sbs_psa_key_generate(). */
SBS_NODISCARD sbs_status sbs_gateway_keys_rotate(sbs_gateway_keys *keys, sbs_alg alg);
/** The next key signs from now on, and the old one is destroyed. SBS_ERR_NOT_FOUND: there is no next one. */
SBS_NODISCARD sbs_status sbs_gateway_keys_confirm(sbs_gateway_keys *keys);
/** True between the two. */
bool sbs_gateway_keys_is_rotating(const sbs_gateway_keys *keys);

/** Writes the JWK Set (RFC 7517 section 5) of all keys, with the RFC 7638 thumbprint as kid; @p set false: the key that
 * is to be registered next, alone. @p kid, may be NULL: of the current key, in place of its thumbprint. SBS_OK; what
 * @p out keeps; errors of the key; SBS_ERR_KEY: the token's is not open. */
SBS_NODISCARD sbs_status sbs_gateway_keys_put(const sbs_gateway_keys *keys, const char *kid, bool set, sbs_writer *out);
/** The thumbprint of the key that signs. SBS_OK; errors of the key, and @p out is "". */
SBS_NODISCARD sbs_status sbs_gateway_keys_thumbprint(const sbs_gateway_keys *keys,
                                                     char out[SBS_KID_THUMBPRINT_LEN + 1]);

/** Legal after zero-initialisation, and twice. */
void sbs_gateway_keys_close(sbs_gateway_keys *keys);

#ifdef __cplusplus
}
#endif
#endif
