/* SPDX-License-Identifier: Apache-2.0 */
#include "ca_write.h"

#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <psa/crypto.h>
#include <stdio.h>
#include <string.h>

#include "sbs/count.h"
#include "sbs/date.h"
#include "sbs/mbedtls_series.h"
#include "sbs/psa_key.h"
#include "sbs/text.h"

#define NAME_SIZE 160u
#define KEY_ID_SIZE 20u
#define TIME_SIZE 15u

/* ---- pairs ---------------------------------------------------------------------------------------------------- */

void sbs_ca_pair_init(sbs_ca_pair *pair) {
    mbedtls_x509_crt_init(&pair->certificate);
    mbedtls_pk_init(&pair->key);
}

void sbs_ca_pair_free(sbs_ca_pair *pair) {
    mbedtls_x509_crt_free(&pair->certificate);
    mbedtls_pk_free(&pair->key);
}

sbs_status sbs_ca_pair_parse(sbs_ca_pair *pair, const char *text, size_t len) {
    const unsigned char *bytes = (const unsigned char *)text;

    if (mbedtls_x509_crt_parse(&pair->certificate, bytes, len + 1) != 0 ||
        sbs_mbedtls_parse_key(&pair->key, bytes, len + 1) != 0 ||
        !sbs_mbedtls_is_pair(&pair->certificate.pk, &pair->key)) {
        return SBS_ERR_DAMAGED;
    }
    return SBS_OK;
}

/* Of a row of steps the first error stays; those behind it do no harm. */
static void write_note(int *error, int code) {
    if (*error == 0) {
        *error = code;
    }
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

static sbs_status write_new_key(mbedtls_pk_context *out) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id = 0;
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, 256);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));

    psa_status_t made = psa_generate_key(&attributes, &id);
    if (made != PSA_SUCCESS) {
        return sbs_psa_to_status(made);
    }

    int code = mbedtls_pk_copy_from_psa(id, out);
    (void)psa_destroy_key(id);
    if (code != 0) {
        return SBS_ERR_CRYPTO;
    }
    return SBS_OK;
}

/* Key identifier: the leftmost 160 bits of the SHA-256 of the public key (RFC 7093 section 2, method 1). */
static int write_key_id(mbedtls_pk_context *key, unsigned char out[KEY_ID_SIZE]) {
    unsigned char point[128];
    unsigned char hash[32];
    size_t len = 0, hash_len = 0;
    int code = sbs_mbedtls_public_key(key, point, sizeof point, &len);
    if (code != 0) {
        return code;
    }
    if (psa_hash_compute(PSA_ALG_SHA_256, point, len, hash, sizeof hash, &hash_len) != PSA_SUCCESS) {
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    }

    memcpy(out, hash, KEY_ID_SIZE);
    return 0;
}

/* ---- extensions ----------------------------------------------------------------------------------------------- */

/* SubjectKeyIdentifier, and that of the issuer (RFC 5280 sections 4.2.1.2 and 4.2.1.1). Mbed TLS makes them by SHA-1
 * alone, which is not built. */
static int write_key_ids(mbedtls_x509write_cert *out, mbedtls_pk_context *own, mbedtls_pk_context *issuer) {
    unsigned char subject[2 + KEY_ID_SIZE] = {MBEDTLS_ASN1_OCTET_STRING, KEY_ID_SIZE};
    unsigned char authority[4 + KEY_ID_SIZE] = {MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE, 2 + KEY_ID_SIZE,
                                                MBEDTLS_ASN1_CONTEXT_SPECIFIC, KEY_ID_SIZE};
    int error = write_key_id(own, subject + 2);
    write_note(&error, write_key_id(issuer, authority + 4));

    write_note(&error, mbedtls_x509write_crt_set_extension(out, MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
                                                           MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), 0,
                                                           subject, sizeof subject));
    write_note(&error, mbedtls_x509write_crt_set_extension(out, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
                                                           MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), 0,
                                                           authority, sizeof authority));
    return error;
}

