/* SPDX-License-Identifier: Apache-2.0 */
/* Key files made by OpenSSL, and key files that OpenSSL must understand. */
#include <mbedtls/build_info.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sbs/mbedtls_platform.h"
#include "sbs/pem_key.h"
#include "sbs/psa_key.h"
#include "test.h"
#include "test_folder.h"

static char *folder;

static int set_up_group(void **state) {
    (void)state;
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    folder = test_folder_make("make_keys.sh");
    return 0;
}

static int tear_down_group(void **state) {
    (void)state;
    test_folder_remove(folder);
    return 0;
}

static sbs_status read_public(const char *name, sbs_alg *out_alg, uint8_t *buffer, size_t *out_len,
                              sbs_pem_fault *out_fault) {
    size_t len;
    char *text = test_folder_load(folder, name, &len);
    sbs_status status = sbs_pem_public_key_read(text, len, out_alg, buffer, SBS_PUBLIC_KEY_MAX, out_len, out_fault);
    free(text);
    return status;
}

static sbs_status sign_and_verify(psa_key_id_t id, const uint8_t *public_key, size_t public_len, sbs_alg alg) {
    const uint8_t hash[SBS_HASH_SIZE] = {1, 2, 3};
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    sbs_psa_key state;
    sbs_key key;
    sbs_psa_key_init(&state, id, &key);
    sbs_status status = key.ops->sign(key.ctx, hash, signature, sizeof signature, &len);
    return status == SBS_OK ? sbs_psa_verify(alg, public_key, public_len, hash, signature, len) : status;
}

/* The private key file signs, and its public part is the one of the public key file. */
static void check_pair(const char *private_name, const char *public_name, sbs_alg expected) {
    uint8_t from_private[SBS_PUBLIC_KEY_MAX], from_public[SBS_PUBLIC_KEY_MAX];
    size_t private_len = 0, public_len = 0, len = 0;
    sbs_pem_fault fault;
    sbs_alg alg;
    psa_key_id_t id;
    assert_int_equal(read_public(public_name, &alg, from_public, &public_len, &fault), SBS_OK);
    assert_int_equal(alg, expected);
    assert_int_equal(read_public(private_name, &alg, from_private, &private_len, &fault), SBS_OK);
    assert_int_equal(alg, expected);
    assert_int_equal(private_len, public_len);
    assert_memory_equal(from_private, from_public, public_len);
    char *text = test_folder_load(folder, private_name, &len);
    assert_int_equal(sbs_pem_key_import(text, len, &id, &fault), SBS_OK);
    assert_int_equal(fault, SBS_PEM_NO_FAULT);
    assert_int_equal(sign_and_verify(id, from_public, public_len, alg), SBS_OK);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    free(text);
}

static void reads_every_format(void **state) {
    (void)state;
    check_pair("rsa2048.pem", "rsa2048.public.pem", SBS_RS384);
    check_pair("rsa2048.traditional.pem", "rsa2048.rsapublic.pem", SBS_RS384);
    check_pair("rsa2048e3.pem", "rsa2048e3.public.pem", SBS_RS384);
    check_pair("rsa2048e3.traditional.pem", "rsa2048e3.public.pem", SBS_RS384);
    check_pair("rsa3072.pem", "rsa3072.public.pem", SBS_RS384);
    check_pair("rsa4096.pem", "rsa4096.public.pem", SBS_RS384);
    check_pair("rsa4096.traditional.pem", "rsa4096.public.pem", SBS_RS384);
    check_pair("p384.pem", "p384.public.pem", SBS_ES384);
    check_pair("p384.traditional.pem", "p384.public.pem", SBS_ES384);
    check_pair("p384.parameters.pem", "p384.parameters.pem", SBS_ES384);
    check_pair("crlf.pem", "rsa2048.public.pem", SBS_RS384);
    check_pair("text.pem", "rsa2048.public.pem", SBS_RS384);
    check_pair("pair.pem", "rsa2048.public.pem", SBS_RS384);
}

