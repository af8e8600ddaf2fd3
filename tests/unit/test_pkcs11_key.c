/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in tokens, against a module that does as it is told (tests/pkcs11/fake_module.c). */
#define _GNU_SOURCE /* memmem */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../pkcs11/fake_module.h"
#include "assertions.h"
#include "sbs/count.h"
#include "sbs/pkcs11_key.h"
#include "sbs/psa_key.h"
#include "test.h"

#define PIN "correct horse"
#define URI "pkcs11:token=Lab;object=device"

static fake_module *module;
static sbs_pkcs11_key key;
static sbs_key port;
static psa_key_id_t ec, rsa;
static uint8_t hash[SBS_HASH_SIZE] = {1, 2, 3};
static uint8_t signature[SBS_SIGNATURE_MAX];
static size_t signature_len;

static const CK_ULONG class_public = CKO_PUBLIC_KEY, class_private = CKO_PRIVATE_KEY,
                      class_certificate = CKO_CERTIFICATE;
static const CK_ULONG type_ec = CKK_EC, type_rsa = CKK_RSA, type_other = 0x1F;
static const uint8_t p384[] = {0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22};
static const uint8_t p384_name[] = {0x13, 9, 's', 'e', 'c', 'p', '3', '8', '4', 'r', '1'};
static const uint8_t p256[] = {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
static const CK_BYTE yes = 1;

static uint8_t point[99], modulus[257], exponent[3], rsa_public[SBS_PUBLIC_KEY_MAX];
static size_t rsa_public_len;

/* Written by wipes: whether the PIN was in what was wiped. */
static unsigned pins_wiped;

void __real_sbs_wipe(void *data, size_t len);
void __wrap_sbs_wipe(void *data, size_t len);
void __wrap_sbs_wipe(void *data, size_t len) {
    if (memmem(data, len, PIN, sizeof PIN - 1) != NULL) {
        pins_wiped++;
    }
    __real_sbs_wipe(data, len);
}

/* ---- the token --------------------------------------------------------------------------------------------------- */

static CK_ULONG sign_by_psa(CK_ULONG mechanism, const CK_BYTE *data, CK_ULONG len, CK_BYTE *out) {
    size_t out_len = 0;
    if (mechanism == CKM_ECDSA) {
        assert_int_equal(len, SBS_HASH_SIZE);
        assert_int_equal(psa_sign_hash(ec, PSA_ALG_ECDSA(PSA_ALG_SHA_384), data, len, out, SBS_SIGNATURE_MAX, &out_len),
                         PSA_SUCCESS);
        return out_len;
    }

    /* DigestInfo and hash: PSA makes the former itself. */
    assert_int_equal(mechanism, CKM_RSA_PKCS);
    assert_int_equal(len, 19 + SBS_HASH_SIZE);
    assert_memory_equal(data, "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30", 19);
    assert_int_equal(psa_sign_hash(rsa, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_384), data + 19, SBS_HASH_SIZE, out,
                                   SBS_SIGNATURE_MAX, &out_len),
                     PSA_SUCCESS);
    return out_len;
}

static int make_keys(void **state) {
    size_t len;
    (void)state;
    if (psa_crypto_init() != PSA_SUCCESS || sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &ec) != SBS_OK ||
        sbs_psa_key_generate(SBS_RS384, 2048, PSA_KEY_ID_NULL, &rsa) != SBS_OK) {
        return 1;
    }

    point[0] = 0x04;
    point[1] = 97;
    assert_int_equal(psa_export_public_key(ec, point + 2, 97, &len), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(rsa, rsa_public, sizeof rsa_public, &rsa_public_len), PSA_SUCCESS);
    memcpy(modulus, rsa_public + 8, 257); /* SEQUENCE 4, INTEGER 4, with its zero in front */
    memcpy(exponent, rsa_public + rsa_public_len - 3, 3);

    void *library = dlopen(SBS_TEST_PKCS11_MODULE, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    module = dlsym(library, "fake");
    return module == NULL;
}