/* DER is written from the end of a buffer to its front. */
typedef struct der_writer {
    unsigned char buffer[8192];
    unsigned char *at;
    size_t len;
    int error;
} der_writer;

static void der_note(der_writer *der, int result) {
    if (result < 0) {
        der->error = result;
    } else {
        der->len += (size_t)result;
    }
}

static void der_put_header(der_writer *der, size_t content, unsigned char tag) {
    der_note(der, mbedtls_asn1_write_len(&der->at, der->buffer, content));
    der_note(der, mbedtls_asn1_write_tag(&der->at, der->buffer, tag));
}

/* A GeneralSubtree of a GeneralName with these bytes. */
static void der_put_subtree(der_writer *der, unsigned char kind, const void *bytes, size_t len) {
    size_t before = der->len;

    der_note(der, mbedtls_asn1_write_raw_buffer(&der->at, der->buffer, bytes, len));
    der_put_header(der, len, (unsigned char)(MBEDTLS_ASN1_CONTEXT_SPECIFIC | kind));
    der_put_header(der, der->len - before, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
}

/* An address and its mask. */
static void der_put_network(der_writer *der, const unsigned char *address, size_t len, unsigned bits) {
    unsigned char bytes[32] = {0};
    memcpy(bytes, address, len);
    for (unsigned i = 0; i < bits; i++) {
        bytes[len + i / 8] |= (unsigned char)(0x80u >> i % 8);
    }

    der_put_subtree(der, MBEDTLS_X509_SAN_IP_ADDRESS, bytes, 2 * len);
}

static void der_put_private_networks(der_writer *der) {
    static const struct {
        unsigned char address[16];
        uint8_t len, bits;
    } networks[] = {
        {{10}, 4, 8},  {{172, 16}, 4, 12}, {{192, 168}, 4, 16},    {{169, 254}, 4, 16},   {{100, 64}, 4, 10},
        {{127}, 4, 8}, {{0xFC}, 16, 7},    {{0xFE, 0x80}, 16, 10}, {{[15] = 1}, 16, 128},
    };

    for (size_t i = 0; i < SBS_COUNT_OF(networks); i++) {
        der_put_network(der, networks[i].address, networks[i].len, networks[i].bits);
    }
}

/* RFC 5280 section 4.2.1.10: permittedSubtrees. */
static int write_constraints(mbedtls_x509write_cert *out, const sbs_ca_hosts *hosts) {
    static const char *const names[] = {"localhost", "local", "lan", "internal", "home.arpa"};
    der_writer der = {.len = 0};
    der.at = der.buffer + sizeof der.buffer;

    for (size_t i = 0; i < SBS_COUNT_OF(names); i++) {
        der_put_subtree(&der, MBEDTLS_X509_SAN_DNS_NAME, names[i], strlen(names[i]));
    }
    for (size_t i = 0; i < hosts->count; i++) {
        const sbs_ca_host *host = &hosts->list[i];
        if (host->address_len > 0) {
            der_put_network(&der, host->address, host->address_len, (unsigned)host->address_len * 8);
        } else {
            der_put_subtree(&der, MBEDTLS_X509_SAN_DNS_NAME, host->name, strlen(host->name));
        }
    }
    der_put_private_networks(&der);
    der_put_header(&der, der.len, MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED);
    der_put_header(&der, der.len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);

    if (der.error != 0) {
        return der.error;
    }
    return mbedtls_x509write_crt_set_extension(out, MBEDTLS_OID_NAME_CONSTRAINTS,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_NAME_CONSTRAINTS), 0, der.at, der.len);
}