static void check_public_bytes(const char *name, const char *expected_name) {
    uint8_t buffer[SBS_PUBLIC_KEY_MAX];
    size_t len = 0, expected_len = 0;
    sbs_pem_fault fault;
    sbs_alg alg;
    char *expected = test_folder_load(folder, expected_name, &expected_len);
    assert_int_equal(read_public(name, &alg, buffer, &len, &fault), SBS_OK);
    assert_int_equal(len, expected_len);
    assert_memory_equal(buffer, expected, len);
    free(expected);
}

static void public_keys_have_the_form_of_the_key_port(void **state) {
    (void)state;
    check_public_bytes("rsa2048.public.pem", "rsa2048.public.der");
    check_public_bytes("rsa4096.pem", "rsa4096.public.der");
    check_public_bytes("p384.public.pem", "p384.public.der");
}

static void a_public_key_that_does_not_fit_is_an_error(void **state) {
    uint8_t buffer[SBS_PUBLIC_KEY_MAX];
    size_t len, out_len = 0;
    sbs_pem_fault fault;
    sbs_alg alg;
    char *text = test_folder_load(folder, "p384.public.pem", &len);
    (void)state;
    assert_int_equal(sbs_pem_public_key_read(text, len, &alg, buffer, 97, &out_len, &fault), SBS_OK);
    assert_int_equal(out_len, 97);
    assert_int_equal(sbs_pem_public_key_read(text, len, &alg, buffer, 96, &out_len, &fault), SBS_ERR_BUFFER);
    free(text);
}

static void check_refused(const char *name, sbs_pem_fault expected) {
    size_t len;
    psa_key_id_t id = 77;
    sbs_pem_fault fault = SBS_PEM_NO_FAULT;
    char *text = test_folder_load(folder, name, &len);
    sbs_status status = sbs_pem_key_import(text, len, &id, &fault);
    if (status != SBS_ERR_KEY || fault != expected) {
        fail_msg("%s: status %d, %s", name, status, sbs_pem_fault_text(fault));
    }
    assert_int_equal(id, PSA_KEY_ID_NULL);
    free(text);
}

static void refuses_with_the_reason(void **state) {
    (void)state;
    check_refused("rsa1024.pem", SBS_PEM_TOO_SMALL);
#if MBEDTLS_VERSION_MAJOR < 4
    check_refused("rsa4104.pem", SBS_PEM_TOO_LARGE);
#else
    check_refused("rsa4104.pem", SBS_PEM_DAMAGED); /* it is not read at all */
#endif
    check_refused("p256.pem", SBS_PEM_WRONG_CURVE);
    check_refused("p521.pem", SBS_PEM_WRONG_CURVE);
    check_refused("k256.pem", SBS_PEM_WRONG_CURVE);
    check_refused("ed25519.pem", SBS_PEM_WRONG_KIND);
    check_refused("encrypted.pem", SBS_PEM_ENCRYPTED);
    check_refused("encrypted.traditional.pem", SBS_PEM_ENCRYPTED);
    check_refused("no-end.pem", SBS_PEM_TRUNCATED);
    check_refused("half.pem", SBS_PEM_TRUNCATED);
    check_refused("hole.pem", SBS_PEM_DAMAGED);
    check_refused("two.pem", SBS_PEM_SEVERAL);
    check_refused("rsa2048.public.pem", SBS_PEM_ONLY_PUBLIC);
    check_refused("dh.pem", SBS_PEM_NO_KEY);
    check_refused("rsa2048.public.der", SBS_PEM_NO_KEY);
}

static void check_public_refused(const char *name, sbs_pem_fault expected) {
    uint8_t buffer[SBS_PUBLIC_KEY_MAX];
    size_t len = 0;
    sbs_pem_fault fault = SBS_PEM_NO_FAULT;
    sbs_alg alg;
    assert_int_equal(read_public(name, &alg, buffer, &len, &fault), SBS_ERR_KEY);
    assert_int_equal(fault, expected);
}

static void refuses_public_keys_too(void **state) {
    (void)state;
    check_public_refused("rsa1024.public.pem", SBS_PEM_TOO_SMALL);
    check_public_refused("p256.public.pem", SBS_PEM_WRONG_CURVE);
    check_public_refused("two.public.pem", SBS_PEM_SEVERAL);
    check_public_refused("encrypted.pem", SBS_PEM_ENCRYPTED);
    check_public_refused("dh.pem", SBS_PEM_NO_KEY);
}

