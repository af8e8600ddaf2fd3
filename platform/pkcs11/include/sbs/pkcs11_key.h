/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pkcs11_key.h
 * A key port over a key in a token: a smart card, a security module, a TPM, through its PKCS #11 module (OASIS PKCS #11
 * 2.40). The module is a shared library that runs in this process with all of its rights: it is trusted as the program
 * itself is. Link sbs_pkcs11; programs that do not use it do not.
 *
 * Threads: a key belongs to one thread at a time. Several keys, also in one module, may be used by several threads: the
 * module is told to lock. One user of a module in the process may finalise it while another has a session; the other
 * then begins anew by itself.
 *
 * fork(): a child must not use a key that its parent opened; calls there give SBS_ERR_KEY and reach no module. The
 * child opens a key of its own.
 *
 * Time: sign() waits until the token has signed, and never answers SBS_PENDING. Tokens take 10 ms to some seconds, and
 * one with a keypad waits for the person.
 */
#ifndef SBS_PKCS11_KEY_H
#define SBS_PKCS11_KEY_H

#include <sys/types.h>

#include "sbs/key.h"
#include "sbs/pkcs11_uri.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SBS_PKCS11_PIN_MAX 255u    /**< bytes */
#define SBS_PKCS11_WORDS_SIZE 512u /**< bytes for words about a failure, with the NUL */

/** What to open. Zero means the default; texts must outlive the key. */
typedef struct sbs_pkcs11_config {
    const char *uri;    /**< required */
    const char *module; /**< absolute path of the module where the URI names none; NULL: none */
    /**
     * Gives the PIN, where the URI has no pin-source. Asked for each login: none is kept. SBS_OK; SBS_ERR_NOT_FOUND if
     * there is none; any other error ends the login. NULL: there is none. sbs_pkcs11_pin_from_environment() is one.
     * @param pin memory for @p size bytes, which is wiped after use.
     */
    sbs_status (*pin)(void *ctx, char *pin, size_t size, size_t *out_len);
    void *pin_ctx;
    /** Only the public key is wanted: nobody logs in where the token shows it to everybody. sign() is SBS_ERR_KEY. */
    bool public_only;
} sbs_pkcs11_config;

/** Place it anywhere; it must not move while it is open. Zero-initialise. */
typedef struct sbs_pkcs11_key {
    struct {
        sbs_pkcs11_config config;
        sbs_pkcs11_uri uri;
        const void *functions; /* CK_FUNCTION_LIST of the module */
        void *library;
        unsigned long slot, session, object;
        pid_t owner; /* 0: closed */
        sbs_alg alg;
        size_t public_len, modulus_len;
        bool initialised, in_session, always_authenticate, pin_refused;
        uint8_t public_key[SBS_PUBLIC_KEY_MAX];
        char words[SBS_PKCS11_WORDS_SIZE];
    } priv;
} sbs_pkcs11_key;

/**
 * Loads the module, finds the one token and the one private key that the URI names, logs in and reads the public key:
 * from the public key object with the same id, from the private key, or from a certificate with the same id. A PIN
 * that was refused is not tried again, and the last try that a token has is left to a person. sbs_mbedtls_init() or
 * psa_crypto_init() comes before.
 * @param out_key RS384 for RSA of 2048 to 4096 bits, ES384 for P-384; every signature is verified before it is let out.
 * @return SBS_OK; SBS_ERR_FORMAT (the URI); SBS_ERR_NOT_FOUND (module, token, key or PIN); SBS_ERR_AMBIGUOUS (several
 * tokens or keys match); SBS_ERR_KEY (PIN refused, key of another kind); SBS_ERR_MEMORY; SBS_ERR_CRYPTO (the module
 * failed). sbs_pkcs11_key_words() says more. After an error nothing needs to be closed.
 */
SBS_NODISCARD sbs_status sbs_pkcs11_key_open(sbs_pkcs11_key *key, const sbs_pkcs11_config *config, sbs_key *out_key);

/** What went wrong in the last call that failed: a clause for a person, without a secret; "" if nothing did. */
const char *sbs_pkcs11_key_words(const sbs_pkcs11_key *key);

/** True if the token refused the PIN since the last open, which may have failed by it: another open with the same PIN
 * would use up another try. */
bool sbs_pkcs11_key_pin_was_refused(const sbs_pkcs11_key *key);

/** Ends the session and unloads the module. Legal after zero-initialisation, and twice. The words remain, and whether
 * the PIN was refused. */
void sbs_pkcs11_key_close(sbs_pkcs11_key *key);

/** For sbs_pkcs11_config.pin: the environment variable whose name @p ctx is. SBS_OK; SBS_ERR_NOT_FOUND if it is unset
 * or empty; SBS_ERR_TOO_LARGE if it has more than @p size bytes. */
sbs_status sbs_pkcs11_pin_from_environment(void *ctx, char *pin, size_t size, size_t *out_len);

#ifdef __cplusplus
}
#endif
#endif
