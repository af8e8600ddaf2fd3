/* SPDX-License-Identifier: Apache-2.0 */
/* PSA Internal Trusted Storage on flash. The functions get other names here, as the program links those of Linux. */
#define psa_its_set flash_its_set
#define psa_its_get flash_its_get
#define psa_its_get_info flash_its_get_info
#define psa_its_remove flash_its_remove

#include <string.h>

#include "../../platform/flash/its/flash_its.c"
#include "flash_sim.h"
#include "test.h"

static flash_sim sim;
static sbs_flash_storage storage;

static int set_up(void **state) {
    (void)state;
    flash_sim_init(&sim, 4096, 4, 4, 5);
    assert_int_equal(sbs_flash_storage_mount(&storage, &sim.flash), SBS_OK);
    sbs_flash_its_use(&storage);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    flash_sim_free(&sim);
    sbs_flash_its_use(NULL);
    return 0;
}

static void what_was_set_comes_back(void **state) {
    (void)state;
    uint8_t key[1300], got[1300];
    size_t len = 0;
    struct psa_storage_info_t info;
    memset(key, 0x3C, sizeof key);
    assert_int_equal(psa_its_get_info(0x10, &info), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_set(0x10, sizeof key, key, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(0x10, &info), PSA_SUCCESS);
    assert_int_equal(info.size, sizeof key);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_NONE);
    assert_int_equal(sbs_flash_storage_mount(&storage, &sim.flash), SBS_OK);
    assert_int_equal(psa_its_get(0x10, 0, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(len, sizeof key);
    assert_memory_equal(got, key, sizeof key);
    assert_int_equal(psa_its_get(0x10, 1290, 100, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 10);
    assert_int_equal(psa_its_get(0x10, 1300, 1, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 0);
    assert_int_equal(psa_its_get(0x10, 1301, 1, got, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_remove(0x10), PSA_SUCCESS);
    assert_int_equal(psa_its_remove(0x10), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get(0x10, 0, 1, got, &len), PSA_ERROR_DOES_NOT_EXIST);
    for (uint32_t at = 0; at + 16u <= sim.size; at++) {
        assert_memory_not_equal(sim.data + at, key, 16); /* erased, not only forgotten */
    }
}

static void wrong_arguments_are_refused(void **state) {
    (void)state;
    static uint8_t large[5000];
    uint8_t byte = 1;
    size_t len = 0;
    assert_int_equal(psa_its_set(0, 1, &byte, PSA_STORAGE_FLAG_NONE), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(1, 1, NULL, PSA_STORAGE_FLAG_NONE), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(1, 1, &byte, 0x80), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_its_set(1, sizeof large, large, PSA_STORAGE_FLAG_NONE), PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_its_set(2, 1, &byte, PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_its_set(2, 1, &byte, PSA_STORAGE_FLAG_NONE), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_remove(2), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_get(2, 0, 1, &byte, &len), PSA_SUCCESS);
    assert_int_equal(len, 1);
    sbs_flash_its_use(NULL);
    assert_int_equal(psa_its_set(3, 1, &byte, PSA_STORAGE_FLAG_NONE), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_get(2, 0, 1, &byte, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_remove(2), PSA_ERROR_STORAGE_FAILURE);
}

/* A damaged key is said to be so, and can be replaced and removed. */
static void a_damaged_record_is_told(void **state) {
    (void)state;
    uint8_t key[64], got[64];
    size_t len = 0;
    memset(key, 0x99, sizeof key);
    assert_int_equal(psa_its_set(7, sizeof key, key, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    for (uint32_t at = 0; at + sizeof key <= sim.size; at++) {
        if (memcmp(sim.data + at, key, sizeof key) == 0) {
            flash_sim_flip(&sim, at + 30u, 1);
        }
    }
    assert_int_equal(psa_its_get(7, 0, sizeof got, got, &len), PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(psa_its_set(7, sizeof key, key, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    assert_int_equal(psa_its_get(7, 0, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(psa_its_remove(7), PSA_SUCCESS);
}

/* The record's name is the id in hexadecimal, before the key stand its flags: every later version reads it. */
static void a_key_is_stored_as_version_1_wrote_it(void **state) {
    static const uint8_t expected[] = {PSA_STORAGE_FLAG_WRITE_ONCE, 0, 0, 0, 'k', 'e', 'y'};
    static const uint8_t older[] = {0, 0, 0, 0, 'o', 'l', 'd'};
    uint8_t got[16];
    size_t len = 0;
    (void)state;
    assert_int_equal(psa_its_set(UINT64_C(0x1234567890ABCDEF), 3, "key", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    sbs_storage port = sbs_flash_storage_port(&storage);
    assert_int_equal(port.ops->get(port.ctx, "its-1234567890abcdef", got, sizeof got, &len), SBS_OK);
    assert_int_equal(len, sizeof expected);
    assert_memory_equal(got, expected, sizeof expected);

    assert_int_equal(port.ops->set(port.ctx, "its-00000000000000ff", older, sizeof older), SBS_OK);
    assert_int_equal(psa_its_get(0xFF, 0, sizeof got, got, &len), PSA_SUCCESS);
    assert_int_equal(len, 3);
    assert_memory_equal(got, "old", 3);

    /* A record without flags is none of these. */
    struct psa_storage_info_t info;
    assert_int_equal(port.ops->set(port.ctx, "its-00000000000000fe", older, 3), SBS_OK);
    assert_int_equal(psa_its_get_info(0xFE, &info), PSA_ERROR_DATA_CORRUPT);
    assert_int_equal(port.ops->set(port.ctx, "its-00000000000000fe", older, 4), SBS_OK);
    assert_int_equal(psa_its_get_info(0xFE, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 0);
}

static void a_failing_device_is_told(void **state) {
    uint8_t byte = 1;
    size_t len = 0;
    struct psa_storage_info_t info;
    (void)state;
    assert_int_equal(psa_its_set(5, 1, &byte, PSA_STORAGE_FLAG_NONE), PSA_SUCCESS);
    sim.failing = true;
    assert_int_equal(psa_its_get_info(5, &info), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_get(5, 0, 1, &byte, &len), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(len, 1); /* what was wanted: see psa_its_get() */
    assert_int_equal(psa_its_set(5, 1, &byte, PSA_STORAGE_FLAG_NONE), PSA_ERROR_STORAGE_FAILURE);
    assert_int_equal(psa_its_remove(5), PSA_ERROR_STORAGE_FAILURE);
    sim.failing = false;
    assert_int_equal(psa_its_get_info(5, NULL), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(5, 0, 1, NULL, &len), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(5, 0, 1, &byte, NULL), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(5, 0, 1, &byte, &len), PSA_SUCCESS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_set_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_arguments_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_record_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_stored_as_version_1_wrote_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_failing_device_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