static fake_object ec_private(void) {
    return (fake_object){.is_private = true,
                         .attributes = {{CKA_CLASS, &class_private, sizeof class_private},
                                        {CKA_KEY_TYPE, &type_ec, sizeof type_ec},
                                        {CKA_ID, "\x01\xa3", 2},
                                        {CKA_LABEL, "device", 6}}};
}

static fake_object ec_public(void) {
    return (fake_object){.attributes = {{CKA_CLASS, &class_public, sizeof class_public},
                                        {CKA_KEY_TYPE, &type_ec, sizeof type_ec},
                                        {CKA_ID, "\x01\xa3", 2},
                                        {CKA_LABEL, "device", 6},
                                        {CKA_EC_PARAMS, p384, sizeof p384},
                                        {CKA_EC_POINT, point, sizeof point}}};
}

static fake_object rsa_private(void) {
    fake_object object = ec_private();
    object.attributes[1].data = &type_rsa;
    object.attributes[4] = (fake_attribute){CKA_MODULUS, modulus, sizeof modulus};
    object.attributes[5] = (fake_attribute){CKA_PUBLIC_EXPONENT, exponent, sizeof exponent};
    return object;
}

static int make_token(void **state) {
    (void)state;
    *module = (fake_module){
        .version = {2, 40},
        .tokens = {{"Lab", "17", ' ', CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED},
                   {"Other", "18", '\0', CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED},
                   {"", "19", ' ', 0}},
        .token_count = 3,
        .objects = {ec_private(), ec_public()},
        .pin = PIN,
        .signature_len = 96,
        .mechanism_flags = CKF_SIGN,
        .sign = sign_by_psa,
    };
    assert_int_equal(setenv("TEST_PIN", PIN, 1), 0);
    pins_wiped = 0;
    return 0;
}

static int close_key(void **state) {
    (void)state;
    sbs_pkcs11_key_close(&key);
    assert_true(test_is_zero(key.priv.public_key, sizeof key.priv.public_key));
    return 0;
}

static sbs_status open_uri(const char *uri, bool public_only) {
    static char variable[] = "TEST_PIN";
    sbs_pkcs11_config config = {.uri = uri,
                                .module = SBS_TEST_PKCS11_MODULE,
                                .pin = sbs_pkcs11_pin_from_environment,
                                .pin_ctx = variable,
                                .public_only = public_only};
    return sbs_pkcs11_key_open(&key, &config, &port);
}

static sbs_status sign(void) {
    return port.ops->sign(port.ctx, hash, signature, sizeof signature, &signature_len);
}

static void assert_words(const char *words) {
    if (strstr(sbs_pkcs11_key_words(&key), words) == NULL) {
        fail_msg("'%s' lacks '%s'", sbs_pkcs11_key_words(&key), words);
    }
}

static void assert_signs(void) {
    uint8_t data[SBS_PUBLIC_KEY_MAX];
    size_t len;
    sbs_alg alg;
    assert_int_equal(sign(), SBS_OK);
    assert_int_equal(port.ops->public_key(port.ctx, &alg, data, sizeof data, &len), SBS_OK);
    assert_int_equal(sbs_psa_verify(alg, data, len, hash, signature, signature_len), SBS_OK);
    assert_string_equal(sbs_pkcs11_key_words(&key), "");
}

