/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/pkcs11_key.h"

#include <string.h>
#include <unistd.h>

#include "pkcs11_module.h"
#include "pkcs11_object.h"
#include "pkcs11_words.h"
#include "sbs/psa_key.h"
#include "sbs/text.h"

/* DigestInfo of SHA-384 before the hash (RFC 8017 section 9.2, note 1): CKM_RSA_PKCS pads what it is given. */
static const uint8_t digest_info[] = {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30};

/* ---- the key port --------------------------------------------------------------------------------------------- */

/* A key that is closed has 0 as its owner, which is no process. */
static bool key_is_ours(const sbs_pkcs11_key *key) {
    return key->priv.owner == getpid();
}

static sbs_status key_refuse_stranger(sbs_pkcs11_key *key) {
    return pkcs11_fail(key, SBS_ERR_KEY, "the key is closed, or was opened before fork(): open it in this process");
}

static sbs_status key_public_key(void *ctx, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    sbs_pkcs11_key *key = (sbs_pkcs11_key *)ctx;
    if (!key_is_ours(key)) {
        return key_refuse_stranger(key);
    }
    if (size < key->priv.public_len) {
        return SBS_ERR_BUFFER;
    }

    memcpy(buffer, key->priv.public_key, key->priv.public_len);
    *out_alg = key->priv.alg;
    *out_len = key->priv.public_len;
    return SBS_OK;
}

static size_t key_signature_len(const sbs_pkcs11_key *key) {
    if (key->priv.alg == SBS_ES384) {
        return SBS_ES384_SIGNATURE_SIZE;
    }
    return key->priv.modulus_len;
}

/* One signature in the session that is open. What the module answered goes to @p out_answer. */
static sbs_status key_sign_once(sbs_pkcs11_key *key, const uint8_t *hash, uint8_t *signature, CK_RV *out_answer) {
    const CK_FUNCTION_LIST *module = pkcs11_functions(key);
    CK_BYTE data[sizeof digest_info + SBS_HASH_SIZE], out[SBS_SIGNATURE_MAX];
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_ULONG len = 0, out_len = sizeof out;

    if (key->priv.alg == SBS_RS384) {
        mechanism.mechanism = CKM_RSA_PKCS;
        memcpy(data, digest_info, sizeof digest_info);
        len = sizeof digest_info;
    }
    memcpy(data + len, hash, SBS_HASH_SIZE);
    len += SBS_HASH_SIZE;

    *out_answer = module->C_SignInit(key->priv.session, &mechanism, key->priv.object);
    if (*out_answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_SignInit", *out_answer);
    }

    /* Between these two, as the standard says (CKA_ALWAYS_AUTHENTICATE). */
    if (key->priv.always_authenticate) {
        sbs_status status = pkcs11_login(key, CKU_CONTEXT_SPECIFIC);
        if (status != SBS_OK) {
            return status;
        }
    }

    *out_answer = module->C_Sign(key->priv.session, data, len, out, &out_len);
    if (*out_answer != CKR_OK) {
        return pkcs11_fail_call(key, "C_Sign", *out_answer);
    }
    if (out_len != key_signature_len(key)) {
        return pkcs11_fail(key, SBS_ERR_CRYPTO, "the token's signature has %lu bytes, not %zu", out_len,
                           key_signature_len(key));
    }

    memcpy(signature, out, out_len);
    return SBS_OK;
}

static sbs_status key_enter(sbs_pkcs11_key *key) {
    sbs_status status = pkcs11_session_open(key);
    if (status == SBS_OK) {
        status = pkcs11_login(key, CKU_USER);
    }
    if (status == SBS_OK) {
        status = pkcs11_object_open(key);
    }
    return status;
}

/* The token was pulled and is back, or the session ended: once, and only if the token holds the same key. */
static sbs_status key_enter_again(sbs_pkcs11_key *key) {
    uint8_t before[SBS_PUBLIC_KEY_MAX];
    size_t before_len = key->priv.public_len;
    memcpy(before, key->priv.public_key, before_len);

    pkcs11_session_close(key);
    sbs_status status = key_enter(key);

    if (status == SBS_OK &&
        (key->priv.public_len != before_len || memcmp(before, key->priv.public_key, before_len) != 0)) {
        status = pkcs11_fail(key, SBS_ERR_KEY, "the session was lost, and the token holds another key now");
    }
    if (status != SBS_OK) {
        pkcs11_session_close(key);
        memcpy(key->priv.public_key, before, before_len);
        key->priv.public_len = before_len;
    }
    return status;
}

