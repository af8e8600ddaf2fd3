/* SPDX-License-Identifier: Apache-2.0 */
/** @file pkcs11_module.h The module, the token in it, a session, and the login. */
#ifndef SBS_PKCS11_MODULE_H
#define SBS_PKCS11_MODULE_H

#include "cryptoki.h"
#include "sbs/pkcs11_key.h"

static inline const CK_FUNCTION_LIST *pkcs11_functions(const sbs_pkcs11_key *key) {
    return key->priv.functions;
}

/** Loads the module that is named. */
sbs_status pkcs11_module_load(sbs_pkcs11_key *key);

/** Initialises the module, if nobody in this process did, and opens a session with the one token that matches. */
sbs_status pkcs11_session_open(sbs_pkcs11_key *key);
void pkcs11_session_close(sbs_pkcs11_key *key);

/** Logs in: @p user CKU_USER, or CKU_CONTEXT_SPECIFIC for one use of a key that wants it. */
sbs_status pkcs11_login(sbs_pkcs11_key *key, CK_ULONG user);

/** Ends and unloads what was loaded. */
void pkcs11_module_unload(sbs_pkcs11_key *key);

#endif