static void assert_refused(sbs_status status, const char *words) {
    assert_int_equal(open_uri(URI, false), status);
    assert_words(words);
    assert_false(module->in_session);
    assert_false(module->initialised);
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

static void a_p384_key_signs(void **state) {
    (void)state;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_true(port.verify_after_sign);
    assert_signs();
    assert_int_equal(signature_len, 96);
    assert_int_equal(module->calls[FAKE_LOGIN], 1);
    assert_int_equal(pins_wiped, 1);
}

static void an_rsa_key_signs_a_digest_info(void **state) {
    (void)state;
    module->objects[0] = rsa_private();
    module->objects[1] = (fake_object){0};
    assert_int_equal(open_uri("pkcs11:id=%01%A3", true), SBS_ERR_AMBIGUOUS); /* two tokens */
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_signs();
    assert_int_equal(signature_len, 256);
    assert_int_equal(port.ops->sign(port.ctx, hash, signature, 255, &signature_len), SBS_ERR_BUFFER);
    assert_int_equal(key.priv.public_len, rsa_public_len);
    assert_memory_equal(key.priv.public_key, rsa_public, rsa_public_len);
}

/* Attributes have room for eight bytes more than the largest key: what is longer counts as not shown. */
static void numbers_may_have_zeros_in_front(void **state) {
    static uint8_t long_modulus[521], long_exponent[521];
    (void)state;
    memcpy(long_modulus + sizeof long_modulus - sizeof modulus, modulus, sizeof modulus);
    memcpy(long_exponent + sizeof long_exponent - sizeof exponent, exponent, sizeof exponent);
    module->objects[0] = rsa_private();
    module->objects[1] = (fake_object){0};
    module->objects[0].attributes[4] = (fake_attribute){CKA_MODULUS, long_modulus + 1, 520};
    module->objects[0].attributes[5] = (fake_attribute){CKA_PUBLIC_EXPONENT, long_exponent + 1, 520};
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_signs();
    assert_int_equal(key.priv.public_len, rsa_public_len);
    assert_memory_equal(key.priv.public_key, rsa_public, rsa_public_len);
    sbs_pkcs11_key_close(&key);

    module->objects[0].attributes[4] = (fake_attribute){CKA_MODULUS, long_modulus, 521};
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
    module->objects[0].attributes[4] = (fake_attribute){CKA_MODULUS, modulus, sizeof modulus};
    module->objects[0].attributes[5] = (fake_attribute){CKA_PUBLIC_EXPONENT, long_exponent, 521};
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
}

static void points_and_curves_come_in_several_forms(void **state) {
    (void)state;
    module->objects[1].attributes[4] = (fake_attribute){CKA_EC_PARAMS, p384_name, sizeof p384_name};
    module->objects[1].attributes[5] = (fake_attribute){CKA_EC_POINT, point + 2, 97};
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_signs();
    sbs_pkcs11_key_close(&key);
    module->objects[1].attributes[5].len = 96;
    assert_refused(SBS_ERR_KEY, "cannot be used");
    module->objects[1].attributes[4] = (fake_attribute){CKA_EC_PARAMS, p256, sizeof p256};
    assert_refused(SBS_ERR_KEY, "another curve");

    /* A curve that is spelt out, and what is too long to be read. */
    static const uint8_t spelt_out[521] = {0x30};
    module->objects[1].attributes[4] = (fake_attribute){CKA_EC_PARAMS, spelt_out, 520};
    assert_refused(SBS_ERR_KEY, "another curve");
    module->objects[1].attributes[4].len = 521;
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
    module->objects[1].attributes[4] = (fake_attribute){CKA_EC_PARAMS, p384, sizeof p384};
    module->objects[1].attributes[5] = (fake_attribute){CKA_EC_POINT, spelt_out, 520};
    assert_refused(SBS_ERR_KEY, "cannot be used");
    module->objects[1].attributes[5].len = 521;
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
}

static void the_public_key_of_a_certificate_will_do(void **state) {
    static uint8_t der[2048];
    (void)state;
    FILE *file = fopen(SBS_TEST_PKCS11_CERTIFICATE, "rb");
    assert_non_null(file);
    size_t len = fread(der, 1, sizeof der, file);
    (void)fclose(file);
    fake_object certificate = {.attributes = {{CKA_CLASS, &class_certificate, sizeof class_certificate},
                                              {CKA_ID, "\x01\xa3", 2},
                                              {CKA_LABEL, "another label", 13},
                                              {CKA_VALUE, der, len}}};
    module->objects[1] = certificate;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_int_equal(key.priv.alg, SBS_ES384);
    sbs_pkcs11_key_close(&key);
    module->objects[1].attributes[3].len = len - 1;
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
    module->objects[1] = (fake_object){0};
    assert_refused(SBS_ERR_NOT_FOUND, "no public key");
}

static void a_public_key_needs_no_login_where_everybody_sees_it(void **state) {
    (void)state;
    unsetenv("TEST_PIN");
    assert_int_equal(open_uri(URI, true), SBS_OK);
    assert_int_equal(module->calls[FAKE_LOGIN], 0);
    assert_int_equal(sign(), SBS_ERR_KEY);
    sbs_pkcs11_key_close(&key);
    module->objects[1].is_private = true;
    assert_int_equal(open_uri(URI, true), SBS_ERR_NOT_FOUND);
    assert_words("wants a PIN");
    assert_int_equal(setenv("TEST_PIN", PIN, 1), 0);
    assert_int_equal(open_uri(URI, true), SBS_OK);
}

static void a_key_that_wants_its_own_login_gets_it_each_time(void **state) {
    (void)state;
    module->objects[0].attributes[4] = (fake_attribute){CKA_ALWAYS_AUTHENTICATE, &yes, 1};
    module->context_login = true;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_signs();
    assert_signs();
    assert_int_equal(module->calls[FAKE_LOGIN], 3);
    assert_int_equal(pins_wiped, 3);
}

static void the_pin_comes_from_a_file(void **state) {
    char path[] = "/tmp/sbs-pin-XXXXXX";
    char uri[128];
    static const struct {
        const char *text;
        sbs_status status;
    } cases[] = {{PIN, SBS_OK},
                 {PIN "\n", SBS_OK},
                 {PIN "\r\n", SBS_OK},
                 {"", SBS_ERR_NOT_FOUND},
                 {"\n", SBS_ERR_NOT_FOUND},
                 {PIN "\n\n", SBS_ERR_NOT_FOUND},
                 {"a\tb", SBS_ERR_NOT_FOUND}};
    (void)state;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    unsetenv("TEST_PIN");
    (void)snprintf(uri, sizeof uri, URI "?pin-source=file:%s", path);
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        assert_int_equal(ftruncate(descriptor, 0), 0);
        assert_int_equal(pwrite(descriptor, cases[i].text, strlen(cases[i].text), 0), strlen(cases[i].text));
        pins_wiped = 0;
        assert_int_equal(open_uri(uri, false), cases[i].status);
        assert_true(cases[i].status != SBS_OK || pins_wiped >= 2); /* the file's copy, too */
        sbs_pkcs11_key_close(&key);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(open_uri(uri, false), SBS_ERR_NOT_FOUND);
    assert_words("not found");
    assert_int_equal(module->wrong_pins, 0);
}

static void a_keypad_is_used_where_no_pin_is_given(void **state) {
    (void)state;
    unsetenv("TEST_PIN");
    module->pin = NULL;
    assert_refused(SBS_ERR_NOT_FOUND, "wants a PIN");
    module->tokens[0].flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_int_equal(module->calls[FAKE_LOGIN], 1);
    sbs_pkcs11_key_close(&key);
    module->tokens[0].flags = CKF_TOKEN_INITIALIZED;
    assert_int_equal(open_uri(URI, false), SBS_ERR_NOT_FOUND); /* nobody logs in where no login is wanted */
    module->objects[0].is_private = false;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_int_equal(module->calls[FAKE_LOGIN], 1);
}

/* ---- what is refused -----------------------------------------------------------------------------------------------
 */

static void a_wrong_pin_is_tried_once_and_never_as_the_last_try(void **state) {
    (void)state;
    assert_int_equal(setenv("TEST_PIN", "wrong", 1), 0);
    assert_refused(SBS_ERR_KEY, "few tries may be left");
    assert_int_equal(module->wrong_pins, 1);
    assert_refused(SBS_ERR_KEY, "one try is left before it locks");
    assert_int_equal(module->wrong_pins, 2);
    assert_refused(SBS_ERR_KEY, "left to you");
    assert_int_equal(module->wrong_pins, 2);
    module->tokens[0].flags |= CKF_USER_PIN_LOCKED;
    assert_refused(SBS_ERR_KEY, "locked");
    assert_int_equal(module->calls[FAKE_LOGIN], 2);
    assert_null(strstr(sbs_pkcs11_key_words(&key), "wrong"));

    /* Of a token that does not tell, nobody knows whether it is the last one. */
    make_token(NULL);
    assert_int_equal(setenv("TEST_PIN", "wrong", 1), 0);
    module->answers[FAKE_GET_TOKEN_INFO] = CKR_DEVICE_ERROR;
    module->fail_at[FAKE_GET_TOKEN_INFO] = 4; /* behind the three of the search */
    assert_refused(SBS_ERR_CRYPTO, "C_GetTokenInfo");
    assert_int_equal(module->calls[FAKE_LOGIN], 0);
}

static void a_pin_that_was_changed_meanwhile_is_not_tried_again(void **state) {
    (void)state;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    module->answers[FAKE_SIGN] = CKR_DEVICE_REMOVED;
    module->pin = "new";
    assert_int_equal(sign(), SBS_ERR_KEY);
    assert_int_equal(module->wrong_pins, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sign(), SBS_ERR_KEY);
        assert_words("not tried again");
    }
    assert_int_equal(module->wrong_pins, 1);
}

