/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's keys: made once, exchanged without a gap, and still there after a restart. */
#include "sbs/gateway_key.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../pkcs11/fake_module.h"
#include "sbs/mbedtls_platform.h"
#include "test.h"
#include "test_folder.h"

static sbs_gateway_keys keys;
static char *folder;
static char path[256];

static int set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    (void)snprintf(path, sizeof path, "%s/keys", folder);
    return sbs_mbedtls_init(NULL) == SBS_OK ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    sbs_gateway_keys_close(&keys);
    test_folder_remove(folder);
    return 0;
}

static void open_keys(bool made) {
    bool is_made;
    assert_int_equal(sbs_gateway_keys_open(&keys, path, SBS_ES384, &is_made), SBS_OK);
    assert_int_equal(is_made, made);
}

/* The JWK Set as text; its kids are thumbprints. */
static const char *set_of(bool set) {
    static char text[4096];
    sbs_writer out;
    size_t len = 0;
    sbs_writer_init(&out, text, sizeof text - 1);
    assert_int_equal(sbs_gateway_keys_put(&keys, NULL, set, &out), SBS_OK);
    assert_int_equal(sbs_writer_finish(&out, &len), SBS_OK);
    text[len] = '\0';
    return text;
}

static unsigned count_of(const char *text, const char *word) {
    unsigned count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

static void a_key_is_made_once(void **state) {
    char first[SBS_KID_THUMBPRINT_LEN + 1], second[SBS_KID_THUMBPRINT_LEN + 1];
    (void)state;
    open_keys(true);
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, first), SBS_OK);
    assert_int_equal(strlen(first), SBS_KID_THUMBPRINT_LEN);
    sbs_gateway_keys_close(&keys);

    open_keys(false);
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, second), SBS_OK);
    assert_string_equal(first, second);
    assert_null(strstr(set_of(true), "\"d\""));
}

static void while_keys_are_exchanged_both_stand_in_the_set_and_the_old_one_signs(void **state) {
    char old[SBS_KID_THUMBPRINT_LEN + 1], now[SBS_KID_THUMBPRINT_LEN + 1];
    (void)state;
    open_keys(true);
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, old), SBS_OK);
    assert_int_equal(sbs_gateway_keys_confirm(&keys), SBS_ERR_NOT_FOUND);
    assert_int_equal(sbs_gateway_keys_rotate(&keys, SBS_ES384), SBS_OK);
    assert_int_equal(sbs_gateway_keys_rotate(&keys, SBS_ES384), SBS_ERR_STATE);
    assert_int_equal(count_of(set_of(true), "\"kid\""), 2);
    assert_int_equal(count_of(set_of(false), "\"kid\""), 1);
    assert_null(strstr(set_of(false), old)); /* the one to register next */

    /* Also after a restart. */
    sbs_gateway_keys_close(&keys);
    open_keys(false);
    assert_true(sbs_gateway_keys_is_rotating(&keys));
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, now), SBS_OK);
    assert_string_equal(now, old);

    assert_int_equal(sbs_gateway_keys_confirm(&keys), SBS_OK);
    assert_int_equal(count_of(set_of(true), "\"kid\""), 1);
    assert_null(strstr(set_of(true), old));
}

static void the_port_signs_with_the_new_key_once_it_is_confirmed(void **state) {
    uint8_t hash[SBS_HASH_SIZE] = {1}, signature[SBS_SIGNATURE_MAX], public_key[SBS_PUBLIC_KEY_MAX];
    size_t len = 0, public_len = 0;
    sbs_key port;
    sbs_alg alg;
    (void)state;
    open_keys(true);
    sbs_gateway_keys_port(&keys, &port);
    assert_int_equal(sbs_gateway_keys_rotate(&keys, SBS_ES384), SBS_OK);
    assert_int_equal(sbs_gateway_keys_confirm(&keys), SBS_OK);
    assert_int_equal(port.ops->public_key(port.ctx, &alg, public_key, sizeof public_key, &public_len), SBS_OK);
    assert_int_equal(port.ops->sign(port.ctx, hash, signature, sizeof signature, &len), SBS_OK);
    assert_int_equal(sbs_psa_verify(alg, public_key, public_len, hash, signature, len), SBS_OK);
}

static void a_damaged_list_makes_no_key(void **state) {
    char record[300];
    (void)state;
    open_keys(true);
    sbs_gateway_keys_close(&keys);

    (void)snprintf(record, sizeof record, "%s/gateway-keys", path);
    FILE *file = fopen(record, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -1, SEEK_END), 0);
    assert_int_equal(fputc('x', file), 'x');
    assert_int_equal(fclose(file), 0);
    assert_int_equal(sbs_gateway_keys_open(&keys, path, SBS_ES384, NULL), SBS_ERR_DAMAGED);
}

static void a_pin_that_a_token_refused_is_not_tried_again_before_the_token_is_left(void **state) {
    static const char uri[] = "pkcs11:object=device?module-path=" SBS_TEST_PKCS11_MODULE;
    char thumbprint[SBS_KID_THUMBPRINT_LEN + 1];
    (void)state;
    void *library = dlopen(SBS_TEST_PKCS11_MODULE, RTLD_NOW | RTLD_LOCAL);
    assert_non_null(library);
    fake_module *module = dlsym(library, "fake");
    assert_non_null(module);
    *module = (fake_module){
        .version = {2, 40},
        .tokens = {{"Lab", "17", ' ', CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED}},
        .token_count = 1,
        .pin = "right",
    };
    assert_int_equal(setenv("SBS_PKCS11_PIN", "wrong", 1), 0);

    open_keys(true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sbs_gateway_keys_use(&keys, uri), SBS_ERR_KEY);
        assert_int_equal(module->calls[FAKE_LOGIN], 1);
    }
    assert_true(sbs_gateway_keys_pin_was_refused(&keys));
    assert_non_null(strstr(sbs_gateway_keys_words(&keys), "the PIN is wrong"));
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, thumbprint), SBS_ERR_KEY); /* and not that of another key */

    sbs_gateway_keys_leave_token(&keys);
    assert_int_equal(sbs_gateway_keys_thumbprint(&keys, thumbprint), SBS_OK);
    assert_int_equal(sbs_gateway_keys_use(&keys, uri), SBS_ERR_KEY);
    assert_int_equal(module->calls[FAKE_LOGIN], 2);

    /* The rest may be tried again and again: nothing is asked of a token that is not there. */
    module->token_count = 0;
    sbs_gateway_keys_leave_token(&keys);
    assert_int_equal(sbs_gateway_keys_use(&keys, uri), SBS_ERR_NOT_FOUND);
    assert_false(sbs_gateway_keys_pin_was_refused(&keys));
    assert_int_equal(sbs_gateway_keys_use(&keys, uri), SBS_ERR_NOT_FOUND);
    assert_int_equal(module->calls[FAKE_LOGIN], 2);
    assert_int_equal(dlclose(library), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_keys_are_exchanged_both_stand_in_the_set_and_the_old_one_signs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_port_signs_with_the_new_key_once_it_is_confirmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_list_makes_no_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pin_that_a_token_refused_is_not_tried_again_before_the_token_is_left, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
