/* SPDX-License-Identifier: Apache-2.0 */
#include "sbs/pem_key.h"
#include "sbs/alg.h"
#include "sbs/count.h"

#include <mbedtls/pem.h>
#include <string.h>

#include "sbs/mbedtls_series.h"
#include "sbs/psa_key.h"

#if MBEDTLS_VERSION_MAJOR < 4
#include <mbedtls/rsa.h>
#endif

#if defined(MBEDTLS_PEM_PARSE_C)

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define RSA_BITS_MIN 2048u
#define RSA_BITS_MAX 4096u
#define EC_BITS 384u

/* The key blocks of a text. */
typedef struct key_blocks {
    unsigned private_count;
    unsigned public_count;
    const char *private_block; /* the first of its kind, from its BEGIN */
    const char *public_block;
} key_blocks;

const char *sbs_pem_fault_text(sbs_pem_fault fault) {
    static const char *const texts[] = {
#define TEXT(name, text) text,
        SBS_PEM_FAULT_TABLE(TEXT)
#undef TEXT
    };
    if ((size_t)fault < SBS_COUNT_OF(texts)) {
        return texts[fault];
    }

    return "cannot be used";
}

static sbs_status refuse_pem(sbs_pem_fault *out_fault, sbs_pem_fault fault) {
    *out_fault = fault;
    return SBS_ERR_KEY;
}

/* Characters of the label after BEGIN, 0 if the line is no header. */
static size_t label_len(const char *label) {
    size_t len = strcspn(label, "-\r\n");
    if (strncmp(label + len, DASHES, sizeof DASHES - 1) == 0) {
        return len;
    }
    return 0;
}

static bool label_ends(const char *label, size_t len, const char *end) {
    size_t end_len = strlen(end);
    return len >= end_len && strncmp(label + len - end_len, end, end_len) == 0;
}

/* Counts a block; the first of a kind is the one that is read. */
static void note_block(const char **first, unsigned *count, const char *at) {
    if (*count == 0) {
        *first = at;
    }
    (*count)++;
}

static key_blocks find_blocks(const char *text) {
    key_blocks found = {0};
    for (const char *at = strstr(text, BEGIN); at != NULL; at = strstr(at + 1, BEGIN)) {
        const char *label = at + sizeof BEGIN - 1;
        size_t len = label_len(label);
        if (label_ends(label, len, "PRIVATE KEY")) {
            note_block(&found.private_block, &found.private_count, at);
        } else if (label_ends(label, len, "PUBLIC KEY")) {
            note_block(&found.public_block, &found.public_count, at);
        }
    }

    return found;
}

static bool has_end(const char *block) {
    const char *label = block + sizeof BEGIN - 1;
    size_t len = label_len(label);

    for (const char *at = strstr(label, END); at != NULL; at = strstr(at + 1, END)) {
        const char *end_label = at + sizeof END - 1;
        if (label_len(end_label) == len && strncmp(end_label, label, len) == 0) {
            return true;
        }
    }

    return false;
}

static bool has_label(const char *block, const char *label) {
    const char *own = block + sizeof BEGIN - 1;
    return label_len(own) == strlen(label) && strncmp(own, label, strlen(label)) == 0;
}

/* What can be said of a block before it is decoded. */
static sbs_pem_fault look_at(const char *block) {
    static const char *const known[] = {"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "PUBLIC KEY",
                                        "RSA PUBLIC KEY"};
    if (has_label(block, "ENCRYPTED PRIVATE KEY")) {
        return SBS_PEM_ENCRYPTED;
    }

    for (size_t i = 0; i < SBS_COUNT_OF(known); i++) {
        if (has_label(block, known[i])) {
            if (has_end(block)) {
                return SBS_PEM_NO_FAULT;
            }
            return SBS_PEM_TRUNCATED;
        }
    }

    return SBS_PEM_UNKNOWN_FORMAT;
}