static void one_token_must_match(void **state) {
    (void)state;
    assert_int_equal(open_uri("pkcs11:object=device", false), SBS_ERR_AMBIGUOUS);
    assert_words("2 tokens match");
    assert_words("'Lab' 'Other'");
    assert_int_equal(open_uri("pkcs11:object=device;token=Labx", false), SBS_ERR_NOT_FOUND);
    assert_words("not there; there are: 'Lab' 'Other'");
    assert_int_equal(open_uri("pkcs11:object=device;serial=17;manufacturer=Fake;model=F1;slot-id=1", false), SBS_OK);
    sbs_pkcs11_key_close(&key);
    assert_int_equal(open_uri("pkcs11:object=device;token=Other", false), SBS_OK); /* padded with NULs */
    sbs_pkcs11_key_close(&key);
    assert_int_equal(open_uri("pkcs11:object=device;serial=17;slot-id=2", false), SBS_ERR_NOT_FOUND);

    /* Of one that tells nothing of itself nothing is known: not what the one before it told. */
    module->silent_slot = 2;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    sbs_pkcs11_key_close(&key);
    module->token_count = 0;
    assert_refused(SBS_ERR_NOT_FOUND, "has no token");
    module->token_count = 1;
    module->tokens[0].label = "\033[31m";
    assert_refused(SBS_ERR_NOT_FOUND, "'?[31m'");
}

