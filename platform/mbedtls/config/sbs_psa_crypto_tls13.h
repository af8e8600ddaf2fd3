/* SPDX-License-Identifier: Apache-2.0 */
/* The same, and what TLS 1.3 needs. */
#ifndef SBS_PSA_CRYPTO_TLS13_H
#define SBS_PSA_CRYPTO_TLS13_H

#include "sbs_psa_crypto.h"

#define PSA_WANT_ALG_HKDF_EXTRACT 1
#define PSA_WANT_ALG_HKDF_EXPAND 1
#define PSA_WANT_ALG_RSA_PSS 1

#endif