static sbs_pem_fault fault_of(const char *text) {
    psa_key_id_t id;
    sbs_pem_fault fault = SBS_PEM_NO_FAULT;
    assert_int_equal(sbs_pem_key_import(text, strlen(text), &id, &fault), SBS_ERR_KEY);
    return fault;
}

static void refuses_what_is_no_key_at_all(void **state) {
    const char with_nul[] = "-----BEGIN PRIVATE KEY-----\n\0-----END PRIVATE KEY-----\n";
    psa_key_id_t id;
    sbs_pem_fault fault;
    (void)state;
    assert_int_equal(fault_of(""), SBS_PEM_NO_KEY);
    assert_int_equal(fault_of("{}"), SBS_PEM_NO_KEY);
    assert_int_equal(fault_of("-----BEGIN "), SBS_PEM_NO_KEY);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY"), SBS_PEM_NO_KEY);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY-----"), SBS_PEM_TRUNCATED);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY-----\n-----END RSA PRIVATE KEY-----\n"), SBS_PEM_TRUNCATED);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"), SBS_PEM_DAMAGED);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), SBS_PEM_DAMAGED);
    assert_int_equal(fault_of("-----BEGIN PRIVATE KEY-----\n*!*\n-----END PRIVATE KEY-----\n"), SBS_PEM_DAMAGED);
    assert_int_equal(fault_of("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
                     SBS_PEM_UNKNOWN_FORMAT);
    assert_int_equal(sbs_pem_key_import(with_nul, sizeof with_nul - 1, &id, &fault), SBS_ERR_KEY);
    assert_int_equal(fault, SBS_PEM_NO_KEY);
}

static const char *other_digit(char digit) {
    return digit == 'A' ? "B" : "A";
}

/*
 * A key with one changed character is refused, or it is the same key still (a bit that means nothing). One character of
 * an EC file holds the end of the scalar and the tag of the point: changed, it makes a file without a point, which RFC
 * 5915 allows, so that nothing is left to compare the scalar with.
 */
static void check_damage(const char *name, const char *public_name, size_t step, size_t others_allowed) {
    uint8_t public_key[SBS_PUBLIC_KEY_MAX];
    size_t len, public_len = 0, refused = 0, tried = 0, others = 0;
    sbs_pem_fault fault;
    sbs_alg alg;
    char *text = test_folder_load(folder, name, &len);
    assert_int_equal(read_public(public_name, &alg, public_key, &public_len, &fault), SBS_OK);
    const char *body = strchr(text, '\n') + 1;
    const char *end = strstr(body, "\n-----END");
    for (size_t at = (size_t)(body - text); at < (size_t)(end - text); at += step) {
        psa_key_id_t id = PSA_KEY_ID_NULL;
        char kept = text[at];
        if (kept == '\n' || kept == '=') {
            continue;
        }
        text[at] = *other_digit(kept);
        sbs_status status = sbs_pem_key_import(text, len, &id, &fault);
        if (status == SBS_OK) {
            others += sign_and_verify(id, public_key, public_len, alg) != SBS_OK;
            assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
        } else {
            assert_int_equal(status, SBS_ERR_KEY);
            ++refused;
        }
        ++tried;
        text[at] = kept;
    }
    assert_true(others <= others_allowed);
#if MBEDTLS_VERSION_MAJOR < 4
    assert_true(refused * 100 >= tried * 95);
#else
    assert_true(refused > 0 && refused <= tried);  /* parts that nobody uses may be wrong there */
#endif
    free(text);
}

static void parts_that_do_not_fit_are_damage(void **state) {
    (void)state;
    check_damage("rsa2048.pem", "rsa2048.public.pem", 7, 0);
    check_damage("rsa2048.traditional.pem", "rsa2048.public.pem", 11, 0);
    check_damage("p384.pem", "p384.public.pem", 1, 1);
    check_damage("p384.traditional.pem", "p384.public.pem", 1, 1);
}

