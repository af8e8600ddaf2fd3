/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file pkcs11_public.h
 * Public keys in the forms that tokens have them in, into the one of sbs_key_ops.public_key. All bytes are the module's
 * and are checked. Each returns false if there is no usable key in them, with words where one is there of a kind that
 * is not supported; a length of 0 stands for "not shown".
 */
#ifndef SBS_PKCS11_PUBLIC_H
#define SBS_PKCS11_PUBLIC_H

#include "sbs/pkcs11_key.h"

/** CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian. */
bool pkcs11_public_take_rsa(sbs_pkcs11_key *key, const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
                            size_t exponent_len);

/** CKA_EC_PARAMS (the curve's OID in DER, or its name in a PrintableString) and CKA_EC_POINT (an OCTET STRING in DER
 * around the point, as the standard says, or the point as some tokens have it). */
bool pkcs11_public_take_ec(sbs_pkcs11_key *key, const uint8_t *params, size_t params_len, const uint8_t *point,
                           size_t point_len);

/** CKA_PUBLIC_KEY_INFO: a SubjectPublicKeyInfo in DER. */
bool pkcs11_public_take_info(sbs_pkcs11_key *key, const uint8_t *der, size_t len);

/** CKA_VALUE of a certificate: X.509 in DER. */
bool pkcs11_public_take_certificate(sbs_pkcs11_key *key, const uint8_t *der, size_t len);

#endif