static sbs_status decoding_failed(int code, sbs_pem_fault *out_fault) {
    if (code == MBEDTLS_ERR_PK_ALLOC_FAILED || code == MBEDTLS_ERR_PEM_ALLOC_FAILED) { /* one code in Mbed TLS 4 */
        return SBS_ERR_MEMORY;
    }

    switch (code) {
    case MBEDTLS_ERR_PK_PASSWORD_REQUIRED:
    case MBEDTLS_ERR_PEM_PASSWORD_REQUIRED:
    case MBEDTLS_ERR_PEM_FEATURE_UNAVAILABLE: /* "Proc-Type: 4,ENCRYPTED" */
        return refuse_pem(out_fault, SBS_PEM_ENCRYPTED);
    case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
        return refuse_pem(out_fault, SBS_PEM_WRONG_CURVE);
    case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
        return refuse_pem(out_fault, SBS_PEM_WRONG_KIND);
    default:
        return refuse_pem(out_fault, SBS_PEM_DAMAGED);
    }
}

static sbs_pem_fault check_size(const mbedtls_pk_context *pk) {
    size_t bits = mbedtls_pk_get_bitlen(pk);
    if (sbs_mbedtls_is_rsa(pk)) {
        if (bits < RSA_BITS_MIN) {
            return SBS_PEM_TOO_SMALL;
        }
        if (bits > RSA_BITS_MAX) {
            return SBS_PEM_TOO_LARGE;
        }
        return SBS_PEM_NO_FAULT;
    }

    if (!sbs_mbedtls_is_ec(pk)) {
        return SBS_PEM_WRONG_KIND;
    }
    if (bits != EC_BITS) {
        return SBS_PEM_WRONG_CURVE;
    }
    return SBS_PEM_NO_FAULT;
}

static psa_algorithm_t signing_algorithm(const mbedtls_pk_context *pk) {
    if (sbs_mbedtls_is_rsa(pk)) {
        return PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384);
    }
    return PSA_ALG_ECDSA(PSA_ALG_SHA_384);
}

static sbs_status import_into_psa(const mbedtls_pk_context *pk, bool is_private, psa_key_id_t *out_id) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_usage_t usage = is_private ? PSA_KEY_USAGE_SIGN_HASH : PSA_KEY_USAGE_VERIFY_HASH;
    int code = mbedtls_pk_get_psa_attributes(pk, usage, &attributes);

    psa_set_key_usage_flags(&attributes, usage); /* and not to be exported or copied */
    psa_set_key_algorithm(&attributes, signing_algorithm(pk));
    if (code == 0) {
        code = mbedtls_pk_import_into_psa(pk, &attributes, out_id);
    }

    psa_reset_key_attributes(&attributes);
    if (code == MBEDTLS_ERR_PK_ALLOC_FAILED || code == PSA_ERROR_INSUFFICIENT_MEMORY) {
        return SBS_ERR_MEMORY;
    }

    if (code == 0) {
        return SBS_OK;
    }

    return SBS_ERR_CRYPTO;
}

/* RSA: n, e, d, p, q and the CRT values; EC: the point against the scalar. A key that does not fit signs wrongly at
 * best. */
#if MBEDTLS_VERSION_MAJOR < 4
static bool parts_fit(mbedtls_pk_context *pk) {
    if (sbs_mbedtls_is_rsa(pk)) {
        return mbedtls_rsa_check_privkey(mbedtls_pk_rsa(*pk)) == 0;
    }
    return sbs_mbedtls_is_pair(pk, pk);
}
#else
/* Mbed TLS 4 shows no parts of an RSA key, and has no public half of its own beside it. What the key signs, the public
 * half that follows from it has to verify. */
static bool signs_right(const mbedtls_pk_context *pk, psa_key_id_t id) {
    static const uint8_t hash[PSA_HASH_LENGTH(PSA_ALG_SHA_384)] = {0};
    uint8_t public_key[SBS_PUBLIC_KEY_MAX], signature[PSA_SIGNATURE_MAX_SIZE];
    size_t public_len = 0, len = 0;

    return psa_export_public_key(id, public_key, sizeof public_key, &public_len) == PSA_SUCCESS &&
           psa_sign_hash(id, signing_algorithm(pk), hash, sizeof hash, signature, sizeof signature, &len) ==
               PSA_SUCCESS &&
           sbs_psa_verify(SBS_RS384, public_key, public_len, hash, signature, len) == SBS_OK;
}

static bool parts_fit(const mbedtls_pk_context *pk) {
    psa_key_id_t id = PSA_KEY_ID_NULL;
    if (!sbs_mbedtls_is_rsa(pk)) {
        return sbs_mbedtls_is_pair(pk, pk);
    }

    bool fit = import_into_psa(pk, true, &id) == SBS_OK && signs_right(pk, id);

    (void)psa_destroy_key(id);
    return fit;
}
#endif

