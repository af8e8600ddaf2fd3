/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's keys: made once, exchanged without a gap, and still there after a restart. */
#include "sbs/gateway_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_made_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_keys_are_exchanged_both_stand_in_the_set_and_the_old_one_signs, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_port_signs_with_the_new_key_once_it_is_confirmed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_list_makes_no_key, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
