/* SPDX-License-Identifier: Apache-2.0 */
/* A PKCS #11 module that does as a test tells it. The test loads the same file and finds `fake` in it. */
#ifndef SBS_TEST_FAKE_MODULE_H
#define SBS_TEST_FAKE_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cryptoki.h"

typedef enum fake_call {
    FAKE_INITIALIZE,
    FAKE_FINALIZE,
    FAKE_GET_SLOT_LIST,
    FAKE_GET_TOKEN_INFO,
    FAKE_GET_MECHANISM_INFO,
    FAKE_OPEN_SESSION,
    FAKE_CLOSE_SESSION,
    FAKE_LOGIN,
    FAKE_GET_ATTRIBUTE,
    FAKE_FIND_INIT,
    FAKE_FIND,
    FAKE_FIND_FINAL,
    FAKE_SIGN_INIT,
    FAKE_SIGN,
    FAKE_CALLS
} fake_call;

typedef struct fake_attribute {
    CK_ULONG type;
    const void *data;
    CK_ULONG len; /* CK_UNAVAILABLE: not shown */
} fake_attribute;

#define FAKE_ATTRIBUTES 8
#define FAKE_OBJECTS 8

typedef struct fake_object {
    bool is_private; /* seen after a login only */
    fake_attribute attributes[FAKE_ATTRIBUTES];
} fake_object;

typedef struct fake_token {
    const char *label, *serial;
    char pad; /* behind them: a blank, or what bad drivers put there */
    CK_ULONG flags;
} fake_token;

typedef struct fake_module {
    CK_VERSION version;
    fake_token tokens[3];
    CK_ULONG token_count;
    CK_ULONG silent_slot; /* C_GetTokenInfo says that it told of it, and told nothing */
    CK_ULONG told_slots;  /* this many instead, if not 0 */
    CK_ULONG told_found;  /* C_FindObjects tells this many more */
    CK_ULONG told_length; /* of any attribute, if not 0 */
    fake_object objects[FAKE_OBJECTS];
    const char *pin;
    CK_ULONG signature_len;
    CK_ULONG mechanism_flags;
    bool one_object_a_call;       /* as some modules find */
    bool context_login;           /* CKA_ALWAYS_AUTHENTICATE */
    bool other_user;              /* somebody else in the process initialised it */
    CK_RV answers[FAKE_CALLS];    /* instead of what it would answer */
    unsigned fail_at[FAKE_CALLS]; /* at this call alone, counted from 1; 0: at each */
    /* Signs; NULL: bytes of 0xA5. */
    CK_ULONG (*sign)(CK_ULONG mechanism, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out);

    /* What happened. */
    unsigned calls[FAKE_CALLS];
    bool initialised, in_session, logged_in, signing, context_logged_in;
    CK_ULONG mechanism;
    unsigned wrong_pins;
} fake_module;

extern fake_module fake;

#endif
