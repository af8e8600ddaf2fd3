/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of keys and certificates: PEM private and public keys, CA bundles, a client's own certificate and its key. The
 * input is a file as it stands, or says what is changed in one that is in order.
 */
#include <mbedtls/base64.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sbs/alg.h"
#include "sbs/count.h"
#include "sbs/jwk.h"
#include "sbs/pem_key.h"
#include "sbs/psa_key.h"
#include "sbs/tls_explain.h"
#include "sbs/tls_identity.h"
#include "sbs/tls_trust.h"

#define FILE_MAX 16384u
#define DER_MAX 512u

/* ---- a file that was in order ------------------------------------------------------------------------------------ */

static uint8_t key_der[DER_MAX];
static size_t key_der_len;

static void make_key(void) {
    static char pem[SBS_PEM_KEY_SIZE];
    psa_key_id_t id;
    size_t len = 0;
    fuzz_random_reset(3);
    FUZZ_REQUIRE(sbs_pem_key_generate(SBS_ES384, 0, &id) == SBS_OK);
    FUZZ_REQUIRE(sbs_pem_key_write(id, pem, sizeof pem, &len) == SBS_OK);
    FUZZ_REQUIRE(psa_destroy_key(id) == PSA_SUCCESS);
    const char *body = strchr(pem, '\n');
    const char *end = strstr(pem, "\n-----END");
    FUZZ_REQUIRE(body != NULL && end != NULL);
    FUZZ_REQUIRE(mbedtls_base64_decode(key_der, sizeof key_der, &key_der_len, (const unsigned char *)body,
                                       (size_t)(end - body)) == 0);
}

static size_t put_block(fuzz_input *input, char *out, size_t size) {
    static const char *const labels[] = {"PRIVATE KEY",   "EC PRIVATE KEY",        "RSA PRIVATE KEY",
                                         "PUBLIC KEY",    "ENCRYPTED PRIVATE KEY", "CERTIFICATE",
                                         "EC PARAMETERS", "RSA PUBLIC KEY",        "OPENSSH PRIVATE KEY"};
    uint8_t der[DER_MAX + 64];
    unsigned char text[2 * sizeof der];
    size_t text_len = 0;
    size_t der_len = key_der_len;
    memcpy(der, key_der, key_der_len);
    for (unsigned count = fuzz_below(input, 6); count > 0; count--) {
        der[fuzz_short(input) % der_len] = fuzz_byte(input);
    }
    if (fuzz_chance(input, 4)) {
        der_len -= fuzz_byte(input) % der_len;
    }
    if (fuzz_chance(input, 4)) {
        der_len += fuzz_bytes(input, der + der_len, sizeof der - der_len);
    }
    FUZZ_REQUIRE(mbedtls_base64_encode(text, sizeof text, &text_len, der, der_len) == 0);

    const char *label = labels[fuzz_below(input, SBS_COUNT_OF(labels))];
    const int len = snprintf(out, size, "%s-----BEGIN %s-----%s%s%.*s\n-----END %s-----%s",
                             fuzz_chance(input, 4) ? "words before it\n" : "", label,
                             fuzz_chance(input, 8) ? "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n" : "",
                             fuzz_chance(input, 4) ? "\r\n" : "\n", (int)text_len, (const char *)text, label,
                             fuzz_chance(input, 4) ? "" : "\n");
    return (size_t)len < size ? (size_t)len : 0;
}

static size_t put_together(fuzz_input *input, char *out) {
    size_t len = 0;
    for (unsigned count = 1 + fuzz_below(input, 3); count > 0; count--) {
        len += put_block(input, out + len, FILE_MAX - len);
    }
    for (unsigned count = fuzz_below(input, 3); count > 0 && len > 0; count--) {
        out[fuzz_short(input) % len] = (char)fuzz_byte(input);
    }
    return len;
}

/* ---- what must hold ---------------------------------------------------------------------------------------------- */

