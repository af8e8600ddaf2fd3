/* SPDX-License-Identifier: Apache-2.0 */
/* The same without RSA: no key of the device's own is one, and TLS checks those of others without PSA. */
#ifndef SBS_PSA_CRYPTO_ES384_H
#define SBS_PSA_CRYPTO_ES384_H

#include "sbs_psa_crypto.h"

#undef PSA_WANT_ALG_RSA_PKCS1V15_SIGN
#undef PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY
#undef PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_BASIC
#undef PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_IMPORT
#undef PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_EXPORT
#undef PSA_WANT_KEY_TYPE_RSA_KEY_PAIR_GENERATE

#endif