static int write_hosts(mbedtls_x509write_cert *out, const sbs_ca_hosts *hosts) {
    mbedtls_x509_san_list list[SBS_GATEWAY_CA_HOSTS_MAX];
    memset(list, 0, sizeof list);

    for (size_t i = 0; i < hosts->count; i++) {
        const sbs_ca_host *host = &hosts->list[i];
        /* Mbed TLS only reads them; its members lack the const. */
        list[i].node.type = MBEDTLS_X509_SAN_DNS_NAME;
        list[i].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)host->name;
        list[i].node.san.unstructured_name.len = strlen(host->name);
        if (host->address_len > 0) {
            list[i].node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
            list[i].node.san.unstructured_name.p = (unsigned char *)(uintptr_t)host->address;
            list[i].node.san.unstructured_name.len = host->address_len;
        }
        if (i + 1 < hosts->count) {
            list[i].next = &list[i + 1];
        }
    }

    return mbedtls_x509write_crt_set_subject_alternative_name(out, list);
}

static int write_server_use(mbedtls_x509write_cert *out) {
    const mbedtls_asn1_sequence use = {
        .buf = {.tag = MBEDTLS_ASN1_OID,
                .len = MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH),
                .p = (unsigned char *)(uintptr_t)MBEDTLS_OID_SERVER_AUTH},
        .next = NULL,
    };

    return mbedtls_x509write_crt_set_ext_key_usage(out, &use);
}

/* ---- certificates --------------------------------------------------------------------------------------------- */

/* YYYYMMDDhhmmss. The C library's calendar ends in 2038 where time_t has 32 bits. */
static bool write_time(int64_t utc_s, char out[TIME_SIZE]) {
    char text[32];
    size_t len = 0;
    size_t digits = 0;
    sbs_writer writer;
    sbs_writer_init(&writer, text, sizeof text);
    sbs_date_put(&writer, utc_s, -1, 0);
    if (sbs_writer_finish(&writer, &len) != SBS_OK) {
        return false;
    }

    for (size_t i = 0; i < len && digits < TIME_SIZE - 1; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            out[digits++] = text[i];
        }
    }
    out[digits] = '\0';
    return digits == TIME_SIZE - 1;
}

static int write_term(mbedtls_x509write_cert *out, sbs_ca_term term) {
    char from[TIME_SIZE];
    char until[TIME_SIZE];

    if (!write_time(term.from_s, from) || !write_time(term.until_s, until)) {
        return MBEDTLS_ERR_X509_INVALID_DATE;
    }
    return mbedtls_x509write_crt_set_validity(out, from, until);
}

/* 128 random bits, positive (RFC 5280 section 4.1.2.2). */
static int write_serial(mbedtls_x509write_cert *out) {
    unsigned char serial[16];
    if (psa_generate_random(serial, sizeof serial) != PSA_SUCCESS) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }

    serial[0] = (unsigned char)((serial[0] & 0x3Fu) | 0x40u);
    return mbedtls_x509write_crt_set_serial_raw(out, serial, sizeof serial);
}

