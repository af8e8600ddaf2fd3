/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11_words.h"

#include <stdarg.h>
#include <stdio.h>

sbs_status pkcs11_fail(sbs_pkcs11_key *key, sbs_status status, const char *format, ...) {
    va_list arguments;
    char *words = key->priv.words;

    va_start(arguments, format);
    (void)vsnprintf(words, sizeof key->priv.words, format, arguments);
    va_end(arguments);

    /* A label is what somebody wrote into the token: it must not write to a terminal. */
    for (char *c = words; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?';
        }
    }

    return status;
}

static const char *answer_clause(CK_RV answer) {
    switch (answer) {
#define ANSWER_CASE(name, value, clause)                                                                               \
    case name:                                                                                                         \
        return clause;
        CKR_TABLE(ANSWER_CASE) /* NOLINT(bugprone-branch-clone): rows of a table */
#undef ANSWER_CASE
    default:
        return "the module failed";
    }
}

static sbs_status answer_status(CK_RV answer) {
    switch (answer) {
    case CKR_HOST_MEMORY:
    case CKR_DEVICE_MEMORY:
        return SBS_ERR_MEMORY;
    case CKR_GENERAL_ERROR:
    case CKR_FUNCTION_FAILED:
    case CKR_DEVICE_ERROR:
    case CKR_BUFFER_TOO_SMALL:
        return SBS_ERR_CRYPTO;
    default:
        return SBS_ERR_KEY;
    }
}

sbs_status pkcs11_fail_call(sbs_pkcs11_key *key, const char *what, CK_RV answer) {
    return pkcs11_fail(key, answer_status(answer), "%s (%s: 0x%lX)", answer_clause(answer), what, answer);
}

bool pkcs11_is_lost(CK_RV answer) {
    switch (answer) {
    case CKR_SLOT_ID_INVALID:
    case CKR_DEVICE_REMOVED:
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
    case CKR_OPERATION_ACTIVE:
    case CKR_SESSION_CLOSED:
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
        return true;
    default:
        return false;
    }
}
