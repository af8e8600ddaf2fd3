/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mbedtls_platform.h
 * What Mbed TLS needs of a process once: an allocator, a clock, psa_crypto_init(). Mbed TLS keeps all three globally,
 * so this module does too; it is the only one with such state.
 */
#ifndef SBS_MBEDTLS_PLATFORM_H
#define SBS_MBEDTLS_PLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "sbs/status.h"
#include "sbs/time.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The memory that Mbed TLS allocates from. Both functions as in ISO C. */
typedef struct sbs_mbedtls_allocator {
    void *(*allocate)(size_t count, size_t size); /**< calloc: zeroed memory, or NULL */
    void (*release)(void *memory);                /**< free; NULL is legal */
} sbs_mbedtls_allocator;

/**
 * Sets allocator and clock and calls psa_crypto_init(). Call it once, before anything that uses cryptography or TLS and
 * before other threads do; calling it again with the same allocator does no harm.
 * @param allocator copied; NULL: calloc and free of the C library.
 * @return SBS_OK; SBS_ERR_ARGUMENT (a function is missing); SBS_ERR_MEMORY; SBS_ERR_RANDOM (no entropy);
 * SBS_ERR_STORAGE; SBS_ERR_CRYPTO.
 */
SBS_NODISCARD sbs_status sbs_mbedtls_init(const sbs_mbedtls_allocator *allocator);

/**
 * How often the allocator has returned NULL since the program started (wraps at 2^32). A certificate check that runs
 * out of memory looks like a certificate that is not trusted; a count that has changed tells the two apart.
 */
uint32_t sbs_mbedtls_allocation_failures(void);

/** Tells Mbed TLS the time. The TLS stream does so whenever it is opened; nobody else needs to. An unknown UTC is
 * ignored. */
void sbs_mbedtls_set_now(sbs_now now);

#ifdef __cplusplus
}
#endif
#endif
