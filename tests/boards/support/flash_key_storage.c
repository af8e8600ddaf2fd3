/* SPDX-License-Identifier: Apache-2.0 */

#include "key_storage.h"
#include "sbs/board.h"
#include "sbs/flash_storage.h"
#include "test.h"

static sbs_flash_storage storage;

void key_storage_open(void) {
    assert_non_null(sbs_board_storage_flash());
    assert_int_equal(sbs_flash_storage_mount(&storage, sbs_board_storage_flash()), SBS_OK);
    sbs_flash_its_use(&storage);
}

void key_storage_close(void) {
    sbs_flash_its_use(NULL);
}
