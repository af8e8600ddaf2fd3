/* SPDX-License-Identifier: Apache-2.0 */
#include <mbedtls/asn1write.h>
#include <mbedtls/base64.h>
#include <mbedtls/pem.h>
#include <string.h>

#include "sbs/alg.h"
#include "sbs/pem_key.h"
#include "sbs/psa_key.h"
#include "sbs/text.h"

#if defined(MBEDTLS_PEM_WRITE_C)

#define SCALAR_SIZE 48u
#define POINT_SIZE 97u

/* DER is written from the end of a buffer to its front: this is the place reached so far. The first error stays. */
typedef struct der_writer {
    unsigned char *start;
    unsigned char *at;
    int error;
} der_writer;

static size_t der_note(der_writer *der, int result) {
    if (result < 0) {
        if (der->error == 0) {
            der->error = result;
        }
        return 0;
    }
    return (size_t)result;
}

static size_t put_header(der_writer *der, size_t content, unsigned char tag) {
    content += der_note(der, mbedtls_asn1_write_len(&der->at, der->start, content));
    return content + der_note(der, mbedtls_asn1_write_tag(&der->at, der->start, tag));
}

/* ECPrivateKey (RFC 5915 section 3) without its parameters, which PKCS #8 gives already. */
static size_t put_ec_private_key(der_writer *der, const uint8_t *scalar, const uint8_t *point) {
    size_t len = der_note(der, mbedtls_asn1_write_bitstring(&der->at, der->start, point, POINT_SIZE * 8));
    len = put_header(der, len, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 1);
    len += der_note(der, mbedtls_asn1_write_octet_string(&der->at, der->start, scalar, SCALAR_SIZE));
    len += der_note(der, mbedtls_asn1_write_int(&der->at, der->start, 1));
    return put_header(der, len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

/* AlgorithmIdentifier: rsaEncryption with NULL (RFC 8017 A.1), ecPublicKey with the curve (RFC 5480 section 2.1). */
static size_t put_algorithm(der_writer *der, sbs_key_kind kind) {
    static const char rsa[] = "\x2A\x86\x48\x86\xF7\x0D\x01\x01\x01"; /* 1.2.840.113549.1.1.1 */
    static const char ec[] = "\x2A\x86\x48\xCE\x3D\x02\x01";          /* 1.2.840.10045.2.1 */
    static const char curve[] = "\x2B\x81\x04\x00\x22";               /* secp384r1, 1.3.132.0.34 */
    if (kind == SBS_KEY_RSA) {
        return der_note(der, mbedtls_asn1_write_algorithm_identifier(&der->at, der->start, rsa, sizeof rsa - 1, 0));
    }
    size_t len = der_note(der, mbedtls_asn1_write_oid(&der->at, der->start, curve, sizeof curve - 1));
    return der_note(der, mbedtls_asn1_write_algorithm_identifier(&der->at, der->start, ec, sizeof ec - 1, len));
}

/* PrivateKeyInfo (RFC 5208 section 5). @p key: RSAPrivateKey DER, or the scalar with its public point. */
static size_t put_private_key_info(der_writer *der, sbs_key_kind kind, const uint8_t *key, size_t key_len,
                                   const uint8_t *point) {
    size_t len;
    if (kind == SBS_KEY_RSA) {
        len = der_note(der, mbedtls_asn1_write_raw_buffer(&der->at, der->start, key, key_len));
    } else {
        len = put_ec_private_key(der, key, point);
    }

    len = put_header(der, len, MBEDTLS_ASN1_OCTET_STRING);
    len += put_algorithm(der, kind);
    len += der_note(der, mbedtls_asn1_write_int(&der->at, der->start, 0));

    return put_header(der, len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

static sbs_status kind_of(psa_key_id_t id, sbs_key_kind *out_kind) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(id, &attributes);
    const sbs_alg_info *info = sbs_alg_of_key(psa_get_key_type(&attributes), psa_get_key_bits(&attributes),
                                              psa_get_key_algorithm(&attributes));

    psa_reset_key_attributes(&attributes);
    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }
    if (info == NULL) {
        return SBS_ERR_KEY;
    }

    *out_kind = info->kind;
    return SBS_OK;
}

static sbs_status put_pem(const der_writer *der, size_t len, char *out, size_t size, size_t *out_len) {
    if (der->error != 0) {
        return SBS_ERR_CRYPTO;
    }

    int code = mbedtls_pem_write_buffer("-----BEGIN PRIVATE KEY-----\n", "-----END PRIVATE KEY-----\n", der->at, len,
                                        (unsigned char *)out, size, out_len);
    if (code != 0) {
        sbs_wipe(out, size);
        if (code == MBEDTLS_ERR_BASE64_BUFFER_TOO_SMALL) {
            return SBS_ERR_BUFFER;
        }
        return SBS_ERR_MEMORY;
    }

    *out_len -= 1; /* the NUL */
    return SBS_OK;
}

sbs_status sbs_pem_key_write(psa_key_id_t id, char *out, size_t size, size_t *out_len) {
    uint8_t key[PSA_EXPORT_KEY_PAIR_MAX_SIZE];
    uint8_t point[POINT_SIZE];
    unsigned char bytes[PSA_EXPORT_KEY_PAIR_MAX_SIZE + 256];

    der_writer der = {bytes, bytes + sizeof bytes, 0};
    size_t key_len = 0;
    size_t point_len = 0;
    sbs_key_kind kind = SBS_KEY_RSA;
    *out_len = 0;
    sbs_status status = kind_of(id, &kind);
    if (status != SBS_OK) {
        return status;
    }

    status = sbs_psa_to_status(psa_export_key(id, key, sizeof key, &key_len));
    if (status == SBS_OK && kind == SBS_KEY_P384) {
        status = sbs_psa_to_status(psa_export_public_key(id, point, sizeof point, &point_len));
    }

    if (status == SBS_OK) {
        status = put_pem(&der, put_private_key_info(&der, kind, key, key_len, point), out, size, out_len);
    }

    sbs_wipe(key, sizeof key);
    sbs_wipe(bytes, sizeof bytes);
    return status;
}

/* Sizes that are made: the smallest, and those that stand whole steps above it. */
static bool is_size(const sbs_alg_info *info, size_t bits) {
    return sbs_alg_takes(info, bits) && (bits - info->bits_min) % SBS_KEY_BITS_STEP == 0;
}

sbs_status sbs_pem_key_generate(sbs_alg alg, size_t bits, psa_key_id_t *out_id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    *out_id = PSA_KEY_ID_NULL;
    const sbs_alg_info *info = sbs_alg_info_of(alg);
    if (info == NULL) {
        return SBS_ERR_ARGUMENT;
    }
    if (bits == 0) {
        bits = info->bits_min;
    }
    if (!is_size(info, bits)) {
        return SBS_ERR_ARGUMENT;
    }

    psa_set_key_type(&attributes, PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(info->psa_public));
    psa_set_key_bits(&attributes, bits);
    psa_set_key_algorithm(&attributes, info->psa_alg);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);

    return sbs_psa_to_status(psa_generate_key(&attributes, out_id));
}

#endif
