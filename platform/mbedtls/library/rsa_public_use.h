/* SPDX-License-Identifier: Apache-2.0 */
/* Included ahead of Mbed TLS's rsa.c: its public operation is ours (rsa_public.h), and firmware takes whole keys only.
 */
#ifndef SBS_RSA_PUBLIC_USE_H
#define SBS_RSA_PUBLIC_USE_H

#include "common.h"

#include "mbedtls/bignum.h"

#include "bignum_internal.h"
#include "rsa_public.h"

#define mbedtls_mpi_exp_mod_unsafe sbs_rsa_public_exp_mod

#if defined(SBS_RSA_WHOLE_KEYS)
#include "mbedtls/rsa.h"
#include "rsa_alt_helpers.h"

/* A private key of PKCS #1 has its primes (RFC 8017 A.1.2). What finds them from the exponents is not linked. */
static inline int sbs_rsa_no_primes(const mbedtls_mpi *n, const mbedtls_mpi *e, const mbedtls_mpi *d, mbedtls_mpi *p,
                                    mbedtls_mpi *q) {
    (void)n;
    (void)e;
    (void)d;
    (void)p;
    (void)q;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}

#define mbedtls_rsa_deduce_primes sbs_rsa_no_primes
#endif

#endif
