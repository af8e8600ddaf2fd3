/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every configuration for Cortex-M has beside the common part: no operating system. The board gives the entropy
 * (mbedtls_hardware_poll); mbedtls_ms_time and mbedtls_platform_gmtime_r are in mbedtls_platform.c.
 */
#ifndef SBS_MBEDTLS_FIRMWARE_COMMON_H
#define SBS_MBEDTLS_FIRMWARE_COMMON_H

#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ENTROPY_HARDWARE_ALT
#define MBEDTLS_PLATFORM_MS_TIME_ALT
#define MBEDTLS_PLATFORM_GMTIME_R_ALT
#define MBEDTLS_X509_REMOVE_INFO

/* No certificate of its own, so key objects only check signatures (library/pk_verify_only.c). Leave it out for mutual
 * TLS: 2 KB. */
#define SBS_PK_VERIFY_ONLY

/* RSA private keys come with their primes, so nothing has to find them (library/rsa_public_use.h). */
#define SBS_RSA_WHOLE_KEYS

/* Smaller at the price of speed where there is little to do: some kB of records and hashes. */
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT /* GCM only encrypts */
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_SHA512_SMALLER

#endif
