/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file mbedtls_series.h
 * What Mbed TLS 3.6 and Mbed TLS 4 (with TF-PSA-Crypto) do by different calls, for the files that meet both. A program
 * needs none of it: it is for platform/mbedtls itself and for who reads or writes certificates beside it.
 *
 * Mbed TLS 4 takes its random numbers from PSA, so its functions have no parameters for them, and key objects tell
 * their kind in terms of PSA only.
 */
#ifndef SBS_MBEDTLS_SERIES_H
#define SBS_MBEDTLS_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include <mbedtls/build_info.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#if MBEDTLS_VERSION_MAJOR < 4
#include <mbedtls/psa_util.h>
#endif

/** Reads a private key, PEM or DER and without a password. @p pk: initialised, owned by the caller; @p size: bytes of
 *  @p text, with the NUL of a PEM text. 0, or an error of Mbed TLS. */
static inline int sbs_mbedtls_parse_key(mbedtls_pk_context *pk, const unsigned char *text, size_t size) {
#if MBEDTLS_VERSION_MAJOR < 4
    return mbedtls_pk_parse_key(pk, text, size, NULL, 0, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
#else
    return mbedtls_pk_parse_key(pk, text, size, NULL, 0);
#endif
}

/** TLS takes its random numbers from PSA. */
static inline void sbs_mbedtls_use_random(mbedtls_ssl_config *config) {
#if MBEDTLS_VERSION_MAJOR < 4
    mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
#else
    (void)config; /* it has no other */
#endif
}

#if defined(MBEDTLS_X509_CRT_WRITE_C)
/** Signs the certificate and writes it as PEM with its NUL into @p size bytes at @p text. 0, or an error of Mbed TLS.
 */
static inline int sbs_mbedtls_write_certificate(mbedtls_x509write_cert *certificate, char *text, size_t size) {
#if MBEDTLS_VERSION_MAJOR < 4
    return mbedtls_x509write_crt_pem(certificate, (unsigned char *)text, size, mbedtls_psa_get_random,
                                     MBEDTLS_PSA_RANDOM_STATE);
#else
    return mbedtls_x509write_crt_pem(certificate, (unsigned char *)text, size);
#endif
}
#endif

/** Writes the public half of a key as PSA exports it: RSAPublicKey (RFC 8017 A.1.1), or the uncompressed point of an EC
 *  key (SEC 1 section 2.3.3). @p out: room for @p size bytes. 0, or an error of Mbed TLS or PSA. */
int sbs_mbedtls_public_key(const mbedtls_pk_context *pk, unsigned char *out, size_t size, size_t *out_len);

/** Whether @p private_key is the one of @p public_key. */
static inline bool sbs_mbedtls_is_pair(const mbedtls_pk_context *public_key, const mbedtls_pk_context *private_key) {
#if MBEDTLS_VERSION_MAJOR < 4
    return mbedtls_pk_check_pair(public_key, private_key, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE) == 0;
#else
    return mbedtls_pk_check_pair(public_key, private_key) == 0;
#endif
}

#if MBEDTLS_VERSION_MAJOR < 4
/** Whether it is an RSA key. */
static inline bool sbs_mbedtls_is_rsa(const mbedtls_pk_context *pk) {
    return mbedtls_pk_get_type(pk) == MBEDTLS_PK_RSA;
}

/** Whether it is a key of an elliptic curve on which signatures are made. */
static inline bool sbs_mbedtls_is_ec(const mbedtls_pk_context *pk) {
    return mbedtls_pk_get_type(pk) == MBEDTLS_PK_ECKEY;
}
#else
/** The public half of a key's type in PSA's terms; PSA_KEY_TYPE_NONE: none that verifies signatures. */
static inline psa_key_type_t sbs_mbedtls_public_type(const mbedtls_pk_context *pk) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_type_t type = PSA_KEY_TYPE_NONE;

    if (mbedtls_pk_get_psa_attributes(pk, PSA_KEY_USAGE_VERIFY_HASH, &attributes) == 0) {
        type = (psa_key_type_t)PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(psa_get_key_type(&attributes));
    }

    psa_reset_key_attributes(&attributes);
    return type;
}

/** Whether it is an RSA key. */
static inline bool sbs_mbedtls_is_rsa(const mbedtls_pk_context *pk) {
    return sbs_mbedtls_public_type(pk) == PSA_KEY_TYPE_RSA_PUBLIC_KEY;
}

/** Whether it is a key of an elliptic curve on which signatures are made. */
static inline bool sbs_mbedtls_is_ec(const mbedtls_pk_context *pk) {
    return PSA_KEY_TYPE_IS_ECC_PUBLIC_KEY(sbs_mbedtls_public_type(pk));
}
#endif

#endif
