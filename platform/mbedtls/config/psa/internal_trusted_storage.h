/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the PSA Storage API that Mbed TLS expects of its platform: the interface as Mbed TLS itself declares it. */
#ifndef PSA_INTERNAL_TRUSTED_STORAGE_H
#define PSA_INTERNAL_TRUSTED_STORAGE_H

#include <psa_crypto_its.h>

#endif