/* Every cut ends in a refusal and in no read beyond the end. */
static void every_truncation_is_refused(void **state) {
    size_t len;
    char *text = test_folder_load(folder, "p384.pem", &len);
    (void)state;
    for (size_t cut = 0; cut + 2 < len; cut++) {
        psa_key_id_t id;
        sbs_pem_fault fault;
        char *part = strndup(text, cut);
        assert_non_null(part);
        assert_int_equal(sbs_pem_key_import(part, cut, &id, &fault), SBS_ERR_KEY);
        free(part);
    }
    free(text);
}

static void run_openssl(const char *name, const char *out) {
    char *const arguments[] = {"openssl",           "pkey", "-in", (char *)(size_t)name, "-check", "-out",
                               (char *)(size_t)out, NULL};
    assert_int_equal(test_program_wait(test_program_start(folder, NULL, arguments)), 0);
}

/* What is generated is what OpenSSL would write for the same key, to the byte. */
static void check_generated(sbs_alg alg, size_t bits) {
    char text[SBS_PEM_KEY_SIZE], path[4096];
    uint8_t buffer[SBS_PUBLIC_KEY_MAX];
    size_t len = 0, again_len = 0, public_len = 0;
    psa_key_id_t id;
    sbs_pem_fault fault;
    sbs_alg read_alg;
    assert_int_equal(sbs_pem_key_generate(alg, bits, &id), SBS_OK);
    assert_int_equal(sbs_pem_key_write(id, text, sizeof text, &len), SBS_OK);
    assert_int_equal(strlen(text), len);
    assert_int_equal(sbs_pem_public_key_read(text, len, &read_alg, buffer, sizeof buffer, &public_len, &fault), SBS_OK);
    assert_int_equal(read_alg, alg);
    assert_int_equal(sign_and_verify(id, buffer, public_len, alg), SBS_OK);
    assert_true(snprintf(path, sizeof path, "%s/made.pem", folder) > 0);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    run_openssl("made.pem", "again.pem");
    char *again = test_folder_load(folder, "again.pem", &again_len);
    const char *key = strstr(again, "-----BEGIN"); /* -check may say "Key is valid" first */
    assert_non_null(key);
    assert_string_equal(key, text);
    free(again);
    assert_int_equal(sbs_pem_key_write(id, text, len + 1, &again_len), SBS_OK);
    assert_int_equal(sbs_pem_key_write(id, text, len, &again_len), SBS_ERR_BUFFER);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
}

static void generated_keys_are_those_of_openssl(void **state) {
    (void)state;
    check_generated(SBS_ES384, 0);
    check_generated(SBS_ES384, 384);
    check_generated(SBS_RS384, 0);
    check_generated(SBS_RS384, 3072);
}

static void only_sensible_sizes_are_generated(void **state) {
    psa_key_id_t id;
    (void)state;
    assert_int_equal(sbs_pem_key_generate(SBS_RS384, 1024, &id), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_pem_key_generate(SBS_RS384, 2049, &id), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_pem_key_generate(SBS_RS384, 8192, &id), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_pem_key_generate(SBS_ES384, 256, &id), SBS_ERR_ARGUMENT);
    assert_int_equal(sbs_pem_key_generate((sbs_alg)0, 384, &id), SBS_ERR_ARGUMENT);
}

static void an_imported_key_cannot_be_written(void **state) {
    char out[SBS_PEM_KEY_SIZE];
    size_t len, out_len;
    psa_key_id_t id;
    sbs_pem_fault fault;
    char *text = test_folder_load(folder, "p384.pem", &len);
    (void)state;
    assert_int_equal(sbs_pem_key_import(text, len, &id, &fault), SBS_OK);
    assert_int_equal(sbs_pem_key_write(id, out, sizeof out, &out_len), SBS_ERR_KEY);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_format),
        cmocka_unit_test(public_keys_have_the_form_of_the_key_port),
        cmocka_unit_test(a_public_key_that_does_not_fit_is_an_error),
        cmocka_unit_test(refuses_with_the_reason),
        cmocka_unit_test(refuses_public_keys_too),
        cmocka_unit_test(refuses_what_is_no_key_at_all),
        cmocka_unit_test(parts_that_do_not_fit_are_damage),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(generated_keys_are_those_of_openssl),
        cmocka_unit_test(only_sensible_sizes_are_generated),
        cmocka_unit_test(an_imported_key_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
