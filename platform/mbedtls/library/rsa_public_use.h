/* SPDX-License-Identifier: Apache-2.0 */
/* Included ahead of Mbed TLS's rsa.c: its public operation is ours. See rsa_public.h. */
#ifndef SBS_RSA_PUBLIC_USE_H
#define SBS_RSA_PUBLIC_USE_H

#include "common.h"

#include "mbedtls/bignum.h"

#include "bignum_internal.h"
#include "rsa_public.h"

#define mbedtls_mpi_exp_mod_unsafe sbs_rsa_public_exp_mod

#endif