/* A session that was lost is begun anew before the signature, or once behind it. */
static sbs_status key_sign_in_session(sbs_pkcs11_key *key, const uint8_t *hash, uint8_t *signature) {
    CK_RV answer = CKR_OK;
    sbs_status status;

    /* The number of a session that has ended may be somebody else's by now. */
    bool is_new = !key->priv.in_session;
    if (is_new) {
        status = key_enter_again(key);
        if (status != SBS_OK) {
            return status;
        }
    }

    status = key_sign_once(key, hash, signature, &answer);
    if (status == SBS_OK || is_new || !pkcs11_is_lost(answer)) {
        return status;
    }

    status = key_enter_again(key);
    if (status == SBS_OK) {
        status = key_sign_once(key, hash, signature, &answer);
    }
    return status;
}

static sbs_status key_sign(void *ctx, const uint8_t hash[SBS_HASH_SIZE], uint8_t *signature, size_t size,
                           size_t *out_len) {
    sbs_pkcs11_key *key = (sbs_pkcs11_key *)ctx;
    if (!key_is_ours(key)) {
        return key_refuse_stranger(key);
    }
    if (key->priv.config.public_only) {
        return pkcs11_fail(key, SBS_ERR_KEY, "only the public key was opened");
    }
    if (key->priv.pin_refused) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the PIN was refused before, and is not tried again");
    }
    if (size < key_signature_len(key)) {
        return SBS_ERR_BUFFER;
    }

    sbs_status status = key_sign_in_session(key, hash, signature);
    if (status == SBS_ERR_MEMORY || status == SBS_ERR_CRYPTO) {
        return status;
    }
    if (status != SBS_OK) {
        return SBS_ERR_KEY;
    }

    key->priv.words[0] = '\0';
    *out_len = key_signature_len(key);
    return SBS_OK;
}

/* ---- opening and closing -------------------------------------------------------------------------------------- */

/* A hash is all that the key port hands over, so the token has to sign one: the mechanisms that hash by themselves do
 * not. */
static sbs_status key_check_mechanism(sbs_pkcs11_key *key) {
    CK_MECHANISM_INFO info = {0, 0, 0};
    CK_ULONG mechanism = CKM_ECDSA;
    const char *name = "CKM_ECDSA";
    if (key->priv.alg == SBS_RS384) {
        mechanism = CKM_RSA_PKCS;
        name = "CKM_RSA_PKCS";
    }

    CK_RV answer = pkcs11_functions(key)->C_GetMechanismInfo(key->priv.slot, mechanism, &info);
    if (answer != CKR_OK || (info.flags & CKF_SIGN) == 0) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the token does not sign hashes with such a key (%s)", name);
    }
    return SBS_OK;
}

static sbs_status key_open_public(sbs_pkcs11_key *key) {
    sbs_status status = pkcs11_session_open(key);
    if (status == SBS_OK) {
        status = pkcs11_object_open_public(key);
    }
    if (status != SBS_ERR_NOT_FOUND || !key->priv.in_session) {
        return status;
    }

    /* Nothing that everybody may see: the private key may show it. */
    status = pkcs11_login(key, CKU_USER);
    if (status == SBS_OK) {
        status = pkcs11_object_open(key);
    }
    return status;
}

static sbs_status key_open(sbs_pkcs11_key *key) {
    const char *words = NULL;
    if (sbs_pkcs11_uri_parse(key->priv.config.uri, &key->priv.uri, &words) != SBS_OK) {
        return pkcs11_fail(key, SBS_ERR_FORMAT, "%s", words);
    }

    sbs_status status = pkcs11_module_load(key);
    if (status != SBS_OK) {
        return status;
    }
    if (key->priv.config.public_only) {
        return key_open_public(key);
    }

    status = key_enter(key);
    if (status == SBS_OK) {
        status = key_check_mechanism(key);
    }
    return status;
}

sbs_status sbs_pkcs11_key_open(sbs_pkcs11_key *key, const sbs_pkcs11_config *config, sbs_key *out_key) {
    static const sbs_key_ops ops = {key_public_key, key_sign};

    memset(key, 0, sizeof *key);
    key->priv.config = *config;
    key->priv.owner = getpid();
    sbs_status status = key_open(key);
    if (status != SBS_OK) {
        sbs_pkcs11_key_close(key);
        return status;
    }

    key->priv.words[0] = '\0';
    *out_key = (sbs_key){.ops = &ops, .ctx = key, .verify_after_sign = sbs_psa_verify};
    return SBS_OK;
}

const char *sbs_pkcs11_key_words(const sbs_pkcs11_key *key) {
    return key->priv.words;
}

bool sbs_pkcs11_key_pin_was_refused(const sbs_pkcs11_key *key) {
    return key->priv.pin_refused;
}

void sbs_pkcs11_key_close(sbs_pkcs11_key *key) {
    /* A child that closes what its parent opened must not speak to the token. */
    if (key_is_ours(key)) {
        pkcs11_module_unload(key);
    }

    char words[SBS_PKCS11_WORDS_SIZE];
    bool pin_refused = key->priv.pin_refused;
    memcpy(words, key->priv.words, sizeof words);
    sbs_wipe(key, sizeof *key);
    memcpy(key->priv.words, words, sizeof words);
    key->priv.pin_refused = pin_refused;
}
