/* SPDX-License-Identifier: Apache-2.0 */
/* PSA's key storage on a folder: the functions of the PSA Storage API, and keys that outlive the library's restart. */
#include <psa/internal_trusted_storage.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sbs/count.h"
#include "sbs/linux_storage.h"
#include "sbs/mbedtls_platform.h"
#include "sbs/psa_key.h"
#include "test.h"
#include "test_folder.h"

#define KEY_ID 0x1234u

static char *folder;

static int set_up(void **state) {
    (void)state;
    folder = test_folder_make(NULL);
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    mbedtls_psa_crypto_free();
    sbs_linux_its_close();
    sbs_linux_its_close();
    test_folder_remove(folder);
    return 0;
}

/* As if the program had started anew. */
static void restart(void) {
    mbedtls_psa_crypto_free();
    sbs_linux_its_close();
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
    assert_int_equal(sbs_mbedtls_init(NULL), SBS_OK);
}

static void entries_are_kept_and_read_in_parts(void **state) {
    struct psa_storage_info_t info;
    char back[16] = {0};
    size_t len;
    (void)state;
    assert_int_equal(psa_its_get_info(7, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_remove(7), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get(7, 0, 4, back, &len), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(7, 10, "0123456789", PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    restart();
    assert_int_equal(psa_its_get_info(7, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 10);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_NONE);
    assert_int_equal(psa_its_get(7, 0, 10, back, &len), PSA_SUCCESS);
    assert_int_equal(len, 10);
    assert_string_equal(back, "0123456789");
    assert_int_equal(psa_its_get(7, 8, 10, back, &len), PSA_SUCCESS);
    assert_int_equal(len, 2);
    assert_memory_equal(back, "892", 3);
    assert_int_equal(psa_its_get(7, 10, 10, back, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(psa_its_get(7, 11, 1, back, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(7, UINT32_MAX, UINT32_MAX, back, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(7, 0, NULL, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(7, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 0);
    assert_int_equal(psa_its_remove(7), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(7, &info), PSA_ERROR_DOES_NOT_EXIST);
}

static void ids_of_64_bits_are_kept_apart(void **state) {
    static const psa_storage_uid_t ids[] = {1, 0x100000001, 0xffffffffffffffff, 0xffffffff00000001, 0x10};
    (void)state;
    for (unsigned i = 0; i < SBS_COUNT_OF(ids); i++) {
        assert_int_equal(psa_its_set(ids[i], sizeof i, &i, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    }
    for (unsigned i = 0; i < SBS_COUNT_OF(ids); i++) {
        unsigned back = 99;
        size_t len;
        assert_int_equal(psa_its_get(ids[i], 0, sizeof back, &back, &len), PSA_SUCCESS);
        assert_int_equal(back, i);
    }
}

static void what_is_too_long_is_refused_before_it_is_read(void **state) {
    (void)state;
    assert_int_equal(psa_its_set(9, UINT32_MAX, "x", PSA_STORAGE_FLAG_NONE), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(9, SBS_LINUX_RECORD_MAX - 3, "x", PSA_STORAGE_FLAG_NONE), PSA_ERROR_INVALID_ARGUMENT);
}

static void what_is_written_once_stays(void **state) {
    struct psa_storage_info_t info;
    (void)state;
    assert_int_equal(psa_its_set(5, 3, "abc", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_its_set(5, 3, "xyz", PSA_STORAGE_FLAG_NONE), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_remove(5), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_get_info(5, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
}

static void sign_with(psa_key_id_t id, size_t expected_len) {
    const uint8_t hash[SBS_HASH_SIZE] = {4};
    uint8_t signature[SBS_SIGNATURE_MAX];
    size_t len = 0;
    sbs_psa_key key_state;
    sbs_key key;
    sbs_psa_key_init(&key_state, id, &key);
    assert_int_equal(key.ops->sign(key.ctx, hash, signature, sizeof signature, &len), SBS_OK);
    assert_int_equal(len, expected_len);
}

static void keys_outlive_a_restart(void **state) {
    psa_key_id_t id;
    (void)state;
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, KEY_ID, &id), SBS_OK);
    assert_int_equal(sbs_psa_key_generate(SBS_RS384, 2048, KEY_ID + 1, &id), SBS_OK);
    restart();
    sign_with(KEY_ID, 96);
    sign_with(KEY_ID + 1, 256);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, KEY_ID, &id), SBS_ERR_STATE);
    assert_int_equal(psa_destroy_key(KEY_ID), PSA_SUCCESS);
    restart();
    sign_with(KEY_ID + 1, 256);
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    assert_int_equal(psa_get_key_attributes(KEY_ID, &attributes), PSA_ERROR_INVALID_HANDLE);
}

static void a_damaged_key_is_told_and_kept(void **state) {
    char path[4096];
    psa_key_id_t id;
    size_t len, after_len;
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    (void)state;
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, KEY_ID, &id), SBS_OK);
    assert_true(snprintf(path, sizeof path, "%s/its-0000000000001234", folder) > 0);
    char *file = test_folder_load(folder, "its-0000000000001234", &len);
    file[len / 2] ^= 1;
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file, 1, len, out), len);
    assert_int_equal(fclose(out), 0);
    restart();
    assert_int_equal(psa_get_key_attributes(KEY_ID, &attributes), PSA_ERROR_DATA_CORRUPT);
    assert_int_not_equal(sbs_psa_key_generate(SBS_ES384, 0, KEY_ID, &id), SBS_OK);
    char *after = test_folder_load(folder, "its-0000000000001234", &after_len);
    assert_int_equal(after_len, len);
    assert_memory_equal(after, file, len);
    free(after);
    free(file);
    /* Somebody who means it can be rid of it. */
    assert_int_equal(psa_its_remove(KEY_ID), PSA_SUCCESS);
    assert_int_equal(access(path, F_OK), -1);
}

static void without_a_folder_there_are_volatile_keys_only(void **state) {
    struct psa_storage_info_t info;
    psa_key_id_t id;
    (void)state;
    assert_int_equal(sbs_linux_its_open(folder), SBS_ERR_STATE);
    sbs_linux_its_close();
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(1, 1, "x", PSA_STORAGE_FLAG_NONE), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, KEY_ID, &id), SBS_ERR_STORAGE);
    assert_int_equal(sbs_psa_key_generate(SBS_ES384, 0, PSA_KEY_ID_NULL, &id), SBS_OK);
    sign_with(id, 96);
    assert_int_equal(psa_destroy_key(id), PSA_SUCCESS);
    assert_int_equal(sbs_linux_its_open("/nonexistent/folder"), SBS_ERR_STORAGE);
    assert_int_equal(sbs_linux_its_open(folder), SBS_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_are_kept_and_read_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ids_of_64_bits_are_kept_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_refused_before_it_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_once_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_outlive_a_restart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_key_is_told_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_folder_there_are_volatile_keys_only, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