static sbs_status decode(const char *block, bool is_private, mbedtls_pk_context *pk, sbs_pem_fault *out_fault) {
    sbs_pem_fault fault = look_at(block);
    if (fault != SBS_PEM_NO_FAULT) {
        return refuse_pem(out_fault, fault);
    }

    const unsigned char *bytes = (const unsigned char *)block;
    size_t size = strlen(block) + 1;
    int code;
    if (is_private) {
        code = sbs_mbedtls_parse_key(pk, bytes, size);
    } else {
        code = mbedtls_pk_parse_public_key(pk, bytes, size);
    }

    if (code != 0) {
        return decoding_failed(code, out_fault);
    }

    fault = check_size(pk);
    if (fault == SBS_PEM_NO_FAULT && is_private && !parts_fit(pk)) {
        fault = SBS_PEM_DAMAGED;
    }

    if (fault == SBS_PEM_NO_FAULT) {
        return SBS_OK;
    }

    return refuse_pem(out_fault, fault);
}

static sbs_status decode_and_import(const char *block, bool is_private, psa_key_id_t *out_id,
                                    sbs_pem_fault *out_fault) {
    mbedtls_pk_context pk;
    mbedtls_pk_init(&pk);
    sbs_status status = decode(block, is_private, &pk, out_fault);
    if (status == SBS_OK) {
        status = import_into_psa(&pk, is_private, out_id);
    }
    mbedtls_pk_free(&pk);
    return status;
}

sbs_status sbs_pem_key_import(const char *text, size_t len, psa_key_id_t *out_id, sbs_pem_fault *out_fault) {
    *out_id = PSA_KEY_ID_NULL;
    *out_fault = SBS_PEM_NO_FAULT;
    if (strlen(text) != len) {
        return refuse_pem(out_fault, SBS_PEM_NO_KEY);
    }

    key_blocks found = find_blocks(text);
    if (found.private_count == 0 && found.public_count == 0) {
        return refuse_pem(out_fault, SBS_PEM_NO_KEY);
    }

    if (found.private_count == 0) {
        return refuse_pem(out_fault, SBS_PEM_ONLY_PUBLIC);
    }

    if (found.private_count > 1) {
        return refuse_pem(out_fault, SBS_PEM_SEVERAL);
    }

    return decode_and_import(found.private_block, true, out_id, out_fault);
}

static sbs_status export_public(psa_key_id_t id, sbs_alg *out_alg, uint8_t *buffer, size_t size, size_t *out_len) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_status_t status = psa_get_key_attributes(id, &attributes);
    if (status != PSA_SUCCESS) {
        return sbs_psa_to_status(status);
    }

    psa_key_type_t type =
        PSA_KEY_TYPE_KEY_PAIR_OF_PUBLIC_KEY(PSA_KEY_TYPE_PUBLIC_KEY_OF_KEY_PAIR(psa_get_key_type(&attributes)));
    const sbs_alg_info *info = sbs_alg_of_key(type, psa_get_key_bits(&attributes), psa_get_key_algorithm(&attributes));
    psa_reset_key_attributes(&attributes);
    if (info == NULL) {
        return SBS_ERR_KEY;
    }

    *out_alg = info->alg;
    return sbs_psa_to_status(psa_export_public_key(id, buffer, size, out_len));
}

sbs_status sbs_pem_public_key_read(const char *text, size_t len, sbs_alg *out_alg, uint8_t *buffer, size_t size,
                                   size_t *out_len, sbs_pem_fault *out_fault) {
    psa_key_id_t id = PSA_KEY_ID_NULL;
    sbs_status status = sbs_pem_key_import(text, len, &id, out_fault);
    if (status == SBS_ERR_KEY && *out_fault == SBS_PEM_ONLY_PUBLIC) {
        key_blocks found = find_blocks(text);
        if (found.public_count > 1) {
            return refuse_pem(out_fault, SBS_PEM_SEVERAL);
        }

        *out_fault = SBS_PEM_NO_FAULT;
        status = decode_and_import(found.public_block, false, &id, out_fault);
    }

    if (status != SBS_OK) {
        return status;
    }

    status = export_public(id, out_alg, buffer, size, out_len);
    (void)psa_destroy_key(id);
    return status;
}

#endif
