/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11_public.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>
#include <string.h>

#include "pkcs11_words.h"
#include "sbs/mbedtls_series.h"
#include "sbs/spki.h"

#define POINT_LEN 97u

/* The last check of all, and the only place where a key is taken. */
static bool public_take(sbs_pkcs11_key *key, sbs_alg alg, const uint8_t *data, size_t len) {
    sbs_public_key parsed;

    if (len > sizeof key->priv.public_key || sbs_public_key_parse(alg, data, len, &parsed) != SBS_OK) {
        (void)pkcs11_fail(key, SBS_ERR_KEY,
                          "the key cannot be used: RSA of 2048 to 4096 bits, or P-384, with an uncompressed point");
        return false;
    }

    memcpy(key->priv.public_key, data, len);
    key->priv.public_len = len;
    key->priv.alg = alg;
    key->priv.modulus_len = (parsed.bits + 7) / 8;
    return true;
}

/* ---- RSA ------------------------------------------------------------------------------------------------------ */

/* Writes tag and length before the @p len bytes at *end. Returns the length of it all, or a negative error. */
static int rsa_put_header(unsigned char **end, const unsigned char *start, size_t len, unsigned char tag) {
    int header = mbedtls_asn1_write_len(end, start, len);
    if (header < 0) {
        return header;
    }

    int written = mbedtls_asn1_write_tag(end, start, tag);
    if (written < 0) {
        return written;
    }
    return header + written + (int)len;
}

/* Writes an INTEGER before *end. Returns its length, or a negative error of Mbed TLS. */
static int rsa_put_integer(unsigned char **end, const unsigned char *start, const uint8_t *data, size_t len) {
    while (len > 1 && data[0] == 0) {
        data++;
        len--;
    }

    int written = mbedtls_asn1_write_raw_buffer(end, start, data, len);
    if (written < 0) {
        return written;
    }
    if ((data[0] & 0x80) != 0) {
        static const unsigned char sign = 0;
        int more = mbedtls_asn1_write_raw_buffer(end, start, &sign, 1);
        if (more < 0) {
            return more;
        }
        len++;
    }

    return rsa_put_header(end, start, len, MBEDTLS_ASN1_INTEGER);
}

bool pkcs11_public_take_rsa(sbs_pkcs11_key *key, const uint8_t *modulus, size_t modulus_len, const uint8_t *exponent,
                            size_t exponent_len) {
    unsigned char der[SBS_PUBLIC_KEY_MAX + 32] = {0};
    unsigned char *end = der + sizeof der;

    if (modulus_len == 0 || exponent_len == 0) {
        return false;
    }

    int second = rsa_put_integer(&end, der, exponent, exponent_len);
    if (second < 0) {
        return false;
    }
    int first = rsa_put_integer(&end, der, modulus, modulus_len);
    if (first < 0) {
        return false;
    }

    size_t content = (size_t)first + (size_t)second;
    if (rsa_put_header(&end, der, content, MBEDTLS_ASN1_SEQUENCE | MBEDTLS_ASN1_CONSTRUCTED) < 0) {
        return false;
    }
    return public_take(key, SBS_RS384, end, (size_t)(der + sizeof der - end));
}

/* ---- EC ------------------------------------------------------------------------------------------------------- */

/* RFC 5480 section 2.1.1.1, and the name that PKCS #11 3.0 allows. */
static bool ec_is_p384(const uint8_t *params, size_t len) {
    static const uint8_t oid[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
    static const uint8_t name[] = {0x13, 9, 's', 'e', 'c', 'p', '3', '8', '4', 'r', '1'};

    return (len == sizeof oid && memcmp(params, oid, len) == 0) ||
           (len == sizeof name && memcmp(params, name, len) == 0);
}

bool pkcs11_public_take_ec(sbs_pkcs11_key *key, const uint8_t *params, size_t params_len, const uint8_t *point,
                           size_t point_len) {
    if (params_len > 0 && !ec_is_p384(params, params_len)) {
        (void)pkcs11_fail(key, SBS_ERR_KEY, "the key is on another curve than P-384 (secp384r1)");
        return false;
    }
    if (params_len == 0 || point_len == 0) {
        return false;
    }

    if (point_len == POINT_LEN + 2 && point[0] == MBEDTLS_ASN1_OCTET_STRING && point[1] == POINT_LEN) {
        point += 2;
        point_len -= 2;
    }
    return public_take(key, SBS_ES384, point, point_len);
}

/* ---- both, in what X.509 wraps around them ---------------------------------------------------------------------- */

static bool public_take_pk(sbs_pkcs11_key *key, const mbedtls_pk_context *pk) {
    uint8_t exported[SBS_PUBLIC_KEY_MAX + 32];
    size_t len = 0;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;

    int code = mbedtls_pk_get_psa_attributes(pk, PSA_KEY_USAGE_VERIFY_HASH, &attributes);
    psa_key_type_t type = psa_get_key_type(&attributes);
    psa_reset_key_attributes(&attributes);
    if (code != 0) {
        return false;
    }
    if (type != PSA_KEY_TYPE_RSA_PUBLIC_KEY && type != PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1)) {
        return false;
    }

    if (sbs_mbedtls_public_key(pk, exported, sizeof exported, &len) != 0) {
        return false;
    }

    sbs_alg alg = SBS_ES384;
    if (type == PSA_KEY_TYPE_RSA_PUBLIC_KEY) {
        alg = SBS_RS384;
    }
    return public_take(key, alg, exported, len);
}

bool pkcs11_public_take_info(sbs_pkcs11_key *key, const uint8_t *der, size_t len) {
    mbedtls_pk_context pk;
    bool taken = false;
    if (len == 0) {
        return false;
    }

    mbedtls_pk_init(&pk);
    if (mbedtls_pk_parse_public_key(&pk, der, len) == 0) {
        taken = public_take_pk(key, &pk);
    }
    mbedtls_pk_free(&pk);
    return taken;
}

bool pkcs11_public_take_certificate(sbs_pkcs11_key *key, const uint8_t *der, size_t len) {
    mbedtls_x509_crt certificate;
    bool taken = false;
    if (len == 0) {
        return false;
    }

    mbedtls_x509_crt_init(&certificate);
    if (mbedtls_x509_crt_parse_der(&certificate, der, len) == 0) {
        taken = public_take_pk(key, &certificate.pk);
    }
    mbedtls_x509_crt_free(&certificate);
    return taken;
}
