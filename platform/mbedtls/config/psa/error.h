/* SPDX-License-Identifier: Apache-2.0 */
/* Part of the PSA Storage API that Mbed TLS expects of its platform: the status codes are those of PSA Crypto. */
#ifndef PSA_ERROR_H
#define PSA_ERROR_H

#include <psa/crypto_types.h>
#include <psa/crypto_values.h>

#endif