static void one_key_must_match(void **state) {
    (void)state;
    module->objects[2] = ec_private();
    module->one_object_a_call = true;
    assert_refused(SBS_ERR_AMBIGUOUS, "more than one private key");
    module->objects[2].attributes[2] = (fake_attribute){CKA_ID, "\x02", 1};
    assert_int_equal(open_uri("pkcs11:token=Lab;object=device;id=%01%a3", false), SBS_OK);
    sbs_pkcs11_key_close(&key);
    assert_int_equal(open_uri("pkcs11:token=Lab;object=none", false), SBS_ERR_NOT_FOUND);
    assert_words("no such private key");
    module->objects[0].attributes[1].data = &type_other;
    module->objects[2] = (fake_object){0};
    assert_refused(SBS_ERR_KEY, "neither RSA nor EC");
}

static void a_module_must_be_named_and_be_one(void **state) {
    static const struct {
        const char *uri, *module, *words;
        sbs_status status;
    } cases[] = {
        {"pkcs11:object=a", NULL, "no module is named", SBS_ERR_NOT_FOUND},
        {"pkcs11:object=a", "", "no module is named", SBS_ERR_NOT_FOUND},
        {"pkcs11:object=a", "fake.so", "not an absolute path", SBS_ERR_FORMAT},
        {"pkcs11:object=a", "/nowhere/fake.so", "cannot be loaded", SBS_ERR_NOT_FOUND},
        {"pkcs11:object=a?module-name=sbs-none", NULL, "no module sbs-none", SBS_ERR_NOT_FOUND},
        {"pkcs11:object=a?module-path=/nowhere.so", SBS_TEST_PKCS11_MODULE, "cannot be loaded", SBS_ERR_NOT_FOUND},
        {"pkcs11:object=a?module-path=/etc/passwd", NULL, "cannot be loaded", SBS_ERR_NOT_FOUND},
        {"pkcs11:a", SBS_TEST_PKCS11_MODULE, "the part before ?", SBS_ERR_FORMAT},
    };
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(cases); i++) {
        sbs_pkcs11_config config = {.uri = cases[i].uri, .module = cases[i].module};
        assert_int_equal(sbs_pkcs11_key_open(&key, &config, &port), cases[i].status);
        assert_words(cases[i].words);
    }
    module->version.major = 1;
    assert_refused(SBS_ERR_NOT_FOUND, "version 2 or 3");
    module->version.major = 3;
    assert_int_equal(open_uri(URI, false), SBS_OK);
}

