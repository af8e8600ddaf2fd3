/* SPDX-License-Identifier: Apache-2.0 */
/** @file pkcs11_words.h What went wrong, for a person. */
#ifndef SBS_PKCS11_WORDS_H
#define SBS_PKCS11_WORDS_H

#include "cryptoki.h"
#include "sbs/pkcs11_key.h"

/** Keeps the words and returns @p status. */
__attribute__((format(printf, 3, 4))) sbs_status pkcs11_fail(sbs_pkcs11_key *key, sbs_status status, const char *format,
                                                             ...);

/** Keeps words for what the module answered to @p what ("C_Sign"), and returns the status for it. */
sbs_status pkcs11_fail_call(sbs_pkcs11_key *key, const char *what, CK_RV answer);

/** True if the session has ended and a new one may be begun: the token was pulled, or somebody ended the module. */
bool pkcs11_is_lost(CK_RV answer);

#endif
