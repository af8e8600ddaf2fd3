/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The RSA public operation in little memory. Included ahead of Mbed TLS's rsa.c, whose only call of the function that
 * is named below is the one of mbedtls_rsa_public(): it verifies signatures, on public values alone.
 */
#ifndef SBS_RSA_PUBLIC_H
#define SBS_RSA_PUBLIC_H

#include <mbedtls/bignum.h>

/** Longer public exponents are refused. Those in use are 65537 and a few smaller ones; a stranger's certificate could
 * have one as long as the modulus, and each signature that it is to have made would take a device a minute. */
#define SBS_RSA_EXPONENT_BITS_MAX 64u

/**
 * @p x = @p a ^ @p e mod @p n, for public values: neither time nor memory accesses hide them. @p x may be @p a.
 * Parameters as of mbedtls_mpi_exp_mod(); @p cache is that function's and is left alone.
 * @return 0; MBEDTLS_ERR_MPI_BAD_INPUT_DATA: @p n is even, below 3 or of more than MBEDTLS_MPI_MAX_BITS bits, @p a is
 * negative or not below @p n, @p e is not positive or longer than SBS_RSA_EXPONENT_BITS_MAX;
 * MBEDTLS_ERR_MPI_ALLOC_FAILED.
 */
int sbs_rsa_public_exp_mod(mbedtls_mpi *x, const mbedtls_mpi *a, const mbedtls_mpi *e, const mbedtls_mpi *n,
                           mbedtls_mpi *cache);

#endif