static void answers_of_a_hostile_module_are_bounded(void **state) {
    (void)state;
    module->told_slots = 65;
    assert_refused(SBS_ERR_CRYPTO, "more than 64 tokens");
    module->told_slots = ~0ul;
    assert_refused(SBS_ERR_CRYPTO, "more than 64 tokens");
    module->told_slots = 0;
    module->told_found = 5;
    assert_refused(SBS_ERR_CRYPTO, "more objects than were asked for");
    module->told_found = ~0ul - 2;
    assert_refused(SBS_ERR_CRYPTO, "more objects than were asked for");
    module->told_found = 0;
    module->told_length = 100000;
    assert_refused(SBS_ERR_KEY, "kind of the key");
    module->told_length = CK_UNAVAILABLE;
    assert_refused(SBS_ERR_KEY, "kind of the key");
    module->told_length = 0;
    module->mechanism_flags = 0;
    assert_refused(SBS_ERR_KEY, "CKM_ECDSA");
    module->mechanism_flags = CKF_SIGN;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    module->sign = NULL;
    for (module->signature_len = 94; module->signature_len < 99; module->signature_len++) {
        assert_int_equal(sign(), module->signature_len == 96 ? SBS_OK : SBS_ERR_CRYPTO);
    }
    module->signature_len = ~0ul;
    assert_int_equal(sign(), SBS_ERR_CRYPTO);
}

/* Whatever fails at whichever call, nothing is left open, and words say what it was. */
static void each_call_may_fail(void **state) {
    static const CK_RV answers[] = {CKR_GENERAL_ERROR, CKR_HOST_MEMORY, CKR_SESSION_HANDLE_INVALID, 0x80000001ul};
    (void)state;
    for (int call = FAKE_INITIALIZE; call < FAKE_SIGN_INIT; call++) {
        for (size_t i = 0; i < SBS_COUNT_OF(answers); i++) {
            make_token(NULL);
            module->answers[call] = answers[i];
            sbs_status status = open_uri(URI, false);
            bool harmless = call == FAKE_FINALIZE || call == FAKE_CLOSE_SESSION || call == FAKE_FIND_FINAL;
            assert_true((status == SBS_OK) == harmless);
            assert_true((sbs_pkcs11_key_words(&key)[0] == '\0') == harmless);
            sbs_pkcs11_key_close(&key);
            assert_int_equal(module->calls[FAKE_FINALIZE], call == FAKE_INITIALIZE ? 0 : 1);
        }
    }
}

/* ---- sessions that end ----------------------------------------------------------------------------------------------
 */

static void a_lost_session_is_begun_anew_once(void **state) {
    static const CK_RV answers[] = {CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED,     CKR_TOKEN_NOT_PRESENT,
                                    CKR_SESSION_CLOSED,         CKR_USER_NOT_LOGGED_IN, CKR_CRYPTOKI_NOT_INITIALIZED};
    static const fake_call calls[] = {FAKE_SIGN_INIT, FAKE_SIGN};
    (void)state;
    for (size_t i = 0; i < SBS_COUNT_OF(answers) * 2; i++) {
        fake_call call = calls[i % 2];
        make_token(NULL);
        assert_int_equal(open_uri(URI, false), SBS_OK);
        module->answers[call] = answers[i / 2];
        module->fail_at[call] = 1;
        assert_signs();
        assert_int_equal(module->calls[FAKE_LOGIN], 2);
        module->fail_at[call] = 0;
        unsigned before = module->calls[FAKE_SIGN_INIT];
        assert_int_equal(sign(), SBS_ERR_KEY);
        assert_int_equal(module->calls[FAKE_SIGN_INIT], before + 2);
        module->answers[call] = CKR_OK;
        assert_signs();
        sbs_pkcs11_key_close(&key);
    }
}

