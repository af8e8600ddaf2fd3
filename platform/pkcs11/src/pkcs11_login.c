/* SPDX-License-Identifier: Apache-2.0 */
/* A login. A PIN that is tried again and again locks the token, so it is tried once, and never as the last try. */
#include <stdlib.h>
#include <string.h>

#include "pkcs11_module.h"
#include "pkcs11_words.h"
#include "sbs/linux_file.h"
#include "sbs/text.h"

sbs_status sbs_pkcs11_pin_from_environment(void *ctx, char *pin, size_t size, size_t *out_len) {
    const char *value = getenv((const char *)ctx);
    size_t len = value == NULL ? 0 : strlen(value);

    if (len == 0) {
        return SBS_ERR_NOT_FOUND;
    }
    if (len > size) {
        return SBS_ERR_TOO_LARGE;
    }

    memcpy(pin, value, len);
    *out_len = len;
    return SBS_OK;
}

/* ---- the PIN -------------------------------------------------------------------------------------------------- */

/* The file's first line, which is all of it. */
static sbs_status pin_from_file(sbs_pkcs11_key *key, char *pin, size_t size, size_t *out_len) {
    const char *path = key->priv.uri.pin_source;
    sbs_linux_blob file;

    sbs_status status = sbs_linux_file_read(path, size + 2, &file);
    if (status != SBS_OK) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "pin-source %.300s: %s", path, sbs_status_text(status));
    }

    size_t len = file.len;
    if (len > 0 && file.data[len - 1] == '\n') {
        len--;
    }
    if (len > 0 && file.data[len - 1] == '\r') {
        len--;
    }

    bool fits = len > 0 && len <= size;
    for (size_t i = 0; i < len; i++) {
        fits = fits && (unsigned char)file.data[i] >= 0x20;
    }

    if (fits) {
        memcpy(pin, file.data, len);
        *out_len = len;
    }

    sbs_linux_blob_free(&file);
    if (!fits) {
        return pkcs11_fail(key, SBS_ERR_NOT_FOUND, "pin-source %.300s: the file is not one line with a PIN", path);
    }
    return SBS_OK;
}

/* Nothing at all where the person types it at the token. */
static sbs_status pin_get(sbs_pkcs11_key *key, bool has_keypad, char *pin, size_t size, size_t *out_len) {
    const sbs_pkcs11_config *config = &key->priv.config;
    sbs_status status = SBS_ERR_NOT_FOUND;

    *out_len = 0;
    if (key->priv.uri.pin_source[0] != '\0') {
        return pin_from_file(key, pin, size, out_len);
    }

    if (config->pin != NULL) {
        status = config->pin(config->pin_ctx, pin, size, out_len);
    }
    if (status == SBS_OK && *out_len > 0 && *out_len <= size) {
        return SBS_OK;
    }

    if (status == SBS_ERR_NOT_FOUND && has_keypad) {
        return SBS_OK;
    }
    if (status == SBS_ERR_NOT_FOUND) {
        return pkcs11_fail(key, status, "the token wants a PIN, and there is none");
    }
    return pkcs11_fail(key, SBS_ERR_KEY, "the PIN cannot be had: %s", sbs_status_text(status));
}

/* ---- the login ------------------------------------------------------------------------------------------------ */

static CK_ULONG login_flags(const sbs_pkcs11_key *key) {
    CK_TOKEN_INFO info;
    memset(&info, 0, sizeof info);

    if (pkcs11_functions(key)->C_GetTokenInfo(key->priv.slot, &info) != CKR_OK) {
        return CKF_LOGIN_REQUIRED;
    }
    return info.flags;
}

/* PKCS #11 tells no number, only these. */
static const char *login_tries_left(CK_ULONG flags) {
    if ((flags & CKF_USER_PIN_LOCKED) != 0) {
        return "it is locked now";
    }
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        return "one try is left before it locks";
    }
    if ((flags & CKF_USER_PIN_COUNT_LOW) != 0) {
        return "the token says that few tries may be left";
    }
    return "the token does not tell how many tries are left";
}

static sbs_status login_check(sbs_pkcs11_key *key, CK_ULONG flags) {
    if (key->priv.pin_refused) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the PIN was refused before, and is not tried again");
    }
    if ((flags & CKF_USER_PIN_LOCKED) != 0) {
        return pkcs11_fail(key, SBS_ERR_KEY, "the PIN is locked: the token's security officer can set a new one");
    }
    if ((flags & CKF_USER_PIN_FINAL_TRY) != 0) {
        return pkcs11_fail(key, SBS_ERR_KEY,
                           "one try of the PIN is left, and it is left to you: log in by hand once, as with "
                           "pkcs11-tool --login --list-objects");
    }
    return SBS_OK;
}

static sbs_status login_judge(sbs_pkcs11_key *key, CK_RV answer) {
    switch (answer) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN:
        return SBS_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_LOCKED:
        break;
    default:
        return pkcs11_fail_call(key, "C_Login", answer);
    }

    key->priv.pin_refused = true;
    (void)pkcs11_fail_call(key, "C_Login", answer);
    size_t used = strlen(key->priv.words);
    char before[SBS_PKCS11_WORDS_SIZE];
    memcpy(before, key->priv.words, used + 1);
    return pkcs11_fail(key, SBS_ERR_KEY, "%.300s; it is not tried again; %s", before,
                       login_tries_left(login_flags(key)));
}

sbs_status pkcs11_login(sbs_pkcs11_key *key, CK_ULONG user) {
    char pin[SBS_PKCS11_PIN_MAX];
    CK_ULONG flags = login_flags(key);
    size_t len = 0;

    if (user == CKU_USER && (flags & CKF_LOGIN_REQUIRED) == 0) {
        return SBS_OK;
    }

    sbs_status status = login_check(key, flags);
    if (status == SBS_OK) {
        status = pin_get(key, (flags & CKF_PROTECTED_AUTHENTICATION_PATH) != 0, pin, sizeof pin, &len);
    }
    if (status == SBS_OK) {
        CK_BYTE *given = NULL;
        if (len > 0) {
            given = (CK_BYTE *)pin;
        }
        status = login_judge(key, pkcs11_functions(key)->C_Login(key->priv.session, user, given, len));
    }

    sbs_wipe(pin, sizeof pin);
    return status;
}