static void check_fault(sbs_status status, sbs_pem_fault fault) {
    FUZZ_REQUIRE(status == SBS_OK || status == SBS_ERR_KEY || status == SBS_ERR_MEMORY || status == SBS_ERR_CRYPTO);
    FUZZ_REQUIRE(status != SBS_ERR_KEY || fault != SBS_PEM_NO_FAULT);
    FUZZ_REQUIRE(sbs_pem_fault_text(fault)[0] != '\0');
}

/* What is imported signs, and its public half is the one that the file is said to have. */
static void read_key(const char *text, size_t len) {
    static uint8_t read[SBS_PUBLIC_KEY_MAX], own[SBS_PUBLIC_KEY_MAX];
    size_t read_len = 0;
    size_t own_len = 0;
    sbs_alg alg = SBS_RS384;
    sbs_pem_fault fault = SBS_PEM_NO_FAULT;
    psa_key_id_t id = PSA_KEY_ID_NULL;
    const sbs_status seen = sbs_pem_public_key_read(text, len, &alg, read, sizeof read, &read_len, &fault);
    check_fault(seen, fault);

    fault = SBS_PEM_NO_FAULT;
    const sbs_status status = sbs_pem_key_import(text, len, &id, &fault);
    fuzz_talk("%.*s\npublic %d, private %d: %s\n", (int)len, text, (int)seen, (int)status, sbs_pem_fault_text(fault));
    check_fault(status, fault);
    if (status != SBS_OK) {
        return;
    }

    sbs_public_key parsed;
    FUZZ_REQUIRE(seen == SBS_OK && psa_export_public_key(id, own, sizeof own, &own_len) == PSA_SUCCESS);
    FUZZ_REQUIRE(own_len == read_len && memcmp(own, read, own_len) == 0);
    FUZZ_REQUIRE(sbs_public_key_parse(alg, own, own_len, &parsed) == SBS_OK);
    FUZZ_REQUIRE(psa_destroy_key(id) == PSA_SUCCESS);
}

static void read_certificates(const char *text, size_t len) {
    sbs_tls_trust trust;
    size_t skipped = 0;
    sbs_tls_trust_init(&trust);
    const sbs_status status = sbs_tls_trust_add_pem(&trust, text, len, &skipped);
    FUZZ_REQUIRE(status == SBS_OK || status == SBS_ERR_FORMAT || status == SBS_ERR_ARGUMENT ||
                 status == SBS_ERR_MEMORY);
    FUZZ_REQUIRE(sbs_tls_problem_text(sbs_tls_trust_problem(&trust)) != NULL);
    FUZZ_REQUIRE((status == SBS_OK) == (trust.priv.count > 0));
    sbs_tls_trust_deinit(&trust);

    sbs_tls_trust_init(&trust);
    (void)sbs_tls_trust_add_der(&trust, (const uint8_t *)text, len);
    sbs_tls_trust_deinit(&trust);
}

static void read_identity(const char *text, size_t len) {
    sbs_tls_identity identity;
    sbs_tls_identity_fault fault = SBS_TLS_IDENTITY_NO_FAULT;
    sbs_tls_identity_init(&identity);
    const sbs_status status = sbs_tls_identity_load(&identity, text, len, text, len, &fault);
    FUZZ_REQUIRE((status == SBS_OK) == identity.priv.loaded);
    FUZZ_REQUIRE(status != SBS_ERR_KEY || fault != SBS_TLS_IDENTITY_NO_FAULT);
    FUZZ_REQUIRE(sbs_tls_identity_fault_text(fault) != NULL);
    sbs_tls_identity_deinit(&identity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char made[FILE_MAX];
    fuzz_input input = {data, size};
    size_t len;
    fuzz_crypto();
    if (key_der_len == 0) {
        make_key();
    }

    fuzz_random_reset(1);
    if (fuzz_byte(&input) % 4 == 1) {
        len = put_together(&input, made);
    } else {
        len = input.len < sizeof made ? input.len : sizeof made - 1;
        memcpy(made, input.data, len);
    }
    made[len] = '\0';

    char *copy = fuzz_copy(made, len + 1);
    read_key(copy, len);
    read_certificates(copy, len);
    read_identity(copy, len);
    free(copy);
    return 0;
}