static void a_token_that_comes_back_with_another_key_is_refused(void **state) {
    static uint8_t other[99];
    psa_key_id_t id;
    size_t len;
    (void)state;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &id), SBS_OK);
    memcpy(other, point, 2);
    assert_int_equal(psa_export_public_key(id, other + 2, 97, &len), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    module->objects[1].attributes[5].data = other;
    module->answers[FAKE_SIGN_INIT] = CKR_DEVICE_REMOVED;
    module->fail_at[FAKE_SIGN_INIT] = 1;
    assert_int_equal(sign(), SBS_ERR_KEY);
    assert_words("another key");
    assert_memory_equal(key.priv.public_key, point + 2, 97);
}

static void a_token_that_is_gone_is_told(void **state) {
    (void)state;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    module->answers[FAKE_SIGN_INIT] = CKR_DEVICE_REMOVED;
    module->token_count = 0;
    assert_int_equal(sign(), SBS_ERR_KEY);
    assert_words("has no token");
    assert_false(module->in_session);

    /* The number of the session that ended may be another's: nothing is asked of it before there is a new one. */
    unsigned before = module->calls[FAKE_SIGN_INIT];
    assert_int_equal(sign(), SBS_ERR_KEY);
    assert_int_equal(module->calls[FAKE_SIGN_INIT], before);
    module->token_count = 3;
    module->answers[FAKE_SIGN_INIT] = CKR_OK;
    assert_signs();
}

static void the_module_of_somebody_else_is_not_ended(void **state) {
    (void)state;
    module->other_user = true;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    module->answers[FAKE_LOGIN] = CKR_OK;
    sbs_pkcs11_key_close(&key);
    assert_int_equal(module->calls[FAKE_FINALIZE], 0);
}

static void a_child_does_not_use_its_parent_s_session(void **state) {
    (void)state;
    assert_int_equal(open_uri(URI, false), SBS_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned before = module->calls[FAKE_SIGN_INIT];
        bool right = sign() == SBS_ERR_KEY && module->calls[FAKE_SIGN_INIT] == before;
        sbs_pkcs11_key_close(&key);
        _exit(right && module->calls[FAKE_CLOSE_SESSION] == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_signs();
}

#define KEY_TEST(name) cmocka_unit_test_setup_teardown(name, make_token, close_key)

int main(void) {
    const struct CMUnitTest tests[] = {
        KEY_TEST(a_p384_key_signs),
        KEY_TEST(an_rsa_key_signs_a_digest_info),
        KEY_TEST(numbers_may_have_zeros_in_front),
        KEY_TEST(points_and_curves_come_in_several_forms),
        KEY_TEST(the_public_key_of_a_certificate_will_do),
        KEY_TEST(a_public_key_needs_no_login_where_everybody_sees_it),
        KEY_TEST(a_key_that_wants_its_own_login_gets_it_each_time),
        KEY_TEST(the_pin_comes_from_a_file),
        KEY_TEST(a_keypad_is_used_where_no_pin_is_given),
        KEY_TEST(a_wrong_pin_is_tried_once_and_never_as_the_last_try),
        KEY_TEST(a_pin_that_was_changed_meanwhile_is_not_tried_again),
        KEY_TEST(one_token_must_match),
        KEY_TEST(one_key_must_match),
        KEY_TEST(a_module_must_be_named_and_be_one),
        KEY_TEST(answers_of_a_hostile_module_are_bounded),
        KEY_TEST(each_call_may_fail),
        KEY_TEST(a_lost_session_is_begun_anew_once),
        KEY_TEST(a_token_that_comes_back_with_another_key_is_refused),
        KEY_TEST(a_token_that_is_gone_is_told),
        KEY_TEST(the_module_of_somebody_else_is_not_ended),
        KEY_TEST(a_child_does_not_use_its_parent_s_session),
    };
    return cmocka_run_group_tests(tests, make_keys, NULL);
}