static int write_common(mbedtls_x509write_cert *out, mbedtls_pk_context *own, mbedtls_pk_context *issuer,
                        sbs_ca_term term) {
    mbedtls_x509write_crt_set_version(out, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(out, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(out, own);
    mbedtls_x509write_crt_set_issuer_key(out, issuer);

    int error = write_serial(out);
    write_note(&error, write_term(out, term));
    write_note(&error, write_key_ids(out, own, issuer));
    return error;
}

/* Key and certificate as one text, unless there was an error before. */
static sbs_status write_text(int error, mbedtls_x509write_cert *out, mbedtls_pk_context *key,
                             char text[SBS_CA_TEXT_SIZE]) {
    if (error == 0) {
        error = mbedtls_pk_write_key_pem(key, (unsigned char *)text, SBS_CA_TEXT_SIZE);
    }
    if (error == 0) {
        size_t len = strlen(text);
        error = sbs_mbedtls_write_certificate(out, text + len, SBS_CA_TEXT_SIZE - len);
    }

    if (error == MBEDTLS_ERR_X509_ALLOC_FAILED || error == MBEDTLS_ERR_ASN1_ALLOC_FAILED) {
        return SBS_ERR_MEMORY;
    }
    if (error != 0) {
        return SBS_ERR_CRYPTO;
    }
    return SBS_OK;
}

/* What a certificate is to say, beside what all of ours do. */
typedef struct ca_plan {
    const char *name;
    const sbs_ca_hosts *hosts;
    sbs_ca_term term;
    sbs_ca_pair *root; /* that signs; NULL: this is the root */
} ca_plan;

/* Two gateways of one name have roots that can be told apart. */
static int write_root_names(mbedtls_x509write_cert *out, const char *name) {
    char subject[NAME_SIZE];
    uint32_t random = 0;
    if (psa_generate_random((uint8_t *)&random, sizeof random) != PSA_SUCCESS) {
        return MBEDTLS_ERR_X509_ALLOC_FAILED;
    }

    (void)snprintf(subject, sizeof subject, "CN=sbs-gateway %.63s root %08x", name, (unsigned)random);
    int error = mbedtls_x509write_crt_set_subject_name(out, subject);
    write_note(&error, mbedtls_x509write_crt_set_issuer_name(out, subject));
    return error;
}

static int write_leaf_names(mbedtls_x509write_cert *out, const char *name, const mbedtls_x509_crt *root) {
    char text[NAME_SIZE];
    int code = mbedtls_x509_dn_gets(text, sizeof text, &root->subject);
    if (code < 0) {
        return code;
    }
    code = mbedtls_x509write_crt_set_issuer_name(out, text);
    if (code != 0) {
        return code;
    }

    (void)snprintf(text, sizeof text, "CN=%.63s", name);
    return mbedtls_x509write_crt_set_subject_name(out, text);
}

static int write_root(mbedtls_x509write_cert *out, const ca_plan *plan) {
    int error = write_root_names(out, plan->name);
    write_note(&error, mbedtls_x509write_crt_set_basic_constraints(out, 1, 0));
    write_note(&error, mbedtls_x509write_crt_set_key_usage(out, MBEDTLS_X509_KU_KEY_CERT_SIGN));
    write_note(&error, write_constraints(out, plan->hosts));
    return error;
}

static int write_leaf(mbedtls_x509write_cert *out, const ca_plan *plan) {
    int error = write_leaf_names(out, plan->name, &plan->root->certificate);
    write_note(&error, mbedtls_x509write_crt_set_basic_constraints(out, 0, 0));
    write_note(&error, mbedtls_x509write_crt_set_key_usage(out, MBEDTLS_X509_KU_DIGITAL_SIGNATURE));
    write_note(&error, write_server_use(out));
    write_note(&error, write_hosts(out, plan->hosts));
    return error;
}

/* Makes a key, and the certificate that says whose it is. */
static sbs_status write_pair(const ca_plan *plan, char text[SBS_CA_TEXT_SIZE]) {
    mbedtls_x509write_cert certificate;
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    mbedtls_x509write_crt_init(&certificate);

    sbs_status status = write_new_key(&key);
    if (status == SBS_OK) {
        bool is_root = plan->root == NULL;
        int error = write_common(&certificate, &key, is_root ? &key : &plan->root->key, plan->term);
        write_note(&error, is_root ? write_root(&certificate, plan) : write_leaf(&certificate, plan));
        status = write_text(error, &certificate, &key, text);
    }

    mbedtls_x509write_crt_free(&certificate);
    mbedtls_pk_free(&key);
    return status;
}

sbs_status sbs_ca_write_root(const char *name, const sbs_ca_hosts *hosts, sbs_ca_term term,
                             char text[SBS_CA_TEXT_SIZE]) {
    const ca_plan plan = {name, hosts, term, NULL};
    return write_pair(&plan, text);
}

sbs_status sbs_ca_write_leaf(const char *name, const sbs_ca_hosts *hosts, sbs_ca_term term, sbs_ca_pair *root,
                             char text[SBS_CA_TEXT_SIZE]) {
    const ca_plan plan = {name, hosts, term, root};
    return write_pair(&plan, text);
}
